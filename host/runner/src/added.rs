//! The files of users' programs: `programs/NAME.wasm` in the state folder, with `NAME.toml` beside it.
//!
//! A change is written aside and moved. The manifest says the digest of the file, so that after a crash between the two
//! moves it is known which of them belong together; what belongs to nothing is removed.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use swarm_flow_protocol::{AgentProfile, Origin, check_name};

/// The folder.
pub(crate) struct AddedFolder {
    path: PathBuf,
}

/// A program in it.
#[derive(Clone, Debug)]
pub(crate) struct AddedFile {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: blake3::Hash,
    pub(crate) agent: Option<AgentProfile>,
    pub(crate) path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: String,
    /// BLAKE3 of the file, hexadecimal.
    digest: String,
    origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<AgentProfile>,
}

impl AddedFolder {
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let path = state.join("programs");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path })
    }

    /// What is in it, in order of name, after what a crash left over was completed or removed.
    pub(crate) fn load(&self) -> Result<Vec<AddedFile>> {
        let (mut found, mut rest) = (BTreeMap::new(), Vec::new());
        let listed = || format!("cannot list {}", self.path.display());
        for entry in fs::read_dir(&self.path).with_context(listed)? {
            let path = entry.with_context(listed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match name.strip_suffix(".wasm") {
                Some(name) if check_name("name", name).is_ok() => {
                    let name = name.to_owned();
                    found.insert(name.clone(), self.recover(&name)?);
                }
                _ => rest.push(path),
            }
        }
        for path in rest {
            let manifest = path
                .extension()
                .is_some_and(|extension| extension == "toml");
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if !(manifest && matches!(found.get(&*stem), Some(Some(_)))) {
                remove_if_there(&path)?;
            }
        }
        Ok(found.into_values().flatten().collect())
    }

    /// The program whose file is there; none where no manifest is this file's.
    fn recover(&self, name: &str) -> Result<Option<AddedFile>> {
        let path = self.wasm(name);
        let mut hasher = blake3::Hasher::new();
        hasher
            .update_mmap(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let digest = hasher.finalize();
        let aside = aside(&self.manifest(name));
        let manifest = match manifest_of(&self.manifest(name), &digest) {
            Some(manifest) => manifest,
            None => match manifest_of(&aside, &digest) {
                Some(manifest) => {
                    rename(&aside, &self.manifest(name))?;
                    manifest
                }
                None => {
                    tracing::warn!(
                        "removed {}: it is not the file that was added",
                        path.display()
                    );
                    remove_if_there(&path)?;
                    remove_if_there(&self.manifest(name))?;
                    return Ok(None);
                }
            },
        };
        Ok(Some(AddedFile {
            name: name.to_owned(),
            version: manifest.version,
            digest,
            agent: manifest.agent,
            path,
        }))
    }

    /// Writes a program, or replaces one. One change at a time is the caller's to see to.
    pub(crate) fn write(
        &self,
        name: &str,
        version: &str,
        agent: Option<AgentProfile>,
        bytes: &[u8],
    ) -> Result<AddedFile> {
        let digest = blake3::hash(bytes);
        let manifest = Manifest {
            version: version.to_owned(),
            digest: digest.to_hex().to_string(),
            origin: Origin::Added,
            agent: agent.clone(),
        };
        let manifest = toml::to_string(&manifest).context("cannot write a manifest")?;
        let (wasm, toml) = (self.wasm(name), self.manifest(name));
        let written = write_aside(&wasm, bytes)
            .and_then(|()| write_aside(&toml, manifest.as_bytes()))
            .and_then(|()| rename(&aside(&wasm), &wasm));
        if let Err(error) = written {
            // What is left over goes when the runner starts.
            _ = remove_if_there(&aside(&wasm));
            _ = remove_if_there(&aside(&toml));
            return Err(error);
        }
        rename(&aside(&toml), &toml)?;
        self.sync()?;
        Ok(AddedFile {
            name: name.to_owned(),
            version: version.to_owned(),
            digest,
            agent,
            path: wasm,
        })
    }

    /// Removes a program's files. Without its manifest a file is a left-over.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        remove_if_there(&self.manifest(name))?;
        remove_if_there(&self.wasm(name))?;
        self.sync()
    }

    fn wasm(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.wasm"))
    }

    fn manifest(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.toml"))
    }

    fn sync(&self) -> Result<()> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Where a file lies before it is moved to its place. No name begins with a dot.
fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}"))
}

