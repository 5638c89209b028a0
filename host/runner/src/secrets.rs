//! The secrets of workspaces: `secrets/{workspace}/{name}` in the state folder, for nobody else to read.
//!
//! A file appears whole (written aside, then renamed) and is on disk before anyone is told of it. They are read when the
//! first sandbox of a workspace starts and kept in memory from then on; a change reaches the sandboxes that run at their
//! next request. No error and no log repeats what a file holds.

use crate::workspace::{fresh_name, internal, missing};
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use swarm_flow_protocol::{BoundSecret, Error, Placement, SECRETS_MAX, check_secret_name};
use swarm_flow_sandbox::{Secret, Secrets};
use zeroize::Zeroizing;

pub(crate) struct SecretFiles {
    root: PathBuf,
    /// On the same disk.
    aside: PathBuf,
    /// Those of workspaces that ran something, or whose secrets changed. Locked while a file changes.
    kept: Mutex<HashMap<String, Secrets>>,
}

impl SecretFiles {
    pub(crate) fn open(state: &Path, aside: PathBuf) -> io::Result<Self> {
        let root = state.join("secrets");
        make_private(&root)?;
        Ok(Self {
            root,
            aside,
            kept: Mutex::default(),
        })
    }

    /// What a workspace's sandboxes share.
    pub(crate) fn of(&self, workspace: &str) -> Result<Secrets, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secrets) = kept.get(workspace) {
            return Ok(secrets.clone());
        }
        let secrets = Secrets::new(self.read(workspace)?);
        kept.insert(workspace.to_owned(), secrets.clone());
        Ok(secrets)
    }

    /// A new one, or another value. `files` are the workspace's, without which it has no secrets.
    pub(crate) fn put(
        &self,
        workspace: &str,
        files: &Path,
        name: &str,
        secret: &BoundSecret,
    ) -> Result<(), Error> {
        secret.check(name)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.is_dir() {
            return Err(missing(workspace));
        }
        let write = || {
            let folder = self.root.join(workspace);
            make_private(&folder)?;
            let file = folder.join(name);
            if !file.exists() && fs::read_dir(&folder)?.count() >= SECRETS_MAX {
                return Ok(false);
            }
            self.write(&folder, &file, secret)?;
            Ok(true)
        };
        match write() {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::Conflict {
                    message: format!("the workspace has {SECRETS_MAX} secrets, and no more can be"),
                });
            }
            Err(error) => return Err(internal("write a secret", &error)),
        }
        self.change(&mut kept, workspace)
    }

    /// Removing what is not there is fine.
    pub(crate) fn delete(&self, workspace: &str, name: &str) -> Result<(), Error> {
        check_secret_name("name", name)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.root.join(workspace);
        match fs::remove_file(folder.join(name)).and_then(|()| sync(&folder)) {
            Ok(()) => self.change(&mut kept, workspace),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(internal("remove a secret", &error)),
        }
    }

    /// All of a workspace that is no more, for who runs in it too.
    pub(crate) fn delete_all(&self, workspace: &str) -> Result<(), Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secrets) = kept.remove(workspace) {
            secrets.replace(Vec::new());
        }
        match fs::remove_dir_all(self.root.join(workspace)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(internal("remove the secrets of a workspace", &error))
            }
            _ => Ok(()),
        }
    }

    /// The workspaces that have any.
    pub(crate) fn workspaces(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            found.extend(entry?.file_name().to_str().map(str::to_owned));
        }
        Ok(found)
    }

    /// Has the sandboxes that run, and those to come, see what the files say by now.
    fn change(&self, kept: &mut HashMap<String, Secrets>, workspace: &str) -> Result<(), Error> {
        let Some(secrets) = kept.get(workspace) else {
            return Ok(());
        };
        match self.read(workspace) {
            Ok(read) => {
                secrets.replace(read);
                Ok(())
            }
            Err(error) => {
                // Better none than one that was taken away.
                if let Some(secrets) = kept.remove(workspace) {
                    secrets.replace(Vec::new());
                }
                Err(error)
            }
        }
    }

    fn write(&self, folder: &Path, file: &Path, secret: &BoundSecret) -> io::Result<()> {
        let json = Zeroizing::new(serde_json::to_vec(secret)?);
        let aside = self.aside.join(fresh_name());
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)
            .and_then(|mut file| {
                file.write_all(&json)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&aside, file));
        if written.is_err() {
            // What is left goes with the next start.
            _ = fs::remove_file(&aside);
        }
        written?;
        sync(folder)?;
        sync(&self.root)
    }

    /// By name.
    fn read(&self, workspace: &str) -> Result<Vec<Secret>, Error> {
        let folder = self.root.join(workspace);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| internal("read the secrets", &error))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| internal("read the secrets", &error))?;
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        names.sort();
        names
            .iter()
            .map(|name| read_one(&folder.join(name), name).ok_or_else(|| unreadable(name)))
            .collect()
    }
}

