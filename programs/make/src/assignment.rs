//! `NAME = value` and its kin: found in a line, and done.

use crate::fault::{Fault, Outcome};
use crate::lines;
use crate::make::Make;
use crate::variables::{Export, GLOBAL, Origin, SetId, Variable};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Recursive,
    /// `:=`, `::=`
    Simple,
    /// `:::=`: expanded at once, and again where it is used.
    Escaped,
    /// `+=`
    Append,
    /// `?=`
    Conditional,
    /// `!=`
    Shell,
}

/// The words before a name.
#[derive(Clone, Copy, Default)]
pub struct Modifiers {
    pub overriding: bool,
    pub export: bool,
    pub unexport: bool,
    pub private: bool,
}

impl Modifiers {
    pub fn origin(self) -> Origin {
        match self.overriding {
            true => Origin::Override,
            false => Origin::File,
        }
    }
}

pub struct Assignment {
    pub name: String,
    pub operator: Operator,
    pub value: String,
}

/// What a line of words like `override` turns out to be.
pub enum Statement {
    Assign(Assignment),
    /// The name, and the operator if there is one.
    Define(String, Operator),
    Undefine(String),
}

/// A line that sets variables; none if it is something else.
pub fn statement(line: &str) -> Option<(Modifiers, Statement)> {
    let mut modifiers = Modifiers::default();
    let mut rest = line.trim_start();
    loop {
        if let Some(assignment) = parse(rest) {
            return Some((modifiers, Statement::Assign(assignment)));
        }
        let (word, behind) = first_word(rest);
        match word {
            "override" => modifiers.overriding = true,
            "export" => modifiers.export = true,
            "private" => modifiers.private = true,
            "unexport" => modifiers.unexport = true,
            "define" => {
                let (name, operator) = define_head(behind);
                return Some((modifiers, Statement::Define(name, operator)));
            }
            "undefine" => return Some((modifiers, Statement::Undefine(behind.to_owned()))),
            _ => return None,
        }
        rest = behind;
    }
}

/// The first word, and what follows it and the blanks behind.
pub fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_whitespace());
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_start())
}

fn define_head(text: &str) -> (String, Operator) {
    let text = text.trim_end();
    match parse(text) {
        Some(assignment) => (assignment.name, assignment.operator),
        None => (text.to_owned(), Operator::Recursive),
    }
}

/// `NAME op value`; blanks may stand around the operator and in no other place of the name but in references.
pub fn parse(line: &str) -> Option<Assignment> {
    let line = line.trim_start();
    let mut end = 0;
    loop {
        let byte = *line.as_bytes().get(end)?;
        match byte {
            b'$' => end = lines::skip_reference(line, end),
            b'#' => return None,
            b' ' | b'\t' => {
                let behind = line.get(end..)?.trim_start();
                let (operator, length) = operator(behind)?;
                return found(line.get(..end)?, operator, behind.get(length..)?);
            }
            _ => {
                let rest = line.get(end..).unwrap_or_default();
                match operator(rest) {
                    Some((operator, length)) => {
                        return found(line.get(..end)?, operator, rest.get(length..)?);
                    }
                    None if byte == b':' => return None,
                    None => end += 1,
                }
            }
        }
    }
}

fn found(name: &str, operator: Operator, value: &str) -> Option<Assignment> {
    Some(Assignment {
        name: name.to_owned(),
        operator,
        value: value.trim_start().to_owned(),
    })
}

fn operator(text: &str) -> Option<(Operator, usize)> {
    let all = [
        (":::=", Operator::Escaped),
        ("::=", Operator::Simple),
        (":=", Operator::Simple),
        ("+=", Operator::Append),
        ("?=", Operator::Conditional),
        ("!=", Operator::Shell),
        ("=", Operator::Recursive),
    ];
    let found = all
        .iter()
        .find(|(sign, _)| text.as_bytes().starts_with(sign.as_bytes()));
    found.map(|(sign, operator)| (*operator, sign.len()))
}

/// Where an assignment goes.
#[derive(Clone, Copy)]
pub struct Place {
    pub set: SetId,
    /// The set is that of a target.
    pub of_target: bool,
    pub origin: Origin,
}

