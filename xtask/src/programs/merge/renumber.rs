//! Code and segments of one module, with the indices of the merged one.

use super::link::{Func, Linked, Part};
use std::collections::BTreeMap;
use std::fmt;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Instruction};
use wasmparser::{FunctionBody, Operator};

pub struct Renumber<'l, 'a> {
    pub linked: &'l Linked<'a>,
    pub part: &'l Part<'a>,
    /// The index of each function in the merged module.
    pub funcs: &'l BTreeMap<Func, u32>,
    /// The index of each global in it. What is not here is a constant.
    pub globals: &'l BTreeMap<u32, u32>,
}

/// An index that leads nowhere, or to what is not supported.
#[derive(Debug)]
pub struct Unknown(pub &'static str, pub u32);

impl fmt::Display for Unknown {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{} {} is missing or not supported", self.0, self.1)
    }
}

impl std::error::Error for Unknown {}

fn look_up(list: &[u32], what: &'static str, index: u32) -> Result<u32, Error<Unknown>> {
    list.get(index as usize)
        .copied()
        .ok_or(Error::UserError(Unknown(what, index)))
}

impl Reencode for Renumber<'_, '_> {
    type Error = Unknown;

    fn type_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        look_up(&self.part.types, "type", index)
    }

    fn function_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        self.part
            .funcs
            .get(index as usize)
            .and_then(|func| self.funcs.get(func))
            .copied()
            .ok_or(Error::UserError(Unknown("function", index)))
    }

    fn table_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        look_up(&self.part.tables, "table", index).map(|_| 0)
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        look_up(&self.part.memories, "memory", index)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        let global = look_up(&self.part.globals, "global", index)?;
        let renumbered = self.globals.get(&global).copied();
        renumbered.ok_or(Error::UserError(Unknown("global", index)))
    }

    fn element_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        Err(Error::UserError(Unknown("element segment", index)))
    }

    fn data_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        Err(Error::UserError(Unknown("data segment", index)))
    }

    fn tag_index(&mut self, index: u32) -> Result<u32, Error<Unknown>> {
        Err(Error::UserError(Unknown("tag", index)))
    }

    fn instruction<'i>(
        &mut self,
        operator: Operator<'i>,
    ) -> Result<Instruction<'i>, Error<Unknown>> {
        if let Operator::GlobalGet { global_index } = operator {
            let global = look_up(&self.part.globals, "global", global_index)?;
            if !self.globals.contains_key(&global)
                && let Some(constant) = self.linked.globals.get(global as usize)
            {
                return Ok(Instruction::I32Const(*constant));
            }
        }
        utils::instruction(self, operator)
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Unknown>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            if let Operator::CallIndirect { table_index, .. }
            | Operator::ReturnCallIndirect { table_index, .. } = operator
            {
                // The entry's number is on the stack: it counts from where this table starts in the one table.
                let table = look_up(&self.part.tables, "table", table_index)?;
                let start = look_up(&self.linked.starts, "table", table)?;
                if start > 0 {
                    function.instruction(&Instruction::I32Const(start as i32));
                    function.instruction(&Instruction::I32Add);
                }
            }
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}
