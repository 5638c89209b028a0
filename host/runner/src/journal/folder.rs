//! The journals of one workspace: how much of them is kept, and what has to go.
//!
//! | limit | when it is reached |
//! |---|---|
//! | runs | the runs that were written to longest ago are removed |
//! | bytes of all runs | the same; when all that is left is in use, what would be written is refused |
//! | bytes of one attempt | what would be written is refused |
//!
//! A run is in use, and not removed, as long as this process has a journal of it open. Of the others those come last in which an attempt has no end: it
//! may be gone on with. What was removed is remembered in `removed`, as far as that has
//! [`REMOVED_BYTES_MAX`], so that a replay can say why it has nothing.

use super::entry::{ms_of, now_ms};
use super::file::is_unfinished;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const REMOVED_BYTES_MAX: u64 = 256 << 10;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of an attempt, without what lies beside the run's file.
    pub(super) attempt_bytes: u64,
    /// Of all runs of a workspace, with that.
    pub(super) workspace_bytes: u64,
    pub(super) workspace_runs: usize,
    /// Of all workspaces. What is in use stays open beyond that.
    pub(super) open_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempt_bytes: 64 << 20,
            workspace_bytes: 1 << 30,
            workspace_runs: 1000,
            open_files: 256,
        }
    }
}

/// A limit that does not allow what would be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Full {
    #[error(
        "the task's journal would have more than {most} bytes: the agent calls too much, or asks for the time too often"
    )]
    Attempt { most: u64 },
    #[error(
        "the journals of the workspace's open runs would have more than {most} bytes: let some of the runs end, or give the swarm more workspaces"
    )]
    Workspace { most: u64 },
}

impl From<Full> for io::Error {
    fn from(full: Full) -> Self {
        Self::new(io::ErrorKind::StorageFull, full)
    }
}

pub(super) struct Folder {
    path: PathBuf,
    limits: Limits,
    bytes: AtomicU64,
    /// The workspace was deleted.
    gone: AtomicBool,
    /// None before the first use.
    runs: Mutex<Option<Runs>>,
    close_unused: CloseUnused,
}

/// Closes a run's file that is open and that nobody uses; false when there is none.
pub(super) type CloseUnused = Box<dyn Fn() -> bool + Send + Sync>;

type Runs = HashMap<String, Run>;

#[derive(Default)]
struct Run {
    /// As they were when it was last closed.
    bytes: u64,
    used_at_ms: u64,
    /// How often it is open.
    open: usize,
    /// Whether an attempt has no end, once somebody looked.
    unfinished: Option<bool>,
}

/// Why a run has no journals any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Because {
    Runs,
    Bytes,
}

#[derive(Serialize, Deserialize)]
struct Removed {
    run: String,
    because: Because,
}

/// A run is open. As long as this is there, it is not removed.
pub(super) struct Hold {
    folder: Arc<Folder>,
    run: String,
    bytes: AtomicU64,
    used_at_ms: AtomicU64,
}

impl Folder {
    pub(super) fn new(path: PathBuf, limits: Limits, close_unused: CloseUnused) -> Self {
        Self {
            path,
            limits,
            bytes: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            runs: Mutex::default(),
            close_unused,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where what is large of a run lies.
    pub(super) fn large(&self, run: &str) -> PathBuf {
        self.path.join(format!("{run}.large"))
    }

    fn file(&self, run: &str) -> PathBuf {
        self.path.join(format!("{run}.jsonl"))
    }

    /// Opens a run's file, or makes it, which may cost the oldest run its own.
    pub(super) fn open(self: &Arc<Self>, run: &str, make: bool) -> io::Result<(File, Hold)> {
        let mut listed = self.runs();
        self.check_there()?;
        let runs = self.list(&mut listed)?;
        let file = self.open_file(run, make)?;
        let known = runs.entry(run.to_owned()).or_default();
        known.open += 1;
        let hold = Hold {
            folder: self.clone(),
            run: run.to_owned(),
            bytes: AtomicU64::new(known.bytes),
            used_at_ms: AtomicU64::new(known.used_at_ms),
        };
        while runs.len() > self.limits.workspace_runs {
            match self.remove_oldest(runs, Because::Runs) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!("cannot remove the journals of an old run: {error}");
                    break;
                }
            }
        }
        Ok((file, hold))
    }