impl Place {
    pub fn global(origin: Origin) -> Self {
        Self {
            set: GLOBAL,
            of_target: false,
            origin,
        }
    }
}

impl Make {
    pub fn assign(
        &mut self,
        assignment: &Assignment,
        place: Place,
        modifiers: Modifiers,
    ) -> Outcome<()> {
        let name = self.expand(&assignment.name)?;
        let name = name.trim();
        if name.is_empty() {
            return Err(Fault::at(self.location.clone(), "empty variable name"));
        }
        if let Some(mut variable) = self.value_of(name, assignment, place)? {
            variable.location = self.location.clone();
            variable.private = modifiers.private;
            self.variables.define(place.set, name, variable);
        }
        if let Some(variable) = self.variables.get_mut(place.set, name) {
            if modifiers.export {
                variable.export = Export::Yes;
            } else if modifiers.unexport {
                variable.export = Export::No;
            }
        }
        self.assigned(name);
        Ok(())
    }

    /// The variable as it will be; none if it stays as it is.
    fn value_of(
        &mut self,
        name: &str,
        assignment: &Assignment,
        place: Place,
    ) -> Outcome<Option<Variable>> {
        let text = &assignment.value;
        let made = |value: &str, recursive| Variable::new(value, place.origin, recursive);
        Ok(Some(match assignment.operator {
            Operator::Recursive => made(text, true),
            Operator::Simple => made(&self.expand(text)?, false),
            Operator::Escaped => made(&self.expand(text)?.replace('$', "$$"), true),
            Operator::Shell => {
                let command = self.expand(text)?;
                made(&self.shell_output(&command)?, true)
            }
            Operator::Conditional if self.is_set(name, place) => return Ok(None),
            Operator::Conditional => made(text, true),
            Operator::Append => return self.appended(name, text, place),
        }))
    }

    fn is_set(&self, name: &str, place: Place) -> bool {
        match place.of_target {
            true => self.variables.get_in(place.set, name).is_some(),
            false => self.variables.get(name).is_some(),
        }
    }

    fn appended(&mut self, name: &str, text: &str, place: Place) -> Outcome<Option<Variable>> {
        let old = match place.of_target {
            true => self.variables.get_in(place.set, name).cloned(),
            false => self.variables.get(name).cloned(),
        };
        let Some(old) = old else {
            let mut new = Variable::new(text, place.origin, true);
            if place.of_target {
                new.append = true;
                let outer = self.variables.find_behind(place.set, name);
                let simple = outer.is_some_and(|(_, outer)| !outer.recursive);
                if simple {
                    new.value = self.expand(text)?.into();
                    new.recursive = false;
                }
            }
            return Ok(Some(new));
        };
        let addition = match old.recursive {
            true => text.to_owned(),
            false => self.expand(text)?,
        };
        let value = match (old.value.is_empty(), addition.is_empty()) {
            (true, _) => addition,
            (false, true) => return Ok(None),
            (false, false) => format!("{} {addition}", old.value),
        };
        let mut new = Variable::new(&value, place.origin, old.recursive);
        new.append = old.append;
        new.export = old.export;
        Ok(Some(new))
    }

    /// Some variables change how `make` itself works.
    fn assigned(&mut self, name: &str) {
        if name == ".RECIPEPREFIX" {
            let value = self.variables.get(name).map(|found| found.value.clone());
            let first = value.and_then(|value| value.chars().next());
            self.reading.recipe_prefix = first.unwrap_or('\t');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_told_from_rules() {
        for (line, expected) in [
            ("A = b", Some(("A", "b"))),
            ("A:=b c ", Some(("A", "b c "))),
            ("A ?= b", Some(("A", "b"))),
            ("$(X y)z += b", Some(("$(X y)z", "b"))),
            ("a: b = c", None),
            ("ifeq (a,b=c)", None),
            ("a b = c", None),
            ("A!=ls", Some(("A", "ls"))),
            ("a::=b", Some(("a", "b"))),
        ] {
            let found = parse(line);
            let found = found.as_ref();
            let found = found.map(|found| (found.name.as_str(), found.value.as_str()));
            assert_eq!(found, expected, "{line}");
        }
    }
}
