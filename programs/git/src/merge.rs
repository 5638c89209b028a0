//! Three trees into one: ours, theirs and what both come from.

use crate::change;
use crate::fail::Result;
use crate::index::{Entry, Index};
use crate::objects::TreeEntry;
use crate::patch::is_binary;
use crate::pathspec::Pathspec;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::transition::{self, Cause};
use crate::worktree;
use gix_hash::ObjectId;
use gix_merge::blob::Resolution;
use gix_merge::blob::builtin_driver::text::{Conflict, ConflictStyle, Labels, Merge};
use gix_object::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;

type Files = BTreeMap<Vec<u8>, (u32, ObjectId)>;

/// What the sides are called in messages and marks.
pub struct Sides<'a> {
    pub ours: &'a str,
    pub theirs: &'a str,
    pub base: &'a str,
}

/// Whose side wins where both changed the same lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Favor {
    Neither,
    Ours,
    Theirs,
}

pub struct Merged {
    /// What merged cleanly, and for the rest the version to be found in the worktree.
    pub files: Files,
    /// For a path in conflict its stages, 1 to 3.
    pub conflicts: BTreeMap<Vec<u8>, [Option<(u32, ObjectId)>; 3]>,
    pub messages: Vec<String>,
}

fn files(repository: &Repository, tree: Option<ObjectId>) -> Result<Files> {
    let list = tree.map_or(Ok(Vec::new()), |tree| repository.objects.files(&tree))?;
    Ok(list
        .into_iter()
        .map(|entry| (entry.name, (entry.mode, entry.id)))
        .collect())
}

pub fn trees(
    repository: &Repository,
    base: Option<ObjectId>,
    ours: ObjectId,
    theirs: ObjectId,
    sides: &Sides<'_>,
    favor: Favor,
) -> Result<Merged> {
    let (mut from, mut one, mut other) = (
        files(repository, base)?,
        files(repository, Some(ours))?,
        files(repository, Some(theirs))?,
    );
    follow(repository, base, ours, &mut from, &one, &mut other)?;
    follow(repository, base, theirs, &mut from, &other, &mut one)?;
    let paths: BTreeSet<Vec<u8>> = from
        .keys()
        .chain(one.keys())
        .chain(other.keys())
        .cloned()
        .collect();
    let mut merged = Merged {
        files: Files::new(),
        conflicts: BTreeMap::new(),
        messages: Vec::new(),
    };
    for path in paths {
        let (base, ours, theirs) = (
            from.get(&path).copied(),
            one.get(&path).copied(),
            other.get(&path).copied(),
        );
        let taken = match (base, ours, theirs) {
            _ if ours == theirs || base == theirs => ours,
            _ if base == ours => theirs,
            (_, Some(ours), Some(theirs)) => Some(content(
                repository,
                &path,
                [base, Some(ours), Some(theirs)],
                sides,
                favor,
                &mut merged,
            )?),
            (_, None, Some(_)) => {
                merged.conflict(&path, [base, ours, theirs]);
                merged
                    .messages
                    .push(left(repository, &path, sides.ours, sides.theirs));
                theirs
            }
            _ => {
                merged.conflict(&path, [base, ours, theirs]);
                merged
                    .messages
                    .push(left(repository, &path, sides.theirs, sides.ours));
                ours
            }
        };
        if let Some(taken) = taken {
            merged.files.insert(path, taken);
        }
    }
    Ok(merged)
}

fn left(repository: &Repository, path: &[u8], gone: &str, kept: &str) -> String {
    let name = repository.shown(path);
    format!(
        "CONFLICT (modify/delete): {name} deleted in {gone} and modified in {kept}.  Version {kept} of {name} left in tree."
    )
}

/// Where one side moved a file, what the other side did to it is looked for at the new place.
fn follow(
    repository: &Repository,
    base: Option<ObjectId>,
    side: ObjectId,
    from: &mut Files,
    moved: &Files,
    other: &mut Files,
) -> Result<()> {
    let changes = change::trees(&repository.objects, base, Some(side), &Pathspec::default())?;
    for change in rename::detect(repository, changes, Search::default())? {
        let (old, new) = (change.old_path(), change.path());
        if change.letter() != 'R' || from.contains_key(new) || !moved.contains_key(new) {
            continue;
        }
        // Both moved it to the same place, or only one did.
        if !other.contains_key(new) && other.contains_key(old) {
            if let Some(entry) = other.remove(old) {
                other.insert(new.to_vec(), entry);
            }
        } else if !other.contains_key(new) {
            continue;
        }
        if let Some(entry) = from.remove(old) {
            from.insert(new.to_vec(), entry);
        }
    }
    Ok(())
}

impl Merged {
    fn conflict(&mut self, path: &[u8], stages: [Option<(u32, ObjectId)>; 3]) {
        self.conflicts.insert(path.to_vec(), stages);
    }

