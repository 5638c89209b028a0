//! What a name stands for: `type`, `command`, `which`, `alias`, `hash`.

use super::Letters;
use crate::files;
use crate::shell::{Outcome, Shell};
use crate::text;
use std::rc::Rc;
use swarm_flow_process::bindings::process;

const KEYWORDS: [&str; 22] = [
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "time", "until", "while", "{", "}",
];

enum Meaning {
    Alias(String),
    Keyword,
    Function(String),
    Builtin,
    File(String),
}

/// All that the name could mean, the one that counts first.
fn meanings(shell: &Shell, name: &str, files_only: bool) -> Vec<Meaning> {
    let mut found = Vec::new();
    if !files_only {
        if let Some(text) = shell.aliases.get(name) {
            found.push(Meaning::Alias(text.clone()));
        }
        if KEYWORDS.contains(&name) {
            found.push(Meaning::Keyword);
        }
        if let Some(function) = shell.functions.get(name) {
            found.push(Meaning::Function(function.text.clone()));
        }
        if super::exists(name) && name != "which" {
            found.push(Meaning::Builtin);
        }
    }
    found.extend(file(shell, name).map(Meaning::File));
    found
}

/// The program's path. Programs have none, so `/usr/bin` stands before their names.
fn file(shell: &Shell, name: &str) -> Option<String> {
    if name.contains('/') {
        let path = shell.path(name);
        let found = files::exists(&path) && !files::is_directory(&path);
        return (found || is_program(&path)).then(|| name.to_owned());
    }
    if let Some(path) = shell.in_path(name) {
        return Some(path);
    }
    let programs = process::programs();
    programs
        .iter()
        .any(|program| program == name)
        .then(|| format!("/usr/bin/{name}"))
}

/// Programs are found beneath the folders where others have theirs.
pub fn is_program(path: &str) -> bool {
    let folders = ["/bin/", "/usr/bin/", "/usr/local/bin/"];
    let name = folders
        .into_iter()
        .find_map(|folder| path.strip_prefix(folder));
    name.is_some_and(|name| process::programs().iter().any(|program| program == name))
}

pub async fn kinds(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "aftpP", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("type", &message).await,
    };
    let mut status = 0;
    for name in arguments.get(letters.taken..).unwrap_or_default() {
        let files_only = letters.has('P');
        let mut found = meanings(shell, name, files_only);
        if letters.has('f') {
            found.retain(|meaning| !matches!(meaning, Meaning::Function(_)));
        }
        if found.is_empty() {
            if !letters.has('t') && !letters.has('p') && !files_only {
                shell.complain(&format!("type: {name}: not found")).await;
            }
            status = 1;
            continue;
        }
        if !letters.has('a') {
            found.truncate(1);
        }
        let mut output = String::new();
        for meaning in &found {
            if letters.has('t') {
                output.push_str(match meaning {
                    Meaning::Alias(_) => "alias\n",
                    Meaning::Keyword => "keyword\n",
                    Meaning::Function(_) => "function\n",
                    Meaning::Builtin => "builtin\n",
                    Meaning::File(_) => "file\n",
                });
            } else if letters.has('p') || files_only {
                if let Meaning::File(path) = meaning {
                    output.push_str(&format!("{path}\n"));
                }
            } else {
                output.push_str(&match meaning {
                    Meaning::Alias(text) => format!("{name} is aliased to `{text}'\n"),
                    Meaning::Keyword => format!("{name} is a shell keyword\n"),
                    Meaning::Function(text) => format!("{name} is a function\n{text}\n"),
                    Meaning::Builtin => format!("{name} is a shell builtin\n"),
                    Meaning::File(path) => format!("{name} is {path}\n"),
                });
            }
        }
        shell.print(&output).await?;
    }
    Ok(status)
}

pub async fn command(shell: &mut Shell, arguments: Vec<String>) -> Outcome {
    let letters = match Letters::read(&arguments, "pvV", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("command", &message).await,
    };
    let rest: Vec<String> = arguments.into_iter().skip(letters.taken).collect();
    if letters.has('V') {
        return kinds(shell, &rest).await;
    }
    if !letters.has('v') {
        return Box::pin(shell.invoke_plainly(rest)).await;
    }
    let mut status = 0;
    let mut output = String::new();
    for name in &rest {
        match meanings(shell, name, false).into_iter().next() {
            None => status = 1,
            Some(Meaning::Alias(text)) => {
                output.push_str(&format!("alias {name}={}\n", text::quote_single(&text)));
            }
            Some(Meaning::File(path)) => output.push_str(&format!("{path}\n")),
            Some(_) => output.push_str(&format!("{name}\n")),
        }
    }
    shell.print(&output).await?;
    Ok(status)
}

pub async fn which(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "as", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("which", &message).await,
    };
    let mut status = 0;
    let mut output = String::new();
    for name in arguments.get(letters.taken..).unwrap_or_default() {
        let builtin = super::exists(name) && !matches!(name.as_str(), "." | ":");
        match file(shell, name) {
            Some(path) => output.push_str(&format!("{path}\n")),
            // Elsewhere each of these is a file too.
            None if builtin
                && matches!(
                    name.as_str(),
                    "echo" | "printf" | "test" | "[" | "true" | "false" | "pwd" | "kill" | "which"
                ) =>
            {
                output.push_str(&format!("/usr/bin/{name}\n"));
            }
            None => status = 1,
        }
    }
    if letters.has('s') {
        return Ok(status);
    }
    shell.print(&output).await?;
    Ok(status)
}

/// Nothing is remembered, so there is nothing to forget.
pub async fn hash(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut status = 0;
    for name in arguments.iter().filter(|name| !name.starts_with('-')) {
        if meanings(shell, name, false).is_empty() {
            shell.complain(&format!("hash: {name}: not found")).await;
            status = 1;
        }
    }
    Ok(status)
}

pub async fn alias(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut status = 0;
    let mut output = String::new();
    let names: Vec<String> =
        if arguments.is_empty() || arguments.first().is_some_and(|first| first == "-p") {
            let mut names: Vec<String> = shell.aliases.keys().cloned().collect();
            names.sort();
            names
        } else {
            arguments.to_vec()
        };
    for name in &names {
        if let Some((name, text)) = name.split_once('=') {
            Rc::make_mut(&mut shell.aliases).insert(name.to_owned(), text.to_owned());
        } else if let Some(text) = shell.aliases.get(name) {
            output.push_str(&format!("alias {name}={}\n", text::quote_single(text)));
        } else {
            shell.complain(&format!("alias: {name}: not found")).await;
            status = 1;
        }
    }
    shell.print(&output).await?;
    Ok(status)
}

pub async fn unalias(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut status = 0;
    for name in arguments {
        if name == "-a" {
            shell.aliases = Rc::default();
        } else if Rc::make_mut(&mut shell.aliases).remove(name).is_none() {
            shell.complain(&format!("unalias: {name}: not found")).await;
            status = 1;
        }
    }
    Ok(status)
}

pub async fn help(shell: &mut Shell) -> Outcome {
    let mut names: Vec<&str> = super::names().collect();
    names.sort_unstable();
    let text = format!("Builtin commands:\n{}\n", names.join(" "));
    shell.print(&text).await
}
