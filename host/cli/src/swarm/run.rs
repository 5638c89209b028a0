//! Runs of a swarm: started and followed, looked at, held up, ended, drawn.

use super::follow::follow;
use super::live::{Live, Names};
use super::report::report;
use super::state;
use crate::client::{Client, LARGE_PAGES};
use crate::graph;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub struct Run {
    /// The swarm's id, or its name when no other has it
    pub swarm: String,
    /// What to do, as JSON: {"tasks": [{"id", "context", "needs", …}], "items", …}, as `POST /swarms/{id}/runs` takes it;
    /// `-` for standard input
    pub file: PathBuf,
    /// Print the run and do not wait for it
    #[arg(long)]
    pub detach: bool,
    /// Show at the end what every task said, not only what failed
    #[arg(long)]
    pub outputs: bool,
}

#[derive(Args)]
pub struct Show {
    pub run: String,
    /// Wait for its end and show what happens until then
    #[arg(long)]
    pub follow: bool,
    /// Show what every task said, not only what failed
    #[arg(long)]
    pub outputs: bool,
}

#[derive(Args)]
pub struct Graph {
    pub run: String,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Format {
    /// For pages that draw it
    #[default]
    Mermaid,
    /// For Graphviz
    Dot,
}

/// What Ctrl-C ends us with: 128 and the number of the signal, as in a shell.
const INTERRUPTED: u8 = 130;

pub async fn run(client: &Client, swarm: &str, command: &Run, output: Output) -> Result<ExitCode> {
    let body = read(&command.file)?;
    let answer: Value = client.post(&["swarms", swarm, "runs"], &body).await?;
    if command.detach {
        print(client, &answer, command.outputs, output).await?;
        return Ok(ExitCode::SUCCESS);
    }
    to_the_end(client, &answer, command.outputs, output).await
}

pub async fn show(client: &Client, command: &Show, output: Output) -> Result<ExitCode> {
    let answer: Value = client.get(&["runs", &command.run]).await?;
    if command.follow {
        return to_the_end(client, &answer, command.outputs, output).await;
    }
    print(client, &answer, command.outputs, output).await?;
    Ok(ExitCode::SUCCESS)
}

/// `cancel`, `pause` or `resume`.
pub async fn change(client: &Client, run: &str, what: &str, output: Output) -> Result<ExitCode> {
    let path = ["runs", run, what];
    let answer: Value = client
        .json(client.request(reqwest::Method::POST, &path)?)
        .await?;
    print(client, &answer, false, output).await?;
    Ok(ExitCode::SUCCESS)
}

pub async fn list(client: &Client, swarm: Option<&str>, output: Output) -> Result<ExitCode> {
    let mut query = vec![LARGE_PAGES];
    query.extend(swarm.map(|id| ("swarm", id)));
    let all: Vec<Value> = client.list(&["runs"], &query).await?;
    output.print(&all, |all| table(all).to_string())?;
    Ok(ExitCode::SUCCESS)
}

pub async fn graph(client: &Client, command: &Graph) -> Result<ExitCode> {
    let answer: Value = client.get(&["runs", &command.run]).await?;
    let run = state::Run::read(&answer)?;
    let text = match command.format {
        Format::Mermaid => graph::mermaid(&run),
        Format::Dot => graph::dot(&run),
    };
    output::line(&text)?;
    if let (Format::Mermaid, Some(warning)) =
        (command.format, graph::too_large_for_mermaid(&run, &text))
    {
        output::say(&format!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Follows a run, prints it, and ends as it ended.
pub async fn to_the_end(
    client: &Client,
    answer: &Value,
    outputs: bool,
    output: Output,
) -> Result<ExitCode> {
    let mut run = state::Run::read(answer)?;
    let id = run.id.clone();
    let names = if output.json {
        Names::new()
    } else {
        names(client).await
    };
    let mut live = Live::new(output.json, names);
    live.note(&format!("{id} of {} tasks", run.tasks.len()));
    let followed = tokio::select! {
        followed = follow(client, &mut run, &mut live) => Some(followed),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("listen for Ctrl-C")?;
            None
        }
    };
    live.clear();
    let Some(followed) = followed else {
        output::say(&format!(
            "{id} goes on: `swarm-flow swarm show {id}` looks at it, `swarm-flow swarm cancel {id}` ends it"
        ));
        return Ok(ExitCode::from(INTERRUPTED));
    };
    followed?;
    let answer: Value = client
        .get(&["runs", &id])
        .await
        .with_context(|| format!("look at {id}, which is over"))?;
    print(client, &answer, outputs, output).await?;
    match answer["state"].as_str() {
        Some("done") => Ok(ExitCode::SUCCESS),
        Some("failed") => Ok(ExitCode::from(1)),
        Some("cancelled") => Ok(ExitCode::from(2)),
        state => bail!("{id} is in the state {state:?}, which this client does not know as an end"),
    }
}

async fn print(client: &Client, answer: &Value, outputs: bool, output: Output) -> Result<()> {
    if output.json {
        return output.print(answer, |_| String::new());
    }
    let run = state::Run::read(answer)?;
    output::line(&report(answer, &run, &names(client).await, outputs))
}

/// What workspaces are called, where that says which is meant. Without it they go by their ids.
async fn names(client: &Client) -> Names {
    let all: Vec<Value> = client
        .list(&["workspaces"], &[LARGE_PAGES])
        .await
        .unwrap_or_default();
    let both = |one: &Value| {
        Some((
            one["id"].as_str()?.to_owned(),
            one["name"].as_str()?.to_owned(),
        ))
    };
    let mut ids: HashMap<String, Vec<String>> = HashMap::new();
    for (id, name) in all.iter().filter_map(both) {
        ids.entry(name).or_default().push(id);
    }
    let once = |(name, ids): (String, Vec<String>)| match <[String; 1]>::try_from(ids) {
        Ok([id]) => Some((id, name)),
        Err(_) => None,
    };
    ids.into_iter().filter_map(once).collect()
}

fn read(file: &Path) -> Result<Value> {
    let mut text = Vec::new();
    let from = if file == Path::new("-") {
        std::io::stdin()
            .read_to_end(&mut text)
            .context("read standard input")?;
        "standard input".to_owned()
    } else {
        text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        file.display().to_string()
    };
    serde_json::from_slice(&text).with_context(|| format!("{from} is not JSON"))
}

fn table(runs: &[Value]) -> Table {
    let mut table = Table::new(["ID", "SWARM", "STRATEGY", "STATE", "TASKS", "CREATED"]);
    for run in runs {
        let text = |name: &str| run[name].as_str().unwrap_or("-").to_owned();
        table.row([
            text("id"),
            text("swarm"),
            text("coordination_strategy"),
            text("state"),
            format!("{}/{}", run["ended_tasks"], run["tasks"]),
            text("created_at"),
        ]);
    }
    table
}
