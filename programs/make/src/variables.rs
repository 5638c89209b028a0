//! Variables and the sets that hold them: the global one, those of targets, and those of calls.

use crate::fault::Location;
use std::collections::HashMap;
use std::rc::Rc;

/// Where a value came from. A later one wins over an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    Environment,
    File,
    EnvironmentOverride,
    CommandLine,
    Override,
    Automatic,
}

impl Origin {
    /// As `$(origin)` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::File => "file",
            Self::EnvironmentOverride => "environment override",
            Self::CommandLine => "command line",
            Self::Override => "override",
            Self::Automatic => "automatic",
        }
    }
}

/// Whether programs get the variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// By its origin and name.
    Usual,
    Yes,
    No,
}

#[derive(Clone)]
pub struct Variable {
    pub value: Rc<str>,
    pub recursive: bool,
    pub origin: Origin,
    pub export: Export,
    /// `+=` of a target: what it has comes behind what is found further out.
    pub append: bool,
    /// Not seen by prerequisites.
    pub private: bool,
    pub location: Option<Location>,
}

impl Variable {
    pub fn new(value: &str, origin: Origin, recursive: bool) -> Self {
        Self {
            value: value.into(),
            recursive,
            origin,
            export: Export::Usual,
            append: false,
            private: false,
            location: None,
        }
    }
}

/// A set of variables.
pub type SetId = usize;

pub const GLOBAL: SetId = 0;

struct Set {
    map: HashMap<Rc<str>, Variable>,
    /// Where a name is looked up that is not in here.
    next: Option<SetId>,
    /// The next set is that of the target that needs this one.
    next_is_parent: bool,
}

pub struct Variables {
    sets: Vec<Set>,
    /// Where a look-up begins.
    pub current: SetId,
    /// `-e`
    pub environment_wins: bool,
}

impl Variables {
    pub fn new(environment_wins: bool) -> Self {
        Self {
            sets: vec![Set {
                map: HashMap::new(),
                next: None,
                next_is_parent: false,
            }],
            current: GLOBAL,
            environment_wins,
        }
    }

    pub fn add_set(&mut self, next: SetId, next_is_parent: bool) -> SetId {
        self.sets.push(Set {
            map: HashMap::new(),
            next: Some(next),
            next_is_parent,
        });
        self.sets.len() - 1
    }

    /// Hangs a target's set under that of the target which needs it.
    pub fn inherit(&mut self, set: SetId, next: SetId, next_is_parent: bool) {
        if let Some(set) = self.sets.get_mut(set) {
            set.next = Some(next);
            set.next_is_parent = next_is_parent;
        }
    }

    /// A set for the time of a call or loop; gives back what was current.
    pub fn push(&mut self) -> SetId {
        let before = self.current;
        self.current = self.add_set(before, false);
        before
    }

    pub fn pop(&mut self, before: SetId) {
        if self.current + 1 == self.sets.len() && self.current != GLOBAL {
            self.sets.pop();
        }
        self.current = before;
    }

    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.find(self.current, name).map(|(_, variable)| variable)
    }

    pub fn find(&self, from: SetId, name: &str) -> Option<(SetId, &Variable)> {
        let (mut at, mut inherited) = (from, false);
        loop {
            let set = self.sets.get(at)?;
            if let Some(variable) = set.map.get(name)
                && !(inherited && variable.private)
            {
                return Some((at, variable));
            }
            inherited |= set.next_is_parent;
            at = set.next?;
        }
    }

    /// Like `find`, beginning behind a set.
    pub fn find_behind(&self, set: SetId, name: &str) -> Option<(SetId, &Variable)> {
        let set = self.sets.get(set)?;
        let (at, variable) = self.find(set.next?, name)?;
        let hidden = set.next_is_parent && variable.private;
        if hidden {
            return self.find_behind(at, name);
        }
        Some((at, variable))
    }

    pub fn get_in(&self, set: SetId, name: &str) -> Option<&Variable> {
        self.sets.get(set)?.map.get(name)
    }

    pub fn get_mut(&mut self, set: SetId, name: &str) -> Option<&mut Variable> {
        self.sets.get_mut(set)?.map.get_mut(name)
    }

    /// Sets a variable, unless its present value has a stronger origin.
    pub fn define(&mut self, set: SetId, name: &str, mut new: Variable) {
        let environment_wins = self.environment_wins;
        let Some(set) = self.sets.get_mut(set) else {
            return;
        };
        match set.map.get_mut(name) {
            Some(old) => {
                if environment_wins && old.origin == Origin::Environment {
                    old.origin = Origin::EnvironmentOverride;
                }
                if new.origin >= old.origin {
                    if new.export == Export::Usual {
                        new.export = old.export;
                    }
                    new.private |= old.private;
                    *old = new;
                }
            }
            None => {
                set.map.insert(name.into(), new);
            }
        }
    }

    pub fn undefine(&mut self, set: SetId, name: &str, origin: Origin) {
        if let Some(set) = self.sets.get_mut(set)
            && set.map.get(name).is_some_and(|old| origin >= old.origin)
        {
            set.map.remove(name);
        }
    }

    /// All that can be seen from a set, the nearest of each name, in order of name.
    pub fn visible(&self, from: SetId) -> Vec<(Rc<str>, &Variable)> {
        let mut all: HashMap<Rc<str>, &Variable> = HashMap::new();
        let (mut at, mut inherited) = (from, false);
        while let Some(set) = self.sets.get(at) {
            for (name, variable) in &set.map {
                if !(inherited && variable.private) {
                    all.entry(name.clone()).or_insert(variable);
                }
            }
            inherited |= set.next_is_parent;
            match set.next {
                Some(next) => at = next,
                None => break,
            }
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}
