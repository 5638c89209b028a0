//! The work on goals: what is out of date, in which order it is made.

use crate::fault::{Fault, Outcome};
use crate::files::{FileId, State, Status};
use crate::make::Make;
use crate::time::{self, Time};

/// A file that was asked for.
pub struct Goal {
    pub file: FileId,
    pub changed: bool,
}

impl Make {
    /// Brings all goals up to date. `makefiles` are quiet about what needs nothing.
    pub fn update_goals(&mut self, mut goals: Vec<Goal>, makefiles: bool) -> Outcome<Status> {
        let mut worst = Status::None;
        self.round += 1;
        while !goals.is_empty() {
            self.reap()?;
            let mut open = Vec::new();
            for mut goal in goals {
                let (done, stop) = self.update_goal(&mut goal, &mut worst, makefiles)?;
                if !done {
                    open.push(goal);
                    continue;
                }
                let file = &self.files[goal.file];
                let idle = file.status == Status::Success && !goal.changed;
                if idle && !makefiles && !self.options.silent && !self.options.question {
                    let name = file.name.clone();
                    let nothing = file.phony || file.recipe.is_none();
                    self.tell(&match nothing {
                        true => format!("Nothing to be done for '{name}'."),
                        false => format!("'{name}' is up to date."),
                    });
                }
                if stop {
                    return Ok(worst);
                }
            }
            goals = open;
            self.round += 1;
        }
        Ok(worst)
    }

    /// One look at a goal: whether it is done, and whether nothing else matters any more.
    fn update_goal(
        &mut self,
        goal: &mut Goal,
        worst: &mut Status,
        makefiles: bool,
    ) -> Outcome<(bool, bool)> {
        let mut done = true;
        for file in self.files.chain(goal.file) {
            let before = self.commands_started;
            self.makefile_goal = makefiles.then(|| self.files[file].name.clone());
            self.update_file(file, usize::from(makefiles))?;
            goal.changed |= self.commands_started > before;
            let file = &self.files[file];
            if file.updated && *worst < Status::Question {
                if file.status > Status::None {
                    *worst = file.status;
                    if self.options.question && !self.options.keep_going && !makefiles {
                        return Ok((true, true));
                    }
                } else if goal.changed && file.time != file.time_before {
                    *worst = Status::Success;
                }
            }
            done &= file.updated;
        }
        Ok((done, false))
    }

    /// Updates a file, and with it those of its rules with `::`.
    pub fn update_file(&mut self, first: FileId, depth: usize) -> Outcome<Status> {
        if self.files[first].considered == self.round {
            let file = &self.files[first];
            return Ok(match file.updated {
                true => file.status,
                false => Status::Success,
            });
        }
        let mut worst = Status::Success;
        for file in self.files.chain(first) {
            self.files[file].considered = self.round;
            let status = self.update_one(file, depth)?;
            if status > Status::None {
                worst = worst.max(status);
                if !self.options.keep_going {
                    break;
                }
            }
            // The rules of one file follow each other.
            if matches!(
                self.files[file].state,
                State::Running | State::WaitingForPrerequisites
            ) {
                return Ok(Status::Success);
            }
        }
        Ok(worst)
    }

    fn update_one(&mut self, id: FileId, depth: usize) -> Outcome<Status> {
        let file = &self.files[id];
        if file.updated {
            let status = file.status;
            if status > Status::None && file.unsaid && !file.optional {
                self.no_rule(id)?;
            }
            return Ok(status);
        }
        match file.state {
            State::Running => return Ok(Status::Success),
            State::Finished => return Ok(file.status),
            State::Idle | State::WaitingForPrerequisites => {}
        }
        if depth > DEPTH_MAX {
            return Err(Fault::plain("targets need each other too deeply"));
        }
        self.work(id, depth)
    }

