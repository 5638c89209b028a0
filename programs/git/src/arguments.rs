//! Command lines: options, short ones together, with values beside or behind them, and what is left.

use crate::fail::{Result, usage};

pub enum Argument {
    /// Without dashes; a number stands for `-5`.
    Option(String, Option<String>),
    Free(String),
}

pub struct Arguments {
    pub list: Vec<Argument>,
    /// What comes behind `--`, if that is there.
    pub behind: Option<Vec<String>>,
}

/// `valued` has the options, short and long, that take a value. A long one takes `=value` in any case; a short one in
/// `glued` only what stands directly behind it.
pub fn parse(arguments: &[String], valued: &[&str], glued: &[&str]) -> Result<Arguments> {
    let mut list = Vec::new();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        if argument == "--" {
            let behind = Some(left.cloned().collect());
            return Ok(Arguments { list, behind });
        }
        if let Some(long) = argument.strip_prefix("--") {
            let option = match long.split_once('=') {
                Some((name, value)) => Argument::Option(name.to_owned(), Some(value.to_owned())),
                None if valued.contains(&long) => {
                    let value = left.next().cloned();
                    let value =
                        value.ok_or_else(|| usage(format!("option `{long}' requires a value")))?;
                    Argument::Option(long.to_owned(), Some(value))
                }
                None => Argument::Option(long.to_owned(), None),
            };
            list.push(option);
            continue;
        }
        let Some(mut short) = argument.strip_prefix('-').filter(|short| !short.is_empty()) else {
            list.push(Argument::Free(argument.clone()));
            continue;
        };
        if short.bytes().all(|byte| byte.is_ascii_digit()) {
            list.push(Argument::Option(
                "number".to_owned(),
                Some(short.to_owned()),
            ));
            continue;
        }
        while let Some(letter) = short.chars().next() {
            let (name, rest) = short.split_at(letter.len_utf8());
            short = rest;
            if glued.contains(&name) {
                let value = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
                list.push(Argument::Option(name.to_owned(), value));
                break;
            }
            if valued.contains(&name) {
                let value = match rest.is_empty() {
                    false => rest.to_owned(),
                    true => match left.next() {
                        Some(value) => value.clone(),
                        None => return Err(usage(format!("switch `{name}' requires a value"))),
                    },
                };
                list.push(Argument::Option(name.to_owned(), Some(value)));
                break;
            }
            list.push(Argument::Option(name.to_owned(), None));
        }
    }
    Ok(Arguments { list, behind: None })
}

impl Arguments {
    /// What are no options, before `--`.
    pub fn words(&self) -> Vec<String> {
        let words = self.list.iter().filter_map(|argument| match argument {
            Argument::Free(text) => Some(text.clone()),
            Argument::Option(..) => None,
        });
        words.collect()
    }

    /// The same, with what comes behind `--`.
    pub fn free(&self) -> Vec<String> {
        let mut free = self.words();
        free.extend(self.behind.iter().flatten().cloned());
        free
    }

    pub fn options(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.list.iter().filter_map(|argument| match argument {
            Argument::Option(name, value) => Some((name.as_str(), value.as_deref())),
            Argument::Free(_) => None,
        })
    }
}

/// An option that the command does not have.
pub fn unknown(command: &str, name: &str) -> crate::fail::Fail {
    let kind = if name.chars().count() == 1 {
        "switch"
    } else {
        "option"
    };
    usage(format!(
        "unknown {kind} `{name}'\nhint: this git has no such option for '{command}'"
    ))
}

/// A number behind an option.
pub fn number(name: &str, value: Option<&str>) -> Result<usize> {
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| usage(format!("option `{name}' expects a numerical value")))
}
