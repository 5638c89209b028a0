//! What differs between two of: a tree, the index, the worktree.

use crate::fail::Result;
use crate::index::Index;
use crate::objects::{self, MODE_TREE, Objects, TreeEntry};
use crate::pathspec::Pathspec;
use crate::repository::Repository;
use crate::worktree::{self, Difference};
use gix_hash::ObjectId;
use std::cmp::Ordering;

/// One side of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub path: Vec<u8>,
    pub mode: u32,
    pub id: ObjectId,
    /// The content is in the worktree; the object may not be there.
    pub in_worktree: bool,
}

#[derive(Clone, Debug)]
pub struct Change {
    pub old: Option<Side>,
    pub new: Option<Side>,
    /// How alike both sides of a rename or copy are, or how much of a file was rewritten, of 60000.
    pub score: u32,
    pub copied: bool,
    pub unmerged: bool,
    pub rewritten: bool,
}

impl Side {
    pub fn content(&self, repository: &Repository) -> Result<Vec<u8>> {
        if self.mode == objects::MODE_COMMIT {
            return Ok(format!("Subproject commit {}\n", self.id).into_bytes());
        }
        match self.in_worktree {
            true => worktree::content(&repository.file(&self.path)?, self.mode),
            false => repository.objects.blob(&self.id),
        }
    }
}

impl From<&TreeEntry> for Side {
    fn from(entry: &TreeEntry) -> Self {
        Side {
            path: entry.name.clone(),
            mode: entry.mode,
            id: entry.id,
            in_worktree: false,
        }
    }
}

impl Change {
    pub fn new(old: Option<Side>, new: Option<Side>) -> Self {
        Change {
            old,
            new,
            score: 0,
            copied: false,
            unmerged: false,
            rewritten: false,
        }
    }

    fn conflict(path: &[u8]) -> Self {
        let side = Side {
            path: path.to_vec(),
            mode: 0,
            id: objects::null(),
            in_worktree: false,
        };
        Change {
            unmerged: true,
            ..Change::new(Some(side.clone()), Some(side))
        }
    }

    pub fn path(&self) -> &[u8] {
        let side = self.new.as_ref().or(self.old.as_ref());
        side.map_or(&[], |side| &side.path)
    }

    pub fn old_path(&self) -> &[u8] {
        let side = self.old.as_ref().or(self.new.as_ref());
        side.map_or(&[], |side| &side.path)
    }

    /// The letter: `A`, `D`, `M`, `R`, `C`, `T` or `U`.
    pub fn letter(&self) -> char {
        match (&self.old, &self.new) {
            _ if self.unmerged => 'U',
            (None, _) => 'A',
            (_, None) => 'D',
            _ if self.copied => 'C',
            (Some(old), Some(new)) if old.path != new.path => 'R',
            (Some(old), Some(new)) if old.mode >> 12 != new.mode >> 12 => 'T',
            _ => 'M',
        }
    }

    /// Of a hundred.
    pub fn percent(&self) -> u32 {
        self.score * 100 / 60_000
    }

    pub fn reversed(self) -> Self {
        Change {
            old: self.new,
            new: self.old,
            ..self
        }
    }
}

/// Between two trees, in the order of the paths.
pub fn trees(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    specs: &Pathspec,
) -> Result<Vec<Change>> {
    let mut out = Vec::new();
    tree_pair(objects, old, new, &[], specs, &mut out)?;
    out.sort_by(|one, other| one.path().cmp(other.path()));
    Ok(out)
}

fn tree_pair(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    prefix: &[u8],
    specs: &Pathspec,
    out: &mut Vec<Change>,
) -> Result<()> {
    if old == new || !prefix.is_empty() && !specs.may_match_below(prefix) {
        return Ok(());
    }
    let read = |id: Option<ObjectId>| id.map_or(Ok(Vec::new()), |id| objects.tree(&id));
    let (old, new) = (read(old)?, read(new)?);
    let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => gix_object::tree::name_order(
                &one.name,
                one.mode == MODE_TREE,
                &other.name,
                other.mode == MODE_TREE,
            ),
        };
        let one = if order.is_le() { left.next() } else { None };
        let other = if order.is_ge() { right.next() } else { None };
        if let (Some(one), Some(other)) = (one, other)
            && one.id == other.id
            && one.mode == other.mode
        {
            continue;
        }
        let of_kind = |entry: Option<&TreeEntry>, tree: bool| {
            entry
                .filter(|entry| (entry.mode == MODE_TREE) == tree)
                .cloned()
        };
        let name = one
            .or(other)
            .map(|entry| [prefix, &entry.name].concat())
            .unwrap_or_default();
        let (below_one, below_other) = (of_kind(one, true), of_kind(other, true));
        if below_one.is_some() || below_other.is_some() {
            let folder = [name.as_slice(), b"/"].concat();
            let ids = (
                below_one.map(|entry| entry.id),
                below_other.map(|entry| entry.id),
            );
            tree_pair(objects, ids.0, ids.1, &folder, specs, out)?;
        }
        let side = |entry: Option<TreeEntry>| {
            entry.map(|entry| Side {
                path: name.clone(),
                ..Side::from(&entry)
            })
        };
        let (one, other) = (side(of_kind(one, false)), side(of_kind(other, false)));
        if (one.is_some() || other.is_some()) && specs.matches(&name) {
            out.push(Change::new(one, other));
        }
    }
}

