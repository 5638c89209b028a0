//! A rule as it stands in a makefile: targets, prerequisites, and where its recipe begins.

use crate::assignment::{Modifiers, Operator, Place, first_word, parse};
use crate::fault::{Location, Outcome};
use crate::glob;
use crate::lines::{self, find_outside};
use crate::make::Make;
use crate::pattern_rule::TargetVariable;
use crate::stem::has_percent;
use crate::variables::{GLOBAL, Origin};

/// A rule whose recipe may go on.
pub struct Pending {
    pub targets: Vec<String>,
    /// Of a static pattern rule.
    pub pattern: Option<String>,
    pub prerequisites: String,
    pub double_colon: bool,
    /// `&:`
    pub grouped: bool,
    pub location: Option<Location>,
    pub recipe: Option<String>,
    pub recipe_line: usize,
}

impl Pending {
    pub fn add_line(&mut self, text: &str, number: usize) {
        match &mut self.recipe {
            Some(recipe) => {
                recipe.push('\n');
                recipe.push_str(text);
            }
            None => {
                self.recipe = Some(text.to_owned());
                self.recipe_line = number;
            }
        }
    }
}

/// What a line that is no directive turned out to be.
pub enum RuleLine {
    Rule(Pending),
    /// A rule whose targets expand to nothing: its recipe belongs to nobody.
    NoTargets,
    /// Variables of a target, or a call that left nothing.
    Done,
}

/// A rule's line in parts.
struct Head {
    targets: String,
    double_colon: bool,
    grouped: bool,
    /// Behind the colon.
    rest: String,
    /// `rest` is expanded.
    expanded: bool,
}

impl Make {
    /// A rule, or variables of a target, which are set at once.
    pub fn rule(&mut self, line: &str) -> Outcome<RuleLine> {
        let (head, recipe) = divide(line);
        let Some(head) = self.head(&lines::collapse(head), recipe.is_some())? else {
            return Ok(RuleLine::Done);
        };
        let location = self.location.clone();
        let targets = glob::files(&head.targets);
        if targets.is_empty() {
            return Ok(RuleLine::NoTargets);
        }
        // What looks like an assignment is one, with the `;` that stands in its value.
        let rest = match recipe {
            Some(recipe) if !head.expanded => format!("{};{recipe}", head.rest),
            _ => head.rest.clone(),
        };
        if self.target_variable(&targets, &lines::without_comment(&lines::collapse(&rest)))? {
            return Ok(RuleLine::Done);
        }
        let rest = match head.expanded {
            true => head.rest,
            false => self.expand(&head.rest)?,
        };
        let (pattern, prerequisites) = self.static_pattern(&rest)?;
        let line = location.as_ref().map_or(0, |location| location.line);
        Ok(RuleLine::Rule(Pending {
            targets,
            pattern,
            prerequisites,
            double_colon: head.double_colon,
            grouped: head.grouped,
            location,
            recipe: recipe.map(|recipe| recipe.trim_start_matches([' ', '\t']).to_owned()),
            recipe_line: line,
        }))
    }

    /// Finds the colon, in the text or in what it expands to.
    fn head(&mut self, line: &str, has_recipe: bool) -> Outcome<Option<Head>> {
        let (targets, rest, expanded) = match colon(line) {
            Some(at) => {
                let (targets, rest) = line.split_at(at);
                let targets = self.expand(targets)?;
                // An expanded target may bring a colon along.
                match colon(&targets) {
                    Some(inner) => {
                        let rest = self.expand(rest)?;
                        let (targets, more) = targets.split_at(inner);
                        (targets.to_owned(), format!("{more}{rest}"), true)
                    }
                    None => (targets, rest.to_owned(), false),
                }
            }
            None => {
                let text = self.expand(line)?;
                match colon(&text) {
                    Some(at) => {
                        let (targets, rest) = text.split_at(at);
                        (targets.to_owned(), rest.to_owned(), true)
                    }
                    None if text.trim().is_empty() && !has_recipe => return Ok(None),
                    None => return Err(self.no_separator(line)),
                }
            }
        };
        let rest = rest.get(1..).unwrap_or_default();
        let double_colon = rest.starts_with(':');
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let grouped = targets.trim_end().strip_suffix('&').map(str::to_owned);
        Ok(Some(Head {
            grouped: grouped.is_some(),
            targets: grouped.unwrap_or(targets),
            double_colon,
            rest: rest.trim_start().to_owned(),
            expanded,
        }))
    }

