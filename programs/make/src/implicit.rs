//! The search for a pattern rule that can make a file, by way of other files if need be.

use crate::automatic::Automatic;
use crate::fault::Outcome;
use crate::files::{FileId, Prerequisite};
use crate::make::Make;
use crate::pattern_rule::{PatternPrerequisite, stems};
use crate::stem::Pattern;

/// A rule that fits.
struct Found {
    rule: usize,
    /// Which of its targets the file is.
    target: usize,
    /// With the folder, as `$*` has it.
    stem: String,
    prerequisites: Vec<FoundPrerequisite>,
}

struct FoundPrerequisite {
    name: String,
    order_only: bool,
    /// How it is made, if it is not there and no rule names it.
    made: Option<Box<Found>>,
    pattern: String,
}

/// A rule to try.
struct Candidate {
    rule: usize,
    target: usize,
    folder: String,
    stem: String,
}

/// How many files may stand between a target and one that is there.
const DEPTH_MAX: usize = 20;

impl Make {
    /// Gives a file a recipe, if there is a rule; whether there is one.
    pub fn find_implicit(&mut self, id: FileId) -> Outcome<bool> {
        let name = self.files[id].name.clone();
        let Some(found) = self.search(&name, Some(id), 0)? else {
            return Ok(false);
        };
        self.apply(id, found);
        Ok(true)
    }

    fn candidates(&self, name: &str, depth: usize) -> Vec<Candidate> {
        let mut all = Vec::new();
        let mut specific = false;
        for (index, rule) in self.pattern_rules.iter().enumerate() {
            if rule.in_use {
                continue;
            }
            for (number, target) in rule.targets.iter().enumerate() {
                let any = target == "%";
                if any && depth > 0 && !rule.terminal {
                    continue;
                }
                let only = std::slice::from_ref(target);
                let Some((_, stem, in_folder)) = stems(only, name) else {
                    continue;
                };
                specific |= !any;
                let folder = match in_folder {
                    true => name.rfind('/').and_then(|at| name.get(..=at)),
                    false => None,
                };
                all.push(Candidate {
                    rule: index,
                    target: number,
                    folder: folder.unwrap_or_default().to_owned(),
                    stem: stem.to_owned(),
                });
            }
        }
        if specific {
            all.retain(|one| {
                let rule = self.pattern_rules.get(one.rule);
                rule.is_some_and(|rule| {
                    rule.terminal || rule.targets.get(one.target).is_some_and(|name| name != "%")
                })
            });
        }
        all.sort_by_key(|one| one.stem.len());
        all
    }

    fn search(&mut self, name: &str, file: Option<FileId>, depth: usize) -> Outcome<Option<Found>> {
        if depth > DEPTH_MAX {
            return Ok(None);
        }
        let candidates = self.candidates(name, depth);
        for through_others in [false, true] {
            for candidate in &candidates {
                if let Some(rule) = self.pattern_rules.get_mut(candidate.rule) {
                    rule.in_use = true;
                }
                let found = self.fits(candidate, name, file, through_others, depth);
                if let Some(rule) = self.pattern_rules.get_mut(candidate.rule) {
                    rule.in_use = false;
                }
                if let Some(prerequisites) = found? {
                    return Ok(Some(Found {
                        rule: candidate.rule,
                        target: candidate.target,
                        stem: format!("{}{}", candidate.folder, candidate.stem),
                        prerequisites,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The prerequisites, if all of them are there or can be made.
    fn fits(
        &mut self,
        candidate: &Candidate,
        name: &str,
        file: Option<FileId>,
        through_others: bool,
        depth: usize,
    ) -> Outcome<Option<Vec<FoundPrerequisite>>> {
        let Some(rule) = self.pattern_rules.get(candidate.rule) else {
            return Ok(None);
        };
        let terminal = rule.terminal;
        let mut all = Vec::new();
        for one in rule.prerequisites.clone() {
            for filled in self.filled(&one, candidate, name, file)? {
                let made = match self.ought_to_exist(&filled, file) {
                    true => None,
                    false if through_others && !terminal => {
                        if self.impossible.contains(&filled) {
                            return Ok(None);
                        }
                        match self.search(&filled, None, depth + 1)? {
                            Some(found) => Some(Box::new(found)),
                            None => {
                                self.impossible.insert(filled);
                                return Ok(None);
                            }
                        }
                    }
                    false => return Ok(None),
                };
                all.push(FoundPrerequisite {
                    name: filled,
                    order_only: one.order_only,
                    made,
                    pattern: one.name.clone(),
                });
            }
        }
        Ok(Some(all))
    }

    /// A prerequisite's names for this stem.
    fn filled(
        &mut self,
        one: &PatternPrerequisite,
        candidate: &Candidate,
        name: &str,
        file: Option<FileId>,
    ) -> Outcome<Vec<String>> {
        let pattern = Pattern::new(&one.name);
        let text = match pattern.has_percent() {
            true => format!("{}{}", candidate.folder, pattern.fill(&candidate.stem)),
            false => pattern.fill(""),
        };
        if !one.later {
            return Ok(vec![text]);
        }
        let stem = format!("{}{}", candidate.folder, candidate.stem);
        let set = match file {
            Some(file) => self.prepared_set(file)?,
            None => crate::variables::GLOBAL,
        };
        let scope = self.variables.add_set(set, false);
        self.set_automatic(scope, &Automatic::early(name, &stem));
        let text = self.expand_in(scope, &text)?;
        Ok(crate::glob::files(&text))
    }

    fn ought_to_exist(&mut self, name: &str, file: Option<FileId>) -> bool {
        if let Some(file) = file {
            let mut own = self.files[file].prerequisites.iter();
            if own.any(|one| *self.files[one.file].name == *name) {
                return true;
            }
        }
        // What a rule names ought to exist, even if only as a prerequisite.
        self.files.find(name).is_some() || self.exists(name) || self.find_along(name).is_some()
    }

    fn apply(&mut self, id: FileId, found: Found) {
        let Some(rule) = self.pattern_rules.get(found.rule) else {
            return;
        };
        let recipe = rule.recipe.clone();
        let targets = rule.targets.clone();
        let precious = |make: &Self, pattern: &str| {
            let known = make.files.find(pattern);
            known.is_some_and(|id| make.files[id].precious)
        };
        let mut new = Vec::new();
        for one in found.prerequisites {
            let known = self.files.find(&one.name).is_some();
            let file = self.files.enter(&one.name);
            if let Some(made) = one.made {
                self.apply(file, *made);
                let file = &mut self.files[file];
                file.intermediate |= !known;
                file.tried_implicit = true;
                file.is_target = true;
            }
            if precious(self, &one.pattern) {
                self.files[file].precious = true;
            }
            new.push(Prerequisite {
                file,
                order_only: one.order_only,
                changed: false,
            });
        }
        let mut also = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            if index == found.target {
                continue;
            }
            let other = Pattern::new(target).fill(&found.stem);
            let other = self.files.enter(&other);
            self.files[other].is_target = true;
            also.push(other);
        }
        let pattern = targets.get(found.target);
        let precious = pattern.is_some_and(|pattern| precious(self, pattern));
        let file = &mut self.files[id];
        file.precious |= precious;
        file.recipe = Some(recipe);
        file.stem = Some(found.stem);
        file.prerequisites.splice(0..0, new).for_each(drop);
        file.also.extend(also);
    }
}
