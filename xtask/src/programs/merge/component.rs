//! The outer level of a component: its core parts by index, and all else in order, to be copied.

use anyhow::{Context, Result, bail};
use std::ops::Range;
use wasmparser::{
    CanonicalFunction, Chunk, ComponentAlias, Encoding, ExternalKind, Instance, Parser, Payload,
};

#[derive(Default)]
pub struct Component<'a> {
    /// What is no core part, in order.
    pub outer: Vec<Outer<'a>>,
    pub modules: Vec<&'a [u8]>,
    pub instances: Vec<Instance<'a>>,
    pub funcs: Vec<CoreFunc<'a>>,
    pub tables: Vec<CoreExport<'a>>,
    pub memories: Vec<CoreExport<'a>>,
    pub globals: Vec<CoreExport<'a>>,
}

pub enum Outer<'a> {
    Section {
        id: u8,
        data: &'a [u8],
    },
    Alias(ComponentAlias<'a>),
    /// Makes a function of the component from a core function.
    Lift(CanonicalFunction),
}

/// A core function of the component's own index space.
pub enum CoreFunc<'a> {
    /// Made by the host.
    Host(CanonicalFunction),
    Export(CoreExport<'a>),
}

#[derive(Clone, Copy)]
pub struct CoreExport<'a> {
    pub instance: u32,
    pub name: &'a str,
}

pub fn read(bytes: &[u8]) -> Result<Component<'_>> {
    let mut component = Component::default();
    let mut parser = Parser::new(0);
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).context("the file ends early")?;
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
            bail!("the file ends early");
        };
        at += consumed;
        match payload {
            Payload::Version { encoding, .. } if encoding != Encoding::Component => {
                bail!("this is no component")
            }
            Payload::Version { .. } => {}
            Payload::End(_) => return Ok(component),
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                at = usize::try_from(unchecked_range.end)?;
                component.modules.push(slice(bytes, unchecked_range)?);
            }
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                at = usize::try_from(unchecked_range.end)?;
                component.outer.push(Outer::Section {
                    id: wasm_encoder::ComponentSectionId::Component.into(),
                    data: slice(bytes, unchecked_range)?,
                });
            }
            payload => component.add(payload, bytes)?,
        }
    }
}

impl<'a> Component<'a> {
    fn add(&mut self, payload: Payload<'a>, bytes: &'a [u8]) -> Result<()> {
        match payload {
            Payload::InstanceSection(reader) => {
                for instance in reader {
                    self.instances.push(instance?);
                }
            }
            Payload::ComponentAliasSection(reader) => {
                for alias in reader {
                    self.add_alias(alias?)?;
                }
            }
            Payload::ComponentCanonicalSection(reader) => {
                for function in reader {
                    match function? {
                        lift @ CanonicalFunction::Lift { .. } => self.outer.push(Outer::Lift(lift)),
                        host => self.funcs.push(CoreFunc::Host(host)),
                    }
                }
            }
            // Names by index, and the indices of core parts change.
            Payload::CustomSection(custom) if custom.name() == "component-name" => {}
            payload => {
                let (id, range) = payload
                    .as_section()
                    .context("a part of the component is unknown")?;
                let data = slice(bytes, range)?;
                self.outer.push(Outer::Section { id, data });
            }
        }
        Ok(())
    }

    fn add_alias(&mut self, alias: ComponentAlias<'a>) -> Result<()> {
        let ComponentAlias::CoreInstanceExport {
            kind,
            instance_index: instance,
            name,
        } = alias
        else {
            self.outer.push(Outer::Alias(alias));
            return Ok(());
        };
        let export = CoreExport { instance, name };
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                self.funcs.push(CoreFunc::Export(export));
            }
            ExternalKind::Table => self.tables.push(export),
            ExternalKind::Memory => self.memories.push(export),
            ExternalKind::Global => self.globals.push(export),
            ExternalKind::Tag => bail!("tags are not supported"),
        }
        Ok(())
    }
}

fn slice(bytes: &[u8], range: Range<u64>) -> Result<&[u8]> {
    bytes
        .get(usize::try_from(range.start)?..usize::try_from(range.end)?)
        .context("the file ends early")
}
