//! What may be read and what may be written, in one directory and between several.

use super::world::{DENIED, World, holds, holds_in, said};
use swarm_flow_policy::Access::{self, Read, ReadWrite};
use swarm_flow_sandbox::Directory;

#[tokio::test(flavor = "multi_thread")]
async fn what_may_only_be_read_is_not_changed_by_any_call() {
    holds(&[
        ("read /workspace:file", "granted inside", "granted inside"),
        ("create /workspace:new", "granted", DENIED),
        ("create /workspace:file", "granted", DENIED),
        ("create-to-read /workspace:new", "granted", DENIED),
        ("create-new /workspace:new", "granted", DENIED),
        ("truncate /workspace:file", "granted", DENIED),
        ("truncate-to-read /workspace:file", "granted", DENIED),
        ("write /workspace:file", "granted", DENIED),
        ("stream /workspace:file", "granted", DENIED),
        ("append /workspace:file", "granted", DENIED),
        ("size /workspace:file", "granted", DENIED),
        ("times /workspace:file", "granted", DENIED),
        ("times /workspace:.", "granted", DENIED),
        ("times-as-reader /workspace:file", "granted", DENIED),
        ("times-as-reader /workspace:folder", "granted", DENIED),
        (
            "write-as-reader /workspace:file",
            "failed: bad-descriptor",
            DENIED,
        ),
        ("size-as-reader /workspace:file", "failed: invalid", DENIED),
        ("stream-as-reader /workspace:file", DENIED, DENIED),
        ("append-as-reader /workspace:file", DENIED, DENIED),
        ("mkdir /workspace:new", "granted", DENIED),
        ("rmdir /workspace:empty", "granted", DENIED),
        ("unlink /workspace:file", "granted", DENIED),
        ("rename /workspace:file /workspace:new", "granted", DENIED),
        ("symlink file /workspace:new", "granted", DENIED),
        ("link /workspace:file /workspace:new", "granted", DENIED),
    ])
    .await;
}

/// `/tmp` is granted beside it, in the other way.
fn both(world: &World, access: Access) -> Vec<Directory> {
    let other = if access == Read { ReadWrite } else { Read };
    let mut granted = world.workspace(access);
    granted.push(world.grant("beside", "/tmp", other));
    granted
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_between_what_is_read_and_what_is_written() {
    holds_in(
        &[
            ("rename /workspace:file /tmp:new", DENIED, DENIED),
            ("rename /tmp:file /workspace:new", DENIED, DENIED),
            ("rename /workspace:folder /tmp:new", DENIED, DENIED),
            ("link /workspace:file /tmp:new", DENIED, DENIED),
            ("link /tmp:file /workspace:new", DENIED, DENIED),
            ("link /workspace:to-file /tmp:new", DENIED, DENIED),
            ("read /tmp:file", "granted beside", "granted beside"),
            ("create /workspace:new", "granted", DENIED),
            ("create /tmp:new", DENIED, "granted"),
        ],
        both,
    )
    .await;
    // The twin: both may be written.
    let same = |world: &World, access| {
        let mut granted = world.workspace(access);
        granted.push(world.grant("beside", "/tmp", access));
        granted
    };
    holds_in(
        &[
            ("rename /workspace:file /tmp:new", "granted", DENIED),
            ("link /tmp:file /workspace:new", "granted", DENIED),
            (
                "rename /workspace:../outside/secret /tmp:new",
                DENIED,
                DENIED,
            ),
            ("link /workspace:out-folder/secret /tmp:new", DENIED, DENIED),
        ],
        same,
    )
    .await;
}

/// A second name of a file is the same file: what may be read under one may not be written under another.
#[tokio::test(flavor = "multi_thread")]
async fn a_hard_link_carries_no_grant_over() {
    let world = World::new();
    let mut granted = world.workspace(Read);
    granted.push(world.grant("beside", "/tmp", ReadWrite));
    let lines = [
        "link\t/workspace:file\t/tmp:stolen",
        "create\t/tmp:stolen",
        "read\t/workspace:file",
    ];
    let said_ro = said(granted, &lines).await;
    assert_eq!(said_ro, [DENIED, "granted", "granted inside"]);
    // The twin: a link between directories that may both be written is made, and is the same file.
    let mut granted = world.workspace(ReadWrite);
    granted.push(world.grant("beside", "/tmp", ReadWrite));
    let lines = [
        "link\t/workspace:file\t/tmp:linked",
        "write\t/tmp:linked",
        "read\t/workspace:file",
    ];
    let said_rw = said(granted, &lines).await;
    assert_eq!(said_rw, ["granted", "granted", "granted gueste"]);
}

/// A directory is granted with all that is in it, under each of its names. So of two grants that overlap the wider one
/// holds, whichever was said first; what a host's owner links into a directory is in it.
#[tokio::test(flavor = "multi_thread")]
async fn of_grants_that_overlap_each_holds_for_itself() {
    let grants: [fn(&World, Access) -> Vec<Directory>; 2] = [
        |world, access| {
            let mut granted = world.workspace(access);
            granted.push(world.grant("inside/folder", "/workspace/folder", Read));
            granted
        },
        |world, access| {
            let narrow = world.grant("inside/folder", "/workspace/folder", Read);
            let mut granted = vec![narrow];
            granted.extend(world.workspace(access));
            granted
        },
    ];
    for granted in grants {
        holds_in(
            &[
                ("create /workspace/folder:new", DENIED, DENIED),
                ("create /workspace/folder:../new", DENIED, DENIED),
                ("read /workspace/folder:up", DENIED, DENIED),
                ("create /workspace:folder/new", "granted", DENIED),
                (
                    "rename /workspace:file /workspace/folder:new",
                    DENIED,
                    DENIED,
                ),
                (
                    "link /workspace/folder:inner /workspace:new",
                    DENIED,
                    DENIED,
                ),
            ],
            granted,
        )
        .await;
    }
    let here = |world: &World, access| {
        let mut granted = world.workspace(access);
        granted.push(world.grant("inside", ".", Read));
        granted
    };
    holds_in(
        &[
            ("read .:file", "granted inside", "granted inside"),
            ("create .:new", DENIED, DENIED),
            ("create /workspace:new", "granted", DENIED),
            ("read .:../outside/secret", DENIED, DENIED),
        ],
        here,
    )
    .await;
}