/// None where the file holds no secret, whatever is wrong with it: the reason could repeat what it holds.
fn read_one(file: &Path, name: &str) -> Option<Secret> {
    let json = Zeroizing::new(fs::read(file).ok()?);
    let BoundSecret { binding, value } = serde_json::from_slice(&json).ok()?;
    let placement = match binding.placement {
        Placement::Header { name, format } => {
            swarm_flow_sandbox::Placement::Header { name, format }
        }
        Placement::Variable(name) => swarm_flow_sandbox::Placement::Variable(name),
    };
    Secret::new(name, &binding.hosts, placement, Zeroizing::new(value)).ok()
}

fn unreadable(name: &str) -> Error {
    tracing::error!("the file of the secret `{name}` cannot be read");
    Error::Internal {
        message: format!("the secret `{name}` cannot be read; put it again"),
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Has the names in a folder on disk.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use swarm_flow_protocol::Binding;

    const WORKSPACE: &str = "ws_0";

    fn files(state: &Path) -> SecretFiles {
        let aside = state.join("aside");
        fs::create_dir_all(&aside).unwrap();
        SecretFiles::open(state, aside).unwrap()
    }

    fn bound(value: &str) -> BoundSecret {
        let binding = Binding {
            hosts: vec!["https://api.example".to_owned()],
            placement: Placement::Variable("KEY".to_owned()),
        };
        let value = value.to_owned();
        BoundSecret { binding, value }
    }

    #[test]
    fn a_secret_is_a_file_for_its_owner_alone_and_is_there_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let secrets = files(state.path());
        secrets
            .put(WORKSPACE, state.path(), "A", &bound("hunter22"))
            .unwrap();
        secrets
            .put(WORKSPACE, state.path(), "A", &bound("tiger-333"))
            .unwrap();
        let folder = state.path().join("secrets").join(WORKSPACE);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state.path().join("secrets")), 0o700);
        assert_eq!((mode(&folder), mode(&folder.join("A"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(state.path().join("aside")).unwrap().count(), 0);
        let again = files(state.path()).read(WORKSPACE).unwrap();
        assert_eq!(again.len(), 1);
        assert!(
            fs::read_to_string(folder.join("A"))
                .unwrap()
                .contains("tiger-333")
        );
    }

    #[test]
    fn what_is_deleted_is_gone_once_and_for_all() {
        let state = tempfile::tempdir().unwrap();
        let secrets = files(state.path());
        for name in ["A", "B"] {
            secrets
                .put(WORKSPACE, state.path(), name, &bound("hunter22"))
                .unwrap();
        }
        secrets.delete(WORKSPACE, "A").unwrap();
        secrets.delete(WORKSPACE, "A").unwrap();
        assert_eq!(secrets.read(WORKSPACE).unwrap().len(), 1);
        assert_eq!(secrets.workspaces().unwrap(), [WORKSPACE]);
        secrets.delete_all(WORKSPACE).unwrap();
        secrets.delete_all(WORKSPACE).unwrap();
        assert!(secrets.read(WORKSPACE).unwrap().is_empty());
        assert!(secrets.workspaces().unwrap().is_empty());
    }

    #[test]
    fn a_name_cannot_leave_the_folder_and_a_workspace_has_to_be_there() {
        let state = tempfile::tempdir().unwrap();
        let secrets = files(state.path());
        let gone = state.path().join("gone");
        for (name, workspace_files) in [("../A", state.path()), (".A", state.path()), ("A", &gone)]
        {
            let put = secrets.put(WORKSPACE, workspace_files, name, &bound("hunter22"));
            assert!(put.is_err(), "{name}");
        }
        assert!(secrets.delete(WORKSPACE, "../A").is_err());
        assert!(secrets.workspaces().unwrap().is_empty());
    }

    #[test]
    fn there_are_only_so_many() {
        let state = tempfile::tempdir().unwrap();
        let secrets = files(state.path());
        let put = |name: &str| secrets.put(WORKSPACE, state.path(), name, &bound("hunter22"));
        for number in 0..SECRETS_MAX {
            put(&format!("S{number}")).unwrap();
        }
        assert!(matches!(put("ONE_MORE"), Err(Error::Conflict { .. })));
        put("S7").unwrap();
    }

    #[test]
    fn a_file_that_is_broken_is_said_by_its_name_alone() {
        let state = tempfile::tempdir().unwrap();
        let secrets = files(state.path());
        secrets
            .put(WORKSPACE, state.path(), "A", &bound("hunter22"))
            .unwrap();
        let file = state.path().join("secrets").join(WORKSPACE).join("A");
        fs::write(&file, r#"{"binding": "hunter22"}"#).unwrap();
        let Err(Error::Internal { message }) = secrets.of(WORKSPACE) else {
            panic!("it was read");
        };
        assert!(
            message.contains("`A`") && !message.contains("hunter22"),
            "{message}"
        );
        secrets
            .put(WORKSPACE, state.path(), "A", &bound("hunter22"))
            .unwrap();
        assert!(secrets.of(WORKSPACE).is_ok());
    }
}
