//! Rules for any file whose name is like a pattern, and variables of such files.

use crate::assignment::{Assignment, Modifiers};
use crate::fault::{Fault, Location, Outcome};
use crate::files::FileId;
use crate::make::Make;
use crate::recipe::Recipe;
use crate::rule_line::Pending;
use crate::stem::{Pattern, has_percent};
use std::rc::Rc;

pub struct PatternRule {
    pub targets: Vec<String>,
    pub prerequisites: Vec<PatternPrerequisite>,
    pub recipe: Rc<Recipe>,
    /// `::`: its prerequisites are not made by other implicit rules.
    pub terminal: bool,
    pub in_use: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct PatternPrerequisite {
    pub name: String,
    pub order_only: bool,
    /// It is expanded again when the rule is used.
    pub later: bool,
}

/// `%.o: NAME = value`
pub struct TargetVariable {
    pub pattern: String,
    pub assignment: Assignment,
    pub modifiers: Modifiers,
    pub location: Option<Location>,
}

impl Make {
    pub fn add_pattern_rule(&mut self, rule: &Pending) -> Outcome<()> {
        if !rule.targets.iter().all(|target| has_percent(target)) {
            return Err(Fault::at(
                rule.location.clone(),
                "mixed implicit and normal rules",
            ));
        }
        let (usual, order_only) = divide(&rule.prerequisites);
        let mut prerequisites = Vec::new();
        for (text, order_only) in [(usual, false), (order_only, true)] {
            let later = self.reading.second_expansion && text.contains('$');
            let names = match later {
                true => text.split_ascii_whitespace().map(str::to_owned).collect(),
                false => crate::glob::files(text),
            };
            let all = names.into_iter().map(|name| PatternPrerequisite {
                later: later && name.contains('$'),
                name,
                order_only,
            });
            prerequisites.extend(all);
        }
        let same = |other: &PatternRule| {
            other.targets == rule.targets && other.prerequisites == prerequisites
        };
        if self.reading.builtin && (self.pattern_rules.iter().any(same) || !self.has_suffixes(rule))
        {
            return Ok(());
        }
        self.pattern_rules.retain(|other| !same(other));
        let Some(text) = rule.recipe.clone() else {
            // Without a recipe it takes a rule back, one that comes with `make` too.
            self.cancelled
                .push((rule.targets.clone(), prerequisites.clone()));
            return Ok(());
        };
        let cancelled = |(targets, other): &(Vec<String>, Vec<PatternPrerequisite>)| {
            *targets == rule.targets && *other == prerequisites
        };
        if self.reading.builtin && self.cancelled.iter().any(cancelled) {
            return Ok(());
        }
        self.pattern_rules.push(PatternRule {
            targets: rule.targets.clone(),
            prerequisites,
            recipe: self.recipe(text, rule),
            terminal: rule.double_colon,
            in_use: false,
        });
        Ok(())
    }

    pub fn recipe(&self, text: String, rule: &Pending) -> Rc<Recipe> {
        let location = rule.location.clone().filter(|_| !self.reading.builtin);
        let location = location.map(|location| Location {
            line: rule.recipe_line,
            ..location
        });
        Rc::new(Recipe::new(text, location))
    }

    /// Rules like `.c.o` become `%.o: %.c`.
    pub fn convert_suffix_rules(&mut self) -> Outcome<()> {
        let known = self.suffixes();
        let empty = String::new();
        for first in &known {
            // One suffix alone makes a file without any.
            for second in std::iter::once(&empty).chain(&known) {
                let name = format!("{first}{second}");
                let Some(id) = self.files.find(&name) else {
                    continue;
                };
                self.convert(id, first, second);
            }
        }
        Ok(())
    }

    fn convert(&mut self, id: FileId, first: &str, second: &str) {
        let file = &self.files[id];
        let Some(recipe) = file.recipe.clone() else {
            return;
        };
        if !file.prerequisites.is_empty() {
            return;
        }
        let rule = PatternRule {
            targets: vec![format!("%{second}")],
            prerequisites: vec![PatternPrerequisite {
                name: format!("%{first}"),
                order_only: false,
                later: false,
            }],
            recipe,
            terminal: false,
            in_use: false,
        };
        let same = |other: &PatternRule| {
            other.targets == rule.targets && other.prerequisites == rule.prerequisites
        };
        if !self.pattern_rules.iter().any(same) {
            self.pattern_rules.push(rule);
        }
    }

    /// Whether the suffixes of a rule that comes with `make` are still known. A rule for a file of any name needs none.
    fn has_suffixes(&self, rule: &Pending) -> bool {
        let known = self.suffixes();
        let has = |name: &str| {
            let suffix = name.trim().trim_start_matches('%');
            suffix.is_empty() || known.iter().any(|other| other == suffix)
        };
        rule.prerequisites.trim() == "%"
            || (has(&rule.prerequisites) && rule.targets.iter().all(|target| has(target)))
    }

    /// What `.SUFFIXES` has.
    pub fn suffixes(&self) -> Vec<String> {
        let Some(id) = self.files.find(".SUFFIXES") else {
            return Vec::new();
        };
        let all = self.files[id].prerequisites.iter();
        all.map(|one| self.files[one.file].name.to_string())
            .collect()
    }
}

/// Prerequisites before and behind `|`.
pub fn divide(text: &str) -> (&str, &str) {
    match crate::lines::find_outside(text, |byte| byte == b'|') {
        Some(at) => {
            let (usual, order_only) = text.split_at(at);
            (usual, order_only.get(1..).unwrap_or_default())
        }
        None => (text, ""),
    }
}

/// The pattern of several that a name is like, which leaves the shortest stem.
pub fn stems<'a>(targets: &[String], name: &'a str) -> Option<(usize, &'a str, bool)> {
    let mut best: Option<(usize, &str, bool)> = None;
    for (index, target) in targets.iter().enumerate() {
        let pattern = Pattern::new(target);
        // A pattern without `/` is compared with the name behind the last one.
        let in_folder = !target.contains('/') && name.contains('/');
        let text = match in_folder {
            true => name.rsplit('/').next().unwrap_or(name),
            false => name,
        };
        if let Some(stem) = pattern.stem(text).filter(|stem| !stem.is_empty())
            && best.is_none_or(|(_, other, _)| stem.len() < other.len())
        {
            best = Some((index, stem, in_folder));
        }
    }
    best
}
