//! The merged module, and a small second one.

use super::link::{Func, Item, Linked, Part};
use super::reach::Reached;
use super::renumber::Renumber;
use super::table;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, Module, NameMap,
    NameSection, TableSection, TypeSection, ValType,
};
use wasmparser::DataKind;

/// The module name of all imports.
pub const HOSTS: &str = "host";

pub fn module(
    linked: &Linked,
    hosts: &[u32],
    wanted: &BTreeSet<Item>,
    reached: &Reached,
) -> Result<Vec<u8>> {
    let core = Core {
        linked,
        funcs: number(reached.funcs.iter().copied()),
        globals: number(reached.variables.iter().copied()),
    };
    let mut module = Module::new();
    module.section(&types(linked)?);
    let mut imports = ImportSection::new();
    import(linked, hosts, &mut imports)?;
    module.section(&imports);
    module.section(&core.functions(reached)?);
    core.memory(&mut module)?;
    module.section(&core.globals()?);
    module.section(&core.exports(wanted)?);
    module.section(&core.elements());
    module.section(&core.code(reached)?);
    module.section(&core.data()?);
    module.section(&core.names());
    Ok(module.finish())
}

/// A second module, for what the first could not know: it puts the late host functions into the table.
pub fn late(linked: &Linked, hosts: &[u32]) -> Result<Vec<u8>> {
    let mut imports = ImportSection::new();
    import(linked, hosts, &mut imports)?;
    let table = Item::Table(0).to_string();
    imports.import(HOSTS, &table, table::table_type(linked));
    let numbers = number(hosts.iter().copied());
    let entries = linked.late_entries();
    let entries = entries
        .iter()
        .filter_map(|(at, host)| numbers.get(host).map(|index| (*at, *index)));
    let mut module = Module::new();
    module.section(&types(linked)?);
    module.section(&imports);
    module.section(&table::elements(entries));
    Ok(module.finish())
}

fn types(linked: &Linked) -> Result<TypeSection> {
    let mut section = TypeSection::new();
    for of in &linked.types {
        let of = RoundtripReencoder.func_type(of.clone())?;
        section.ty().func_type(&of);
    }
    Ok(section)
}

fn import(linked: &Linked, hosts: &[u32], section: &mut ImportSection) -> Result<()> {
    for host in hosts {
        let of = linked.host_types.get(host);
        let of = *of.context("a host function without a type")?;
        let name = Item::Func(Func::Host(*host)).to_string();
        section.import(HOSTS, &name, EntityType::Function(of));
    }
    Ok(())
}

fn number<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, u32> {
    items.zip(0..).collect()
}

struct Core<'l, 'a> {
    linked: &'l Linked<'a>,
    /// The index of each function; host functions come first, as imports must.
    funcs: BTreeMap<Func, u32>,
    /// The index of each global that is no constant.
    globals: BTreeMap<u32, u32>,
}

impl<'l, 'a> Core<'l, 'a> {
    fn functions(&self, reached: &Reached) -> Result<FunctionSection> {
        let mut section = FunctionSection::new();
        for own in reached.own() {
            let own = self.linked.funcs.get(own as usize);
            section.function(own.context("no such function")?.type_index);
        }
        Ok(section)
    }

    fn memory(&self, module: &mut Module) -> Result<()> {
        let mut tables = TableSection::new();
        tables.table(table::table_type(self.linked));
        module.section(&tables);
        let mut memories = MemorySection::new();
        for memory in &self.linked.memories {
            memories.memory(RoundtripReencoder.memory_type(*memory)?);
        }
        module.section(&memories);
        Ok(())
    }

    fn globals(&self) -> Result<GlobalSection> {
        let mut section = GlobalSection::new();
        for global in self.globals.keys() {
            let value = self.linked.globals.get(*global as usize);
            let value = *value.context("no such global")?;
            let global_type = GlobalType {
                val_type: ValType::I32,
                mutable: true,
                shared: false,
            };
            section.global(global_type, &ConstExpr::i32_const(value));
        }
        Ok(section)
    }

    fn exports(&self, wanted: &BTreeSet<Item>) -> Result<ExportSection> {
        let mut section = ExportSection::new();
        for item in wanted {
            let (kind, index) = match item {
                Item::Func(func) => {
                    let index = self.funcs.get(func).copied();
                    (ExportKind::Func, index.context("no such function")?)
                }
                Item::Table(_) => (ExportKind::Table, 0),
                Item::Memory(index) => (ExportKind::Memory, *index),
                Item::Global(_) => bail!("an exported global is not supported"),
            };
            section.export(&item.to_string(), kind, index);
        }
        Ok(section)
    }

    fn elements(&self) -> ElementSection {
        let there = |(at, func): (&u32, &Func)| self.funcs.get(func).map(|index| (*at, *index));
        table::elements(self.linked.entries.iter().filter_map(there))
    }

    fn code(&self, reached: &Reached) -> Result<CodeSection> {
        let mut section = CodeSection::new();
        for own in reached.own() {
            let own = self.linked.funcs.get(own as usize);
            let own = own.context("no such function")?;
            let part = self.linked.parts.get(own.part).context("no such module")?;
            let body = part.module.code.get(own.body).context("no such code")?;
            self.renumber(part)
                .parse_function_body(&mut section, body.clone())?;
        }
        Ok(section)
    }

    fn data(&self) -> Result<DataSection> {
        let mut section = DataSection::new();
        for part in &self.linked.parts {
            for data in &part.module.data {
                let DataKind::Active { offset_expr, .. } = &data.kind else {
                    bail!("a data segment that is not active is not supported");
                };
                let at = self.linked.constant(part, offset_expr)?;
                section.active(0, &ConstExpr::i32_const(at), data.data.iter().copied());
            }
        }
        Ok(section)
    }

    fn names(&self) -> NameSection {
        let mut names = BTreeMap::new();
        for part in &self.linked.parts {
            for (index, name) in &part.module.names {
                let func = part.funcs.get(*index as usize);
                if let Some(func @ Func::Own(_)) = func
                    && let Some(index) = self.funcs.get(func)
                {
                    // Of a function that several modules name, its own module comes first.
                    names.entry(*index).or_insert(*name);
                }
            }
        }
        let mut map = NameMap::new();
        for (index, name) in names {
            map.append(index, name);
        }
        let mut section = NameSection::new();
        section.functions(&map);
        section
    }

    fn renumber(&self, part: &'l Part<'a>) -> Renumber<'_, 'a> {
        Renumber {
            linked: self.linked,
            part,
            funcs: &self.funcs,
            globals: &self.globals,
        }
    }
}
