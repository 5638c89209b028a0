//! `workspace`: make, look at, start, stop and remove workspaces; `workspace files` in [`files`], `workspace secret` in [`secret`].

pub mod files;
pub mod secret;

use crate::client::{Client, LARGE_PAGES};
use crate::output::{self, Output};
use crate::policy::{self, expecting};
use crate::table::Table;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
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
    /// Give a workspace another policy: what starts has it, what runs loses what it does not grant
    Policy(SetPolicy),
    /// End what runs and remove the workspaces with their files
    Delete {
        /// Ids, or names that no other workspace has
        #[arg(required = true)]
        workspaces: Vec<String>,
    },
    /// A workspace's files
    #[command(subcommand)]
    Files(files::Files),
    /// What a workspace's sandboxes use and never see
    #[command(subcommand)]
    Secret(secret::Secret),
}

#[derive(Args)]
pub struct Create {
    /// 1 to 63 letters, digits, `.`, `_`, `-`
    pub name: String,
    /// Which programs it has
    #[arg(long, default_value = "python")]
    pub environment: String,
    /// What its sandboxes may do: `isolated`, `standard`, `privileged`, or a policy that is kept
    #[arg(long, value_name = "NAME[@VERSION]", default_value = "standard")]
    pub policy: String,
    /// What its sandboxes may do: a policy, or a preset and what differs from it (TOML or JSON)
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub policy_file: Option<PathBuf>,
    /// Two creations with one key make one workspace
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

#[derive(Args)]
pub struct SetPolicy {
    #[command(flatten)]
    pub one: One,
    /// A preset's name, or that of a policy that is kept
    #[arg(value_name = "NAME[@VERSION]", required_unless_present = "policy_file")]
    pub policy: Option<String>,
    /// A policy, or a preset and what differs from it (TOML or JSON)
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub policy_file: Option<PathBuf>,
    /// Only if the workspace has this revision
    #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(u64).range(1..))]
    pub expect: Option<u64>,
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
        Workspace::Policy(command) => set_policy(client, command).await?,
        Workspace::Delete { workspaces } => {
            for meant in workspaces {
                delete(client, &client.workspace_id(&meant).await?).await?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Workspace::Files(command) => return files::files(client, command, output).await,
        Workspace::Secret(command) => return secret::secret(client, command, output).await,
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
    let policy = chosen(Some(command.policy), command.policy_file.as_deref())?;
    let body = json!({"name": command.name, "environment": command.environment, "policy": policy});
    let mut request = client.request(Method::POST, &["workspaces"])?.json(&body);
    if let Some(key) = &command.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    client.json(request).await
}

async fn set_policy(client: &Client, command: SetPolicy) -> Result<Value> {
    let body = json!({"policy": chosen(command.policy, command.policy_file.as_deref())?});
    let id = client.workspace_id(&command.one.workspace).await?;
    let request = client
        .request(Method::PUT, &["workspaces", &id, "policy"])?
        .json(&body);
    client.json(expecting(request, command.expect)).await
}

/// A policy's name, or what a file says.
fn chosen(name: Option<String>, file: Option<&Path>) -> Result<Value> {
    match file {
        None => Ok(Value::from(name)),
        Some(path) => serde_json::to_value(policy::read_file(path)?).context("write JSON"),
    }
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
            policy_name(workspace),
            text(&workspace["created_at"]),
        ]);
    }
    table
}

/// `standard`, `strict@3`.
fn policy_name(workspace: &Value) -> String {
    let policy = &workspace["policy"];
    let name = policy["name"].as_str().unwrap_or("-");
    match policy["version"].as_u64() {
        Some(version) => format!("{name}@{version}"),
        None => name.to_owned(),
    }
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
        output::harmless(&policy_name(workspace)),
        output::size(number("memory_bytes")),
        number("cpu_time_ms") / 1000,
        output::size(number("disk_bytes")),
        text(&workspace["runner"]),
        text(&workspace["created_at"]),
    )
}
