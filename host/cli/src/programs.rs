//! `programs`: what `exec` finds, and users' own among it.

use crate::client::{Client, with_query};
use crate::output::{self, Output, harmless};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use swarm_flow_protocol::PROGRAM_BYTES_MAX;

#[derive(Args)]
pub struct Programs {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Show all; what `programs` alone does
    List,
    /// Add a program of your own to every runner, or replace it
    #[command(disable_version_flag = true)]
    Add {
        /// A component that exports `wasi:cli/run`, or a core module of preview 1 of WASI
        file: PathBuf,
        /// The name by which `exec` finds it; without it, the file's without what follows the last dot
        #[arg(long)]
        name: Option<String>,
        /// Without it, the one that these bytes have already, or else `0`
        #[arg(long)]
        version: Option<String>,
    },
    /// Show what a program is, what it imports, and which part of a policy has to grant that
    Inspect { name: String },
    /// Remove a program that was added; what runs goes on
    Remove { name: String },
}

pub async fn programs(client: &Client, programs: Programs, output: Output) -> Result<ExitCode> {
    match programs.command.unwrap_or(Command::List) {
        Command::List => {
            let all: Vec<Value> = client.list(&["programs"], &[]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Command::Add {
            file,
            name,
            version,
        } => {
            let added = add(client, "programs", &file, name, version).await?;
            output.print(&added, said)?;
        }
        Command::Inspect { name } => {
            let program: Value = client.get(&["programs", &name]).await?;
            output.print(&program, details)?;
        }
        Command::Remove { name } => {
            let request = client.request(Method::DELETE, &["programs", &name])?;
            client.send(request).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// With its digest, so that what arrives is what lies here.
pub async fn add(
    client: &Client,
    collection: &str,
    file: &Path,
    name: Option<String>,
    version: Option<String>,
) -> Result<Value> {
    let shown = file.display();
    let size_bytes = std::fs::metadata(file)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    if size_bytes > PROGRAM_BYTES_MAX {
        bail!(
            "{shown} is larger than {}, the most that a program can have",
            output::size(PROGRAM_BYTES_MAX)
        );
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let name = name.or_else(|| Some(file.file_stem()?.to_str()?.to_owned()));
    let name = name.with_context(|| format!("{shown} has no name to go by; give one by --name"))?;
    let digest = blake3::hash(&bytes).to_hex();
    let mut query = vec![("name", name.as_str()), ("digest", digest.as_str())];
    query.extend(version.as_deref().map(|version| ("version", version)));
    let request = client
        .request(Method::POST, &[collection])?
        .header("content-type", "application/wasm")
        .body(bytes);
    client.json(with_query(request, &query)?).await
}

pub fn said(added: &Value) -> String {
    let mut said = format!(
        "{} {} ({}) on {}\n",
        text(added, "name"),
        text(added, "version"),
        text(added, "digest"),
        list(&added["runners"])
    );
    for left in added["left_out"].as_array().into_iter().flatten() {
        said.push_str(&format!(
            "not on {}: {}\n",
            text(left, "runner"),
            text(left, "reason")
        ));
    }
    said
}

fn details(program: &Value) -> String {
    let name = text(program, "name");
    let mut table = Table::new(["NAME", &name]);
    let size_bytes = program["size_bytes"].as_u64().unwrap_or(0);
    let compiled = if program["compiled"] == true {
        "yes"
    } else {
        "not yet"
    };
    for (title, value) in [
        ("ALIASES", list(&program["aliases"])),
        ("VERSION", text(program, "version")),
        ("ORIGIN", text(program, "origin")),
        ("KIND", text(program, "kind")),
        ("DIGEST", text(program, "digest")),
        ("SIZE", output::size(size_bytes)),
        ("LICENSE", text(program, "license")),
        ("COMPILED", compiled.to_owned()),
        ("ENVIRONMENTS", list(&program["environments"])),
        ("RUNNERS", list(&program["runners"])),
    ] {
        table.row([title.to_owned(), value]);
    }
    for group in program["imports"].as_array().into_iter().flatten() {
        let needs = match group["capability"].as_str() {
            None => "IMPORTS".to_owned(),
            Some(capability) => format!("NEEDS {capability}"),
        };
        let interfaces = group["interfaces"].as_array().into_iter().flatten();
        for (index, interface) in interfaces.filter_map(Value::as_str).enumerate() {
            let title = if index == 0 {
                needs.clone()
            } else {
                String::new()
            };
            table.row([title, interface.to_owned()]);
        }
    }
    table.to_string()
}

fn table(programs: &[Value]) -> Table {
    let mut table = Table::new([
        "NAME",
        "VERSION",
        "ORIGIN",
        "ENVIRONMENTS",
        "SIZE",
        "RUNNERS",
    ]);
    for program in programs {
        let size_bytes = program["size_bytes"].as_u64().unwrap_or(0);
        table.row([
            text(program, "name"),
            text(program, "version"),
            text(program, "origin"),
            list(&program["environments"]),
            output::size(size_bytes),
            list(&program["runners"]),
        ]);
    }
    table
}

fn text(value: &Value, name: &str) -> String {
    harmless(value[name].as_str().unwrap_or("-"))
}

fn list(values: &Value) -> String {
    let values: Vec<&str> = values
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if values.is_empty() {
        return "-".to_owned();
    }
    harmless(&values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_program_is_shown_with_what_has_to_be_granted() {
        let program = json!({
            "name": "tool", "aliases": [], "version": "1", "origin": "added", "kind": "module",
            "digest": "0a", "size_bytes": 2048, "license": null, "compiled": false,
            "environments": ["base"], "runners": ["a", "b"],
            "imports": [
                {"capability": null, "interfaces": ["wasi:cli/exit@0.2.3"]},
                {"capability": "filesystem", "interfaces": ["wasi:filesystem/preopens@0.2.3", "wasi:filesystem/types@0.2.3"]},
            ],
        });
        let shown = details(&program);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "NAME              tool");
        assert!(lines.contains(&"RUNNERS           a, b"), "{shown}");
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "IMPORTS           wasi:cli/exit@0.2.3",
                "NEEDS filesystem  wasi:filesystem/preopens@0.2.3",
                "                  wasi:filesystem/types@0.2.3",
            ]
        );
    }
}
