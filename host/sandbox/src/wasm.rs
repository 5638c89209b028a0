//! A `.wasm` file as it comes: a component or a core module.

use crate::compiled::CompiledCache;
use crate::componentized::componentized;
use crate::engine::Engine;
use crate::program::Program;
use crate::service::Service;
use anyhow::{Context, Result, bail};
use wasmtime::Module;
use wasmtime::component::Component;

/// Which of the two layers of WebAssembly a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasmKind {
    Module,
    Component,
}

impl Program {
    /// Compiles the program in `bytes`, or takes it from the cache where there is one.
    pub fn from_wasm(
        engine: &Engine,
        cache: Option<&CompiledCache>,
        bytes: Vec<u8>,
    ) -> Result<Self> {
        Ok(match kind(&bytes)? {
            WasmKind::Module => Self::module(engine, &module(engine, cache, bytes)?)?,
            WasmKind::Component => Self::new(engine, &component(engine, cache, bytes)?)?,
        })
    }
}

impl Service {
    /// Compiles the component in `bytes`, or takes it from the cache where there is one.
    pub fn from_wasm(
        engine: &Engine,
        cache: Option<&CompiledCache>,
        bytes: Vec<u8>,
    ) -> Result<Self> {
        match kind(&bytes)? {
            WasmKind::Module => bail!("it is a core module; a service is a component"),
            WasmKind::Component => Ok(Self::new(engine, &component(engine, cache, bytes)?)?),
        }
    }
}

/// The component that a sandbox of a workspace runs: a core module of preview 1 becomes one, so that what it writes is
/// counted as with any other.
pub fn component_of(bytes: Vec<u8>) -> Result<Vec<u8>> {
    match kind(&bytes)? {
        WasmKind::Component => Ok(bytes),
        WasmKind::Module => componentized(&bytes),
    }
}

/// The eight bytes in front: the magic number, the version, and which of the two layers it is.
pub(crate) fn kind(bytes: &[u8]) -> Result<WasmKind> {
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Ok(WasmKind::Module),
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(WasmKind::Component),
        _ => bail!("it is no WebAssembly: it does not begin with the magic number"),
    }
}

fn component(engine: &Engine, cache: Option<&CompiledCache>, bytes: Vec<u8>) -> Result<Component> {
    let engine = engine.wasmtime();
    match cache {
        Some(cache) => cache.load_or_compile(engine, blake3::hash(&bytes).as_bytes(), || Ok(bytes)),
        None => Component::from_binary(engine, &bytes).map_err(Into::into),
    }
    .context("cannot compile the component")
}

fn module(engine: &Engine, cache: Option<&CompiledCache>, bytes: Vec<u8>) -> Result<Module> {
    let engine = engine.wasmtime();
    match cache {
        Some(cache) => {
            cache.load_or_compile_module(engine, blake3::hash(&bytes).as_bytes(), || Ok(bytes))
        }
        None => Module::from_binary(engine, &bytes).map_err(Into::into),
    }
    .context("cannot compile the module")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_told_from_the_first_bytes() {
        assert_eq!(kind(b"\0asm\x01\0\0\0").unwrap(), WasmKind::Module);
        assert_eq!(kind(b"\0asm\x0d\0\x01\0").unwrap(), WasmKind::Component);
        for other in [
            b"".as_slice(),
            b"\0asm",
            b"(module) ",
            b"\x7fELF\x02\x01\x01\0",
        ] {
            assert!(kind(other).is_err());
        }
    }
}
