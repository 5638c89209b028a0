//! `cd`, `pwd`, `pushd`, `popd`, `dirs`: the directory is the shell's own state.

use super::Letters;
use crate::files;
use crate::shell::{Outcome, Shell};
use swarm_flow_process::bindings::wasi::filesystem::types::DescriptorType;

pub async fn cd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "LPe@", "") {
        Ok(letters) => letters,
        // `-` alone is no option, and it was not taken for one.
        Err(message) => return shell.usage("cd", &message).await,
    };
    let operands = arguments.get(letters.taken..).unwrap_or_default();
    let (target, shows) = match operands {
        [] => match shell.get("HOME") {
            Some(home) => (home, false),
            None => {
                shell.complain("cd: HOME not set").await;
                return Ok(1);
            }
        },
        [dash] if dash == "-" => match shell.get("OLDPWD") {
            Some(before) => (before, true),
            None => {
                shell.complain("cd: OLDPWD not set").await;
                return Ok(1);
            }
        },
        [target] => (target.clone(), false),
        _ => {
            shell.complain("cd: too many arguments").await;
            return Ok(1);
        }
    };
    let mut shows = shows;
    let mut path = shell.path(&target);
    if !target.starts_with(['/', '.']) && !target.is_empty() {
        for folder in shell
            .get("CDPATH")
            .unwrap_or_default()
            .split(':')
            .filter(|f| !f.is_empty())
        {
            let candidate = shell.path(&format!("{folder}/{target}"));
            if files::is_directory(&candidate) {
                shows |= folder != ".";
                path = candidate;
                break;
            }
        }
    }
    match enter(shell, &path) {
        Ok(()) if shows => {
            let text = format!("{path}\n");
            shell.print(&text).await
        }
        Ok(()) => Ok(0),
        Err(message) => {
            shell.complain(&format!("cd: {target}: {message}")).await;
            Ok(1)
        }
    }
}

fn enter(shell: &mut Shell, path: &str) -> Result<(), String> {
    let stat = files::stat(path, true).map_err(|error| error.to_string())?;
    if stat.kind != DescriptorType::Directory {
        return Err("Not a directory".to_owned());
    }
    let before = std::mem::replace(&mut shell.directory, path.to_owned());
    shell.set("OLDPWD", before)?;
    shell.set("PWD", path)?;
    for name in ["PWD", "OLDPWD"] {
        shell.change(name)?.attributes.exported = true;
    }
    Ok(())
}

pub async fn pwd(shell: &mut Shell, _arguments: &[String]) -> Outcome {
    let text = format!("{}\n", shell.directory);
    shell.print(&text).await
}

/// `+1` or `-0`: a place in the stack, of which the directory is the first.
fn place(shell: &Shell, text: &str) -> Option<usize> {
    let count = shell.directories.len() + 1;
    let place = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(number), _) => number.parse().ok()?,
        (_, Some(number)) => count.checked_sub(number.parse::<usize>().ok()? + 1)?,
        _ => return None,
    };
    (place < count).then_some(place)
}

pub async fn pushd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let stays = arguments.iter().any(|argument| argument == "-n");
    let target = arguments.iter().find(|argument| *argument != "-n");
    let mut stack = shell.directories.clone();
    stack.insert(0, shell.directory.clone());
    match target {
        None if stack.len() < 2 => {
            shell.complain("pushd: no other directory").await;
            return Ok(1);
        }
        None => stack.swap(0, 1),
        Some(target) => match place(shell, target) {
            Some(place) => stack.rotate_left(place),
            None => {
                let path = shell.path(target);
                if !files::is_directory(&path) {
                    let message = format!("pushd: {target}: No such file or directory");
                    shell.complain(&message).await;
                    return Ok(1);
                }
                stack.insert(usize::from(stays), path);
            }
        },
    }
    settle(shell, stack, stays).await
}

pub async fn popd(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let stays = arguments.iter().any(|argument| argument == "-n");
    let target = arguments.iter().find(|argument| *argument != "-n");
    if shell.directories.is_empty() {
        shell.complain("popd: directory stack empty").await;
        return Ok(1);
    }
    let place = match target {
        None => usize::from(stays),
        Some(target) => match place(shell, target) {
            Some(place) => place,
            None => {
                shell
                    .complain(&format!("popd: {target}: invalid argument"))
                    .await;
                return Ok(1);
            }
        },
    };
    let mut stack = shell.directories.clone();
    stack.insert(0, shell.directory.clone());
    stack.remove(place.min(stack.len() - 1));
    settle(shell, stack, stays).await
}

async fn settle(shell: &mut Shell, mut stack: Vec<String>, stays: bool) -> Outcome {
    let first = stack.remove(0);
    if !stays
        && first != shell.directory
        && let Err(message) = enter(shell, &first)
    {
        shell.complain(&format!("{first}: {message}")).await;
        return Ok(1);
    }
    shell.directories = stack;
    dirs(shell, &[]).await
}

pub async fn dirs(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "clpv", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("dirs", &message).await,
    };
    if letters.has('c') {
        shell.directories.clear();
        return Ok(0);
    }
    let home = shell.get("HOME").filter(|home| home.len() > 1);
    let short = |path: &String| match home.as_deref().and_then(|home| path.strip_prefix(home)) {
        Some(rest) if !letters.has('l') && (rest.is_empty() || rest.starts_with('/')) => {
            format!("~{rest}")
        }
        _ => path.clone(),
    };
    let mut stack = vec![short(&shell.directory)];
    stack.extend(shell.directories.iter().map(short));
    let text = if letters.has('v') {
        let lines = stack.iter().enumerate();
        lines
            .map(|(at, path)| format!("{at:2}  {path}\n"))
            .collect()
    } else if letters.has('p') {
        format!("{}\n", stack.join("\n"))
    } else {
        format!("{}\n", stack.join(" "))
    };
    shell.print(&text).await
}
