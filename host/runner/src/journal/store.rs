//! Where the journals lie: `journals/{workspace}/{run}-{index}-{attempt}`, and `large` beside them.

use super::Journal;
use std::io;
use std::path::{Path, PathBuf};

/// The journals of a runner.
pub(crate) struct Journals {
    root: PathBuf,
}

impl Journals {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let root = state.join("journals");
        std::fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// The workspace and the run are ids: they came from the app and name no other place.
    pub(crate) fn path(&self, workspace: &str, run: &str, index: u32, attempt: u32) -> PathBuf {
        let name = format!("{run}-{index}-{attempt}");
        self.root.join(workspace).join(name)
    }

    pub(crate) fn make_folder(&self, workspace: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.root.join(workspace))
    }

    /// The last attempt of a task that has a journal.
    pub(crate) fn last(
        &self,
        workspace: &str,
        run: &str,
        index: u32,
    ) -> io::Result<Option<Journal>> {
        let start = format!("{run}-{index}-");
        let mut last: Option<u32> = None;
        let entries = match std::fs::read_dir(self.root.join(workspace)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let attempt = name
                .to_str()
                .and_then(|name| name.strip_prefix(&start)?.parse().ok());
            last = last.max(attempt);
        }
        last.map(|attempt| Journal::replay(&self.path(workspace, run, index, attempt)))
            .transpose()
    }

    /// Whether what came of the call of this [key](Journal::key) is written down.
    pub(crate) fn is_recorded(&self, workspace: &str, key: &str) -> bool {
        let mut parts = key.split('/');
        let mut next = || parts.next();
        let (run, index, attempt, step) = (next(), next(), next(), next());
        let parsed = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
        let (Some(run), Some(index), Some(attempt), Some(step)) =
            (run, parsed(index), parsed(attempt), parsed(step))
        else {
            return false;
        };
        let journal = Journal::replay(&self.path(workspace, run, index, attempt));
        journal.is_ok_and(|journal| journal.steps() > step as usize)
    }

    /// Removing what is not there is fine.
    pub(crate) fn delete(&self, workspace: &str) -> io::Result<()> {
        match std::fs::remove_dir_all(self.root.join(workspace)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}
