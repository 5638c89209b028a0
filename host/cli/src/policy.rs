//! `policy`: what the presets grant, policies that the server keeps under a name, and what a policy makes of an action.

mod learn;

use crate::arguments::Connection;
use crate::client::{Client, LARGE_PAGES, name_is_valid};
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use swarm_flow_policy::{Action, CompiledPolicy, Format, Preset, Surroundings, TestTable, explain};

#[derive(Subcommand)]
pub enum Policy {
    /// Show the presets, and the last version of each policy that is kept
    List,
    /// Show one, as a file that `policy put` and `workspace create --policy-file` take
    Show {
        /// `NAME` or `NAME@VERSION`
        #[arg(value_name = "NAME[@VERSION]")]
        name: String,
    },
    /// Keep a policy under a name, for `workspace create --policy NAME`; another one becomes the next version
    Put {
        name: String,
        /// The policy, or a preset and what differs from it (TOML or JSON)
        file: PathBuf,
        /// Only if this version is the last one; 0: if there is none yet
        #[arg(long, value_name = "VERSION")]
        expect: Option<u32>,
    },
    /// Show all versions of a policy that is kept
    Versions { name: String },
    /// Forget a policy with its versions; workspaces that have it keep it
    Delete { name: String },
    /// Run a program, and print the narrowest policy that lets it do what it did
    Learn(learn::Learn),
    /// Say whether a policy allows an action, and by which line. Exit code 1: it does not
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// A preset, a policy file (TOML or JSON), or else `NAME[@VERSION]` of one that the server keeps
        policy: String,
        /// The action as JSON
        action: String,
    },
    /// Hold a policy to a table of actions and expected decisions. Exit code 1: not all as expected
    #[command(after_help = TEST_HELP)]
    Test {
        /// A preset, a policy file (TOML or JSON), or else `NAME[@VERSION]` of one that the server keeps
        policy: String,
        /// The table (TOML or JSON)
        table: String,
    },
}

const EXPLAIN_HELP: &str = "\
Example:
  swarm-flow policy explain policy.toml '{\"http\": {\"method\": \"POST\", \"url\": \"https://api.example.com/v1\"}}'
Actions: read, write {path}; http {method, url}; address {address}; tcp, udp {host, port};
  listen {address, port}; lookup {name}; model {name}; limit {name, value}";

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
            let all: Vec<Value> = client.list(&["policies"], &[LARGE_PAGES]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Policy::Versions { name } => {
            let client = Client::new(connection)?;
            let parts = ["policies", &name, "versions"];
            let all: Vec<Value> = client.list(&parts, &[LARGE_PAGES]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Policy::Put { name, file, expect } => {
            let policy = read_file(&file)?;
            return put(&Client::new(connection)?, &name, &policy, expect, output).await;
        }
        Policy::Delete { name } => {
            let client = Client::new(connection)?;
            let request = client.request(Method::DELETE, &["policies", &name])?;
            client.send(request).await?;
        }
        Policy::Show { name } => {
            let client = Client::new(connection)?;
            let mut policy: Value = client.get(&["policies", &name]).await?;
            if let (false, Some(members)) = (output.json, policy.as_object_mut()) {
                // What a workspace is created with has no name of its own.
                members.retain(|member, _| is_policy(member));
            }
            Output { json: true }.print(&policy, |_| String::new())?;
        }
        Policy::Learn(learn) => return learn::learn(connection, learn).await,
        Policy::Explain { policy, action } => {
            return explained(connection, &policy, &action, output).await;
        }
        Policy::Test { policy, table } => return tested(connection, &policy, &table, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which version it is now, and whether that is new.
async fn put(
    client: &Client,
    name: &str,
    policy: &swarm_flow_policy::Policy,
    expect: Option<u32>,
    output: Output,
) -> Result<ExitCode> {
    let request = client
        .request(Method::PUT, &["policies", name])?
        .json(policy);
    let answer = client
        .send(expecting(request, expect.map(u64::from)))
        .await?;
    let same = answer.status() == StatusCode::OK;
    let kept: Value = answer.json().await.context("understand the answer")?;
    output.print(&kept, |kept| {
        let (name, version) = (kept["name"].as_str().unwrap_or("-"), &kept["version"]);
        let as_before = if same { " (as it was)" } else { "" };
        output::harmless(&format!("{name}@{version}{as_before}"))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Only if this version or revision is the last one; 0 is that there is none.
pub fn expecting(request: RequestBuilder, number: Option<u64>) -> RequestBuilder {
    match number {
        None => request,
        Some(0) => request.header("if-none-match", "*"),
        Some(number) => request.header("if-match", format!("\"{number}\"")),
    }
}

async fn explained(
    connection: &Connection,
    policy: &str,
    action: &str,
    output: Output,
) -> Result<ExitCode> {
    let action: Action = serde_json::from_str(action)
        .context("the action makes no sense; `policy explain --help` shows one")?;
    let policy = read(connection, policy).await?;
    let decision = explain(&policy, &action, &Surroundings::default())?;
    output.print(&decision, |decision| decision.to_string())?;
    Ok(success(decision.is_allow()))
}

async fn tested(
    connection: &Connection,
    policy: &str,
    table: &str,
    output: Output,
) -> Result<ExitCode> {
    let policy = read(connection, policy).await?;
    let (text, format) = file(Path::new(table))?;
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

/// A preset by its name, a policy file, or else what the server keeps under this name. The first two need no server.
async fn read(connection: &Connection, policy: &str) -> Result<swarm_flow_policy::Policy> {
    if let Ok(preset) = policy.parse::<Preset>() {
        return Ok(preset.policy());
    }
    if Path::new(policy).exists() {
        return read_file(Path::new(policy));
    }
    let neither =
        || format!("`{policy}` is no preset (isolated, standard, privileged) and no file");
    if !name_is_valid(policy.split('@').next().unwrap_or_default()) {
        bail!(neither());
    }
    kept(connection, policy).await.with_context(neither)
}

async fn kept(connection: &Connection, name: &str) -> Result<swarm_flow_policy::Policy> {
    let client = Client::new(connection)?;
    let mut members: serde_json::Map<String, Value> = client.get(&["policies", name]).await?;
    members.retain(|member, _| is_policy(member));
    serde_json::from_value(Value::Object(members)).context("understand the policy")
}

/// A member of a policy, and not of its name.
fn is_policy(member: &str) -> bool {
    matches!(
        member,
        "filesystem" | "network" | "sockets" | "models" | "approvals" | "limits"
    )
}

/// A policy file, in which parts may be left to a preset.
pub fn read_file(path: &Path) -> Result<swarm_flow_policy::Policy> {
    let (text, format) = file(path)?;
    let read = swarm_flow_policy::Policy::read(&text, format);
    read.with_context(|| format!("in {}", path.display()))
}

fn file(path: &Path) -> Result<(String, Format)> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let json = path.extension().is_some_and(|end| end == "json");
    Ok((text, if json { Format::Json } else { Format::Toml }))
}

fn table(policies: &[Value]) -> Table {
    let mut table = Table::new([
        "NAME",
        "VERSION",
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
            policy["version"]
                .as_u64()
                .map_or("-".to_owned(), |version| version.to_string()),
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
