//! The prerequisites of a target, brought up to date before it.

use crate::automatic::Automatic;
use crate::fault::Outcome;
use crate::files::{FileId, State, Status};
use crate::make::Make;
use crate::time::Time;

/// What one look at the prerequisites brought.
#[derive(Default)]
pub struct Round {
    pub must_make: bool,
    pub running: bool,
    /// The worst of them.
    pub status: Status,
}

impl Make {
    pub fn prerequisites_round(
        &mut self,
        id: FileId,
        depth: usize,
        this_time: Time,
        missing: bool,
    ) -> Outcome<Round> {
        let mut round = Round {
            must_make: missing,
            ..Round::default()
        };
        let mut others = self.files[id].also.clone();
        others.insert(0, id);
        for owner in others {
            if owner != id {
                // Files that are made together are as old as the oldest.
                round.must_make |= self.time(owner) == Time::Missing;
            }
            let mut index = 0;
            while let Some(one) = self.files[owner].prerequisites.get(index).cloned() {
                if self.files[one.file].updating {
                    let (name, needed) = (&self.files[owner].name, &self.files[one.file].name);
                    let text = format!("Circular {name} <- {needed} dependency dropped.");
                    self.complain(None, &text);
                    self.files[owner].prerequisites.remove(index);
                    continue;
                }
                let stop = self.prerequisite(owner, index, depth, this_time, &mut round)?;
                if stop {
                    break;
                }
                index += 1;
            }
        }
        if round.must_make || self.options.always_make {
            self.intermediates(id, depth, &mut round)?;
        }
        Ok(round)
    }

    /// One prerequisite; whether the others are not worth a look.
    fn prerequisite(
        &mut self,
        id: FileId,
        index: usize,
        depth: usize,
        this_time: Time,
        round: &mut Round,
    ) -> Outcome<bool> {
        let Some(one) = self.files[id].prerequisites.get(index).cloned() else {
            return Ok(false);
        };
        let before = self.time(one.file);
        self.files[one.file].parent.get_or_insert(id);
        let (status, must) = self.check(one.file, depth + 1, this_time)?;
        if !one.order_only {
            round.must_make |= must;
        }
        let running = self.is_running(one.file);
        round.running |= running;
        if status > Status::None {
            round.status = round.status.max(status);
            if !self.options.keep_going {
                return Ok(true);
            }
        }
        if !running {
            let after = self.time(one.file);
            let file = &self.files[one.file];
            let changed = (file.phony && file.recipe.is_some()) || after != before;
            if let Some(one) = self.files[id].prerequisites.get_mut(index) {
                // What changed while it ran was seen in an earlier round.
                one.changed |= changed;
            }
        } else if let Some(one) = self.files[id].prerequisites.get_mut(index) {
            one.changed = true;
        }
        Ok(false)
    }

    /// Files that are made only because this one is.
    fn intermediates(&mut self, id: FileId, depth: usize, round: &mut Round) -> Outcome<()> {
        for index in 0..self.files[id].prerequisites.len() {
            let Some(one) = self.files[id].prerequisites.get(index).cloned() else {
                continue;
            };
            if !self.files[one.file].intermediate {
                continue;
            }
            let before = self.time(one.file);
            self.files[one.file].parent = Some(id);
            self.files[one.file].considered = 0;
            let status = self.update_file(one.file, depth + 1)?;
            round.running |= self.is_running(one.file);
            if status > Status::None {
                round.status = round.status.max(status);
                if !self.options.keep_going {
                    break;
                }
            }
            if !self.is_running(one.file) {
                let after = self.time(one.file);
                let file = &self.files[one.file];
                let changed = (file.phony && file.recipe.is_some()) || after != before;
                if let Some(one) = self.files[id].prerequisites.get_mut(index) {
                    one.changed |= changed;
                }
            }
        }
        Ok(())
    }

    fn is_running(&self, id: FileId) -> bool {
        let chain = self.files.chain(id);
        let mut states = chain.iter().map(|id| self.files[*id].state);
        states.any(|state| matches!(state, State::Running | State::WaitingForPrerequisites))
    }

    /// Updates a prerequisite; whether the target must be made for it. One that is only a step between others is not
    /// made for its own sake.
    fn check(&mut self, id: FileId, depth: usize, this_time: Time) -> Outcome<(Status, bool)> {
        let file = &self.files[id];
        if file.phony || !file.intermediate {
            let status = self.update_file(id, depth)?;
            let time = self.time(id);
            return Ok((status, time == Time::Missing || time > this_time));
        }
        if file.state == State::WaitingForPrerequisites {
            self.files[id].state = State::Idle;
        }
        self.find_recipe(id)?;
        let time = self.time(id);
        if time != Time::Missing && time > this_time {
            return Ok((Status::Success, true));
        }
        if self.files[id].updated {
            return Ok((self.files[id].status, false));
        }
        self.files[id].updating = true;
        let (mut worst, mut must) = (Status::Success, false);
        let mut index = 0;
        while let Some(one) = self.files[id].prerequisites.get(index).cloned() {
            index += 1;
            if self.files[one.file].updating {
                continue;
            }
            self.files[one.file].parent.get_or_insert(id);
            let (status, newer) = self.check(one.file, depth + 1, this_time)?;
            worst = worst.max(status);
            must |= newer && !one.order_only;
            if self.is_running(one.file) {
                self.files[id].state = State::WaitingForPrerequisites;
            }
            if status > Status::None && !self.options.keep_going {
                break;
            }
        }
        self.files[id].updating = false;
        let none = self.files[id].prerequisites.is_empty() && time == Time::Missing;
        Ok((worst, must || none))
    }

    /// Prerequisites that are expanded once the target is known.
    pub fn expand_later(&mut self, id: FileId) -> Outcome<()> {
        let mut added = 0;
        for later in std::mem::take(&mut self.files[id].later) {
            let stem = later.stem.clone().unwrap_or_default();
            let name = self.files[id].name.clone();
            let set = self.prepared_set(id)?;
            let scope = self.variables.add_set(set, false);
            self.set_automatic(scope, &Automatic::early(&name, &stem));
            let text = self.expand_in(scope, &later.text)?;
            let new = self.named_prerequisites(&text, later.stem.as_deref());
            let all = &mut self.files[id].prerequisites;
            // A rule that was found meanwhile has put its own before these, never taken any away.
            let at = (later.at + added).min(all.len());
            added += new.len();
            all.splice(at..at, new).for_each(drop);
        }
        Ok(())
    }
}
