//! The form of `tasks.json`: commands that are run one after another, by `swarm-flow run` in a workspace of its own, and by the agent
//! `script` in that of its task. It is read strictly, so that a misspelt field is an error and not a default.
//!
//! What it says of a workspace that is to be made (`name`, `environment`, `policy`, `files`) and of this machine (an artifact's
//! `destination`) is for the one who makes it. Pure: it reads no file.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// Tasks of a file.
pub const TASKS_MAX: usize = 1000;

/// What shall be done, and in what workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// Empty unless given.
    #[serde(default)]
    pub name: String,
    #[serde(default = "default_environment")]
    pub environment: String,
    /// As it stands there: a name, or a policy.
    #[serde(default = "default_policy")]
    pub policy: Value,
    #[serde(default)]
    pub files: Vec<File>,
    pub tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub source: PathBuf,
    #[serde(default)]
    pub destination: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    #[serde(default)]
    pub name: String,
    pub command: Vec<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub stdin: String,
    pub cwd: Option<String>,
    pub timeout_ms: Option<u64>,
    #[serde(default)]
    pub expect_exit_code: u8,
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// In the workspace.
    pub path: String,
    /// Where the caller is; empty means the same path.
    #[serde(default)]
    pub destination: PathBuf,
}

impl TaskFile {
    /// Reads a file. Each task has a name, and each path one form.
    pub fn parse(text: &str) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let file = Self::read(&mut deserializer)?;
        deserializer
            .end()
            .context("something stands after the JSON")?;
        file.complete(&serde_json::from_str(text)?)
    }

    /// The same of JSON that was read before.
    pub fn of(value: &Value) -> Result<Self> {
        Self::read(value)?.complete(value)
    }

    fn read<'de>(deserializer: impl Deserializer<'de, Error = serde_json::Error>) -> Result<Self> {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            match error.path().to_string() {
                path if path == "." => error.into_inner().into(),
                path => anyhow::Error::new(error.into_inner()).context(path),
            }
        })
    }

    /// Puts defaults in and refuses what no server could do.
    fn complete(mut self, written: &Value) -> Result<Self> {
        objects(written)?;
        for (index, file) in self.files.iter().enumerate() {
            workspace_path(&file.destination)
                .with_context(|| format!("files[{index}].destination"))?;
        }
        if self.tasks.is_empty() || self.tasks.len() > TASKS_MAX {
            bail!(
                "tasks: there are {}; give 1 to {TASKS_MAX}",
                self.tasks.len()
            );
        }
        let mut names = HashSet::new();
        for (index, task) in self.tasks.iter_mut().enumerate() {
            if task.name.is_empty() {
                task.name = format!("task-{}", index + 1);
            }
            if !names.insert(task.name.clone()) {
                bail!(
                    "tasks[{index}].name: `{}` is the name of a task before it",
                    task.name
                );
            }
            task.complete().with_context(|| format!("tasks[{index}]"))?;
        }
        Ok(self)
    }
}

impl Task {
    fn complete(&mut self) -> Result<()> {
        if self.command.first().is_none_or(String::is_empty) {
            bail!("command: it names no program");
        }
        if let Some(name) = self
            .env
            .keys()
            .find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            bail!("env: `{name}` cannot be the name of a variable");
        }
        if let Some(cwd) = self.cwd.as_ref().filter(|cwd| !cwd.starts_with('/')) {
            bail!(
                "cwd: `{cwd}` is relative; give an absolute path of the sandbox, like `/workspace`"
            );
        }
        if self.timeout_ms == Some(0) {
            bail!("timeout_ms: 0 lets nothing run; give at least 1");
        }
        for (index, artifact) in self.artifacts.iter_mut().enumerate() {
            artifact
                .complete()
                .with_context(|| format!("artifacts[{index}]"))?;
        }
        Ok(())
    }
}

impl Artifact {
    fn complete(&mut self) -> Result<()> {
        self.path = workspace_path(&self.path).context("path")?;
        if self.path.is_empty() {
            bail!("path: `/workspace` itself is no artifact; name what is in it");
        }
        Ok(())
    }
}

/// A path of a workspace, relative to `/workspace` and without needless parts; `/workspace/a` and `./a` are `a`.
/// The empty path is `/workspace` itself.
pub fn workspace_path(path: &str) -> Result<String> {
    let relative = match path.strip_prefix('/') {
        None => path,
        Some("workspace") => "",
        Some(absolute) => match absolute.strip_prefix("workspace/") {
            Some(relative) => relative,
            None => bail!("`{path}` is outside of `/workspace`"),
        },
    };
    let parts: Vec<&str> = relative
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        bail!("`{path}` has a part `..`; give the path itself");
    }
    if path.contains('\0') {
        bail!("a path cannot hold a NUL");
    }
    Ok(parts.join("/"))
}

/// A derived reader takes an array for a struct, its items for the fields. That would be guessing.
fn objects(plan: &Value) -> Result<()> {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nested = items(&plan["tasks"])
        .into_iter()
        .flat_map(|task| [items(&task["artifacts"]), vec![task]])
        .flatten();
    let mut all = nested.chain(items(&plan["files"])).chain([plan.clone()]);
    if let Some(other) = all.find(|value| !value.is_object()) {
        bail!("`{other}` stands where an object must be");
    }
    Ok(())
}

fn default_environment() -> String {
    "python".to_owned()
}

fn default_policy() -> Value {
    "standard".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_paths_have_one_form() {
        for (path, expected) in [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/workspace/a", Some("a")),
            ("/workspace", Some("")),
            (".", Some("")),
            ("", Some("")),
            ("a..b", Some("a..b")),
            ("..", None),
            ("a/../b", None),
            ("/etc/passwd", None),
            ("/workspaces", None),
            ("a\0b", None),
        ] {
            assert_eq!(workspace_path(path).ok().as_deref(), expected, "{path:?}");
        }
    }
}
