//! The application from the outside: a manifest, a component, a socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

mod fixture;

use std::time::{Duration, Instant};

use fixture::{Alive, Folder, Server, runner};
use http::Request;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn server() -> (Folder, Server) {
    let folder = Folder::new();
    let mut config = folder.config();
    config.internal.push(runner());
    let app = folder.load(config).unwrap();
    (folder, Server::start(app).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_answers_on_a_connection_that_is_kept() {
    let (_folder, server) = server().await;
    let mut connection = server.connect().await;
    for _ in 0..3 {
        assert_eq!(connection.get("/hello").await, (200, "hello".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_problem_of_its_request_alone() {
    let (_folder, server) = server().await;
    let mut other = server.connect().await;
    let mut endless = other.send("/stream").await.into_body();
    for path in ["/trap", "/nothing"] {
        let mut connection = server.connect().await;
        let response = connection.send(path).await;
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.status(), 500);
        let problem = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!(problem["code"], "internal");
        assert!(problem["request_id"].as_str().unwrap().starts_with("req_"));
        assert_eq!(connection.get("/hello").await.0, 200);
    }
    assert!(endless.frame().await.unwrap().is_ok());
}

/// All that comes of a request whose instance traps within its answer.
async fn late(server: &Server) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    stream
        .write_all(b"GET /late HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_within_an_answer_breaks_it_off() {
    let (_folder, server) = server().await;
    let answer = late(&server).await;
    assert!(
        !answer.ends_with(b"0\r\n\r\n"),
        "a client must not take it for complete"
    );
    assert_eq!(server.get("/hello").await.0, 200);
}

/// The answer of `/count`, which is 200 and how often its instance answered it.
async fn counted(server: &Server) -> u16 {
    let (status, _) = server.get("/count").await;
    // The instance is put back after its answer is out.
    tokio::time::sleep(Duration::from_millis(20)).await;
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_an_instance_of_its_own_unless_the_manifest_says_otherwise() {
    let folder = Folder::new();
    let server = Server::start(folder.load(folder.config()).unwrap()).await;
    for _ in 0..3 {
        assert_eq!(counted(&server).await, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_answers_as_often_as_the_manifest_says() {
    let folder = reusing(3);
    let server = Server::start(folder.load(folder.config()).unwrap()).await;
    for expected in [201, 202, 203, 201, 202] {
        assert_eq!(counted(&server).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_trapped_or_forgot_its_answer_is_not_used_again() {
    let folder = reusing(100);
    let server = Server::start(folder.load(folder.config()).unwrap()).await;
    assert_eq!(counted(&server).await, 201);
    assert_eq!(counted(&server).await, 202);
    for path in ["/trap", "/nothing"] {
        assert_eq!(server.get(path).await.0, 500);
        assert_eq!(counted(&server).await, 201);
    }
    late(&server).await;
    assert_eq!(counted(&server).await, 201);
}

fn reusing(times: u32) -> Folder {
    let folder = Folder::new();
    let with = format!("[component.guest.tool.swarm-flow]\nreuse = {times}\n[component.guest]");
    folder.replace("[component.guest]", &with);
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_lives_as_long_as_its_client_reads() {
    let folder = Folder::new();
    let alive = Alive::at_most(10);
    let mut config = folder.config();
    config.admission = alive.admission();
    let server = Server::start(folder.load(config).unwrap()).await;

    let mut connection = server.connect().await;
    let mut body = connection.send("/stream").await.into_body();
    for _ in 0..5 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    assert_eq!(alive.count(), 1);
    drop((body, connection));
    alive.becomes(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_this_process_needs_no_socket() {
    let folder = Folder::new();
    let alive = Alive::at_most(10);
    let mut config = folder.config();
    config.admission = alive.admission();
    let app = folder.load(config).unwrap();

    let request = |path| {
        Request::get(path)
            .body(swarm_flow_app::boxed(http_body_util::Empty::new()))
            .unwrap()
    };
    let response = app.call(request("/hello")).await;
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );

    let mut endless = app.call(request("/stream")).await.into_body();
    assert!(endless.frame().await.unwrap().is_ok());
    drop(endless);
    alive.becomes(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_places_wait_instead_of_failing() {
    let folder = Folder::new();
    let alive = Alive::at_most(1);
    let mut config = folder.config();
    config.admission = alive.admission();
    let server = Server::start(folder.load(config).unwrap()).await;

    let mut first = server.connect().await;
    let body = first.send("/stream").await.into_body();
    let mut second = std::pin::pin!(server.get("/hello"));
    assert!(
        tokio::time::timeout(Duration::from_millis(100), &mut second)
            .await
            .is_err()
    );
    drop((body, first));
    assert_eq!(second.await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_makes_requests_wait_too() {
    // The pool has 20 places, the admission lets 60 through.
    let (_folder, server) = server().await;
    let address = &server;
    let mut pending = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let mut connection = address.connect().await;
        pending.spawn(async move { connection.get("/hello").await.0 });
    }
    assert!(pending.join_all().await.iter().all(|status| *status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn outgoing_requests_reach_what_is_allowed_and_nothing_else() {
    let (folder, inside) = server().await;
    let (status, text) = inside.get("/f?runner.internal").await;
    assert_eq!((status, text.as_str()), (201, "GET /x of runner.internal"));
    for denied in [
        "runner.internal:81",
        "127.0.0.1:80",
        "example.com",
        "x.runner.internal",
    ] {
        assert_eq!(inside.get(&format!("/f?{denied}")).await.0, 403, "{denied}");
    }

    // The same, over a socket: the guest that is asked answers with what the path `/x` means to it.
    folder.replace(
        "http://runner.internal",
        &format!("http://{}", inside.address),
    );
    let outside = Server::start(folder.load(folder.config()).unwrap()).await;
    for _ in 0..3 {
        let path = format!("/f?{}", inside.address);
        assert_eq!(outside.get(&path).await, (200, "hello".to_owned()));
    }
    assert_eq!(outside.get("/f?runner.internal").await.0, 403);
    let address = inside.address;
    inside.stop().await;
    assert_eq!(outside.get(&format!("/f?{address}")).await.0, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_route_is_not_found() {
    let folder = Folder::new();
    folder.replace("\"/...\"", "\"/h/...\"");
    let server = Server::start(folder.load(folder.config()).unwrap()).await;
    assert_eq!(server.get("/h").await.0, 200);
    let (status, problem) = server.get("/other").await;
    assert!(status == 404 && problem.contains("not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_requests_but_not_for_ever() {
    let (_folder, server) = server().await;
    let mut idle = server.connect().await;
    idle.get("/hello").await;
    let start = Instant::now();
    server.stop().await;
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "an idle connection should not hold it up"
    );

    let (_folder, server) = self::server().await;
    let mut endless = server.connect().await;
    let _body = endless.send("/stream").await;
    let address = server.address;
    let start = Instant::now();
    server.stop().await;
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_is_used_again_unless_it_is_damaged() {
    let folder = Folder::new();
    folder.load(folder.config()).unwrap();
    let compiled = || {
        let entries = std::fs::read_dir(folder.path("state/compiled")).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths
            .find(|path| path.extension().is_some_and(|it| it == "cwasm"))
            .unwrap()
    };
    // What is written is another file: it is moved to its place.
    let written = || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(compiled()).unwrap());
    let first = written();
    folder.load(folder.config()).unwrap();
    assert_eq!(written(), first);

    std::fs::write(compiled(), b"damaged").unwrap();
    let server = Server::start(folder.load(folder.config()).unwrap()).await;
    assert_eq!(server.get("/hello").await.0, 200);
    assert!(std::fs::metadata(compiled()).unwrap().len() > 1000);
}

#[test]
fn what_cannot_be_loaded_says_why_and_where() {
    let folder = Folder::new();
    folder.replace(
        "host = { default = \"http://runner.internal\" }",
        "host = { required = true }",
    );
    let message = folder.refused();
    assert!(
        message.contains("spin.toml:5: ") && message.contains("SPIN_VARIABLE_HOST"),
        "{message}"
    );

    let folder = Folder::new();
    folder.replace("{{ host }}", "{{ hosts }}");
    assert!(
        folder.refused().contains("spin.toml:11: "),
        "{}",
        folder.refused()
    );

    let folder = Folder::new();
    folder.replace("http://runner.internal", "http://self");
    assert!(
        folder.refused().contains("spin.toml:11: "),
        "{}",
        folder.refused()
    );

    let folder = Folder::new();
    std::fs::remove_file(folder.path("guest.wasm")).unwrap();
    let message = folder.refused();
    assert!(
        message.contains("spin.toml:10: ") && message.contains("guest.wasm"),
        "{message}"
    );

    std::fs::write(
        folder.path("guest.wasm"),
        wat::parse_str("(component)").unwrap(),
    )
    .unwrap();
    assert!(
        folder.refused().contains("no HTTP component"),
        "{}",
        folder.refused()
    );

    let strange = "(component (import \"other:pkg/thing\" (instance (export \"f\" (func)))))";
    std::fs::write(folder.path("guest.wasm"), wat::parse_str(strange).unwrap()).unwrap();
    assert!(
        folder.refused().contains("other:pkg/thing"),
        "{}",
        folder.refused()
    );
}
