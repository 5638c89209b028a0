//! Rules that were read, put into the table of files.

use crate::fault::{Fault, Outcome};
use crate::files::{FileId, Later, Prerequisite};
use crate::glob;
use crate::make::Make;
use crate::pattern_rule::divide;
use crate::recipe::Recipe;
use crate::rule_line::Pending;
use crate::stem::{Pattern, has_percent};
use crate::variables::{GLOBAL, Origin, Variable};
use std::rc::Rc;

/// What a rule gives one of its targets.
struct Share<'a> {
    rule: &'a Pending,
    recipe: Option<Rc<Recipe>>,
}

impl Make {
    pub fn record(&mut self, rule: Pending) -> Outcome<()> {
        if rule.pattern.is_none() && rule.targets.iter().any(|target| has_percent(target)) {
            return self.add_pattern_rule(&rule);
        }
        let recipe = rule.recipe.clone().map(|text| self.recipe(text, &rule));
        let share = Share {
            rule: &rule,
            recipe,
        };
        let mut made = Vec::new();
        for target in &rule.targets {
            let stem = match &rule.pattern {
                Some(pattern) => match Pattern::new(pattern).stem(target) {
                    Some(stem) => Some(stem.to_owned()),
                    None => {
                        let text = format!("target '{target}' doesn't match the target pattern");
                        self.complain(rule.location.as_ref(), &text);
                        None
                    }
                },
                None => None,
            };
            self.special(target);
            let file = match rule.double_colon {
                true => self.double(target, &share)?,
                false => self.single(target, &share)?,
            };
            self.files[file].is_target = true;
            if stem.is_some() {
                self.files[file].stem.clone_from(&stem);
            }
            if stem.is_some() || rule.pattern.is_none() {
                self.prerequisites(file, &share, stem)?;
            }
            made.push(file);
        }
        if rule.grouped && rule.recipe.is_some() {
            for file in &made {
                let others = made.iter().filter(|other| *other != file);
                self.files[*file].also = others.copied().collect();
            }
        }
        Ok(())
    }

    fn single(&mut self, target: &str, share: &Share<'_>) -> Outcome<FileId> {
        let id = self.files.enter(target);
        let location = &share.rule.location;
        let file = &self.files[id];
        if file.double_colon {
            let text = format!("target file '{target}' has both : and :: entries");
            return Err(Fault::at(location.clone(), text));
        }
        let Some(recipe) = &share.recipe else {
            return Ok(id);
        };
        if let Some(old) = file.recipe.clone() {
            if self.reading.builtin {
                return Ok(id);
            }
            if let (Some(place), Some(before)) = (&recipe.location, &old.location) {
                let text = format!("warning: overriding recipe for target '{target}'");
                self.complain(Some(place), &text);
                let text = format!("warning: ignoring old recipe for target '{target}'");
                self.complain(Some(before), &text);
            }
            // An old stem belongs to the old recipe.
            self.files[id].stem = None;
        }
        self.files[id].recipe = Some(recipe.clone());
        Ok(id)
    }

    fn double(&mut self, target: &str, share: &Share<'_>) -> Outcome<FileId> {
        let first = self.files.enter(target);
        if self.files[first].is_target && !self.files[first].double_colon {
            let text = format!("target file '{target}' has both : and :: entries");
            return Err(Fault::at(share.rule.location.clone(), text));
        }
        let id = match self.files[first].is_target {
            true => self.files.add_double(first),
            false => first,
        };
        self.files[id].double_colon = true;
        self.files[id].recipe.clone_from(&share.recipe);
        Ok(id)
    }

