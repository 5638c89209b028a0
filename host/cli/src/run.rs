//! `run tasks.json`: a workspace is made, files are put into it, each task runs, artifacts are fetched, and the
//! workspace is removed, whatever happened in between.
//!
//! Exit codes: 0 when every task did what it should, 1 when one did not, 125 when the file could not be carried out,
//! 130 when someone ended us. A task that fails does not keep the next one from running.

mod plan;
mod report;
mod task;

pub use plan::Plan;

use crate::client::Client;
use crate::output::{self, Output};
use crate::stop::Stop;
use crate::transfer::{self, Found};
use crate::workspace;
use anyhow::{Context, Result};
use clap::Args;
use report::Report;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Args)]
#[command(after_long_help = plan::FORMAT, after_help = "`swarm-flow run --help` shows the form of the file.")]
pub struct Run {
    /// The tasks, in JSON
    pub file: PathBuf,
    /// Do not remove the workspace
    #[arg(long)]
    pub keep: bool,
    /// Instead of the file's policy: the name of a preset, or of a policy that is kept
    #[arg(long)]
    pub policy: Option<String>,
    /// Instead of the file's environment
    #[arg(long)]
    pub environment: Option<String>,
    /// Print the outputs of all tasks, not only of those that failed
    #[arg(long)]
    pub outputs: bool,
}

/// Someone ended us: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// How long making a workspace may take. It is never broken off before, so that none is left behind.
const CREATE_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(client: &Client, arguments: &Run, plan: Plan, output: Output) -> Result<ExitCode> {
    let start = Instant::now();
    let stop = Stop::listen()?;
    // All that can be wrong here is found before anything is made there.
    let found = plan.uploads()?;
    workspace::files::say_left_out(found.left_out);
    let id = create(client, arguments, &plan).await?;
    let mut report = Report::new(&id, &plan);
    let worked = tokio::select! {
        done = work(client, &id, &plan, &found, &mut report) => done.map(|()| true),
        () = stop.clone().asked(1) => Ok(false),
    };
    let removed = tear_down(client, &id, arguments.keep, stop).await;
    report.finish(start.elapsed());
    let printed = report.print(output, arguments.outputs);
    let completed = worked.and_then(|completed| removed.and(printed).map(|()| completed))?;
    match (completed, report.success) {
        (false, _) => Ok(ExitCode::from(INTERRUPTED)),
        (true, true) => Ok(ExitCode::SUCCESS),
        (true, false) => Ok(ExitCode::from(1)),
    }
}

async fn create(client: &Client, arguments: &Run, plan: &Plan) -> Result<String> {
    let policy = arguments
        .policy
        .clone()
        .map_or_else(|| plan.policy.clone(), Value::from);
    let environment = arguments
        .environment
        .as_deref()
        .unwrap_or(&plan.environment);
    let body = json!({"name": plan.name, "environment": environment, "policy": policy});
    let request = client
        .request(Method::POST, &["workspaces"])?
        .timeout(CREATE_TIMEOUT)
        .json(&body);
    let workspace: Value = client.json(request).await.context("make the workspace")?;
    let id = workspace["id"]
        .as_str()
        .context("the new workspace has no id")?;
    Ok(id.to_owned())
}

async fn work(
    client: &Client,
    id: &str,
    plan: &Plan,
    found: &Found,
    report: &mut Report,
) -> Result<()> {
    transfer::upload(client, id, &found.uploads).await?;
    let bar = report::progress(plan.tasks.len());
    for task in &plan.tasks {
        bar.set_message(output::harmless(&task.name));
        let done = task::run(client, id, task).await;
        report.tasks.push(
            done.inspect_err(|_| bar.finish_and_clear())
                .with_context(|| format!("task `{}`", task.name))?,
        );
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Removes the workspace. Who asks a second time to end us is told what stays behind.
async fn tear_down(client: &Client, id: &str, keep: bool, stop: Stop) -> Result<()> {
    let left = || {
        output::say(&format!(
            "swarm-flow: workspace {id} is still there; `swarm-flow workspace delete {id}` removes it"
        ))
    };
    if keep {
        left();
        return Ok(());
    }
    let removed = tokio::select! {
        removed = workspace::delete(client, id) => removed,
        () = stop.asked(2) => Err(anyhow::anyhow!("interrupted while the workspace was removed")),
    };
    removed.inspect_err(|_| left())
}
