//! `/dev` of a sandbox: the same whatever it is granted, held by nobody, and with no way from there to a file.

use super::world::{DENIED, MISSING, World, grants, holds, holds_in, said};
use swarm_flow_policy::Access::{Read, ReadWrite};
use swarm_flow_sandbox::{End, Output};
use swarm_flow_tests::sandbox::program;

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_read_and_written_whatever_is_granted() {
    let nothing = "granted";
    holds(&[
        ("read /dev:null", nothing, nothing),
        ("write /dev:null", nothing, nothing),
        ("stream /dev:null", nothing, nothing),
        ("append /dev:null", nothing, nothing),
        ("create /dev:null", nothing, nothing),
        ("truncate /dev:null", nothing, nothing),
        ("write /dev:zero", nothing, nothing),
        ("write /dev:urandom", nothing, nothing),
        ("stat /dev:null", "granted special", "granted special"),
        ("stat /dev:.", "granted directory", "granted directory"),
        ("hash /dev:null", nothing, nothing),
        (
            "list /dev:.",
            "granted full,null,random,stderr,stdin,stdout,urandom,zero",
            "granted full,null,random,stderr,stdin,stdout,urandom,zero",
        ),
        ("within /dev:. null", nothing, nothing),
        (
            "write /dev:full",
            "failed: insufficient-space",
            "failed: insufficient-space",
        ),
        // It has no end and no place, so it is neither made longer nor written by who may only read.
        ("size /dev:null", "failed: invalid", "failed: invalid"),
        (
            "write-as-reader /dev:null",
            "failed: bad-descriptor",
            "failed: bad-descriptor",
        ),
        (
            "read /dev:.",
            "failed: is-directory",
            "failed: is-directory",
        ),
        ("readlink /dev:stdin", "failed: invalid", "failed: invalid"),
        ("read /dev:sda", MISSING, MISSING),
        ("read /dev:tty", MISSING, MISSING),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_it_is_made_moved_linked_or_removed() {
    holds(&[
        ("create /dev:new", DENIED, DENIED),
        ("create-new /dev:new", DENIED, DENIED),
        ("mkdir /dev:new", DENIED, DENIED),
        ("rmdir /dev:null", DENIED, DENIED),
        ("unlink /dev:null", DENIED, DENIED),
        ("times /dev:null", DENIED, DENIED),
        ("times-as-reader /dev:null", DENIED, DENIED),
        ("symlink /etc/passwd /dev:new", DENIED, DENIED),
        ("rename /dev:null /dev:zero", DENIED, DENIED),
        ("rename /dev:null /workspace:new", DENIED, DENIED),
        ("rename /workspace:file /dev:null", DENIED, DENIED),
        ("link /dev:null /workspace:new", DENIED, DENIED),
        ("link /workspace:file /dev:new", DENIED, DENIED),
        // The twins, where there are files.
        ("create /workspace:new", "granted", DENIED),
        ("rename /workspace:file /workspace:new", "granted", DENIED),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_from_there_to_a_file_or_to_the_hosts_devices() {
    holds(&[
        ("read /dev:../etc/passwd", DENIED, DENIED),
        ("read /dev:..", DENIED, DENIED),
        ("list /dev:..", DENIED, DENIED),
        ("read /dev:./../etc/passwd", DENIED, DENIED),
        ("within /dev:. ../etc/passwd", DENIED, DENIED),
        ("read /dev:/dev/null", DENIED, DENIED),
        ("read /dev:/etc/passwd", DENIED, DENIED),
        (
            "read /dev:null/../../etc/passwd",
            "failed: not-directory",
            "failed: not-directory",
        ),
        ("create /dev:../workspace/new", DENIED, DENIED),
        ("stat /dev:../workspace/file", DENIED, DENIED),
        ("read /workspace:../dev/null", DENIED, DENIED),
        ("read /dev:fd/0", MISSING, MISSING),
        ("read /dev:n\\0ull", MISSING, MISSING),
        // The twins.
        ("read /dev:./null", "granted", "granted"),
        ("read /workspace:file", "granted inside", "granted inside"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_without_any_directory_has_it_and_no_file() {
    assert_eq!(
        said(Vec::new(), &["read\t/dev:null", "read\t/workspace:file"]).await,
        ["granted", "denied: no-directory"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_own_directory_of_that_name_or_around_it_takes_its_place() {
    let inside = |world: &World, access| vec![world.grant("inside", "/dev", access)];
    holds_in(
        &[
            ("read /dev:file", "granted inside", "granted inside"),
            ("read /dev:null", MISSING, MISSING),
            ("create /dev:null", "granted", DENIED),
        ],
        inside,
    )
    .await;
    let world = World::new();
    let around = vec![world.grant("inside", "/", ReadWrite)];
    let lines = ["read\t/:file", "read\t/dev:null"];
    assert_eq!(
        said(around, &lines).await,
        ["granted inside", "denied: no-directory"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn zeros_are_zero_and_random_bytes_are_not_twice_the_same() {
    let zeros = format!("granted {}", "\0".repeat(100));
    let lines = ["read\t/dev:zero", "read\t/dev:full"];
    assert_eq!(said(Vec::new(), &lines).await, [zeros.clone(), zeros]);
    for name in ["urandom", "random"] {
        let line = format!("read\t/dev:{name}");
        let mut seen = Vec::new();
        for _ in 0..2 {
            let (grants, stdout) = grants(Vec::new(), &line);
            let ended = program("escape").run(grants).await.unwrap();
            assert_eq!(ended.end, End::Returned(0));
            let (bytes, _) = stdout.take();
            assert!(bytes.starts_with(b"granted ") && bytes.len() > 100);
            seen.push(bytes);
        }
        assert_ne!(seen[0], seen[1], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_streams_are_the_sandboxs_own() {
    let (mut grants, stdout) = grants(Vec::new(), "write\t/dev:stderr\nwrite\t/dev:stdout");
    let stderr = Output::collected(3);
    grants.stderr = stderr.clone();
    let ended = program("escape").run(grants).await.unwrap();
    assert_eq!(ended.end, End::Returned(0));
    // What is written there keeps to the same limit as what is written the other way.
    assert_eq!(stderr.take(), (b"gue".to_vec(), true));
    assert_eq!(stdout.take().0, b"granted \nguestgranted \n");
    for denied in [
        "read\t/dev:stdout",
        "write\t/dev:stdin",
        "read\t/dev:stderr",
    ] {
        assert_eq!(said(Vec::new(), &[denied]).await, [DENIED], "{denied}");
    }
    // Standard input is what has not been read yet: the guest has taken all of it.
    assert_eq!(said(Vec::new(), &["read\t/dev:stdin"]).await, ["granted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_there_counts_like_what_is_open_in_a_directory() {
    let world = World::new();
    for (line, access) in [
        ("hold\t/dev:null", Read),
        ("hold\t/workspace:file", ReadWrite),
    ] {
        let (grants, _) = grants(world.workspace(access), line);
        let ended = program("escape").run(grants).await.unwrap();
        let End::Limit {
            name: "handles", ..
        } = ended.end
        else {
            panic!("{line}: {:?}", ended.end)
        };
    }
}
