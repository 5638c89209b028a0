//! Compiled programs, kept on disk.
//!
//! A compiled file is native code and loading it is as much as running it. So each has a tag beside it, a
//! BLAKE3 hash keyed with a secret that only the owner of the folder can read, and is loaded only if the tag
//! is right. A wrong tag or a missing file is no error: the component is compiled again.
//!
//! The folder is bounded (`room`): what nobody used for long goes when there is too much.
//!
//! What this does not guard against is someone who can write to the folder *and* read the key: that is the
//! user who runs this process.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash as _, Hasher};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rayon::{ThreadPool, ThreadPoolBuilder};
use rustix::thread::gettid;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

const KEY_BYTES: usize = blake3::KEY_LEN;

mod room;

/// A folder of compiled components.
#[derive(Clone)]
pub struct CompiledCache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
    bytes_max: u64,
}

/// What a folder may hold when nobody says.
const COMPILED_BYTES_MAX: u64 = 4 << 30;

impl CompiledCache {
    /// Opens the folder, or makes it, with its key.
    pub fn open(directory: &Path) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot make the folder {}", directory.display()))?;
        let key = key(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            key,
            bytes_max: COMPILED_BYTES_MAX,
        })
    }

    /// The same with room for so much. What this process used stays, also beyond that.
    pub fn with_bytes_max(self, bytes_max: u64) -> Self {
        Self { bytes_max, ..self }
    }

    /// The component that `inputs` identifies: from the folder, or made by compiling `bytes()`.
    ///
    /// `inputs` is everything that the component is made from, in any encoding of the caller's. It and the
    /// engine's settings name the file, so a change of either compiles anew.
    pub fn load_or_compile(
        &self,
        engine: &Engine,
        inputs: &[u8],
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Component> {
        self.load_or_make(engine, inputs, bytes)
    }

    /// The same for a core module.
    pub fn load_or_compile_module(
        &self,
        engine: &Engine,
        inputs: &[u8],
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Module> {
        self.load_or_make(engine, inputs, bytes)
    }

    fn load_or_make<C: Code>(
        &self,
        engine: &Engine,
        inputs: &[u8],
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<C> {
        let path = self.path(engine, inputs);
        if let Some(code) = self.load(engine, &path) {
            return Ok(code);
        }
        let start = Instant::now();
        let bytes = bytes()?;
        let compiled = compilers()?.install(|| C::compile(engine, &bytes))?;
        tracing::info!(
            milliseconds = start.elapsed().as_millis(),
            bytes = compiled.len(),
            "compiled a program"
        );
        let stored = self.store(&path, &compiled);
        room::make(&self.directory, self.bytes_max);
        match stored {
            // Mapped from the file, its pages are shared and can be given back; from memory they could not.
            Ok(()) => match self.load(engine, &path) {
                Some(code) => Ok(code),
                None => from_memory(engine, &compiled),
            },
            Err(error) => {
                tracing::warn!("cannot keep a compiled program: {error:#}");
                from_memory(engine, &compiled)
            }
        }
    }

    /// Whether [`Self::load_or_compile`] would most likely not have to compile.
    pub fn has(&self, engine: &Engine, inputs: &[u8]) -> bool {
        self.path(engine, inputs).exists()
    }

    fn path(&self, engine: &Engine, inputs: &[u8]) -> PathBuf {
        self.directory
            .join(format!("{}.cwasm", name(engine, inputs)))
    }

    fn load<C: Code>(&self, engine: &Engine, path: &Path) -> Option<C> {
        match self.check(path) {
            Ok(true) => room::used(path),
            Ok(false) => return None,
            Err(error) => {
                tracing::warn!("compiling again what is in {}: {error:#}", path.display());
                return None;
            }
        }
        // SAFETY: the tag shows that the file is what this crate wrote, from `Code::compile`.
        match unsafe { C::from_file(engine, path) } {
            Ok(code) => Some(code),
            Err(error) => {
                tracing::warn!("compiling again what is in {}: {error:#}", path.display());
                None
            }
        }
    }

    /// Whether the file is there; an error if it is not what was written.
    fn check(&self, path: &Path) -> Result<bool> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).context("cannot open the file"),
        };
        let tag = fs::read(tag_path(path)).context("cannot read its tag")?;
        let tag: [u8; blake3::OUT_LEN] = tag
            .try_into()
            .ok()
            .context("its tag has the wrong length")?;
        let mut hasher = self.hasher(path);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer).context("cannot read the file")? {
                0 => break,
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            };
        }
        // This comparison takes the same time wherever the two differ.
        ensure!(
            hasher.finalize() == blake3::Hash::from_bytes(tag),
            "its tag is wrong"
        );
        Ok(true)
    }

    fn store(&self, path: &Path, compiled: &[u8]) -> Result<()> {
        room::keep(path);
        let tag = self.hasher(path).update(compiled).finalize();
        write_and_rename(&tag_path(path), tag.as_bytes())?;
        write_and_rename(path, compiled)
    }

    /// The name is part of what is tagged, so that one file cannot be put in another's place.
    fn hasher(&self, path: &Path) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher
    }
}

