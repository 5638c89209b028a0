//! `exec`: a program in a workspace, as if it ran here.
//!
//! Its outputs come as they are made, byte for byte, and its input goes as it comes. Ending us ends the program: the
//! server cancels what nobody listens to.

mod stdin;

use crate::arguments::{duration, variable};
use crate::client::{Client, Message, Parser, Problem};
use crate::output::{self, Output};
use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use reqwest::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;
use stdin::{Given, Source};

#[derive(Args)]
pub struct Exec {
    /// The workspace's id, or its name when no other has it
    pub workspace: String,
    /// Set a variable for the program; it inherits none
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// Where the program starts, in the sandbox [default: /workspace]
    #[arg(long)]
    pub cwd: Option<String>,
    /// End the program after this time: 500ms, 30s, 5m [default: the policy's]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// A file that the program reads, `-` for our own standard input [default: ours, as it comes; with --json to its
    /// end, and not from a terminal]
    #[arg(long, value_name = "FILE")]
    pub stdin: Option<String>,
    /// Give the program nothing to read
    #[arg(long, conflicts_with = "stdin")]
    pub no_stdin: bool,
    /// The program and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub command: Vec<String>,
}

pub async fn exec(client: &Client, command: Exec, output: Output) -> Result<ExitCode> {
    let id = client.workspace_id(&command.workspace).await?;
    let given = if output.json {
        Given {
            first: stdin::whole(&command).await?,
            rest: None,
        }
    } else {
        stdin::streamed(&command).await?
    };
    let mut body = json!({
        "command": command.command,
        "env": command.env.into_iter().map(|(key, value)| (key, value.into())).collect::<Map<String, Value>>(),
        "stdin": STANDARD.encode(given.first),
        "stdin_encoding": "base64",
        "stdin_stream": given.rest.is_some(),
    });
    if let Some(cwd) = command.cwd {
        body["cwd"] = cwd.into();
    }
    if let Some(timeout) = command.timeout {
        body["timeout_ms"] = u64::try_from(timeout.as_millis())
            .unwrap_or(u64::MAX)
            .into();
    }
    if output.json {
        let result: Value = client.post(&["workspaces", &id, "exec"], &body).await?;
        output.print(&result, |_| String::new())?;
        return exit_code(&result);
    }
    body["output_encoding"] = "base64".into();
    stream(client, &id, &body, given.rest).await
}

/// Shows what the program does until it ends, and feeds it.
async fn stream(
    client: &Client,
    id: &str,
    body: &Value,
    mut rest: Option<Source>,
) -> Result<ExitCode> {
    let request = client.request(Method::POST, &["workspaces", id, "exec"])?;
    let request = request
        .header(header::ACCEPT, "text/event-stream")
        .json(body);
    let mut response = client.send(request).await?;
    let mut parser = Parser::default();
    let mut feeding: Feeding<'_> = Box::pin(std::future::pending());
    loop {
        let piece = tokio::select! {
            piece = response.chunk() => piece,
            fed = &mut feeding => {
                fed?;
                feeding = Box::pin(std::future::pending());
                continue;
            }
        };
        let piece = piece.context("the connection broke; whether the program ended is unknown")?;
        let Some(piece) = piece else {
            bail!("the server ended the stream before the program had ended");
        };
        for message in parser.push(&piece) {
            match show(&message)? {
                Shown::Output => {}
                Shown::Started(exec_id) => {
                    if let Some(rest) = rest.take() {
                        feeding =
                            Box::pin(async move { stdin::feed(client, id, &exec_id, rest).await });
                    }
                }
                Shown::Exit(result) => {
                    explain(&result);
                    return exit_code(&result);
                }
            }
        }
    }
}

type Feeding<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// What a message was.
#[derive(Debug, PartialEq)]
enum Shown {
    Output,
    /// The program takes input under this id.
    Started(String),
    /// The last one: the result.
    Exit(Value),
}

