//! Directories and files that are open.

use super::guest::{Guest, policy};
use std::path::Path;
use swarm_flow_policy::{Filesystem, Policy};
use swarm_flow_sandbox::{Disk, End};
use tempfile::TempDir;

fn with(filesystem: Filesystem) -> Policy {
    Policy {
        filesystem,
        ..policy()
    }
}

fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

fn workspace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), "many bytes").unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_for_writing_is_read_only_at_once() {
    let (folder, other) = (workspace(), workspace());
    let directories: [(&Path, &str); 2] = [(folder.path(), "/workspace"), (other.path(), "/tmp")];
    let start = with(Filesystem::ReadWrite(paths(&["/workspace", "/tmp"])));
    let mut guest = Guest::start_in(&start, &directories, None);
    guest
        .all(&[
            ("append-to /workspace/log", "granted"),
            ("append", "granted"),
            ("read-from /workspace/text", "granted"),
            ("next", "granted"),
            ("write /workspace/a", "granted"),
            ("write b", "granted"),
            ("rename a c", "granted"),
        ])
        .await;
    guest.change(&with(Filesystem::ReadOnly(paths(&["/workspace", "/tmp"]))));
    guest
        .all(&[
            ("append", "denied"),
            ("append-to /workspace/log", "denied"),
            ("write /workspace/a", "denied"),
            ("write b", "denied"),
            ("rename c d", "denied"),
            ("link c d", "denied"),
            ("next", "granted"),
            ("read /workspace/text", "granted"),
            ("read text", "granted"),
            ("list /workspace", "granted"),
            ("write /tmp/a", "denied"),
        ])
        .await;
    let denials = guest.denials.first();
    assert_eq!(denials[0].capability, "filesystem");
    assert_eq!(denials[0].resource, "write /workspace");
    assert!(
        denials[0]
            .rule
            .contains("read_write = [\"/workspace\", \"/tmp\"]"),
        "{denials:?}"
    );
    assert_eq!(guest.finish().await.end, End::Returned(0));
    assert_eq!(std::fs::read(folder.path().join("log")).unwrap(), b"x");
    assert!(!other.path().join("a").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_gone_is_gone_with_all_that_is_open_in_it() {
    let (folder, other) = (workspace(), workspace());
    let directories: [(&Path, &str); 2] = [(folder.path(), "/workspace"), (other.path(), "/tmp")];
    let start = with(Filesystem::ReadWrite(paths(&["/workspace", "/tmp"])));
    let mut guest = Guest::start_in(&start, &directories, None);
    let opened = [
        ("read-from /workspace/text", "granted"),
        ("next", "granted"),
        ("append-to /tmp/log", "granted"),
    ];
    guest.all(&opened).await;
    guest.change(&with(Filesystem::ReadWrite(paths(&["/tmp"]))));
    guest
        .all(&[
            ("next", "denied"),
            ("read /workspace/text", "denied"),
            ("read text", "denied"),
            ("list /workspace", "denied"),
            ("append", "granted"),
            ("read /tmp/text", "granted"),
            ("rename /tmp/text /workspace/moved", "denied"),
        ])
        .await;
    guest.change(&with(Filesystem::None));
    guest
        .all(&[("append", "denied"), ("read /tmp/text", "denied")])
        .await;
    // What it had before it may have again.
    guest.change(&start);
    guest
        .all(&[("read text", "granted"), ("append", "granted")])
        .await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wider_policy_gives_what_runs_nothing() {
    let folder = workspace();
    let start = with(Filesystem::ReadOnly(paths(&["/workspace"])));
    let mut guest = Guest::start_in(&start, &[(folder.path(), "/workspace")], None);
    guest.all(&[("write a", "denied")]).await;
    let mut wide = with(Filesystem::Full);
    wide.network = swarm_flow_policy::Network::Any;
    guest.change(&wide);
    guest
        .all(&[
            ("write a", "denied"),
            ("get 127.0.0.1:9", "denied"),
            ("connect 127.0.0.1:9", "denied"),
            ("read text", "granted"),
        ])
        .await;
    assert_ne!(guest.does("write /tmp/a").await, "granted");
    let message = &guest.denials.first()[0].message;
    assert!(
        message.ends_with("which came after this sandbox started: run the program again"),
        "{message}"
    );
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_the_operators_goes_with_full() {
    let (folder, data) = (workspace(), workspace());
    let directories: [(&Path, &str); 2] = [(folder.path(), "/workspace"), (data.path(), "/data")];
    // Nothing fits into the workspace, which says nothing about the operator's directory.
    let disk = Disk::new(vec![folder.path().to_owned()], 1);
    let full = with(Filesystem::Full);
    let mut guest = Guest::start_in(&full, &directories, Some(disk));
    guest
        .all(&[
            ("read /data/text", "granted"),
            ("write /data/new", "granted"),
            ("append-to /data/log", "granted"),
            ("append", "granted"),
        ])
        .await;
    assert_ne!(guest.does("write /workspace/new").await, "granted");
    // A file does not become the workspace's by another name, nor the other way.
    for line in [
        "rename /data/text /workspace/moved",
        "link /data/text /workspace/linked",
        "rename /workspace/text /data/moved",
    ] {
        let said = guest.does(line).await;
        assert!(said.contains("CrossesDevices"), "{line}: {said}");
    }
    guest.change(&with(Filesystem::ReadWrite(paths(&["/workspace", "/tmp"]))));
    guest
        .all(&[
            ("read /data/text", "denied"),
            ("append", "denied"),
            ("read /workspace/text", "granted"),
        ])
        .await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}
