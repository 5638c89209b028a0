//! Reading and setting variables, those that the shell computes included.

use crate::arithmetic::{self, Names};
use crate::shell::Shell;
use crate::variables::{Associative, Value, Variable, counted};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use swarm_flow_process::bindings::wasi::random::insecure;

/// What the shell computes: setting one is allowed and does nothing.
const COMPUTED: [&str; 8] = [
    "RANDOM",
    "SRANDOM",
    "LINENO",
    "BASHPID",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "FUNCNAME",
    "PIPESTATUS",
];

const VERSION: &str = "5.2.15(1)-release";

impl Shell {
    /// The variable that a reference names in the end.
    pub fn resolve<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        let mut current = Cow::Borrowed(name);
        for _ in 0..8 {
            match self.variables.get(current.as_ref()) {
                Some(variable) if variable.attributes.reference => match variable.first() {
                    Some(target) if !target.is_empty() => current = Cow::Owned(target.to_owned()),
                    _ => break,
                },
                _ => break,
            }
        }
        current
    }

    pub fn variable(&self, name: &str) -> Option<Cow<'_, Variable>> {
        let name = self.resolve(name).into_owned();
        if let Some((array, key)) = element(&name) {
            let variable = self.variables.get(array)?;
            let value = match &variable.value {
                Value::Associative(items) => items.get(key),
                _ => variable.at(key.parse().unwrap_or(0)),
            };
            return value.map(|value| Cow::Owned(Variable::text(value)));
        }
        if name == "_" {
            return Some(Cow::Owned(Variable::text(self.last_argument.as_str())));
        }
        if let Some(variable) = self.variables.get(&name) {
            return Some(Cow::Borrowed(variable));
        }
        self.computed(&name).map(Cow::Owned)
    }

    /// `$x`
    pub fn get(&self, name: &str) -> Option<String> {
        let variable = self.variable(name)?;
        variable.first().map(str::to_owned)
    }

    fn computed(&self, name: &str) -> Option<Variable> {
        let list = |items: Vec<String>| Variable {
            value: Value::Indexed((0..).zip(items).collect()),
            ..Variable::default()
        };
        let functions = || {
            let frames = self.frames.iter().rev();
            frames.map(|frame| {
                let function = frame.function.as_ref();
                function.map_or_else(|| "source".to_owned(), |function| function.name.clone())
            })
        };
        let text = match name {
            "RANDOM" => (insecure::get_insecure_random_u64() & 0x7fff).to_string(),
            "SRANDOM" => (insecure::get_insecure_random_u64() & 0xffff_ffff).to_string(),
            "SECONDS" => self.seconds().to_string(),
            "EPOCHSECONDS" => wall_clock::now().seconds.to_string(),
            "EPOCHREALTIME" => {
                let now = wall_clock::now();
                format!("{}.{:06}", now.seconds, now.nanoseconds / 1000)
            }
            "LINENO" => self.line.to_string(),
            "BASHPID" => (self.pid() + self.subshells * 100_000).to_string(),
            "PPID" | "UID" | "EUID" => "0".to_owned(),
            "BASH_SUBSHELL" => self.subshells.to_string(),
            "BASH_VERSION" => VERSION.to_owned(),
            "BASH" => "/bin/bash".to_owned(),
            "BASHOPTS" => String::new(),
            "SHELLOPTS" => self.options.names(),
            "HOSTNAME" => "sandbox".to_owned(),
            "HOSTTYPE" => "wasm32".to_owned(),
            "MACHTYPE" => "wasm32-unknown-wasi".to_owned(),
            "OSTYPE" => "wasi".to_owned(),
            "PIPESTATUS" => {
                return Some(list(self.pipe_status.iter().map(i32::to_string).collect()));
            }
            "BASH_VERSINFO" => {
                let parts = ["5", "2", "15", "1", "release", "wasm32-unknown-wasi"];
                return Some(list(parts.map(str::to_owned).to_vec()));
            }
            "DIRSTACK" => {
                let mut stack = vec![self.directory.clone()];
                stack.extend(self.directories.iter().cloned());
                return Some(list(stack));
            }
            "FUNCNAME" if self.frames.is_empty() => return None,
            "FUNCNAME" => {
                let main = self.is_file.then(|| "main".to_owned());
                return Some(list(functions().chain(main).collect()));
            }
            "BASH_SOURCE" => {
                let frames = self.frames.iter().rev();
                let sources = frames.map(|frame| frame.source.to_string());
                let main = self.is_file.then(|| self.name.to_string());
                return Some(list(sources.chain(main).collect()));
            }
            "BASH_LINENO" => {
                let frames = self.frames.iter().rev();
                let lines = frames.map(|frame| frame.line.to_string());
                let main = self.is_file.then(|| "0".to_owned());
                return Some(list(lines.chain(main).collect()));
            }
            "BASH_COMMAND" => self.command_text.to_string(),
            _ => return None,
        };
        Some(Variable::text(text))
    }

    /// `x=value`
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), String> {
        self.assign_text(name, None, value.into(), false)
    }

    /// The variable, to be changed. It must be allowed.
    pub fn change(&mut self, name: &str) -> Result<&mut Variable, String> {
        if self.attributes(name).read_only {
            return Err(format!("{name}: readonly variable"));
        }
        let exports = self.options.is_set("allexport");
        let variable = Rc::make_mut(&mut self.variables)
            .entry(name.to_owned())
            .or_default();
        variable.attributes.exported |= exports;
        Ok(variable)
    }

    /// `name=value`, `name[key]=value`, with `+=` if it is to be appended.
    pub fn assign_text(
        &mut self,
        name: &str,
        key: Option<&str>,
        value: String,
        append: bool,
    ) -> Result<(), String> {
        let target = self.resolve(name).into_owned();
        if let (None, Some((array, key))) = (key, element(&target)) {
            return self.assign_text(array, Some(key), value, append);
        }
        if target == "SECONDS" {
            let seconds = arithmetic::evaluate(&value, self)?.unsigned_abs();
            let now = monotonic_clock::now();
            self.started = now.saturating_sub(seconds.saturating_mul(1_000_000_000));
            return Ok(());
        }
        if COMPUTED.contains(&target.as_str()) {
            return Ok(());
        }
        let attributes = self.attributes(&target);
        if attributes.reference && self.resolve(name) == name && key.is_none() {
            let variable = self.change(&target)?;
            variable.value = Value::Text(value);
            return Ok(());
        }
        let index = match key {
            Some(key) if !self.is_associative(&target) => {
                let index = arithmetic::evaluate(key, self)?;
                Some(self.index(&target, index, key)?)
            }
            None if self.is_array(&target) && !self.is_associative(&target) => Some(0),
            _ => None,
        };
        let mut value = value;
        if attributes.integer {
            let before = if append {
                self.element_text(&target, key, index).unwrap_or_default()
            } else {
                String::new()
            };
            let left = if append {
                arithmetic::evaluate(&before, self)?
            } else {
                0
            };
            value = left
                .wrapping_add(arithmetic::evaluate(&value, self)?)
                .to_string();
        } else if append {
            let mut joined = self.element_text(&target, key, index).unwrap_or_default();
            joined.push_str(&value);
            value = joined;
        }
        if attributes.lower {
            value = value.to_lowercase();
        } else if attributes.upper {
            value = value.to_uppercase();
        }
        self.noticed(&target, &value);
        let variable = self.change(&target)?;
        match (&mut variable.value, index) {
            (Value::Associative(items), _) => items.insert(key.unwrap_or("0"), value),
            (_, Some(index)) => {
                variable.edit_indexed(|items| items.insert(index, value));
            }
            (_, None) => variable.value = Value::Text(value),
        }
        Ok(())
    }

    /// Some variables mean something to the shell.
    fn noticed(&mut self, name: &str, value: &str) {
        if name == "OPTIND" {
            self.getopts = (value.parse().unwrap_or(1).max(1), 0);
        }
    }

    fn element_text(&self, name: &str, key: Option<&str>, index: Option<i64>) -> Option<String> {
        let variable = self.variables.get(name)?;
        let text = match (&variable.value, key, index) {
            (Value::Associative(items), key, _) => items.get(key.unwrap_or("0")),
            (_, _, Some(index)) => variable.at(index),
            _ => variable.first(),
        };
        text.map(str::to_owned)
    }

    /// An index from the end becomes one from the begin.
    fn index(&self, name: &str, index: i64, key: &str) -> Result<i64, String> {
        let bad = || format!("{name}[{key}]: bad array subscript");
        match self.variables.get(name).map(|variable| &variable.value) {
            Some(Value::Indexed(items)) => counted(items, index).ok_or_else(bad),
            Some(Value::Text(_)) if index == -1 => Ok(0),
            _ if index < 0 => Err(bad()),
            _ => Ok(index),
        }
    }

    /// `name=(…)`: keys and values in order; a value without a key follows the one before.
    pub fn assign_array(
        &mut self,
        name: &str,
        elements: Vec<(Option<String>, bool, String)>,
        append: bool,
    ) -> Result<(), String> {
        let name = self.resolve(name).into_owned();
        let attributes = self.attributes(&name);
        if self.is_associative(&name) {
            if !append {
                self.change(&name)?.value = Value::Associative(Associative::default());
            }
            // Without keys they are pairs.
            if elements.iter().all(|(key, ..)| key.is_none()) {
                for pair in elements.chunks(2) {
                    let value = pair.get(1).map(|(.., value)| value.clone());
                    if let Some((.., key)) = pair.first() {
                        self.assign_text(&name, Some(key), value.unwrap_or_default(), false)?;
                    }
                }
                return Ok(());
            }
            for (key, add, value) in elements {
                let Some(key) = key else {
                    return Err(format!(
                        "{name}: {value}: must use subscript when assigning associative array"
                    ));
                };
                self.assign_text(&name, Some(&key), value, add)?;
            }
            return Ok(());
        }
        if !append {
            self.change(&name)?.value = Value::Indexed(BTreeMap::new());
        }
        let plain = !(attributes.integer || attributes.lower || attributes.upper);
        if plain && elements.iter().all(|(key, ..)| key.is_none()) {
            self.change(&name)?.edit_indexed(|items| {
                let next = items.keys().next_back().map_or(0, |last| last + 1);
                items.extend((next..).zip(elements.into_iter().map(|(.., value)| value)));
            });
            return Ok(());
        }
        self.change(&name)?.edit_indexed(|_| ());
        let mut next = match self.variables.get(&name).map(|variable| &variable.value) {
            Some(Value::Indexed(items)) => items.keys().next_back().map_or(0, |last| last + 1),
            _ => 0,
        };
        for (key, add, value) in elements {
            if let Some(key) = key {
                let index = arithmetic::evaluate(&key, self)?;
                next = self.index(&name, index, &key)?;
            }
            self.assign_text(&name, Some(&next.to_string()), value, add)?;
            next += 1;
        }
        Ok(())
    }

    pub fn unset(&mut self, name: &str) -> Result<(), String> {
        let name = self.resolve(name).into_owned();
        self.unset_directly(&name)
    }

    /// Of a reference, itself.
    pub fn unset_directly(&mut self, name: &str) -> Result<(), String> {
        if self.attributes(name).read_only {
            return Err(format!("{name}: cannot unset: readonly variable"));
        }
        Rc::make_mut(&mut self.variables).remove(name);
        Ok(())
    }

    pub fn unset_element(&mut self, name: &str, key: &str) -> Result<(), String> {
        let name = self.resolve(name).into_owned();
        if self.is_associative(&name) {
            if let Value::Associative(items) = &mut self.change(&name)?.value {
                items.remove(key);
            }
            return Ok(());
        }
        if !self.variables.contains_key(&name) {
            return Ok(());
        }
        let index = arithmetic::evaluate(key, self)?;
        let index = self.index(&name, index, key)?;
        self.change(&name)?
            .edit_indexed(|items| items.remove(&index));
        Ok(())
    }

    pub fn compute(&mut self, expression: &str) -> Result<i64, String> {
        arithmetic::evaluate(expression, self)
    }
}

/// `name[key]`, as a reference may name it.
pub fn element(name: &str) -> Option<(&str, &str)> {
    let (name, rest) = name.split_once('[')?;
    Some((name, rest.strip_suffix(']')?))
}

impl Names for Shell {
    fn value(&mut self, name: &str, key: Option<&str>) -> Result<String, String> {
        let missing = |shell: &Self| {
            if shell.options.is_set("nounset") {
                Err(format!("{name}: unbound variable"))
            } else {
                Ok(String::new())
            }
        };
        let Some(variable) = self.variable(name) else {
            return missing(self);
        };
        let value = match key {
            None => variable.first(),
            Some(key) => match &variable.value {
                Value::Associative(items) => items.get(key),
                _ => variable.at(key.parse().unwrap_or(0)),
            },
        };
        match value {
            Some(value) => Ok(value.to_owned()),
            None => missing(self),
        }
    }

    fn assign(&mut self, name: &str, key: Option<&str>, value: i64) -> Result<(), String> {
        self.assign_text(name, key, value.to_string(), false)
    }

    fn is_associative(&self, name: &str) -> bool {
        let name = self.resolve(name);
        let variable = self.variables.get(name.as_ref());
        variable.is_some_and(Variable::is_associative)
    }
}
