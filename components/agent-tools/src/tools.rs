//! The tools: each is one call, `list-files` one for each thousand entries.

use crate::binding::bound;
use crate::bindings::types::{Command, Error, ExecResult, FileInfo, PageRequest};
use crate::bindings::workspace;

/// The largest page.
const PAGE_ITEMS: u32 = 1000;

pub fn exec(command: &Command) -> Result<ExecResult, Error> {
    workspace::exec(&bound()?, command)
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Error> {
    workspace::read_file(&bound()?, path, None).map(|content| content.bytes)
}

pub fn write_file(path: &str, bytes: &[u8]) -> Result<(), Error> {
    workspace::write_file(&bound()?, path, bytes).map(drop)
}

pub fn list_files(path: &str, recursive: bool) -> Result<Vec<FileInfo>, Error> {
    let bound = bound()?;
    let mut items = Vec::new();
    let mut page = PageRequest {
        cursor: None,
        limit: Some(PAGE_ITEMS),
    };
    loop {
        let found = workspace::list_files(&bound, path, recursive, &page)?;
        items.extend(found.items);
        if found.next.is_none() {
            return Ok(items);
        }
        page.cursor = found.next;
    }
}
