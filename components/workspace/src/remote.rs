//! One runner, spoken to: paths, timeouts, and what its answers mean.

use crate::command::left;
use crate::{fault, store};
use swarm_flow_protocol::{Error, path::WORKSPACES};
use swarm_flow_state::Database;
use swarm_flow_wire::{Answer, Call, Failure, Method, Wire};

/// A runner that has joined, by name for errors and by address for calls.
#[derive(Clone, Copy)]
pub struct Remote<'a, W> {
    pub wire: &'a W,
    pub id: &'a str,
    pub url: &'a str,
}

/// The runner that holds a workspace, whether or not commands may run in it.
pub struct Held {
    pub runner: String,
    url: String,
    pub disk_bytes: u64,
}

impl Held {
    pub fn of(database: &impl Database, id: &str) -> Result<Self, Error> {
        let placed = store::find_placed(database, id)?;
        let url = placed.runner_url.ok_or_else(|| left(&placed.workspace))?;
        let made = placed.workspace.made;
        Ok(Self {
            runner: made.runner,
            url,
            disk_bytes: made.policy.limits.disk_bytes,
        })
    }

    pub fn remote<'a, W>(&'a self, wire: &'a W) -> Remote<'a, W> {
        Remote {
            wire,
            id: &self.runner,
            url: &self.url,
        }
    }
}

/// For what a runner does at once; commands and large files say more.
pub const SILENCE_MS: u64 = 30_000;

/// One request on one workspace.
pub struct Ask<'a> {
    pub method: Method,
    pub workspace: &'a str,
    /// What follows the workspace: `/exec`. Percent-encoded.
    pub rest: &'a str,
    pub body: Option<(&'static str, Vec<u8>)>,
    pub silence_ms_max: u64,
}

impl<'a> Ask<'a> {
    /// A request without a body that is answered at once.
    pub fn plain(method: Method, workspace: &'a str, rest: &'a str) -> Self {
        Self {
            method,
            workspace,
            rest,
            body: None,
            silence_ms_max: SILENCE_MS,
        }
    }
}

/// One request that is about no workspace.
pub struct ToRunner<'a> {
    pub method: Method,
    /// `/v1/programs/a`. Percent-encoded.
    pub path: &'a str,
    pub body: Option<(&'static str, Vec<u8>)>,
    pub silence_ms_max: u64,
}

impl<'a> ToRunner<'a> {
    /// A request without a body that is answered at once.
    pub fn plain(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            body: None,
            silence_ms_max: SILENCE_MS,
        }
    }
}

impl<W: Wire> Remote<'_, W> {
    /// Gives the answer when it is a success, and otherwise the runner's reason.
    pub fn ask(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        self.answer(self.call(ask))
    }

    /// The same for what is about no workspace.
    pub fn send(&self, sent: ToRunner<'_>) -> Result<Answer, Error> {
        self.answer(Call {
            method: sent.method,
            url: format!("{}{}", self.url, sent.path),
            body: sent.body,
            silence_ms_max: sent.silence_ms_max,
        })
    }

    fn answer(&self, call: Call) -> Result<Answer, Error> {
        let answer = self
            .wire
            .call(call)
            .map_err(|failure| self.failed(failure))?;
        if (200..300).contains(&answer.status) {
            Ok(answer)
        } else {
            Err(self.refused(&answer))
        }
    }

    /// Gives the pieces of an answer when it is a success.
    pub fn open(&self, ask: Ask<'_>) -> Result<W::Pieces, Error> {
        match self.wire.open(self.call(ask)) {
            Ok(Ok(pieces)) => Ok(pieces),
            Ok(Err(answer)) => Err(self.refused(&answer)),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// Reads an answer's JSON.
    pub fn read<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|error| Error::Internal {
            message: format!(
                "runner `{}` answered with JSON of another shape: {error}",
                self.id
            ),
        })
    }

    pub fn failed(&self, failure: Failure) -> Error {
        fault::unavailable(match failure {
            Failure::Unreachable(why) => {
                format!(
                    "runner `{}` cannot be reached, and nothing was done: {why}",
                    self.id
                )
            }
            Failure::BrokeOff(why) => format!(
                "runner `{}` left in the middle, and whether it did what was asked is unknown: {why}",
                self.id
            ),
        })
    }

    fn call(&self, ask: Ask<'_>) -> Call {
        Call {
            method: ask.method,
            url: format!("{}{WORKSPACES}/{}{}", self.url, ask.workspace, ask.rest),
            body: ask.body,
            silence_ms_max: ask.silence_ms_max,
        }
    }

    /// A runner's reason is the caller's, except that the caller is not to blame for our token.
    fn refused(&self, answer: &Answer) -> Error {
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| Error::Internal {
            message: match answer.status {
                401 => format!("runner `{}` does not know the app's runner_token", self.id),
                status => format!("runner `{}` answered {status} without a reason", self.id),
            },
        })
    }
}

/// A path's parts, percent-encoded, with `/` between them.
pub fn encode_path(path: &str) -> String {
    encode(path, |byte| byte == b'/')
}

/// A query's value, percent-encoded.
pub fn encode_query(value: &str) -> String {
    encode(value, |_| false)
}

/// Encodes everything but RFC 3986's unreserved bytes and those that are kept.
fn encode(text: &str, kept: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || kept(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_part_by_part() {
        assert_eq!(encode_path("a b/ü?#%.py"), "a%20b/%C3%BC%3F%23%25.py");
        assert_eq!(encode_query("a/b&c=d"), "a%2Fb%26c%3Dd");
    }
}
