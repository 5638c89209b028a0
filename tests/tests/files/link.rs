//! Links: what the owner of a folder made, and what guests make.

use super::world::{DENIED, MISSING, World, holds, said};
use swarm_flow_policy::Access::{Read, ReadWrite};

const LOOP: &str = "failed: loop";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_within_a_directory_and_never_out_of_it() {
    holds(&[
        // The twins of what follows.
        (
            "read /workspace:to-file",
            "granted inside",
            "granted inside",
        ),
        (
            "read /workspace:to-folder/inner",
            "granted inside",
            "granted inside",
        ),
        (
            "list /workspace:to-folder/",
            "granted deep,inner,three,up",
            "granted deep,inner,three,up",
        ),
        (
            "read /workspace:here/here/to-folder/deep/around",
            "granted inside",
            "granted inside",
        ),
        (
            "read /workspace:folder/up",
            "granted inside",
            "granted inside",
        ),
        ("create /workspace:to-nothing", "granted", DENIED),
        ("lstat /workspace:out", "granted link", "granted link"),
        (
            "readlink /workspace:out",
            "granted ../outside/secret",
            "granted ../outside/secret",
        ),
        // Relative, absolute, by a chain, in the middle, to a directory with a slash behind it.
        ("read /workspace:out", DENIED, DENIED),
        ("read /workspace:out-absolute", DENIED, DENIED),
        ("read /workspace:one", DENIED, DENIED),
        ("read /workspace:here/one", DENIED, DENIED),
        ("read /workspace:out-and-back", DENIED, DENIED),
        ("read /workspace:out-folder/secret", DENIED, DENIED),
        ("read /workspace:out-folder/", DENIED, DENIED),
        ("list /workspace:out-folder", DENIED, DENIED),
        ("list /workspace:out-folder/", DENIED, DENIED),
        ("list /workspace:out-folder/.", DENIED, DENIED),
        ("list /workspace:out-folder-absolute/", DENIED, DENIED),
        ("read /workspace:out-folder-absolute/secret", DENIED, DENIED),
        ("list /workspace:root/", DENIED, DENIED),
        ("read /workspace:root/etc/passwd", DENIED, DENIED),
        ("read /workspace:proc/environ", DENIED, DENIED),
        ("read /workspace:proc/root/etc/passwd", DENIED, DENIED),
        ("stat /workspace:out", DENIED, DENIED),
        ("stat /workspace:out-folder/secret", DENIED, DENIED),
        ("lstat /workspace:out-folder/secret", DENIED, DENIED),
        ("hash /workspace:out", DENIED, DENIED),
        // Making and changing what they lead to.
        ("create /workspace:out", DENIED, DENIED),
        ("create /workspace:out-new", DENIED, DENIED),
        ("create-new /workspace:out-new", "failed: exist", DENIED),
        ("create /workspace:out-folder/new", DENIED, DENIED),
        ("truncate /workspace:out", DENIED, DENIED),
        ("write /workspace:out", DENIED, DENIED),
        ("times /workspace:out", DENIED, DENIED),
        ("times /workspace:out-folder/secret", DENIED, DENIED),
        ("mkdir /workspace:out-folder/new", DENIED, DENIED),
        ("mkdir /workspace:out-new", "failed: exist", DENIED),
        (
            "rmdir /workspace:out-folder",
            "failed: not-directory",
            DENIED,
        ),
        ("rmdir /workspace:out-folder/", DENIED, DENIED),
        ("unlink /workspace:out-folder/secret", DENIED, DENIED),
        ("unlink /workspace:out-folder/", DENIED, DENIED),
        (
            "rename /workspace:out-folder/secret /workspace:new",
            DENIED,
            DENIED,
        ),
        (
            "rename /workspace:file /workspace:out-folder/new",
            DENIED,
            DENIED,
        ),
        (
            "link /workspace:out-folder/secret /workspace:new",
            DENIED,
            DENIED,
        ),
        (
            "link /workspace:file /workspace:out-folder/new",
            DENIED,
            DENIED,
        ),
        ("symlink file /workspace:out-folder/new", DENIED, DENIED),
        // The link itself is the guest's own.
        ("unlink /workspace:out", "granted", DENIED),
        ("rename /workspace:out /workspace:new", "granted", DENIED),
        (
            "rename /workspace:file /workspace:out-new",
            "granted",
            DENIED,
        ),
        // Circles end.
        ("read /workspace:loop", LOOP, LOOP),
        ("read /workspace:left", LOOP, LOOP),
        ("list /workspace:loop/", LOOP, LOOP),
        ("create /workspace:loop", LOOP, DENIED),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_s_own_link_that_leads_out_is_not_followed_either() {
    for (target, path) in [
        ("../outside/secret", "/workspace:new"),
        ("../outside", "/workspace:new/secret"),
        ("folder/../../outside/secret", "/workspace:new"),
        ("out", "/workspace:new"),
    ] {
        let world = World::new();
        let make = format!("symlink\t{target}\t/workspace:new");
        let read = format!("read\t{path}");
        let lines = [make.as_str(), &read];
        let said = said(world.workspace(ReadWrite), &lines).await;
        assert_eq!(said, ["granted", DENIED], "{target}");
    }
    // The twin: the same link where all of it was granted.
    let world = World::new();
    let granted = vec![world.grant("", "/workspace", ReadWrite)];
    let lines = [
        "symlink\t../outside/secret\t/workspace:inside/new",
        "read\t/workspace:inside/new",
        "read\t/workspace:inside/out-folder/secret",
        "read\t/workspace:inside/../outside/secret",
        "read\t/workspace:inside/out-absolute",
    ];
    assert_eq!(
        said(granted, &lines).await,
        [
            "granted",
            "granted secret",
            "granted secret",
            "granted secret",
            DENIED
        ],
        "an absolute link leads out of every directory"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_host_linked_into_a_directory_is_in_it() {
    let world = World::new();
    let inside = world.path("inside/linked");
    std::fs::hard_link(world.path("outside/secret"), &inside).unwrap();
    let lines = ["read\t/workspace:linked", "write\t/workspace:linked"];
    assert_eq!(
        said(world.workspace(Read), &lines).await,
        ["granted secret", DENIED]
    );
    // The twin: without that link it is nowhere.
    std::fs::remove_file(inside).unwrap();
    assert_eq!(said(world.workspace(Read), &lines).await, [MISSING, DENIED]);
    world.is_whole("a link that is gone");
}
