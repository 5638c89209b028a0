//! Files of a workspace, by way of the runner that holds them.
//!
//! Paths are checked here for form only. That none leaves the workspace is the runner's to guarantee, with
//! opened directories: a check of strings cannot see symbolic links.

use crate::fault::invalid;
use crate::model::{PAGE_ITEMS_MAX, Page};
use crate::remote::{Ask, Held, SILENCE_MS, encode_path, encode_query};
use swarm_flow_protocol::{Error, FILE_BYTES_MAX, FileInfo, FilePage, Written};
use swarm_flow_state::Database;
use swarm_flow_wire::{Method, Wire};

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub offset: u64,
    /// None reads to the end.
    pub length: Option<u64>,
}

/// What was read, and of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub info: FileInfo,
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// For the copy of a large file.
const COPY_SILENCE_MS: u64 = 2 * SILENCE_MS;
const PATH_BYTES_MAX: usize = 4096;

pub fn read(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    path: &str,
    range: Option<ByteRange>,
) -> Result<Content, Error> {
    check_path(path)?;
    let held = Held::of(database, id)?;
    let query = match range {
        None => String::new(),
        Some(ByteRange {
            offset,
            length: None,
        }) => format!("?offset={offset}"),
        Some(ByteRange {
            offset,
            length: Some(length),
        }) => format!("?offset={offset}&length={length}"),
    };
    let rest = format!("/files/{}{query}", encode_path(path));
    let ask = Ask {
        silence_ms_max: COPY_SILENCE_MS,
        ..Ask::plain(Method::Get, id, &rest)
    };
    let answer = held.remote(wire).ask(ask)?;
    let header = answer.file_header.unwrap_or_default();
    let info = serde_json::from_str(&header).map_err(|error| Error::Internal {
        message: format!(
            "runner `{}` sent a file without saying which: {error}",
            held.runner
        ),
    })?;
    Ok(Content {
        info,
        offset: range.map_or(0, |range| range.offset),
        bytes: answer.body,
    })
}

pub fn write(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    path: &str,
    bytes: Vec<u8>,
) -> Result<Written, Error> {
    check_path(path)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "file_bytes".to_owned(),
            allowed: FILE_BYTES_MAX,
        });
    }
    let held = Held::of(database, id)?;
    let rest = format!(
        "/files/{}?disk_bytes={}",
        encode_path(path),
        held.disk_bytes
    );
    let remote = held.remote(wire);
    let answer = remote.ask(Ask {
        method: Method::Put,
        workspace: id,
        rest: &rest,
        body: Some(("application/octet-stream", bytes)),
        silence_ms_max: COPY_SILENCE_MS,
    })?;
    remote.read(&answer)
}

pub fn delete(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    path: &str,
) -> Result<(), Error> {
    check_path(path)?;
    let held = Held::of(database, id)?;
    let rest = format!("/files/{}", encode_path(path));
    held.remote(wire)
        .ask(Ask::plain(Method::Delete, id, &rest))
        .map(drop)
}

pub fn list(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    path: &str,
    recursive: bool,
    page: &Page,
) -> Result<FilePage, Error> {
    let path = if path == "." { "" } else { path };
    if !path.is_empty() {
        check_path(path)?;
    }
    let items = page.items()?.min(PAGE_ITEMS_MAX);
    let mut rest = format!(
        "/list?path={}&recursive={recursive}&limit={items}",
        encode_query(path)
    );
    if let Some(cursor) = &page.cursor {
        rest.push_str(&format!("&cursor={}", encode_query(cursor)));
    }
    let held = Held::of(database, id)?;
    let remote = held.remote(wire);
    let answer = remote.ask(Ask::plain(Method::Get, id, &rest))?;
    remote.read(&answer)
}

fn check_path(path: &str) -> Result<(), Error> {
    let wrong = if path.is_empty() {
        "is empty; name a file below `/workspace`"
    } else if path.len() > PATH_BYTES_MAX {
        "is longer than 4096 bytes"
    } else if path.contains('\0') {
        "contains a NUL character"
    } else if path.starts_with('/') {
        "is absolute; write it relative to `/workspace`"
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "has an empty part, `.` or `..`; write it from `/workspace` down"
    } else {
        return Ok(());
    };
    Err(invalid("path", wrong.to_owned()))
}
