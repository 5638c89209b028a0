//! Renames, copies and rewrites, found and scored as git does it: by pieces of content that both sides have. Other
//! measures of likeness give other percentages, so this one is our own.

use crate::change::{Change, Side};
use crate::fail::Result;
use crate::objects::MODE_LINK;
use crate::patch::is_binary;
use crate::repository::Repository;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

pub const SCORE_MAX: u64 = 60_000;
const SCORE_DEFAULT: u64 = 30_000;
/// More sources times targets than this are not compared by content.
const PAIRS_MAX: usize = 1_000 * 1_000;
const PIECES: u32 = 107_927;
/// What is this much gone is a rewrite.
const MERGE_SCORE: u64 = 36_000;
/// Smaller files are never rewrites.
const REWRITE_BYTES_MIN: u64 = 400;

/// Bytes of content by the hash of the piece that they are in.
struct Pieces {
    counts: BTreeMap<u32, u64>,
    size: u64,
}

fn pieces(bytes: &[u8]) -> Pieces {
    let text = !is_binary(bytes);
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut one, mut two, mut length) = (0u32, 0u32, 0u64);
    let mut finish = |one: u32, two: u32, length: u64| {
        let hash = one.wrapping_add(two.wrapping_mul(0x61)) % PIECES;
        *counts.entry(hash).or_default() += length;
    };
    for (at, byte) in bytes.iter().enumerate() {
        if text && *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            continue;
        }
        let before = one;
        one = (one << 7) ^ (two >> 25);
        two = (two << 7) ^ (before >> 25);
        one = one.wrapping_add(u32::from(*byte));
        length += 1;
        if length >= 64 || *byte == b'\n' {
            finish(one, two, length);
            (one, two, length) = (0, 0, 0);
        }
    }
    if length > 0 {
        finish(one, two, length);
    }
    Pieces {
        counts,
        size: bytes.len() as u64,
    }
}

/// How many bytes of the old content are in the new one, and how many there are new.
fn copied(old: &Pieces, new: &Pieces) -> (u64, u64) {
    let (mut copied, mut added) = (0, 0);
    for (hash, count) in &new.counts {
        let before = old.counts.get(hash).copied().unwrap_or(0);
        copied += before.min(*count);
        added += count.saturating_sub(before);
    }
    (copied, added)
}

fn likeness(old: &Pieces, new: &Pieces, minimum: u64) -> u64 {
    let (large, small) = (old.size.max(new.size), old.size.min(new.size));
    if large * (SCORE_MAX - minimum) < (large - small) * SCORE_MAX || large == 0 || new.size == 0 {
        return 0;
    }
    copied(old, new).0 * SCORE_MAX / large
}

/// What is looked for.
#[derive(Clone, Copy)]
pub struct Search {
    pub copies: bool,
    /// Of 60000.
    pub minimum: u64,
}

impl Default for Search {
    fn default() -> Self {
        Search {
            copies: false,
            minimum: SCORE_DEFAULT,
        }
    }
}

/// Joins files that are gone with files that are new and like them.
pub fn detect(
    repository: &Repository,
    changes: Vec<Change>,
    search: Search,
) -> Result<Vec<Change>> {
    let target = |change: &Change| change.old.is_none() && !change.unmerged;
    let gone = |change: &Change| change.new.is_none() && !change.unmerged;
    let targets: Vec<usize> = indices(&changes, target);
    let sources: Vec<usize> = indices(&changes, |change| {
        gone(change)
            || search.copies && change.old.is_some() && change.new.is_some() && !change.unmerged
    });
    if targets.is_empty() || sources.is_empty() {
        return Ok(changes);
    }
    let mut finder = Finder {
        repository,
        changes: &changes,
        copies: search.copies,
        pieces: HashMap::new(),
        used: HashMap::new(),
        found: BTreeMap::new(),
    };
    finder.exact(&targets, &sources);
    if search.minimum < SCORE_MAX {
        if !search.copies {
            finder.by_name(&targets, &sources, search.minimum)?;
        }
        finder.by_content(&targets, &sources, search.minimum)?;
    }
    let (found, used) = (finder.found, finder.used);
    let mut out = Vec::new();
    let mut uses = used.clone();
    for (at, change) in changes.iter().enumerate() {
        if let Some((source, score)) = found.get(&at) {
            let left = uses.entry(*source).or_default();
            *left = left.saturating_sub(1);
            let source_change = changes.get(*source);
            let kept = source_change.is_some_and(|change| change.new.is_some());
            let mut change = Change::new(
                source_change.and_then(|change| change.old.clone()),
                change.new.clone(),
            );
            change.score = *score as u32;
            change.copied = kept || *left > 0;
            out.push(change);
        } else if !(gone(change) && used.contains_key(&at)) {
            out.push(change.clone());
        }
    }
    Ok(out)
}

