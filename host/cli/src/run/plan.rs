//! The file that `run` takes: read strictly, so that a misspelt field is an error and not a default.

use crate::client::name_is_valid;
use crate::transfer::{self, Found, workspace_path};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    #[serde(default)]
    pub name: String,
    #[serde(default = "default_environment")]
    pub environment: String,
    #[serde(default = "default_policy", deserialize_with = "policy")]
    pub policy: Value,
    #[serde(default)]
    pub files: Vec<File>,
    pub tasks: Vec<Task>,
    /// Where the file lies: what paths are relative to.
    #[serde(skip)]
    folder: PathBuf,
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
    /// On this machine; empty in the file means the same path.
    #[serde(default)]
    pub destination: PathBuf,
}

const TASKS_MAX: usize = 1000;

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
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let mut plan: Self =
            serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                match error.path().to_string() {
                    path if path == "." => error.into_inner().into(),
                    path => anyhow::Error::new(error.into_inner()).context(path),
                }
            })?;
        deserializer
            .end()
            .context("something stands after the JSON")?;
        objects(&serde_json::from_str(text)?)?;
        plan.folder = folder;
        plan.complete(stem)?;
        Ok(plan)
    }

    /// Puts defaults in and refuses what no server could do.
    fn complete(&mut self, stem: &str) -> Result<()> {
        if self.name.is_empty() {
            self.name = if name_is_valid(stem) {
                stem.to_owned()
            } else {
                "run".to_owned()
            };
        }
        if !name_is_valid(&self.name) {
            bail!(
                "name: `{}` is none; give 1 to 63 letters, digits, `.`, `_`, `-`, first a letter or digit",
                self.name
            );
        }
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
            task.complete(&self.folder)
                .with_context(|| format!("tasks[{index}]"))?;
        }
        Ok(())
    }
}

impl Task {
    fn complete(&mut self, folder: &Path) -> Result<()> {
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
                .complete(folder)
                .with_context(|| format!("artifacts[{index}]"))?;
        }
        Ok(())
    }
}

impl Artifact {
    fn complete(&mut self, folder: &Path) -> Result<()> {
        self.path = workspace_path(&self.path).context("path")?;
        if self.path.is_empty() {
            bail!("path: `/workspace` itself is no artifact; name what is in it");
        }
        if self.destination.as_os_str().is_empty() {
            self.destination = PathBuf::from(&self.path);
        }
        let leads_out = self
            .destination
            .components()
            .any(|part| part == Component::ParentDir);
        if leads_out && !self.destination.is_absolute() {
            bail!(
                "destination: `{}` has a part `..`; give a path below the folder of the file, or an absolute one",
                self.destination.display()
            );
        }
        self.destination = folder.join(&self.destination);
        Ok(())
    }
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

/// A policy by name, which the server knows, or as an object, which we check.
fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_object() {
        let draft = swarm_flow_policy::Draft::deserialize(&value).map_err(de::Error::custom)?;
        let policy = draft.policy().map_err(de::Error::custom)?;
        policy.validate().map_err(de::Error::custom)?;
    } else if !value.is_string() {
        return Err(de::Error::custom(
            "give the name of a policy, or one as an object",
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
