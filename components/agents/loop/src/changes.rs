//! Which files an agent changed, whatever it did it with.
//!
//! Others may work in the same workspace at the same time: what was changed while no command of this task ran, and not by its tools, is theirs.

use crate::work::{Work, now_ms};
use std::collections::BTreeMap;
use swarm_flow_agent::tools::FileKind;

/// The files of a workspace at one time: size and when each was changed.
#[derive(Clone, Debug)]
pub struct Files {
    files: BTreeMap<String, (u64, u64)>,
    at_ms: u64,
}

/// By how much the times of files may differ from a command's: a file's is the one of the last tick of the clock.
const SLACK_MS: u64 = 50;

/// Of more, the list is asked for once: it is in the task's journal each time.
const FILES_MAX: usize = 5000;

impl Files {
    /// None when there are too many, or they cannot be listed: then only what tools wrote is known.
    #[must_use]
    pub fn of(work: &mut Work<'_>) -> Option<Self> {
        if work.is_too_large {
            return None;
        }
        let listed = work.workspace.list().ok()?;
        if listed.len() > FILES_MAX {
            work.is_too_large = true;
            return None;
        }
        let files = listed
            .into_iter()
            .filter(|file| file.kind == FileKind::File && !file.path.split('/').any(is_of_a_tool));
        let files = files.map(|file| (file.path, (file.size_bytes, file.modified_at_ms)));
        Some(Self {
            files: files.collect(),
            at_ms: now_ms(),
        })
    }

    /// Whether nothing was changed between, by anybody.
    #[must_use]
    pub fn are(&self, others: &Self) -> bool {
        self.files == others.files
    }

    /// Paths of what is new or another one, in order.
    fn changed_since(&self, before: &Self, work: &Work<'_>) -> Vec<String> {
        let is_theirs = |path: &String, modified_at_ms: u64| {
            let within = |(from, to): &(u64, u64)| {
                (from.saturating_sub(SLACK_MS)..=to + SLACK_MS).contains(&modified_at_ms)
            };
            // A program may give a file an older time: nobody else has written it meanwhile then.
            modified_at_ms >= before.at_ms
                && !work.written.contains(path)
                && !work.commands.iter().any(within)
        };
        let changed = self.files.iter().filter(|(path, file)| {
            before.files.get(*path) != Some(file) && !is_theirs(path, file.1)
        });
        changed.map(|(path, _)| path.clone()).collect()
    }
}

/// Caches and the like, which commands make by the way.
fn is_of_a_tool(part: &str) -> bool {
    part.starts_with('.') || matches!(part, "__pycache__" | "node_modules" | "target")
}

/// What was changed since, or else what tools wrote.
#[must_use]
pub fn changed(work: &mut Work<'_>, before: Option<&Files>) -> Vec<String> {
    match (before, Files::of(work)) {
        (Some(before), Some(now)) => now.changed_since(before, work),
        _ => work.written.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Line;
    use crate::platform::Workspace as _;
    use crate::scripted::Folder;
    use std::time::Duration;

    #[test]
    fn what_others_changed_meanwhile_is_not_this_tasks() {
        let folder = Folder::new(&[("a", "1"), ("b", "1"), ("c", "1"), ("__pycache__/d", "1")]);
        let mut work = Work::new(&folder);
        let before = Files::of(&mut work).unwrap();
        let wait = || std::thread::sleep(Duration::from_millis(4 * SLACK_MS));
        wait();
        work.exec(
            &Line::Shell("echo 2 > a; echo 2 > __pycache__/d; touch -d 2020-01-01 old".to_owned())
                .command(9000),
        )
        .unwrap();
        wait();
        folder.write("b", b"theirs").unwrap();
        wait();
        work.write("c", b"2").unwrap();
        assert_eq!(changed(&mut work, Some(&before)), ["a", "c", "old"]);
        assert!(!Files::of(&mut work).unwrap().are(&before));
        assert_eq!(changed(&mut work, None), ["c"]);
    }
}
