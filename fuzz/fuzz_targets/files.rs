//! The files API on a tree that a guest made: nothing outside the workspace is read, changed, moved or removed, and every
//! answer is one that is documented.
//!
//! The code is the runner's own, without the rest of the runner, which would bring wasmtime with it.

#![no_main]

extern crate self as swarm_flow_sandbox;

#[path = "../../host/runner/src/files.rs"]
#[allow(dead_code, reason = "the runner uses all of it")]
mod files;
#[path = "../../host/runner/src/tree.rs"]
#[allow(dead_code, reason = "the runner uses all of it")]
mod tree;
#[path = "files/workspace.rs"]
mod workspace;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use libfuzzer_sys::fuzz_target;
use std::io::Write as _;
use std::sync::LazyLock;
use swarm_flow_protocol::{Error, FileKind, FilePage};
use workspace::{FOLDER, Place, SECRET, UNSAID, Workspaces};

/// As in the sandbox's `disk.rs`.
pub const DEPTH_MAX: usize = 200;

const ID: &str = "ws_00000000000000000000000000000000";
const DISK_BYTES_MAX: u64 = 1 << 20;
/// More than a run can make.
const LIMIT: usize = 1_000;
const STEPS_MAX: usize = 24;
/// Bytes of a step: what is done, to which path, and what else it needs. So dense that steps meet on the same few names:
/// an input that is read more freely hardly ever makes a link and then uses it.
const STEP: usize = 3;

static PLACE: LazyLock<Place> = LazyLock::new(Place::new);

fuzz_target!(|bytes: &[u8]| {
    let place = &*PLACE;
    let workspaces = place.fresh();
    // What no table has: the input itself, as a path.
    let text = String::from_utf8_lossy(bytes);
    for step in bytes.chunks_exact(STEP).take(STEPS_MAX) {
        let [what, path, other] = *step else { continue };
        let words = Words { place, text: &text };
        act(&words, &workspaces, what, &words.path(path), other);
    }
    place.check();
});

struct Words<'a> {
    place: &'a Place,
    text: &'a str,
}

impl Words<'_> {
    fn path(&self, number: u8) -> String {
        match number % 32 {
            0..=5 => "a".to_owned(),
            6..=9 => "b".to_owned(),
            10..=12 => "a/b".to_owned(),
            13 => "b/a".to_owned(),
            14 => "a/b/a".to_owned(),
            15..=17 => format!("a/{SECRET}"),
            18 => format!("b/{SECRET}"),
            19 => format!("a/{FOLDER}/{SECRET}"),
            20 => format!("a/{FOLDER}"),
            21 => "..".to_owned(),
            22 => format!("../../../outside/{SECRET}"),
            23 => "a/..".to_owned(),
            24 => "./a".to_owned(),
            25 => "a//b".to_owned(),
            26 => String::new(),
            27 => self.place.canary(),
            28 => "n".repeat(usize::from(number) + 100),
            29 => "a/".repeat(usize::from(number)) + "a",
            30 => "a/".to_owned(),
            _ => self.text.to_owned(),
        }
    }

    /// Where a link leads: mostly out, or it is of no interest.
    fn target(&self, number: u8) -> String {
        match number % 8 {
            0 => self.place.canary(),
            1 => self.place.outside(),
            2 => self.place.aside(),
            3 => format!("{}outside", "../".repeat(usize::from(number / 8 % 6))),
            4 => "n".repeat(4_000),
            5 => "/".to_owned(),
            _ => self.path(number / 8),
        }
    }
}

