//! What `[[ ]]` and `test` ask.

use crate::builtins::names::is_program;
use crate::expand::Expanded;
use crate::files;
use crate::pattern::Pattern;
use crate::scope::element;
use crate::shell::Shell;
use crate::syntax::Test;
use crate::variables::{Value, Variable};
use regex_lite::RegexBuilder;
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::filesystem::types::DescriptorType;

impl Shell {
    pub async fn extended_test(&mut self, test: &Test) -> Expanded<i32> {
        match Box::pin(self.holds(test)).await? {
            Ok(holds) => Ok(i32::from(!holds)),
            Err(message) => {
                self.complain(&message).await;
                Ok(2)
            }
        }
    }

    async fn holds(&mut self, test: &Test) -> Expanded<Result<bool, String>> {
        Ok(match test {
            Test::And(left, right) => match Box::pin(self.holds(left)).await? {
                Ok(true) => Box::pin(self.holds(right)).await?,
                other => other,
            },
            Test::Or(left, right) => match Box::pin(self.holds(left)).await? {
                Ok(false) => Box::pin(self.holds(right)).await?,
                other => other,
            },
            Test::Not(test) => Box::pin(self.holds(test)).await?.map(|holds| !holds),
            Test::Unary(operator, word) => {
                let operand = self.text(word).await?;
                self.unary(operator, &operand)
            }
            Test::Binary(operator, left, right) => {
                let left = self.text(left).await?;
                match operator.as_str() {
                    "=" | "==" | "!=" => {
                        let pattern = self.pattern(right).await?;
                        let ignore_case = self.options.has("nocasematch");
                        let matches = Pattern::with_case(&pattern, ignore_case).matches(&left);
                        Ok(matches == (operator != "!="))
                    }
                    "=~" => {
                        let regex = self.regex(right).await?;
                        self.matches_regex(&left, &regex)
                    }
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                        let right = self.text(right).await?;
                        let numbers = self
                            .compute(&left)
                            .and_then(|left| Ok((left, self.compute(&right)?)));
                        match numbers {
                            Ok((left, right)) => Ok(compare(operator, left, right)),
                            Err(message) => {
                                self.complain(&format!("[[: {message}")).await;
                                Ok(false)
                            }
                        }
                    }
                    _ => {
                        let right = self.text(right).await?;
                        self.binary(&left, operator, &right)
                    }
                }
            }
        })
    }

    fn matches_regex(&mut self, text: &str, regex: &str) -> Result<bool, String> {
        let ignore_case = self.options.has("nocasematch");
        let compiled = RegexBuilder::new(&rust_regex(regex))
            .case_insensitive(ignore_case)
            .dot_matches_new_line(true)
            .build();
        let Ok(compiled) = compiled else {
            return Err(format!("[[: invalid regular expression `{regex}'"));
        };
        let captures = compiled.captures(text);
        let groups: Vec<String> = match &captures {
            Some(captures) => captures
                .iter()
                .map(|group| {
                    group
                        .map(|group| group.as_str().to_owned())
                        .unwrap_or_default()
                })
                .collect(),
            None => Vec::new(),
        };
        let matches = !groups.is_empty();
        let array = Variable {
            value: Value::Indexed((0..).zip(groups).collect()),
            ..Variable::default()
        };
        Rc::make_mut(&mut self.variables).insert("BASH_REMATCH".to_owned(), array);
        Ok(matches)
    }

    /// A test with one operand.
    pub fn unary(&mut self, operator: &str, operand: &str) -> Result<bool, String> {
        let letter = operator.chars().nth(1).unwrap_or_default();
        Ok(match letter {
            'n' => !operand.is_empty(),
            'z' => operand.is_empty(),
            't' => false,
            'o' => self.options.is_set(operand),
            'v' => self.is_variable_set(operand),
            'R' => self.attributes(operand).reference,
            _ => self.is_file(letter, operand)?,
        })
    }

    fn is_variable_set(&mut self, name: &str) -> bool {
        if let Some((name, key)) = element(name) {
            use crate::arithmetic::Names as _;
            if self.is_associative(name) {
                let variable = self.variable(name);
                return match variable.as_deref().map(|variable| &variable.value) {
                    Some(Value::Associative(items)) => items.get(key).is_some(),
                    _ => false,
                };
            }
            if matches!(key, "@" | "*") {
                return self
                    .variable(name)
                    .is_some_and(|variable| !variable.values().is_empty());
            }
            let index = self.compute(key).unwrap_or(-1);
            return self
                .variable(name)
                .is_some_and(|variable| variable.at(index).is_some());
        }
        if let Ok(position) = name.parse::<usize>() {
            return position <= self.positional.len();
        }
        self.get(name).is_some()
    }

    fn is_file(&self, letter: char, name: &str) -> Result<bool, String> {
        if name.is_empty() {
            return Ok(false);
        }
        let path = self.path(name);
        if path.starts_with("/dev/") {
            return Ok(self.is_device(letter, &path));
        }
        let links = matches!(letter, 'h' | 'L');
        let Ok(stat) = files::stat(&path, !links) else {
            return Ok("aefrsx".contains(letter) && is_program(&path));
        };
        // A slash at the end asks for a directory.
        if name.ends_with('/') && stat.kind != DescriptorType::Directory {
            return Ok(false);
        }
        Ok(match letter {
            'a' | 'e' | 'r' | 'w' | 'O' | 'G' | 'N' => true,
            'f' => stat.kind == DescriptorType::RegularFile,
            'd' => stat.kind == DescriptorType::Directory,
            'h' | 'L' => stat.kind == DescriptorType::SymbolicLink,
            's' => stat.size > 0,
            'x' => stat.kind == DescriptorType::Directory || begins_as_program(&path),
            'b' => stat.kind == DescriptorType::BlockDevice,
            'c' => stat.kind == DescriptorType::CharacterDevice,
            'p' => stat.kind == DescriptorType::Fifo,
            'S' => stat.kind == DescriptorType::Socket,
            'g' | 'k' | 'u' => false,
            _ => return Err(format!("-{letter}: unary operator expected")),
        })
    }

    fn is_device(&self, letter: char, path: &str) -> bool {
        let number = path
            .strip_prefix("/dev/fd/")
            .and_then(|number| number.parse::<u32>().ok());
        let exists = match path {
            "/dev/null" | "/dev/zero" | "/dev/full" | "/dev/random" | "/dev/urandom" => true,
            "/dev/stdin" => self.descriptors.contains_key(&0),
            "/dev/stdout" => self.descriptors.contains_key(&1),
            "/dev/stderr" => self.descriptors.contains_key(&2),
            _ => number.is_some_and(|number| self.descriptors.contains_key(&number)),
        };
        exists && matches!(letter, 'a' | 'e' | 'r' | 'w' | 'c')
    }

    /// A test with two operands that `[[` and `test` have in common.
    pub fn binary(&mut self, left: &str, operator: &str, right: &str) -> Result<bool, String> {
        Ok(match operator {
            "<" => left < right,
            ">" => left > right,
            "-ef" => files::is_same(&self.path(left), &self.path(right)),
            "-nt" | "-ot" => {
                let time = |name: &str| {
                    files::stat(&self.path(name), true)
                        .ok()
                        .map(|stat| stat.modified)
                };
                let (newer, older) = if operator == "-nt" {
                    (left, right)
                } else {
                    (right, left)
                };
                match (time(newer), time(older)) {
                    (Some(newer), Some(older)) => newer > older,
                    (Some(_), None) => true,
                    _ => false,
                }
            }
            _ => return Err(format!("{operator}: binary operator expected")),
        })
    }
}

