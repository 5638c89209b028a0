//! `set`, `shopt`, `trap`, `let`, `umask`, `ulimit`.

use super::Letters;
use super::declare::assignment;
use crate::options::{NAMED, SET, SHOPT};
use crate::shell::{Outcome, Shell};
use crate::traps::{SIGNALS, signal_name};
use std::rc::Rc;

pub async fn set(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if arguments.is_empty() {
        let mut names: Vec<&String> = shell.variables.keys().collect();
        names.sort();
        let mut output = String::new();
        for name in names {
            let line = shell
                .variables
                .get(name)
                .map(|variable| assignment(name, variable));
            if let Some(line) = line.filter(|line| !line.is_empty()) {
                output.push_str(&line);
                output.push('\n');
            }
        }
        return shell.print(&output).await;
    }
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        let (letters, on) = match (first.strip_prefix('-'), first.strip_prefix('+')) {
            (Some(letters), _) => (letters, true),
            (_, Some(letters)) if !letters.is_empty() => (letters, false),
            _ => break,
        };
        rest = after;
        if letters == "-" {
            shell.positional = Rc::new(rest.to_vec());
            return Ok(0);
        }
        if letters.is_empty() {
            shell.options.set("xtrace", false);
            shell.options.set("verbose", false);
            break;
        }
        for letter in letters.chars() {
            if letter == 'o' {
                let Some((name, after)) = rest.split_first() else {
                    return list(shell, on).await;
                };
                rest = after;
                if !shell.options.set(name, on) {
                    let message = format!("{name}: invalid option name");
                    return shell.usage("set", &message).await;
                }
            } else if !shell.options.set_letter(letter, on) {
                let sign = if on { '-' } else { '+' };
                let message = format!("{sign}{letter}: invalid option");
                return shell.usage("set", &message).await;
            }
        }
    }
    if !rest.is_empty() {
        shell.positional = Rc::new(rest.to_vec());
    }
    Ok(0)
}

async fn list(shell: &mut Shell, readable: bool) -> Outcome {
    let mut names: Vec<&str> = SET.iter().map(|(_, name)| *name).chain(NAMED).collect();
    names.sort_unstable();
    let mut output = String::new();
    for name in names {
        let on = shell.options.is_set(name);
        if readable {
            output.push_str(&format!("{name:<15}\t{}\n", if on { "on" } else { "off" }));
        } else {
            output.push_str(&format!("set {}o {name}\n", if on { '-' } else { '+' }));
        }
    }
    shell.print(&output).await
}

pub async fn shopt(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "supqo", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("shopt", &message).await,
    };
    let names = arguments.get(letters.taken..).unwrap_or_default();
    let of_set = letters.has('o');
    let state = |shell: &Shell, name: &str| {
        if of_set {
            let known = SET.iter().any(|(_, known)| *known == name) || NAMED.contains(&name);
            known.then(|| shell.options.is_set(name))
        } else {
            shell.options.shopt(name)
        }
    };
    let changes = letters.has('s') || letters.has('u');
    let mut status = 0;
    let mut output = String::new();
    let all: Vec<String> = if names.is_empty() && of_set {
        SET.iter().map(|(_, name)| (*name).to_owned()).collect()
    } else if names.is_empty() {
        SHOPT.iter().map(|(name, _)| (*name).to_owned()).collect()
    } else {
        names.to_vec()
    };
    for name in &all {
        let Some(on) = state(shell, name) else {
            shell
                .complain(&format!("shopt: {name}: invalid shell option name"))
                .await;
            status = 1;
            continue;
        };
        if changes && !names.is_empty() {
            let on = letters.has('s');
            if of_set {
                shell.options.set(name, on);
            } else {
                shell.options.set_shopt(name, on);
            }
            continue;
        }
        if changes && on != letters.has('s') {
            continue;
        }
        if !on && !names.is_empty() {
            status = 1;
        }
        let text = if letters.has('p') && of_set {
            format!("set {}o {name}\n", if on { '-' } else { '+' })
        } else if letters.has('p') {
            format!("shopt -{} {name}\n", if on { 's' } else { 'u' })
        } else {
            format!("{name:<15}\t{}\n", if on { "on" } else { "off" })
        };
        if !letters.has('q') {
            output.push_str(&text);
        }
    }
    shell.print(&output).await?;
    Ok(status)
}

