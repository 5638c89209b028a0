//! The files that rules speak of, and what is known about each.

use crate::recipe::Recipe;
use crate::time::Time;
use crate::variables::SetId;
use std::collections::HashMap;
use std::ops::{Index, IndexMut};
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId(usize);

/// How far the work on a file is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Idle,
    WaitingForPrerequisites,
    Running,
    Finished,
}

/// How it went; the worst of several is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Status {
    Success,
    #[default]
    None,
    /// `-q` found something to do.
    Question,
    Failed,
}

/// A file that another one needs.
#[derive(Clone)]
pub struct Prerequisite {
    pub file: FileId,
    pub order_only: bool,
    /// Newer than the target, or made anew.
    pub changed: bool,
}

/// Prerequisites whose text is expanded when the target is considered.
#[derive(Clone)]
pub struct Later {
    /// How many of the others come before these.
    pub at: usize,
    pub text: String,
    pub stem: Option<String>,
}

#[derive(Default)]
pub struct File {
    pub name: Rc<str>,
    /// Where a search path found it.
    pub found: Option<Rc<str>>,
    pub prerequisites: Vec<Prerequisite>,
    pub later: Vec<Later>,
    pub recipe: Option<Rc<Recipe>>,
    pub stem: Option<String>,
    /// Files that the same run of the recipe makes.
    pub also: Vec<FileId>,
    pub double_colon: bool,
    /// The next rule with `::` for this name.
    pub next_double: Option<FileId>,
    pub variables: Option<SetId>,
    pub variables_ready: bool,
    pub parent: Option<FileId>,

    pub is_target: bool,
    pub phony: bool,
    pub precious: bool,
    pub intermediate: bool,
    pub secondary: bool,
    pub silent: bool,
    pub ignore_errors: bool,
    /// The command line names it.
    pub goal: bool,
    /// It may be missing without a word.
    pub optional: bool,
    /// It was missing without a word.
    pub unsaid: bool,
    pub tried_implicit: bool,

    pub state: State,
    pub status: Status,
    pub updated: bool,
    pub updating: bool,
    /// The round in which it was looked at last.
    pub considered: usize,
    pub time: Option<Time>,
    pub time_before: Option<Time>,
}

impl File {
    /// The name, or where a search path found it.
    pub fn path(&self) -> &Rc<str> {
        self.found.as_ref().unwrap_or(&self.name)
    }
}

#[derive(Default)]
pub struct Files {
    all: Vec<File>,
    names: HashMap<Rc<str>, FileId>,
}

impl Files {
    pub fn find(&self, name: &str) -> Option<FileId> {
        self.names.get(name).copied()
    }

    pub fn enter(&mut self, name: &str) -> FileId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let name: Rc<str> = name.into();
        let id = self.add(name.clone());
        self.names.insert(name, id);
        id
    }

    /// One more entry for the same name, behind the last of its kind.
    pub fn add_double(&mut self, first: FileId) -> FileId {
        let name = self[first].name.clone();
        let id = self.add(name);
        let mut last = first;
        while let Some(next) = self[last].next_double {
            last = next;
        }
        self[last].next_double = Some(id);
        id
    }

    fn add(&mut self, name: Rc<str>) -> FileId {
        self.all.push(File {
            name,
            ..File::default()
        });
        FileId(self.all.len() - 1)
    }

    /// All entries, in the order in which they were first named.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.all.len()).map(FileId)
    }

    /// A file, and the entries of its other rules with `::`.
    pub fn chain(&self, first: FileId) -> Vec<FileId> {
        let mut all = vec![first];
        let mut at = first;
        while let Some(next) = self[at].next_double {
            all.push(next);
            at = next;
        }
        all
    }
}

impl Index<FileId> for Files {
    type Output = File;

    fn index(&self, id: FileId) -> &File {
        &self.all[id.0]
    }
}

impl IndexMut<FileId> for Files {
    fn index_mut(&mut self, id: FileId) -> &mut File {
        &mut self.all[id.0]
    }
}
