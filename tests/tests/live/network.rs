//! Requests, answers and sockets that are under way, on real sockets of this machine.

use super::guest::{Guest, policy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;
use swarm_flow_policy::{Network, Policy, Preset};
use swarm_flow_sandbox::End;

fn with(network: Network, sockets: &[&str]) -> Policy {
    Policy {
        network,
        sockets: sockets.iter().map(|&socket| socket.to_owned()).collect(),
        ..policy()
    }
}

/// The same with a change that concerns no network.
fn narrowed_elsewhere(policy: &Policy) -> Policy {
    Policy {
        filesystem: swarm_flow_policy::Filesystem::None,
        ..policy.clone()
    }
}

/// Answers `GET` with pieces, one at once and one more for each time that it is told to; says when a client has gone.
struct Dripping {
    address: SocketAddr,
    more: mpsc::Sender<()>,
    gone: mpsc::Receiver<()>,
}

impl Dripping {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (more, told) = mpsc::channel();
        let (leaves, gone) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            let start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n";
            stream.write_all(start.as_bytes()).unwrap();
            let mut watched = stream.try_clone().unwrap();
            std::thread::spawn(move || {
                let mut end = Vec::new();
                let _ = watched.read_to_end(&mut end);
                let _ = leaves.send(());
            });
            while told.recv().is_ok() && stream.write_all(b"1\r\nx\r\n").is_ok() {}
        });
        Self {
            address,
            more,
            gone,
        }
    }

    fn sends_more(&self) {
        let _ = self.more.send(());
    }

    fn is_left(&self) -> bool {
        self.gone.recv_timeout(Duration::from_secs(5)).is_ok()
    }
}

/// Says back what it hears, connection by connection.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            });
        }
    });
    address
}

/// Answers every request with nothing.
fn answering() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_is_decided_by_the_latest_policy() {
    let get = format!("get {}", answering());
    let start = with(Network::Localhost, &[]);
    let mut guest = Guest::start(&start);
    guest.all(&[(&get, "granted")]).await;
    guest.change(&narrowed_elsewhere(&start));
    guest.all(&[(&get, "granted")]).await;
    guest.change(&with(Network::Private, &[]));
    guest.all(&[(&get, "denied")]).await;
    let denial = &guest.denials.first()[0];
    assert_eq!(denial.capability, "http");
    assert!(
        denial.message.contains("set network = \"localhost\""),
        "{}",
        denial.message
    );
    guest.change(&start);
    guest.all(&[(&get, "granted")]).await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_under_way_is_cut() {
    let server = Dripping::start();
    let start = with(Network::Localhost, &[]);
    let mut guest = Guest::start(&start);
    let stream = format!("stream {}", server.address);
    guest
        .all(&[(&stream, "granted"), ("more", "granted")])
        .await;
    server.sends_more();
    guest.all(&[("more", "granted")]).await;
    guest.change(&narrowed_elsewhere(&start));
    server.sends_more();
    guest.all(&[("more", "granted")]).await;
    // The guest waits for more, and the server has none: it is cut all the same.
    guest.tell("more").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    guest.change(&with(Network::None, &[]));
    assert_eq!(guest.said().await, "denied");
    assert_eq!(guest.denials.count(), 1);
    assert!(server.is_left());
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_an_answer_yet_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut guest = Guest::start(&with(Network::Localhost, &[]));
    guest
        .tell(&format!("get {}", listener.local_addr().unwrap()))
        .await;
    let (mut stream, _) = tokio::task::spawn_blocking(move || listener.accept().unwrap())
        .await
        .unwrap();
    guest.change(&with(Network::None, &[]));
    assert_eq!(guest.said().await, "denied");
    let left = tokio::task::spawn_blocking(move || stream.read_to_end(&mut Vec::new()));
    assert!(left.await.unwrap().is_ok());
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_grant_goes_ends_its_sandbox() {
    let server = echo();
    let granted = format!("tcp://{server}");
    let start = with(Network::Localhost, &[&granted, "udp://127.0.0.1:*"]);
    let connect = format!("connect {server}");
    let open = [(&*connect, "granted"), ("talk", "granted")];
    for (change, goes_on) in [
        (narrowed_elsewhere(&start), true),
        (with(Network::Localhost, &["tcp://127.0.0.1:*"]), true),
        (with(Network::Localhost, &["udp://127.0.0.1:*"]), false),
        (with(Network::Localhost, &["tcp://127.0.0.1:1"]), false),
        (with(Network::Private, &[&granted]), false),
        (Preset::Isolated.policy(), false),
    ] {
        let mut guest = Guest::start(&start);
        guest.all(&open).await;
        guest.change(&change);
        if goes_on {
            guest.all(&[("talk", "granted")]).await;
            assert_eq!(guest.finish().await.end, End::Returned(0), "{change:?}");
            continue;
        }
        let denials = guest.denials.clone();
        let end = guest.ended().await.end;
        let denial = &denials.first()[0];
        assert_eq!(end, End::Revoked(denial.message.clone()), "{change:?}");
        assert_eq!((denial.capability, &denial.resource), ("tcp", &granted));
        let said = format!("{granted} is no longer granted; ");
        assert!(denial.message.starts_with(&said), "{}", denial.message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_closed_is_no_reason_to_end() {
    let server = echo();
    let start = with(Network::Localhost, &[&format!("tcp://{server}")]);
    let connect = format!("connect {server}");
    let mut guest = Guest::start(&start);
    guest
        .all(&[
            (&connect, "granted"),
            ("talk", "granted"),
            ("hang-up", "granted"),
        ])
        .await;
    guest.change(&with(Network::Localhost, &[]));
    guest.all(&[(&connect, "denied")]).await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_grant_goes_ends_its_sandbox() {
    let start = with(Network::Localhost, &["listen://127.0.0.1:*"]);
    let mut guest = Guest::start(&start);
    guest.all(&[("listen 127.0.0.1:0", "granted")]).await;
    guest.change(&narrowed_elsewhere(&start));
    guest.all(&[("listen 127.0.0.1:0", "granted")]).await;
    guest.change(&with(Network::Localhost, &["tcp://127.0.0.1:*"]));
    let end = guest.ended().await.end;
    assert!(matches!(end, End::Revoked(_)), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_datagram_is_decided_by_the_latest_policy() {
    let (one, other) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    let (one, other) = (one.local_addr().unwrap(), other.local_addr().unwrap());
    let mut guest = Guest::start(&with(Network::Localhost, &["udp://127.0.0.1:*"]));
    let (send, send_other) = (format!("send {one}"), format!("send {other}"));
    guest
        .all(&[(&send, "granted"), (&send_other, "granted")])
        .await;
    guest.change(&with(Network::Localhost, &[&format!("udp://{one}")]));
    guest
        .all(&[(&send, "granted"), (&send_other, "denied")])
        .await;
    guest.change(&with(Network::Localhost, &[]));
    guest.all(&[(&send, "denied")]).await;
    assert_eq!(guest.finish().await.end, End::Returned(0));
}
