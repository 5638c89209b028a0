//! The tools: each is one request to the runner, `list-files` one for each thousand entries.

use crate::binding::{Bound, bound};
use crate::bindings::types::{Command, Error, ExecResult, FileInfo};
use crate::{convert, runner};
use serde_json::from_slice;
use spin_sdk::http::Method;
use swarm_flow_protocol::FilePage;

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

pub fn exec(command: Command) -> Result<ExecResult, Error> {
    let bound = bound()?;
    let path = below(&bound, "exec");
    let request = convert::exec_request(command, bound.environment, bound.policy);
    let body = serde_json::to_vec(&request).map_err(misunderstood)?;
    let answer = runner::call(Method::Post, &bound.runner_url, &path, JSON, body)?;
    from_slice(&answer)
        .map(convert::exec_result)
        .map_err(misunderstood)
}

pub fn read_file(path: &str) -> Result<Vec<u8>, Error> {
    let bound = bound()?;
    let path = below(&bound, &format!("files/{}", runner::encode_path(path)));
    runner::call(Method::Get, &bound.runner_url, &path, BYTES, Vec::new())
}

pub fn write_file(path: &str, bytes: Vec<u8>) -> Result<(), Error> {
    let bound = bound()?;
    let disk_bytes = bound.policy.limits.disk_bytes;
    let path = below(
        &bound,
        &format!(
            "files/{}?disk_bytes={disk_bytes}",
            runner::encode_path(path)
        ),
    );
    runner::call(Method::Put, &bound.runner_url, &path, BYTES, bytes)?;
    Ok(())
}

pub fn list_files(path: &str, recursive: bool) -> Result<Vec<FileInfo>, Error> {
    let bound = bound()?;
    let query = format!(
        "list?path={}&recursive={recursive}&limit=1000",
        runner::encode(path)
    );
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = below(&bound, &format!("{query}{cursor}"));
        let answer = runner::call(Method::Get, &bound.runner_url, &path, BYTES, Vec::new())?;
        let page: FilePage = from_slice(&answer).map_err(misunderstood)?;
        items.extend(page.items.into_iter().map(convert::file_info));
        match page.next {
            Some(next) => cursor = format!("&cursor={}", runner::encode(&next)),
            None => return Ok(items),
        }
    }
}

fn below(bound: &Bound, rest: &str) -> String {
    format!(
        "{}/{}/{rest}",
        swarm_flow_protocol::path::WORKSPACES,
        bound.id
    )
}

fn misunderstood(error: serde_json::Error) -> Error {
    Error::Internal(format!(
        "the app and the runner do not understand each other: {error}"
    ))
}
