//! The shell of a workspace: POSIX, and what people write for bash.
//!
//! It runs in a sandbox like every program. Members of a pipeline, subshells and jobs are tasks in it; what is no builtin
//! is another program, which gets a sandbox of its own and pipes to the others.

mod arithmetic;
mod braces;
mod builtins;
mod calendar;
mod conditions;
mod control;
mod executor;
mod expand;
mod external;
mod fields;
mod files;
mod glob;
mod host;
mod jobs;
mod options;
mod parameter;
mod pattern;
mod pipe;
mod redirect;
mod run;
mod scope;
mod shell;
mod simple;
mod slice;
mod start;
mod stream;
mod subshell;
mod substitute;
mod syntax;
mod text;
mod transform;
mod traps;
mod variables;

use std::cell::OnceCell;
use swarm_flow_process::bindings::process;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let shell = executor::either(start::start(arguments), traps::ended_by_signal());
    let status = match executor::run(shell) {
        Some(Ok(status) | Err(status)) => status,
        None => 1,
    };
    swarm_flow_process::exit(status)
}

/// This program's number.
fn process_id() -> u32 {
    thread_local! {
        static NUMBER: OnceCell<u32> = const { OnceCell::new() };
    }
    NUMBER.with(|number| *number.get_or_init(process::id))
}

/// A script's text: without a byte order mark, with the line ends of Unix.
fn source_text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text::decode(bytes);
    if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}
