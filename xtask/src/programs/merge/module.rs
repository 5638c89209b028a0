//! A core module, taken apart.

use anyhow::{Result, bail};
use wasmparser::{
    Data, Element, Export, FuncType, FunctionBody, Global, Import, KnownCustom, MemoryType, Name,
    Parser, Payload, TableInit, TableType,
};

#[derive(Default)]
pub struct Module<'a> {
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// The types of its own functions.
    pub functions: Vec<u32>,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export<'a>>,
    pub elements: Vec<Element<'a>>,
    pub code: Vec<FunctionBody<'a>>,
    pub data: Vec<Data<'a>>,
    /// Names of functions, for traces.
    pub names: Vec<(u32, &'a str)>,
}

pub fn read(bytes: &[u8]) -> Result<Module<'_>> {
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(bytes) {
        module.add(payload?)?;
    }
    Ok(module)
}

impl<'a> Module<'a> {
    fn add(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(reader) => {
                for function in reader.into_iter_err_on_gc_types() {
                    self.types.push(function?);
                }
            }
            Payload::ImportSection(reader) => append(&mut self.imports, reader.into_imports())?,
            Payload::FunctionSection(reader) => append(&mut self.functions, reader)?,
            Payload::TableSection(reader) => {
                for table in reader {
                    let table = table?;
                    if !matches!(table.init, TableInit::RefNull) {
                        bail!("a table with a first value is not supported");
                    }
                    self.tables.push(table.ty);
                }
            }
            Payload::MemorySection(reader) => append(&mut self.memories, reader)?,
            Payload::GlobalSection(reader) => append(&mut self.globals, reader)?,
            Payload::ExportSection(reader) => append(&mut self.exports, reader)?,
            Payload::ElementSection(reader) => append(&mut self.elements, reader)?,
            Payload::CodeSectionEntry(body) => self.code.push(body),
            Payload::DataSection(reader) => append(&mut self.data, reader)?,
            Payload::CustomSection(custom) => {
                if let KnownCustom::Name(names) = custom.as_known() {
                    self.add_names(names)?;
                }
            }
            Payload::StartSection { .. } => bail!("a start function is not supported"),
            Payload::TagSection(_) => bail!("tags are not supported"),
            _ => {}
        }
        Ok(())
    }

    fn add_names(&mut self, names: wasmparser::NameSectionReader<'a>) -> Result<()> {
        for part in names {
            if let Name::Function(functions) = part? {
                for naming in functions {
                    let naming = naming?;
                    self.names.push((naming.index, naming.name));
                }
            }
        }
        Ok(())
    }
}

fn append<T>(
    list: &mut Vec<T>,
    items: impl IntoIterator<Item = wasmparser::Result<T>>,
) -> Result<()> {
    for item in items {
        list.push(item?);
    }
    Ok(())
}
