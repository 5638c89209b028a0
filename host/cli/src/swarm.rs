//! `swarm`: agents that work together, and the runs of their tasks.

use crate::client::{Client, LARGE_PAGES};
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Subcommand)]
pub enum Swarm {
    /// Make a swarm
    Create(Create),
    /// Show all swarms
    List,
    /// Show one swarm, as JSON
    Get { swarm: String },
    /// Set how many agents it has, over all kinds in proportion
    Scale { swarm: String, target_size: u32 },
    /// Give it tasks and wait for their end
    Run(Run),
}

#[derive(Args)]
pub struct Create {
    /// 1 to 63 letters, digits, `.`, `_`, `-`
    pub name: String,
    /// Where tasks run: an id, or a name that no other workspace has; task n goes to workspace n, over and over
    #[arg(short, long = "workspace", required = true)]
    pub workspaces: Vec<String>,
    /// Agents of a kind
    #[arg(long = "agent", value_name = "KIND=COUNT", default_value = "script=1", value_parser = agents)]
    pub agents: Vec<(String, u32)>,
    /// `sequential` or `parallel`
    #[arg(long, default_value = "sequential")]
    pub strategy: String,
}

#[derive(Args)]
pub struct Run {
    pub swarm: String,
    /// {"tasks": [{"id", "description", "requirements", "context"}]}, as the API takes it
    pub file: PathBuf,
    /// Print the run and do not wait for it
    #[arg(long)]
    pub detach: bool,
}

/// Between two looks at a run.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub async fn swarm(client: &Client, command: Swarm, output: Output) -> Result<ExitCode> {
    let swarm: Value = match command {
        Swarm::Create(command) => create(client, command).await?,
        Swarm::List => {
            let all: Vec<Value> = client.list(&["swarms"], &[LARGE_PAGES]).await?;
            output.print(&all, |all| table(all).to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
        Swarm::Get { swarm } => client.get(&["swarms", &swarm]).await?,
        Swarm::Scale { swarm, target_size } => {
            client
                .post(
                    &["swarms", &swarm, "scale"],
                    &json!({"target_size": target_size}),
                )
                .await?
        }
        Swarm::Run(command) => return run(client, command, output).await,
    };
    Output { json: true }.print(&swarm, |_| String::new())?;
    Ok(ExitCode::SUCCESS)
}

async fn create(client: &Client, command: Create) -> Result<Value> {
    let mut workspaces = Vec::new();
    for meant in &command.workspaces {
        workspaces.push(client.workspace_id(meant).await?);
    }
    let agents: Vec<Value> = command
        .agents
        .iter()
        .map(|(kind, count)| json!({"kind": kind, "count": count}))
        .collect();
    let body = json!({
        "name": command.name,
        "agents": agents,
        "coordination_strategy": command.strategy,
        "platform": "local",
        "workspaces": workspaces,
    });
    client.post(&["swarms"], &body).await
}

async fn run(client: &Client, command: Run, output: Output) -> Result<ExitCode> {
    let text =
        std::fs::read(&command.file).with_context(|| format!("read {}", command.file.display()))?;
    let body: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not JSON", command.file.display()))?;
    let mut run: Value = client
        .post(&["swarms", &command.swarm, "runs"], &body)
        .await?;
    let id = run["id"].as_str().context("the run has no id")?.to_owned();
    while !command.detach && run["state"] == "running" {
        tokio::time::sleep(LOOK_EVERY).await;
        run = client
            .get(&["runs", &id])
            .await
            .with_context(|| format!("look at {id}, which goes on"))?;
    }
    output.print(&run, report)?;
    match run["state"].as_str() {
        Some("done") => Ok(ExitCode::SUCCESS),
        Some("failed") => Ok(ExitCode::from(1)),
        Some("running") if command.detach => Ok(ExitCode::SUCCESS),
        state => bail!("the run {id} is in the state {state:?}, which this client does not know"),
    }
}

fn report(run: &Value) -> String {
    let mut table = Table::new(["TASK", "STATE", "AGENT", "WORKSPACE", "ATTEMPT"]);
    let tasks = run["tasks"].as_array();
    for task in tasks.into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let id = if task["task"]["id"].is_string() {
            &task["task"]["id"]
        } else {
            &task["id"]
        };
        let attempt = task["attempt"].to_string();
        table.row([
            text(id),
            text(&task["state"]),
            text(&task["agent"]),
            text(&task["workspace"]),
            attempt,
        ]);
    }
    let text = |name: &str| output::harmless(run[name].as_str().unwrap_or("-"));
    format!("{}\n{table}{}\n", text("id"), text("state"))
}

fn table(swarms: &[Value]) -> Table {
    let mut table = Table::new(["ID", "NAME", "STRATEGY", "AGENTS", "CREATED"]);
    for swarm in swarms {
        let config = if swarm["config"].is_object() {
            &swarm["config"]
        } else {
            swarm
        };
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let agents = config["agents"].as_array().into_iter().flatten();
        let agents: Vec<String> = agents
            .map(|group| format!("{}={}", text(&group["kind"]), group["count"]))
            .collect();
        table.row([
            text(&swarm["id"]),
            text(&config["name"]),
            text(&config["coordination_strategy"]),
            agents.join(", "),
            text(&swarm["created_at"]),
        ]);
    }
    table
}

fn agents(text: &str) -> Result<(String, u32), String> {
    let (kind, count) = text.split_once('=').ok_or("give KIND=COUNT")?;
    let count = count
        .parse()
        .map_err(|_| format!("`{count}` is not a number of agents"))?;
    Ok((kind.to_owned(), count))
}