fn write_aside(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = aside(path);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    })
    .with_context(|| format!("cannot write {}", path.display()))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot make {}", to.display()))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A manifest, if it is of the file with this digest.
fn manifest_of(manifest: &Path, digest: &blake3::Hash) -> Option<Manifest> {
    let read = || -> Result<Manifest> {
        let manifest: Manifest = toml::from_str(&fs::read_to_string(manifest)?)?;
        if manifest.digest != digest.to_hex().as_str() {
            bail!("it is another file's");
        }
        Ok(manifest)
    };
    read().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("programs")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn loaded(state: &Path) -> Vec<(String, String)> {
        let files = AddedFolder::open(state).unwrap().load().unwrap();
        files
            .into_iter()
            .map(|file| {
                assert_eq!(blake3::hash(&fs::read(&file.path).unwrap()), file.digest);
                (file.name, file.version)
            })
            .collect()
    }

    fn pair(name: &str, version: &str) -> (String, String) {
        (name.to_owned(), version.to_owned())
    }

    #[test]
    fn what_was_written_is_there_again_and_what_was_removed_is_not() {
        let state = tempfile::tempdir().unwrap();
        let folder = AddedFolder::open(state.path()).unwrap();
        folder.write("a", "1", None, b"one").unwrap();
        // Names that differ in what their files end with.
        folder.write("a.toml", "2", None, b"two").unwrap();
        folder.write("a", "3", None, b"three").unwrap();
        let all = [pair("a", "3"), pair("a.toml", "2")];
        assert_eq!(loaded(state.path()), all);
        folder.remove("a").unwrap();
        folder.remove("a").unwrap();
        assert_eq!(loaded(state.path()), [pair("a.toml", "2")]);
        assert_eq!(names(state.path()), ["a.toml.toml", "a.toml.wasm"]);
    }

    #[test]
    fn a_crash_at_any_moment_leaves_the_former_or_the_new_program() {
        let state = tempfile::tempdir().unwrap();
        let folder = AddedFolder::open(state.path()).unwrap();
        let (wasm, toml) = (folder.wasm("a"), folder.manifest("a"));
        for moment in 0..4 {
            folder.write("a", "1", None, b"one").unwrap();
            folder.write("b", "2", None, b"new").unwrap();
            let manifest = fs::read(folder.manifest("b")).unwrap();
            folder.remove("b").unwrap();
            write_aside(&wasm, b"new").unwrap();
            if moment > 0 {
                write_aside(&toml, &manifest).unwrap();
            }
            if moment > 1 {
                rename(&aside(&wasm), &wasm).unwrap();
            }
            if moment > 2 {
                rename(&aside(&toml), &toml).unwrap();
            }
            let version = if moment < 2 { "1" } else { "2" };
            assert_eq!(loaded(state.path()), [pair("a", version)], "{moment}");
            assert_eq!(names(state.path()), ["a.toml", "a.wasm"], "{moment}");
        }
    }

    #[test]
    fn a_file_that_is_not_the_one_that_was_added_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let folder = AddedFolder::open(state.path()).unwrap();
        folder.write("a", "1", None, b"one").unwrap();
        fs::write(folder.wasm("a"), b"another").unwrap();
        fs::write(folder.wasm("alone"), b"x").unwrap();
        fs::write(folder.manifest("lonely"), b"x").unwrap();
        assert!(loaded(state.path()).is_empty());
        assert!(names(state.path()).is_empty());
    }
}
