//! What the files API has of a runner: a workspace, a folder for what is in the making; and what lies around them, which has
//! to stay as it is.

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use swarm_flow_protocol::Error;

/// In the names and in the contents of what is outside, and nowhere else.
pub(crate) const SECRET: &str = "canary-b1f2";

/// A folder outside, which steps go to.
pub(crate) const FOLDER: &str = "folder";
/// A file in both folders outside. No step says its name, so where it is listed something outside was.
pub(crate) const UNSAID: &str = "unsaid-7c3e";

/// A folder of its own, in memory where there is such.
pub(crate) struct Place {
    root: PathBuf,
    outside: Vec<Seen>,
}

/// What a file or folder is, to the last change of it.
#[derive(Debug, PartialEq)]
struct Seen {
    path: PathBuf,
    inode: u64,
    links: u64,
    bytes: u64,
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
    content: Option<Vec<u8>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let temporary = std::env::temp_dir();
        let parent = if memory.is_dir() { memory } else { &temporary };
        let root = parent.join(format!("swarm-flow-fuzz-{}", std::process::id()));
        // Of an earlier process of the same number.
        let _ = fs::remove_dir_all(&root);
        for folder in ["workspaces/ws/files", "aside"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let outside = root.join("outside");
        fs::create_dir_all(outside.join(FOLDER)).unwrap();
        for folder in [outside.clone(), outside.join(FOLDER)] {
            fs::write(folder.join(SECRET), SECRET).unwrap();
            fs::write(folder.join(UNSAID), SECRET).unwrap();
        }
        let mut place = Self {
            root,
            outside: Vec::new(),
        };
        place.outside = place.around();
        place
    }

    /// Empties the workspace.
    pub(crate) fn fresh(&self) -> Workspaces {
        let files = self.root.join("workspaces/ws/files");
        fs::remove_dir_all(&files).unwrap();
        fs::create_dir(&files).unwrap();
        Workspaces {
            files,
            aside: self.root.join("aside"),
        }
    }

    pub(crate) fn canary(&self) -> String {
        let path = self.root.join("outside").join(SECRET);
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn outside(&self) -> String {
        self.root.join("outside").to_str().unwrap().to_owned()
    }

    pub(crate) fn aside(&self) -> String {
        self.root.join("aside").to_str().unwrap().to_owned()
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.around(), self.outside);
        let aside = fs::read_dir(self.root.join("aside")).unwrap();
        assert_eq!(aside.count(), 0, "something was left aside");
        let mut found: Vec<_> = names(&self.root);
        found.extend(names(&self.root.join("workspaces")));
        found.extend(names(&self.root.join("workspaces/ws")));
        assert_eq!(found, ["aside", "outside", "workspaces", "ws", "files"]);
    }

    pub(crate) fn not_of_outside(&self, bytes: &[u8]) {
        let secret = SECRET.as_bytes();
        assert!(bytes.windows(secret.len()).all(|window| window != secret));
    }

    fn around(&self) -> Vec<Seen> {
        let outside = self.root.join("outside");
        let folder = outside.join(FOLDER);
        let mut paths = vec![outside.clone(), folder.clone()];
        for parent in [outside, folder] {
            paths.extend(names(&parent).into_iter().map(|name| parent.join(name)));
        }
        paths.into_iter().map(seen).collect()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn seen(path: PathBuf) -> Seen {
    let found = path.symlink_metadata().unwrap();
    Seen {
        inode: found.ino(),
        links: found.nlink(),
        bytes: found.len(),
        mode: found.mode(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        content: fs::read(&path).ok(),
        path,
    }
}

/// As the runner's own, for one workspace.
pub(crate) struct Workspaces {
    files: PathBuf,
    aside: PathBuf,
}

impl Workspaces {
    pub(crate) fn files(&self, _id: &str) -> Result<Dir, Error> {
        open(&self.files)
    }

    pub(crate) fn aside(&self) -> Result<Dir, Error> {
        open(&self.aside)
    }

    pub(crate) fn disk(&self, _id: &str, allowed: u64) -> Result<Disk, Error> {
        Ok(Disk { allowed })
    }
}

fn open(folder: &Path) -> Result<Dir, Error> {
    Dir::open_ambient_dir(folder, ambient_authority())
        .map_err(|error| internal("open a folder", &error))
}

/// Room for one file at a time.
pub(crate) struct Disk {
    allowed: u64,
}

pub(crate) struct NoRoom {
    pub(crate) unit: &'static str,
    pub(crate) allowed: u64,
}

impl Disk {
    pub(crate) fn take(&self, bytes: u64, _entries: u64) -> Result<(), NoRoom> {
        let (unit, allowed) = ("bytes", self.allowed);
        (bytes <= allowed)
            .then_some(())
            .ok_or(NoRoom { unit, allowed })
    }
}

pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

pub(crate) fn internal(what: &str, error: &io::Error) -> Error {
    Error::Internal {
        message: format!("cannot {what}: {error}"),
    }
}
