//! Callers of the files API, and guests beside them, in the workspaces of a real server.

use super::{race, special};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use swarm_flow_tests::raw;
use swarm_flow_tests::server::{Fresh, answer, fresh};

/// Where a workspace's files are, in the eyes of who owns the state folder.
fn files(server: &Fresh, id: &str) -> PathBuf {
    let workspaces = server.state.path().join("workspaces");
    workspaces.join(id).join("files")
}

/// A secret in the state folder, and its directory.
fn secret(server: &Fresh) -> PathBuf {
    let outside = server.state.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    outside
}

#[track_caller]
fn is_whole(outside: &std::path::Path) {
    let names: Vec<_> = std::fs::read_dir(outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"]);
    let secret = std::fs::read_to_string(outside.join("secret")).unwrap();
    assert_eq!(secret, "secret");
}

/// What the guest `escape` says to each line, in a workspace.
fn said(server: &Fresh, id: &str, lines: &[String]) -> Vec<String> {
    let path = format!("/workspaces/{id}/exec");
    let body = json!({"command": ["escape"], "stdin": lines.join("\n")});
    let (status, result) = server.post(&path, &body);
    assert_eq!(status, 200, "{result}");
    assert_eq!(result["exit_code"], 0, "{result}");
    let said = result["stdout"].as_str().unwrap().lines();
    said.map(|line| line.trim_end().to_owned()).collect()
}

fn listed(server: &Fresh, id: &str, query: &str) -> Vec<(String, String)> {
    let (status, page) = server.get(&format!("/workspaces/{id}/files{query}"));
    assert_eq!(status, 200, "{page}");
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(item, "path"), text(item, "kind")))
        .collect()
}

#[test]
fn the_state_folder_and_its_tokens_are_out_of_reach_by_every_path() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let other = server.workspace("base", "standard");
    server.put(&other, "file", "of another");
    let state = server.state.path().to_str().unwrap().to_owned();
    let own = files(&server, &id);
    for (link, target) in [
        ("token", "../../../token".to_owned()),
        ("absolute", format!("{state}/token")),
        ("state", state.clone()),
        ("other", format!("../../{other}/files")),
        ("tmp", "../tmp".to_owned()),
        ("proc", "/proc/self".to_owned()),
        ("dev", "/dev".to_owned()),
    ] {
        symlink(target, own.join(link)).unwrap();
    }
    let outside = [
        "../../../token",
        "../../../runner-token",
        "../../../compiled/key",
        &format!("../../{other}/files/file"),
        &format!("{state}/token"),
        "/proc/self/environ",
        "/proc/self/mem",
        "/proc/1/root/etc/passwd",
        "/dev/mem",
        "/sys/kernel/notes",
        "/run/secrets",
        "token",
        "absolute",
        "state/token",
        "other/file",
        "tmp/x",
        "proc/environ",
        "dev/zero",
    ];
    let lines: Vec<String> = outside
        .iter()
        .map(|path| format!("read\t/workspace:{path}"))
        .chain(["../../../token", "../files/token"].map(|path| format!("read\t/tmp:{path}")))
        .collect();
    for (line, said) in lines.iter().zip(said(&server, &id, &lines)) {
        assert_eq!(said, "denied: not-permitted", "{line}");
    }
    for path in &outside[11..] {
        let (status, bytes) = server.read(&id, path);
        assert_eq!(status, 400, "{path}: {}", String::from_utf8_lossy(&bytes));
    }
    // The twins: one's own files, and the other workspace's by its own name.
    server.put(&id, "file", "own");
    let own = said(&server, &id, &["read\t/workspace:file".to_owned()]);
    assert_eq!(own, ["granted own"]);
    assert_eq!(server.read(&other, "file").1, b"of another");
}

