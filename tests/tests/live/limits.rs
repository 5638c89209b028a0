//! Limits that become smaller.

use super::guest::{Guest, policy};
use swarm_flow_policy::{Limits, Network, Policy};
use swarm_flow_sandbox::{Disk, End};

fn with(change: impl Fn(&mut Limits)) -> Policy {
    let mut policy = policy();
    change(&mut policy.limits);
    policy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_beyond_a_limit_ends_and_one_within_goes_on() {
    let mut guest = Guest::start(&policy());
    guest.all(&[("take 16", "granted")]).await;
    guest.change(&with(|limits| limits.memory_bytes = 64 << 20));
    guest.all(&[("take 16", "granted")]).await;
    guest.change(&with(|limits| limits.memory_bytes = 32 << 20));
    match guest.ended().await.end {
        End::Limit {
            name: "memory",
            used,
            allowed,
        } => assert!(used > 32 << 20 && allowed == 32 << 20, "{used}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_memory_is_given_than_the_latest_limit_has() {
    let mut guest = Guest::start(&with(|limits| limits.memory_bytes = 64 << 20));
    guest.all(&[("take 8", "granted")]).await;
    guest.change(&with(|limits| limits.memory_bytes = 32 << 20));
    guest.tell("take 32").await;
    match guest.ended().await.end {
        End::Limit { name, allowed, .. } => assert_eq!((name, allowed), ("memory", 32 << 20)),
        other => panic!("{other:?}"),
    }
    let mut guest = Guest::start(&with(|limits| limits.memory_bytes = 64 << 20));
    guest.change(&with(|limits| limits.memory_bytes = 256 << 20));
    guest.tell("take 64").await;
    match guest.ended().await.end {
        End::Limit { name, allowed, .. } => assert_eq!((name, allowed), ("memory", 64 << 20)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_was_used_counts_for_a_smaller_limit() {
    let mut guest = Guest::start(&policy());
    guest.all(&[("compute 300", "granted")]).await;
    guest.change(&with(|limits| limits.cpu_time_ms = 20_000));
    guest.all(&[("compute 1", "granted")]).await;
    guest.change(&with(|limits| limits.cpu_time_ms = 50));
    let end = guest.ended().await.end;
    assert!(
        matches!(
            end,
            End::Limit {
                name: "cpu_time",
                used: 50..,
                allowed: 50
            }
        ),
        "{end:?}"
    );

    let mut guest = Guest::start(&policy());
    guest.tell("compute 30000").await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    guest.change(&with(|limits| limits.cpu_time_ms = 200));
    let end = guest.ended().await.end;
    assert!(
        matches!(
            end,
            End::Limit {
                name: "cpu_time",
                used: 200..,
                allowed: 200
            }
        ),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_waits_ends_when_its_time_becomes_shorter() {
    let mut guest = Guest::start(&policy());
    guest.all(&[("compute 1", "granted")]).await;
    guest.change(&with(|limits| limits.wall_time_ms = 100));
    let end = guest.ended().await.end;
    assert!(
        matches!(
            end,
            End::Limit {
                name: "wall_time",
                used: 100..,
                allowed: 100
            }
        ),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn output_counts_from_the_start() {
    for (bytes_max, truncated) in [(4_000, false), (1_500, true)] {
        let mut guest = Guest::start(&policy());
        guest.tell("print 1000").await;
        assert_eq!(guest.said().await.len(), 1_000);
        assert_eq!(guest.said().await, "granted");
        guest.change(&with(|limits| limits.output_bytes = bytes_max));
        // Until it is noticed.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        guest.tell("print 1000").await;
        let was_truncated = guest.stdout.truncated();
        assert_eq!(guest.finish().await.end, End::Returned(0));
        assert_eq!(was_truncated(), truncated, "{bytes_max}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text"), vec![0; 10_000]).unwrap();
    let disk = Disk::new(vec![folder.path().to_owned()], 1 << 20);
    let directories = [(folder.path(), "/workspace")];
    let mut guest = Guest::start_in(&policy(), &directories, Some(disk));
    guest.all(&[("write a", "granted")]).await;
    guest.change(&with(|limits| limits.disk_bytes = 5_000));
    let said = guest.does("write b").await;
    assert!(said != "granted", "{said}");
    guest.all(&[("read text", "granted")]).await;
    guest.change(&with(|limits| limits.disk_bytes = 50_000));
    guest.all(&[("write b", "granted")]).await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_opened_than_the_latest_limit_has() {
    for (handles, goes_on) in [(90, true), (20, false)] {
        let listening = |handles| {
            let mut policy = with(|limits| limits.handles = handles);
            policy.network = Network::Localhost;
            policy.sockets = vec!["listen://127.0.0.1:*".to_owned()];
            policy
        };
        let mut guest = Guest::start(&listening(100));
        let listen = ("listen 127.0.0.1:0", "granted");
        guest.all(&[listen; 3]).await;
        guest.change(&listening(handles));
        if goes_on {
            guest.all(&[listen; 20]).await;
            assert_eq!(guest.finish().await.end, End::Returned(0));
            continue;
        }
        for _ in 0..20 {
            guest.tell(listen.0).await;
        }
        let end = guest.ended().await.end;
        assert!(
            matches!(
                end,
                End::Limit {
                    name: "handles",
                    allowed: 20,
                    ..
                }
            ),
            "{end:?}"
        );
    }
}
