//! The server under load, beside a native one that does the same.

use crate::figures::{Figures, compare};
use crate::native;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::server::Server;

const CONNECTIONS: usize = 32;
const LOAD: Duration = Duration::from_secs(5);

/// A client of one server.
#[derive(Clone)]
struct Target {
    client: Client,
    base: String,
    token: String,
}

impl Target {
    fn of(server: &Server) -> Self {
        Self::new(format!("{}/api/v1", server.url), server.token.clone())
    }

    fn new(base: String, token: String) -> Self {
        let client = Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .unwrap();
        Self {
            client,
            base,
            token,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let response = self
            .request(Method::POST, path)
            .json(body)
            .send()
            .await
            .unwrap();
        assert!(
            response.status().is_success(),
            "{} {path}",
            response.status()
        );
        response.json().await.unwrap()
    }

    /// A new workspace and the end of the first command in it.
    async fn first_command(&self, program: &str, environment: &str) -> Duration {
        let command = if program == "python" {
            json!(["python", "-c", "print('hello')"])
        } else {
            json!([program])
        };
        let started = Instant::now();
        let made = self
            .post(
                "/workspaces",
                &json!({"name": "bench", "environment": environment}),
            )
            .await;
        let path = format!("/workspaces/{}/exec", made["id"].as_str().unwrap());
        let result = self.post(&path, &json!({"command": command})).await;
        let elapsed = started.elapsed();
        assert_eq!(result["stdout"], "hello\n", "{result}");
        elapsed
    }
}

/// Create a workspace, run a command: one after another, and all at once.
pub async fn first_command(server: &Server, program: &str, environment: &str) {
    let target = Target::of(server);
    // The first use of a program compiles it, or loads what was compiled.
    target.first_command(program, environment).await;
    let mut times = Vec::new();
    for _ in 0..100 {
        times.push(target.first_command(program, environment).await);
    }
    println!(
        "create and first `{program}`, 100 in a row: {}",
        Figures::of(times)
    );
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (target, program, environment) =
                (target.clone(), program.to_owned(), environment.to_owned());
            tokio::spawn(async move { target.first_command(&program, &environment).await })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.push(task.await.unwrap());
    }
    println!(
        "create and first `{program}`, a burst of 100: {}",
        Figures::of(times)
    );
}

/// GET of a workspace, beside the native server.
pub async fn get(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let (url, id) = native::serve(folder.path()).await;
    let (ours, peer) = (Target::of(server), Target::new(url, "token".to_owned()));
    let made = ours
        .post(
            "/workspaces",
            &json!({"name": "bench", "environment": "base"}),
        )
        .await;
    let path = format!("/workspaces/{}", made["id"].as_str().unwrap());
    let peer_path = format!("/workspaces/{id}");
    let (mut times, mut peer_times) = (Vec::new(), Vec::new());
    for _ in 0..2_000 {
        times.push(timed(ours.request(Method::GET, &path)).await);
        peer_times.push(timed(peer.request(Method::GET, &peer_path)).await);
    }
    let name = "axum and rusqlite";
    compare(
        "GET of a workspace, one connection",
        &Figures::of(times),
        name,
        &Figures::of(peer_times),
    );
}

async fn timed(request: RequestBuilder) -> Duration {
    let started = Instant::now();
    let response = request.send().await.unwrap();
    assert!(response.status().is_success());
    response.bytes().await.unwrap();
    started.elapsed()
}

/// Requests a second at 32 connections: a route that does nothing, and one that inserts.
pub async fn throughput(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = native::serve(folder.path()).await;
    let (ours, peer) = (Target::of(server), Target::new(url, "token".to_owned()));
    let swarm = ours
        .post(
            "/workspaces",
            &json!({"name": "bench", "environment": "base"}),
        )
        .await;
    let workspace = swarm["id"].as_str().unwrap().to_owned();
    let hello = load("hello route", &ours, |target| {
        target.request(Method::GET, "/healthz")
    })
    .await;
    let native = load("    native", &peer, |target| {
        target.request(Method::GET, "/healthz")
    })
    .await;
    println!("    ratio: {:.2}", hello / native);
    let body = json!({
        "name": "bench", "agents": [{"kind": "script", "count": 1}], "coordination_strategy": "parallel",
        "platform": "local", "workspaces": [workspace],
    });
    let insert = load("insert (a swarm)", &ours, |target| {
        target.request(Method::POST, "/swarms").json(&body)
    })
    .await;
    let native = load("    native", &peer, |target| {
        target.request(Method::POST, "/workspaces").json(&body)
    })
    .await;
    println!("    ratio: {:.2}", insert / native);
}

/// Sends requests for a while; prints and gives back how many a second were answered.
async fn load(what: &str, target: &Target, request: impl Fn(&Target) -> RequestBuilder) -> f64 {
    let started = Instant::now();
    let workers = (0..CONNECTIONS).map(|_| {
        let prepared = request(target);
        tokio::spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < LOAD {
                times.push(timed(prepared.try_clone().unwrap()).await);
            }
            times
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await.unwrap());
    }
    let per_second = times.len() as f64 / started.elapsed().as_secs_f64();
    println!(
        "{what}: {per_second:.0} a second at {CONNECTIONS} connections, {}",
        Figures::of(times)
    );
    per_second
}
