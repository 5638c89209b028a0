//! What is printed when a file was carried out: a table for people, or JSON.

use super::plan::Plan;
use super::task::Done;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::time::Duration;

#[derive(Debug, Serialize)]
pub struct Report {
    pub name: String,
    /// Its id. It is gone by now, unless it was to be kept.
    pub workspace: String,
    /// Whether every task of the file was done.
    pub success: bool,
    pub wall_ms: f64,
    pub tasks: Vec<Done>,
    #[serde(skip)]
    wanted: usize,
}

impl Report {
    pub fn new(workspace: &str, plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            workspace: workspace.to_owned(),
            success: false,
            wall_ms: 0.0,
            tasks: Vec::new(),
            wanted: plan.tasks.len(),
        }
    }

    pub fn finish(&mut self, wall: Duration) {
        self.wall_ms = (wall.as_secs_f64() * 1e6).round() / 1e3;
        self.success =
            self.tasks.len() == self.wanted && self.tasks.iter().all(|task| task.success);
    }

    /// Prints it. The outputs of tasks that failed are in it always.
    pub fn print(&self, output: Output, outputs: bool) -> Result<()> {
        output.print(self, |report| report.text(outputs))
    }

    fn text(&self, outputs: bool) -> String {
        let mut text = String::new();
        for task in self.tasks.iter().filter(|task| outputs || !task.success) {
            text.push_str(&outputs_of(task));
        }
        text.push_str(&self.table().to_string());
        let done = self.tasks.iter().filter(|task| task.success).count();
        text.push_str(&format!(
            "{done} of {} tasks done in {}\n",
            self.wanted,
            output::time(self.wall_ms)
        ));
        text
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "TASK",
            "RESULT",
            "EXIT",
            "WALL",
            "CPU",
            "MEMORY",
            "ARTIFACTS",
        ]);
        for task in &self.tasks {
            let measured = |name: &str| task.result.as_ref().map(|result| &result[name]);
            let time = |name| {
                measured(name)
                    .and_then(|value| value.as_f64())
                    .map_or("-".to_owned(), output::time)
            };
            let memory = measured("peak_memory_bytes").and_then(|value| value.as_u64());
            table.row([
                task.name.clone(),
                if task.success { "done" } else { "FAILED" }.to_owned(),
                measured("exit_code").map_or("-".to_owned(), ToString::to_string),
                time("wall_ms"),
                time("cpu_ms"),
                memory.map_or("-".to_owned(), output::size),
                task.artifacts
                    .iter()
                    .map(|fetched| fetched.downloaded.files)
                    .sum::<u64>()
                    .to_string(),
            ]);
        }
        table
    }
}

/// A task's outputs as it wrote them, but for what would command the terminal.
fn outputs_of(task: &Done) -> String {
    let mut text = format!("── {}\n", output::harmless(&task.name));
    for name in ["stdout", "stderr"] {
        let shown = task
            .result
            .as_ref()
            .and_then(|result| result[name].as_str())
            .unwrap_or_default();
        for line in shown.lines() {
            // A tab is harmless and means something.
            let cells: Vec<String> = line.split('\t').map(output::harmless).collect();
            text.push_str(&format!("{}\n", cells.join("\t")));
        }
    }
    for failure in &task.failures {
        text.push_str(&format!("failed: {}\n", output::harmless(failure)));
    }
    text
}

/// A bar on standard error; none when that is no terminal.
pub fn progress(tasks: usize) -> ProgressBar {
    let bar = ProgressBar::new(tasks as u64);
    bar.enable_steady_tick(Duration::from_millis(100));
    match ProgressStyle::with_template("running [{bar:30}] {pos}/{len} {msg}, {elapsed}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(name: &str, failures: &[&str]) -> Done {
        Done {
            name: name.to_owned(),
            success: failures.is_empty(),
            failures: failures.iter().map(|&failure| failure.to_owned()).collect(),
            expect_exit_code: 0,
            result: Some(
                json!({"exit_code": 1, "stdout": "a\tb\u{1b}[2J\n", "stderr": "", "wall_ms": 2.04, "cpu_ms": 1.0, "peak_memory_bytes": 1 << 20}),
            ),
            artifacts: Vec::new(),
        }
    }

    fn report(tasks: Vec<Done>, wanted: usize) -> Report {
        let mut report = Report {
            name: "n".to_owned(),
            workspace: "ws_1".to_owned(),
            success: false,
            wall_ms: 0.0,
            tasks,
            wanted,
        };
        report.finish(Duration::from_millis(12));
        report
    }

    #[test]
    fn the_outputs_of_what_failed_come_before_the_table() {
        let text = report(
            vec![task("good", &[]), task("bad", &["exit code 1, expected 0"])],
            2,
        )
        .text(false);
        assert_eq!(
            text,
            "── bad\na\tb\u{fffd}[2J\nfailed: exit code 1, expected 0\n\
             TASK  RESULT  EXIT  WALL    CPU     MEMORY   ARTIFACTS\n\
             good  done    1     2.0 ms  1.0 ms  1.0 MiB  0\n\
             bad   FAILED  1     2.0 ms  1.0 ms  1.0 MiB  0\n\
             1 of 2 tasks done in 12.0 ms\n"
        );
    }

    #[test]
    fn a_task_that_never_ran_is_no_success() {
        assert!(report(vec![task("good", &[])], 1).success);
        assert!(!report(vec![task("good", &[])], 2).success);
        assert!(!report(vec![task("bad", &["x"])], 1).success);
    }
}
