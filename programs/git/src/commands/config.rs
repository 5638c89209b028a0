//! `git config`.

use crate::arguments::{parse, unknown};
use crate::config::{self, Value};
use crate::fail::{Fail, Result, error, fatal, quiet};
use crate::out::{put, say};
use crate::refs;
use crate::repository::{Globals, Repository};
use bstr::{BStr, BString};
use std::path::{Path, PathBuf};

pub fn run(arguments: &[String], globals: &Globals) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["f", "file", "type", "default", "blob", "value", "comment"],
        &[],
    )?;
    let (mut scope, mut action, mut kind, mut default, mut null) =
        (None, String::new(), None, None, false);
    let (mut origin, mut show_scope, mut name_only, mut file, mut all) =
        (false, false, false, None, false);
    for (name, value) in parsed.options() {
        match name {
            "global" | "local" | "system" | "worktree" => scope = Some(name.to_owned()),
            "f" | "file" => file = value.map(PathBuf::from),
            "get" | "get-all" | "get-regexp" | "add" | "unset" | "unset-all" | "replace-all"
            | "list" | "l" | "remove-section" | "rename-section" => action = name.to_owned(),
            "bool" | "int" | "path" | "bool-or-int" => kind = Some(name.to_owned()),
            "type" => kind = value.map(str::to_owned),
            "default" => default = value.map(str::to_owned),
            "z" | "null" => null = true,
            "show-origin" => origin = true,
            "show-scope" => show_scope = true,
            "name-only" => name_only = true,
            "all" => all = true,
            "includes" | "no-includes" | "fixed-value" => {}
            "e" | "edit" => {
                return Err(fatal(
                    "'git config --edit' needs an editor with a terminal\nhint: set values with 'git config <name> <value>'",
                ));
            }
            _ => return Err(unknown("config", name)),
        }
    }
    let mut free = parsed.free();
    // Newer git has words for what were options.
    if action.is_empty() && free.len() != 1 || free.first().is_some_and(|word| word == "list") {
        let word = free.first().cloned().unwrap_or_default();
        let known = [
            "get",
            "set",
            "unset",
            "list",
            "remove-section",
            "rename-section",
        ];
        if known.contains(&word.as_str()) && !word.contains('.') {
            free.remove(0);
            action = if word == "get" && all {
                "get-all".to_owned()
            } else {
                word
            };
        }
    }
    let end = if null { '\0' } else { '\n' };
    let repository = Repository::discover(globals).ok();
    let path = |writing: bool| -> Result<PathBuf> {
        match (&file, scope.as_deref(), &repository) {
            (Some(file), ..) => Ok(crate::paths::absolute(file)),
            (_, Some("global"), _) => config::global_path(),
            (_, Some("system"), _) => Ok(PathBuf::from("/etc/gitconfig")),
            (.., Some(repository)) => Ok(repository.common.join("config")),
            _ if writing => Err(fatal("not in a git directory")),
            _ => Err(fatal("--local can only be used inside a git repository")),
        }
    };
    let values = || -> Result<Vec<Value>> {
        if file.is_none() && scope.is_none() {
            return Ok(match &repository {
                Some(repository) => repository.config.values.clone(),
                None => config::Config::load(None, &globals.config)?.values,
            });
        }
        let mut read = config::Config::default();
        let name = match scope.as_deref() {
            Some("global") => "global",
            Some("system") => "system",
            _ => "local",
        };
        read.read(&path(false)?, name, 0)?;
        Ok(read.values)
    };
    let prefix = |value: &Value| {
        let mut out = String::new();
        if show_scope {
            out += &format!("{}\t", value.scope);
        }
        if origin {
            let shown = match (&repository, value.scope) {
                (Some(repository), "local") => value
                    .origin
                    .strip_prefix(repository.root().unwrap_or(Path::new("/")))
                    .unwrap_or(&value.origin)
                    .to_owned(),
                _ => value.origin.clone(),
            };
            match value.scope {
                "command" => out += "command line:\t",
                _ => out += &format!("file:{}\t", shown.display()),
            }
        }
        out
    };
    let key = |text: &str| -> Result<String> {
        match text.contains('.') && !text.starts_with('.') {
            true => Ok(config::normal(text)),
            false => Err(Fail {
                code: 1,
                text: format!("error: key does not contain a section: {text}"),
            }),
        }
    };
    match (action.as_str(), free.as_slice()) {
        ("list" | "l", _) => {
            for value in values()? {
                match name_only {
                    true => put(format!("{}{}{end}", prefix(&value), value.key)),
                    false if null => put(format!(
                        "{}{}\n{}\0",
                        prefix(&value),
                        value.key,
                        value.value
                    )),
                    false => put(format!("{}{}={}\n", prefix(&value), value.key, value.value)),
                }
            }
            Ok(0)
        }
        ("get-regexp", [pattern]) => {
            let regex = regex::Regex::new(pattern)
                .map_err(|_| error(format!("invalid key pattern: {pattern}")))?;
            let found: Vec<Value> = values()?
                .into_iter()
                .filter(|value| regex.is_match(&value.key))
                .collect();
            for value in &found {
                match name_only {
                    true => say!("{}", value.key),
                    false => say!("{} {}", value.key, value.value),
                }
            }
            Ok(i32::from(found.is_empty()))
        }
        ("" | "get" | "get-all", [name]) => {
            let wanted = key(name)?;
            let mut found: Vec<Value> = values()?
                .into_iter()
                .filter(|value| value.key == wanted)
                .collect();
            if action != "get-all" {
                found = found.pop().into_iter().collect();
            }
            if let (true, Some(default)) = (found.is_empty(), default) {
                put(format!("{default}{end}"));
                return Ok(0);
            }
            for value in &found {
                put(format!(
                    "{}{}{end}",
                    prefix(value),
                    typed(&value.value, kind.as_deref(), name)?
                ));
            }
            Ok(i32::from(found.is_empty()))
        }
        ("" | "set" | "replace-all", [name, value]) => {
            key(name)?;
            let value = typed(value, kind.as_deref(), name)?;
            change(&path(true)?, |file| set_in(file, name, &value))
        }
        ("add", [name, value]) => {
            key(name)?;
            change(&path(true)?, |file| {
                let (section, subsection, name) = split(name);
                let mut section = file
                    .section_mut_or_create_new(section, subsection.map(BStr::new))
                    .map_err(bad)?;
                section.push(name, value.as_str()).map_err(bad)?;
                Ok(true)
            })
        }
        ("unset" | "unset-all", [name]) => {
            key(name)?;
            let wanted = config::normal(name);
            let path = path(true)?;
            let mut read = config::Config::default();
            read.read(&path, "local", 0)?;
            let count = read
                .values
                .iter()
                .filter(|value| value.key == wanted)
                .count();
            if count > 1 && action == "unset" {
                return Err(Fail {
                    code: 5,
                    text: format!("warning: {wanted} has multiple values"),
                });
            }
            if count == 0 {
                return Err(quiet(5));
            }
            change(&path, |file| {
                let (section, subsection, name) = split(name);
                let ids: Vec<_> = file
                    .sections_and_ids_by_name(section)
                    .into_iter()
                    .flatten()
                    .filter(|(found, _)| {
                        found.header().subsection_name().map(|name| name.to_vec())
                            == subsection.map(|name| name.as_bytes().to_vec())
                    })
                    .map(|(_, id)| id)
                    .collect();
                for id in ids {
                    let Some(mut section) = file.section_mut_by_id(id) else {
                        continue;
                    };
                    while section.remove(name).is_some() {}
                    let empty = section.num_values() == 0;
                    if empty {
                        file.remove_section_by_id(id);
                    }
                }
                Ok(true)
            })
        }
        ("remove-section", [name]) => {
            let path = path(true)?;
            let removed = change_sections(&path, name, None)?;
            match removed {
                true => Ok(0),
                false => Err(fatal(format!("no such section: {name}"))),
            }
        }
        ("rename-section", [old, new]) => {
            let path = path(true)?;
            match change_sections(&path, old, Some(new))? {
                true => Ok(0),
                false => Err(fatal(format!("no such section: {old}"))),
            }
        }
        _ => Err(crate::fail::usage(
            "wrong number of arguments\nusage: git config [<options>] <name> [<value>]",
        )),
    }
}

