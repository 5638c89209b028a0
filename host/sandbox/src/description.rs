//! What a program is, told from its file, and whether a sandbox has what it asks for: before anything is compiled.
//!
//! The imports are tried at the very linker of the sandboxes, so that nothing here has to know what that has. For this a
//! component is made that has the same imports and no code, which compiles at once.

use crate::componentized::Command;
use crate::engine::Engine;
use crate::guest::Guest;
use crate::program::{START, linker};
use crate::wasm::{WasmKind, component_of, kind};
use anyhow::{Context, Result, anyhow, bail};
use std::collections::BTreeSet;
use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Linker};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, WorldId, WorldItem};

/// What a program is made as, and what it asks of its sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub kind: WasmKind,
    /// The interfaces that it imports, in order of name; those of a core module are what it becomes as a component.
    pub imports: Vec<String>,
}

/// What a file has to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// `wasi:cli/run`, by which a program starts.
    Program,
    /// `swarm-flow:core/agent`, by which an agent is given tasks.
    Agent,
}

/// Describes a program or an agent. What could not run as one is an error that says why.
pub fn describe(bytes: &[u8], entry: Entry) -> Result<Description> {
    Shape::of(bytes, entry).map(|shape| shape.description())
}

/// The same, for a program that nobody has run yet: also an error is code that is not valid, and an import that a sandbox
/// does not have. The error names all of those.
pub fn examine(engine: &Engine, bytes: &[u8]) -> Result<Description> {
    examine_with::<()>(engine, &linker(engine)?, bytes, Entry::Program)
}

/// The same with a linker of one's own.
pub fn examine_with<T: 'static>(
    engine: &Engine,
    linker: &Linker<Guest<T>>,
    bytes: &[u8],
    entry: Entry,
) -> Result<Description> {
    check_code(engine, bytes)?;
    let shape = Shape::of(bytes, entry)?;
    let missing = shape.missing(linker)?;
    if !missing.is_empty() {
        bail!("{LACKING}: {}", missing.join(", "));
    }
    Ok(shape.description())
}

/// Says of a core module what would else be said of the component that it would become.
fn check_command(module: &[u8]) -> Result<()> {
    let command = Command::of(module).context("its WebAssembly is not valid")?;
    if command.says_interfaces {
        return Ok(());
    }
    if !command.unknown.is_empty() {
        bail!("{LACKING}: {}", command.unknown.join(", "));
    }
    if !command.starts {
        bail!("it does not export `{START}`, where a command of preview 1 of WASI begins");
    }
    Ok(())
}

/// Each import is tried for itself when not all are there. All of WASI are some forty.
const IMPORTS_MAX: usize = 256;
const LACKING: &str = "it imports what a sandbox does not have";
/// What every program exports.
const RUN: &str = "wasi:cli/run@0.2.";
/// What every agent exports.
const AGENT: &str = "swarm-flow:core/agent@2.";

struct Shape {
    kind: WasmKind,
    resolve: Resolve,
    world: WorldId,
}

