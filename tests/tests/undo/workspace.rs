//! A workspace's folder, programs that run in it, and what it looks like.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use swarm_flow_policy::{Access, Network, Preset};
use swarm_flow_sandbox::undo::{Beside, Changes, Subject, Undo, UndoSettings};
use swarm_flow_sandbox::{Directory, Disk, Egress, End, Grants, Output, Owners, Program, Secrets};
use swarm_flow_tests::artefact;
use swarm_flow_tests::sandbox::{component, engine};

pub struct Workspace {
    _temporary: Option<tempfile::TempDir>,
    folder: PathBuf,
    owners: Owners,
}

#[derive(Clone)]
pub struct Command {
    program: &'static str,
    arguments: Vec<String>,
    /// A directory of somebody else's, at `/outside`.
    pub outside: Option<PathBuf>,
}

pub fn sh(script: &str) -> Command {
    command("sh", &["sh", "-c", script])
}

pub fn coreutils(line: &str) -> Command {
    command("coreutils", &line.split(' ').collect::<Vec<_>>())
}

pub fn sqlite(statements: &str) -> Command {
    command("sqlite3", &["sqlite3", "table.db", statements])
}

fn command(program: &'static str, arguments: &[&str]) -> Command {
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    Command {
        program,
        arguments: arguments.collect(),
        outside: None,
    }
}

fn program(name: &str) -> Program {
    let path = artefact::root().join(format!("target/programs/{name}.wasm"));
    Program::new(engine(), &component(engine(), &path)).unwrap()
}

pub struct Ran {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// By its path: kind and mode, inode, names, when it was changed, what is in it.
pub type Snapshot = BTreeMap<PathBuf, (u32, u64, u64, (i64, i64), Vec<u8>)>;

impl Workspace {
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let workspace = Self::at(temporary.path());
        Self {
            _temporary: Some(temporary),
            ..workspace
        }
    }

    pub fn at(folder: &Path) -> Self {
        for name in ["ws/files", "ws/tmp", "undo"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        Self {
            _temporary: None,
            folder: folder.to_owned(),
            owners: Owners::default(),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.join("ws")
    }

    pub fn files(&self) -> PathBuf {
        self.root().join("files")
    }

    pub fn undo_logs(&self) -> PathBuf {
        self.folder.join("undo")
    }

    pub fn logs(&self) -> usize {
        std::fs::read_dir(self.undo_logs()).unwrap().count()
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.files().join(path)).unwrap()
    }

    pub async fn undo(&self, key: &str) -> Arc<Undo> {
        self.undo_within(key, 1 << 30).await
    }

    pub async fn undo_within(&self, key: &str, disk_bytes: u64) -> Arc<Undo> {
        let settings = UndoSettings {
            root: self.root(),
            log: self.undo_logs().join(key),
            subject: Subject {
                workspace: "ws".to_owned(),
                key: key.to_owned(),
            },
            owners: self.owners.clone(),
            disk: Some(Arc::new(Disk::new(vec![self.root()], disk_bytes))),
        };
        Undo::begin(settings).await.unwrap()
    }

    /// For a user's command.
    pub fn beside(&self) -> Changes {
        Changes::Beside(Arc::new(Beside::new(&self.owners, &self.root())))
    }

    pub async fn run(&self, command: &Command, changes: Changes) -> Ran {
        let policy = Preset::Standard.policy();
        let output = || Output::collected(1 << 20);
        let (stdout, stderr) = (output(), output());
        let directory = |host: PathBuf, guest: &str| Directory {
            host,
            guest: guest.to_owned(),
            access: Access::ReadWrite,
        };
        let mut directories = vec![
            directory(self.files(), "."),
            directory(self.files(), "/workspace"),
            directory(self.root().join("tmp"), "/tmp"),
        ];
        let outside = command.outside.iter();
        directories.extend(outside.map(|host| directory(host.clone(), "/outside")));
        let grants = Grants {
            arguments: command.arguments.clone(),
            environment: Vec::new(),
            cwd: "/workspace".to_owned(),
            stdin: Bytes::new().into(),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            directories,
            egress: Egress::new(Network::None, [].into()),
            secrets: Secrets::default(),
            sockets: None,
            decisions: None,
            disk: Some(Arc::new(Disk::new(vec![self.root()], 1 << 30))),
            changes,
            idempotency: None,
            live: None,
            determined: None,
            family: None,
            limits: policy.limits,
        };
        let ended = program(command.program).run(grants).await.unwrap();
        let text = |output: &Output| String::from_utf8(output.take().0).unwrap();
        let End::Returned(code) = ended.end else {
            panic!("{:?}: {}", ended.end, text(&stderr));
        };
        Ran {
            code,
            stdout: text(&stdout),
            stderr: text(&stderr),
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut seen = Snapshot::new();
        let mut next = vec![PathBuf::new()];
        while let Some(path) = next.pop() {
            let full = self.root().join(&path);
            let metadata = std::fs::symlink_metadata(&full).unwrap();
            let inside = if metadata.is_dir() {
                let entries = std::fs::read_dir(&full).unwrap();
                next.extend(entries.map(|entry| path.join(entry.unwrap().file_name())));
                Vec::new()
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&full).unwrap();
                target.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&full).unwrap()
            };
            let changed = (metadata.mtime(), metadata.mtime_nsec());
            let (mode, inode) = (metadata.mode(), metadata.ino());
            seen.insert(path, (mode, inode, metadata.nlink(), changed, inside));
        }
        seen
    }

    /// What is the same wherever the same was done.
    pub fn contents(&self) -> BTreeMap<PathBuf, (u32, u64, Vec<u8>)> {
        let plain = |(path, (mode, _, names, _, inside))| (path, (mode, names, inside));
        self.snapshot().into_iter().map(plain).collect()
    }
}
