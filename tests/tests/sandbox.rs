//! What a sandbox gets and what it does not: every grant has a twin that is denied.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "sandbox/limits.rs"]
mod limits;

use bytes::Bytes;
use std::path::Path;
use std::time::{Duration, Instant};
use swarm_flow_policy::{Access, Limits, Network, Preset};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{Directory, Egress, End, Ended, Grants, Output, Secrets};
use swarm_flow_tests::sandbox::{engine, program};

fn limits() -> Limits {
    Limits {
        memory_bytes: 64 << 20,
        cpu_time_ms: 2_000,
        wall_time_ms: 5_000,
        ..Preset::Isolated.policy().limits
    }
}

struct Ran {
    ended: Ended<u8>,
    stdout: String,
    truncated: bool,
}

async fn run(name: &str, arguments: &[&str], directories: Vec<Directory>, limits: Limits) -> Ran {
    let stdout = Output::collected(limits.output_bytes);
    let arguments = std::iter::once(name)
        .chain(arguments.iter().copied())
        .map(str::to_owned)
        .collect();
    let grants = Grants {
        arguments,
        environment: vec![("GREETING".to_owned(), "hi".to_owned())],
        cwd: "/workspace".to_owned(),
        stdin: Bytes::from_static(b"from the host").into(),
        stdout: stdout.clone(),
        stderr: Output::collected(limits.output_bytes),
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
        limits,
    };
    let ended = program(name).run(grants).await.unwrap();
    let (stdout, truncated) = stdout.take();
    Ran {
        ended,
        stdout: String::from_utf8(stdout).unwrap(),
        truncated,
    }
}