    fn open_file(&self, run: &str, make: bool) -> io::Result<File> {
        let path = self.file(run);
        let mut options = File::options();
        options.read(true).append(true).create(make);
        match options.open(&path) {
            Err(error) if make && error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&self.path)?;
                options.open(&path)
            }
            opened => opened,
        }
    }

    /// What lies here, once.
    fn list<'a>(&self, listed: &'a mut Option<Runs>) -> io::Result<&'a mut Runs> {
        if let Some(runs) = listed {
            return Ok(runs);
        }
        let runs = list(&self.path)?;
        let bytes = runs.values().map(|run| run.bytes).sum();
        self.bytes.store(bytes, Relaxed);
        Ok(listed.insert(runs))
    }

    /// Whether there was one that is not open.
    fn remove_oldest(&self, runs: &mut Runs, because: Because) -> io::Result<bool> {
        let Some((name, bytes)) = self.oldest(runs) else {
            return Ok(false);
        };
        // Said first: of what is still there nobody asks why it is not.
        self.remember(&name, because)?;
        missing_is_fine(std::fs::remove_file(self.file(&name)))?;
        missing_is_fine(std::fs::remove_dir_all(self.large(&name)))?;
        runs.remove(&name);
        self.bytes.fetch_sub(bytes, Relaxed);
        tracing::info!(run = name, ?because, "removed the journals of an old run");
        Ok(true)
    }

    /// Which goes first, and its bytes.
    fn oldest(&self, runs: &mut Runs) -> Option<(String, u64)> {
        loop {
            let closed = runs.iter_mut().filter(|(_, run)| run.open == 0);
            let (name, run) = closed.min_by_key(|(name, run)| {
                let unfinished = run.unfinished == Some(true);
                (unfinished, run.used_at_ms, (*name).clone())
            })?;
            if run.unfinished.is_some() {
                return Some((name.clone(), run.bytes));
            }
            let unfinished = File::open(self.file(name)).and_then(|file| is_unfinished(&file));
            run.unfinished = Some(unfinished.unwrap_or(false));
        }
    }

    fn remember(&self, run: &str, because: Because) -> io::Result<()> {
        let path = self.path.join("removed");
        let run = run.to_owned();
        let mut line = serde_json::to_vec(&Removed { run, because })?;
        line.push(b'\n');
        let mut file = File::options().create(true).append(true).open(&path)?;
        if file.metadata()?.len() > REMOVED_BYTES_MAX {
            let text = std::fs::read(&path)?;
            let newer = text.get(text.len() / 2..).unwrap_or_default();
            let aside = self.path.join("removed.aside");
            std::fs::write(&aside, newer)?;
            std::fs::rename(&aside, &path)?;
            file = File::options().append(true).open(&path)?;
        }
        // Behind one that is torn it would not be read.
        line.insert(0, b'\n');
        file.write_all(&line)
    }

    /// Why a run has no journals here, or not that of a task.
    pub(super) fn why_none(&self, run: &str) -> String {
        let text = std::fs::read(self.path.join("removed")).unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n');
        let mut removed = lines.filter_map(|line| serde_json::from_slice::<Removed>(line).ok());
        let Limits {
            workspace_bytes,
            workspace_runs,
            ..
        } = self.limits;
        match removed.rfind(|removed| removed.run == run) {
            None => "the task has no journal: it was never tried, or its workspace was deleted"
                .to_owned(),
            Some(Removed {
                because: Because::Runs,
                ..
            }) => format!(
                "the run's journals were removed: a workspace keeps those of the last {workspace_runs} runs"
            ),
            Some(Removed {
                because: Because::Bytes,
                ..
            }) => format!(
                "the run's journals were removed: a workspace keeps {workspace_bytes} bytes of journals, and the oldest make room for new ones"
            ),
        }
    }

    fn make_room(&self) -> io::Result<()> {
        let most = self.limits.workspace_bytes;
        loop {
            let mut listed = self.runs();
            let runs = self.list(&mut listed)?;
            while self.bytes.load(Relaxed) > most && self.remove_oldest(runs, Because::Bytes)? {}
            if self.bytes.load(Relaxed) <= most {
                return Ok(());
            }
            // What is closed says so to this folder.
            drop(listed);
            if !(self.close_unused)() {
                return Err(Full::Workspace { most }.into());
            }
        }
    }

    fn check_there(&self) -> io::Result<()> {
        if self.gone.load(Relaxed) {
            return Err(io::Error::other("the workspace was deleted"));
        }
        Ok(())
    }

    /// Nothing is written here any more.
    pub(super) fn remove(&self) -> io::Result<()> {
        let _runs = self.runs();
        self.gone.store(true, Relaxed);
        missing_is_fine(std::fs::remove_dir_all(&self.path))
    }

    fn runs(&self) -> MutexGuard<'_, Option<Runs>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Room for so many bytes more, which may cost older runs theirs.
    pub(super) fn take(&self, bytes: u64) -> io::Result<()> {
        self.folder.check_there()?;
        self.used_at_ms.store(now_ms(), Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        let others = self.folder.bytes.fetch_add(bytes, Relaxed);
        if others + bytes <= self.folder.limits.workspace_bytes {
            return Ok(());
        }
        let room = self.folder.make_room();
        if room.is_err() {
            self.give_back(bytes);
        }
        room
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
        self.folder.bytes.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut runs = self.folder.runs();
        if let Some(run) = runs.as_mut().and_then(|runs| runs.get_mut(&self.run)) {
            run.open -= 1;
            run.unfinished = None;
            run.bytes = self.bytes.load(Relaxed);
            run.used_at_ms = self.used_at_ms.load(Relaxed);
        }
    }
}

fn list(path: &Path) -> io::Result<Runs> {
    let mut runs = Runs::new();
    let entries = match std::fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(runs),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((run, kind)) = name.to_str().and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        let run = match kind {
            "jsonl" => runs.entry(run.to_owned()).or_default(),
            "large" => {
                let run = runs.entry(run.to_owned()).or_default();
                for large in std::fs::read_dir(entry.path())? {
                    run.bytes += large?.metadata()?.len();
                }
                continue;
            }
            _ => continue,
        };
        let metadata = entry.metadata()?;
        run.bytes += metadata.len();
        run.used_at_ms = changed_at_ms(&metadata);
    }
    Ok(runs)
}

fn changed_at_ms(metadata: &Metadata) -> u64 {
    metadata.modified().map_or(0, ms_of)
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