pub fn compare(operator: &str, left: i64, right: i64) -> bool {
    match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        _ => left >= right,
    }
}

/// There are no permission bits: what begins as a script or a WebAssembly file can be run.
fn begins_as_program(path: &str) -> bool {
    let begin = files::open(path).and_then(|file| file.read(4, 0));
    begin.is_ok_and(|begin| begin.starts_with(b"#!") || begin == b"\0asm")
}

/// An extended regular expression in the syntax of the crate: only brackets differ.
fn rust_regex(regex: &str) -> String {
    let mut result = String::with_capacity(regex.len());
    let mut characters = regex.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                // Before a letter it means nothing, save for the classes that GNU has too.
                match characters.next() {
                    Some(next) if next.is_ascii_alphanumeric() && !"wWsSbB".contains(next) => {
                        result.push(next)
                    }
                    Some('<' | '>') => result.push_str("\\b"),
                    Some(next) if next.is_ascii() => {
                        result.push('\\');
                        result.push(next);
                    }
                    Some(next) => result.push(next),
                    None => result.push_str("\\\\"),
                }
            }
            '[' => {
                result.push('[');
                if characters.peek() == Some(&'^') {
                    result.extend(characters.next());
                }
                let mut first = true;
                while let Some(next) = characters.next() {
                    match next {
                        ']' if !first => {
                            result.push(']');
                            break;
                        }
                        '[' if matches!(characters.peek(), Some(':')) => {
                            result.push('[');
                            for inner in characters.by_ref() {
                                result.push(inner);
                                if inner == ']' {
                                    break;
                                }
                            }
                        }
                        // In brackets a backslash stands for itself.
                        '\\' | '[' | ']' | '&' | '~' => {
                            result.push('\\');
                            result.push(next);
                        }
                        next => result.push(next),
                    }
                    first = false;
                }
            }
            // What opens a repetition only before a number.
            '{' if !characters.peek().is_some_and(char::is_ascii_digit) => result.push_str("\\{"),
            character => result.push(character),
        }
    }
    result
}
