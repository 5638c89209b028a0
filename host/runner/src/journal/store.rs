//! Where the journals lie: `journals/{workspace}/{run}.jsonl`, and in `{run}.large` what is too large for a line.
//!
//! Files stay open, as many as [`Limits`] says; the one that was used longest ago, and that nobody uses, is closed first.

use super::Journal;
use super::entry::{Header, Whose};
use super::file::RunFile;
use super::folder::{Folder, Limits};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The journals of a runner.
pub(crate) struct Journals {
    root: PathBuf,
    limits: Limits,
    files: Arc<Mutex<Files>>,
}

#[derive(Default)]
struct Files {
    /// By workspace, then by run.
    open: HashMap<String, HashMap<String, Opened>>,
    count: usize,
    /// How often a file was asked for.
    asked: u64,
}

struct Opened {
    file: Arc<RunFile>,
    asked: u64,
}

impl Journals {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        Self::with(state, Limits::default())
    }

    pub(super) fn with(state: &Path, limits: Limits) -> io::Result<Self> {
        let root = state.join("journals");
        std::fs::create_dir_all(&root)?;
        Ok(Self {
            root,
            limits,
            files: Arc::default(),
        })
    }

    /// Whether [`Self::prepare`] has nothing to do.
    pub(crate) fn is_prepared(&self, workspace: &str, run: &str) -> bool {
        let file = self.file(workspace, run);
        file.is_ok_and(|file| file.is_prepared())
    }

    /// Reads what an earlier process wrote of a run, which may take a while when that is much. The others wait for nothing
    /// after it.
    pub(crate) fn prepare(&self, workspace: &str, run: &str) -> io::Result<()> {
        self.file(workspace, run)?.prepare()
    }

    /// The journal of an attempt, to go on with or to begin.
    pub(crate) fn attempt(
        &self,
        workspace: &str,
        run: &str,
        index: u32,
        attempt: u32,
        begin: impl FnOnce() -> io::Result<Header>,
    ) -> io::Result<Journal> {
        let whose = Whose {
            task: index,
            attempt,
        };
        Journal::open(self.file(workspace, run)?, whose, begin)
    }

    /// The last attempt of a task that has a journal, to be replayed.
    pub(crate) fn last(
        &self,
        workspace: &str,
        run: &str,
        index: u32,
    ) -> io::Result<Option<Journal>> {
        let file = self.file(workspace, run)?;
        match file.last(index)? {
            Some(whose) => Journal::replay(file, whose),
            None => Ok(None),
        }
    }

    /// Why there is none.
    pub(crate) fn why_none(&self, workspace: &str, run: &str) -> String {
        match self.file(workspace, run) {
            Ok(file) => file.folder().why_none(run),
            Err(error) => error.to_string(),
        }
    }

    /// Whether what came of the call of this [key](Journal::key) is written down.
    pub(crate) fn is_recorded(&self, workspace: &str, key: &str) -> bool {
        let mut parts = key.split('/');
        let mut next = || parts.next();
        let (run, task, attempt, step) = (next(), next(), next(), next());
        let parsed = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
        let (Some(run), Some(task), Some(attempt), Some(step)) =
            (run, parsed(task), parsed(attempt), parsed(step))
        else {
            return false;
        };
        let file = self.file(workspace, run);
        let steps = file.and_then(|file| file.steps(Whose { task, attempt }));
        steps.is_ok_and(|steps| steps > step as usize)
    }

    /// Removing what is not there is fine.
    pub(crate) fn delete(&self, workspace: &str) -> io::Result<()> {
        check_name(workspace)?;
        let mut files = self.files();
        let runs = files.open.remove(workspace).unwrap_or_default();
        files.count -= runs.len();
        drop(files);
        let folder = runs.values().next().map(|run| run.file.folder().clone());
        folder.unwrap_or_else(|| self.folder(workspace)).remove()
    }

    fn folder(&self, workspace: &str) -> Arc<Folder> {
        let (files, of) = (Arc::downgrade(&self.files), workspace.to_owned());
        let close_unused = move || {
            let files = files.upgrade();
            let closed = files.and_then(|files| lock(&files).close_oldest(Some(&of)));
            closed.is_some()
        };
        let path = self.root.join(workspace);
        Arc::new(Folder::new(path, self.limits, Box::new(close_unused)))
    }

    /// The one file of a run, whoever asks. It is opened at its first use.
    fn file(&self, workspace: &str, run: &str) -> io::Result<Arc<RunFile>> {
        check_name(workspace)?;
        check_name(run)?;
        let mut files = self.files();
        files.asked += 1;
        let asked = files.asked;
        let runs = files.open.get_mut(workspace);
        if let Some(opened) = runs.and_then(|runs| runs.get_mut(run)) {
            opened.asked = asked;
            return Ok(opened.file.clone());
        }
        // What is closed waits for the folder: not before others can go on.
        let closed = files.close_down_to(self.limits.open_files.saturating_sub(1));
        let runs = files.open.entry(workspace.to_owned()).or_default();
        let folder = runs.values().next().map(|run| run.file.folder().clone());
        let folder = folder.unwrap_or_else(|| self.folder(workspace));
        let file = Arc::new(RunFile::new(folder, run));
        let opened = Opened {
            file: file.clone(),
            asked,
        };
        runs.insert(run.to_owned(), opened);
        files.count += 1;
        drop(files);
        drop(closed);
        Ok(file)
    }

    #[cfg(test)]
    pub(super) fn open_files(&self) -> usize {
        self.files().count
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        lock(&self.files)
    }
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    fn close_down_to(&mut self, most: usize) -> Vec<Arc<RunFile>> {
        let mut closed = Vec::new();
        while self.count > most {
            match self.close_oldest(None) {
                Some(file) => closed.push(file),
                None => break,
            }
        }
        closed
    }

    /// Of those that nobody uses, in one workspace or all.
    fn close_oldest(&mut self, of: Option<&str>) -> Option<Arc<RunFile>> {
        let workspaces = self.open.iter();
        let runs = workspaces
            .filter(|(workspace, _)| of.is_none_or(|of| of == *workspace))
            .flat_map(|(workspace, runs)| {
                runs.iter()
                    .map(move |(run, opened)| (workspace, run, opened))
            });
        let unused = runs.filter(|(_, _, opened)| Arc::strong_count(&opened.file) == 1);
        let (workspace, run, _) = unused.min_by_key(|(_, _, opened)| opened.asked)?;
        let (workspace, run) = (workspace.clone(), run.clone());
        let runs = self.open.get_mut(&workspace)?;
        let closed = runs.remove(&run)?;
        if runs.is_empty() {
            self.open.remove(&workspace);
        }
        self.count -= 1;
        Some(closed.file)
    }
}

/// Names become those of files, and name no other place.
fn check_name(name: &str) -> io::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "`{name}` is no id of a workspace or run: it has letters, digits, `_` and `-`, 128 at most"
            ),
        ));
    }
    Ok(())
}
