//! Workspace directories: `workspaces/{id}/files` is `/workspace`, `workspaces/{id}/tmp` is `/tmp`. What takes back the changes of a
//! command that is not done lies in `undo/{id}.*`.
//!
//! A directory appears whole (made aside, then renamed) and disappears whole (renamed aside, then removed).

use crate::journal::Journals;
use crate::running::Running;
use crate::secrets::SecretFiles;
use crate::tree;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use swarm_flow_protocol::{BoundSecret, Error};
use swarm_flow_sandbox::{Disk, Owners, Secrets, undo};
use uuid::Uuid;

pub(crate) struct Workspaces {
    root: PathBuf,
    /// Files that are being written and directories that are being made or removed.
    aside: PathBuf,
    undo: PathBuf,
    pub(crate) running: Running,
    /// What each workspace may still write, of those that wrote since the start.
    disks: Mutex<HashMap<String, Disk>>,
    /// Who changes what in each workspace, of those where something ran since the start.
    owners: Mutex<HashMap<String, Owners>>,
    secrets: SecretFiles,
    /// Of the tasks that ran in them.
    pub(crate) journals: Journals,
}

/// A workspace's place on disk.
pub(crate) struct Place {
    /// Holds the others.
    pub(crate) root: PathBuf,
    pub(crate) files: PathBuf,
    pub(crate) tmp: PathBuf,
}

