//! `$@`, `$<` and their kin, and the variables of a target.

use crate::assignment::Place;
use crate::fault::Outcome;
use crate::files::FileId;
use crate::make::Make;
use crate::stem::Pattern;
use crate::variables::{GLOBAL, Origin, SetId, Variable};
use std::collections::HashSet;

/// The values of the automatic variables.
#[derive(Default)]
pub struct Automatic {
    target: String,
    first: String,
    all: String,
    all_twice: String,
    newer: String,
    order_only: String,
    stem: String,
}

impl Automatic {
    /// What is known before a rule was chosen.
    pub fn early(target: &str, stem: &str) -> Self {
        Self {
            target: target.to_owned(),
            stem: stem.to_owned(),
            ..Self::default()
        }
    }
}

impl Make {
    /// A target's own set, not yet under that of the target which needs it.
    pub fn own_set(&mut self, id: FileId) -> SetId {
        match self.files[id].variables {
            Some(set) => set,
            None => {
                let set = self.variables.add_set(GLOBAL, false);
                self.files[id].variables = Some(set);
                set
            }
        }
    }

    /// A target's set, with what it inherits and what patterns give it.
    pub fn prepared_set(&mut self, id: FileId) -> Outcome<SetId> {
        let set = self.own_set(id);
        if self.files[id].variables_ready {
            return Ok(set);
        }
        self.files[id].variables_ready = true;
        let (mut outer, mut of_parent) = (GLOBAL, false);
        if let Some(parent) = self.files[id].parent {
            outer = self.prepared_set(parent)?;
            of_parent = true;
        }
        if let Some(patterns) = self.pattern_set(id, outer, of_parent)? {
            (outer, of_parent) = (patterns, false);
        }
        self.variables.inherit(set, outer, of_parent);
        Ok(set)
    }

    /// The variables that patterns give a target: those of the longest pattern win.
    fn pattern_set(&mut self, id: FileId, outer: SetId, of_parent: bool) -> Outcome<Option<SetId>> {
        let name = self.files[id].name.clone();
        let mut fitting: Vec<(usize, usize)> = Vec::new();
        for (index, variable) in self.pattern_variables.iter().enumerate() {
            if let Some(stem) = Pattern::new(&variable.pattern).stem(&name) {
                fitting.push((stem.len(), index));
            }
        }
        if fitting.is_empty() {
            return Ok(None);
        }
        fitting.sort_by_key(|(length, index)| (std::cmp::Reverse(*length), *index));
        let set = self.variables.add_set(outer, of_parent);
        let all = std::mem::take(&mut self.pattern_variables);
        let mut result = Ok(());
        for (_, index) in fitting {
            let Some(variable) = all.get(index) else {
                continue;
            };
            let place = Place {
                set,
                of_target: true,
                origin: variable.modifiers.origin(),
            };
            let before = std::mem::replace(&mut self.location, variable.location.clone());
            result = self.assign_in_set(&variable.assignment, place, variable.modifiers);
            self.location = before;
            if result.is_err() {
                break;
            }
        }
        self.pattern_variables = all;
        result?;
        Ok(Some(set))
    }

    pub fn set_automatic(&mut self, set: SetId, values: &Automatic) {
        for (name, value) in [
            ("@", &values.target),
            ("<", &values.first),
            ("^", &values.all),
            ("+", &values.all_twice),
            ("?", &values.newer),
            ("|", &values.order_only),
            ("*", &values.stem),
            ("%", &String::new()),
        ] {
            let variable = Variable::new(value, Origin::Automatic, false);
            self.variables.define(set, name, variable);
        }
    }

    /// The values for a target whose recipe is about to run.
    pub fn automatic(&self, id: FileId) -> Automatic {
        let file = &self.files[id];
        let mut values = Automatic::early(&file.name, "");
        values.stem = match &file.stem {
            Some(stem) => stem.clone(),
            None => self.stem_by_suffix(&file.name),
        };
        let usual: HashSet<FileId> = file
            .prerequisites
            .iter()
            .filter(|one| !one.order_only)
            .map(|one| one.file)
            .collect();
        let mut seen = HashSet::new();
        let push = |list: &mut String, name: &str| {
            if !list.is_empty() {
                list.push(' ');
            }
            list.push_str(name);
        };
        for one in &file.prerequisites {
            let name = self.files[one.file].path();
            if one.order_only {
                if !usual.contains(&one.file) && seen.insert(one.file) {
                    push(&mut values.order_only, name);
                }
                continue;
            }
            if values.all_twice.is_empty() {
                values.first = name.to_string();
            }
            push(&mut values.all_twice, name);
            if seen.insert(one.file) {
                push(&mut values.all, name);
                if one.changed || self.options.always_make {
                    push(&mut values.newer, name);
                }
            }
        }
        if self.default_recipe_of(id) {
            values.first = file.name.to_string();
        }
        values
    }

    /// The name without its suffix, if that is one of `.SUFFIXES`.
    fn stem_by_suffix(&self, name: &str) -> String {
        let known = self.suffixes();
        let end = known.iter().find_map(|suffix| {
            let stem = name.strip_suffix(suffix.as_str())?;
            (!stem.is_empty()).then(|| stem.to_owned())
        });
        end.unwrap_or_default()
    }

    fn default_recipe_of(&self, id: FileId) -> bool {
        let default = self.files.find(".DEFAULT");
        let default = default.and_then(|id| self.files[id].recipe.as_ref());
        match (default, &self.files[id].recipe) {
            (Some(default), Some(own)) => std::rc::Rc::ptr_eq(default, own),
            _ => false,
        }
    }
}
