//! Tables become one, each behind the one before. Its segments have plain numbers and it cannot grow: then Wasmtime
//! fills an entry when it is used.

use super::link::{Func, Linked, Part};
use anyhow::{Context, Result, bail};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use wasm_encoder::{ConstExpr, ElementSection, Elements, RefType, TableType};
use wasmparser::{Element, ElementItems, ElementKind};

/// Places the tables and reads what they hold. The largest starts at zero, so that most code need not count.
pub fn join(linked: &mut Linked) -> Result<()> {
    let mut order: Vec<usize> = (0..linked.tables.len()).collect();
    order.sort_by_key(|table| Reverse(linked.tables.get(*table)));
    linked.starts = vec![0; linked.tables.len()];
    for table in order {
        if let (Some(start), Some(size)) = (linked.starts.get_mut(table), linked.tables.get(table))
        {
            *start = linked.table_size;
            let size = linked.table_size.checked_add(*size);
            linked.table_size = size.context("the tables are too large")?;
        }
    }
    let mut entries = BTreeMap::new();
    for part in &linked.parts {
        for element in &part.module.elements {
            fill(linked, part, element, &mut entries)?;
        }
    }
    linked.entries = entries;
    Ok(())
}

fn fill(
    linked: &Linked,
    part: &Part,
    element: &Element,
    entries: &mut BTreeMap<u32, Func>,
) -> Result<()> {
    let ElementKind::Active {
        table_index,
        offset_expr,
    } = &element.kind
    else {
        bail!("an element segment that is not active is not supported");
    };
    let ElementItems::Functions(functions) = &element.items else {
        bail!("a table's entries that are expressions are not supported");
    };
    let table = part.tables.get(table_index.unwrap_or(0) as usize);
    let table = *table.context("no such table")? as usize;
    let (Some(start), Some(size)) = (linked.starts.get(table), linked.tables.get(table)) else {
        bail!("no such table");
    };
    let at = u32::try_from(linked.constant(part, offset_expr)?)?;
    if u64::from(at) + u64::from(functions.count()) > u64::from(*size) {
        bail!("an element segment that is longer than its table");
    }
    for (at, index) in (start + at..).zip(functions.clone()) {
        entries.insert(at, part.func(index?)?);
    }
    Ok(())
}

pub fn table_type(linked: &Linked) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: linked.table_size.into(),
        maximum: Some(linked.table_size.into()),
        shared: false,
    }
}

/// A segment for each run of entries that follow each other; an entry is its place and a function.
pub fn elements(entries: impl Iterator<Item = (u32, u32)>) -> ElementSection {
    let mut runs: Vec<(u32, Vec<u32>)> = Vec::new();
    for (at, func) in entries {
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() as u32 == at => run.push(func),
            _ => runs.push((at, vec![func])),
        }
    }
    let mut section = ElementSection::new();
    for (start, run) in runs {
        let start = ConstExpr::i32_const(start as i32);
        section.active(None, &start, Elements::Functions(Cow::Owned(run)));
    }
    section
}
