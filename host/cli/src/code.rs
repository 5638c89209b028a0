//! `code`: an agent that works in a workspace until its check is green, followed to its end, with the diff of what it did.
//!
//! The state of the workspace before is kept in its own `/tmp`, by its own programs: so the diff has all that changed, whichever
//! way, and nothing leaves the workspace for it.

use crate::arguments::duration;
use crate::client::Client;
use crate::output::{self, Output};
use crate::swarm::run::to_the_end;
use anyhow::{Context, Result, bail};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
pub struct Code {
    /// What to do: "make the tests pass"
    pub task: String,
    /// The workspace's id, or its name when no other has it
    #[arg(long)]
    pub workspace: String,
    /// The command that says whether it is done, run by `sh -c`: "python -m pytest"
    #[arg(long, value_name = "COMMAND")]
    pub check: Option<String>,
    /// The agent that does it
    #[arg(long, default_value = "coder")]
    pub agent: String,
    /// One of the operator's models [default: as `swarm-flow models` says]
    #[arg(long)]
    pub model: Option<String>,
    /// End it after so many answers of the model
    #[arg(long, value_name = "N")]
    pub max_turns: Option<u32>,
    /// End it after this time: 90s, 20m, 2h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// What the models may read and write together
    #[arg(long, value_name = "TOKENS")]
    pub max_tokens: Option<u64>,
    /// What the models may cost, in US dollars
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    pub max_cost: Option<u64>,
    /// Show no diff at the end
    #[arg(long)]
    pub no_diff: bool,
}

/// Where the workspace's state before is kept while the agent works.
const BEFORE: &str = "/tmp/swarm-flow-code";
/// Files of tools, and those that nobody reads as a diff.
const LEFT_OUT: [&str; 6] = [
    ".git",
    "node_modules",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    "target",
];

pub async fn code(client: &Client, command: &Code, output: Output) -> Result<ExitCode> {
    let workspace = client.workspace_id(&command.workspace).await?;
    let swarm = swarm(client, &workspace, &command.agent).await?;
    let diffs = !command.no_diff && !output.json;
    if diffs {
        let kept = keep(client, &workspace).await;
        kept.context(
            "keep the workspace as it is, for the diff at the end; `--no-diff` goes without",
        )?;
    }
    let run = client
        .post(&["swarms", &swarm, "runs"], &body(command))
        .await?;
    let ended = to_the_end(client, &run, true, output).await?;
    if diffs {
        let diff = diff(client, &workspace).await.context("make the diff")?;
        if !diff.is_empty() {
            output::line(diff.trim_end())?;
        }
    }
    Ok(ended)
}

/// The one of this workspace and agent: made the first time, and found then.
async fn swarm(client: &Client, workspace: &str, agent: &str) -> Result<String> {
    let body = json!({
        "name": "code", "agents": [{"kind": agent, "count": 1}], "workspaces": [workspace],
    });
    let request = client.request(Method::POST, &["swarms"])?;
    let request = request.header("idempotency-key", format!("code/{workspace}/{agent}"));
    let swarm: Value = client.json(request.json(&body)).await?;
    let id = swarm["id"].as_str().context("the server named no swarm")?;
    Ok(id.to_owned())
}

fn body(command: &Code) -> Value {
    let mut context = Map::from_iter([("task".to_owned(), Value::from(command.task.as_str()))]);
    let given = [
        ("check", command.check.clone().map(Value::from)),
        ("model", command.model.clone().map(Value::from)),
        ("max_turns", command.max_turns.map(Value::from)),
    ];
    for (name, value) in given {
        context.extend(value.map(|value| (name.to_owned(), value)));
    }
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let budget = [
        ("wall_time_ms", command.timeout.map(milliseconds)),
        ("tokens", command.max_tokens),
        ("cost_microusd", command.max_cost),
    ];
    let budget: Map<String, Value> = budget
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    json!({
        "tasks": [{"id": "code", "description": command.task, "context": context}],
        "budget": budget,
    })
}

async fn keep(client: &Client, workspace: &str) -> Result<()> {
    let excluded = LEFT_OUT.map(|name| format!("--exclude={name}")).join(" ");
    let script = format!(
        "rm -rf {BEFORE} && mkdir -p {BEFORE}/before && tar {excluded} -cf {BEFORE}/before.tar . && tar -xf {BEFORE}/before.tar -C {BEFORE}/before && rm {BEFORE}/before.tar"
    );
    let kept = shell(client, workspace, &script).await?;
    if kept["exit_code"] != 0 {
        bail!("{}", kept["stderr"].as_str().unwrap_or_default().trim_end());
    }
    Ok(())
}

async fn diff(client: &Client, workspace: &str) -> Result<String> {
    let excluded = LEFT_OUT.map(|name| format!("-x {name}")).join(" ");
    let script =
        format!("diff -ruN {excluded} {BEFORE}/before . ; code=$?; rm -rf {BEFORE}; exit $code");
    let made = shell(client, workspace, &script).await?;
    let text = made["stdout"].as_str().unwrap_or_default();
    match made["exit_code"].as_u64() {
        Some(0 | 1) => Ok(text.replace(&format!("{BEFORE}/before/"), "a/")),
        _ => bail!("{}", made["stderr"].as_str().unwrap_or_default().trim_end()),
    }
}

async fn shell(client: &Client, workspace: &str, script: &str) -> Result<Value> {
    let body = json!({"command": ["sh", "-c", script]});
    client.post(&["workspaces", workspace, "exec"], &body).await
}

/// `1.50` as millionths.
fn dollars(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no amount; give dollars: 0.50");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 6 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let all = whole
        .checked_mul(1_000_000)
        .and_then(|whole| whole.checked_add(part));
    all.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_millionths_and_nothing_else_is_an_amount() {
        for (text, expected) in [("1", 1_000_000), ("0.5", 500_000), ("2.000001", 2_000_001)] {
            assert_eq!(dollars(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            ".5",
            "1.",
            "-1",
            "1,5",
            "0.0000001",
            "99999999999999999",
        ] {
            assert!(
                dollars(text).unwrap_err().contains("give dollars"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_run_has_what_was_said_and_nothing_else() {
        let code = Code {
            task: "go".to_owned(),
            workspace: "w".to_owned(),
            check: Some("true".to_owned()),
            agent: "coder".to_owned(),
            model: None,
            max_turns: Some(3),
            timeout: Some(Duration::from_secs(2)),
            max_tokens: None,
            max_cost: Some(5),
            no_diff: false,
        };
        let context = json!({"task": "go", "check": "true", "max_turns": 3});
        let expected = json!({
            "tasks": [{"id": "code", "description": "go", "context": context}],
            "budget": {"wall_time_ms": 2000, "cost_microusd": 5},
        });
        assert_eq!(body(&code), expected);
    }
}
