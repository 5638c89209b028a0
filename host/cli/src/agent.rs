//! `agent`: who can be given tasks.

use crate::client::Client;
use crate::output::Output;
use crate::table::Table;
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Agent {
    /// Show all agents, what they can and how they are
    List,
    /// Show one, with the form of its tasks' context
    Show { name: String },
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
    }
    Ok(ExitCode::SUCCESS)
}

fn table(agents: &[Value]) -> Table {
    let mut table = Table::new(["NAME", "VERSION", "CAPABILITIES", "HEALTH"]);
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
        table.row([
            text(&agent["name"]),
            text(&agent["version"]),
            capabilities.join(", "),
            health.trim().to_owned(),
        ]);
    }
    table
}