#[test]
fn a_name_is_taken_as_it_is_or_refused() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    // Odd, and nothing but names: the twins of what follows.
    for name in [
        "a..b",
        "..a",
        "a..",
        "...",
        "a.",
        "%20",
        "a%5cb",
        "..%5c..%5ctoken",
        "a;b",
        "a:b",
        "~",
        "%C3%BC",
        "%E2%80%AE",
        "CON",
        "%2520",
        "%252e%252e",
        "%0A",
    ] {
        assert_eq!(server.put(&id, name, "x").0, 201, "{name}");
        assert_eq!(server.read(&id, name).1, b"x", "{name}");
        assert_eq!(files(&server, &id).read_dir().unwrap().count(), 1, "{name}");
        let path = format!("/workspaces/{id}/files/{name}");
        assert_eq!(server.delete(&path).0, 204, "{name}");
    }
    // As bytes, because a client resolves `..` before it sends a path.
    let long = "x".repeat(256);
    let deep = "d/".repeat(2_100) + "f";
    for name in [
        "..",
        "../x",
        "a/../b",
        ".",
        "a/./b",
        "a/%2e%2e/b",
        "%2e%2e",
        "%2E%2e/x",
        "%2e./x",
        "a/%2e",
        "a%2Fb",
        "%2Fetc%2Fpasswd",
        "..%2f..%2ftoken",
        "a%00",
        "%00",
        "a//b",
        "/etc/passwd",
        "a/",
        "%FF",
        "%C0%AE%C0%AE/x",
        "%",
        "%zz",
        &long,
        &deep,
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let line = format!("{method} /api/v1/workspaces/{id}/files/{name}");
            let status = raw::status(&server, &line, "Content-Length: 0\r\n");
            assert_eq!(status, 400, "{line}");
        }
    }
    for path in ["..", "a/../..", "/etc", "%00", "a//b", "./a"] {
        let line = format!("GET /api/v1/workspaces/{id}/files?path={path}");
        assert_eq!(raw::status(&server, &line, ""), 400, "{line}");
    }
    assert_eq!(files(&server, &id).read_dir().unwrap().count(), 0);
}

#[test]
fn names_that_are_no_text_are_left_out_and_go_with_their_directory() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    server.put(&id, "folder/file", "x");
    let odd = files(&server, &id)
        .join("folder")
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("inner"), "x").unwrap();
    let found = listed(&server, &id, "?recursive=true");
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["folder", "folder/file"]);
    assert_eq!(server.read(&id, "folder/%FF%FE").0, 400);
    let path = format!("/workspaces/{id}/files/folder");
    assert_eq!(server.delete(&path).0, 204);
    assert_eq!(listed(&server, &id, ""), []);
}

#[test]
fn special_files_of_a_workspace_are_listed_and_replaced_and_never_waited_for() {
    let server = fresh();
    let body = json!({"name": "small", "environment": "base", "policy": {
        "filesystem": {"read_write": ["/workspace", "/tmp"]}, "network": "none",
        "limits": {"memory_bytes": 256 << 20, "cpu_time_ms": 10_000, "wall_time_ms": 10_000, "handles": 100,
            "output_bytes": 1 << 20, "disk_bytes": 1 << 20, "sandboxes": 4},
    }});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    let id = workspace["id"].as_str().unwrap();
    let started = Instant::now();
    let names = special::make(&files(&server, id));
    for (path, kind) in listed(&server, id, "?recursive=true") {
        let expected = if path == "to-fifo" {
            "symlink"
        } else {
            "other"
        };
        assert_eq!(kind, expected, "{path}");
    }
    // The link first, as long as it leads to something.
    for name in names.into_iter().rev() {
        let (status, body) = server.read(id, name);
        assert_eq!(status, 409, "{name}: {}", String::from_utf8_lossy(&body));
        let ranged = server.request(
            reqwest::Method::GET,
            &format!("/workspaces/{id}/files/{name}"),
        );
        let ranged = answer(ranged.header("range", "bytes=0-9").send().unwrap());
        assert_eq!(ranged.0, 409, "{name}: {}", ranged.1);
        let (status, body) = server.get(&format!("/workspaces/{id}/files?path={name}"));
        assert_eq!(status, 409, "{name}: {body}");
        let reached = server.exec(id, &["reach", "read", &format!("/workspace/{name}")]);
        assert_eq!(reached["stdout"], "denied\n", "{name}");
        // The allowance is used up, so all is measured.
        assert_eq!(server.put(id, "large", vec![0; 2 << 20]).0, 413);
        // The twin: a file in its place.
        assert_eq!(server.put(id, name, "now a file").0, 200, "{name}");
        assert_eq!(server.read(id, name).1, b"now a file", "{name}");
        let path = format!("/workspaces/{id}/files/{name}");
        assert_eq!(server.delete(&path).0, 204, "{name}");
    }
    special::make(&files(&server, id));
    assert_eq!(
        server.delete(&format!("/workspaces/{id}/files/fifo")).0,
        204
    );
    assert_eq!(server.delete(&format!("/workspaces/{id}")).0, 204);
    let aside = server.state.path().join("aside");
    assert_eq!(aside.read_dir().unwrap().count(), 0);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_directory_that_is_swapped_for_a_link_leads_no_caller_out() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let outside = secret(&server);
    std::fs::write(outside.join("hidden"), "").unwrap();
    server.put(&id, "swapped/secret", "inside");
    let (at, stop) = (files(&server, &id).join("swapped"), AtomicBool::new(false));
    let (mut inside, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let _stop = race::Stop(&stop);
        scope.spawn(|| race::swap(&at, &outside, &stop));
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            match server.read(&id, "swapped/secret") {
                (status, bytes) if status == 200 => {
                    assert_eq!(bytes, b"inside");
                    inside += 1;
                }
                _ => refused += 1,
            }
            server.put(&id, "swapped/new", "x");
            server.delete(&format!("/workspaces/{id}/files/swapped/new"));
            server.delete(&format!("/workspaces/{id}/files/swapped/hidden"));
            let found = listed(&server, &id, "?recursive=true");
            let out = found.iter().any(|(path, _)| path.ends_with("/hidden"));
            assert!(!out, "{found:?}");
        }
    });
    assert!(inside > 0 && refused > 0, "{inside} {refused}");
    std::fs::remove_file(outside.join("hidden")).unwrap();
    is_whole(&outside);
}

