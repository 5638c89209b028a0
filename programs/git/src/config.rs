//! Configuration: the files for the user and for the repository, and `-c`.

use crate::fail::{Result, fatal};
use crate::paths;
use bstr::ByteSlice;
use gix_config::File;
use gix_config::file::{Metadata, init};
use std::path::{Path, PathBuf};

/// All values in the order in which they are read: a later one wins.
#[derive(Default, Clone)]
pub struct Config {
    pub values: Vec<Value>,
}

#[derive(Clone)]
pub struct Value {
    /// `section.Subsection.name`, with the section and the name in lower case.
    pub key: String,
    pub value: String,
    pub scope: &'static str,
    pub origin: PathBuf,
}

/// How deep files include others.
const INCLUDES_MAX: usize = 10;

impl Config {
    pub fn load(git_dir: Option<&Path>, overrides: &[(String, String)]) -> Result<Self> {
        let mut config = Config::default();
        if std::env::var_os("GIT_CONFIG_NOSYSTEM").is_none() {
            config.read(Path::new("/etc/gitconfig"), "system", 0)?;
        }
        for path in global_paths() {
            config.read(&path, "global", 0)?;
        }
        if let Some(git_dir) = git_dir {
            config.read(&git_dir.join("config"), "local", 0)?;
        }
        config.environment();
        for (key, value) in overrides {
            config.push(key, value, "command", Path::new("command line"));
        }
        Ok(config)
    }

    /// `GIT_CONFIG_COUNT`, `GIT_CONFIG_KEY_0`, `GIT_CONFIG_VALUE_0`.
    fn environment(&mut self) {
        let count = std::env::var("GIT_CONFIG_COUNT")
            .ok()
            .and_then(|count| count.parse().ok());
        for number in 0..count.unwrap_or(0u32).min(1_000) {
            let key = std::env::var(format!("GIT_CONFIG_KEY_{number}"));
            let value = std::env::var(format!("GIT_CONFIG_VALUE_{number}"));
            if let (Ok(key), Ok(value)) = (key, value) {
                self.push(&key, &value, "command", Path::new("command line"));
            }
        }
    }

    pub fn read(&mut self, path: &Path, scope: &'static str, depth: usize) -> Result<()> {
        let Ok(bytes) = std::fs::read(path) else {
            return Ok(());
        };
        let file = parse(&bytes, path)?;
        for section in file.sections() {
            let header = section.header();
            let mut seen: Vec<String> = Vec::new();
            for name in section.value_names() {
                let lower = name.to_ascii_lowercase();
                let nth = seen.iter().filter(|other| **other == lower).count();
                let value = section
                    .values(&name)
                    .into_iter()
                    .nth(nth)
                    .unwrap_or_default();
                let value = value.to_str_lossy().into_owned();
                let key = match header.subsection_name() {
                    Some(subsection) => format!("{}.{subsection}.{lower}", header.name()),
                    None => format!("{}.{lower}", header.name()),
                };
                seen.push(lower);
                self.push(&key, &value, scope, path);
                if key.eq_ignore_ascii_case("include.path") && depth < INCLUDES_MAX {
                    let included = expanded(&value);
                    let folder = path.parent().unwrap_or(Path::new("."));
                    self.read(&folder.join(included), scope, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, key: &str, value: &str, scope: &'static str, origin: &Path) {
        self.values.push(Value {
            key: normal(key),
            value: value.to_owned(),
            scope,
            origin: origin.to_owned(),
        });
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        let key = normal(key);
        let found = self.values.iter().rev().find(|value| value.key == key);
        found.map(|value| value.value.as_str())
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(truth)
    }
}

pub fn parse(bytes: &[u8], path: &Path) -> Result<File> {
    File::from_bytes_no_includes(bytes, Metadata::api(), init::Options::default())
        .map_err(|_| fatal(format!("bad config file {}", path.display())))
}

pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Section and name do not care for case, a subsection does.
pub fn normal(key: &str) -> String {
    let (Some(first), Some(last)) = (key.find('.'), key.rfind('.')) else {
        return key.to_ascii_lowercase();
    };
    let section = key.get(..first).unwrap_or_default().to_ascii_lowercase();
    let middle = key.get(first..last).unwrap_or_default();
    let name = key.get(last..).unwrap_or_default().to_ascii_lowercase();
    format!("{section}{middle}{name}")
}

/// Where `~` is the home folder.
pub fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// The user's files, in the order in which they are read.
fn global_paths() -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os("GIT_CONFIG_GLOBAL") {
        return vec![paths::absolute(Path::new(&path))];
    }
    let xdg = match std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder).join("git/config")),
        None => home().map(|home| home.join(".config/git/config")),
    };
    xdg.into_iter()
        .chain(home().map(|home| home.join(".gitconfig")))
        .collect()
}

/// The user's file that `git config --global` writes.
pub fn global_path() -> Result<PathBuf> {
    let paths = global_paths();
    let present = paths.iter().rev().find(|path| path.is_file());
    present
        .or(paths.last())
        .cloned()
        .ok_or_else(|| fatal("$HOME not set"))
}
