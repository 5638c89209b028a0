//! A run as text, once nobody follows it any more: its tasks, what failed, what it came to.

use super::live::{Names, cells, counts};
use super::state::Run;
use crate::graph::critical_path;
use crate::output::{elapsed, harmless};
use crate::table::Table;
use serde_json::Value;

/// The most lines of an output that failed. All of it stands in the JSON.
const FAILED_LINES: usize = 20;

/// `outputs` shows what each task said, else only what failed is.
pub fn report(answer: &Value, run: &Run, names: &Names, outputs: bool) -> String {
    let last = run.tasks.iter();
    let last = last.flat_map(|task| [task.started_at_ms, task.ended_at_ms]);
    let last = last.flatten().max().unwrap_or(run.created_at_ms);
    let now_ms = run.ended_at_ms.unwrap_or(last);
    let mut text = said(answer, outputs);
    let mut table = Table::new(["TASK", "STATE", "WORKSPACE", "ATTEMPT", "TIME"]);
    for task in &run.tasks {
        table.row(cells(task, names, now_ms));
    }
    text.push_str(&table.to_string());
    text.push_str(&outcome(answer, run));
    if let Some(code) = answer["failure"]["code"].as_str() {
        let message = answer["failure"]["message"].as_str().unwrap_or_default();
        text.push_str(&format!("{}\n", harmless(&format!("{code}: {message}"))));
    }
    text.push_str(&budget(answer));
    text.push_str(&format!("{}\n", summary(run, now_ms)));
    text
}

/// `run_… done in 3.2 s: 9 done, 2 cancelled; critical path 2.9 s: plan → work-1 → report`.
fn summary(run: &Run, now_ms: u64) -> String {
    let wall = elapsed(now_ms.saturating_sub(run.created_at_ms));
    let mut text = format!(
        "{} {} in {wall}: {}",
        harmless(&run.id),
        harmless(&run.state),
        counts(run)
    );
    let path: Vec<_> = critical_path(run)
        .into_iter()
        .filter_map(|place| run.tasks.get(place))
        .filter_map(|task| Some((task.id.as_str(), task.took_ms(now_ms)?)))
        .collect();
    if !path.is_empty() {
        let time = path.iter().map(|(_, took)| took).sum();
        let ids: Vec<String> = path.iter().map(|(id, _)| harmless(id)).collect();
        text.push_str(&format!(
            "; critical path {}: {}",
            elapsed(time),
            ids.join(" → ")
        ));
    }
    text
}