fn bad(reason: impl std::fmt::Display) -> Fail {
    error(format!("invalid key or value: {reason}"))
}

fn typed(value: &str, kind: Option<&str>, name: &str) -> Result<String> {
    match kind {
        Some("bool") => {
            let truth = config::truth(value)
                .or_else(|| value.parse::<i64>().ok().map(|number| number != 0));
            let truth = truth
                .ok_or_else(|| fatal(format!("bad boolean config value '{value}' for '{name}'")))?;
            Ok(truth.to_string())
        }
        Some("int") => {
            let (digits, factor) = match value.to_ascii_lowercase().chars().last() {
                Some('k') => (value.get(..value.len() - 1), 1_024),
                Some('m') => (value.get(..value.len() - 1), 1_048_576),
                Some('g') => (value.get(..value.len() - 1), 1_073_741_824),
                _ => (Some(value), 1),
            };
            let number: Option<i64> = digits.and_then(|digits| digits.parse().ok());
            let number = number.ok_or_else(|| {
                fatal(format!(
                    "bad numeric config value '{value}' for '{name}': invalid unit"
                ))
            })?;
            Ok((number * factor).to_string())
        }
        Some("path") => Ok(config::expanded(value).display().to_string()),
        _ => Ok(value.to_owned()),
    }
}

/// Section, subsection, name.
fn split(key: &str) -> (&str, Option<&str>, &str) {
    let (head, name) = key.rsplit_once('.').unwrap_or((key, ""));
    match head.split_once('.') {
        Some((section, subsection)) => (section, Some(subsection), name),
        None => (head, None, name),
    }
}

