//! A folder of which a sandbox is granted a part, and the guest that tries for the rest.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use swarm_flow_policy::{Access, Limits, Network, Preset};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{Directory, Disk, Egress, End, Grants, Output, Program, Secrets};
use swarm_flow_tests::sandbox::program;

/// `inside` is granted as `/workspace`, `beside` as `/tmp`, `outside` never.
pub struct World {
    pub folder: tempfile::TempDir,
}

pub const SECRET: &str = "secret";

impl World {
    pub fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let inside = world.path("inside");
        std::fs::create_dir_all(inside.join("folder/deep")).unwrap();
        std::fs::create_dir(inside.join("empty")).unwrap();
        std::fs::create_dir(world.path("beside")).unwrap();
        std::fs::create_dir(world.path("outside")).unwrap();
        std::fs::write(inside.join("file"), "inside").unwrap();
        std::fs::write(inside.join("folder/inner"), "inside").unwrap();
        std::fs::write(world.path("beside/file"), "beside").unwrap();
        std::fs::write(world.path("outside/secret"), SECRET).unwrap();
        let outside = world.path("outside").to_str().unwrap().to_owned();
        for (link, target) in [
            // What stays within.
            ("to-file", "file"),
            ("to-folder", "folder"),
            ("here", "."),
            ("folder/up", "../file"),
            ("folder/deep/around", "../../folder/inner"),
            ("to-nothing", "new"),
            // What does not.
            ("out", "../outside/secret"),
            ("out-absolute", &format!("{outside}/secret")),
            ("out-folder", "../outside"),
            ("out-folder-absolute", &outside),
            ("out-new", "../outside/new"),
            ("out-and-back", "../inside/file"),
            ("one", "two"),
            ("two", "folder/three"),
            ("folder/three", "../out"),
            ("proc", "/proc/self"),
            ("root", "/"),
            // What leads nowhere.
            ("loop", "loop"),
            ("left", "right"),
            ("right", "left"),
        ] {
            symlink(target, inside.join(link)).unwrap();
        }
        world
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// A grant of a part of it.
    pub fn grant(&self, relative: &str, guest: &str, access: Access) -> Directory {
        Directory {
            host: self.path(relative),
            guest: guest.to_owned(),
            access,
        }
    }

    pub fn workspace(&self, access: Access) -> Vec<Directory> {
        vec![self.grant("inside", "/workspace", access)]
    }

    /// What was not granted is as it was.
    #[track_caller]
    pub fn is_whole(&self, what: &str) {
        let names: Vec<_> = std::fs::read_dir(self.path("outside"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["secret"], "{what}");
        let secret = std::fs::read_to_string(self.path("outside/secret")).unwrap();
        assert_eq!(secret, SECRET, "{what}");
    }
}

pub fn limits() -> Limits {
    Limits {
        cpu_time_ms: 20_000,
        wall_time_ms: 20_000,
        ..Preset::Isolated.policy().limits
    }
}

pub fn grants(directories: Vec<Directory>, input: &str) -> (Grants, Output) {
    let stdout = Output::collected(1 << 20);
    let grants = Grants {
        arguments: vec!["guest".to_owned()],
        environment: Vec::new(),
        cwd: String::new(),
        stdin: bytes::Bytes::copy_from_slice(input.as_bytes()).into(),
        stdout: stdout.clone(),
        stderr: Output::collected(1 << 20),
        directories,
        egress: Egress::new(Network::None, [].into()),
        secrets: Secrets::default(),
        sockets: None,
        decisions: None,
        disk: None,
        changes: Changes::Alone,
        idempotency: None,
        live: None,
        determined: None,
        family: None,
        limits: limits(),
    };
    (grants, stdout)
}

/// What the guest `escape` says to each line.
pub async fn said(directories: Vec<Directory>, lines: &[&str]) -> Vec<String> {
    said_with(directories, None, lines).await
}

/// The same where a runner counts what is written.
pub async fn said_with(
    directories: Vec<Directory>,
    disk: Option<Arc<Disk>>,
    lines: &[&str],
) -> Vec<String> {
    let (mut grants, stdout) = grants(directories, &lines.join("\n"));
    grants.disk = disk;
    let ended = program("escape").run(grants).await.unwrap();
    assert_eq!(ended.end, End::Returned(0), "{lines:?}");
    let (said, _) = stdout.take();
    let said: Vec<_> = String::from_utf8(said)
        .unwrap()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(said.len(), lines.len(), "{said:?}");
    said
}

/// How a program of any kind ended.
pub async fn ended(program: &Program, directories: Vec<Directory>) -> End<u8> {
    let (grants, _) = grants(directories, "");
    program.run(grants).await.unwrap().end
}

/// Each line: the attempt, what comes of it where the directory may be written, and where it may only be read. Each is
/// tried in a world of its own.
pub async fn holds(lines: &[(&str, &str, &str)]) {
    holds_in(lines, |world, access| world.workspace(access)).await;
}

/// The same with other directories granted. In a line a space parts words, and `_` is a space.
pub async fn holds_in(
    lines: &[(&str, &str, &str)],
    granted: impl Fn(&World, Access) -> Vec<Directory>,
) {
    let mut wrong = Vec::new();
    for (line, read_write, read_only) in lines {
        let attempt = line.replace(' ', "\t").replace('_', " ");
        for (access, expected) in [(Access::ReadWrite, read_write), (Access::Read, read_only)] {
            let world = World::new();
            let said = said(granted(&world, access), &[&attempt]).await;
            if said != [*expected] {
                wrong.push(format!(
                    "(\"{line}\", …) with {access:?}: {said:?}, not {expected}"
                ));
            }
            world.is_whole(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing may be written there, or nothing is reached.
pub const DENIED: &str = "denied: not-permitted";
pub const MISSING: &str = "failed: no-entry";
