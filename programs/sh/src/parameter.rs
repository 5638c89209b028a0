//! `$x`, `${x…}` and everything that can stand there.

use crate::expand::{Expanded, Origin};
use crate::fields::{Fields, Purpose};
use crate::scope::element;
use crate::shell::{Failed, Flow, Shell};
use crate::syntax::{Operation, Parameter, Subscript, TestKind, Word};
use crate::transform;
use crate::variables::Value;

/// What a parameter holds.
#[derive(Debug, Clone)]
pub enum Found {
    Unset,
    One(String),
    /// `$@`, `${a[@]}`; joined: `$*`, `${a[*]}`.
    Many {
        items: Vec<String>,
        joined: bool,
    },
}

/// A parameter whose subscript is known.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: String,
    pub key: Key,
}

#[derive(Debug, Clone)]
pub enum Key {
    None,
    Each,
    Joined,
    At(String),
}

impl Shell {
    pub async fn parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        fields: &mut Fields,
    ) -> Expanded<()> {
        if let Operation::Bad(text) = &parameter.operation {
            let message = format!("{text}: bad substitution");
            return Err(self.fail(&message).await);
        }
        let mut target = self.target(parameter).await?;
        match &parameter.operation {
            Operation::Names { joined } => {
                let items = self.names(&target.name);
                emit(
                    Found::Many {
                        items,
                        joined: *joined,
                    },
                    quoted,
                    fields,
                );
                return Ok(());
            }
            Operation::Keys { joined } => {
                let variable = self.variable(&target.name);
                let items = variable.map(|variable| variable.keys()).unwrap_or_default();
                emit(
                    Found::Many {
                        items,
                        joined: *joined,
                    },
                    quoted,
                    fields,
                );
                return Ok(());
            }
            _ => {}
        }
        if parameter.indirect {
            target = self.indirect(target).await?;
        }
        let found = self.find(&target).await?;
        match &parameter.operation {
            Operation::Test { kind, empty, word } => {
                self.test_parameter(&target, found, (*kind, *empty, word), quoted, fields)
                    .await
            }
            Operation::None => {
                let found = self.must_be_set(&target, found).await?;
                emit(found, quoted, fields);
                Ok(())
            }
            Operation::Length => {
                let found = self.must_be_set(&target, found).await?;
                let length = match found {
                    Found::Unset => 0,
                    Found::One(text) => text.chars().count(),
                    Found::Many { items, .. } => items.len(),
                };
                emit(Found::One(length.to_string()), quoted, fields);
                Ok(())
            }
            operation => {
                let found = self.must_be_set(&target, found).await?;
                let found = self.changed(&target, found, operation).await?;
                emit(found, quoted, fields);
                Ok(())
            }
        }
    }

    async fn target(&mut self, parameter: &Parameter) -> Expanded<Target> {
        let key = match &parameter.subscript {
            None if parameter.name == "@" => Key::Each,
            None if parameter.name == "*" => Key::Joined,
            None => Key::None,
            Some(Subscript::Each) => Key::Each,
            Some(Subscript::Joined) => Key::Joined,
            Some(Subscript::At(word)) => Key::At(self.key(&parameter.name, word).await?),
        };
        Ok(Target {
            name: parameter.name.clone(),
            key,
        })
    }

    /// A subscript: text for an associative array, else an expression.
    pub async fn key(&mut self, name: &str, word: &Word) -> Expanded<String> {
        use crate::arithmetic::Names as _;
        if self.is_associative(name) {
            self.text(word).await
        } else {
            self.expression(&word.parts).await
        }
    }

    /// `${!x}`: the parameter that the value names.
    async fn indirect(&mut self, target: Target) -> Expanded<Target> {
        let name = match self.find(&target).await? {
            Found::One(name) => name,
            Found::Many { items, .. } => items.join(" "),
            Found::Unset => {
                let message = format!("{}: invalid indirect expansion", target.name);
                return Err(self.fail(&message).await);
            }
        };
        if let Some((array, key)) = element(&name) {
            let key = match key {
                "@" => Key::Each,
                "*" => Key::Joined,
                key => Key::At(key.to_owned()),
            };
            return Ok(Target {
                name: array.to_owned(),
                key,
            });
        }
        let special = name.len() == 1 && name.contains(|c: char| "@*#?-$!".contains(c));
        let digits = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit());
        if !special && !digits && !crate::syntax::is_name(&name) {
            let message = format!("{name}: invalid variable name");
            return Err(self.fail(&message).await);
        }
        let key = match name.as_str() {
            "@" => Key::Each,
            "*" => Key::Joined,
            _ => Key::None,
        };
        Ok(Target { name, key })
    }

    async fn find(&mut self, target: &Target) -> Expanded<Found> {
        match self.find_now(target) {
            Ok(found) => Ok(found),
            Err(message) => Err(self.fail(&message).await),
        }
    }

    fn find_now(&mut self, target: &Target) -> Result<Found, String> {
        let one = |text: Option<String>| Ok(text.map_or(Found::Unset, Found::One));
        let joined = matches!(target.key, Key::Joined);
        match (target.name.as_str(), &target.key) {
            ("@" | "*", _) => {
                let items = self.positional.as_ref().clone();
                return Ok(Found::Many { items, joined });
            }
            (_, Key::Each | Key::Joined) => {
                let variable = self.variable(&target.name);
                return Ok(match variable.map(|variable| variable.values()) {
                    Some(items) => Found::Many { items, joined },
                    None => Found::Many {
                        items: Vec::new(),
                        joined,
                    },
                });
            }
            (_, Key::At(key)) => return self.find_element(&target.name, key),
            ("#", _) => return one(Some(self.positional.len().to_string())),
            ("?", _) => return one(Some(self.status.to_string())),
            ("$", _) => return one(Some(self.pid().to_string())),
            ("!", _) => return one(self.background.map(|pid| pid.to_string())),
            ("-", _) => {
                let kind = if self.is_command { "c" } else { "" };
                return one(Some(format!("{}{kind}", self.options.letters())));
            }
            ("0", _) => return one(Some(self.name.to_string())),
            _ => {}
        }
        if target.name.starts_with(|c: char| c.is_ascii_digit()) {
            let index: usize = target.name.parse().unwrap_or(usize::MAX);
            let position = index.checked_sub(1);
            return one(match position {
                None => Some(self.name.to_string()),
                Some(position) => self.positional.get(position).cloned(),
            });
        }
        one(self.get(&target.name))
    }

    fn find_element(&mut self, name: &str, key: &str) -> Result<Found, String> {
        use crate::arithmetic::Names as _;
        let one =
            |text: Option<&str>| text.map_or(Found::Unset, |text| Found::One(text.to_owned()));
        if self.is_associative(name) {
            let variable = self.variable(name);
            return Ok(match variable.as_deref().map(|variable| &variable.value) {
                Some(Value::Associative(items)) => one(items.get(key)),
                _ => Found::Unset,
            });
        }
        let index = self.compute(key)?;
        Ok(one(self
            .variable(name)
            .as_ref()
            .and_then(|variable| variable.at(index))))
    }

    async fn must_be_set(&mut self, target: &Target, found: Found) -> Expanded<Found> {
        if matches!(found, Found::Unset) && self.options.is_set("nounset") {
            let name = match &target.key {
                Key::At(key) => format!("{}[{key}]", target.name),
                _ => target.name.clone(),
            };
            let message = format!("{name}: unbound variable");
            return Err(self.fail_for_good(&message).await);
        }
        Ok(found)
    }

    async fn test_parameter(
        &mut self,
        target: &Target,
        found: Found,
        (kind, empty, word): (TestKind, bool, &Word),
        quoted: bool,
        fields: &mut Fields,
    ) -> Expanded<()> {
        let missing = match &found {
            Found::Unset => true,
            Found::One(text) => empty && text.is_empty(),
            Found::Many { items, .. } => {
                items.is_empty() || empty && items.iter().all(String::is_empty)
            }
        };
        let origin = if quoted {
            Origin::Quoted
        } else {
            Origin::Default
        };
        match kind {
            TestKind::Alternative if missing => {
                if quoted && !matches!(found, Found::Many { .. }) {
                    fields.start();
                }
                Ok(())
            }
            TestKind::Alternative => self.default_word(word, origin, fields).await,
            _ if !missing => {
                emit(found, quoted, fields);
                Ok(())
            }
            TestKind::Default => self.default_word(word, origin, fields).await,
            TestKind::Assign => {
                let value = self
                    .made(&word.parts, Origin::Script, Purpose::Text)
                    .await?;
                let key = match &target.key {
                    Key::At(key) => Some(key.as_str()),
                    _ => None,
                };
                if !crate::syntax::is_name(&target.name) {
                    let message = format!("${}: cannot assign in this way", target.name);
                    return Err(self.fail(&message).await);
                }
                if let Err(message) = self.assign_text(&target.name, key, value.clone(), false) {
                    return Err(self.fail(&message).await);
                }
                emit(Found::One(value), quoted, fields);
                Ok(())
            }
            TestKind::Error => {
                let mut message = self
                    .made(&word.parts, Origin::Script, Purpose::Text)
                    .await?;
                if message.is_empty() {
                    message = if empty {
                        "parameter null or not set".to_owned()
                    } else {
                        "parameter not set".to_owned()
                    };
                }
                let message = format!("{}: {message}", target.name);
                Err(self.fail_for_good(&message).await)
            }
        }
    }

    async fn default_word(
        &mut self,
        word: &Word,
        origin: Origin,
        fields: &mut Fields,
    ) -> Expanded<()> {
        if origin == Origin::Quoted {
            fields.quoted("");
        }
        self.expand(&word.parts, origin, fields).await
    }

    /// Everything that makes another text of the value.
    async fn changed(
        &mut self,
        target: &Target,
        found: Found,
        operation: &Operation,
    ) -> Expanded<Found> {
        match operation {
            Operation::Slice { offset, length } => {
                let offset = self.number(offset).await?;
                let length = match length {
                    Some(length) => Some(self.number(length).await?),
                    None => None,
                };
                match self.slice(target, found, offset, length) {
                    Ok(found) => Ok(found),
                    Err(message) => Err(self.fail(&message).await),
                }
            }
            Operation::Transform(letter) => Ok(transform::transform(self, target, found, *letter)),
            Operation::Trim {
                suffix,
                longest,
                pattern,
            } => {
                let pattern = self.pattern(pattern).await?;
                let trim = transform::Trim::new(&pattern, *suffix, *longest);
                Ok(each(found, |text| trim.apply(text)))
            }
            Operation::Replace {
                kind,
                pattern,
                with,
            } => {
                let pattern = self.pattern(pattern).await?;
                let with = self.replacement(with).await?;
                let ignore_case = self.options.has("nocasematch");
                let replace = transform::Replace::new(&pattern, ignore_case, *kind, with);
                Ok(each(found, |text| replace.apply(text)))
            }
            Operation::Case {
                change,
                all,
                pattern,
            } => {
                let pattern = match pattern {
                    Some(pattern) => Some(self.pattern(pattern).await?),
                    None => None,
                };
                let case = transform::Case::new(*change, *all, pattern.as_deref());
                Ok(each(found, |text| case.apply(text)))
            }
            _ => Ok(found),
        }
    }

    /// In a replacement `&` is what matched, unless it is quoted.
    async fn replacement(&mut self, with: &Word) -> Expanded<Vec<transform::With>> {
        use crate::syntax::Part;
        let mut replacement = Vec::new();
        for part in &with.parts {
            let quoted = matches!(part, Part::Quoted(_) | Part::Double(_));
            let origin = Origin::Script;
            let text = self
                .made(std::slice::from_ref(part), origin, Purpose::Text)
                .await?;
            replacement.push(transform::With { text, quoted });
        }
        Ok(replacement)
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let names = self
            .variables
            .iter()
            .filter(|(_, variable)| !matches!(variable.value, Value::Unset));
        let mut names: Vec<String> = names
            .map(|(name, _)| name.clone())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        names
    }
}