fn indices(changes: &[Change], wanted: impl Fn(&Change) -> bool) -> Vec<usize> {
    let numbered = changes.iter().enumerate();
    numbered
        .filter(|(_, change)| wanted(change))
        .map(|(at, _)| at)
        .collect()
}

struct Finder<'a> {
    repository: &'a Repository,
    changes: &'a [Change],
    copies: bool,
    pieces: HashMap<(usize, bool), Pieces>,
    /// How often each source was used.
    used: HashMap<usize, usize>,
    /// For a target its source and the score.
    found: BTreeMap<usize, (usize, u64)>,
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

impl Finder<'_> {
    fn old(&self, at: usize) -> Option<&Side> {
        self.changes.get(at).and_then(|change| change.old.as_ref())
    }

    fn new_side(&self, at: usize) -> Option<&Side> {
        self.changes.get(at).and_then(|change| change.new.as_ref())
    }

    fn take(&mut self, target: usize, source: usize, score: u64) {
        self.found.insert(target, (source, score));
        *self.used.entry(source).or_default() += 1;
    }

    fn same_name(&self, target: usize, source: usize) -> bool {
        match (self.new_side(target), self.old(source)) {
            (Some(new), Some(old)) => base_name(&new.path) == base_name(&old.path),
            _ => false,
        }
    }

    fn exact(&mut self, targets: &[usize], sources: &[usize]) {
        for target in targets {
            let Some(new) = self.new_side(*target) else {
                continue;
            };
            let mut best: Option<(usize, usize)> = None;
            for source in sources {
                let fits = self.old(*source).is_some_and(|old| {
                    old.id == new.id
                        && (old.mode == new.mode || old.mode != MODE_LINK && new.mode != MODE_LINK)
                });
                let free = !self.used.contains_key(source);
                if !fits || !free && !self.copies {
                    continue;
                }
                let score = usize::from(free) + usize::from(self.same_name(*target, *source));
                if best.is_none_or(|(_, other)| score > other) {
                    best = Some((*source, score));
                }
            }
            if let Some((source, _)) = best {
                self.take(*target, source, SCORE_MAX);
            }
        }
    }

    fn score(&mut self, target: usize, source: usize, minimum: u64) -> Result<u64> {
        let plain = |side: Option<&Side>| side.is_some_and(|side| side.mode >> 12 == 0o10);
        if !plain(self.old(source)) || !plain(self.new_side(target)) {
            return Ok(0);
        }
        self.read(source, false)?;
        self.read(target, true)?;
        let (old, new) = (
            self.pieces.get(&(source, false)),
            self.pieces.get(&(target, true)),
        );
        Ok(old
            .zip(new)
            .map_or(0, |(old, new)| likeness(old, new, minimum)))
    }

    fn read(&mut self, at: usize, new: bool) -> Result<()> {
        let side = if new { self.new_side(at) } else { self.old(at) };
        if let Some(side) = side
            && !self.pieces.contains_key(&(at, new))
        {
            let read = pieces(&side.content(self.repository)?);
            self.pieces.insert((at, new), read);
        }
        Ok(())
    }

    /// A name that only one source and only one target has is tried first.
    fn by_name(&mut self, targets: &[usize], sources: &[usize], minimum: u64) -> Result<()> {
        let minimum = minimum + (SCORE_MAX - minimum) / 2;
        let mut names: BTreeMap<Vec<u8>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for source in sources
            .iter()
            .filter(|source| !self.used.contains_key(source))
        {
            if let Some(side) = self.old(*source) {
                names
                    .entry(base_name(&side.path).to_vec())
                    .or_default()
                    .0
                    .push(*source);
            }
        }
        for target in targets
            .iter()
            .filter(|target| !self.found.contains_key(target))
        {
            if let Some(side) = self.new_side(*target) {
                names
                    .entry(base_name(&side.path).to_vec())
                    .or_default()
                    .1
                    .push(*target);
            }
        }
        for (sources, targets) in names.into_values() {
            if let ([source], [target]) = (sources.as_slice(), targets.as_slice()) {
                let score = self.score(*target, *source, minimum)?;
                if score >= minimum {
                    self.take(*target, *source, score);
                }
            }
        }
        Ok(())
    }

    fn by_content(&mut self, targets: &[usize], sources: &[usize], minimum: u64) -> Result<()> {
        let targets: Vec<usize> = targets
            .iter()
            .copied()
            .filter(|target| !self.found.contains_key(target))
            .collect();
        let sources: Vec<usize> = sources
            .iter()
            .copied()
            .filter(|source| self.copies || !self.used.contains_key(source))
            .collect();
        if targets.len() * sources.len() > PAIRS_MAX {
            return Ok(());
        }
        let mut scores = Vec::new();
        for target in targets {
            for source in &sources {
                let score = self.score(target, *source, minimum)?;
                if score >= minimum {
                    scores.push((score, self.same_name(target, *source), target, *source));
                }
            }
        }
        scores.sort_by_key(|(score, same, ..)| Reverse((*score, *same)));
        for pass in [false, true] {
            for (score, _, target, source) in &scores {
                let free = pass && self.copies || !self.used.contains_key(source);
                if free && !self.found.contains_key(target) {
                    self.take(*target, *source, *score);
                }
            }
        }
        Ok(())
    }
}

