//! One task of the file: its command, then its artifacts.

use crate::client::{Client, Problem};
use crate::exec;
use crate::transfer::{self, Downloaded};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use swarm_flow_tasks::{Artifact, Task};

/// What came of a task.
#[derive(Debug, Serialize)]
pub struct Done {
    pub name: String,
    /// Whether the exit code was the expected one and all artifacts were fetched.
    pub success: bool,
    /// Why not, one sentence each.
    pub failures: Vec<String>,
    pub expect_exit_code: u8,
    /// As the API gives it; none when the server refused the command.
    pub result: Option<Value>,
    pub artifacts: Vec<Fetched>,
}

#[derive(Debug, Serialize)]
pub struct Fetched {
    pub path: String,
    pub destination: PathBuf,
    #[serde(flatten)]
    pub downloaded: Downloaded,
}

/// An error is one of the connection or of this machine; what the server refuses is a failed task.
pub async fn run(client: &Client, id: &str, task: &Task) -> Result<Done> {
    let mut done = Done {
        name: task.name.clone(),
        success: false,
        failures: Vec::new(),
        expect_exit_code: task.expect_exit_code,
        result: None,
        artifacts: Vec::new(),
    };
    match client
        .post::<Value>(&["workspaces", id, "exec"], &body(task))
        .await
    {
        Ok(result) => {
            done.failures.extend(judge(task, &result)?);
            done.result = Some(result);
        }
        Err(error) => done.failures.push(refused(error)?),
    }
    for artifact in &task.artifacts {
        match fetch(client, id, artifact).await {
            Ok(fetched) => done.artifacts.push(fetched),
            Err(error) => done
                .failures
                .push(format!("artifact `{}`: {error:#}", artifact.path)),
        }
    }
    done.success = done.failures.is_empty();
    Ok(done)
}

fn body(task: &Task) -> Value {
    let mut body = json!({"command": task.command, "env": task.env, "stdin": task.stdin});
    if let Some(cwd) = &task.cwd {
        body["cwd"] = cwd.as_str().into();
    }
    if let Some(timeout_ms) = task.timeout_ms {
        body["timeout_ms"] = timeout_ms.into();
    }
    body
}

fn judge(task: &Task, result: &Value) -> Result<Vec<String>> {
    let code = result["exit_code"]
        .as_u64()
        .context("the result has no exit code")?;
    let mut failures = Vec::new();
    if code != u64::from(task.expect_exit_code) {
        failures.extend(exec::reason(&result["outcome"]));
        failures.push(format!(
            "exit code {code}, expected {}",
            task.expect_exit_code
        ));
    }
    Ok(failures)
}

/// What a problem said. Any other error goes on: without a server the other tasks cannot run either.
fn refused(error: anyhow::Error) -> Result<String> {
    match error.downcast_ref::<Problem>() {
        Some(problem) => Ok(problem.to_string()),
        None => Err(error),
    }
}

async fn fetch(client: &Client, id: &str, artifact: &Artifact) -> Result<Fetched> {
    let downloaded = transfer::download(client, id, &artifact.path, &artifact.destination).await?;
    Ok(Fetched {
        path: artifact.path.clone(),
        destination: artifact.destination.clone(),
        downloaded,
    })
}
