//! What a workspace may occupy on disk, and trees that are made to hurt.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use swarm_flow_tests::server::{Fresh, fresh};

const MIB: u64 = 1 << 20;

/// A workspace that may hold one mebibyte.
fn small(server: &Fresh) -> String {
    let body = json!({"name": "small", "environment": "python", "policy": {
        "filesystem": {"read_write": ["/workspace", "/tmp"]},
        "network": "none",
        "limits": {
            "memory_bytes": 256 * MIB, "cpu_time_ms": 60_000, "wall_time_ms": 120_000, "handles": 1_000,
            "output_bytes": MIB, "disk_bytes": MIB, "sandboxes": 4,
        },
    }});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    workspace["id"].as_str().unwrap().to_owned()
}

/// Runs statements that end with `print(…)`, and gives back what they print. `full(…)` is whether a call is refused
/// because the disk is full; for a write to an open file the C library says `EIO` whatever the reason.
fn python(server: &Fresh, workspace: &str, code: &str) -> String {
    let code = format!(
        "import errno, os\n\
         def full(call, *args):\n    \
             try:\n        call(*args)\n        return False\n    \
             except OSError as error:\n        assert error.errno in (errno.EDQUOT, errno.EIO), error\n        return True\n\
         def write(path, size, at=0):\n    \
             with open(path, 'wb', buffering=0) as file:\n        file.seek(at)\n        \
             while size:\n            size -= file.write(bytes(min(size, 65536)))\n\
         {code}"
    );
    let result: Value = server.exec(workspace, &["python", "-c", &code]);
    assert_eq!(result["exit_code"], 0, "{result}");
    result["stdout"].as_str().unwrap().trim().to_owned()
}

#[test]
fn a_workspace_holds_what_its_policy_says_and_no_more() {
    let server = fresh();
    let id = small(&server);
    // Within: the twin of what follows.
    let within = "write('a', 900_000); write('/tmp/b', 100_000); print(full(write, 'a', 900_000))";
    assert_eq!(python(&server, &id, within), "False");
    for (what, code) in [
        ("more bytes", "print(full(write, 'c', 100_000))"),
        ("a hole", "print(full(write, 'c', 1, 1 << 40))"),
        ("a longer file", "print(full(os.truncate, 'a', 1 << 40))"),
        (
            "appending",
            "print(full(lambda: open('a', 'ab', buffering=0).write(bytes(60_000))))",
        ),
        ("/tmp", "print(full(write, '/tmp/c', 100_000))"),
    ] {
        assert_eq!(python(&server, &id, code), "True", "{what}");
    }
    // What is there stays and can be read and overwritten; what is removed makes room.
    let after = "os.remove('/tmp/b'); os.remove('a')\n\
        write('d', 1_000_000); print(os.path.getsize('d'))";
    assert_eq!(python(&server, &id, after), "1000000");
}

#[test]
fn a_caller_s_file_takes_room_too() {
    let server = fresh();
    let id = small(&server);
    assert_eq!(server.put(&id, "a", vec![0; 600_000]).0, 201);
    let (status, problem) = server.put(&id, "b", vec![0; 600_000]);
    assert_eq!(status, 413, "{problem}");
    assert!(problem.to_string().contains("disk_bytes"), "{problem}");
    assert_eq!(server.read(&id, "b").0, 404);
    assert_eq!(server.read(&id, "a").1.len(), 600_000);
}

#[test]
fn many_files_and_links_are_limited_as_well() {
    let server = fresh();
    let id = small(&server);
    let code = "made = 0\n\
        while not full(os.mkdir, f'd{made}'):\n    made += 1\n\
        print(made, full(os.symlink, 'x', 'link'), full(open, 'file', 'w'))";
    let printed = python(&server, &id, code);
    assert_eq!(printed, "10000 True True");
}

#[test]
fn a_deep_tree_is_listed_and_removed() {
    let server = fresh();
    let id = small(&server);
    let code = "for _ in range(700):\n    os.mkdir('d'); os.chdir('d')\nprint('made')";
    assert_eq!(python(&server, &id, code), "made");
    let (status, page) = server.get(&format!("/workspaces/{id}/files?recursive=true"));
    assert_eq!(status, 200, "{page}");
    let (status, problem) = server.delete(&format!("/workspaces/{id}/files/d"));
    assert_eq!(status, 204, "{problem}");
    let (_, page) = server.get(&format!("/workspaces/{id}/files"));
    assert_eq!(page["items"], json!([]));
    assert_eq!(server.delete(&format!("/workspaces/{id}")).0, 204);
}
