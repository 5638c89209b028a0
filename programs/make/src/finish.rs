//! What is noted when the work on a file is over, and the files that go at the end.

use crate::fault::Outcome;
use crate::files::{FileId, State, Status};
use crate::make::Make;
use crate::time::Time;
use std::fs::{self, File, FileTimes};
use std::time::SystemTime;

impl Make {
    /// The work on a file is over; `ran` if its recipe was run, or would have been but for an option.
    pub fn finished(&mut self, id: FileId, status: Status, ran: bool) {
        let (mut status, mut touched) = (status, false);
        if ran && self.options.touch && status <= Status::None {
            match self.touch(id) {
                Some(done) => touched = done,
                None => status = Status::Failed,
            }
        }
        let file = &mut self.files[id];
        file.state = State::Finished;
        file.updated = true;
        file.status = status;
        if !ran {
            // A target without a recipe that is not there counts as just made, for those that need it.
            if file.recipe.is_none() && file.is_target && file.time == Some(Time::Missing) {
                file.time_before = file.time;
                file.time = Some(Time::New);
            }
            return;
        }
        let only_shown = self.options.just_print || self.options.question;
        let also = self.files[id].also.clone();
        self.note_time(id, only_shown && !touched);
        for other in also {
            let time = self.files[other].time;
            let file = &mut self.files[other];
            file.state = State::Finished;
            file.updated = true;
            file.status = status;
            file.time_before = time;
            self.note_time(other, only_shown);
        }
        let name = self.files[id].name.clone();
        if self.files[id].double_colon
            && let Some(first) = self.files.find(&name)
        {
            let time = self.files[id].time;
            for other in self.files.chain(first) {
                self.files[other].time = time;
            }
        }
    }

    fn note_time(&mut self, id: FileId, only_shown: bool) {
        let file = &mut self.files[id];
        if file.phony || only_shown {
            file.time = Some(Time::New);
            return;
        }
        file.time = Some(crate::time::of(&file.name));
    }

    /// `-t`: whether the file is new now; none if that failed.
    fn touch(&mut self, id: FileId) -> Option<bool> {
        let file = &self.files[id];
        if file.phony {
            return Some(false);
        }
        let name = file.name.clone();
        if !self.options.silent {
            self.print(&format!("touch {name}\n"));
        }
        self.commands_started += 1;
        if self.options.just_print {
            return Some(false);
        }
        let opened = File::options().append(true).create(true).open(&*name);
        let now = FileTimes::new().set_modified(SystemTime::now());
        if let Err(error) = opened.and_then(|file| file.set_times(now)) {
            let why = swarm_flow_posix::reason(&error);
            self.complain(None, &format!("touch: open: {name}: {why}"));
            return None;
        }
        Some(true)
    }

    /// Takes away what was made only as a step between other files.
    pub fn remove_intermediates(&mut self) -> Outcome<()> {
        let mut names = Vec::new();
        for id in self.files.ids() {
            let file = &self.files[id];
            let kept = !file.intermediate
                || file.secondary
                || file.precious
                || file.goal
                || self.all_secondary;
            if kept || file.status == Status::None {
                continue;
            }
            let name = file.name.clone();
            let ran = file.recipe.is_some() && file.updated;
            let there = fs::symlink_metadata(&*name).is_ok();
            if ran && (self.options.just_print && file.time == Some(Time::New) || there) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        if !self.options.silent {
            self.print(&format!("rm {}\n", names.join(" ")));
        }
        if !self.options.just_print {
            for name in names {
                // One that is gone already is no matter.
                let _ = fs::remove_file(&*name);
            }
        }
        Ok(())
    }
}
