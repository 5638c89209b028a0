//! `workspace files`: list, fetch, put and remove.

use crate::client::{Client, FileInfo};
use crate::output::{self, Output};
use crate::table::Table;
use crate::transfer::{self, Found};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use swarm_flow_protocol::FILE_BYTES_MAX;
use swarm_flow_tasks::workspace_path;

#[derive(Subcommand)]
pub enum Files {
    /// List a directory
    Ls {
        workspace: String,
        /// [default: /workspace]
        #[arg(default_value = "", hide_default_value = true)]
        path: String,
        /// All below it
        #[arg(short, long)]
        recursive: bool,
    },
    /// Fetch a file or a directory; a file without a destination goes to standard output
    Get {
        workspace: String,
        path: String,
        destination: Option<PathBuf>,
    },
    /// Put a file, or all that is in a folder
    Put {
        workspace: String,
        /// `-` for standard input
        source: PathBuf,
        /// A directory when it ends in `/` [default: the file's name; for a folder: /workspace]
        destination: Option<String>,
    },
    /// Remove a file, or a directory with all that is in it
    Rm {
        workspace: String,
        #[arg(required = true)]
        paths: Vec<String>,
    },
}

pub async fn files(client: &Client, command: Files, output: Output) -> Result<ExitCode> {
    match command {
        Files::Ls {
            workspace,
            path,
            recursive,
        } => {
            let id = client.workspace_id(&workspace).await?;
            let files = client
                .list_files(&id, &workspace_path(&path)?, recursive)
                .await?;
            output.print(&files, |files| table(files).to_string())?;
        }
        Files::Get {
            workspace,
            path,
            destination,
        } => {
            let id = client.workspace_id(&workspace).await?;
            get(
                client,
                &id,
                &workspace_path(&path)?,
                destination.as_deref(),
                output,
            )
            .await?;
        }
        Files::Put {
            workspace,
            source,
            destination,
        } => {
            let id = client.workspace_id(&workspace).await?;
            put(client, &id, &source, destination.as_deref()).await?;
        }
        Files::Rm { workspace, paths } => {
            let id = client.workspace_id(&workspace).await?;
            for path in paths {
                client.remove_file(&id, &named(&path)?).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(
    client: &Client,
    id: &str,
    path: &str,
    destination: Option<&Path>,
    output: Output,
) -> Result<()> {
    let Some(destination) = destination else {
        if path.is_empty() {
            bail!("a directory needs a folder to go to");
        }
        client.read_file(id, path, output::bytes).await?;
        return Ok(());
    };
    let done = transfer::download(client, id, path, destination).await?;
    say_left_out(usize::try_from(done.left_out).unwrap_or(usize::MAX));
    if output.json {
        output.print(&done, |_| String::new())?;
    }
    Ok(())
}

async fn put(client: &Client, id: &str, source: &Path, destination: Option<&str>) -> Result<()> {
    if source == Path::new("-") {
        let destination = named(destination.context("standard input needs a destination")?)?;
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .context("read standard input")?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            bail!("a file can have {}", output::size(FILE_BYTES_MAX));
        }
        return client.write_file(id, &destination, bytes).await;
    }
    let mut found = Found::default();
    transfer::collect(source, destination.unwrap_or_default(), &mut found)?;
    say_left_out(found.left_out);
    transfer::upload(client, id, &found.uploads).await.map(drop)
}

/// Says what did not come along.
pub fn say_left_out(number: usize) {
    if number > 0 {
        output::say(&format!(
            "swarm-flow: left out {number} that are no files (symbolic links, sockets, devices)"
        ));
    }
}

/// A path that is not `/workspace` itself.
fn named(path: &str) -> Result<String> {
    let path = workspace_path(path)?;
    if path.is_empty() {
        bail!("`/workspace` itself can be neither written nor removed");
    }
    Ok(path)
}

fn table(files: &Vec<FileInfo>) -> Table {
    let mut table = Table::new(["PATH", "KIND", "SIZE", "MODIFIED"]);
    for file in files {
        table.row([
            file.path.clone(),
            file.kind.clone(),
            output::size(file.size_bytes),
            file.modified_at.clone(),
        ]);
    }
    table
}
