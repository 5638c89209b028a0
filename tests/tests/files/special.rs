//! FIFOs, sockets and devices. No guest can make one; who owns the folder can, and then nobody waits for them.

use super::world::{World, said_with};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_flow_policy::Access::ReadWrite;
use swarm_flow_sandbox::{Disk, occupied};

/// Makes one of each kind that the system lets us make, and gives back their names.
pub fn make(folder: &Path) -> Vec<&'static str> {
    let made = |program: &str, name: &str, kind: &[&str]| {
        let mut command = Command::new(program);
        command.arg(folder.join(name)).args(kind);
        command.output().unwrap().status.success()
    };
    assert!(made("mkfifo", "fifo", &[]));
    // Its name stays when the listener goes.
    UnixListener::bind(folder.join("socket")).unwrap();
    let mut names = vec!["fifo", "socket"];
    // Only root may make a device.
    if made("mknod", "zero", &["c", "1", "5"]) {
        names.push("zero");
    }
    std::os::unix::fs::symlink("fifo", folder.join("to-fifo")).unwrap();
    names.push("to-fifo");
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_a_socket_or_a_device_in_a_workspace_is_seen_and_never_opened() {
    let world = World::new();
    let inside = world.path("inside");
    let disk = Arc::new(Disk::new(vec![inside.clone()], 1 << 20));
    let names = make(&inside);
    let started = Instant::now();
    // The link first, as long as it leads to something.
    for name in names.into_iter().rev() {
        let mut lines: Vec<_> = [
            "read", "create", "truncate", "write", "stream", "append", "size", "list",
        ]
        .map(|what| {
            (
                format!("{what}\t/workspace:{name}"),
                "denied: not-permitted",
            )
        })
        .into();
        lines.push((format!("stat\t/workspace:{name}"), "granted special"));
        lines.push((
            format!("rename\t/workspace:{name}\t/workspace:new"),
            "granted",
        ));
        lines.push(("unlink\t/workspace:new".to_owned(), "granted"));
        // The twin: a file in its place.
        lines.push((format!("create\t/workspace:{name}"), "granted"));
        lines.push((format!("read\t/workspace:{name}"), "granted guest"));
        let attempts: Vec<_> = lines.iter().map(|(line, _)| line.as_str()).collect();
        let expected: Vec<_> = lines.iter().map(|(_, expected)| *expected).collect();
        let said = said_with(world.workspace(ReadWrite), Some(disk.clone()), &attempts).await;
        assert_eq!(said, expected, "{name}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_a_workspace_occupies_is_measured_past_special_files() {
    let world = World::new();
    let inside = world.path("inside");
    let before = occupied(std::slice::from_ref(&inside));
    let names = make(&inside);
    let after = occupied(&[inside]);
    assert_eq!(after.entries - before.entries, names.len() as u64);
    // A link is as long as its target's name; the others are empty.
    assert_eq!(after.bytes - before.bytes, 4);
}