/// `used 3.1 s of CPU time (of 60.0 s), 1200 tokens, $0.0123`; nothing when nothing was used and nothing is bounded.
fn budget(answer: &Value) -> String {
    let (spent, bound) = (&answer["spent"], &answer["budget"]);
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let tokens = number(&spent["input_tokens"]) + number(&spent["output_tokens"]);
    let seconds = |ms: f64| format!("{:.1} s", ms / 1000.0);
    let dollars = |microusd: f64| format!("${:.4}", microusd / 1e6);
    let plain = |count: f64| format!("{count}");
    let parts = [
        (
            " of CPU time",
            number(&spent["cpu_time_ms"]),
            &bound["cpu_time_ms"],
            &seconds as &dyn Fn(f64) -> String,
        ),
        (" tokens", tokens, &bound["tokens"], &plain),
        (
            "",
            number(&spent["cost_microusd"]),
            &bound["cost_microusd"],
            &dollars,
        ),
    ];
    let said = parts.into_iter().filter_map(|(what, used, bound, show)| {
        let bound = bound.as_f64();
        if used <= 0.0 && bound.is_none() {
            return None;
        }
        let of = bound.map(|bound| format!(" (of {})", show(bound)));
        Some(format!("{}{what}{}", show(used), of.unwrap_or_default()))
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        return String::new();
    }
    format!("used {}\n", said.join(", "))
}

/// What tasks said.
fn said(answer: &Value, outputs: bool) -> String {
    let mut text = String::new();
    for task in answer["tasks"].as_array().into_iter().flatten() {
        let failed = matches!(task["state"].as_str(), Some("failed" | "dead"));
        if !(failed && task["optional"] != true || outputs) {
            continue;
        }
        let failure = &task["failure"];
        let output = match (failure["code"].as_str(), task["result"]["output"].as_str()) {
            (Some(code), _) => format!("{code}: {}", failure["message"].as_str().unwrap_or("")),
            (None, Some(output)) => output.to_owned(),
            (None, None) => continue,
        };
        let id = task["id"].as_str().unwrap_or("-");
        text.push_str(&format!("── {}\n", harmless(id)));
        let lines: Vec<&str> = output.lines().collect();
        let most = if outputs { lines.len() } else { FAILED_LINES };
        for line in lines.iter().take(most) {
            // A tab is harmless and means something.
            let cells: Vec<String> = line.split('\t').map(harmless).collect();
            text.push_str(&format!("{}\n", cells.join("\t")));
        }
        if lines.len() > most {
            text.push_str(&format!(
                "… {} more lines; `--outputs` or `--json` shows all\n",
                lines.len() - most
            ));
        }
    }
    text
}

/// What a race, a consensus or a debate came to.
fn outcome(answer: &Value, run: &Run) -> String {
    let outcome = &answer["outcome"];
    let name = |index: &Value| {
        let task = run
            .tasks
            .iter()
            .find(|task| index.as_u64() == Some(task.index.into()));
        task.map_or_else(|| index.to_string(), |task| harmless(&task.id))
    };
    let names = |indices: &Value| {
        let indices = indices.as_array().into_iter().flatten();
        indices.map(name).collect::<Vec<_>>().join(", ")
    };
    let mut text = String::new();
    for votes in outcome["votes"].as_array().into_iter().flatten() {
        let said = harmless(votes["answer"].as_str().unwrap_or("-").trim_end());
        let (weight, voters) = (&votes["weight"], names(&votes["tasks"]));
        text.push_str(&format!("vote: {said} (weight {weight}: {voters})\n"));
    }
    if outcome["abstained"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        text.push_str(&format!(
            "without a vote: {}\n",
            names(&outcome["abstained"])
        ));
    }
    if outcome["winner"].is_u64() {
        text.push_str(&format!("winner: {}\n", name(&outcome["winner"])));
    }
    if let Some(said) = outcome["answer"].as_str() {
        let lines: Vec<String> = said.trim_end().lines().map(harmless).collect();
        text.push_str(&format!("answer: {}\n", lines.join("\n        ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(id: &str, index: u32, state: &str, more: Value) -> Value {
        let mut task = json!({"id": id, "index": index, "agent": "script", "workspace": "ws_1", "state": state,
            "needs": [], "optional": false, "attempt": 1, "result": null, "failure": null,
            "started_at": "1970-01-01T00:00:01.000Z", "ended_at": "1970-01-01T00:00:01.340Z"});
        for (name, value) in more.as_object().unwrap() {
            task[name] = value.clone();
        }
        task
    }

    fn shown(state: &str, tasks: &[Value], more: Value, outputs: bool) -> String {
        let mut answer = json!({"id": "run_1", "state": state, "tasks": tasks,
            "created_at": "1970-01-01T00:00:00.500Z", "ended_at": "1970-01-01T00:00:01.700Z"});
        for (name, value) in more.as_object().unwrap() {
            answer[name] = value.clone();
        }
        let run = Run::read(&answer).unwrap();
        report(&answer, &run, &Names::new(), outputs)
    }

    #[test]
    fn a_run_ends_with_a_table_and_a_summary() {
        let tasks = [
            task(
                "a",
                0,
                "done",
                json!({"result": {"success": true, "output": "said\n"}}),
            ),
            task("b", 1, "done", json!({"needs": ["a"]})),
        ];
        let table = "TASK  STATE  WORKSPACE  ATTEMPT  TIME\n\
                     a     done   ws_1       1        340 ms\n\
                     b     done   ws_1       1        340 ms\n\
                     run_1 done in 1.2 s: 2 done; critical path 680 ms: a → b\n";
        assert_eq!(shown("done", &tasks, json!({}), false), table);
        let spent = json!({
            "budget": {"cpu_time_ms": 60_000, "tokens": 900},
            "spent": {"cpu_time_ms": 3_140.0, "input_tokens": 500, "output_tokens": 50, "cost_microusd": 12_300},
        });
        let used = "used 3.1 s of CPU time (of 60.0 s), 550 tokens (of 900), $0.0123\n";
        let shown_spent = shown("done", &tasks, spent, false);
        assert_eq!(
            shown_spent,
            table.replace("run_1 done", &format!("{used}run_1 done"))
        );
        assert_eq!(
            shown("done", &tasks, json!({}), true),
            format!("── a\nsaid\n{table}")
        );
    }

    #[test]
    fn what_failed_is_shown_and_cannot_command_the_terminal() {
        let long = format!("bad\t\u{1b}[2J\n{}", "more\n".repeat(FAILED_LINES));
        let tasks = [
            task(
                "a",
                0,
                "failed",
                json!({"result": {"success": false, "output": long}}),
            ),
            task(
                "b",
                1,
                "dead",
                json!({"failure": {"code": "timeout", "message": "5 s"}}),
            ),
            task(
                "c",
                2,
                "failed",
                json!({"optional": true, "failure": {"code": "x", "message": ""}}),
            ),
        ];
        let text = shown("failed", &tasks, json!({}), false);
        assert!(text.starts_with("── a\nbad\t\u{fffd}[2J\nmore\n"), "{text}");
        assert!(text.contains("… 1 more lines"), "{text}");
        assert!(
            text.contains("── b\ntimeout: 5 s\n") && !text.contains("── c"),
            "{text}"
        );
    }

    #[test]
    fn votes_winners_and_answers_are_named() {
        let tasks = [
            task("a", 0, "done", json!({})),
            task("b", 1, "cancelled", json!({})),
        ];
        let outcome = json!({"outcome": {"winner": 0, "answer": "42\n43\n", "abstained": [1],
            "votes": [{"answer": "42\n", "weight": 3, "tasks": [0]}]}});
        let text = shown("done", &tasks, outcome, false);
        let expected = "vote: 42 (weight 3: a)\nwithout a vote: b\nwinner: a\nanswer: 42\n        43\nrun_1 done";
        assert!(text.contains(expected), "{text}");
        let failure =
            json!({"failure": {"code": "no_winner", "message": "none of 2 tasks was done"}});
        let text = shown("failed", &tasks, failure, false);
        assert!(
            text.contains("no_winner: none of 2 tasks was done\n"),
            "{text}"
        );
    }
}
