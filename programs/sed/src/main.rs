//! `sed`, as GNU's does it.

mod expression;
mod input;
mod list;
mod machine;
mod options;
mod output;
mod parse;
mod replacement;
mod shell;
mod syntax;

use machine::Machine;
use std::io;

/// Why sed ends, and with what number.
pub struct Failed {
    code: i32,
    /// Empty if there is nothing to say.
    text: String,
}

impl Failed {
    fn new(code: i32, text: String) -> Self {
        Self { code, text }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Who read the output needs no more.
            io::ErrorKind::BrokenPipe => Self::new(0, String::new()),
            _ => Self::new(
                4,
                format!("couldn't write: {}", swarm_flow_posix::reason(&error)),
            ),
        }
    }
}

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let code = run(&arguments).unwrap_or_else(|failed| {
        if !failed.text.is_empty() {
            machine::say(&failed.text);
        }
        failed.code
    });
    swarm_flow_process::exit(code)
}

fn run(arguments: &[String]) -> Result<i32, Failed> {
    let mut options = options::parse(arguments)?;
    let script = parse::parse(&options.script, options.syntax)?;
    options.quiet |= script.quiet;
    Machine::new(&script, &options)?.run()
}
