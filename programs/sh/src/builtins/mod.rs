//! Commands that the shell runs itself.

mod declare;
mod directory;
mod echo;
mod flow;
mod getopts;
mod jobs;
pub mod names;
mod printf;
pub mod read;
mod settings;
mod test;

use crate::host::WriteError;
use crate::shell::{Flow, Outcome, Shell};
use crate::syntax::{Assigned, Assignment};
use crate::text;

/// An argument. Those of `declare` may be assignments.
pub enum Operand<'a> {
    Text(String),
    Assignment(&'a Assignment),
}

impl Operand<'_> {
    /// As `set -x` shows it.
    pub fn written(&self) -> String {
        match self {
            Self::Text(text) => text::quote_if_needed(text),
            Self::Assignment(assignment) => match &assignment.value {
                Assigned::Scalar(word) => {
                    format!("{}={}", assignment.name, word.as_literal().unwrap_or("…"))
                }
                Assigned::Array(_) => format!("{}=(…)", assignment.name),
            },
        }
    }
}

/// In order, for a search.
const NAMES: [&str; 57] = [
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
];

pub fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok() || matches!(name, "wait" | "which")
}

pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(["wait"])
}

pub async fn run(shell: &mut Shell, operands: Vec<Operand<'_>>) -> Outcome {
    let name = match operands.first() {
        Some(Operand::Text(name)) => name.clone(),
        _ => return Ok(0),
    };
    match name.as_str() {
        "declare" | "typeset" | "local" | "export" | "readonly" => {
            return declare::declare(shell, &name, &operands).await;
        }
        // What they run may declare.
        "command" | "builtin" if operands.iter().any(|o| matches!(o, Operand::Assignment(_))) => {
            let rest: Vec<Operand<'_>> = operands.into_iter().skip(1).collect();
            return Box::pin(run(shell, rest)).await;
        }
        _ => {}
    }
    let arguments: Vec<String> = operands
        .into_iter()
        .skip(1)
        .filter_map(|operand| match operand {
            Operand::Text(text) => Some(text),
            Operand::Assignment(_) => None,
        })
        .collect();
    run_named(shell, &name, arguments).await
}

async fn run_named(shell: &mut Shell, name: &str, arguments: Vec<String>) -> Outcome {
    match name {
        ":" | "true" | "bind" | "complete" | "enable" | "history" => Ok(0),
        "false" => Ok(1),
        "echo" => echo::echo(shell, &arguments).await,
        "printf" => printf::printf(shell, &arguments).await,
        "test" | "[" => test::test(shell, name, &arguments).await,
        "read" => read::read(shell, &arguments).await,
        "mapfile" | "readarray" => read::mapfile(shell, name, &arguments).await,
        "cd" => directory::cd(shell, &arguments).await,
        "pwd" => directory::pwd(shell, &arguments).await,
        "pushd" => directory::pushd(shell, &arguments).await,
        "popd" => directory::popd(shell, &arguments).await,
        "dirs" => directory::dirs(shell, &arguments).await,
        "break" | "continue" => flow::leave_loop(shell, name, &arguments).await,
        "return" => flow::leave_function(shell, &arguments).await,
        "exit" | "logout" => flow::exit(shell, &arguments).await,
        "shift" => flow::shift(shell, &arguments).await,
        "eval" => flow::eval(shell, &arguments).await,
        "source" | "." => flow::source(shell, name, arguments).await,
        "exec" => flow::exec(shell, arguments).await,
        "command" => names::command(shell, arguments).await,
        "builtin" => flow::builtin(shell, arguments).await,
        "caller" => flow::caller(shell, &arguments).await,
        "type" => names::kinds(shell, &arguments).await,
        "which" => names::which(shell, &arguments).await,
        "hash" => names::hash(shell, &arguments).await,
        "alias" => names::alias(shell, &arguments).await,
        "unalias" => names::unalias(shell, &arguments).await,
        "help" => names::help(shell).await,
        "unset" => declare::unset(shell, &arguments).await,
        "set" => settings::set(shell, &arguments).await,
        "shopt" => settings::shopt(shell, &arguments).await,
        "trap" => settings::trap(shell, &arguments).await,
        "let" => settings::compute(shell, &arguments).await,
        "times" => shell.print("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n").await,
        "ulimit" => settings::ulimit(shell, &arguments).await,
        "umask" => settings::umask(shell, &arguments).await,
        "getopts" => getopts::getopts(shell, &arguments).await,
        "jobs" => jobs::jobs(shell, &arguments).await,
        "wait" => jobs::wait(shell, &arguments).await,
        "kill" => jobs::kill(shell, &arguments).await,
        "fg" => jobs::foreground(shell, &arguments).await,
        "bg" | "disown" => Ok(0),
        _ => {
            shell.complain(&format!("{name}: not supported here")).await;
            Ok(2)
        }
    }
}

pub(crate) async fn run_builtin(shell: &mut Shell, name: &str, arguments: Vec<String>) -> Outcome {
    let mut operands = vec![Operand::Text(name.to_owned())];
    operands.extend(arguments.into_iter().map(Operand::Text));
    Box::pin(run(shell, operands)).await
}

impl Shell {
    /// To the standard output. Who has no reader any more ends, as by SIGPIPE.
    pub async fn print(&mut self, text: &str) -> Outcome {
        self.print_bytes(&text::encode(text)).await
    }

    pub async fn print_bytes(&mut self, bytes: &[u8]) -> Outcome {
        let Some(output) = self.output(1) else {
            self.complain("write error: Bad file descriptor").await;
            return Ok(1);
        };
        match output.write(bytes).await {
            Ok(()) => Ok(0),
            Err(WriteError::Closed) => Err(Flow::Killed(141)),
            Err(WriteError::Failed(message)) => {
                self.complain(&format!("write error: {message}")).await;
                Ok(1)
            }
        }
    }

    /// A message about a builtin's arguments.
    pub async fn usage(&mut self, name: &str, message: &str) -> Outcome {
        self.complain(&format!("{name}: {message}")).await;
        Ok(2)
    }
}

/// Options in front: letters, and those that take a value.
pub struct Letters {
    pub given: Vec<(char, String)>,
    /// How many arguments they took.
    pub taken: usize,
}

impl Letters {
    /// `valued` are the letters with a value. The error is a letter that is not known.
    pub fn read(arguments: &[String], plain: &str, valued: &str) -> Result<Self, String> {
        let mut given = Vec::new();
        let mut taken = 0;
        while let Some(argument) = arguments.get(taken) {
            if argument == "--" {
                taken += 1;
                break;
            }
            let Some(letters) = argument
                .strip_prefix('-')
                .filter(|letters| !letters.is_empty())
            else {
                break;
            };
            taken += 1;
            let mut characters = letters.chars();
            while let Some(letter) = characters.next() {
                if plain.contains(letter) {
                    given.push((letter, String::new()));
                } else if valued.contains(letter) {
                    let mut value = characters.as_str().to_owned();
                    if value.is_empty() {
                        let Some(next) = arguments.get(taken) else {
                            return Err(format!("-{letter}: option requires an argument"));
                        };
                        value.clone_from(next);
                        taken += 1;
                    }
                    given.push((letter, value));
                    break;
                } else {
                    return Err(format!("-{letter}: invalid option"));
                }
            }
        }
        Ok(Self { given, taken })
    }

    pub fn has(&self, letter: char) -> bool {
        self.given.iter().any(|(given, _)| *given == letter)
    }

    pub fn value(&self, letter: char) -> Option<&str> {
        let found = self.given.iter().rev().find(|(given, _)| *given == letter);
        found.map(|(_, value)| value.as_str())
    }
}
