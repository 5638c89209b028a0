//! `write`: a file whole.

use super::{Tool, object, path, text};
use crate::work::{Trouble, Work};
use serde_json::{Value, json};

pub(super) fn tool() -> Tool {
    Tool::new(
        "write",
        "Writes a file whole; folders on the way to it are made, and what was in it is replaced. To change a part of a file use `edit`.",
        object(
            json!({
                "path": {"type": "string", "description": "The file, in the workspace.", "minLength": 1},
                "content": {"type": "string", "description": "All that is to be in it."}
            }),
            &["path", "content"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let path = path::file(text(arguments, "path"))?;
    let content = text(arguments, "content");
    work.write(&path, content.as_bytes())?;
    Ok(format!(
        "wrote {} lines to `{path}`",
        content.lines().count()
    ))
}