    pub fn entries(&self) -> Vec<TreeEntry> {
        let list = self.files.iter();
        list.map(|(path, (mode, id))| TreeEntry {
            name: path.clone(),
            mode: *mode,
            id: *id,
        })
        .collect()
    }
}

fn content(
    repository: &Repository,
    path: &[u8],
    stages: [Option<(u32, ObjectId)>; 3],
    sides: &Sides<'_>,
    favor: Favor,
    merged: &mut Merged,
) -> Result<(u32, ObjectId)> {
    let [base, ours, theirs] = stages;
    let (ours, theirs) = (
        ours.unwrap_or_default_entry(),
        theirs.unwrap_or_default_entry(),
    );
    let name = repository.shown(path);
    let mode = if base.is_some_and(|base| base.0 == ours.0) {
        theirs.0
    } else {
        ours.0
    };
    if base.is_some_and(|base| base.1 == ours.1) {
        return Ok((mode, theirs.1));
    }
    if base.is_some_and(|base| base.1 == theirs.1) || ours.1 == theirs.1 {
        return Ok((mode, ours.1));
    }
    let kind = if base.is_some() { "content" } else { "add/add" };
    let is_text = |mode: u32| mode >> 12 == 0o10;
    let read = |id: ObjectId| repository.objects.blob(&id);
    merged.messages.push(format!("Auto-merging {name}"));
    if !is_text(ours.0) || !is_text(theirs.0) {
        merged.messages.pop();
        merged
            .messages
            .push(format!("CONFLICT ({kind}): Merge conflict in {name}"));
        merged.conflict(path, stages);
        return Ok(ours);
    }
    let old = base.map_or(Ok(Vec::new()), |base| read(base.1))?;
    let (one, other) = (read(ours.1)?, read(theirs.1)?);
    if [&old, &one, &other]
        .into_iter()
        .any(|bytes| is_binary(bytes))
    {
        merged.messages.insert(
            merged.messages.len() - 1,
            format!(
                "warning: Cannot merge binary files: {name} ({} vs. {})",
                sides.ours, sides.theirs
            ),
        );
        merged
            .messages
            .push(format!("CONFLICT ({kind}): Merge conflict in {name}"));
        merged.conflict(path, stages);
        return Ok(ours);
    }
    let style = match repository.config.get("merge.conflictstyle") {
        Some("diff3") => ConflictStyle::Diff3,
        Some("zdiff3") => ConflictStyle::ZealousDiff3,
        _ => ConflictStyle::Merge,
    };
    let conflict = match favor {
        Favor::Ours => Conflict::ResolveWithOurs,
        Favor::Theirs => Conflict::ResolveWithTheirs,
        Favor::Neither => Conflict::Keep {
            style,
            marker_size: NonZeroU8::new(Conflict::DEFAULT_MARKER_SIZE).unwrap_or(NonZeroU8::MIN),
        },
    };
    let mut input = gix_imara_diff::InternedInput::default();
    let labels = Labels {
        ancestor: Some(sides.base.into()),
        current: Some(sides.ours.into()),
        other: Some(sides.theirs.into()),
    };
    let mut out = Vec::new();
    let merge = Merge::new(
        &mut input,
        &one,
        &old,
        &other,
        gix_imara_diff::Algorithm::Histogram,
    );
    let resolution = merge.run(&mut out, labels, conflict);
    let id = repository.objects.write(Kind::Blob, &out)?;
    if resolution == Resolution::Conflict {
        merged
            .messages
            .push(format!("CONFLICT ({kind}): Merge conflict in {name}"));
        merged.conflict(path, stages);
    }
    Ok((mode, id))
}

trait OrNone {
    fn unwrap_or_default_entry(self) -> (u32, ObjectId);
}

impl OrNone for Option<(u32, ObjectId)> {
    fn unwrap_or_default_entry(self) -> (u32, ObjectId) {
        self.unwrap_or((0, crate::objects::null()))
    }
}

/// Brings the worktree and the index from `ours` to what was merged, with the stages of conflicts.
pub fn apply(
    repository: &Repository,
    index: &mut Index,
    ours: ObjectId,
    merged: &Merged,
) -> Result<()> {
    let old = repository.objects.files(&ours)?;
    transition::run(repository, index, &old, &merged.entries(), Cause::Merge)?;
    for (path, stages) in &merged.conflicts {
        index.remove(path);
        for (stage, entry) in (1u8..).zip(stages) {
            if let Some((mode, id)) = entry {
                index
                    .entries
                    .insert((path.clone(), stage), Entry::new(*mode, *id));
            }
        }
        // What both sides share is in the worktree already; a file that only the other side has may not be.
        if let Some((mode, id)) = merged.files.get(path) {
            let mut entry = Entry::new(*mode, *id);
            worktree::write(repository, path, &mut entry)?;
        }
    }
    Ok(())
}