#[test]
fn what_is_deleted_goes_while_a_guest_still_works_in_it() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    server.put(&id, "folder/swapped/file", "x");
    server.put(&id, "kept", "x");
    let lines = ["swap\t/workspace:folder/swapped\t../../kept\t2000".to_owned()];
    std::thread::scope(|scope| {
        let guest = scope.spawn(|| said(&server, &id, &lines));
        std::thread::sleep(Duration::from_millis(500));
        let path = format!("/workspaces/{id}/files/folder");
        let (status, problem) = server.delete(&path);
        assert_eq!(status, 204, "{problem}");
        // It finds its directory gone, and nothing else.
        assert_eq!(guest.join().unwrap(), ["failed: no-entry"]);
    });
    assert_eq!(
        listed(&server, &id, ""),
        [("kept".to_owned(), "file".to_owned())]
    );
    let aside = server.state.path().join("aside");
    assert_eq!(aside.read_dir().unwrap().count(), 0);
    // The twin: with nobody in the way.
    server.put(&id, "folder/swapped/file", "x");
    assert_eq!(
        server.delete(&format!("/workspaces/{id}/files/folder")).0,
        204
    );
}

#[test]
fn a_workspace_goes_while_its_guests_write() {
    let server = fresh();
    for _ in 0..5 {
        let id = server.workspace("base", "standard");
        let path = format!("/workspaces/{id}");
        let line = "swap\t/workspace:folder\tfolder-aside\t20000";
        let body =
            json!({"command": ["escape"], "stdin": format!("mkdir\t/workspace:folder\n{line}")});
        std::thread::scope(|scope| {
            scope.spawn(|| server.post(&format!("{path}/exec"), &body));
            std::thread::sleep(Duration::from_millis(200));
            let (status, problem) = server.delete(&path);
            assert_eq!(status, 204, "{problem}");
        });
        assert!(!files(&server, &id).exists());
    }
    let aside = server.state.path().join("aside");
    assert_eq!(aside.read_dir().unwrap().count(), 0);
}

#[test]
fn a_listing_keeps_a_page_and_no_more() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let folder = files(&server, &id);
    for index in 0..3_000 {
        std::fs::write(folder.join(format!("{index:04}")), "").unwrap();
    }
    let mut seen = Vec::new();
    let mut query = "?limit=1000".to_owned();
    loop {
        let (status, page) = server.get(&format!("/workspaces/{id}/files{query}"));
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|item| item["path"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=1000&cursor={next}");
    }
    let expected: Vec<_> = (0..3_000).map(|index| format!("{index:04}")).collect();
    assert_eq!(seen, expected);
}
