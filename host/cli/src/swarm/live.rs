//! A run while it goes on, on standard error: on a terminal a table that is drawn again, elsewhere one line for each
//! change, so that a log can be read. What a task is called is not ours: it is made harmless.

use super::state::{Change, Run, Task};
use crate::output::{elapsed, harmless, say};
use crate::table::Table;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;

/// More tasks than fit on most terminals are not shown at once.
const ROWS_MAX: usize = 20;

/// Of why a task is in its state.
const WHY_CHARS: usize = 120;

/// Names of workspaces by id.
pub type Names = HashMap<String, String>;

pub struct Live {
    names: Names,
    form: Form,
}

enum Form {
    Quiet,
    Lines,
    Screen {
        all: MultiProgress,
        rows: Vec<ProgressBar>,
    },
}

impl Live {
    /// `quiet` where only the end is asked for.
    pub fn new(quiet: bool, names: Names) -> Self {
        let form = if quiet {
            Form::Quiet
        } else if std::io::stderr().is_terminal() {
            Form::Screen {
                all: MultiProgress::new(),
                rows: Vec::new(),
            }
        } else {
            Form::Lines
        };
        Self { names, form }
    }

    pub fn changed(&mut self, run: &Run, change: &Change, at_ms: u64) {
        match (&self.form, change) {
            (Form::Lines, Change::Task(place)) => {
                if let Some(task) = run.tasks.get(*place) {
                    say(&line(run, task, &self.names, at_ms));
                }
            }
            (Form::Lines, Change::Run) => say(&run_line(run, at_ms)),
            _ => {}
        }
    }

    /// What is not of the run: a connection that broke.
    pub fn note(&self, text: &str) {
        match &self.form {
            Form::Quiet => {}
            Form::Lines => say(text),
            // That it cannot be drawn is no reason to stop.
            Form::Screen { all, .. } => drop(all.println(text)),
        }
    }

    pub fn draw(&mut self, run: &Run, now_ms: u64) {
        let Form::Screen { all, rows } = &mut self.form else {
            return;
        };
        let frame = frame(run, &self.names, now_ms, ROWS_MAX);
        while rows.len() < frame.len() {
            rows.push(all.add(row()));
        }
        for (row, text) in rows.iter().zip(frame) {
            // Every message draws all rows again.
            if row.message() != text {
                row.set_message(text);
            }
        }
    }

    /// Takes away what was drawn.
    pub fn clear(&mut self) {
        if let Form::Screen { all, rows } = &mut self.form {
            // What cannot be taken away stays. Rows draw once more when they are dropped.
            let _ = all.clear();
            all.set_draw_target(ProgressDrawTarget::hidden());
            rows.clear();
        }
    }
}

/// A line that is cut where the terminal ends.
fn row() -> ProgressBar {
    let row = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{wide_msg}") {
        Ok(style) => row.with_style(style),
        Err(_) => row,
    }
}

/// `+1.2 s  map/3  done after 0.4 s`.
fn line(run: &Run, task: &Task, names: &Names, at_ms: u64) -> String {
    let took = task.took_ms(at_ms).map(elapsed);
    let said = match (task.state.as_str(), took) {
        ("leased", _) => format!("leased in {}, attempt {}", place(task, names), task.attempt),
        ("waiting", _) => "waits".to_owned(),
        ("ready", Some(took)) => {
            format!(
                "attempt {} failed after {took}, is tried again",
                task.attempt
            )
        }
        (state, Some(took)) => format!("{state} after {took}"),
        (state, None) => state.to_owned(),
    };
    let why = task.why.as_deref().map(cut);
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    harmless(&format!("{}  {}  {said}{why}", since(run, at_ms), task.id))
}

fn run_line(run: &Run, at_ms: u64) -> String {
    harmless(&format!("{}  {}  {}", since(run, at_ms), run.id, run.state))
}

fn since(run: &Run, at_ms: u64) -> String {
    format!("+{}", elapsed(at_ms.saturating_sub(run.created_at_ms)))
}

