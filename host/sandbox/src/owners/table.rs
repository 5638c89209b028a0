//! What is held and who waits for whom, as plain data.

use super::{Blockers, FileId, NotHad, Want};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Default)]
pub(super) struct Table {
    files: HashMap<FileId, Holders>,
    names: BTreeMap<String, Holders>,
    waiting: HashMap<u64, (u64, Blockers)>,
    waiting_last: u64,
}

/// One with an undo log, or as many as like without; the same one may hold it several times.
#[derive(Default)]
struct Holders {
    with_log: Option<u64>,
    beside: Blockers,
}

impl Holders {
    /// Those that are in the way of this one.
    fn block(&self, owner: u64, with_log: bool, blockers: &mut Blockers) {
        let others = self.beside.iter().filter(|_| with_log);
        blockers.extend(
            self.with_log
                .iter()
                .chain(others)
                .copied()
                .filter(|other| *other != owner),
        );
    }

    fn hold(&mut self, owner: u64, with_log: bool) {
        if with_log {
            self.with_log = Some(owner);
        } else {
            self.beside.push(owner);
        }
    }

    fn is_free(&self) -> bool {
        self.with_log.is_none() && self.beside.is_empty()
    }
}

impl Table {
    /// Who is in the way of any of it.
    pub(super) fn free(&self, owner: u64, with_log: bool, wants: &[Want]) -> Result<(), Blockers> {
        let mut blockers = Blockers::new();
        for want in wants {
            let mut look = |holders: &Holders| holders.block(owner, with_log, &mut blockers);
            match want {
                Want::File(file) => self.files.get(file).into_iter().for_each(look),
                Want::Name(name) => self.upwards(name, look),
                Want::Tree(name) => {
                    self.upwards(name, &mut look);
                    self.beneath(name, look);
                }
            }
        }
        if blockers.is_empty() {
            Ok(())
        } else {
            Err(blockers)
        }
    }

    /// The name and the directories that it is in.
    fn upwards(&self, name: &str, mut look: impl FnMut(&Holders)) {
        if self.names.is_empty() {
            return;
        }
        let parents = name.match_indices('/').map(|(at, _)| &name[..at]);
        for held in parents.chain([name]) {
            self.names.get(held).into_iter().for_each(&mut look);
        }
    }

    fn beneath(&self, name: &str, mut look: impl FnMut(&Holders)) {
        let start = format!("{name}/");
        let beneath = self.names.range(start.clone()..);
        for (_, holders) in beneath.take_while(|(held, _)| held.starts_with(&start)) {
            look(holders);
        }
    }

    pub(super) fn hold(&mut self, owner: u64, with_log: bool, wants: &[Want]) {
        for want in wants {
            let holders = match want {
                Want::File(file) => self.files.entry(*file).or_default(),
                Want::Name(name) | Want::Tree(name) => match self.names.get_mut(name) {
                    Some(holders) => holders,
                    None => self.names.entry(name.clone()).or_default(),
                },
            };
            holders.hold(owner, with_log);
        }
    }

    /// Of one without an undo log.
    pub(super) fn release(&mut self, owner: u64, wants: &[Want]) {
        let leave = |holders: &mut Holders| {
            if let Some(at) = holders.beside.iter().position(|held| *held == owner) {
                holders.beside.swap_remove(at);
            }
            holders.is_free()
        };
        for want in wants {
            match want {
                Want::File(file) => {
                    if self.files.get_mut(file).is_some_and(leave) {
                        self.files.remove(file);
                    }
                }
                Want::Name(name) | Want::Tree(name) => {
                    if self.names.get_mut(name).is_some_and(leave) {
                        self.names.remove(name);
                    }
                }
            }
        }
    }

    /// All that an owner with an undo log holds.
    pub(super) fn leave(&mut self, owner: u64) {
        let leave = |holders: &mut Holders| {
            holders.with_log.take_if(|held| *held == owner);
            !holders.is_free()
        };
        self.files.retain(|_, holders| leave(holders));
        self.names.retain(|_, holders| leave(holders));
    }

    /// Notes that someone waits, unless one of those it waits for would wait for it.
    pub(super) fn wait(&mut self, owner: u64, blockers: &Blockers) -> Result<u64, NotHad> {
        let mut seen = HashSet::new();
        let mut next: Vec<u64> = blockers.to_vec();
        while let Some(at) = next.pop() {
            if at == owner {
                return Err(NotHad::Deadlock);
            }
            if seen.insert(at) {
                let its = self.waiting.values().filter(|(waiter, _)| *waiter == at);
                next.extend(its.flat_map(|(_, blockers)| blockers.iter().copied()));
            }
        }
        self.waiting_last += 1;
        self.waiting
            .insert(self.waiting_last, (owner, blockers.clone()));
        Ok(self.waiting_last)
    }

    pub(super) fn woken(&mut self, number: u64) {
        self.waiting.remove(&number);
    }
}
