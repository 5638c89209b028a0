//! Commands that leave something, or run other commands.

use crate::files;
use crate::shell::{Flow, Outcome, Shell};
use std::rc::Rc;

pub async fn leave_loop(shell: &mut Shell, name: &str, arguments: &[String]) -> Outcome {
    let levels = match arguments.first().map(|levels| levels.parse::<u32>()) {
        None => 1,
        Some(Ok(levels)) if levels > 0 => levels,
        Some(_) => {
            let text = arguments.first().cloned().unwrap_or_default();
            shell
                .complain(&format!("{name}: {text}: loop count out of range"))
                .await;
            1
        }
    };
    if shell.loops == 0 {
        let message = format!("{name}: only meaningful in a `for', `while', or `until' loop");
        shell.complain(&message).await;
        return Ok(0);
    }
    let levels = levels.min(shell.loops);
    Err(match name {
        "break" => Flow::Break(levels),
        _ => Flow::Continue(levels),
    })
}

/// The exit code that the first argument is.
async fn code(shell: &mut Shell, name: &str, arguments: &[String]) -> i32 {
    match arguments.first() {
        None => shell.status,
        Some(text) => match text.trim().parse::<i64>() {
            Ok(code) => (code & 0xff) as i32,
            Err(_) => {
                shell
                    .complain(&format!("{name}: {text}: numeric argument required"))
                    .await;
                2
            }
        },
    }
}

pub async fn leave_function(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if shell.frames.is_empty() {
        shell
            .complain("return: can only `return' from a function or sourced script")
            .await;
        return Ok(2);
    }
    let code = code(shell, "return", arguments).await;
    Err(Flow::Return(code))
}

pub async fn exit(shell: &mut Shell, arguments: &[String]) -> Outcome {
    if arguments.len() > 1
        && arguments
            .first()
            .is_some_and(|code| code.parse::<i64>().is_ok())
    {
        shell.complain("exit: too many arguments").await;
        return Ok(1);
    }
    let code = code(shell, "exit", arguments).await;
    Err(Flow::Exit(code))
}

pub async fn shift(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let count = match arguments.first().map(|count| count.parse::<i64>()) {
        None => 1,
        Some(Ok(count)) => count,
        Some(Err(_)) => {
            let text = arguments.first().cloned().unwrap_or_default();
            shell
                .complain(&format!("shift: {text}: numeric argument required"))
                .await;
            return Ok(1);
        }
    };
    match usize::try_from(count) {
        Ok(count) if count <= shell.positional.len() => {
            Rc::make_mut(&mut shell.positional).drain(..count);
            Ok(0)
        }
        Ok(_) => Ok(1),
        Err(_) => {
            shell
                .complain(&format!("shift: {count}: shift count out of range"))
                .await;
            Ok(1)
        }
    }
}

pub async fn eval(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let line = shell.line;
    let text = arguments.join(" ");
    let outcome = Box::pin(shell.script(&text, line)).await;
    not_a_script(shell, outcome)
}

/// A text that is no script fails and does not end the shell.
fn not_a_script(shell: &mut Shell, outcome: Outcome) -> Outcome {
    match outcome {
        Err(Flow::Exit(2)) if std::mem::take(&mut shell.unreadable) => {
            shell.status = 2;
            Ok(2)
        }
        outcome => outcome,
    }
}

pub async fn source(shell: &mut Shell, command: &str, arguments: Vec<String>) -> Outcome {
    let mut arguments = arguments
        .into_iter()
        .skip_while(|argument| argument == "--");
    let Some(name) = arguments.next() else {
        return shell.usage(command, "filename argument required").await;
    };
    let rest: Vec<String> = arguments.collect();
    // A name without a slash is looked for in PATH, then here.
    let found = shell.in_path(&name).unwrap_or_else(|| name.clone());
    if files::is_directory(&shell.path(&found)) {
        shell
            .complain(&format!("{command}: {name}: is a directory"))
            .await;
        return Ok(1);
    }
    let handle = match shell.open_input(&found) {
        Ok(handle) => handle,
        Err(message) => {
            shell.complain(&message).await;
            return Ok(1);
        }
    };
    let bytes = match handle.input() {
        Some(input) => input.read_all().await,
        None => Vec::new(),
    };
    if shell.frames.len() > 200 {
        shell
            .complain(&format!("{command}: {name}: sourced too deeply"))
            .await;
        return Ok(1);
    }
    let text = crate::source_text(&bytes);
    let before = std::mem::replace(&mut shell.source, found.as_str().into());
    let positional = if rest.is_empty() {
        shell.positional.as_ref().clone()
    } else {
        rest.clone()
    };
    let loops = shell.loops;
    shell.enter(None, Rc::clone(&shell.source), positional);
    shell.loops = loops;
    let outcome = Box::pin(shell.script(&text, 1)).await;
    let outcome = match outcome {
        Err(Flow::Return(status)) => Ok(status),
        outcome => not_a_script(shell, outcome),
    };
    // Without arguments of its own, `set --` and `shift` in it are the caller's.
    let positional = Rc::clone(&shell.positional);
    shell.leave();
    if rest.is_empty() {
        shell.positional = positional;
    }
    shell.source = before;
    outcome
}

pub async fn exec(shell: &mut Shell, arguments: Vec<String>) -> Outcome {
    let mut skip = 0;
    while let Some(argument) = arguments.get(skip) {
        match argument.as_str() {
            "-a" => skip += 2,
            "-l" | "-c" | "--" => skip += 1,
            _ => break,
        }
    }
    let arguments: Vec<String> = arguments.into_iter().skip(skip).collect();
    if arguments.is_empty() {
        return Ok(0);
    }
    shell.replace(arguments).await
}

pub async fn builtin(shell: &mut Shell, arguments: Vec<String>) -> Outcome {
    let mut arguments = arguments.into_iter();
    let Some(name) = arguments.next() else {
        return Ok(0);
    };
    if !super::exists(&name) {
        shell
            .complain(&format!("builtin: {name}: not a shell builtin"))
            .await;
        return Ok(1);
    }
    super::run_builtin(shell, &name, arguments.collect()).await
}

pub async fn caller(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let level = match arguments.first().map(|level| level.parse::<usize>()) {
        None => None,
        Some(Ok(level)) => Some(level),
        Some(Err(_)) => return shell.usage("caller", "invalid number").await,
    };
    let mut frames = shell.frames.iter().rev().skip(level.unwrap_or(0));
    let Some(line) = frames.next().map(|frame| frame.line) else {
        return Ok(1);
    };
    let outer = frames.next();
    let source = outer.map_or(&shell.name, |frame| &frame.source);
    let function = match outer {
        None => "main",
        Some(frame) => frame
            .function
            .as_ref()
            .map_or("source", |function| &function.name),
    };
    let text = match level {
        None => format!("{line} {source}\n"),
        Some(_) => format!("{line} {function} {source}\n"),
    };
    shell.print(&text).await
}
