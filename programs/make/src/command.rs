//! A line of a recipe as a command: words where it is that simple, else text for a shell.

use crate::children::{self, Start};
use crate::fault::{Fault, Outcome};
use crate::make::Make;
use crate::variables::{GLOBAL, SetId};
use std::io::Read;
use swarm_flow_process::bindings::process::{SpawnError, pipe};

/// What only a shell understands.
const SHELL_CHARACTERS: &str = "#;\"*?[]&|<>(){}$`^~!\n";

/// What only a shell can do, by its first word.
const SHELL_WORDS: [&str; 39] = [
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec", "exit",
    "export", "fc", "fg", "for", "getopts", "hash", "if", "jobs", "login", "logout", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "type", "ulimit", "umask",
    "unalias", "unset", "until", "wait", "while", "[",
];

impl Make {
    /// The command's words, none if it is empty.
    pub fn argv(&mut self, line: &str, set: SetId) -> Outcome<Vec<String>> {
        let line = line.trim_start_matches([' ', '\t', '\n']);
        if line.is_empty() {
            return Ok(Vec::new());
        }
        let shell = self.expand_in(set, "$(SHELL)")?;
        let shell = match shell.trim() {
            "" => "/bin/sh",
            shell => shell,
        };
        let flags = self.expand_in(set, "$(.SHELLFLAGS)")?;
        let usual = shell == "/bin/sh" && matches!(flags.trim(), "-c" | "-ec");
        let simple = match usual && !(self.reading.one_shell && line.contains('\n')) {
            true => words(line),
            false => None,
        };
        if let Some(words) = simple {
            return Ok(words);
        }
        let parts = shell.split_ascii_whitespace();
        let mut argv: Vec<String> = parts.map(str::to_owned).collect();
        argv.extend(split_quoted(&flags));
        argv.push(line.to_owned());
        Ok(argv)
    }

    /// What a command prints, and its exit code.
    pub fn capture(&mut self, command: &str) -> Outcome<(String, i32)> {
        let argv = self.argv(command, GLOBAL)?;
        let Some(name) = argv.first().cloned() else {
            return Ok((String::new(), 0));
        };
        let (reader, writer) = pipe();
        let start = Start {
            argv,
            env: self.outer_environment.clone(),
            cwd: self.folder.clone(),
        };
        let started =
            self.start_with_room(start, |start| children::start(start, Some(&writer), true));
        drop(writer);
        let child = match started {
            Ok(child) => child,
            Err(error) => {
                self.complain(
                    None,
                    &format!("{name}: {}", children::reason(&name, &error)),
                );
                return Ok((String::new(), 127));
            }
        };
        let mut bytes = Vec::new();
        if let Err(error) = swarm_flow_process::read(&reader).read_to_end(&mut bytes) {
            return Err(Fault::at(
                self.location.clone(),
                format!("read from {name}: {error}"),
            ));
        }
        let end = children::wait(&child);
        Ok((
            String::from_utf8_lossy(&bytes).into_owned(),
            i32::from(end.exit_code),
        ))
    }

    /// Starts something; where there is no room, tries again for a while.
    fn start_with_room<T>(
        &self,
        command: Start,
        start: impl Fn(Start) -> Result<T, SpawnError>,
    ) -> Result<T, SpawnError> {
        let again = || Start {
            argv: command.argv.clone(),
            env: command.env.clone(),
            cwd: command.cwd.clone(),
        };
        for _ in 0..ATTEMPTS {
            match start(again()) {
                Err(SpawnError::NoRoom(_)) => std::thread::sleep(PAUSE),
                other => return other,
            }
        }
        start(again())
    }
}

pub const ATTEMPTS: usize = 100;
pub const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// The words of a command without anything for a shell in it; single quotes and backslashes are taken off.
fn words(line: &str) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        '\n' => return None,
                        inside => word.push(inside),
                    }
                }
            }
            '\\' => match characters.next() {
                Some('\n') | None => return None,
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            ' ' | '\t' => {
                if let Some(word) = word.take() {
                    all.push(word);
                }
            }
            '=' if all.is_empty() => return None,
            _ if SHELL_CHARACTERS.contains(character) => return None,
            _ => word.get_or_insert_default().push(character),
        }
    }
    all.extend(word);
    let first = all.first()?;
    (!SHELL_WORDS.contains(&first.as_str())).then_some(all)
}

/// Words of flags; quotes hold one together.
fn split_quoted(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_ascii_whitespace() => all.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    all.extend(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_commands_need_no_shell() {
        let own = |all: &[&str]| Some(all.iter().map(|one| (*one).to_owned()).collect());
        for (line, expected) in [
            ("echo a  b", own(&["echo", "a", "b"])),
            ("echo 'a  b' c\\ d", own(&["echo", "a  b", "c d"])),
            ("echo \"a\"", None),
            ("A=1 b", None),
            ("env A=1 b", own(&["env", "A=1", "b"])),
            ("cd x", None),
            ("echo ''", own(&["echo", ""])),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }
}
