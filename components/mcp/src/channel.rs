//! The messages of a stream, as server-sent events.

use crate::version::Era;
use serde_json::{Map, Value, json};

/// Where bytes go.
pub trait Out {
    /// False when the caller is gone.
    fn send(&mut self, bytes: &[u8]) -> bool;
    fn is_open(&mut self) -> bool;
    fn sleep(&mut self, ms: u64);
}

/// What sends messages until it is done, or the caller is gone.
pub type Sending = Box<dyn FnOnce(&mut dyn Out)>;

/// The stream of one request.
pub struct Channel<'a> {
    out: &'a mut dyn Out,
    pub era: Era,
    /// What a client that lost the connection goes on with.
    resume: Option<String>,
    silent_ms: u64,
}

/// How long a stream may be silent before a comment shows that it still lives.
const KEEP_ALIVE_MS: u64 = 15_000;

impl<'a> Channel<'a> {
    pub fn new(out: &'a mut dyn Out, era: Era, resume: Option<String>) -> Self {
        let channel = Self {
            out,
            era,
            resume,
            silent_ms: 0,
        };
        // Headers alone would leave a caller waiting for the first byte.
        let first = match &channel.resume {
            Some(resume) => format!("id: {resume}\nretry: 1000\ndata:\n\n"),
            None => ": connected\n\n".to_owned(),
        };
        channel.out.send(first.as_bytes());
        channel
    }

    /// A notification; false when the caller is gone.
    pub fn notify(&mut self, method: &str, params: Map<String, Value>) -> bool {
        let id = self.resume.clone();
        self.send(
            id.as_deref(),
            &json!({"jsonrpc": "2.0", "method": method, "params": params}),
        )
    }

    /// A request to the client, of the legacy era. What it says to that comes in a request of its own.
    pub fn ask(&mut self, id: &str, method: &str, params: Value) -> bool {
        let of = self.resume.clone();
        self.send(
            of.as_deref(),
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
        )
    }

    /// Waits; false when the caller is gone.
    pub fn rest(&mut self, ms: u64) -> bool {
        self.out.sleep(ms);
        self.passed(ms)
    }

    /// So much time went by without a message; false when the caller is gone.
    pub fn passed(&mut self, ms: u64) -> bool {
        self.silent_ms += ms;
        if self.silent_ms < KEEP_ALIVE_MS {
            return self.out.is_open();
        }
        self.silent_ms = 0;
        self.out.send(b": keep-alive\n\n")
    }

    /// One message. JSON holds no line break, so its data is one line.
    pub fn send(&mut self, id: Option<&str>, message: &Value) -> bool {
        self.silent_ms = 0;
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        let text = format!("{id}event: message\ndata: {message}\n\n");
        self.out.send(text.as_bytes())
    }
}