fn workspace(host: &Path, access: Access) -> Vec<Directory> {
    vec![Directory {
        host: host.to_owned(),
        guest: "/workspace".to_owned(),
        access,
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_arguments_environment_and_input_and_nothing_of_the_host() {
    let ran = run("echo", &["a b", "ü"], Vec::new(), limits()).await;
    assert_eq!(ran.ended.end, End::Returned(0));
    assert_eq!(
        ran.stdout,
        "arguments [\"echo\", \"a b\", \"ü\"]\nenvironment [(\"GREETING\", \"hi\"), (\"PWD\", \"/workspace\")]\nstdin \"from the host\"\n"
    );
    assert_eq!(ran.ended.usage.read_bytes, 13);
    assert!(ran.ended.usage.written_bytes as usize >= ran.stdout.len());
    assert!(ran.ended.usage.peak_memory_bytes > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_computes_for_ever_ends_at_its_cpu_time() {
    let limits = Limits {
        cpu_time_ms: 100,
        ..limits()
    };
    let started = Instant::now();
    let ran = run("hungry", &["spin"], Vec::new(), limits).await;
    let End::Limit {
        name: "cpu_time",
        used,
        allowed: 100,
    } = ran.ended.end
    else {
        panic!("{:?}", ran.ended)
    };
    assert!((100..1_000).contains(&used), "{used} ms");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_not_cpu_time() {
    let limits = Limits {
        cpu_time_ms: 200,
        ..limits()
    };
    let ran = run("hungry", &["nap"], Vec::new(), limits).await;
    assert_eq!(ran.ended.end, End::Returned(0));
    assert_eq!(ran.stdout, "rested\n");
    assert!(ran.ended.usage.wall_ms >= 300.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_waits_for_ever_ends_at_its_wall_time() {
    let limits = Limits {
        wall_time_ms: 100,
        ..limits()
    };
    let ran = run("hungry", &["sleep"], Vec::new(), limits).await;
    assert!(
        matches!(
            ran.ended.end,
            End::Limit {
                name: "wall_time",
                allowed: 100,
                ..
            }
        ),
        "{:?}",
        ran.ended
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_refused_at_the_limit_and_the_guest_may_go_on() {
    let ran = run(
        "hungry",
        &["grow"],
        Vec::new(),
        Limits {
            memory_bytes: 20 << 20,
            ..limits()
        },
    )
    .await;
    assert_eq!(ran.ended.end, End::Returned(0));
    assert!(ran.ended.memory_denied);
    assert!(ran.ended.usage.peak_memory_bytes <= 20 << 20);
    let more = run(
        "hungry",
        &["grow"],
        Vec::new(),
        Limits {
            memory_bytes: 40 << 20,
            ..limits()
        },
    )
    .await;
    assert!(more.ended.usage.peak_memory_bytes > 20 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_cannot_bear_the_refusal_ends_with_the_limit_not_a_trap() {
    let ran = run(
        "hungry",
        &["abort"],
        Vec::new(),
        Limits {
            memory_bytes: 20 << 20,
            ..limits()
        },
    )
    .await;
    assert!(
        matches!(ran.ended.end, End::Limit { name: "memory", .. }),
        "{:?}",
        ran.ended
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn output_beyond_the_limit_is_dropped_and_said_so() {
    let ran = run(
        "hungry",
        &["flood"],
        Vec::new(),
        Limits {
            output_bytes: 10_000,
            ..limits()
        },
    )
    .await;
    assert_eq!(ran.ended.end, End::Returned(0));
    assert_eq!((ran.stdout.len(), ran.truncated), (10_000, true));
    let whole = run(
        "hungry",
        &["flood"],
        Vec::new(),
        Limits {
            output_bytes: 5_000_000,
            ..limits()
        },
    )
    .await;
    assert_eq!((whole.stdout.len(), whole.truncated), (4_096_000, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_end_at_their_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        handles: 50,
        ..limits()
    };
    let ran = run(
        "hungry",
        &["open"],
        workspace(folder.path(), Access::ReadWrite),
        limits,
    )
    .await;
    let ended = matches!(
        ran.ended.end,
        End::Limit {
            name: "handles",
            ..
        }
    ) || ran.stdout.starts_with("refused");
    assert!(ended, "{:?} {}", ran.ended, ran.stdout);
    assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 50);
}

/// A program that keeps its stack in its own memory runs out of that first.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_overflows_in_the_guests_own_memory_is_a_trap() {
    let ran = run("hungry", &["recurse"], Vec::new(), limits()).await;
    assert!(matches!(ran.ended.end, End::Trapped(_)), "{:?}", ran.ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_reached_as_granted() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("file"), "content").unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret", inside.join("out")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", inside.join("absolute")).unwrap();
    for (attempt, path, read_write, read_only, none) in [
        ("read", "/workspace/file", "granted", "granted", "denied"),
        ("list", "/workspace", "granted", "granted", "denied"),
        ("write", "/workspace/new", "granted", "denied", "denied"),
        ("append", "/workspace/file", "granted", "denied", "denied"),
        ("mkdir", "/workspace/folder", "granted", "denied", "denied"),
        ("truncate", "/workspace/file", "granted", "denied", "denied"),
        ("remove", "/workspace/file", "granted", "denied", "denied"),
        ("read", "/workspace/out", "denied", "denied", "denied"),
        ("write", "/workspace/out", "denied", "denied", "denied"),
        ("read", "/workspace/absolute", "denied", "denied", "denied"),
        ("read", "/workspace/../secret", "denied", "denied", "denied"),
        ("read", "/etc/passwd", "denied", "denied", "denied"),
        ("list", "/proc", "denied", "denied", "denied"),
    ] {
        let grants = [
            (workspace(&inside, Access::Read), read_only),
            (Vec::new(), none),
            (workspace(&inside, Access::ReadWrite), read_write),
        ];
        for (directories, expected) in grants {
            let ran = run("reach", &[attempt, path], directories, limits()).await;
            assert_eq!(ran.stdout.trim(), expected, "{attempt} {path}");
        }
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("secret")).unwrap(),
        "secret"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_sockets() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for (attempt, target) in [
        ("connect", address.as_str()),
        ("udp", address.as_str()),
        ("listen", "127.0.0.1:0"),
    ] {
        let ran = run("reach", &[attempt, target], Vec::new(), limits()).await;
        assert_eq!(ran.stdout.trim(), "denied", "{attempt}");
    }
}
