//! Utilities that start a program: `env`, `timeout`, `nice`, `nohup`, `time`; and `which`, which only finds it.

use super::Call;
use std::time::{Duration, Instant};
use swarm_flow_process::{Command, SpawnError};

pub fn main(call: &Call) -> i32 {
    match call.name.as_str() {
        "env" => env(call),
        "timeout" => timeout(call),
        "time" => time(call),
        "which" | "command" => which(call),
        _ => nice(call),
    }
}

fn env(call: &Call) -> i32 {
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    let mut folder = None;
    let mut end = '\n';
    let mut rest = call.arguments.iter().peekable();
    while let Some(argument) = rest.peek() {
        let argument = argument.as_str();
        match argument {
            "-" | "-i" | "--ignore-environment" => variables.clear(),
            "-0" | "--null" => end = '\0',
            "-u" | "-C" | "-S" => {
                rest.next();
                let Some(value) = rest.peek() else {
                    call.complain(&format!(
                        "option requires an argument -- '{}'",
                        argument.trim_start_matches('-')
                    ));
                    return 125;
                };
                match argument {
                    "-u" => variables.retain(|(name, _)| name != *value),
                    "-C" => folder = Some((*value).clone()),
                    _ => {
                        let words = value.split_whitespace().map(str::to_owned);
                        let arguments = words.chain(rest.skip(1).cloned()).collect();
                        return env(&Call {
                            name: call.name.clone(),
                            arguments,
                        });
                    }
                }
            }
            "--" => {
                rest.next();
                break;
            }
            _ if argument.starts_with("--unset=") => {
                let unset = argument.trim_start_matches("--unset=");
                variables.retain(|(name, _)| name != unset);
            }
            _ if argument.starts_with("--chdir=") => {
                folder = Some(argument.trim_start_matches("--chdir=").to_owned())
            }
            _ if argument.starts_with('-') => {
                call.complain(&format!(
                    "invalid option -- '{}'",
                    argument.trim_start_matches('-')
                ));
                return 125;
            }
            _ => break,
        }
        rest.next();
    }
    while let Some((name, value)) = rest.peek().and_then(|argument| argument.split_once('=')) {
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
        rest.next();
    }
    let argv: Vec<String> = rest.cloned().collect();
    if argv.is_empty() {
        variables
            .iter()
            .for_each(|(name, value)| print!("{name}={value}{end}"));
        return 0;
    }
    let mut command = Command::new(argv.clone()).env(variables);
    if let Some(folder) = folder {
        let here = std::env::current_dir().unwrap_or_default();
        command = command.cwd(here.join(folder).to_string_lossy().into_owned());
    }
    finish(call, &argv, command)
}

/// There are no priorities to give and no terminal to lose.
fn nice(call: &Call) -> i32 {
    let mut argv = call.arguments.clone();
    if call.name == "nice" {
        match argv.first().map(String::as_str) {
            Some("-n" | "--adjustment") => drop(argv.drain(..2.min(argv.len()))),
            Some(option) if option.starts_with('-') => drop(argv.remove(0)),
            _ => {}
        }
        if argv.is_empty() {
            println!("0");
            return 0;
        }
    }
    if argv.is_empty() {
        call.complain("missing operand");
        return 125;
    }
    finish(call, &argv, Command::new(argv.clone()))
}

fn time(call: &Call) -> i32 {
    let argv: Vec<String> = call
        .arguments
        .iter()
        .skip_while(|argument| *argument == "-p")
        .cloned()
        .collect();
    if argv.is_empty() {
        return 0;
    }
    let start = Instant::now();
    let code = finish(call, &argv, Command::new(argv.clone()));
    eprintln!("real {:.2}", start.elapsed().as_secs_f64());
    code
}

fn timeout(call: &Call) -> i32 {
    let mut preserve = false;
    let mut rest = call.arguments.iter();
    let mut limit = None;
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            // Every end is at once here.
            "-s" | "-k" | "--signal" | "--kill-after" => drop(rest.next()),
            "--preserve-status" => preserve = true,
            "--foreground" | "-v" | "--verbose" | "--" | "-f" => {}
            option if option.starts_with('-') => {}
            text => {
                limit = Some(text.to_owned());
                break;
            }
        }
    }
    let argv: Vec<String> = rest.cloned().collect();
    let Some(limit) = limit.filter(|_| !argv.is_empty()) else {
        call.complain("missing operand");
        return 125;
    };
    let Some(limit) = duration(&limit) else {
        call.complain(&format!("invalid time interval '{limit}'"));
        return 125;
    };
    let child = match Command::new(argv.clone()).spawn() {
        Ok(child) => child,
        Err(error) => return failed(call, &argv, error),
    };
    if limit.is_zero() {
        return i32::from(child.wait().exit_code);
    }
    let start = Instant::now();
    while child.end().is_none() && start.elapsed() < limit {
        std::thread::sleep(LOOK.min(limit.saturating_sub(start.elapsed())));
    }
    match child.end() {
        Some(end) => i32::from(end.exit_code),
        None => {
            child.kill();
            if preserve { 137 } else { 124 }
        }
    }
}

/// How often it is looked whether a program has ended: a child cannot be waited for together with a clock.
const LOOK: Duration = Duration::from_millis(2);

fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3_600.0,
        'd' => 86_400.0,
        _ => 0.0,
    };
    let (number, unit) = match unit {
        0.0 => (text, 1.0),
        unit => (text.get(..text.len() - 1)?, unit),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

fn which(call: &Call) -> i32 {
    let known = swarm_flow_process::programs();
    let mut code = 0;
    for name in call
        .arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
    {
        match known.iter().any(|program| program == name) {
            true => println!("/usr/bin/{name}"),
            false => code = 1,
        }
    }
    code
}

fn finish(call: &Call, argv: &[String], command: Command<'_>) -> i32 {
    match command.run() {
        Ok(end) => i32::from(end.exit_code),
        Err(error) => failed(call, argv, error),
    }
}

fn failed(call: &Call, argv: &[String], error: SpawnError) -> i32 {
    let name = argv.first().map_or("", String::as_str);
    let (text, code) = match error {
        SpawnError::NotFound(_) => ("No such file or directory".to_owned(), 127),
        SpawnError::NotExecutable(why) => (why, 126),
        SpawnError::NoRoom(why) | SpawnError::Invalid(why) | SpawnError::Failed(why) => (why, 125),
    };
    call.complain(&format!("'{name}': {text}"));
    code
}