fn act(words: &Words, workspaces: &Workspaces, what: u8, path: &str, other: u8) {
    match what % 16 {
        0..=2 => read(words, workspaces, path, other),
        3 | 4 => write(workspaces, path, other),
        5 | 6 => {
            if documented(path, files::delete(workspaces, ID, path)).is_some() {
                let again = files::delete(workspaces, ID, path);
                assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
            }
        }
        7 | 8 => {
            let recursive = other % 2 == 0;
            let listed = files::list(workspaces, ID, path, recursive, None, LIMIT);
            if let Some(page) = documented(path, listed) {
                whole(workspaces, path, recursive, &page);
            }
        }
        what => guest(words, &workspaces.files(ID).unwrap(), what, path, other),
    }
}

fn read(words: &Words, workspaces: &Workspaces, path: &str, other: u8) {
    let length = (other % 2 == 0).then_some(u64::from(other));
    let offset = u64::from(other / 64);
    let read = files::read(workspaces, ID, path, offset, length);
    if let Some((info, bytes)) = documented(path, read) {
        words.place.not_of_outside(&bytes);
        assert_eq!((info.path.as_str(), info.kind), (path, FileKind::File));
        assert!(length.is_none_or(|length| bytes.len() as u64 <= length));
    }
}

fn write(workspaces: &Workspaces, path: &str, byte: u8) {
    let content = vec![byte; usize::from(byte)];
    let written = files::write(workspaces, ID, path, &content, DISK_BYTES_MAX);
    if let Some(written) = documented(path, written) {
        assert_eq!(written.file.size_bytes, content.len() as u64);
        let (_, bytes) = files::read(workspaces, ID, path, 0, None).unwrap();
        assert_eq!(bytes, content);
    }
}

/// In order, beneath what was asked for, and the same page by page.
fn whole(workspaces: &Workspaces, path: &str, recursive: bool, page: &FilePage) {
    assert!(page.items.is_sorted_by(|a, b| a.path < b.path), "{page:?}");
    let path = path.trim_end_matches('/');
    for item in &page.items {
        let beneath = item.path.strip_prefix(path).unwrap();
        assert!(path.is_empty() || beneath.starts_with('/'), "{page:?}");
        assert!(!item.path.contains(UNSAID), "{page:?}");
    }
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = files::list(workspaces, ID, path, recursive, cursor.as_deref(), 3).unwrap();
        items.extend(next.items);
        cursor = next.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(items, page.items);
}

/// Nothing else is answered, and an answer about a path is about this path.
fn documented<T>(path: &str, answer: Result<T, Error>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(Error::Invalid { field, .. }) if field == "path" => None,
        Err(Error::NotFound { kind, .. }) if kind == "file" => None,
        Err(Error::Conflict { .. } | Error::TooLarge { .. }) => None,
        Err(error) => panic!("{path:?}: {error:?}"),
    }
}

/// As a sandbox does it, by a directory that was opened; links may lead anywhere, since the owner of the machine may make
/// such. What does not succeed was not done.
fn guest(words: &Words, files: &Dir, what: u8, path: &str, other: u8) {
    let second = words.path(other);
    match what {
        9 => {
            // A FIFO that nobody reads would hold us.
            let mut options = OpenOptions::new();
            let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
            options.write(true).create(true).custom_flags(flags);
            if let Ok(mut file) = files.open_with(path, &options) {
                let _ = file.write_all(&[other; 64]);
            }
        }
        10 => _ = files.create_dir(path),
        11 | 12 => _ = files.symlink_contents(words.target(other), path),
        13 => _ = files.hard_link(path, files, second),
        14 => _ = files.rename(path, files, second),
        _ if other % 8 == 0 => deep(files, other),
        // Only beneath: the system call by itself would go anywhere.
        _ if !path.contains('/') && !path.is_empty() => {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            _ = rustix::fs::mknodat(files, path, rustix::fs::FileType::Fifo, mode, 0);
        }
        _ => {}
    }
}

fn deep(files: &Dir, depth: u8) {
    let mut directory = files.try_clone().unwrap();
    for _ in 0..depth {
        if directory.create_dir("a").is_err() {
            return;
        }
        directory = directory.open_dir("a").unwrap();
    }
}
