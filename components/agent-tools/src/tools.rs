//! The tools: a command is one call. Files are two, because the policy of the moment is asked for first; `list-files` is
//! one more for each further thousand entries.

use crate::binding::bound;
use crate::bindings::types::{Command, Error, ExecResult, FileInfo, PageRequest};
use crate::bindings::workspace;
use swarm_flow_policy::Access;
use swarm_flow_protocol::{tool_granted, write_approved};

/// The largest page.
const PAGE_ITEMS: u32 = 1000;

pub fn exec(command: &Command) -> Result<ExecResult, Error> {
    workspace::exec_for_agent(&bound()?, command)
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Error> {
    let bound = granted(path, Access::Read)?;
    workspace::read_file(&bound, path, None).map(|content| content.bytes)
}

pub fn write_file(path: &str, bytes: &[u8]) -> Result<(), Error> {
    let bound = granted(path, Access::ReadWrite)?;
    let policy = workspace::get(&bound)?.policy.into();
    write_approved(&policy, &[path.to_owned()], &[])?.granted()?;
    workspace::write_file(&bound, path, bytes).map(drop)
}

pub fn list_files(path: &str, recursive: bool) -> Result<Vec<FileInfo>, Error> {
    let bound = granted(path, Access::Read)?;
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

/// The bound workspace, when its policy lets a program do this with the file. It may have another policy by now than
/// when it was bound.
fn granted(path: &str, wanted: Access) -> Result<String, Error> {
    let workspace = workspace::get(&bound()?)?;
    tool_granted(&workspace.policy.into(), path, wanted)?;
    Ok(workspace.id)
}