/// From a tree to the index.
pub fn tree_to_index(
    objects: &Objects,
    tree: Option<ObjectId>,
    index: &Index,
    specs: &Pathspec,
) -> Result<Vec<Change>> {
    let old = tree.map_or(Ok(Vec::new()), |tree| objects.files(&tree))?;
    let new = index.files();
    let mut out: Vec<Change> = pairs(&old, &new)
        .filter(|(one, other)| {
            one.map(|entry| (entry.mode, entry.id)) != other.map(|entry| (entry.mode, entry.id))
        })
        .map(|(one, other)| Change::new(one.map(Side::from), other.map(Side::from)))
        .collect();
    let unmerged = index.unmerged();
    out.retain(|change| {
        unmerged
            .binary_search_by(|path| path.as_slice().cmp(change.path()))
            .is_err()
    });
    out.extend(unmerged.iter().map(|path| Change::conflict(path)));
    out.sort_by(|one, other| one.path().cmp(other.path()));
    out.retain(|change| specs.matches(change.path()));
    Ok(out)
}

/// Entries of two sorted lists, side by side.
pub fn pairs<'a>(
    old: &'a [TreeEntry],
    new: &'a [TreeEntry],
) -> impl Iterator<Item = (Option<&'a TreeEntry>, Option<&'a TreeEntry>)> {
    let (mut left, mut right) = (old.iter().peekable(), new.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.name.cmp(&other.name),
        };
        let one = if order.is_le() { left.next() } else { None };
        let other = if order.is_ge() { right.next() } else { None };
        Some((one, other))
    })
}

/// From the index to the worktree. A file in conflict is said so once, and compared with our side behind that.
pub fn index_to_worktree(
    repository: &Repository,
    index: &mut Index,
    specs: &Pathspec,
) -> Result<Vec<Change>> {
    let mut out = Vec::new();
    for ((path, stage), entry) in &mut index.entries {
        if !specs.matches(path) {
            continue;
        }
        if *stage > 0 {
            if out
                .last()
                .is_none_or(|change: &Change| change.path() != path || !change.unmerged)
            {
                out.push(Change::conflict(path));
            }
            continue;
        }
        let side = |mode, id, in_worktree| Side {
            path: path.clone(),
            mode,
            id,
            in_worktree,
        };
        let old = (!entry.intent).then(|| side(entry.mode, entry.id, false));
        match worktree::compare(repository, path, entry)? {
            Difference::None => {}
            Difference::Gone => {
                out.push(Change::new(Some(side(entry.mode, entry.id, false)), None))
            }
            Difference::Changed(mode, id) => out.push(Change::new(old, Some(side(mode, id, true)))),
        }
    }
    Ok(out)
}

/// From a tree to the worktree, for the files that the index or the tree has.
pub fn tree_to_worktree(
    repository: &Repository,
    tree: ObjectId,
    index: &mut Index,
    specs: &Pathspec,
) -> Result<Vec<Change>> {
    let old = repository.objects.files(&tree)?;
    let mut now: Vec<TreeEntry> = Vec::new();
    let mut fresh: Vec<Vec<u8>> = Vec::new();
    for path in index.paths() {
        if !specs.matches(&path) {
            continue;
        }
        let stage = [0, 2, 3, 1]
            .into_iter()
            .find(|stage| index.entries.contains_key(&(path.clone(), *stage)));
        let Some(entry) = index.entries.get_mut(&(path.clone(), stage.unwrap_or(0))) else {
            continue;
        };
        let (mode, id) = match worktree::compare(repository, &path, entry)? {
            Difference::None => (entry.mode, entry.id),
            Difference::Gone => continue,
            Difference::Changed(mode, id) => {
                fresh.push(path.clone());
                (mode, id)
            }
        };
        now.push(TreeEntry {
            name: path,
            mode,
            id,
        });
    }
    let out = pairs(&old, &now)
        .filter(|(one, other)| {
            one.map(|entry| (entry.mode, entry.id)) != other.map(|entry| (entry.mode, entry.id))
        })
        .map(|(one, other)| {
            let mut new = other.map(Side::from);
            if let Some(new) = &mut new {
                new.in_worktree = fresh.binary_search(&new.path).is_ok();
            }
            Change::new(one.map(Side::from), new)
        });
    Ok(out.filter(|change| specs.matches(change.path())).collect())
}
