//! Links the core modules of a component into one, for good.
//!
//! A component that was made of shared libraries instantiates each of them, and they share a memory, a table and
//! some thousand globals by importing them. That is dear where a sandbox lives for a millisecond: Wasmtime writes
//! every function into an imported table at each start, but fills a module's own table as its entries are used. It
//! also keeps code from being as fast as it could: an address that no longer changes is loaded from a global of
//! another module, and each access to memory goes through a pointer to another instance.
//!
//! So everything that instantiation would do is done here: imports become what they were bound to, tables become one
//! with constant entries, globals that nobody writes become constants, and functions that nobody can reach are left
//! out. The component's types, imports and exports stay as they are. Some host functions need the memory and so can
//! exist only after it: where the component called them through a table, a second, small module puts them into it.
//!
//! One thing is mended on the way: what the C library does wrong with a file that is read and written (`merge/mended.wat`).
//!
//! What no builder of such components makes is refused and not guessed: start functions, passive segments, tags,
//! several memories, tables that change, globals other than `i32`.

mod component;
mod core;
mod link;
mod module;
mod reach;
mod renumber;
mod table;
mod write;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use wasmparser::Validator;

/// Stands before functions of the C library.
const MENDED: &str = include_str!("merge/mended.wat");

/// The same component with one core module, and what was kept apart.
pub fn merge(bytes: &[u8]) -> Result<Vec<u8>> {
    let component = component::read(bytes).context("cannot read the component")?;
    let mended = wat::parse_str(MENDED).context("read what stands before the C library")?;
    let linked = link::link(&component, &mended).context("cannot link the core modules")?;
    let wanted = link::wanted(&component, &linked)?;
    let reached = reach::reach(&linked, &wanted)?;
    let merged = write::component(&component, &linked, &wanted, &reached)?;
    Validator::new()
        .validate_all(&merged)
        .context("the merged component is not valid")?;
    Ok(merged)
}
