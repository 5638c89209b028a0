//! Workspace directories: `workspaces/{id}/files` is `/workspace`, `workspaces/{id}/tmp` is `/tmp`.
//!
//! A directory appears whole (made aside, then renamed) and disappears whole (renamed aside, then removed).

use crate::tree;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use swarm_flow_protocol::Error;
use swarm_flow_sandbox::Disk;
use tokio_util::sync::CancellationToken;

pub(crate) struct Workspaces {
    root: PathBuf,
    /// Files that are being written and directories that are being made or removed.
    aside: PathBuf,
    live: Mutex<HashMap<String, Live>>,
    /// What each workspace may still write, of those that wrote since the start.
    disks: Mutex<HashMap<String, Arc<Disk>>>,
}

/// What runs in a workspace.
struct Live {
    sandboxes: u32,
    stop: CancellationToken,
}

/// A workspace's place on disk.
pub(crate) struct Place {
    pub(crate) files: PathBuf,
    pub(crate) tmp: PathBuf,
}

impl Workspaces {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let root = state.join("workspaces");
        let aside = state.join("aside");
        std::fs::create_dir_all(&root)?;
        // What lies aside was being written when the process ended: nobody was told that it is there.
        std::fs::create_dir_all(&aside)?;
        tree::empty(&Dir::open_ambient_dir(&aside, ambient_authority())?)?;
        Ok(Self {
            root,
            aside,
            live: Mutex::default(),
            disks: Mutex::default(),
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
        self.stop(id);
        self.disks().remove(id);
        let aside = fresh_name();
        match std::fs::rename(self.root.join(id), self.aside.join(&aside)) {
            Ok(()) => tree::remove(&self.aside()?, &aside)
                .map_err(|error| internal("remove the workspace", &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(internal("remove the workspace", &error)),
        }
    }

    /// Ends what runs. New sandboxes may start at once: whether they should is the app's decision.
    pub(crate) fn stop(&self, id: &str) {
        let live = self
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        if let Some(live) = live {
            live.stop.cancel();
        }
    }

    /// Removes directories that the app does not know. They are left over from a creation or a deletion that
    /// a crash cut short.
    pub(crate) fn sweep(&self, known: &[String]) -> io::Result<usize> {
        let mut swept = 0;
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if !known.contains(&id) && self.delete(&id).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }

    pub(crate) fn place(&self, id: &str) -> Result<Place, Error> {
        check_id(id)?;
        let root = self.root.join(id);
        Ok(Place {
            files: root.join("files"),
            tmp: root.join("tmp"),
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

    /// The allowance that all sandboxes and callers of a workspace share.
    pub(crate) fn disk(&self, id: &str, bytes_max: u64) -> Result<Arc<Disk>, Error> {
        let place = self.place(id)?;
        let mut disks = self.disks();
        match disks.get(id) {
            Some(disk) if disk.bytes_max() == bytes_max => Ok(disk.clone()),
            _ => {
                let disk = Arc::new(Disk::new(vec![place.files, place.tmp], bytes_max));
                disks.insert(id.to_owned(), disk.clone());
                Ok(disk)
            }
        }
    }

    fn disks(&self) -> MutexGuard<'_, HashMap<String, Arc<Disk>>> {
        self.disks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a file is written before it is moved to its place.
    pub(crate) fn aside(&self) -> Result<Dir, Error> {
        Dir::open_ambient_dir(&self.aside, ambient_authority())
            .map_err(|error| internal("write a file", &error))
    }

    /// Notes that a sandbox starts in a workspace, until the result is dropped.
    pub(crate) fn enter<'a>(&'a self, id: &'a str, sandboxes_max: u32) -> Result<Entry<'a>, Error> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = live.entry(id.to_owned()).or_insert_with(|| Live {
            sandboxes: 0,
            stop: CancellationToken::new(),
        });
        if entry.sandboxes >= sandboxes_max {
            return Err(Error::Busy {
                retry_after_ms: 250,
            });
        }
        entry.sandboxes += 1;
        Ok(Entry {
            workspaces: self,
            id,
            stop: entry.stop.clone(),
        })
    }
}

/// A sandbox's place in its workspace.
pub(crate) struct Entry<'a> {
    workspaces: &'a Workspaces,
    id: &'a str,
    /// Someone wants the sandbox to end.
    pub(crate) stop: CancellationToken,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut live = self
            .workspaces
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // After a stop the count belongs to other sandboxes.
        if self.stop.is_cancelled() {
            return;
        }
        if let Some(found) = live.get_mut(self.id) {
            found.sandboxes = found.sandboxes.saturating_sub(1);
            if found.sandboxes == 0 {
                live.remove(self.id);
            }
        }
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
