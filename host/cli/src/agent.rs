//! `agent`: who can be given tasks.

use crate::client::Client;
use crate::output::Output;
use crate::programs;
use crate::table::Table;
use anyhow::Result;
use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Agent {
    /// Show all agents, what they can and how they are
    List,
    /// Show one, with the form of its tasks' context
    Show { name: String },
    /// Add an agent of your own to every runner, or replace it: tasks that run end with the one they began with
    #[command(disable_version_flag = true)]
    Add {
        /// A component that exports `swarm-flow:core/agent`
        file: PathBuf,
        /// The name by which swarms have it; without it, the file's without what follows the last dot
        #[arg(long)]
        name: Option<String>,
        /// Without it, the one that the agent says
        #[arg(long)]
        version: Option<String>,
    },
    /// Remove an agent that was added; what runs goes on
    Remove { name: String },
}

pub async fn agent(client: &Client, command: Agent, output: Output) -> Result<ExitCode> {
    match command {
        Agent::List => {
            let all: Vec<Value> = client.list(&["agents"], &[]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Agent::Show { name } => {
            let agent: Value = client.get(&["agents", &name]).await?;
            Output { json: true }.print(&agent, |_| String::new())?;
        }
        Agent::Add {
            file,
            name,
            version,
        } => {
            let added = programs::add(client, "agents", &file, name, version).await?;
            output.print(&added, programs::said)?;
        }
        Agent::Remove { name } => {
            let request = client.request(Method::DELETE, &["agents", &name])?;
            client.send(request).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(agents: &[Value]) -> Table {
    let mut table = Table::new(["NAME", "VERSION", "ORIGIN", "CAPABILITIES", "HEALTH"]);
    for agent in agents {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let capabilities: Vec<&str> = agent["capabilities"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let health = &agent["health"];
        let health = format!("{} {}", text(&health["status"]), text(&health["message"]));
        let health = if health.trim().is_empty() {
            "-"
        } else {
            health.trim()
        };
        table.row([
            text(&agent["name"]),
            text(&agent["version"]),
            text(&agent["origin"]),
            capabilities.join(", "),
            health.to_owned(),
        ]);
    }
    table
}
