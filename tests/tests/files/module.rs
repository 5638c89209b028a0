//! Guests of preview 1, which call with numbers: module by module one raw call, whose number is the exit code.

use super::world::{World, ended};
use swarm_flow_policy::Access::{self, Read, ReadWrite};
use swarm_flow_sandbox::{Directory, End, Program};
use swarm_flow_tests::sandbox::engine;

/// `/workspace` and `/tmp`, in the order in which they are granted.
const WORKSPACE: u32 = 3;
const TMP: u32 = 4;

const GRANTED: u8 = 0;
const BAD_DESCRIPTOR: u8 = 8;
const NO_ENTRY: u8 = 44;
const DENIED: u8 = 63;

/// One call.
enum Call<'a> {
    /// By a directory and a path; the kinds of opening are `oflags` of preview 1.
    Open(u32, &'a str, u32),
    ReadLink(u32, &'a str),
    Stat(u32, &'a str),
    SetTimes(u32, &'a str),
    Make(u32, &'a str),
    RemoveDirectory(u32, &'a str),
    Unlink(u32, &'a str),
    Symlink(&'a str, u32, &'a str),
    Link(u32, &'a str, u32, &'a str),
    Rename(u32, &'a str, u32, &'a str),
}

const TO_READ: u32 = 0;
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const TRUNCATE: u32 = 8;

const FIRST: usize = 1_024;
const SECOND: usize = 8_192;

impl Call<'_> {
    /// The call's text and the paths that it names.
    fn text(&self) -> (String, &str, &str) {
        let first =
            |path: &str| format!("(i32.const {FIRST}) (i32.const {})", path.chars().count());
        let second =
            |path: &str| format!("(i32.const {SECOND}) (i32.const {})", path.chars().count());
        let at = |fd: u32, path: &str| format!("(i32.const {fd}) {}", first(path));
        let followed =
            |fd: u32, path: &str| format!("(i32.const {fd}) (i32.const 1) {}", first(path));
        match *self {
            Self::Open(fd, path, flags) => {
                // The rights to read, and to write where that is meant.
                let rights = if flags & (CREATE | TRUNCATE) == 0 {
                    2
                } else {
                    66
                };
                let text = format!(
                    "(call $path_open {} (i32.const {flags}) (i64.const {rights}) (i64.const {rights}) (i32.const 0) (i32.const 0))",
                    followed(fd, path)
                );
                (text, path, "")
            }
            Self::ReadLink(fd, path) => {
                let buffer = "(i32.const 0) (i32.const 500) (i32.const 512)";
                (
                    format!("(call $path_readlink {} {buffer})", at(fd, path)),
                    path,
                    "",
                )
            }
            Self::Stat(fd, path) => {
                let text = format!(
                    "(call $path_filestat_get {} (i32.const 0))",
                    followed(fd, path)
                );
                (text, path, "")
            }
            Self::SetTimes(fd, path) => {
                let now = "(i64.const 0) (i64.const 0) (i32.const 10)";
                let text = format!(
                    "(call $path_filestat_set_times {} {now})",
                    followed(fd, path)
                );
                (text, path, "")
            }
            Self::Make(fd, path) => (
                format!("(call $path_create_directory {})", at(fd, path)),
                path,
                "",
            ),
            Self::RemoveDirectory(fd, path) => (
                format!("(call $path_remove_directory {})", at(fd, path)),
                path,
                "",
            ),
            Self::Unlink(fd, path) => (
                format!("(call $path_unlink_file {})", at(fd, path)),
                path,
                "",
            ),
            Self::Symlink(target, fd, path) => {
                let text = format!(
                    "(call $path_symlink {} (i32.const {fd}) {})",
                    first(target),
                    second(path)
                );
                (text, target, path)
            }
            Self::Link(from, old, to, new) => {
                let text = format!(
                    "(call $path_link (i32.const {from}) (i32.const 0) {} (i32.const {to}) {})",
                    first(old),
                    second(new)
                );
                (text, old, new)
            }
            Self::Rename(from, old, to, new) => {
                let text = format!(
                    "(call $path_rename {} (i32.const {to}) {})",
                    at(from, old),
                    second(new)
                );
                (text, old, new)
            }
        }
    }

    fn module(&self) -> String {
        let (call, first, second) = self.text();
        // A character below 256 stands for the byte.
        let bytes = |path: &str| {
            let hex = |character: char| format!("\\{:02x}", u32::from(character));
            path.chars().map(hex).collect::<String>()
        };
        let (first, second) = (bytes(first), bytes(second));
        let import = |name: &str, parameters: &str| {
            format!(
                "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {parameters}) (result i32)))"
            )
        };
        let imports = [
            ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
            ("path_readlink", "i32 i32 i32 i32 i32 i32"),
            ("path_filestat_get", "i32 i32 i32 i32 i32"),
            ("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
            ("path_create_directory", "i32 i32 i32"),
            ("path_remove_directory", "i32 i32 i32"),
            ("path_unlink_file", "i32 i32 i32"),
            ("path_symlink", "i32 i32 i32 i32 i32"),
            ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
            ("path_rename", "i32 i32 i32 i32 i32 i32"),
        ]
        .map(|(name, parameters)| import(name, parameters))
        .join("\n");
        format!(
            "(module {imports}
               (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32)))
               (memory (export \"memory\") 1)
               (data (i32.const {FIRST}) \"{first}\")
               (data (i32.const {SECOND}) \"{second}\")
               (func (export \"_start\") (call $proc_exit {call})))"
        )
    }
}

/// Each line: the call, what it gives where both directories may be written, and where both may only be read.
async fn holds(lines: &[(Call<'_>, u8, u8)]) {
    holds_in(lines, |world, access| {
        let mut granted = world.workspace(access);
        granted.push(world.grant("beside", "/tmp", access));
        granted
    })
    .await;
}

async fn holds_in(
    lines: &[(Call<'_>, u8, u8)],
    granted: impl Fn(&World, Access) -> Vec<Directory>,
) {
    let mut wrong = Vec::new();
    for (call, read_write, read_only) in lines {
        let text = call.module();
        let bytes = wat::parse_str(&text).unwrap();
        let program = Program::from_wasm(engine(), None, bytes).unwrap();
        for (access, expected) in [(ReadWrite, *read_write), (Read, *read_only)] {
            let world = World::new();
            let end = ended(&program, granted(&world, access)).await;
            if end != End::Returned(expected) {
                wrong.push(format!(
                    "{:?} with {access:?}: {end:?}, not {expected}",
                    call.text()
                ));
            }
            world.is_whole(&text);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_preview_1_stays_in_its_directory() {
    use Call::{
        Link, Make, Open, ReadLink, RemoveDirectory, Rename, SetTimes, Stat, Symlink, Unlink,
    };
    holds(&[
        // The twins.
        (Open(WORKSPACE, "file", TO_READ), GRANTED, GRANTED),
        (Open(WORKSPACE, "folder/../file", TO_READ), GRANTED, GRANTED),
        (Open(WORKSPACE, "new", CREATE), GRANTED, DENIED),
        (Open(WORKSPACE, "file", TRUNCATE), GRANTED, DENIED),
        (ReadLink(WORKSPACE, "out"), GRANTED, GRANTED),
        (Stat(WORKSPACE, "file"), GRANTED, GRANTED),
        (SetTimes(WORKSPACE, "file"), GRANTED, DENIED),
        (Make(WORKSPACE, "new"), GRANTED, DENIED),
        (RemoveDirectory(WORKSPACE, "empty"), GRANTED, DENIED),
        (Unlink(WORKSPACE, "file"), GRANTED, DENIED),
        (Symlink("file", WORKSPACE, "new"), GRANTED, DENIED),
        (Link(WORKSPACE, "file", TMP, "new"), GRANTED, DENIED),
        (Rename(WORKSPACE, "file", TMP, "new"), GRANTED, DENIED),
        // What they are the twins of.
        (Open(WORKSPACE, "..", DIRECTORY), DENIED, DENIED),
        (Open(WORKSPACE, "../outside", DIRECTORY), DENIED, DENIED),
        (
            Open(WORKSPACE, "../outside/secret", TO_READ),
            DENIED,
            DENIED,
        ),
        (
            Open(WORKSPACE, "folder/../../outside/secret", TO_READ),
            DENIED,
            DENIED,
        ),
        (Open(WORKSPACE, "/etc/passwd", TO_READ), DENIED, DENIED),
        (
            Open(WORKSPACE, "/proc/self/environ", TO_READ),
            DENIED,
            DENIED,
        ),
        (Open(WORKSPACE, "/workspace/file", TO_READ), DENIED, DENIED),
        (Open(WORKSPACE, "out", TO_READ), DENIED, DENIED),
        (Open(WORKSPACE, "out-absolute", TO_READ), DENIED, DENIED),
        (Open(WORKSPACE, "out-folder/", DIRECTORY), DENIED, DENIED),
        (
            Open(WORKSPACE, "out-folder/secret", TO_READ),
            DENIED,
            DENIED,
        ),
        (Open(WORKSPACE, "one", TO_READ), DENIED, DENIED),
        (Open(WORKSPACE, "out", TRUNCATE), DENIED, DENIED),
        (Open(WORKSPACE, "out-new", CREATE), DENIED, DENIED),
        (Open(WORKSPACE, "../outside/new", CREATE), DENIED, DENIED),
        (Open(WORKSPACE, "..\0", TO_READ), 28, 28),
        (Open(WORKSPACE, "..\\outside", TO_READ), NO_ENTRY, NO_ENTRY),
        (Open(WORKSPACE, "\u{ff}", TO_READ), 25, 25),
        (Open(2, "file", TO_READ), BAD_DESCRIPTOR, BAD_DESCRIPTOR),
        (Open(5, "file", TO_READ), BAD_DESCRIPTOR, BAD_DESCRIPTOR),
        (
            Open(u32::MAX, "file", TO_READ),
            BAD_DESCRIPTOR,
            BAD_DESCRIPTOR,
        ),
        (ReadLink(WORKSPACE, "../inside/out"), DENIED, DENIED),
        (Stat(WORKSPACE, "../outside/secret"), DENIED, DENIED),
        (Stat(WORKSPACE, "out"), DENIED, DENIED),
        (SetTimes(WORKSPACE, "../outside/secret"), DENIED, DENIED),
        (SetTimes(WORKSPACE, "out"), DENIED, DENIED),
        (Make(WORKSPACE, "../outside/new"), DENIED, DENIED),
        (Make(WORKSPACE, "out-folder/new"), DENIED, DENIED),
        (RemoveDirectory(WORKSPACE, "../beside"), DENIED, DENIED),
        (Unlink(WORKSPACE, "../outside/secret"), DENIED, DENIED),
        (Unlink(WORKSPACE, "out-folder/secret"), DENIED, DENIED),
        (Symlink("/etc/passwd", WORKSPACE, "new"), DENIED, DENIED),
        (Symlink("file", WORKSPACE, "../outside/new"), DENIED, DENIED),
        (
            Link(WORKSPACE, "../outside/secret", TMP, "new"),
            DENIED,
            DENIED,
        ),
        (
            Link(WORKSPACE, "out-folder/secret", TMP, "new"),
            DENIED,
            DENIED,
        ),
        (
            Link(WORKSPACE, "file", TMP, "../outside/new"),
            DENIED,
            DENIED,
        ),
        (
            Rename(WORKSPACE, "../outside/secret", TMP, "new"),
            DENIED,
            DENIED,
        ),
        (
            Rename(WORKSPACE, "file", TMP, "../outside/new"),
            DENIED,
            DENIED,
        ),
        (
            Rename(WORKSPACE, "file", WORKSPACE, "out-folder/new"),
            DENIED,
            DENIED,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_preview_1_carries_nothing_from_what_is_read_to_what_is_written() {
    use Call::{Link, Rename};
    let mixed = |world: &World, access| {
        let other = if access == Read { ReadWrite } else { Read };
        let mut granted = world.workspace(access);
        granted.push(world.grant("beside", "/tmp", other));
        granted
    };
    holds_in(
        &[
            (Link(WORKSPACE, "file", TMP, "new"), DENIED, DENIED),
            (Link(TMP, "file", WORKSPACE, "new"), DENIED, DENIED),
            (Rename(WORKSPACE, "file", TMP, "new"), DENIED, DENIED),
            (Rename(TMP, "file", WORKSPACE, "new"), DENIED, DENIED),
            (Link(WORKSPACE, "file", WORKSPACE, "new"), GRANTED, DENIED),
            (Rename(TMP, "file", TMP, "new"), DENIED, GRANTED),
        ],
        mixed,
    )
    .await;
}
