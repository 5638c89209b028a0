//! Instantiation without running: what each import of each instance is bound to.

use super::component::{Component, CoreExport, CoreFunc, Outer};
use super::module::{self, Module};
use super::table;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ConstExpr, ExternalKind, FuncType, Instance,
    InstantiationArg, MemoryType, Operator, TypeRef, ValType,
};

/// A function, by its index in `Component::funcs` or in `Linked::funcs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Func {
    Host(u32),
    Own(u32),
}

/// What an import can be bound to; the numbers are indices into the lists of `Linked`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Item {
    Func(Func),
    Table(u32),
    Memory(u32),
    Global(u32),
}

/// The name that it has between the merged module and its surroundings.
impl fmt::Display for Item {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Item::Func(Func::Host(index)) => write!(to, "host-function-{index}"),
            Item::Func(Func::Own(index)) => write!(to, "function-{index}"),
            Item::Table(index) => write!(to, "table-{index}"),
            Item::Memory(index) => write!(to, "memory-{index}"),
            Item::Global(index) => write!(to, "global-{index}"),
        }
    }
}

#[derive(Default)]
pub struct Linked<'a> {
    pub parts: Vec<Part<'a>>,
    pub types: Vec<FuncType>,
    pub funcs: Vec<Own>,
    /// The sizes of the tables, which become one, and where each starts in it.
    pub tables: Vec<u32>,
    pub starts: Vec<u32>,
    /// The size of the one table, and what it holds.
    pub table_size: u32,
    pub entries: BTreeMap<u32, Func>,
    pub memories: Vec<MemoryType>,
    /// The first values of the globals.
    pub globals: Vec<i32>,
    /// Host functions that need the memory, and so exist only after the merged module does.
    pub late: BTreeSet<u32>,
    /// The types of host functions that a merged module imports.
    pub host_types: BTreeMap<u32, u32>,
    type_indices: HashMap<FuncType, u32>,
    /// What each instance exports.
    exports: Vec<HashMap<&'a str, Item>>,
}

/// A merged instance of a module: what its own indices are in `Linked`.
#[derive(Default)]
pub struct Part<'a> {
    pub module: Module<'a>,
    pub types: Vec<u32>,
    pub funcs: Vec<Func>,
    pub tables: Vec<u32>,
    pub memories: Vec<u32>,
    pub globals: Vec<u32>,
}

/// A function that a part defines.
pub struct Own {
    pub part: usize,
    /// Its index in the part's code.
    pub body: usize,
    pub type_index: u32,
}

/// `mended` is a module that stands before functions of the library that exports all that it imports.
pub fn link<'a>(component: &Component<'a>, mended: &'a [u8]) -> Result<Linked<'a>> {
    let mut linked = Linked {
        late: late(component),
        ..Linked::default()
    };
    for (index, instance) in component.instances.iter().enumerate() {
        let exports = match instance {
            Instance::FromExports(exports) => exports
                .iter()
                .map(|export| {
                    Ok((
                        export.name,
                        linked.item(component, export.kind, export.index)?,
                    ))
                })
                .collect::<Result<_>>()?,
            Instance::Instantiate { module_index, args } => {
                let exports = linked
                    .instantiate(component, *module_index, args)
                    .with_context(|| format!("core instance {index}"))?;
                linked.mend(exports, mended)?
            }
        };
        linked.exports.push(exports);
    }
    if linked.memories.len() != 1 {
        bail!("{} memories and not one", linked.memories.len());
    }
    table::join(&mut linked)?;
    Ok(linked)
}

/// What the merged module must export: for the component's own functions, and for the late host functions.
pub fn wanted(component: &Component, linked: &Linked) -> Result<BTreeSet<Item>> {
    let mut wanted = BTreeSet::new();
    let mut all = Vec::new();
    for outer in &component.outer {
        if let Outer::Lift(CanonicalFunction::Lift {
            core_func_index,
            options,
            ..
        }) = outer
        {
            wanted.insert(linked.item(component, ExternalKind::Func, *core_func_index)?);
            all.extend(options);
        }
    }
    for host in linked.late_entries().values() {
        wanted.insert(Item::Table(0));
        all.extend(options(component, *host));
    }
    for option in all {
        let (kind, index) = match option {
            CanonicalOption::Memory(index) => (ExternalKind::Memory, index),
            CanonicalOption::Realloc(index)
            | CanonicalOption::PostReturn(index)
            | CanonicalOption::Callback(index) => (ExternalKind::Func, index),
            _ => continue,
        };
        wanted.insert(linked.item(component, kind, index)?);
    }
    Ok(wanted)
}