pub async fn trap(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "lp", "") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("trap", &message).await,
    };
    let rest = arguments.get(letters.taken..).unwrap_or_default();
    if letters.has('l') {
        let names = SIGNALS
            .iter()
            .map(|(name, number)| format!("{number:2}) SIG{name}\n"));
        let text: String = names.collect();
        return shell.print(&text).await;
    }
    if rest.is_empty() || letters.has('p') {
        let mut output = String::new();
        let traps = match shell.traps.commands.is_empty() {
            true => &shell.traps.inherited,
            false => &shell.traps.commands,
        };
        for (name, command) in traps {
            let wanted = rest.is_empty()
                || rest
                    .iter()
                    .any(|wanted| signal_name(wanted).as_deref() == Some(name));
            if wanted {
                let prefix = if matches!(name.as_str(), "EXIT" | "ERR" | "DEBUG" | "RETURN") {
                    ""
                } else {
                    "SIG"
                };
                output.push_str(&format!("trap -- {} {prefix}{name}\n", quoted(command)));
            }
        }
        return shell.print(&output).await;
    }
    // A number in front, or a single name, takes traps away.
    let resets = rest.len() == 1
        || rest
            .first()
            .is_some_and(|first| first.chars().all(|c| c.is_ascii_digit()) && !first.is_empty());
    let (command, names) = match rest.split_first() {
        Some((first, names)) if !resets => {
            (Some(first.clone()).filter(|first| first != "-"), names)
        }
        _ => (None, rest),
    };
    shell.traps.inherited.clear();
    let mut status = 0;
    for text in names {
        let Some(name) = signal_name(text) else {
            shell
                .complain(&format!("trap: {text}: invalid signal specification"))
                .await;
            status = 1;
            continue;
        };
        match &command {
            Some(command) => shell.traps.commands.insert(name, command.clone()),
            None => shell.traps.commands.remove(&name),
        };
    }
    if shell.subshells == 0 {
        shell.traps.publish();
    }
    Ok(status)
}

/// Line breaks stay what they are.
fn quoted(command: &str) -> String {
    format!("'{}'", command.replace('\'', "'\\''"))
}

/// `let`
pub async fn compute(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if arguments.is_empty() {
        shell.complain("let: expression expected").await;
        return Ok(1);
    }
    let mut value = 0;
    for expression in arguments {
        match shell.compute(expression) {
            Ok(computed) => value = computed,
            Err(message) => {
                shell.complain(&format!("let: {message}")).await;
                return Ok(1);
            }
        }
    }
    Ok(i32::from(value == 0))
}

/// The policy limits a sandbox, not the shell.
pub async fn ulimit(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let sets = arguments.iter().any(|argument| !argument.starts_with('-'));
    if sets {
        return Ok(0);
    }
    shell.print("unlimited\n").await
}

/// There are no permission bits: a mask is kept and has no effect.
pub async fn umask(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mode = arguments.iter().find(|argument| !argument.starts_with('-'));
    match mode {
        None if arguments.iter().any(|argument| argument == "-S") => {
            shell.print("u=rwx,g=rx,o=rx\n").await
        }
        None => {
            let text = format!("{:04o}\n", shell.mask);
            shell.print(&text).await
        }
        Some(mode) => {
            match u32::from_str_radix(mode, 8) {
                Ok(mask) if mask <= 0o777 => shell.mask = mask,
                Ok(_) => {
                    shell
                        .complain(&format!("umask: {mode}: octal number out of range"))
                        .await;
                    return Ok(1);
                }
                Err(_) => {}
            }
            Ok(0)
        }
    }
}
