//! `replay`: does each agent of a run still do what it did?

use crate::client::Client;
use crate::output::{self, Output, harmless};
use crate::table::Table;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Args)]
pub struct Replay {
    /// Its id; it may have ended or not
    pub run: String,
}

/// Some agent did something else, or could not be asked.
const DIVERGED: u8 = 1;

pub async fn replay(client: &Client, command: &Replay, output: Output) -> Result<ExitCode> {
    let run: Value = client.get(&["runs", &command.run]).await?;
    let replay: Value = client
        .post(&["runs", &command.run, "replay"], &json!({}))
        .await?;
    output.print(&replay, |replay| shown(&run, replay))?;
    if !output.json && replay["diverged"] != 0 {
        output::say(&format!(
            "{} of the tasks did something else, or could not be replayed",
            replay["diverged"]
        ));
    }
    Ok(if replay["diverged"] == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIVERGED)
    })
}

/// A table of the tasks, then where each that diverged did so.
fn shown(run: &Value, replay: &Value) -> String {
    let mut table = Table::new(["TASK", "ATTEMPT", "CALLS", "REPLAY"]);
    let mut differences = String::new();
    for task in replay["tasks"].as_array().into_iter().flatten() {
        let index = task["index"].as_u64().unwrap_or_default();
        let named = run["tasks"]
            .get(usize::try_from(index).unwrap_or(usize::MAX))
            .and_then(|task| task["id"].as_str());
        let id = named.map_or_else(|| index.to_string(), str::to_owned);
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let (divergence, failure) = (&task["divergence"], &task["failure"]);
        let came_to = if !failure.is_null() {
            text(&failure["code"])
        } else if divergence.is_null() {
            "same".to_owned()
        } else {
            "diverged".to_owned()
        };
        if !divergence.is_null() {
            differences.push_str(&format!(
                "\n{} at call {}:\n- {}\n+ {}\n",
                harmless(&id),
                divergence["step"],
                harmless(&text(&divergence["expected"])),
                harmless(&text(&divergence["actual"]))
            ));
        }
        if !failure.is_null() {
            let message = harmless(&text(&failure["message"]));
            differences.push_str(&format!("\n{}: {message}\n", harmless(&id)));
        }
        table.row([
            id,
            task["attempt"].to_string(),
            task["steps"].to_string(),
            came_to,
        ]);
    }
    format!("{table}{differences}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_agent_did_something_else_is_shown_as_a_difference() {
        let run = json!({"tasks": [{"id": "build"}, {"id": "test"}, {"id": "gone"}]});
        let replay = json!({"diverged": 2, "tasks": [
            {"index": 0, "attempt": 1, "steps": 2, "divergence": null, "failure": null},
            {"index": 1, "attempt": 3, "steps": 4, "failure": null,
             "divergence": {"step": 4, "expected": "tools.exec a", "actual": "tools.exec b"}},
            {"index": 2, "attempt": 0, "steps": 0, "divergence": null,
             "failure": {"code": "no_journal", "message": "there is none"}},
        ]});
        let shown = shown(&run, &replay);
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "TASK   ATTEMPT  CALLS  REPLAY",
                "build  1        2      same",
                "test   3        4      diverged",
                "gone   0        0      no_journal",
                "",
                "test at call 4:",
                "- tools.exec a",
                "+ tools.exec b",
                "",
                "gone: there is none",
            ]
        );
    }
}