impl Shape {
    fn of(bytes: &[u8], entry: Entry) -> Result<Self> {
        let kind = kind(bytes)?;
        if kind == WasmKind::Module && entry == Entry::Agent {
            bail!(
                "it is a core module; an agent is a component that exports `swarm-flow:core/agent`"
            );
        }
        if kind == WasmKind::Module {
            check_command(bytes)?;
        }
        let component = component_of(bytes.to_vec())?;
        let decoded = decode(&component).context("its WebAssembly is not valid")?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            bail!("it is a package of interfaces, not a program");
        };
        let shape = Self {
            kind,
            resolve,
            world,
        };
        shape.check_exports(entry)?;
        Ok(shape)
    }

    fn check_exports(&self, entry: Entry) -> Result<()> {
        let Some(world) = self.resolve.worlds.get(self.world) else {
            bail!("it has no world");
        };
        let mut exports = world.exports.keys();
        let wanted = match entry {
            Entry::Program => RUN,
            Entry::Agent => AGENT,
        };
        if exports.any(|key| self.resolve.name_world_key(key).starts_with(wanted)) {
            return Ok(());
        }
        let exports = world.exports.keys();
        let names: Vec<_> = exports
            .map(|key| format!("`{}`", self.resolve.name_world_key(key)))
            .collect();
        let instead = match names.as_slice() {
            [] => "it exports nothing".to_owned(),
            names => format!("it exports {}", names.join(", ")),
        };
        let (export, purpose) = match entry {
            Entry::Program => ("wasi:cli/run` of WASI 0.2", "by which a program starts"),
            Entry::Agent => (
                "swarm-flow:core/agent` 2",
                "by which an agent is given tasks",
            ),
        };
        Err(anyhow!(
            "it does not export `{export}, {purpose}; {instead}"
        ))
    }

    fn description(self) -> Description {
        let world = self.resolve.worlds.get(self.world);
        let imports = world.into_iter().flat_map(|world| &world.imports);
        let of_interface = |item: &WorldItem| !matches!(item, WorldItem::Type { .. });
        let imports: BTreeSet<_> = imports
            .filter(|(_, item)| of_interface(item))
            .map(|(key, _)| self.resolve.name_world_key(key))
            .collect();
        Description {
            kind: self.kind,
            imports: imports.into_iter().collect(),
        }
    }

    /// The imports that the linker does not have, each with what is wrong with it where it has a part of it.
    fn missing<T: 'static>(&self, linker: &Linker<Guest<T>>) -> Result<Vec<String>> {
        if self.tried(linker, |_| true).is_ok() {
            return Ok(Vec::new());
        }
        let world = self.resolve.worlds.get(self.world);
        if world.is_some_and(|world| world.imports.len() > IMPORTS_MAX) {
            bail!("{LACKING}, and more than {IMPORTS_MAX} interfaces");
        }
        let (mut missing, mut interfaces) = (Vec::new(), Vec::new());
        for (key, item) in world.into_iter().flat_map(|world| &world.imports) {
            let name = self.resolve.name_world_key(key);
            match item {
                WorldItem::Interface { id, .. } => {
                    let needed = self.needed(*id);
                    if let Err(error) = self.tried(linker, |id| needed.contains(&id)) {
                        interfaces.push((*id, name, error, needed));
                    }
                }
                WorldItem::Function(_) => missing.push(format!("`{name}`")),
                WorldItem::Type { .. } => {}
            }
        }
        let wrong: BTreeSet<_> = interfaces.iter().map(|(id, ..)| *id).collect();
        for (id, name, error, needed) in interfaces {
            // What only needs a missing one is not missing itself.
            if !needed
                .iter()
                .any(|other| *other != id && wrong.contains(other))
            {
                missing.push(said(&name, &error));
            }
        }
        if missing.is_empty() {
            bail!("its imports do not fit together");
        }
        Ok(missing)
    }

    /// An interface and all those whose types it uses.
    fn needed(&self, id: InterfaceId) -> BTreeSet<InterfaceId> {
        let (mut needed, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(next) = open.pop() {
            if needed.insert(next) {
                open.extend(self.resolve.interface_direct_deps(next));
            }
        }
        needed
    }

    /// Links a component that has these imports of the program's, and no code.
    fn tried<T: 'static>(
        &self,
        linker: &Linker<Guest<T>>,
        wanted: impl Fn(InterfaceId) -> bool,
    ) -> Result<()> {
        let mut resolve = self.resolve.clone();
        if let Some(world) = resolve.worlds.get_mut(self.world) {
            world.exports.clear();
            world.imports.retain(|_, item| match item {
                WorldItem::Interface { id, .. } => wanted(*id),
                WorldItem::Function(_) | WorldItem::Type { .. } => true,
            });
        }
        let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
        let mut module = dummy_module(&resolve, self.world, abi);
        embed_component_metadata(
            &mut module,
            &resolve,
            self.world,
            StringEncoding::UTF8,
            false,
        )?;
        let shell = ComponentEncoder::default().module(&module)?.encode()?;
        let shell = Component::from_binary(linker.engine(), &shell)?;
        linker.instantiate_pre(&shell)?;
        Ok(())
    }
}

/// An import, and why what the linker has under its name is another: the function that is not there.
fn said(name: &str, error: &anyhow::Error) -> String {
    let within: Vec<_> = error
        .chain()
        .map(ToString::to_string)
        .filter(|cause| cause.contains("export `"))
        .collect();
    match within.last() {
        Some(cause) => format!("`{name}` ({cause})"),
        None => format!("`{name}`"),
    }
}

/// Refuses code that the compiler would refuse. A component's parts are core modules, to any depth.
fn check_code(engine: &Engine, bytes: &[u8]) -> Result<()> {
    let check = |module: &[u8]| {
        wasmtime::Module::validate(engine.wasmtime(), module)
            .map_err(anyhow::Error::from)
            .context("its WebAssembly is not valid")
    };
    if kind(bytes)? == WasmKind::Module {
        return check(bytes);
    }
    for payload in Parser::new(0).parse_all(bytes) {
        // The payloads of nested components follow those of the outer one.
        if let Payload::ModuleSection {
            unchecked_range, ..
        } = payload.context("its WebAssembly is not valid")?
        {
            let from = usize::try_from(unchecked_range.start)?;
            let to = usize::try_from(unchecked_range.end)?;
            check(bytes.get(from..to).unwrap_or_default())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
