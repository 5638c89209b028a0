//! An application on a real socket, with one component made from `guest.wat`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use swarm_flow_app::{Admission, App, AppConfig, InternalOrigin, Place, boxed};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use wasmtime::{Config, Engine};

const MANIFEST: &str = r#"spin_manifest_version = 2
[application]
name = "test"
[variables]
host = { default = "http://runner.internal" }
[[trigger.http]]
route = "/..."
component = "guest"
[component.guest]
source = "guest.wasm"
allowed_outbound_hosts = ["{{ host }}"]
"#;

/// The WASI packages in the order in which they depend on each other.
const PACKAGES: [&str; 7] = [
    "io",
    "clocks",
    "random",
    "filesystem",
    "sockets",
    "cli",
    "http",
];

const WORLD: &str = "
    package test:guests;
    world guest {
        import wasi:http/types@0.2.12;
        import wasi:http/outgoing-handler@0.2.12;
        import wasi:clocks/monotonic-clock@0.2.12;
        export wasi:http/incoming-handler@0.2.12;
    }
";

/// The folder of an application that was not loaded yet.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        // What the application logs is shown with a test that fails.
        tracing_subscriber::fmt().with_test_writer().try_init().ok();
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("spin.toml"), MANIFEST).unwrap();
        std::fs::write(folder.path("guest.wasm"), guest()).unwrap();
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn replace(&self, old: &str, new: &str) -> &Self {
        let text = std::fs::read_to_string(self.path("spin.toml")).unwrap();
        assert!(text.contains(old), "{old}");
        std::fs::write(self.path("spin.toml"), text.replace(old, new)).unwrap();
        self
    }

    pub fn config(&self) -> AppConfig {
        let mut config = AppConfig::new(self.path("spin.toml"), self.path("state"));
        config.drain = Duration::from_millis(300);
        config
    }

    pub fn load(&self, config: AppConfig) -> anyhow::Result<App> {
        App::load(&engine(), config)
    }

    pub fn refused(&self) -> String {
        format!(
            "{:#}",
            self.load(self.config())
                .err()
                .expect("it should be refused")
        )
    }
}

/// An engine as the sandboxes have it: with a pool, and epochs that tick.
fn engine() -> Engine {
    let mut pool = wasmtime::PoolingAllocationConfig::default();
    pool.total_component_instances(20)
        .total_core_instances(20)
        .total_memories(20)
        .total_tables(20)
        .total_stacks(20);
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).unwrap();
    let ticking = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    engine
}

fn guest() -> Vec<u8> {
    let mut module = wat::parse_str(include_str!("guest.wat")).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let app = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let deps = Path::new(&app).join("../../wit/deps");
    for package in PACKAGES {
        resolve
            .push_file(deps.join(format!("{package}.wit")))
            .unwrap();
    }
    let package = resolve.push_str("guests.wit", WORLD).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding, false).unwrap();
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

/// Counts the instances that are alive, and lets so many be.
#[derive(Clone)]
pub struct Alive(Arc<AtomicUsize>, Arc<Semaphore>);

struct Counted(Arc<AtomicUsize>, Option<tokio::sync::OwnedSemaphorePermit>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.1.take();
    }
}

impl Alive {
    pub fn at_most(count: usize) -> Self {
        Self(Arc::default(), Arc::new(Semaphore::new(count)))
    }

    pub fn admission(&self) -> Admission {
        let alive = self.clone();
        Arc::new(move || {
            let alive = alive.clone();
            Box::pin(async move {
                let permit = alive.1.acquire_owned().await.ok();
                alive.0.fetch_add(1, Ordering::SeqCst);
                Box::new(Counted(alive.0, permit)) as Place
            })
        })
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Fails if it does not come to this soon.
    pub async fn becomes(&self, count: usize) {
        for _ in 0..500 {
            if self.count() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} instances are alive, not {count}", self.count());
    }
}

/// An origin in this process: it says which URI and host it was asked for.
pub fn runner() -> InternalOrigin {
    InternalOrigin {
        authority: "runner.internal".to_owned(),
        service: Arc::new(|request| {
            Box::pin(async move {
                let host = request.headers()["host"].to_str().unwrap().to_owned();
                let text = format!("{} {} of {host}", request.method(), request.uri());
                let mut response = Response::new(boxed(Full::new(Bytes::from(text))));
                *response.status_mut() = http::StatusCode::CREATED;
                response
            })
        }),
    }
}

pub struct Server {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    pub async fn start(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let serving = tokio::spawn(Arc::new(app).serve(listener, shutdown));
        Self {
            address,
            stop,
            serving,
        }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap();
    }

    pub async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        Connection {
            sender,
            task: tokio::spawn(async move { connection.await.unwrap_or_default() }),
        }
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        self.connect().await.get(path).await
    }
}

pub struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    pub async fn send(&mut self, path: &str) -> Response<Incoming> {
        let request = Request::get(path)
            .header("host", "app.test")
            .body(Empty::new())
            .unwrap();
        self.sender.ready().await.unwrap();
        self.sender.send_request(request).await.unwrap()
    }

    pub async fn get(&mut self, path: &str) -> (u16, String) {
        let response = self.send(path).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}
