//! `sqlite3`: the shell of SQLite, for scripts.
//!
//! Databases lie in the workspace. Two programs that change one at the same time are not kept apart: a sandbox has no
//! locks on files.

mod commands;
mod dump;
mod import;
mod mathematics;
mod options;
mod output;
mod plan;
mod print;
mod schema;
mod shell;
mod statement;

use options::Options;
use shell::Shell;

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    statement::seed();
    let code = match options::parse(&arguments) {
        Ok(options) => run(options),
        Err(error) => {
            eprintln!("sqlite3: {error}\nUse -help for a list of options.");
            1
        }
    };
    swarm_flow_process::exit(code)
}

fn run(options: Options) -> i32 {
    let statements = options.statements.clone();
    let before = options.commands.clone();
    let mut shell = match Shell::new(options) {
        Ok(shell) => shell,
        Err(error) => {
            eprintln!("Error: {error}");
            return 1;
        }
    };
    for command in &before {
        shell.argument(command);
    }
    if statements.is_empty() {
        shell.script(&mut std::io::stdin().lock(), "");
    } else {
        for statement in &statements {
            if shell.argument(statement) != 0 {
                break;
            }
        }
    }
    shell.end()
}
