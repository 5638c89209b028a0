//! Files.

use crate::bindings::types;
use serde::Serialize;
use swarm_flow_protocol::time::rfc3339;

#[derive(Serialize)]
pub struct File {
    path: String,
    kind: &'static str,
    size_bytes: u64,
    modified_at: String,
}

impl From<types::FileInfo> for File {
    fn from(info: types::FileInfo) -> Self {
        Self {
            path: info.path,
            kind: match info.kind {
                types::FileKind::File => "file",
                types::FileKind::Directory => "directory",
                types::FileKind::Symlink => "symlink",
                types::FileKind::Other => "other",
            },
            size_bytes: info.size_bytes,
            modified_at: rfc3339(info.modified_at_ms),
        }
    }
}
