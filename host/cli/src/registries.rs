//! `registries`: what `@package-registries` stands for, which is the hosts that the operator's own package clients use.
//!
//! The clients are asked once, at the first start of a server or a runner, and what they said is kept in `registries.toml` in
//! the state folder, for the operator to look at and to edit. No host is known to us: what no client names is not in it.
//! So a private mirror works, and its credentials, which stand in many a configuration, stay where they are.

mod ask;
mod cargo;
mod client;
mod file;
mod go;
mod node;
mod pattern;
mod python;

use crate::output::{self, Output, say};
use crate::state::folder;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use client::Clients;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Subcommand)]
pub enum Registries {
    /// Ask this machine's package clients, and say what would change
    Ask {
        /// Put it into the file, in the place of what stands there
        #[arg(long)]
        write: bool,
    },
    /// Show the patterns that the group stands for
    Show,
    /// Print where the file is
    Path,
}

/// How long all clients together may take to answer: who asks waits for them, who starts a server does not want to.
const ASKED_LIMIT: Duration = Duration::from_secs(5);
const START_LIMIT: Duration = Duration::from_secs(3);

pub fn registries(command: &Registries, state: &Path, output: Output) -> Result<ExitCode> {
    let path = path(state);
    match command {
        Registries::Path => output.print(&path, |path| path.display().to_string())?,
        Registries::Show => {
            if !path.exists() {
                bail!(
                    "there is no {} yet; the first start of `up` or `runner` makes it, or `registries ask --write`",
                    path.display()
                );
            }
            let patterns = file::read(&path)?;
            let shown = json!({"file": path, "patterns": patterns});
            output.print(&shown, |_| patterns.join("\n"))?;
        }
        Registries::Ask { write } => ask(&path, *write, state, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a server or a runner starts with. `choice` is what stood after `--registries`: a file, or `none`.
///
/// Starts programs, so it has to come before the walls.
pub fn load(choice: Option<&str>, state: &Path) -> Result<Vec<String>> {
    match choice {
        Some("none") => Ok(Vec::new()),
        Some(path) => file::read(Path::new(path)),
        None => {
            let path = path(&folder(state)?);
            if !path.exists() {
                first(&path)?;
            }
            file::read(&path)
        }
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("registries.toml")
}

fn first(path: &Path) -> Result<()> {
    let clients = Clients::ask(START_LIMIT);
    file::write(path, &clients)?;
    let count = clients.patterns().len();
    let hosts = if count == 1 { "host" } else { "hosts" };
    let names = clients.with_patterns();
    let from = if names.is_empty() {
        "no package client named one".to_owned()
    } else {
        format!("from {}", names.join(", "))
    };
    say(&format!(
        "`@package-registries` is {count} {hosts}, {from}; see and edit {}",
        path.display()
    ));
    Ok(())
}

fn ask(path: &Path, write: bool, state: &Path, output: Output) -> Result<()> {
    let before = if path.exists() {
        // What cannot be read is no reason not to replace it.
        file::read(path).or_else(|error| if write { Ok(Vec::new()) } else { Err(error) })?
    } else {
        Vec::new()
    };
    let clients = Clients::ask(ASKED_LIMIT);
    let now = clients.patterns();
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        let absent = of.iter().filter(|pattern| !from.contains(pattern));
        absent.cloned().collect()
    };
    let (added, removed) = (missing(&before, &now), missing(&now, &before));
    if write {
        folder(state)?;
        file::write(path, &clients).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let changed = !(added.is_empty() && removed.is_empty());
    let shown = json!({
        "file": path, "clients": clients, "added": added, "removed": removed, "written": write,
    });
    output.print(&shown, |_| {
        let mut lines = clients.lines();
        lines.extend(added.iter().map(|pattern| format!("+ {pattern}")));
        lines.extend(removed.iter().map(|pattern| format!("- {pattern}")));
        lines.push(match (write, changed) {
            (true, _) => format!(
                "written to {}; it is read at the next start",
                path.display()
            ),
            (false, true) => {
                "nothing was written; `registries ask --write` replaces the file".to_owned()
            }
            (false, false) => format!("as in {}", path.display()),
        });
        output::harmless_lines(&lines)
    })
}
