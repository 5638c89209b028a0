//! `policy`: what the presets grant, and what a policy makes of an action.

use crate::arguments::Connection;
use crate::client::Client;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;
use swarm_flow_policy::{Action, CompiledPolicy, Format, Preset, Surroundings, TestTable, explain};

#[derive(Subcommand)]
pub enum Policy {
    /// Show all presets
    List,
    /// Show one, as a file that `workspace create --policy-file` takes
    Show { name: String },
    /// Say whether a policy allows an action, and by which line; needs no server. Exit code 1: it does not
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// A preset, or a policy file (TOML or JSON)
        policy: String,
        /// The action as JSON
        action: String,
    },
    /// Hold a policy to a table of actions and expected decisions; needs no server. Exit code 1: not all as expected
    #[command(after_help = TEST_HELP)]
    Test {
        /// A preset, or a policy file (TOML or JSON)
        policy: String,
        /// The table (TOML or JSON)
        table: String,
    },
}

const EXPLAIN_HELP: &str = "\
Example:
  swarm-flow policy explain policy.toml '{\"http\": {\"method\": \"POST\", \"url\": \"https://api.example.com/v1\"}}'
Actions: read, write {path}; http {method, url}; address {address}; tcp, udp {host, port};
  listen {address, port}; lookup {name}; limit {name, value}";

const TEST_HELP: &str = "\
Example of a table:
  [[test]]
  name = \"reads its own API\"
  action.http = { url = \"https://api.example.com/v1/users\" }
  expect = \"allow\"";

pub async fn policy(connection: &Connection, command: Policy, output: Output) -> Result<ExitCode> {
    match command {
        Policy::List => {
            let client = Client::new(connection)?;
            let all: Vec<Value> = client.list(&["policies"], &[]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Policy::Show { name } => {
            let client = Client::new(connection)?;
            let mut policy: Value = client.get(&["policies", &name]).await?;
            if let (false, Some(members)) = (output.json, policy.as_object_mut()) {
                // What a workspace is created with has no name of its own.
                members.retain(|member, _| {
                    matches!(
                        member.as_str(),
                        "filesystem" | "network" | "sockets" | "limits"
                    )
                });
            }
            Output { json: true }.print(&policy, |_| String::new())?;
        }
        Policy::Explain { policy, action } => return explained(&policy, &action, output),
        Policy::Test { policy, table } => return tested(&policy, &table, output),
    }
    Ok(ExitCode::SUCCESS)
}

fn explained(policy: &str, action: &str, output: Output) -> Result<ExitCode> {
    let action: Action = serde_json::from_str(action)
        .context("the action makes no sense; `policy explain --help` shows one")?;
    let decision = explain(&read(policy)?, &action, &Surroundings::default())?;
    output.print(&decision, |decision| decision.to_string())?;
    Ok(success(decision.is_allow()))
}

fn tested(policy: &str, table: &str, output: Output) -> Result<ExitCode> {
    let policy = read(policy)?;
    let (text, format) = file(table)?;
    let tests = TestTable::read(&text, format).with_context(|| format!("in {table}"))?;
    let compiled = CompiledPolicy::new(&policy, &Surroundings::default())?;
    let outcomes = tests.run(&compiled);
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    output.print(&outcomes, |outcomes| {
        let mut shown = Table::new(["TEST", "RESULT", "DECISION"]);
        for outcome in outcomes {
            let number = format!("test[{}]", outcome.index);
            let result = if outcome.passed { "passed" } else { "FAILED" };
            shown.row([
                outcome.name.clone().unwrap_or(number),
                result.to_owned(),
                outcome.decision.to_string(),
            ]);
        }
        shown.to_string()
    })?;
    Ok(success(failed == 0))
}

fn success(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A preset by its name, or a policy file.
fn read(policy: &str) -> Result<swarm_flow_policy::Policy> {
    if let Ok(preset) = policy.parse::<Preset>() {
        return Ok(preset.policy());
    }
    if !Path::new(policy).exists() {
        bail!("`{policy}` is no preset (isolated, standard, privileged) and no file");
    }
    let (text, format) = file(policy)?;
    swarm_flow_policy::Policy::read(&text, format).with_context(|| format!("in {policy}"))
}

fn file(path: &str) -> Result<(String, Format)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let json = Path::new(path).extension().is_some_and(|end| end == "json");
    Ok((text, if json { Format::Json } else { Format::Toml }))
}

fn table(policies: &[Value]) -> Table {
    let mut table = Table::new([
        "NAME",
        "FILESYSTEM",
        "NETWORK",
        "MEMORY",
        "CPU TIME",
        "HANDLES",
    ]);
    for policy in policies {
        let limit = |name: &str| policy["limits"][name].as_u64().unwrap_or(0);
        table.row([
            policy["name"].as_str().unwrap_or("-").to_owned(),
            granted(&policy["filesystem"]),
            granted(&policy["network"]),
            output::size(limit("memory_bytes")),
            format!("{} s", limit("cpu_time_ms") / 1000),
            limit("handles").to_string(),
        ]);
    }
    table
}

/// `"full"` is `full`; `{"read_only": ["/a", "/b"]}` is `read_only /a, /b`.
fn granted(value: &Value) -> String {
    let Some((kind, list)) = value.as_object().and_then(|members| members.iter().next()) else {
        return value.as_str().unwrap_or("-").to_owned();
    };
    let list: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "{kind} {}",
        if list.is_empty() {
            "nothing".to_owned()
        } else {
            list.join(", ")
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn grants_read_as_in_the_policy() {
        let read = |policy: swarm_flow_policy::Preset| json!(policy.policy());
        let standard = read(swarm_flow_policy::Preset::Standard);
        assert_eq!(
            granted(&standard["filesystem"]),
            "read_write /workspace, /tmp"
        );
        assert_eq!(granted(&standard["network"]), "public @package-registries");
        assert_eq!(
            granted(&read(swarm_flow_policy::Preset::Privileged)["network"]),
            "any"
        );
        assert_eq!(granted(&json!({"read_only": []})), "read_only nothing");
    }
}
