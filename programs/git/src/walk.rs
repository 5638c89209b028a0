//! The commits that others reach, youngest first.

use crate::change;
use crate::commit::Commit;
use crate::fail::Result;
use crate::pathspec::Pathspec;
use crate::repository::Repository;
use gix_hash::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

pub struct Walk<'a> {
    repository: &'a Repository,
    /// By date; of the same date the one that was seen first.
    queue: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    seen: HashSet<ObjectId>,
    hidden: HashSet<ObjectId>,
    count: usize,
    pub first_parent: bool,
    /// Only commits that touch these, and of the parents only those that matter for it.
    pub specs: Option<Pathspec>,
    pub full_history: bool,
}

impl<'a> Walk<'a> {
    pub fn new(
        repository: &'a Repository,
        include: Vec<ObjectId>,
        exclude: &[ObjectId],
    ) -> Result<Self> {
        let mut walk = Walk {
            repository,
            queue: BinaryHeap::new(),
            seen: HashSet::new(),
            hidden: reachable(repository, exclude)?,
            count: 0,
            first_parent: false,
            specs: None,
            full_history: false,
        };
        for id in include {
            walk.push(id)?;
        }
        Ok(walk)
    }

    fn push(&mut self, id: ObjectId) -> Result<()> {
        if !self.hidden.contains(&id) && self.seen.insert(id) {
            let commit = self.repository.objects.commit(&id)?;
            self.count += 1;
            self.queue
                .push((commit.committer.seconds, Reverse(self.count), id));
        }
        Ok(())
    }

    pub fn next_commit(&mut self) -> Result<Option<Rc<Commit>>> {
        while let Some((_, _, id)) = self.queue.pop() {
            let commit = self.repository.objects.commit(&id)?;
            let (touched, parents) = self.judge(&commit)?;
            for parent in parents {
                self.push(parent)?;
            }
            if touched {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Whether the commit is shown, and which parents are followed.
    fn judge(&self, commit: &Commit) -> Result<(bool, Vec<ObjectId>)> {
        let mut parents = commit.parents.clone();
        if self.first_parent {
            parents.truncate(1);
        }
        let Some(specs) = &self.specs else {
            return Ok((true, parents));
        };
        if parents.is_empty() {
            return Ok((self.differs(None, commit, specs)?, parents));
        }
        let mut same = None;
        for parent in &parents {
            if !self.differs(Some(*parent), commit, specs)? {
                same = same.or(Some(*parent));
            }
        }
        match same {
            Some(_) if self.full_history => Ok((false, parents)),
            Some(parent) => Ok((false, vec![parent])),
            None => Ok((true, parents)),
        }
    }

    fn differs(&self, parent: Option<ObjectId>, commit: &Commit, specs: &Pathspec) -> Result<bool> {
        let objects = &self.repository.objects;
        let old = parent.map_or(Ok(None), |parent| {
            objects.commit(&parent).map(|parent| Some(parent.tree))
        })?;
        Ok(!change::trees(objects, old, Some(commit.tree), specs)?.is_empty())
    }

    /// Parents first shown only behind all of their children, lines of history kept together.
    pub fn topological(commits: Vec<Rc<Commit>>, by_date: bool) -> Vec<Rc<Commit>> {
        let mut children: HashMap<ObjectId, usize> =
            commits.iter().map(|commit| (commit.id, 0)).collect();
        for commit in &commits {
            for parent in &commit.parents {
                if let Some(count) = children.get_mut(parent) {
                    *count += 1;
                }
            }
        }
        let order: HashMap<ObjectId, usize> = commits
            .iter()
            .enumerate()
            .map(|(at, commit)| (commit.id, at))
            .collect();
        let mut ready: Vec<usize> = (0..commits.len())
            .rev()
            .filter(|at| {
                commits
                    .get(*at)
                    .is_some_and(|commit| children.get(&commit.id) == Some(&0))
            })
            .collect();
        let mut out = Vec::new();
        while let Some(at) = ready.pop() {
            let Some(commit) = commits.get(at) else {
                continue;
            };
            out.push(commit.clone());
            for parent in &commit.parents {
                let Some(count) = children.get_mut(parent) else {
                    continue;
                };
                *count -= 1;
                if *count == 0
                    && let Some(at) = order.get(parent)
                {
                    ready.push(*at);
                }
            }
            if by_date {
                ready.sort_by(|one, other| other.cmp(one));
            }
        }
        out
    }
}

/// All that these commits reach, they themselves included.
pub fn reachable(repository: &Repository, from: &[ObjectId]) -> Result<HashSet<ObjectId>> {
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut left = from.to_vec();
    while let Some(id) = left.pop() {
        if seen.insert(id) {
            left.extend(repository.objects.commit(&id)?.parents.iter());
        }
    }
    Ok(seen)
}

pub fn is_ancestor(repository: &Repository, old: ObjectId, new: ObjectId) -> Result<bool> {
    if old == new {
        return Ok(true);
    }
    let mut walk = Walk::new(repository, vec![new], &[])?;
    while let Some(commit) = walk.next_commit()? {
        if commit.id == old {
            return Ok(true);
        }
    }
    Ok(false)
}