impl Workspaces {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let root = state.join("workspaces");
        let aside = state.join("aside");
        let undo = state.join("undo");
        std::fs::create_dir_all(&root)?;
        std::fs::create_dir_all(&undo)?;
        // What lies aside was being written when the process ended: nobody was told that it is there.
        std::fs::create_dir_all(&aside)?;
        tree::empty(&Dir::open_ambient_dir(&aside, ambient_authority())?)?;
        Ok(Self {
            secrets: SecretFiles::open(state, aside.clone())?,
            journals: Journals::open(state)?,
            root,
            aside,
            undo,
            running: Running::default(),
            disks: Mutex::default(),
            owners: Mutex::default(),
        })
    }

    /// Makes the directories, once. An existing workspace stays as it is.
    pub(crate) fn create(&self, id: &str) -> Result<(), Error> {
        check_id(id)?;
        let place = self.root.join(id);
        if place.exists() {
            return Ok(());
        }
        let aside = self.aside.join(fresh_name());
        std::fs::create_dir(&aside)
            .and_then(|()| std::fs::create_dir(aside.join("files")))
            .and_then(|()| std::fs::create_dir(aside.join("tmp")))
            .and_then(|()| std::fs::rename(&aside, &place))
            .map_err(|error| internal("make the workspace", &error))
    }

    /// Ends what runs and removes the directories. Removing what is not there is fine.
    pub(crate) fn delete(&self, id: &str) -> Result<(), Error> {
        check_id(id)?;
        self.running.forget(id);
        self.disks().remove(id);
        self.all_owners().remove(id);
        let aside = fresh_name();
        let renamed = std::fs::rename(self.root.join(id), self.aside.join(&aside));
        // Not before the directory is gone: there would be time for another.
        self.secrets.delete_all(id)?;
        let journals = self.journals.delete(id);
        journals.map_err(|error| internal("remove the workspace's journals", &error))?;
        self.remove_undo_logs(id)
            .map_err(|error| internal("remove the workspace's undo logs", &error))?;
        match renamed {
            Ok(()) => tree::remove(&self.aside()?, &aside)
                .map_err(|error| internal("remove the workspace", &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(internal("remove the workspace", &error)),
        }
    }

    /// The ids of all that lies here, workspaces and secrets.
    pub(crate) fn held(&self) -> io::Result<Vec<String>> {
        let mut held = self.secrets.workspaces()?;
        for entry in std::fs::read_dir(&self.root)? {
            held.extend(entry?.file_name().to_str().map(str::to_owned));
        }
        held.sort_unstable();
        held.dedup();
        Ok(held)
    }

    /// Removes what the app does not know, and says how much that was. It is left over from a creation or a deletion that a
    /// crash cut short.
    pub(crate) fn sweep(&self, unknown: &[String]) -> usize {
        unknown.iter().filter(|id| self.delete(id).is_ok()).count()
    }

    pub(crate) fn place(&self, id: &str) -> Result<Place, Error> {
        check_id(id)?;
        let root = self.root.join(id);
        Ok(Place {
            files: root.join("files"),
            tmp: root.join("tmp"),
            root,
        })
    }

    /// The workspace's files, as a directory that cannot be left.
    pub(crate) fn files(&self, id: &str) -> Result<Dir, Error> {
        let place = self.place(id)?;
        Dir::open_ambient_dir(&place.files, ambient_authority()).map_err(|error| {
            match error.kind() {
                io::ErrorKind::NotFound => missing(id),
                _ => internal("open the workspace", &error),
            }
        })
    }

    /// The allowance that all sandboxes and callers of a workspace share, and what this one may take of it.
    pub(crate) fn disk(&self, id: &str, bytes_max: u64) -> Result<Disk, Error> {
        let place = self.place(id)?;
        let known = self.running.policy(id);
        let bytes_max = known.map_or(bytes_max, |known| bytes_max.min(known.limits.disk_bytes));
        let mut disks = self.disks();
        let disk = disks
            .entry(id.to_owned())
            .or_insert_with(|| Disk::new(vec![place.files, place.tmp], bytes_max));
        Ok(disk.limited(bytes_max))
    }

    fn disks(&self) -> MutexGuard<'_, HashMap<String, Disk>> {
        self.disks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who changes what in a workspace.
    pub(crate) fn owners(&self, id: &str) -> Owners {
        self.all_owners().entry(id.to_owned()).or_default().clone()
    }

    fn all_owners(&self) -> MutexGuard<'_, HashMap<String, Owners>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn undo_logs(&self) -> &Path {
        &self.undo
    }

    /// Where the undo log of one command goes. Another process may have left some.
    pub(crate) fn undo_log(&self, id: &str) -> PathBuf {
        self.undo.join(format!("{id}.{}", Uuid::now_v7().simple()))
    }

    fn remove_undo_logs(&self, id: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.undo)? {
            let entry = entry?;
            let name = entry.file_name();
            let its = name.to_str().and_then(|name| name.split_once('.'));
            if its.is_some_and(|(workspace, _)| workspace == id) {
                undo::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    pub(crate) fn secrets(&self, id: &str) -> Result<Secrets, Error> {
        check_id(id)?;
        self.secrets.of(id)
    }

    pub(crate) fn put_secret(
        &self,
        id: &str,
        name: &str,
        secret: &BoundSecret,
    ) -> Result<(), Error> {
        let place = self.place(id)?;
        self.secrets.put(id, &place.files, name, secret)
    }

    /// Removing what is not there is fine.
    pub(crate) fn delete_secret(&self, id: &str, name: &str) -> Result<(), Error> {
        check_id(id)?;
        self.secrets.delete(id, name)
    }

    /// Where a file is written before it is moved to its place.
    pub(crate) fn aside(&self) -> Result<Dir, Error> {
        Dir::open_ambient_dir(&self.aside, ambient_authority())
            .map_err(|error| internal("write a file", &error))
    }
}

/// A name that no other has, for things aside.
pub(crate) fn fresh_name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(crate) fn missing(id: &str) -> Error {
    Error::NotFound {
        kind: "workspace".to_owned(),
        id: id.to_owned(),
        known: Vec::new(),
    }
}

pub(crate) fn internal(what: &str, error: &io::Error) -> Error {
    tracing::error!("cannot {what}: {error}");
    Error::Internal {
        message: format!("cannot {what}: {error}"),
    }
}

/// An id becomes a directory's name, so it is held to what the app makes.
fn check_id(id: &str) -> Result<(), Error> {
    let plain = id.strip_prefix("ws_").is_some_and(|digits| {
        digits.len() == 32
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    if plain {
        return Ok(());
    }
    Err(Error::Invalid {
        field: "id".to_owned(),
        message: "is not a workspace id (`ws_` and 32 hexadecimal digits)".to_owned(),
    })
}
