//! Going from one tree to another without losing what is only in the index or the worktree.

use crate::change;
use crate::fail::{Fail, Result};
use crate::ignore::Ignored;
use crate::index::{Entry, Index};
use crate::objects::{self, TreeEntry};
use crate::repository::Repository;
use crate::worktree::{self, Difference, Found};
use gix_object::Kind;

/// Who asks, for the words of a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Checkout,
    Merge,
}

impl Cause {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Cause::Checkout => ("checkout", "switch branches"),
            Cause::Merge => ("merge", "merge"),
        }
    }
}

/// Brings index and worktree from `old` to `new`. Paths that are the same in both are left as they are.
pub fn run(
    repository: &Repository,
    index: &mut Index,
    old: &[TreeEntry],
    new: &[TreeEntry],
    cause: Cause,
) -> Result<()> {
    let same = |one: Option<&TreeEntry>, other: Option<&TreeEntry>| match (one, other) {
        (Some(one), Some(other)) => one.id == other.id && one.mode == other.mode,
        (None, None) => true,
        _ => false,
    };
    let mut steps: Vec<(Vec<u8>, Option<&TreeEntry>)> = Vec::new();
    let (mut local, mut untracked) = (Vec::new(), Vec::new());
    for (one, other) in change::pairs(old, new) {
        if same(one, other) {
            continue;
        }
        let path = one
            .or(other)
            .map(|entry| entry.name.clone())
            .unwrap_or_default();
        let staged = index.get(&path).map(|entry| TreeEntry {
            name: path.clone(),
            mode: entry.mode,
            id: entry.id,
        });
        if staged.is_some() && same(staged.as_ref(), other)
            || staged.is_none() && other.is_none() && !index.has_path(&path)
        {
            continue;
        }
        match &staged {
            None if index.has_path(&path) => local.push(path.clone()),
            None if one.is_some() => {
                if other.is_some() {
                    local.push(path.clone());
                }
            }
            None => {
                if other.is_some_and(|other| in_the_way(repository, &path, other).unwrap_or(true)) {
                    untracked.push(path.clone());
                }
            }
            Some(_) if !same(staged.as_ref(), one) => local.push(path.clone()),
            Some(_) => {
                let entry = index.entries.get_mut(&(path.clone(), 0));
                let difference = entry
                    .map(|entry| worktree::compare(repository, &path, entry))
                    .transpose()?;
                if matches!(difference, Some(Difference::Changed(..))) {
                    local.push(path.clone());
                }
            }
        }
        steps.push((path, other));
    }
    refuse(repository, &local, &untracked, cause)?;
    for (path, _) in steps.iter().filter(|(_, other)| other.is_none()) {
        index.remove(path);
        worktree::remove(repository, path)?;
    }
    for (path, other) in steps {
        if let Some(other) = other {
            let mut entry = Entry::new(other.mode, other.id);
            worktree::write(repository, &path, &mut entry)?;
            index.put(&path, entry);
        }
    }
    Ok(())
}

/// A file that nobody tracks, with other content, that is not ignored.
pub fn in_the_way(repository: &Repository, path: &[u8], new: &TreeEntry) -> Result<bool> {
    let file = repository.file(path)?;
    match worktree::look(&file) {
        Found::File(metadata) => {
            let mode = worktree::mode_of(&metadata, Some(new.mode));
            let id = objects::hash(Kind::Blob, &worktree::content(&file, mode)?)?;
            if id == new.id && mode == new.mode {
                return Ok(false);
            }
            Ok(!Ignored::decide(repository, path, false)?.is_some_and(|rule| rule.ignored))
        }
        Found::Folder => Ok(false),
        Found::Nothing => Ok(false),
    }
}

fn refuse(
    repository: &Repository,
    local: &[Vec<u8>],
    untracked: &[Vec<u8>],
    cause: Cause,
) -> Result<()> {
    let (by, before) = cause.words();
    let list = |paths: &[Vec<u8>]| {
        paths
            .iter()
            .map(|path| format!("\t{}\n", repository.shown(path)))
            .collect::<String>()
    };
    let mut text = String::new();
    if !local.is_empty() {
        let verb = if cause == Cause::Checkout {
            "switch branches"
        } else {
            "merge"
        };
        text += &format!(
            "error: Your local changes to the following files would be overwritten by {by}:\n{}Please commit your changes or stash them before you {verb}.\n",
            list(local)
        );
    }
    if !untracked.is_empty() {
        text += &format!(
            "error: The following untracked working tree files would be overwritten by {by}:\n{}Please move or remove them before you {before}.\n",
            list(untracked)
        );
    }
    match text.is_empty() {
        true => Ok(()),
        false => Err(Fail {
            code: 1,
            text: text + "Aborting",
        }),
    }
}