    fn prerequisites(
        &mut self,
        id: FileId,
        share: &Share<'_>,
        stem: Option<String>,
    ) -> Outcome<()> {
        let text = &share.rule.prerequisites;
        if &*self.files[id].name == ".SUFFIXES" && text.trim().is_empty() {
            self.files[id].prerequisites.clear();
            return Ok(());
        }
        if self.reading.second_expansion && text.contains('$') {
            let file = &mut self.files[id];
            let mut later = Later {
                at: 0,
                text: text.clone(),
                stem,
            };
            match share.recipe.is_some() {
                true => file.later.insert(0, later),
                false => {
                    later.at = file.prerequisites.len();
                    file.later.push(later);
                }
            }
            return Ok(());
        }
        let new = self.named_prerequisites(text, stem.as_deref());
        let file = &mut self.files[id];
        match share.recipe.is_some() {
            // Those of the rule with the recipe come first, for `$<`.
            true => {
                file.later
                    .iter_mut()
                    .for_each(|later| later.at += new.len());
                file.prerequisites.splice(0..0, new).for_each(drop);
            }
            false => file.prerequisites.extend(new),
        }
        Ok(())
    }

    /// Names, those behind `|` order-only; `%` is the stem of a static pattern rule.
    pub fn named_prerequisites(&mut self, text: &str, stem: Option<&str>) -> Vec<Prerequisite> {
        let (usual, order_only) = divide(text);
        let mut all = Vec::new();
        for (text, order_only) in [(usual, false), (order_only, true)] {
            for name in glob::files(text) {
                let name = match stem {
                    Some(stem) => Pattern::new(&name).fill(stem),
                    None => name,
                };
                // `.WAIT` orders what runs at the same time; nothing needs it as a file.
                if name == ".WAIT" {
                    continue;
                }
                all.push(Prerequisite {
                    file: self.files.enter(&name),
                    order_only,
                    changed: false,
                });
            }
        }
        all
    }

    /// Targets that mean something at once, and the default goal.
    fn special(&mut self, target: &str) {
        match target {
            ".SECONDEXPANSION" => self.reading.second_expansion = true,
            ".ONESHELL" => self.reading.one_shell = true,
            ".POSIX" => {
                let flags = Variable::new("-ec", Origin::Default, false);
                self.variables.define(GLOBAL, ".SHELLFLAGS", flags);
            }
            _ => {}
        }
        let hidden = target.starts_with('.') && !target.contains('/');
        if hidden || self.reading.builtin {
            return;
        }
        if self.value_or_empty(".DEFAULT_GOAL").is_empty() {
            let goal = Variable::new(target, Origin::File, false);
            self.variables.define(GLOBAL, ".DEFAULT_GOAL", goal);
        }
    }

    /// What targets like `.PHONY` say about their prerequisites, once all is read.
    pub fn apply_special_targets(&mut self) {
        let named = |make: &Self, name: &str| -> Option<Vec<FileId>> {
            let id = make
                .files
                .find(name)
                .filter(|id| make.files[*id].is_target)?;
            let chain = make.files.chain(id);
            let all = chain.iter().flat_map(|id| &make.files[*id].prerequisites);
            Some(all.map(|one| one.file).collect())
        };
        for id in named(self, ".PHONY").unwrap_or_default() {
            self.files[id].phony = true;
            self.files[id].is_target = true;
        }
        for id in named(self, ".PRECIOUS").unwrap_or_default() {
            self.files[id].precious = true;
        }
        for id in named(self, ".INTERMEDIATE").unwrap_or_default() {
            self.files[id].intermediate = true;
        }
        match named(self, ".SECONDARY") {
            Some(all) if all.is_empty() => {
                self.all_secondary = true;
                for id in self.files.ids() {
                    self.files[id].intermediate = true;
                    self.files[id].secondary = true;
                }
            }
            all => {
                for id in all.unwrap_or_default() {
                    self.files[id].intermediate = true;
                    self.files[id].secondary = true;
                }
            }
        }
        match named(self, ".SILENT") {
            Some(all) if all.is_empty() => self.options.silent = true,
            all => {
                for id in all.unwrap_or_default() {
                    self.files[id].silent = true;
                }
            }
        }
        match named(self, ".IGNORE") {
            Some(all) if all.is_empty() => self.options.ignore_errors = true,
            all => {
                for id in all.unwrap_or_default() {
                    self.files[id].ignore_errors = true;
                }
            }
        }
        let said = |make: &Self, name| named(make, name).is_some();
        self.reading.export_all |= said(self, ".EXPORT_ALL_VARIABLES");
        self.delete_on_error = said(self, ".DELETE_ON_ERROR");
        self.not_parallel = said(self, ".NOTPARALLEL");
    }
}
