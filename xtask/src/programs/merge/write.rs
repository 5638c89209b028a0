//! The component around the merged module.

use super::component::{Component, CoreFunc, Outer};
use super::core;
use super::link::{Func, Item, Linked};
use super::reach::Reached;
use super::renumber::Unknown;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, RoundtripReencoder};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentSectionId, ExportKind,
    InstanceSection, ModuleArg, RawSection,
};
use wasmparser::ExternalKind;

/// The merged module's instance; the first is of what it imports.
const INSTANCE: u32 = 1;

pub fn component(
    component: &Component,
    linked: &Linked,
    wanted: &BTreeSet<Item>,
    reached: &Reached,
) -> Result<Vec<u8>> {
    let mut writer = Writer {
        component,
        linked,
        out: wasm_encoder::Component::new(),
        items: BTreeMap::new(),
        funcs: 0,
        modules: 0,
    };
    let mut core = false;
    for outer in &component.outer {
        match outer {
            Outer::Section { id, data } => drop(writer.out.section(&RawSection { id: *id, data })),
            Outer::Alias(alias) => {
                let mut aliases = ComponentAliasSection::new();
                aliases.alias(RoundtripReencoder.component_alias(alias.clone())?);
                writer.out.section(&aliases);
            }
            Outer::Lift(lift) => {
                if !core {
                    core = true;
                    writer.core(wanted, reached)?;
                }
                let mut section = CanonicalFunctionSection::new();
                writer.parse_component_canonical(&mut section, lift.clone())?;
                writer.out.section(&section);
            }
        }
    }
    Ok(writer.out.finish())
}

struct Writer<'l, 'a> {
    component: &'l Component<'a>,
    linked: &'l Linked<'a>,
    out: wasm_encoder::Component,
    /// The core index that an item has in the component.
    items: BTreeMap<Item, u32>,
    funcs: u32,
    /// Each has two instances: of what it imports, and its own.
    modules: u32,
}

impl Writer<'_, '_> {
    fn core(&mut self, wanted: &BTreeSet<Item>, reached: &Reached) -> Result<()> {
        let hosts: Vec<u32> = reached.hosts().collect();
        self.hosts(&hosts)?;
        let module = core::module(self.linked, &hosts, wanted, reached)?;
        let given = hosts.iter().map(|host| Item::Func(Func::Host(*host)));
        self.instance(&module, &given.collect::<Vec<_>>())?;
        self.aliases(wanted)?;

        let late: BTreeSet<u32> = self.linked.late_entries().into_values().collect();
        if late.is_empty() {
            return Ok(());
        }
        let late: Vec<u32> = late.into_iter().collect();
        self.hosts(&late)?;
        let module = core::late(self.linked, &late)?;
        let given = late.iter().map(|host| Item::Func(Func::Host(*host)));
        let given = given.chain([Item::Table(0)]);
        self.instance(&module, &given.collect::<Vec<_>>())
    }

    fn instance(&mut self, module: &[u8], given: &[Item]) -> Result<()> {
        let names: Vec<String> = given.iter().map(Item::to_string).collect();
        let exports = given
            .iter()
            .zip(&names)
            .map(|(item, name)| Ok((name.as_str(), kind(item), self.index(*item)?)))
            .collect::<Result<Vec<_>>>()?;
        let mut instances = InstanceSection::new();
        instances.export_items(exports);
        let hosts = [(core::HOSTS, ModuleArg::Instance(2 * self.modules))];
        instances.instantiate(self.modules, hosts);
        let id = ComponentSectionId::CoreModule.into();
        self.out.section(&RawSection { id, data: module });
        self.out.section(&instances);
        self.modules += 1;
        Ok(())
    }

    /// Host functions; each gets the next index.
    fn hosts(&mut self, hosts: &[u32]) -> Result<()> {
        let mut section = CanonicalFunctionSection::new();
        for &host in hosts {
            let Some(CoreFunc::Host(function)) = self.component.funcs.get(host as usize) else {
                bail!("no such host function")
            };
            self.parse_component_canonical(&mut section, function.clone())?;
            self.items.insert(Item::Func(Func::Host(host)), self.funcs);
            self.funcs += 1;
        }
        self.out.section(&section);
        Ok(())
    }

    fn aliases(&mut self, wanted: &BTreeSet<Item>) -> Result<()> {
        let mut section = ComponentAliasSection::new();
        let (mut tables, mut memories) = (0, 0);
        for item in wanted {
            let count = match item {
                Item::Func(Func::Own(_)) => &mut self.funcs,
                Item::Table(_) => &mut tables,
                Item::Memory(_) => &mut memories,
                item => bail!("{item} would have to be exported"),
            };
            self.items.insert(*item, *count);
            *count += 1;
            section.alias(Alias::CoreInstanceExport {
                instance: INSTANCE,
                kind: kind(item),
                name: &item.to_string(),
            });
        }
        self.out.section(&section);
        Ok(())
    }

    fn index(&self, item: Item) -> Result<u32> {
        let index = self.items.get(&item).copied();
        index.with_context(|| format!("{item} is used before it is there"))
    }

    fn renumbered(&self, kind: ExternalKind, index: u32) -> Option<u32> {
        let item = self.linked.item(self.component, kind, index).ok()?;
        self.items.get(&item).copied()
    }
}

fn kind(item: &Item) -> ExportKind {
    match item {
        Item::Func(_) => ExportKind::Func,
        Item::Table(_) => ExportKind::Table,
        Item::Memory(_) => ExportKind::Memory,
        Item::Global(_) => ExportKind::Global,
    }
}

/// Parts of the component keep their indices; core items have new ones.
impl Reencode for Writer<'_, '_> {
    type Error = Unknown;

    fn function_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        self.renumbered(ExternalKind::Func, index)
            .ok_or(Error::UserError(Unknown("core function", index)))
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        self.renumbered(ExternalKind::Memory, index)
            .ok_or(Error::UserError(Unknown("core memory", index)))
    }
}

impl ReencodeComponent for Writer<'_, '_> {}