fn late(component: &Component) -> BTreeSet<u32> {
    let needs_memory = |host: &u32| !options(component, *host).is_empty();
    (0..component.funcs.len() as u32)
        .filter(needs_memory)
        .collect()
}

fn options<'c>(component: &'c Component, host: u32) -> &'c [CanonicalOption] {
    match component.funcs.get(host as usize) {
        Some(CoreFunc::Host(CanonicalFunction::Lower { options, .. })) => options,
        _ => &[],
    }
}

impl<'a> Linked<'a> {
    /// What an index of the component's own core index spaces is.
    pub fn item(&self, component: &Component<'a>, kind: ExternalKind, index: u32) -> Result<Item> {
        let at = index as usize;
        let export = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => match component.funcs.get(at) {
                Some(CoreFunc::Host(_)) => return Ok(Item::Func(Func::Host(index))),
                Some(CoreFunc::Export(export)) => Some(export),
                None => None,
            },
            ExternalKind::Table => component.tables.get(at),
            ExternalKind::Memory => component.memories.get(at),
            ExternalKind::Global => component.globals.get(at),
            ExternalKind::Tag => bail!("tags are not supported"),
        };
        let CoreExport { instance, name } = export.context("an index without an item")?;
        self.export(*instance, name)
    }

    fn export(&self, instance: u32, name: &str) -> Result<Item> {
        self.exports
            .get(instance as usize)
            .and_then(|exports| exports.get(name))
            .copied()
            .with_context(|| format!("core instance {instance} does not export `{name}`"))
    }

    fn instantiate(
        &mut self,
        component: &Component<'a>,
        module_index: u32,
        args: &[InstantiationArg<'a>],
    ) -> Result<HashMap<&'a str, Item>> {
        let bytes = component
            .modules
            .get(module_index as usize)
            .context("an instance without a module")?;
        let module = module::read(bytes)?;
        let imports = module
            .imports
            .iter()
            .map(|import| {
                let arg = args
                    .iter()
                    .find(|arg| arg.name == import.module)
                    .with_context(|| format!("nothing is given for `{}`", import.module))?;
                self.export(arg.index, import.name)
            })
            .collect::<Result<Vec<_>>>()?;
        self.merge(module, imports)
    }

    /// What a library exports, with what stands before its functions in their place.
    fn mend(
        &mut self,
        mut exports: HashMap<&'a str, Item>,
        mended: &'a [u8],
    ) -> Result<HashMap<&'a str, Item>> {
        let module = module::read(mended)?;
        let imports = module.imports.iter();
        let found: Option<Vec<_>> = imports
            .map(|import| exports.get(import.name).copied())
            .collect();
        if let Some(imports) = found {
            let before = self.merge(module, imports).context("mend the C library")?;
            exports.extend(before);
        }
        Ok(exports)
    }

    fn merge(&mut self, module: Module<'a>, imports: Vec<Item>) -> Result<HashMap<&'a str, Item>> {
        let mut part = Part {
            types: module.types.iter().map(|of| self.intern(of)).collect(),
            ..Part::default()
        };
        for (import, item) in module.imports.iter().zip(imports) {
            self.bind(&mut part, import.ty, item)
                .with_context(|| format!("import `{}` of `{}`", import.name, import.module))?;
        }
        self.define(&mut part, &module)?;
        let exports = module
            .exports
            .iter()
            .map(|export| Ok((export.name, part.item(export.kind, export.index)?)))
            .collect::<Result<_>>()?;
        part.module = module;
        self.parts.push(part);
        Ok(exports)
    }

    fn bind(&mut self, part: &mut Part, import: TypeRef, item: Item) -> Result<()> {
        match (import, item) {
            (TypeRef::Func(of), Item::Func(func)) => {
                let wanted = *part.types.get(of as usize).context("a type is missing")?;
                let given = match func {
                    Func::Own(own) => self.funcs.get(own as usize).map(|own| own.type_index),
                    Func::Host(host) => Some(*self.host_types.entry(host).or_insert(wanted)),
                };
                if given != Some(wanted) {
                    bail!("the function is of another type");
                }
                part.funcs.push(func);
            }
            (TypeRef::Table(_), Item::Table(table)) => part.tables.push(table),
            (TypeRef::Memory(_), Item::Memory(memory)) => part.memories.push(memory),
            (TypeRef::Global(_), Item::Global(global)) => part.globals.push(global),
            _ => bail!("what is given is of another kind"),
        }
        Ok(())
    }

    fn define(&mut self, part: &mut Part, module: &Module<'a>) -> Result<()> {
        for (body, type_index) in module.functions.iter().enumerate() {
            part.funcs.push(Func::Own(next(&self.funcs)?));
            self.funcs.push(Own {
                part: self.parts.len(),
                body,
                type_index: *part
                    .types
                    .get(*type_index as usize)
                    .context("a type is missing")?,
            });
        }
        for table in &module.tables {
            part.tables.push(next(&self.tables)?);
            self.tables.push(u32::try_from(table.initial)?);
        }
        for memory in &module.memories {
            part.memories.push(next(&self.memories)?);
            self.memories.push(*memory);
        }
        for global in &module.globals {
            if global.ty.content_type != ValType::I32 {
                bail!("a global that is no `i32` is not supported");
            }
            let value = self.constant(part, &global.init_expr)?;
            part.globals.push(next(&self.globals)?);
            self.globals.push(value);
        }
        Ok(())
    }

    /// The entries of the table that only a second module can fill.
    pub fn late_entries(&self) -> BTreeMap<u32, u32> {
        let host = |(at, func): (&u32, &Func)| match func {
            Func::Host(host) if self.late.contains(host) => Some((*at, *host)),
            _ => None,
        };
        self.entries.iter().filter_map(host).collect()
    }

    /// The value of an expression, before any code runs.
    pub fn constant(&self, part: &Part, expression: &ConstExpr) -> Result<i32> {
        let mut stack = Vec::new();
        for operator in expression.get_operators_reader() {
            let value = match operator? {
                Operator::I32Const { value } => value,
                Operator::GlobalGet { global_index } => part
                    .globals
                    .get(global_index as usize)
                    .and_then(|global| self.globals.get(*global as usize))
                    .copied()
                    .context("a global is missing")?,
                Operator::I32Add => {
                    let (left, right) = (stack.pop(), stack.pop());
                    i32::wrapping_add(left.unwrap_or_default(), right.unwrap_or_default())
                }
                Operator::End => break,
                operator => bail!("a constant with {operator:?} is not supported"),
            };
            stack.push(value);
        }
        stack.pop().context("a constant without a value")
    }

    fn intern(&mut self, of: &FuncType) -> u32 {
        let next = self.types.len() as u32;
        *self.type_indices.entry(of.clone()).or_insert_with(|| {
            self.types.push(of.clone());
            next
        })
    }
}

impl Part<'_> {
    pub fn func(&self, index: u32) -> Result<Func> {
        let func = self.funcs.get(index as usize).copied();
        func.context("no such function")
    }

    fn item(&self, kind: ExternalKind, index: u32) -> Result<Item> {
        let at = index as usize;
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                self.funcs.get(at).copied().map(Item::Func)
            }
            ExternalKind::Table => self.tables.get(at).copied().map(Item::Table),
            ExternalKind::Memory => self.memories.get(at).copied().map(Item::Memory),
            ExternalKind::Global => self.globals.get(at).copied().map(Item::Global),
            ExternalKind::Tag => None,
        }
        .context("an export without an item")
    }
}

fn next<T>(list: &[T]) -> Result<u32> {
    Ok(u32::try_from(list.len())?)
}
