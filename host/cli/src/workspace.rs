//! `workspace`: make, look at, start, stop and remove workspaces; `workspace files` in [`files`].

pub mod files;

use crate::client::{Client, LARGE_PAGES};
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Workspace {
    /// Make a workspace, started
    Create(Create),
    /// Show all workspaces
    List,
    /// Show one workspace
    Get(One),
    /// Let commands run again
    Start(One),
    /// End what runs and let nothing run; the files stay
    Stop(One),
    /// End what runs and remove the workspaces with their files
    Delete {
        /// Ids, or names that no other workspace has
        #[arg(required = true)]
        workspaces: Vec<String>,
    },
    /// A workspace's files
    #[command(subcommand)]
    Files(files::Files),
}

#[derive(Args)]
pub struct Create {
    /// 1 to 63 letters, digits, `.`, `_`, `-`
    pub name: String,
    /// Which programs it has
    #[arg(long, default_value = "python")]
    pub environment: String,
    /// What its sandboxes may do: `isolated`, `standard`, `privileged`
    #[arg(long, default_value = "standard")]
    pub policy: String,
    /// What its sandboxes may do, as a JSON file
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub policy_file: Option<PathBuf>,
    /// Two creations with one key make one workspace
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

#[derive(Args)]
pub struct One {
    /// The id, or the name when no other workspace has it
    pub workspace: String,
}

pub async fn workspace(client: &Client, command: Workspace, output: Output) -> Result<ExitCode> {
    let workspace: Value = match command {
        Workspace::Create(command) => create(client, command).await?,
        Workspace::List => {
            let all: Vec<Value> = client.list(&["workspaces"], &[LARGE_PAGES]).await?;
            output.print(&all, |all| table(all).to_string())?;
            return Ok(ExitCode::SUCCESS);
        }
        Workspace::Get(one) => {
            client
                .get(&["workspaces", &client.workspace_id(&one.workspace).await?])
                .await?
        }
        Workspace::Start(one) => turn(client, &one, "start").await?,
        Workspace::Stop(one) => turn(client, &one, "stop").await?,
        Workspace::Delete { workspaces } => {
            for meant in workspaces {
                delete(client, &client.workspace_id(&meant).await?).await?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Workspace::Files(command) => return files::files(client, command, output).await,
    };
    output.print(&workspace, described)?;
    Ok(ExitCode::SUCCESS)
}

pub async fn delete(client: &Client, id: &str) -> Result<()> {
    client
        .send(client.request(Method::DELETE, &["workspaces", id])?)
        .await
        .with_context(|| format!("delete {id}"))
        .map(drop)
}

async fn create(client: &Client, command: Create) -> Result<Value> {
    let policy = match &command.policy_file {
        None => Value::from(command.policy),
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
            serde_json::from_slice(&text)
                .with_context(|| format!("{} is not JSON", path.display()))?
        }
    };
    let body = json!({"name": command.name, "environment": command.environment, "policy": policy});
    let mut request = client.request(Method::POST, &["workspaces"])?.json(&body);
    if let Some(key) = &command.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    client.json(request).await
}

async fn turn(client: &Client, one: &One, verb: &str) -> Result<Value> {
    let id = client.workspace_id(&one.workspace).await?;
    client
        .json(client.request(Method::POST, &["workspaces", &id, verb])?)
        .await
}

fn table(workspaces: &[Value]) -> Table {
    let mut table = Table::new(["ID", "NAME", "STATE", "ENVIRONMENT", "POLICY", "CREATED"]);
    for workspace in workspaces {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        table.row([
            text(&workspace["id"]),
            text(&workspace["name"]),
            text(&workspace["state"]),
            text(&workspace["environment"]["name"]),
            text(&workspace["policy"]["name"]),
            text(&workspace["created_at"]),
        ]);
    }
    table
}

fn described(workspace: &Value) -> String {
    let text = |value: &Value| output::harmless(value.as_str().unwrap_or("-"));
    let environment = &workspace["environment"];
    let resources = &workspace["resources"];
    let number = |name: &str| resources[name].as_u64().unwrap_or(0);
    format!(
        "id           {}\nname         {}\nstate        {}\nenvironment  {} ({} {})\npolicy       {}\nmemory       {}\nCPU time     {} s\ndisk         {}\nrunner       {}\ncreated      {}\n",
        text(&workspace["id"]),
        text(&workspace["name"]),
        text(&workspace["state"]),
        text(&environment["name"]),
        text(&environment["language"]),
        text(&environment["version"]),
        text(&workspace["policy"]["name"]),
        output::size(number("memory_bytes")),
        number("cpu_time_ms") / 1000,
        output::size(number("disk_bytes")),
        text(&workspace["runner"]),
        text(&workspace["created_at"]),
    )
}
