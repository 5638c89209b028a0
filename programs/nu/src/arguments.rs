//! The command line.

use crate::engine::VERSION;
use nu_parser::escape_for_script_arg;
use std::collections::VecDeque;

/// What to do.
pub enum Action {
    Print(String),
    Evaluate(Arguments),
}

#[derive(Default)]
pub struct Arguments {
    pub source: Source,
    /// For `main`, quoted where a word would not be one.
    pub rest: Vec<String>,
    /// Standard input is what the first command gets.
    pub stdin: bool,
    pub login: bool,
    pub no_newline: bool,
    pub table_mode: Option<String>,
    pub error_style: Option<String>,
    pub include: Vec<String>,
    /// Files that are evaluated before.
    pub env_file: Option<String>,
    pub config_file: Option<String>,
}

#[derive(Default)]
pub enum Source {
    /// The program is read from standard input.
    #[default]
    Stdin,
    Commands(String),
    File(String),
}

const USAGE: &str = "\
The nushell language and shell, in a WebAssembly sandbox.

Usage:
  > nu {flags} (script file) ...(script args)

Flags:
  -h, --help: Display the help message for this command
  -c, --commands <string>: Run the given commands and then exit.
  -I, --include-path <string>: Set the NU_LIB_DIRS for the given script (delimited by char record_sep ('\\x1e')).
  -l, --login: Start as a login shell.
  -m, --table-mode <string>: The table mode to use. rounded is default.
  --error-style <string>: The error style to use (fancy, plain, short). default: fancy
  --no-newline: Print the result for --commands(-c) without a newline.
  -n, --no-config-file: Start with no config file and no env file.
  --no-std-lib: Start with no standard library. Accepted; it is part of the program.
  --config <path>: Evaluate this file as config.nu before.
  --env-config <path>: Evaluate this file as env.nu before.
  --stdin: Redirect standard input to a command (with `-c`) or a script file.
  -v, --version: Print the version.

Parameters:
  script file <path>: The optional script file to run. Without one, and without `-c`, the script is read from standard input.
  ...script args <string>: Parameters to the script file.";

/// Flags of one letter, which may be written together.
const LETTERS: &str = "hvcIlmnteip";

impl Arguments {
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Action, String> {
        let mut words = words.collect::<VecDeque<_>>();
        let mut arguments = Self::default();
        while let Some(word) = words.pop_front() {
            let Some(flag) = Flag::of(&word, &mut words) else {
                if matches!(arguments.source, Source::Commands(_)) {
                    words.push_front(word);
                } else if word != "-" {
                    arguments.source = Source::File(word);
                }
                break;
            };
            if let Some(text) = arguments.take(&flag, &mut words)? {
                return Ok(Action::Print(text));
            }
        }
        arguments.rest = words
            .iter()
            .map(|word| escape_for_script_arg(word))
            .collect();
        Ok(Action::Evaluate(arguments))
    }

    /// Takes one flag, and its value. Gives what is to be printed instead of anything else.
    fn take(
        &mut self,
        flag: &Flag,
        words: &mut VecDeque<String>,
    ) -> Result<Option<String>, String> {
        let name = flag.name.as_str();
        let mut value = || {
            flag.value
                .clone()
                .or_else(|| words.pop_front())
                .ok_or_else(|| format!("`{name}` needs a value: see `nu --help`"))
        };
        match name {
            "-h" | "--help" => return Ok(Some(USAGE.to_owned())),
            "-v" | "--version" => return Ok(Some(VERSION.to_owned())),
            "-c" | "--commands" => self.source = Source::Commands(value()?),
            "-I" | "--include-path" => {
                self.include = value()?.split('\x1e').map(str::to_owned).collect();
            }
            "-m" | "--table-mode" => self.table_mode = Some(value()?),
            "--error-style" => self.error_style = Some(value()?),
            "--config" => self.config_file = Some(value()?),
            "--env-config" => self.env_file = Some(value()?),
            "-t" | "--threads" | "--log-level" | "--log-target" | "--experimental-options" => {
                value()?;
            }
            "--stdin" => self.stdin = true,
            "-l" | "--login" => self.login = true,
            "--no-newline" => self.no_newline = true,
            "-n" | "--no-config-file" | "--no-std-lib" | "--no-history" => {}
            "-i" | "--interactive" | "-e" | "--execute" | "--lsp" | "--mcp" | "--plugins"
            | "--plugin-config" => {
                return Err(format!(
                    "`{name}` is not there, for this nu has neither a terminal nor plugins: run a script, or commands with `-c`"
                ));
            }
            _ => {
                return Err(format!(
                    "The `nu` command doesn't have flag `{name}`: see `nu --help`"
                ));
            }
        }
        Ok(None)
    }
}

struct Flag {
    name: String,
    /// After `=`.
    value: Option<String>,
}

impl Flag {
    /// None if the word is not one. Letters that were written together are put back one by one.
    fn of(word: &str, words: &mut VecDeque<String>) -> Option<Self> {
        let flag = |name: &str, value: Option<&str>| Self {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        if word.starts_with("--") {
            return Some(match word.split_once('=') {
                Some((name, value)) => flag(name, Some(value)),
                None => flag(word, None),
            });
        }
        let letters = word
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())?;
        if letters.chars().count() > 1 && letters.chars().all(|letter| LETTERS.contains(letter)) {
            for letter in letters.chars().rev() {
                words.push_front(format!("-{letter}"));
            }
            return Self::of(&words.pop_front()?, words);
        }
        Some(flag(word, None))
    }
}