fn set_in(file: &mut gix_config::File, key: &str, value: &str) -> Result<bool> {
    let (section, subsection, name) = split(key);
    file.set_raw_value_by(section, subsection.map(BStr::new), name, value)
        .map_err(bad)?;
    Ok(true)
}

fn change(path: &Path, edit: impl FnOnce(&mut gix_config::File) -> Result<bool>) -> Result<i32> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut file = config::parse(&bytes, path)?;
    edit(&mut file)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    refs::locked(path, &file.to_bstring())?;
    Ok(0)
}

fn change_sections(path: &Path, old: &str, new: Option<&str>) -> Result<bool> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut file = config::parse(&bytes, path)?;
    let parts = |name: &str| {
        let (section, subsection) = name
            .split_once('.')
            .map_or((name, None), |(section, rest)| (section, Some(rest)));
        (section.to_owned(), subsection.map(str::to_owned))
    };
    let (section, subsection) = parts(old);
    if file
        .section(&section, subsection.as_deref().map(BStr::new))
        .is_err()
    {
        return Ok(false);
    }
    match new {
        None => {
            while file
                .remove_section(&section, subsection.as_deref().map(BStr::new))
                .is_some()
            {}
        }
        Some(new) => {
            let (name, inner) = parts(new);
            file.rename_section(
                &section,
                subsection.as_deref().map(BStr::new),
                name,
                inner.map(BString::from),
            )
            .map_err(bad)?;
        }
    }
    refs::locked(path, &file.to_bstring())?;
    Ok(true)
}

pub fn set(repository: &Repository, key: &str, value: &str) -> Result<()> {
    change(&repository.common.join("config"), |file| {
        set_in(file, key, value)
    })
    .map(|_| ())
}

pub fn remove_section(repository: &Repository, name: &str) -> Result<()> {
    change_sections(&repository.common.join("config"), name, None).map(|_| ())
}

pub fn rename_section(repository: &Repository, old: &str, new: &str) -> Result<()> {
    change_sections(&repository.common.join("config"), old, Some(new)).map(|_| ())
}

/// `git remote`: only what is configured; nothing is asked over a network.
pub fn remote(arguments: &[String], repository: &Repository) -> Result<i32> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut names: Vec<(String, String)> = Vec::new();
    for value in &repository.config.values {
        let name = value
            .key
            .strip_prefix("remote.")
            .and_then(|rest| rest.strip_suffix(".url"));
        if let Some(name) = name.filter(|name| names.iter().all(|(other, _)| other != name)) {
            names.push((name.to_owned(), value.value.clone()));
        }
    }
    names.sort();
    let find = |name: &str| names.iter().find(|(other, _)| other == name);
    let missing = |name: &str| Fail {
        code: 2,
        text: format!("error: No such remote '{name}'"),
    };
    match words.as_slice() {
        [] => names.iter().for_each(|(name, _)| say!("{name}")),
        ["-v" | "--verbose"] => {
            for (name, url) in &names {
                let push = repository
                    .config
                    .get(&format!("remote.{name}.pushurl"))
                    .unwrap_or(url);
                say!("{name}\t{url} (fetch)\n{name}\t{push} (push)");
            }
        }
        ["add", name, url] | ["add", "-f", name, url] => {
            if find(name).is_some() {
                return Err(Fail {
                    code: 3,
                    text: format!("error: remote {name} already exists."),
                });
            }
            set(repository, &format!("remote.{name}.url"), url)?;
            set(
                repository,
                &format!("remote.{name}.fetch"),
                &format!("+refs/heads/*:refs/remotes/{name}/*"),
            )?;
        }
        ["remove" | "rm", name] => {
            find(name).ok_or_else(|| missing(name))?;
            remove_section(repository, &format!("remote.{name}"))?;
            for (full, _) in repository.refs.list(&format!("refs/remotes/{name}/")) {
                repository.refs.remove(&full)?;
            }
        }
        ["rename", old, new] => {
            find(old).ok_or_else(|| missing(old))?;
            rename_section(
                repository,
                &format!("remote.{old}"),
                &format!("remote.{new}"),
            )?;
            set(
                repository,
                &format!("remote.{new}.fetch"),
                &format!("+refs/heads/*:refs/remotes/{new}/*"),
            )?;
        }
        ["get-url", name] => say!("{}", find(name).ok_or_else(|| missing(name))?.1),
        ["set-url", name, url] => {
            find(name).ok_or_else(|| missing(name))?;
            set(repository, &format!("remote.{name}.url"), url)?;
        }
        [word, ..] => {
            return Err(fatal(format!(
                "'git remote {word}' is not supported in a sandbox: there is no network for git here\nhint: fetch and push outside of the workspace"
            )));
        }
    }
    Ok(0)
}