/// What a compiler's threads are behind the others, in the kernel's steps: nobody else waits for a program that is compiled.
const COMPILER_NICE: i32 = 10;

/// The threads that compile, one for each core.
fn compilers() -> Result<&'static ThreadPool> {
    static COMPILERS: OnceLock<ThreadPool> = OnceLock::new();
    if let Some(compilers) = COMPILERS.get() {
        return Ok(compilers);
    }
    let slow_down = |_| {
        // Then it is as quick as the others, which is no harm where there are none.
        _ = rustix::process::setpriority_process(Some(gettid()), COMPILER_NICE);
    };
    let started = ThreadPoolBuilder::new()
        .thread_name(|number| format!("compiler-{number}"))
        .start_handler(slow_down)
        .build()
        .context("cannot start the threads that compile")?;
    Ok(COMPILERS.get_or_init(|| started))
}

fn from_memory<C: Code>(engine: &Engine, compiled: &[u8]) -> Result<C> {
    // SAFETY: these bytes came from `Code::compile` a moment ago.
    Ok(unsafe { C::from_bytes(engine, compiled) }?)
}

/// The two kinds of code that there are.
trait Code: Sized {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>>;

    /// # Safety
    ///
    /// The file is from [`Self::compile`] and nobody changes it.
    unsafe fn from_file(engine: &Engine, path: &Path) -> wasmtime::Result<Self>;

    /// # Safety
    ///
    /// The bytes are from [`Self::compile`].
    unsafe fn from_bytes(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self>;
}

impl Code for Component {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_component(bytes)
    }

    unsafe fn from_file(engine: &Engine, path: &Path) -> wasmtime::Result<Self> {
        // SAFETY: what the caller promises.
        unsafe { Self::deserialize_file(engine, path) }
    }

    unsafe fn from_bytes(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: what the caller promises.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

impl Code for Module {
    fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        engine.precompile_module(bytes)
    }

    unsafe fn from_file(engine: &Engine, path: &Path) -> wasmtime::Result<Self> {
        // SAFETY: what the caller promises.
        unsafe { Self::deserialize_file(engine, path) }
    }

    unsafe fn from_bytes(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: what the caller promises.
        unsafe { Self::deserialize(engine, compiled) }
    }
}

fn name(engine: &Engine, inputs: &[u8]) -> blake3::Hash {
    let mut hasher = BlakeHasher(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.update(inputs);
    hasher.0.finalize()
}

/// Takes what wasmtime has to say about compatibility into a hash that collides with nothing.
struct BlakeHasher(blake3::Hasher);

impl Hasher for BlakeHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn key(directory: &Path) -> Result<[u8; KEY_BYTES]> {
    let path = directory.join("key");
    if let Some(key) = read_key(&path)? {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    let mut random = File::open("/dev/urandom").context("cannot open /dev/urandom")?;
    random
        .read_exact(&mut key)
        .context("cannot read /dev/urandom")?;
    // Of two processes that start at once, the one whose link comes second uses the other's key.
    let temporary = temporary_path(&path);
    write_new(&temporary, &key)?;
    let linked = fs::hard_link(&temporary, &path);
    fs::remove_file(&temporary).ok();
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot make {}", path.display()))
        }
        _ => read_key(&path)?.with_context(|| format!("{} is gone", path.display())),
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>> {
    match fs::read(path) {
        Ok(key) => {
            let key = key.try_into().ok();
            Ok(Some(key.with_context(|| {
                format!(
                    "{} is no key; remove it to have a new one made",
                    path.display()
                )
            })?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn tag_path(path: &Path) -> PathBuf {
    path.with_extension("tag")
}

fn write_and_rename(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = temporary_path(path);
    let written = write_new(&temporary, content).and_then(|()| {
        fs::rename(&temporary, path).with_context(|| format!("cannot make {}", path.display()))
    });
    if written.is_err() {
        fs::remove_file(&temporary).ok();
    }
    written
}

fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(content))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn temporary_path(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("{}-{number}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests;
