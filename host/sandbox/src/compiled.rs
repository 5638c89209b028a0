//! Compiled components on disk, so that each is compiled once.
//!
//! A compiled file is native code: loading a changed one would run it. So each has a tag beside it, a BLAKE3
//! hash keyed with a secret of this folder, and a file whose tag is wrong is compiled again, never loaded.

use crate::engine::Engine;
use std::fs::{self, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::component::Component;
use wasmtime::{Result, error::Context};

/// A folder of compiled components.
#[derive(Clone)]
pub struct CompiledCache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

impl CompiledCache {
    /// Opens the folder, and makes it and its secret when they are not there.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("key");
        let key = read_or_make_key(&path).with_context(|| format!("cannot read or make {}", path.display()))?;
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// The component that `source` identifies: loaded when it was compiled before, else compiled from `bytes`.
    ///
    /// `source` is a digest over everything that `bytes` is made from, so that `bytes` need not be made to
    /// find out that it is not needed.
    pub fn component(
        &self,
        engine: &Engine,
        source: &blake3::Hash,
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Component> {
        let path = self.path(engine, source);
        match self.load(engine, &path) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => {}
            Err(error) => tracing::warn!(path = %path.display(), "compiling again: {error:#}"),
        }
        let component = Component::new(engine.wasmtime(), bytes()?).context("cannot compile the component")?;
        // Not keeping it costs time at the next start, nothing else.
        if let Err(error) = self.store(&component, &path) {
            tracing::warn!(path = %path.display(), "cannot keep the compiled component: {error:#}");
        }
        Ok(component)
    }

    /// Whether [`Self::component`] would have to compile.
    pub fn has(&self, engine: &Engine, source: &blake3::Hash) -> bool {
        self.path(engine, source).exists()
    }

    fn path(&self, engine: &Engine, source: &blake3::Hash) -> PathBuf {
        let mut compatibility = Compatibility(blake3::Hasher::new());
        engine.wasmtime().precompile_compatibility_hash().hash(&mut compatibility);
        compatibility.0.update(source.as_bytes());
        self.folder.join(format!("{}.cwasm", compatibility.0.finalize().to_hex()))
    }

    fn load(&self, engine: &Engine, path: &Path) -> Result<Option<Component>> {
        let tag = match fs::read(path.with_extension("tag")) {
            Ok(tag) => tag,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let expected = self.tag(path)?;
        let found = <[u8; blake3::OUT_LEN]>::try_from(tag.as_slice()).map(blake3::Hash::from_bytes);
        if found.ok() != Some(expected) {
            wasmtime::bail!("the file is not what was compiled");
        }
        // SAFETY: the file is what this process, or another one that knows the secret, wrote.
        unsafe { Component::deserialize_file(engine.wasmtime(), path) }.map(Some)
    }

    fn tag(&self, path: &Path) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update_mmap(path)?;
        Ok(hasher.finalize())
    }

    fn store(&self, component: &Component, path: &Path) -> Result<()> {
        let bytes = component.serialize()?;
        let tag = blake3::keyed_hash(&self.key, &bytes);
        replace(path, &bytes)?;
        replace(&path.with_extension("tag"), tag.as_bytes())?;
        Ok(())
    }
}

/// Writes a file as a whole: two processes may compile the same component at once.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&temporary, path)
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    let mut key = [0; blake3::KEY_LEN];
    match fs::File::open(path) {
        Ok(mut file) => {
            file.read_exact(&mut key)?;
            return Ok(key);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(&key)?;
    // A link fails where another process was first; then its key is the one.
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::File::open(path)?.read_exact(&mut key)?;
            Ok(key)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(key),
    }
}

/// What the engine says of its compatibility, as a digest that is the same in every process.
struct Compatibility(blake3::Hasher);

impl Hasher for Compatibility {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}
