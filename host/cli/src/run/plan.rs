//! The file that `run` takes, and what it means on this machine.

use crate::client::name_is_valid;
use crate::transfer::{self, Found};
use anyhow::{Context, Result, bail};
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use swarm_flow_tasks::{Artifact, File, Task, TaskFile};

/// For `run --help`.
pub const FORMAT: &str = r#"The file:
  {
    "name": "demo",                      a label; default: the file's name
    "environment": "python",             default
    "policy": "standard",                default; a preset's or a kept policy's name, or a policy
    "files": [
      {"source": "src",                  a file, or a folder whose content is meant
       "destination": "app/"}            below /workspace; a directory when it ends in `/`;
    ],                                   default: the file's name; for a folder: /workspace
    "tasks": [
      {"name": "test",                   default: task-1, task-2, …
       "command": ["python", "main.py"],
       "env": {"KEY": "value"},
       "stdin": "text",
       "cwd": "/workspace",              default
       "timeout_ms": 30000,              default: the policy's
       "expect_exit_code": 0,            default
       "artifacts": [
         {"path": "out",                 a file or directory below /workspace
          "destination": "results/out"}  default: the same path; a file keeps its name in a folder, or where it ends in `/`
       ]}
    ]
  }
Paths of this machine are relative to the folder of the file. A source may be anywhere; a destination without `..`,
so that artifacts stay below that folder, or absolute. A task is done when its exit code is the expected one and all
its artifacts were fetched. Exit codes: 0 all tasks are done, 1 some are not, 125 the file could not be carried out,
130 interrupted."#;

/// What shall be done.
#[derive(Debug)]
pub struct Plan {
    pub name: String,
    pub environment: String,
    pub policy: Value,
    pub files: Vec<File>,
    pub tasks: Vec<Task>,
    /// Where the file lies: what paths are relative to.
    folder: PathBuf,
}

impl Plan {
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        Self::parse(&text, folder, stem).with_context(|| path.display().to_string())
    }

    /// The files to put into the workspace. Two for one path are an error.
    pub fn uploads(&self) -> Result<Found> {
        let mut found = Found::default();
        for (index, file) in self.files.iter().enumerate() {
            let source = self.folder.join(&file.source);
            transfer::collect(&source, &file.destination, &mut found)
                .with_context(|| format!("files[{index}]"))?;
        }
        let mut seen = HashSet::new();
        if let Some(twice) = found
            .uploads
            .iter()
            .find(|upload| !seen.insert(&upload.destination))
        {
            bail!(
                "files: `{}` is put into the workspace twice",
                twice.destination
            );
        }
        Ok(found)
    }

    fn parse(text: &str, folder: PathBuf, stem: &str) -> Result<Self> {
        let TaskFile {
            mut name,
            environment,
            policy,
            files,
            mut tasks,
        } = TaskFile::parse(text)?;
        if name.is_empty() {
            name = if name_is_valid(stem) { stem } else { "run" }.to_owned();
        }
        if !name_is_valid(&name) {
            bail!(
                "name: `{name}` is none; give 1 to 63 letters, digits, `.`, `_`, `-`, first a letter or digit"
            );
        }
        check(&policy).context("policy")?;
        for (index, task) in tasks.iter_mut().enumerate() {
            for (place, artifact) in task.artifacts.iter_mut().enumerate() {
                land(artifact, &folder)
                    .with_context(|| format!("tasks[{index}]: artifacts[{place}]"))?;
            }
        }
        Ok(Self {
            name,
            environment,
            policy,
            files,
            tasks,
            folder,
        })
    }
}

/// Where an artifact goes on this machine.
fn land(artifact: &mut Artifact, folder: &Path) -> Result<()> {
    if artifact.destination.as_os_str().is_empty() {
        artifact.destination = PathBuf::from(&artifact.path);
    }
    let destination = &artifact.destination;
    let leads_out = destination
        .components()
        .any(|part| part == Component::ParentDir);
    if leads_out && !destination.is_absolute() {
        bail!(
            "destination: `{}` has a part `..`; give a path below the folder of the file, or an absolute one",
            destination.display()
        );
    }
    artifact.destination = folder.join(destination);
    Ok(())
}

/// A policy by name, which the server knows, or as an object, which we check.
fn check(policy: &Value) -> Result<()> {
    if policy.is_object() {
        let draft = swarm_flow_policy::Draft::deserialize(policy)?;
        draft.policy()?.validate()?;
    } else if !policy.is_string() {
        bail!("give the name of a policy, or one as an object");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
