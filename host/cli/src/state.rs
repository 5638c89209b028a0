//! The state folder: whose it is, and the tokens in it.

use anyhow::{Context, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A state folder that belongs to this process as long as this lives.
pub struct State {
    path: PathBuf,
    _lock: File,
}

/// A bearer token, and whether it was made just now.
pub struct Token {
    pub value: String,
    pub made: bool,
}

/// Makes the folder when it is not there, for its owner alone, and gives back where it is.
pub fn folder(path: &Path) -> Result<PathBuf> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| {
            format!(
                "cannot make the state folder {}; choose another by --state",
                path.display()
            )
        })?;
    path.canonicalize()
        .with_context(|| format!("cannot find {}", path.display()))
}

impl State {
    /// Opens the folder, and makes it when it is not there.
    pub fn open(path: &Path) -> Result<Self> {
        let path = folder(path)?;
        let lock = path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .with_context(|| {
                format!(
                    "cannot write to the state folder {}; choose another by --state",
                    path.display()
                )
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _lock: file }),
            Err(fs::TryLockError::WouldBlock) => {
                bail!(
                    "the state folder {} is in use by another `swarm-flow`; stop that, or choose another by --state",
                    path.display()
                )
            }
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", lock.display()))
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of an environment variable, else what the file holds, else a new one that the file then holds.
    pub fn token(&self, variable: &str, file: &str) -> Result<Token> {
        if let Ok(value) = std::env::var(variable) {
            if value.len() < TOKEN_BYTES_MIN || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                bail!(
                    "{variable} is no token: give at least {TOKEN_BYTES_MIN} visible ASCII characters"
                );
            }
            return Ok(Token { value, made: false });
        }
        self.secret(file)
    }

    /// The name under which a runner is known, made once.
    pub fn runner_id(&self) -> Result<String> {
        let path = self.path.join("runner-id");
        match fs::read_to_string(&path) {
            Ok(id) => Ok(id.trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let id = format!(
                    "runner-{}",
                    &random_hex().context("cannot make a name")?[..12]
                );
                write_whole(&path, &id)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(id)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn secret(&self, file: &str) -> Result<Token> {
        let path = self.path.join(file);
        match fs::read_to_string(&path) {
            Ok(value) if value.trim().len() >= TOKEN_BYTES_MIN => Ok(Token {
                value: value.trim().to_owned(),
                made: false,
            }),
            Ok(_) => bail!(
                "{} holds no token; remove it and start again to have one made",
                path.display()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let value = random_hex().context("cannot make a token")?;
                write_whole(&path, &value)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(Token { value, made: true })
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// Fewer can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

fn random_hex() -> std::io::Result<String> {
    let mut bytes = [0_u8; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// For the owner alone, and never half there.
pub fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        let made = state.token("SWARM_FLOW_NO_SUCH_VARIABLE", "token").unwrap();
        let kept = state.token("SWARM_FLOW_NO_SUCH_VARIABLE", "token").unwrap();
        assert!(made.made && !kept.made);
        assert_eq!(made.value, kept.value);
        let mode = fs::metadata(folder.path().join("token"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_state_folder_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let first = State::open(folder.path()).unwrap();
        let second = State::open(folder.path()).err().unwrap();
        assert!(
            format!("{second:#}").contains("in use by another"),
            "{second:#}"
        );
        drop(first);
        State::open(folder.path()).unwrap();
    }
}
