//! `/workspaces/{id}/exec`: a result, or events while the command runs.

use crate::api::no_query;
use crate::bindings::workspace::{self as wit, ExecEvent, Execution};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Reply, ok};
use crate::shape::exec::{Encoding, Exec, Finished, Outcome, Piece, Started};
use crate::stream::{Silence, Sink, Text, event};
use base64::{Engine, engine::general_purpose::STANDARD};

/// 16 MiB of standard input in base64, and room for the rest.
const BODY_BYTES_MAX: u64 = 24 << 20;

pub fn exec(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let exec: Exec = request.json_up_to(BODY_BYTES_MAX)?;
    let encoding = exec.output_encoding;
    let stdin_stream = exec.stdin_stream;
    let command = exec.into_wit()?;
    let id = request.parameter(0);
    if !request.accepts("text/event-stream") {
        if stdin_stream {
            let message = "is for a stream: where the input goes, its first event says; ask for one by \
                `Accept: text/event-stream`";
            return Err(Problem::invalid("stdin_stream", message));
        }
        return ok(&Finished::new(wit::exec(id, &command)?, encoding));
    }
    // The answer begins with the first event, or after a second without one: what goes wrong before the
    // command does anything is still an ordinary problem.
    let execution = wit::exec_stream(id, &command, stdin_stream)?;
    let first = execution.next()?;
    let request_id = request.id.clone();
    Ok(Reply::Events(Box::new(move |sink| {
        follow(&execution, first, encoding, &request_id, sink)
    })))
}

/// How long `execution.next` waits before it gives an empty output.
const PATIENCE_MS: u64 = 1000;

/// Passes events on until the last one. When the caller is gone it returns, and the execution is dropped: that
/// ends the command.
fn follow(
    execution: &Execution,
    first: Option<ExecEvent>,
    encoding: Encoding,
    request_id: &str,
    sink: &mut dyn Sink,
) {
    let mut stdout = Output::new("stdout", encoding);
    let mut stderr = Output::new("stderr", encoding);
    let mut silence = Silence::default();
    let mut next = Ok(first);
    loop {
        let more = match next {
            Ok(Some(ExecEvent::Started(exec_id))) => {
                sink.send(&event(None, "started", &Started { exec_id }))
            }
            Ok(Some(ExecEvent::Stdout(bytes))) if bytes.is_empty() => {
                silence.passed(PATIENCE_MS, sink)
            }
            Ok(Some(ExecEvent::Stdout(bytes))) => stdout.send(&bytes, &mut silence, sink),
            Ok(Some(ExecEvent::Stderr(bytes))) => stderr.send(&bytes, &mut silence, sink),
            Ok(Some(ExecEvent::Exit(result))) => {
                stdout.finish(sink);
                stderr.finish(sink);
                sink.send(&event(None, "exit", &Outcome::from(result)));
                false
            }
            Ok(None) => false,
            Err(error) => {
                let problem = Problem::from(error);
                if let Some(private) = &problem.private {
                    eprintln!("request {request_id}: {private}");
                }
                sink.send(&event(None, "error", &problem.json(request_id)));
                false
            }
        };
        if !more {
            return;
        }
        next = execution.next();
    }
}

/// One of the two outputs of a command.
struct Output {
    name: &'static str,
    encoding: Encoding,
    text: Text,
}

impl Output {
    fn new(name: &'static str, encoding: Encoding) -> Self {
        Self {
            name,
            encoding,
            text: Text::default(),
        }
    }

    fn send(&mut self, bytes: &[u8], silence: &mut Silence, sink: &mut dyn Sink) -> bool {
        silence.broken();
        let piece = match self.encoding {
            Encoding::Base64 => Piece::Base64(STANDARD.encode(bytes)),
            Encoding::Utf8 => match self.text.push(bytes) {
                // Only a part of a character has come.
                text if text.is_empty() => return true,
                text => Piece::Text(text),
            },
        };
        sink.send(&event(None, self.name, &piece))
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        let text = self.text.finish();
        if !text.is_empty() {
            sink.send(&event(None, self.name, &Piece::Text(text)));
        }
    }
}