fn each(found: Found, change: impl Fn(&str) -> String) -> Found {
    match found {
        Found::Unset => Found::Unset,
        Found::One(text) => Found::One(change(&text)),
        Found::Many { items, joined } => Found::Many {
            items: items.iter().map(|item| change(item)).collect(),
            joined,
        },
    }
}

fn emit(found: Found, quoted: bool, fields: &mut Fields) {
    match found {
        Found::Unset if quoted => fields.quoted(""),
        Found::Unset => {}
        Found::One(text) if quoted => fields.quoted(&text),
        Found::One(text) => fields.divided(&text),
        Found::Many {
            items,
            joined: true,
        } if quoted => {
            let joiner = fields.joiner();
            fields.quoted(&items.join(&joiner));
        }
        Found::Many { items, joined } => {
            let joins = joined && fields.purpose() != Purpose::Arguments;
            let joiner = fields.joiner();
            for (at, item) in items.iter().enumerate() {
                match (at, quoted, joins) {
                    (0, ..) => {}
                    (_, _, true) => fields.plain(&joiner),
                    (_, true, _) => fields.next(),
                    _ if fields.purpose() == Purpose::Arguments => fields.separate(),
                    _ => fields.next(),
                }
                if quoted {
                    fields.quoted(item);
                } else {
                    fields.divided(item);
                }
            }
        }
    }
}

impl From<Failed> for Flow {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}