    fn no_separator(&self, line: &str) -> crate::fault::Fault {
        let word = first_word(line.trim_start()).0;
        if word.starts_with("ifeq") || word.starts_with("ifneq") {
            return self.stop("missing separator (ifeq/ifneq must be followed by whitespace)");
        }
        self.stop(match line.starts_with("        ") {
            true => "missing separator (did you mean TAB instead of 8 spaces?)",
            false => "missing separator",
        })
    }

    /// `targets: pattern: prerequisites`
    fn static_pattern(&mut self, rest: &str) -> Outcome<(Option<String>, String)> {
        let Some(at) = colon(rest) else {
            return Ok((None, rest.to_owned()));
        };
        let (patterns, prerequisites) = rest.split_at(at);
        let patterns = glob::files(patterns);
        match patterns.as_slice() {
            [] => Err(self.stop("missing target pattern")),
            [pattern] if has_percent(pattern) => Ok((
                Some(pattern.clone()),
                prerequisites.get(1..).unwrap_or_default().to_owned(),
            )),
            [_] => Err(self.stop("target pattern contains no '%'")),
            _ => Err(self.stop("multiple target patterns")),
        }
    }

    /// `target: [export|override|private] NAME = value`; whether it is that.
    fn target_variable(&mut self, targets: &[String], text: &str) -> Outcome<bool> {
        let mut modifiers = Modifiers::default();
        let mut rest = text;
        let mut assignment = loop {
            if let Some(assignment) = parse(rest) {
                break assignment;
            }
            let (word, behind) = first_word(rest);
            match word {
                "export" => modifiers.export = true,
                "unexport" => modifiers.unexport = true,
                "override" => modifiers.overriding = true,
                "private" => modifiers.private = true,
                _ => return Ok(false),
            }
            rest = behind;
        };
        assignment.name = self.expand(&assignment.name)?;
        for target in targets {
            if has_percent(target) {
                let mut assignment = crate::assignment::Assignment {
                    name: assignment.name.clone(),
                    operator: assignment.operator,
                    value: assignment.value.clone(),
                };
                if assignment.operator == Operator::Simple {
                    assignment.value = self.expand(&assignment.value)?;
                }
                self.pattern_variables.push(TargetVariable {
                    pattern: target.clone(),
                    assignment,
                    modifiers,
                    location: self.location.clone(),
                });
                continue;
            }
            let file = self.files.enter(target);
            let set = self.own_set(file);
            let place = Place {
                set,
                of_target: true,
                origin: modifiers.origin(),
            };
            self.assign_in_set(&assignment, place, modifiers)?;
        }
        Ok(true)
    }

    /// Sets a target's variable, seen from the target. What the command line says stays.
    pub fn assign_in_set(
        &mut self,
        assignment: &crate::assignment::Assignment,
        place: Place,
        modifiers: Modifiers,
    ) -> Outcome<()> {
        let before = std::mem::replace(&mut self.variables.current, place.set);
        let result = self.assign(assignment, place, modifiers);
        self.variables.current = before;
        result?;
        if place.origin == Origin::Override {
            return Ok(());
        }
        let global = self.variables.get_in(GLOBAL, &assignment.name).cloned();
        let stronger = global.filter(|global| {
            let origin = global.origin;
            origin == Origin::CommandLine || origin == Origin::EnvironmentOverride
        });
        if let (Some(global), Some(own)) = (
            stronger,
            self.variables.get_mut(place.set, &assignment.name),
        ) {
            own.value = global.value;
            own.recursive = global.recursive;
            own.origin = global.origin;
            own.append = false;
        }
        Ok(())
    }
}

/// The line before its comment or `;`, and the recipe behind that.
fn divide(line: &str) -> (&str, Option<&str>) {
    let mut from = 0;
    while let Some(found) = find_outside(line.get(from..).unwrap_or_default(), |byte| {
        byte == b';' || byte == b'#'
    }) {
        let at = from + found;
        let (head, tail) = line.split_at(at);
        let slashes = head.len() - head.trim_end_matches('\\').len();
        if slashes % 2 == 1 {
            from = at + 1;
            continue;
        }
        return match tail.strip_prefix(';') {
            Some(recipe) => (head, Some(recipe)),
            None => (head, None),
        };
    }
    (line, None)
}

/// The first colon outside references that no backslash stands before.
fn colon(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find_outside(text.get(from..)?, |byte| byte == b':')?;
        let head = text.get(..at)?;
        if !head.ends_with('\\') {
            return Some(at);
        }
        from = at + 1;
    }
}