/// Prints what a message says.
fn show(message: &Message) -> Result<Shown> {
    let data = || {
        serde_json::from_str(&message.data)
            .with_context(|| format!("understand the event `{}`", message.event))
    };
    match message.event.as_str() {
        "stdout" => output::bytes(&decoded(&data()?)?)?,
        "stderr" => output::error_bytes(&decoded(&data()?)?),
        "started" => {
            let id = data()?["exec_id"].as_str().map(str::to_owned);
            return id.map(Shown::Started).context("`started` has no id");
        }
        "exit" => return data().map(Shown::Exit),
        "error" => {
            let status = data()
                .ok()
                .and_then(|problem| u16::try_from(problem["status"].as_u64()?).ok());
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Err(Problem::read(status, message.data.as_bytes()).into());
        }
        // A newer server may say more.
        _ => {}
    }
    Ok(Shown::Output)
}

fn decoded(data: &Value) -> Result<Vec<u8>> {
    match (&data["base64"], &data["text"]) {
        (Value::String(text), _) => STANDARD.decode(text).context("decode the program's output"),
        (_, Value::String(text)) => Ok(text.clone().into_bytes()),
        _ => bail!("an output event has neither `base64` nor `text`"),
    }
}

/// Says why a program ended that did not end by itself.
fn explain(result: &Value) {
    for name in ["stdout", "stderr"] {
        if result[format!("{name}_truncated")] == true {
            output::say(&format!(
                "swarm-flow: {name} was cut off at the policy's limit"
            ));
        }
    }
    if let Some(reason) = reason(&result["outcome"]) {
        output::say(&format!("swarm-flow: {reason}"));
    }
}

/// Why a sandbox ended, as a sentence; none when the program ended by itself.
pub fn reason(outcome: &Value) -> Option<String> {
    let text = |name: &str| output::harmless(outcome[name].as_str().unwrap_or("?"));
    match outcome["kind"].as_str() {
        None | Some("exited") => None,
        Some("trapped") => Some(format!("the program trapped: {}", text("message"))),
        Some("limit") => Some(format!(
            "the program reached the limit `{}`: {} of {}",
            text("name"),
            outcome["used"],
            outcome["allowed"]
        )),
        Some("cancelled") => Some("the program was cancelled".to_owned()),
        Some(other) => Some(format!("the program ended: {}", output::harmless(other))),
    }
}

fn exit_code(result: &Value) -> Result<ExitCode> {
    let code = result["exit_code"]
        .as_u64()
        .and_then(|code| u8::try_from(code).ok());
    code.map(ExitCode::from)
        .context("the result has no exit code")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: &str, data: &str) -> Message {
        Message {
            event: event.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn the_last_message_is_the_result() {
        let shown = show(&message(
            "exit",
            r#"{"exit_code":3,"outcome":{"kind":"exited"}}"#,
        ));
        assert!(matches!(shown, Ok(Shown::Exit(result)) if result["exit_code"] == 3));
        assert!(exit_code(&json!({"exit_code": 3})).is_ok());
        assert!(exit_code(&json!({"exit_code": 256})).is_err());
        assert_eq!(show(&message("ping", "")).unwrap(), Shown::Output);
        assert_eq!(
            show(&message("started", r#"{"exec_id":"ex_1"}"#)).unwrap(),
            Shown::Started("ex_1".to_owned())
        );
        assert!(show(&message("started", "{}")).is_err());
        assert!(show(&message("exit", "no JSON")).is_err());
        let error = show(&message(
            "error",
            r#"{"title":"Runner left","detail":"in the middle"}"#,
        ))
        .unwrap_err();
        assert_eq!(error.to_string(), "Runner left: in the middle");
    }

    #[test]
    fn outputs_are_bytes() {
        assert_eq!(decoded(&json!({"base64": "/w=="})).unwrap(), [0xff]);
        assert_eq!(decoded(&json!({"text": "a"})).unwrap(), b"a");
        assert!(decoded(&json!({})).is_err() && decoded(&json!({"base64": "?"})).is_err());
    }

    #[test]
    fn only_an_unusual_end_is_explained() {
        for (outcome, expected) in [
            (json!({"kind": "exited"}), None),
            (
                json!({"kind": "limit", "name": "wall_time", "used": 31, "allowed": 30}),
                Some("the program reached the limit `wall_time`: 31 of 30"),
            ),
            (
                json!({"kind": "trapped", "message": "unreachable"}),
                Some("the program trapped: unreachable"),
            ),
        ] {
            assert_eq!(reason(&outcome).as_deref(), expected);
        }
    }
}