fn place(task: &Task, names: &Names) -> String {
    match &task.workspace {
        None => "-".to_owned(),
        Some(id) => names.get(id).unwrap_or(id).clone(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WHY_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A line for each task and one for all. Where there are too many tasks, what is at work is shown first, then what
/// failed, what comes next, and what is done.
fn frame(run: &Run, names: &Names, now_ms: u64, rows_max: usize) -> Vec<String> {
    let mut shown: Vec<&Task> = run.tasks.iter().collect();
    if shown.len() > rows_max {
        shown.sort_by_key(|task| match task.state.as_str() {
            "failed" | "dead" => 1,
            "ready" => 2,
            "pending" => 3,
            "done" | "skipped" | "cancelled" => 4,
            _ => 0,
        });
        shown.truncate(rows_max);
        shown.sort_by_key(|task| task.index);
    }
    let mut table = Table::new(["TASK", "STATE", "WORKSPACE", "ATTEMPT", "TIME"]);
    for task in &shown {
        table.row(cells(task, names, now_ms));
    }
    let mut lines: Vec<String> = table.to_string().lines().map(str::to_owned).collect();
    lines.push(status(run, run.tasks.len() - shown.len(), now_ms));
    lines
}

/// What a row of a table says of a task.
pub fn cells(task: &Task, names: &Names, now_ms: u64) -> [String; 5] {
    let time = task.took_ms(now_ms).map_or("-".to_owned(), elapsed);
    let attempt = match task.attempt {
        0 => "-".to_owned(),
        attempt => attempt.to_string(),
    };
    [
        task.id.clone(),
        task.state.clone(),
        place(task, names),
        attempt,
        time,
    ]
}

/// `running for 1.2 s: 3 done, 2 leased, 4 pending (12 not shown)`.
fn status(run: &Run, hidden: usize, now_ms: u64) -> String {
    let time = elapsed(now_ms.saturating_sub(run.created_at_ms));
    let hidden = match hidden {
        0 => String::new(),
        hidden => format!(" ({hidden} not shown)"),
    };
    format!(
        "{} for {time}: {}{hidden}",
        harmless(&run.state),
        counts(run)
    )
}

/// `3 done, 1 cancelled`, in the order in which they stand in the run.
pub fn counts(run: &Run) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for task in &run.tasks {
        match counts.iter_mut().find(|(state, _)| *state == task.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((&task.state, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(state, count)| format!("{count} {}", harmless(state)))
        .collect();
    counts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(index: u32, state: &str) -> Task {
        Task {
            id: format!("task-{index}"),
            index,
            agent: "script".to_owned(),
            workspace: Some("ws_1".to_owned()),
            state: state.to_owned(),
            optional: false,
            needs: Vec::new(),
            parent: None,
            attempt: 1,
            started_at_ms: Some(1_200),
            ended_at_ms: (state != "leased").then_some(1_540),
            why: None,
        }
    }

    fn run(states: &[&str]) -> Run {
        Run {
            id: "run_1".to_owned(),
            state: "running".to_owned(),
            tasks: (0..)
                .zip(states)
                .map(|(index, state)| task(index, state))
                .collect(),
            created_at_ms: 1_000,
            ended_at_ms: None,
        }
    }

    fn names() -> Names {
        Names::from([("ws_1".to_owned(), "demo".to_owned())])
    }

    #[test]
    fn a_change_is_a_line() {
        let mut failed = task(0, "dead");
        failed.why = Some("timeout: \u{1b}[2J".to_owned());
        let mut again = task(0, "ready");
        again.attempt = 2;
        let mut never = task(0, "skipped");
        never.started_at_ms = None;
        for (task, expected) in [
            (
                task(0, "leased"),
                "+340 ms  task-0  leased in demo, attempt 1",
            ),
            (task(0, "done"), "+340 ms  task-0  done after 340 ms"),
            (
                failed,
                "+340 ms  task-0  dead after 340 ms: timeout: \u{fffd}[2J",
            ),
            (
                again,
                "+340 ms  task-0  attempt 2 failed after 340 ms, is tried again",
            ),
            (never, "+340 ms  task-0  skipped"),
        ] {
            assert_eq!(line(&run(&[]), &task, &names(), 1_340), expected);
        }
    }

    #[test]
    fn a_frame_has_a_line_for_each_task_and_one_for_all() {
        assert_eq!(
            frame(&run(&["done", "leased"]), &names(), 2_200, 20),
            [
                "TASK    STATE   WORKSPACE  ATTEMPT  TIME",
                "task-0  done    demo       1        340 ms",
                "task-1  leased  demo       1        1.0 s",
                "running for 1.2 s: 1 done, 1 leased",
            ]
        );
    }

    #[test]
    fn of_many_tasks_those_at_work_are_shown() {
        let states = [
            "done", "pending", "ready", "leased", "failed", "done", "waiting",
        ];
        let frame = frame(&run(&states), &names(), 2_000, 3);
        let ids: Vec<&str> = frame[1..4].iter().map(|line| &line[..6]).collect();
        assert_eq!(ids, ["task-3", "task-4", "task-6"]);
        assert!(frame[4].ends_with("(4 not shown)"), "{}", frame[4]);
    }
}
