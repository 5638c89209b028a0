//! A command that is done once: its changes of files are there together with its recorded result, or not at all.
//!
//! The undo log lies in `undo/` of the runner's state, one folder for each command that changed something. Who records the
//! result decides: once that is written the log is dropped, and until then whatever ends the command or this process has
//! its changes taken back.

use crate::workspace::{Place, Workspaces, internal};
use std::io;
use std::path::Path;
use std::sync::Arc;
use swarm_flow_protocol::{Error, ExecResult};
use swarm_flow_sandbox::undo::{self, Changes, Subject, Undo, UndoSettings};
use swarm_flow_sandbox::{Disk, Owners};

/// What makes a command one that is done once.
pub(crate) struct Atomic {
    /// Says which command it is, the same when it is run again: a run, a task and a step for one.
    pub(crate) key: String,
    pub(crate) commit: Commit,
}

/// Records a result. When it has come back the command is done; when it fails it was never run.
pub(crate) type Commit = Box<dyn FnOnce(&ExecResult) -> io::Result<()> + Send>;

/// Such a command runs. Dropped before its end, its changes are taken back.
pub(crate) struct Attempt {
    undo: Option<Arc<Undo>>,
    commit: Option<Commit>,
}

impl Attempt {
    pub(crate) async fn begin(
        workspaces: &Workspaces,
        id: &str,
        place: &Place,
        disk: &Arc<Disk>,
        atomic: Atomic,
    ) -> Result<(Self, Arc<Undo>), Error> {
        let settings = UndoSettings {
            root: place.root.clone(),
            log: workspaces.undo_log(id),
            subject: Subject {
                workspace: id.to_owned(),
                key: atomic.key,
            },
            owners: workspaces.owners(id),
            disk: Some(disk.clone()),
        };
        let undo = Undo::begin(settings).await;
        let undo = undo.map_err(|error| internal("begin an undo log", &error))?;
        let attempt = Self {
            undo: Some(undo.clone()),
            commit: Some(atomic.commit),
        };
        Ok((attempt, undo))
    }

    /// Records the result, or takes all back. Once begun, nobody's leaving stops it half-way.
    pub(crate) async fn end(self, result: ExecResult) -> Result<ExecResult, Error> {
        let end = tokio::task::spawn_blocking(move || {
            let ended = self.commit(&result);
            ended.map(|()| result)
        });
        match end.await {
            Ok(ended) => ended.map_err(|error| internal("record the result of a command", &error)),
            Err(lost) => Err(internal("record the result of a command", &lost.into())),
        }
    }

    fn commit(mut self, result: &ExecResult) -> io::Result<()> {
        if let Some(undo) = &self.undo {
            undo.close();
        }
        if let Some(commit) = self.commit.take() {
            // When it fails, dropping this takes back what was changed.
            commit(result)?;
        }
        if let Some(undo) = self.undo.take()
            && let Err(error) = undo.keep()
        {
            // It says of itself that it was committed when the runner starts next.
            tracing::warn!("cannot remove an undo log: {error}");
        }
        Ok(())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(undo) = self.undo.take() else { return };
        undo.close();
        let take_back = move || {
            if let Err(error) = undo.take_back() {
                tracing::error!("cannot take back the changes of a command: {error}");
            }
        };
        match tokio::runtime::Handle::try_current() {
            // Whoever drops this may have others to answer.
            Ok(runtime) => drop(runtime.spawn_blocking(take_back)),
            Err(_) => take_back(),
        }
    }
}

/// What was done with the logs that an earlier process left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Their commands had been committed.
    pub(crate) kept: usize,
    pub(crate) taken_back: usize,
    /// They are still there, and are tried again at the next start.
    pub(crate) failed: usize,
}

impl Workspaces {
    /// Ends what an earlier process left half done.
    pub(crate) fn recover(&self, committed: impl Fn(&str, &str) -> bool) -> io::Result<Recovered> {
        let mut recovered = Recovered::default();
        for entry in std::fs::read_dir(self.undo_logs())? {
            let log = entry?.path();
            match self.recover_one(&log, &committed) {
                Ok(true) => recovered.kept += 1,
                Ok(false) => recovered.taken_back += 1,
                Err(error) => {
                    recovered.failed += 1;
                    let log = log.display();
                    tracing::error!("cannot take back the changes in {log}: {error}");
                }
            }
        }
        Ok(recovered)
    }

    /// Whether its command was committed.
    fn recover_one(&self, log: &Path, committed: impl Fn(&str, &str) -> bool) -> io::Result<bool> {
        let Some(subject) = undo::subject(log)? else {
            // It had not begun.
            return undo::remove(log).map(|()| false);
        };
        if committed(&subject.workspace, &subject.key) {
            return undo::remove(log).map(|()| true);
        }
        let place = self.place(&subject.workspace);
        let place = place.map_err(|error| io::Error::other(format!("{error:?}")))?;
        undo::take_back(log, &place.root).map(|()| false)
    }
}

/// What becomes of the changes of a command that is not done once.
pub(crate) fn beside(owners: &Owners, place: &Place) -> Changes {
    Changes::Beside(Arc::new(undo::Beside::new(owners, &place.root)))
}

#[cfg(test)]
mod tests;
