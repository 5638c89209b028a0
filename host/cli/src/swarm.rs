//! `swarm`: agents that work together, and the runs of their tasks.

mod follow;
mod live;
mod report;
pub mod run;
pub mod state;

use crate::client::{Client, LARGE_PAGES};
use crate::output::Output;
use crate::table::Table;
use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Swarm {
    /// Make a swarm
    Create(Create),
    /// Show all swarms
    List,
    /// Show one swarm, as JSON
    Get { swarm: String },
    /// Set how many agents it has, over all kinds in proportion
    Scale {
        swarm: String,
        /// 1 to 1000
        #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1000))]
        target_size: u32,
    },
    /// Give it tasks and follow them to their end; ends with 0 when the run is done, 1 when it failed, 2 when it was cancelled
    Run(run::Run),
    /// Show the runs of a swarm, or of all, the newest first
    Runs { swarm: Option<String> },
    /// Show a run and its tasks
    Show(run::Show),
    /// End a run, with all that it started
    Cancel { run: String },
    /// Begin no more tasks of a run; what is at work goes on
    Pause { run: String },
    /// Go on with a run that was paused
    Resume { run: String },
    /// Draw a run: which task needs which, states, times, and the critical path thick
    Graph(run::Graph),
}

#[derive(Args)]
pub struct Create {
    /// 1 to 63 letters, digits, `.`, `_`, `-`
    pub name: String,
    /// Where tasks run: an id, or a name that no other workspace has. A task that names none of them takes that of the first
    /// task that it needs, else one with the least to do
    #[arg(short, long = "workspace", required = true)]
    pub workspaces: Vec<String>,
    /// Agents of a kind; all together are how many tasks run at once
    #[arg(long = "agent", value_name = "KIND=COUNT", default_value = "script=1", value_parser = agents)]
    pub agents: Vec<(String, u32)>,
    /// How tasks work together; a run may say another
    #[arg(long, value_enum, default_value_t)]
    pub strategy: Strategy,
}

#[derive(Clone, Copy, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Strategy {
    /// One task after another
    #[default]
    Sequential,
    /// All at once, as far as they need nothing
    Parallel,
    /// Each item goes through all tasks in order, on its own
    Pipeline,
    /// All tasks but the last at once, for each item; the last has all their results
    MapReduce,
    /// The first task plans, the others need it
    Hierarchical,
    /// Tasks vote; the run ends as soon as the quorum has an answer
    Consensus,
    /// All at once; the first that is done wins, the others are cancelled
    Race,
    /// All but the last argue in rounds; the last judges
    Debate,
}

pub async fn swarm(client: &Client, command: Swarm, output: Output) -> Result<ExitCode> {
    let swarm: Value = match command {
        Swarm::Create(command) => create(client, command).await?,
        Swarm::List => {
            let all: Vec<Value> = client.list(&["swarms"], &[LARGE_PAGES]).await?;
            output.print(&all, |all| table(all).to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
        Swarm::Get { swarm } => client.get(&["swarms", &id(client, swarm).await?]).await?,
        Swarm::Scale { swarm, target_size } => {
            let swarm = id(client, swarm).await?;
            let size = json!({"target_size": target_size});
            client.post(&["swarms", &swarm, "scale"], &size).await?
        }
        Swarm::Run(command) => {
            let swarm = id(client, command.swarm.clone()).await?;
            return run::run(client, &swarm, &command, output).await;
        }
        Swarm::Runs { swarm: Some(swarm) } => {
            let swarm = id(client, swarm).await?;
            return run::list(client, Some(&swarm), output).await;
        }
        Swarm::Runs { swarm: None } => return run::list(client, None, output).await,
        Swarm::Show(command) => return run::show(client, &command, output).await,
        Swarm::Cancel { run } => return run::change(client, &run, "cancel", output).await,
        Swarm::Pause { run } => return run::change(client, &run, "pause", output).await,
        Swarm::Resume { run } => return run::change(client, &run, "resume", output).await,
        Swarm::Graph(command) => return run::graph(client, &command).await,
    };
    Output { json: true }.print(&swarm, |_| String::new())?;
    Ok(ExitCode::SUCCESS)
}

/// The id of the swarm that is meant by an id or by a name. A name that several have is an error.
async fn id(client: &Client, meant: String) -> Result<String> {
    if meant.starts_with("sw_") {
        return Ok(meant);
    }
    let all: Vec<Value> = client.list(&["swarms"], &[LARGE_PAGES]).await?;
    let found: Vec<&str> = all
        .iter()
        .filter(|swarm| swarm["name"] == *meant)
        .filter_map(|swarm| swarm["id"].as_str())
        .collect();
    match found.as_slice() {
        [] => bail!("there is no swarm named `{meant}`; `swarm-flow swarm list` shows all"),
        [id] => Ok((*id).to_owned()),
        several => bail!(
            "several swarms are named `{meant}`; give one of the ids: {}",
            several.join(", ")
        ),
    }
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
        "coordination_strategy": command.strategy.to_possible_value().map(|value| value.get_name().to_owned()),
        "platform": "local",
        "workspaces": workspaces,
    });
    client.post(&["swarms"], &body).await
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
