//! Functions that decide, repeat, call, and say something.

use crate::fault::Outcome;
use crate::make::Make;
use crate::variables::{Origin, Variable};
use std::cmp::Ordering;

impl Make {
    pub(super) fn control(
        &mut self,
        out: &mut String,
        name: &str,
        arguments: &[String],
    ) -> Outcome<()> {
        let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
        match name {
            "if" => {
                let holds = !self.expand(argument(0).trim())?.is_empty();
                self.expand_into(out, argument(if holds { 1 } else { 2 }))
            }
            "and" | "or" => self.and_or(out, name == "and", arguments),
            "intcmp" => self.compare(out, arguments),
            "foreach" => self.foreach(out, argument(0), argument(1), argument(2)),
            "let" => self.bind(out, argument(0), argument(1), argument(2)),
            "call" => self.call(out, arguments),
            "eval" => self.evaluate(argument(0)),
            "value" => {
                if let Some(variable) = self.variables.get(argument(0)) {
                    out.push_str(&variable.value);
                }
                Ok(())
            }
            "origin" => {
                let found = self.variables.get(argument(0));
                out.push_str(found.map_or("undefined", |found| found.origin.name()));
                Ok(())
            }
            "flavor" => {
                out.push_str(match self.variables.get(argument(0)) {
                    Some(variable) if variable.recursive => "recursive",
                    Some(_) => "simple",
                    None => "undefined",
                });
                Ok(())
            }
            _ => self.say(name, argument(0)),
        }
    }

    /// `info`, `warning`, `error`.
    fn say(&mut self, name: &str, text: &str) -> Outcome<()> {
        match name {
            "info" => self.print(&format!("{text}\n")),
            "warning" => self.complain(self.location.clone().as_ref(), text),
            _ => return Err(self.stop(text)),
        }
        Ok(())
    }

    fn and_or(&mut self, out: &mut String, all: bool, arguments: &[String]) -> Outcome<()> {
        let mut value = String::new();
        for argument in arguments {
            value = self.expand(argument.trim())?;
            if value.is_empty() == all {
                break;
            }
        }
        out.push_str(&value);
        Ok(())
    }

    /// `$(intcmp LEFT,RIGHT[,LESS[,EQUAL[,GREATER]]])`
    fn compare(&mut self, out: &mut String, arguments: &[String]) -> Outcome<()> {
        let mut numbers = Vec::new();
        for (argument, which) in arguments.iter().zip(["first", "second"]) {
            let text = self.expand(argument.trim())?;
            let Ok(number) = text.trim().parse::<i128>() else {
                let text = format!("non-numeric {which} argument to 'intcmp' function: '{text}'");
                return Err(self.stop(&text));
            };
            numbers.push(number);
        }
        let order = numbers.first().cmp(&numbers.get(1));
        let argument = |index: usize| arguments.get(index);
        let chosen = match (order, arguments.len()) {
            (Ordering::Equal, 2) => {
                let number = numbers.first().map(i128::to_string);
                out.push_str(&number.unwrap_or_default());
                return Ok(());
            }
            (Ordering::Less, _) => argument(2),
            (Ordering::Equal, _) => argument(3),
            (Ordering::Greater, _) => argument(4).or_else(|| argument(3)),
        };
        match chosen {
            Some(text) => self.expand_into(out, text),
            None => Ok(()),
        }
    }

    fn foreach(&mut self, out: &mut String, name: &str, list: &str, body: &str) -> Outcome<()> {
        let name = self.expand(name)?;
        let list = self.expand(list)?;
        let before = self.variables.push();
        let scope = self.variables.current;
        let mut result = Ok(());
        for (index, word) in list.split_ascii_whitespace().enumerate() {
            if index > 0 {
                out.push(' ');
            }
            let variable = Variable::new(word, Origin::Automatic, false);
            self.variables.define(scope, name.trim(), variable);
            result = self.expand_into(out, body);
            if result.is_err() {
                break;
            }
        }
        self.variables.pop(before);
        result
    }

    /// `$(let NAMES,LIST,TEXT)`: the last name takes the words that are left.
    fn bind(&mut self, out: &mut String, names: &str, list: &str, body: &str) -> Outcome<()> {
        let names = self.expand(names)?;
        let list = self.expand(list)?;
        let names: Vec<&str> = names.split_ascii_whitespace().collect();
        let before = self.variables.push();
        let scope = self.variables.current;
        let mut rest = list.trim();
        for (index, name) in names.iter().enumerate() {
            let last = index + 1 == names.len();
            let (word, behind) = match last {
                true => (rest, ""),
                false => crate::assignment::first_word(rest),
            };
            rest = behind;
            let variable = Variable::new(word, Origin::Automatic, false);
            self.variables.define(scope, name, variable);
        }
        let result = self.expand_into(out, body);
        self.variables.pop(before);
        result
    }

    /// `$(call NAME,…)`: a variable with `$(1)` and so on, or a function by its name.
    fn call(&mut self, out: &mut String, arguments: &[String]) -> Outcome<()> {
        let Some((name, rest)) = arguments.split_first() else {
            return Ok(());
        };
        let name = name.trim();
        if let Some(function) = super::find(name) {
            return self.run(out, function, rest);
        }
        let Some(variable) = self.variables.get(name).cloned() else {
            if self.options.warn_undefined && !name.is_empty() {
                self.variable(out, name)?;
            }
            return Ok(());
        };
        let before = self.variables.push();
        let scope = self.variables.current;
        // A call within a call does not see the arguments of the outer one.
        let count = arguments.len().max(self.call_arguments);
        let outer = std::mem::replace(&mut self.call_arguments, arguments.len());
        for index in 0..count {
            let value = match index {
                0 => name,
                _ => arguments.get(index).map_or("", String::as_str),
            };
            let variable = Variable::new(value, Origin::Automatic, false);
            self.variables.define(scope, &index.to_string(), variable);
        }
        let result = match variable.recursive {
            true => self.expand_into(out, &variable.value),
            false => {
                out.push_str(&variable.value);
                Ok(())
            }
        };
        self.call_arguments = outer;
        self.variables.pop(before);
        result
    }
}