    fn work(&mut self, id: FileId, depth: usize) -> Outcome<Status> {
        self.files[id].updating = true;
        let this_time = self.time(id);
        let missing = this_time == Time::Missing;
        self.find_recipe(id)?;
        self.expand_later(id)?;
        let round = self.prerequisites_round(id, depth, this_time, missing)?;
        self.files[id].updating = false;
        if round.running {
            self.files[id].state = State::WaitingForPrerequisites;
            return Ok(Status::Success);
        }
        if round.status > Status::None {
            return self.prerequisite_failed(id, depth, round.status);
        }
        let must = self.must_make(id, this_time, round.must_make);
        if !must {
            self.finished(id, Status::Success, false);
            return Ok(Status::Success);
        }
        // It is made where its name says, not where an old one was found.
        if self.files[id].found.take().is_some() {
            self.files[id].time = None;
            self.time_here(id);
        }
        self.remake(id)
    }

    /// The time of the file at its own name.
    fn time_here(&mut self, id: FileId) {
        let name = self.files[id].name.clone();
        self.files[id].time = Some(time::of(&name));
    }

    pub fn find_recipe(&mut self, id: FileId) -> Outcome<()> {
        let file = &self.files[id];
        if !file.phony && file.recipe.is_none() && !file.tried_implicit {
            self.files[id].tried_implicit = true;
            self.find_implicit(id)?;
        }
        let file = &self.files[id];
        if file.recipe.is_none() && !file.is_target {
            let default = self.files.find(".DEFAULT");
            self.files[id].recipe = default.and_then(|id| self.files[id].recipe.clone());
        }
        Ok(())
    }

    fn prerequisite_failed(&mut self, id: FileId, depth: usize, status: Status) -> Outcome<Status> {
        self.finished(id, status, false);
        let options = &self.options;
        if depth == 0 && options.keep_going && !options.just_print && !options.question {
            let name = self.files[id].name.clone();
            let text = format!("Target '{name}' not remade because of errors.");
            self.complain(None, &text);
        }
        Ok(status)
    }

    /// Whether it has to be made, once its prerequisites are; notes which of them are newer.
    fn must_make(&mut self, id: FileId, this_time: Time, mut must: bool) -> bool {
        let missing = this_time == Time::Missing;
        let mut changed = false;
        for index in 0..self.files[id].prerequisites.len() {
            let Some(one) = self.files[id].prerequisites.get(index).cloned() else {
                continue;
            };
            let time = self.time(one.file);
            let mut now = one.changed;
            if !one.order_only {
                let lost = time == Time::Missing && !self.files[one.file].intermediate;
                must |= lost;
                now |= lost;
                changed |= now;
            }
            now |= missing || time > this_time;
            if let Some(one) = self.files[id].prerequisites.get_mut(index) {
                one.changed = now;
            }
        }
        let file = &self.files[id];
        if file.double_colon && file.prerequisites.is_empty() {
            return true;
        }
        if !missing && file.is_target && !changed && file.recipe.is_none() {
            return false;
        }
        must || (self.options.always_make && file.recipe.is_some())
    }

    fn remake(&mut self, id: FileId) -> Outcome<Status> {
        let file = &self.files[id];
        let Some(recipe) = file.recipe.clone() else {
            if !file.phony && !file.is_target {
                self.no_rule(id)?;
                self.finished(id, Status::Failed, false);
                return Ok(Status::Failed);
            }
            self.finished(id, Status::Success, false);
            return Ok(Status::Success);
        };
        self.files[id].time_before = self.files[id].time;
        if self.options.touch && !recipe.any_always(self.reading.one_shell) {
            self.finished(id, Status::Success, true);
        } else {
            self.run_recipe(id, &recipe)?;
        }
        let file = &self.files[id];
        match file.state {
            State::Finished => Ok(file.status),
            _ => Ok(Status::Success),
        }
    }

    /// Says that there is no way to make a file, and stops unless `-k`.
    fn no_rule(&mut self, id: FileId) -> Outcome<()> {
        let file = &self.files[id];
        if file.optional {
            self.files[id].unsaid = true;
            return Ok(());
        }
        let name = file.name.clone();
        self.files[id].unsaid = false;
        self.missing_makefile();
        let parent = self.files[id].parent;
        let needed = parent.map(|parent| format!(", needed by '{}'", self.files[parent].name));
        let text = format!(
            "No rule to make target '{name}'{}",
            needed.unwrap_or_default()
        );
        if !self.options.keep_going {
            return Err(Fault::plain(text));
        }
        self.complain(None, &format!("*** {text}."));
        Ok(())
    }
}

/// Targets that need each other in one line.
const DEPTH_MAX: usize = 5_000;
