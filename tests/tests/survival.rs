//! What was acknowledged survives `kill -9`, and nothing is half-made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swarm_flow_tests::server::Server;

const ROUNDS: u64 = 50;

/// What the server has said yes to.
#[derive(Default)]
struct Acknowledged {
    /// Workspaces and, for each, its files and their content.
    workspaces: BTreeMap<String, BTreeMap<String, String>>,
    deleted: Vec<String>,
}

#[test]
fn every_acknowledged_write_survives_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let acknowledged = Mutex::new(Acknowledged::default());
    for round in 0..ROUNDS {
        let server = Server::start(state.path());
        check(&server, &acknowledged.lock().unwrap(), state.path());
        let killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let (server, acknowledged, killed) = (&server, &acknowledged, &killed);
                scope.spawn(move || {
                    let mut number = 0;
                    while !killed.load(Ordering::Relaxed)
                        && write(server, acknowledged, round, writer, number).is_some()
                    {
                        number += 1;
                    }
                });
            }
            // A different instant in each round.
            std::thread::sleep(Duration::from_millis(20 + round * 7 % 90));
            killed.store(true, Ordering::Relaxed);
            std::process::Command::new("kill")
                .args(["-KILL", &server.pid().to_string()])
                .status()
                .unwrap();
        });
        server.kill();
    }
    let server = Server::start(state.path());
    let acknowledged = acknowledged.lock().unwrap();
    check(&server, &acknowledged, state.path());
    assert!(
        acknowledged.workspaces.len() > 50,
        "only {} were made",
        acknowledged.workspaces.len()
    );
}

/// Makes a workspace, writes a file, sometimes deletes the workspace. None when the server is gone.
fn write(
    server: &Server,
    acknowledged: &Mutex<Acknowledged>,
    round: u64,
    writer: u64,
    number: u64,
) -> Option<()> {
    let name = format!("r{round}-{writer}-{number}");
    let request = server
        .request(reqwest::Method::POST, "/workspaces")
        .json(&json!({"name": name, "environment": "base"}));
    let response = request.send().ok()?;
    assert_eq!(response.status(), 201);
    let made: serde_json::Value = response.json().ok()?;
    let id = made["id"].as_str().unwrap().to_owned();
    acknowledged
        .lock()
        .unwrap()
        .workspaces
        .insert(id.clone(), BTreeMap::new());
    let content = name.repeat(1_000);
    let path = format!("/workspaces/{id}/files/file.txt");
    let response = server
        .request(reqwest::Method::PUT, &path)
        .body(content.clone())
        .send()
        .ok()?;
    assert_eq!(response.status(), 201);
    acknowledged
        .lock()
        .unwrap()
        .workspaces
        .get_mut(&id)?
        .insert("file.txt".to_owned(), content);
    if number % 3 == 2 {
        // From here on either state is right until the answer.
        let files = acknowledged.lock().unwrap().workspaces.remove(&id)?;
        match server
            .request(reqwest::Method::DELETE, &format!("/workspaces/{id}"))
            .send()
        {
            Ok(response) => {
                assert_eq!(response.status(), 204);
                acknowledged.lock().unwrap().deleted.push(id);
            }
            Err(_) => drop(files),
        }
    }
    Some(())
}

fn check(server: &Server, acknowledged: &Acknowledged, state: &std::path::Path) {
    for (id, files) in &acknowledged.workspaces {
        let (status, _) = server.get(&format!("/workspaces/{id}"));
        assert_eq!(status, 200, "{id} is lost");
        for (path, content) in files {
            let (status, bytes) = server.read(id, path);
            assert_eq!(status, 200, "{path} of {id} is lost");
            assert!(
                bytes == content.as_bytes(),
                "{path} of {id} is not what was written"
            );
        }
    }
    for id in &acknowledged.deleted {
        assert_eq!(
            server.get(&format!("/workspaces/{id}")).0,
            404,
            "{id} is back"
        );
    }
    // Each row has its folder, each folder its row, and no write lies about.
    let mut rows = Vec::new();
    let mut query = "?limit=1000".to_owned();
    loop {
        let (_, page) = server.get(&format!("/workspaces{query}"));
        rows.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=1000&cursor={cursor}"),
            None => break,
        }
    }
    rows.sort_unstable();
    let entries = std::fs::read_dir(state.join("workspaces")).unwrap();
    let mut folders: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort_unstable();
    assert_eq!(rows, folders);
    assert_eq!(std::fs::read_dir(state.join("aside")).unwrap().count(), 0);
}
