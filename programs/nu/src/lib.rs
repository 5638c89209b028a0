//! Nushell as a program: its own engine, parser and commands, and a few commands of ours where upstream's need an
//! operating system.
//!
//! The component is pre-initialised. [`initialise`] makes the engine with all commands and the standard library; a
//! snapshot is taken of that. [`run`] renews what a snapshot freezes and evaluates. So nothing that `initialise` reaches
//! may ask for variables, files, the time or randomness.

mod arguments;
mod bindings;
mod commands;
mod constant;
mod engine;
mod environment;
mod evaluate;
#[cfg(feature = "self-check")]
mod self_check;

use arguments::{Action, Arguments};
use std::io::Write;
use std::time::Instant;

/// What the snapshot is taken of.
fn initialise() {
    engine::prepare();
}

/// Runs the command line; gives the exit code.
fn run() -> i32 {
    let start = Instant::now();
    std::panic::set_hook(Box::new(|panic| {
        let _ = std::io::stdout().flush();
        let what = panic.payload_as_str().unwrap_or("it is unknown");
        eprintln!("Error: nu ran into a fault of its own and cannot go on: {what}");
        swarm_flow_process::exit(1);
    }));
    environment::renew();
    #[cfg(feature = "self-check")]
    if std::env::args().nth(1).as_deref() == Some("--self-check") {
        return self_check::check(std::env::args().nth(2).as_deref());
    }
    let code = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Action::Evaluate(arguments)) => evaluate::evaluate(arguments, start),
        Ok(Action::Print(text)) => {
            println!("{text}");
            0
        }
        Err(message) => {
            eprintln!("Error: {message}");
            1
        }
    };
    let _ = std::io::stdout().flush();
    code
}
