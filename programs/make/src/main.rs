//! `make`: GNU make's language, with recipes as programs of the workspace.

mod assignment;
mod automatic;
mod builtin;
mod children;
mod command;
mod conditional;
mod database;
mod expand;
mod fault;
mod files;
mod finish;
mod functions;
mod glob;
mod implicit;
mod jobs;
mod lines;
mod make;
mod options;
mod path;
mod pattern_rule;
mod prerequisites;
mod reading;
mod recipe;
mod record;
mod rule_line;
mod say;
mod search_path;
mod session;
mod stem;
mod time;
mod update;
mod usage;
mod variables;

use swarm_flow_process::exit;

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let arguments = arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned());
    exit(session::run(arguments.collect()))
}