/// Marks changes after which little of a file is left, for `-B`.
pub fn mark_rewrites(repository: &Repository, changes: &mut [Change]) -> Result<()> {
    for change in changes.iter_mut().filter(|change| !change.unmerged) {
        let (Some(old), Some(new)) = (&change.old, &change.new) else {
            continue;
        };
        if old.path != new.path
            || old.id == new.id
            || old.mode >> 12 != 0o10
            || new.mode >> 12 != 0o10
        {
            continue;
        }
        let (old, new) = (
            pieces(&old.content(repository)?),
            pieces(&new.content(repository)?),
        );
        if let Some(score) = rewrite_score(&old, &new) {
            change.rewritten = true;
            change.score = score as u32;
        }
    }
    Ok(())
}

fn rewrite_score(old: &Pieces, new: &Pieces) -> Option<u64> {
    let large = old.size.max(new.size);
    if large < REWRITE_BYTES_MIN || old.size == 0 {
        return None;
    }
    let (kept, added) = copied(old, new);
    let kept = kept.min(old.size);
    let added = match new.size < added + kept {
        true => new.size.saturating_sub(kept),
        false => added,
    };
    let gone = old.size - kept;
    let score = gone * SCORE_MAX / old.size;
    let much = score > SCORE_DEFAULT || {
        let touched = (gone + added) * SCORE_MAX / large >= SCORE_DEFAULT;
        let only_removed =
            old.size * SCORE_DEFAULT < gone * SCORE_MAX && added * 20 < gone && added * 20 < kept;
        touched && !only_removed
    };
    (much && score >= MERGE_SCORE).then_some(score)
}
