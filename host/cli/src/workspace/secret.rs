//! `workspace secret`: bind, list and take away. A value is read from standard input or a file, and is never an argument, which
//! everybody on this machine could see.

use crate::arguments::header;
use crate::client::Client;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Secret {
    /// Bind a secret to hosts, or bind it anew; its value is read from standard input
    Put(Put),
    /// Show all secrets of a workspace, without their values
    List {
        /// The id, or the name when no other workspace has it
        workspace: String,
    },
    /// Take secrets away, from sandboxes that run too
    Delete {
        workspace: String,
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Args)]
pub struct Put {
    workspace: String,
    /// 1 to 63 letters, digits and `_`, the first no digit
    name: String,
    /// Whose requests get it, as in a policy's `network.public`: `https://api.example.com`, `GET https://*.example.com/v1/`
    #[arg(long = "host", value_name = "PATTERN", required = true)]
    hosts: Vec<String>,
    /// Send it as this header; in FORMAT the value stands for `{}`: `authorization=Bearer {}` [default format: {}]
    #[arg(
        long,
        value_name = "NAME[=FORMAT]",
        value_parser = header,
        conflicts_with = "variable",
        required_unless_present = "variable"
    )]
    header: Option<(String, String)>,
    /// Give sandboxes a placeholder in this variable of their environment, which leaves as the value in any header
    #[arg(long, value_name = "NAME")]
    variable: Option<String>,
    /// Read the value from this file
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
}

/// More than any value has.
const VALUE_BYTES_MAX: u64 = 1 << 20;

pub async fn secret(client: &Client, command: Secret, output: Output) -> Result<ExitCode> {
    match command {
        Secret::Put(command) => {
            let value = value(command.value_file.as_deref())?;
            let secret = put(client, &command, value).await?;
            output.print(&secret, |secret| {
                table(std::slice::from_ref(secret)).to_string()
            })?;
        }
        Secret::List { workspace } => {
            let id = client.workspace_id(&workspace).await?;
            let all: Vec<Value> = client.list(&["workspaces", &id, "secrets"], &[]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Secret::Delete { workspace, names } => {
            let id = client.workspace_id(&workspace).await?;
            for name in names {
                let path = ["workspaces", &id, "secrets", &name];
                client
                    .send(client.request(Method::DELETE, &path)?)
                    .await
                    .with_context(|| format!("delete {name}"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn put(client: &Client, command: &Put, value: String) -> Result<Value> {
    let mut body = json!({"hosts": command.hosts, "value": value});
    match (&command.header, &command.variable) {
        (Some((name, format)), _) => body["header"] = json!({"name": name, "format": format}),
        (None, variable) => body["variable"] = json!(variable),
    }
    let id = client.workspace_id(&command.workspace).await?;
    let path = ["workspaces", &id, "secrets", &command.name];
    client
        .json(client.request(Method::PUT, &path)?.json(&body))
        .await
}

/// Without the end of its line, which is the editor's or the shell's.
fn value(file: Option<&Path>) -> Result<String> {
    let bytes = match file {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
            read(file).with_context(|| format!("read {}", path.display()))?
        }
        None => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                output::say(
                    "The value, then a new line and Ctrl-D (it is shown as you type; `--value-file` is not):",
                );
            }
            read(stdin.lock()).context("read standard input")?
        }
    };
    // What is wrong with it is not said: the error could repeat it.
    let Ok(text) = String::from_utf8(bytes) else {
        bail!("the value is not text");
    };
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok(value.strip_suffix('\r').unwrap_or(value).to_owned())
}

fn read(source: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(VALUE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > VALUE_BYTES_MAX {
        bail!("the value is too long");
    }
    Ok(bytes)
}

fn table(secrets: &[Value]) -> Table {
    let mut table = Table::new(["NAME", "HOSTS", "GOES INTO", "UPDATED"]);
    for secret in secrets {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let hosts = secret["hosts"].as_array().map(Vec::as_slice);
        let hosts: Vec<_> = hosts.unwrap_or_default().iter().map(text).collect();
        let header = &secret["header"];
        let goes_into = if header.is_null() {
            format!("variable {}", text(&secret["variable"]))
        } else {
            format!(
                "header {}: {}",
                text(&header["name"]),
                text(&header["format"])
            )
        };
        table.row([
            text(&secret["name"]),
            hosts.join(", "),
            goes_into,
            text(&secret["updated_at"]),
        ]);
    }
    table
}
