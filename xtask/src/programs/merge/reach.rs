//! What of the merged modules can be used: functions that something reaches, globals that something writes.

use super::link::{Func, Item, Linked, Part};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use wasmparser::{FunctionBody, Operator};

pub struct Reached {
    /// In the order of the merged modules.
    pub funcs: BTreeSet<Func>,
    /// Globals that some function writes. All others are constants.
    pub variables: BTreeSet<u32>,
}

/// From what is exported, and from what a table holds: any function may be called through it.
pub fn reach(linked: &Linked, wanted: &BTreeSet<Item>) -> Result<Reached> {
    let mut reached = Reached {
        funcs: BTreeSet::new(),
        variables: BTreeSet::new(),
    };
    let is_there = |func: &Func| !matches!(func, Func::Host(host) if linked.late.contains(host));
    let mut waiting: Vec<Func> = linked.entries.values().copied().filter(is_there).collect();
    for item in wanted {
        if let Item::Func(func) = item {
            waiting.push(*func);
        }
    }
    while let Some(func) = waiting.pop() {
        if !is_there(&func) {
            bail!("a function calls the host before it could");
        }
        if reached.funcs.insert(func)
            && let Func::Own(own) = func
        {
            let own = linked.funcs.get(own as usize).context("no such function")?;
            let part = linked.parts.get(own.part).context("no such module")?;
            let body = part.module.code.get(own.body).context("no such code")?;
            reached.scan(part, body, &mut waiting)?;
        }
    }
    Ok(reached)
}

impl Reached {
    pub fn hosts(&self) -> impl Iterator<Item = u32> {
        self.funcs.iter().filter_map(|func| match func {
            Func::Host(host) => Some(*host),
            Func::Own(_) => None,
        })
    }

    pub fn own(&self) -> impl Iterator<Item = u32> {
        self.funcs.iter().filter_map(|func| match func {
            Func::Own(own) => Some(*own),
            Func::Host(_) => None,
        })
    }

    fn scan(&mut self, part: &Part, body: &FunctionBody, waiting: &mut Vec<Func>) -> Result<()> {
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    waiting.push(part.func(function_index)?);
                }
                Operator::GlobalSet { global_index } => {
                    let global = part.globals.get(global_index as usize);
                    self.variables.insert(*global.context("no such global")?);
                }
                operator @ (Operator::RefFunc { .. }
                | Operator::TableGet { .. }
                | Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableSize { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }) => bail!("{operator:?} is not supported"),
                _ => {}
            }
        }
        Ok(())
    }
}
