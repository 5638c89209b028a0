//! When files were changed last.

use crate::files::FileId;
use crate::make::Make;
use std::fs;
use std::time::SystemTime;

/// In order: what is missing is older than all, what was just made is newer than all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    Missing,
    /// `-o`
    Old,
    At(SystemTime),
    New,
}

pub fn of(path: &str) -> Time {
    let modified = fs::metadata(path).and_then(|about| about.modified());
    modified.map_or(Time::Missing, Time::At)
}

impl Make {
    /// Looks the file up once, by its name and then along the search paths.
    pub fn time(&mut self, id: FileId) -> Time {
        if let Some(time) = self.files[id].time {
            return time;
        }
        let file = &self.files[id];
        if file.phony {
            // A phony target is no file.
            return self.known(id, Time::Missing);
        }
        let mut time = of(file.path());
        if time == Time::Missing && file.found.is_none() {
            let name = file.name.clone();
            if let Some(found) = self.find_along(&name) {
                time = of(&found);
                self.files[id].found = Some(found.into());
            }
        }
        self.known(id, time)
    }

    fn known(&mut self, id: FileId, time: Time) -> Time {
        self.files[id].time = Some(time);
        time
    }

    pub fn find_along(&mut self, name: &str) -> Option<String> {
        let general = self.value_or_empty("VPATH");
        let folders = self.search_path.folders(name, &general);
        let mut paths = folders
            .into_iter()
            .map(|folder| format!("{}/{name}", folder.trim_end_matches('/')));
        paths.find(|path| fs::metadata(path).is_ok())
    }

    /// Whether a name may stand for a prerequisite of an implicit rule.
    pub fn exists(&mut self, name: &str) -> bool {
        match self.files.find(name) {
            Some(id) => self.time(id) != Time::Missing,
            None => fs::metadata(name).is_ok(),
        }
    }
}
