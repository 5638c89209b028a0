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

use arbitrary::Arbitrary;
use cap_std::fs::Dir;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use swarm_flow_protocol::{Error, FileKind, FilePage};
use workspace::{Place, Workspaces};

/// As in the sandbox's `disk.rs`.
pub const DEPTH_MAX: usize = 200;

const ID: &str = "ws_00000000000000000000000000000000";
const DISK_BYTES_MAX: u64 = 1 << 20;
/// More than a run can make.
const LIMIT: usize = 1_000;
const STEPS_MAX: usize = 32;

#[derive(Arbitrary, Debug)]
enum Step {
    /// What a guest does in its directory, or the owner of the machine beneath it.
    Guest(Act),
    Read {
        path: Path,
        offset: u16,
        length: Option<u16>,
    },
    Write(Path, u8),
    Delete(Path),
    List {
        path: Path,
        recursive: bool,
    },
}

#[derive(Arbitrary, Debug)]
enum Act {
    File(Path, u8),
    Directory(Path),
    Link { target: Path, at: Path },
    Hard { from: Path, to: Path },
    Rename { from: Path, to: Path },
    Fifo(Path),
    Deep(u8),
}

#[derive(Arbitrary, Debug)]
struct Path {
    is_absolute: bool,
    parts: Vec<Part>,
}

#[derive(Arbitrary, Debug)]
enum Part {
    Name(u8),
    Up,
    Here,
    Empty,
    /// Out of the workspace, to what must not be reached.
    Outside,
    Canary,
    Aside,
    Long(u16),
    Text(String),
}

impl Path {
    fn text(&self, place: &Place) -> String {
        let parts = self.parts.iter().take(8).map(|part| match part {
            Part::Name(number) => char::from(b'a' + number % 4).to_string(),
            Part::Up => "..".to_owned(),
            Part::Here => ".".to_owned(),
            Part::Empty => String::new(),
            Part::Outside => "../../outside".to_owned(),
            Part::Canary => place.canary(),
            Part::Aside => place.aside(),
            Part::Long(length) => "n".repeat(usize::from(*length % 5_000)),
            Part::Text(text) => text.clone(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        if self.is_absolute {
            return format!("/{path}");
        }
        path
    }
}

static PLACE: LazyLock<Place> = LazyLock::new(Place::new);

fuzz_target!(|steps: Vec<Step>| {
    let place = &*PLACE;
    let workspaces = place.fresh();
    for step in steps.iter().take(STEPS_MAX) {
        act(place, &workspaces, step);
        place.check();
    }
});

fn act(place: &Place, workspaces: &Workspaces, step: &Step) {
    match step {
        Step::Guest(act) => guest(place, &workspaces.files(ID).unwrap(), act),
        Step::Read {
            path,
            offset,
            length,
        } => {
            let path = path.text(place);
            let length = length.map(u64::from);
            let read = files::read(workspaces, ID, &path, u64::from(*offset), length);
            if let Some((info, bytes)) = documented(&path, read) {
                assert_eq!((&info.path, info.kind), (&path, FileKind::File));
                assert!(length.is_none_or(|length| bytes.len() as u64 <= length));
                place.not_of_outside(&bytes);
            }
        }
        Step::Write(path, byte) => {
            let path = path.text(place);
            let content = vec![*byte; usize::from(*byte)];
            let written = files::write(workspaces, ID, &path, &content, DISK_BYTES_MAX);
            if let Some(written) = documented(&path, written) {
                assert_eq!(written.file.size_bytes, content.len() as u64);
                let (_, bytes) = files::read(workspaces, ID, &path, 0, None).unwrap();
                assert_eq!(bytes, content);
            }
        }
        Step::Delete(path) => {
            let path = path.text(place);
            if documented(&path, files::delete(workspaces, ID, &path)).is_some() {
                let again = files::delete(workspaces, ID, &path);
                assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
            }
        }
        Step::List { path, recursive } => {
            let path = path.text(place);
            let listed = files::list(workspaces, ID, &path, *recursive, None, LIMIT);
            if let Some(page) = documented(&path, listed) {
                whole(workspaces, &path, *recursive, &page);
            }
        }
    }
}

/// In order, beneath what was asked for, and the same page by page.
fn whole(workspaces: &Workspaces, path: &str, recursive: bool, page: &FilePage) {
    assert!(page.items.is_sorted_by(|a, b| a.path < b.path), "{page:?}");
    let path = path.trim_end_matches('/');
    for item in &page.items {
        let beneath = item.path.strip_prefix(path).unwrap();
        assert!(path.is_empty() || beneath.starts_with('/'), "{page:?}");
        assert!(!item.path.contains(workspace::SECRET), "{page:?}");
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

/// As a sandbox does it, by a directory that was opened; links may lead anywhere, since their owner may make such.
/// What does not succeed was not done.
fn guest(place: &Place, files: &Dir, act: &Act) {
    let text = |path: &Path| path.text(place);
    match act {
        Act::File(path, byte) => _ = files.write(text(path), vec![*byte; 64]),
        Act::Directory(path) => _ = files.create_dir(text(path)),
        Act::Link { target, at } => _ = files.symlink_contents(text(target), text(at)),
        Act::Hard { from, to } => _ = files.hard_link(text(from), files, text(to)),
        Act::Rename { from, to } => _ = files.rename(text(from), files, text(to)),
        Act::Fifo(path) => {
            let kind = rustix::fs::FileType::Fifo;
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let path = text(path);
            // Only beneath: the system call by itself would go anywhere.
            if !path.contains('/') && !path.is_empty() {
                _ = rustix::fs::mknodat(files, path, kind, mode, 0);
            }
        }
        Act::Deep(depth) => {
            let mut directory = files.try_clone().unwrap();
            for _ in 0..*depth {
                if directory.create_dir("deep").is_err() {
                    return;
                }
                directory = directory.open_dir("deep").unwrap();
            }
        }
    }
}
