//! The peer of the app: a native server that does the same with axum and rusqlite.

use crate::swarm::cpu_of;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Serves on a free port, for as long as the runtime lives, and gives back the URL and the id of the one row.
pub async fn serve(folder: &std::path::Path) -> (String, &'static str) {
    let connection = Connection::open(folder.join("native.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE workspace (id TEXT PRIMARY KEY, record TEXT NOT NULL);
             CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL);",
        )
        .unwrap();
    const ID: &str = "ws_00000000000000000000000000000000";
    let record =
        json!({"id": ID, "name": "demo", "state": "started", "policy": {"name": "standard"}});
    connection
        .execute(
            "INSERT INTO workspace VALUES (?, ?)",
            (ID, record.to_string()),
        )
        .unwrap();
    let app = Router::new()
        .route("/healthz", get(async || Json(json!({"status": "ok"}))))
        .route("/workspaces/{id}", get(read))
        .route("/workspaces", post(insert))
        .with_state(Arc::new(Mutex::new(connection)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, ID)
}

/// Commits so many small rows, one by one, and gives back how long that took and the CPU time.
pub fn commits(rows: u32) -> (Duration, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("native.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL);",
        )
        .unwrap();
    let record = json!({"kind": "task.done", "index": 1, "fence": 1, "output": "done"}).to_string();
    let mut statement = connection
        .prepare("INSERT INTO event (record) VALUES (?)")
        .unwrap();
    let (started, before) = (Instant::now(), cpu_of(std::process::id()));
    for _ in 0..rows {
        statement.execute([&record]).unwrap();
    }
    let cpu = cpu_of(std::process::id()).saturating_sub(before);
    (started.elapsed(), cpu)
}

type Database = State<Arc<Mutex<Connection>>>;

async fn read(
    State(database): Database,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    headers
        .get("authorization")
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let database = database.lock().unwrap();
    let mut statement = database
        .prepare_cached("SELECT record FROM workspace WHERE id = ?")
        .unwrap();
    let record: String = statement
        .query_row([id], |row| row.get(0))
        .map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(Json(serde_json::from_str(&record).unwrap()))
}

async fn insert(State(database): Database, Json(record): Json<Value>) -> StatusCode {
    let database = database.lock().unwrap();
    let mut statement = database
        .prepare_cached("INSERT INTO event (record) VALUES (?)")
        .unwrap();
    statement.execute([record.to_string()]).unwrap();
    StatusCode::CREATED
}
