//! What lies in the folders of a runner: programs and agents, each with what is known of it without starting it.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use swarm_flow_protocol::AgentProfile;

/// A program's file and what is known of it: `NAME.toml` beside `NAME.wasm`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramFile {
    pub name: String,
    /// Other names by which `exec` finds it.
    #[serde(default)]
    pub aliases: Vec<String>,
    pub version: String,
    /// The environments that have it; none means every one.
    #[serde(default)]
    pub environments: Vec<String>,
    /// The language of the first of its environments, where the program is the main one.
    #[serde(default)]
    pub language: String,
    /// Variables that it gets unless the command says otherwise.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether it ends, as by `SIGPIPE`, when it writes to a pipe that nobody reads any more; else it is told so.
    #[serde(default)]
    pub ends_with_reader: bool,
    /// As SPDX writes it.
    #[serde(default)]
    pub license: Option<String>,
    #[serde(skip)]
    pub path: PathBuf,
}

/// An agent's component.
#[derive(Clone, Debug)]
pub struct AgentFile {
    pub name: String,
    pub path: PathBuf,
    /// What the app is told of it; none for the one that is a part of the app, which says it itself.
    pub about: Option<AgentAbout>,
}

/// What an agent would say of itself, so that it need not be started to know it: `NAME.toml` beside `NAME.wasm`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentAbout {
    pub version: String,
    pub capabilities: Vec<String>,
    pub context_schema: Option<String>,
}

impl ProgramFile {
    /// The programs in a folder: each `.toml` with the `.wasm` of the same name. An absent folder holds none.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        let described = described(folder, "is no program")?.into_iter();
        let mut files: Vec<Self> = described
            .map(|(path, file)| Self { path, ..file })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// A program that an operator names on the command line; every environment has it.
    pub fn named(name: &str, path: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            aliases: Vec::new(),
            version: "0".to_owned(),
            environments: Vec::new(),
            language: String::new(),
            env: BTreeMap::new(),
            ends_with_reader: false,
            license: None,
            path,
        }
    }
}

impl AgentFile {
    /// The agents in a folder, as programs are.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        let described = described(folder, "is no agent")?.into_iter();
        let mut files: Vec<Self> = described
            .map(|(path, about)| Self {
                name: path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path,
                about: Some(about),
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// As it is told to the app: like a program, with a profile.
    pub(super) fn announced(self) -> (ProgramFile, Option<AgentProfile>) {
        let mut file = ProgramFile::named(&self.name, self.path);
        let profile = self.about.map(|about| {
            file.version = about.version;
            AgentProfile {
                capabilities: about.capabilities,
                context_schema: about.context_schema,
            }
        });
        (file, profile)
    }
}

/// Each `.toml` in a folder, and the path of the `.wasm` beside it.
fn described<T: DeserializeOwned>(folder: &Path, is_not: &str) -> Result<Vec<(PathBuf, T)>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot list {}", folder.display()));
        }
    };
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot list {}", folder.display()))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let file =
                toml::from_str(&text).with_context(|| format!("{} {is_not}", path.display()))?;
            found.push((path.with_extension("wasm"), file));
        }
    }
    Ok(found)
}
