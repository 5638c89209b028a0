//! What stands behind the protocol: a server's tools, resources and prompts.

use crate::channel::Channel;
use crate::client::Client;
use crate::fault::Fault;
use crate::version::Era;
use serde_json::{Map, Value};

/// Who answers. Each method may be called in an instance of its own: nothing is remembered between calls.
pub trait Server {
    fn describe(&self) -> Description;

    /// `ServerCapabilities`.
    fn capabilities(&self, era: Era) -> Value;

    /// What ids of sessions are signed with.
    fn key(&self) -> Result<Vec<u8>, Fault>;

    fn now_ms(&self) -> u64;

    fn random(&self) -> [u8; 16];

    /// A page of a list.
    fn list(&self, list: List, cursor: Option<&str>) -> Result<Listed, Fault>;

    /// `tools/call`. What a tool finds wrong is a result that says so; a fault is for a call that is none.
    fn call(&self, client: &Client, call: &Call) -> Result<Outcome, Fault>;

    /// `resources/read`
    fn read(&self, client: &Client, uri: &str, inputs: &Inputs) -> Result<Outcome, Fault>;

    /// `prompts/get`
    fn prompt(
        &self,
        client: &Client,
        name: &str,
        arguments: &Map<String, Value>,
        inputs: &Inputs,
    ) -> Result<Outcome, Fault>;

    /// `completion/complete`; gives back the values.
    fn complete(&self, params: &Map<String, Value>) -> Result<Vec<String>, Fault>;

    /// `tasks/get`, `tasks/update` and `tasks/cancel`, of the extension; the result without its type.
    fn task(&self, id: &str, call: TaskCall) -> Result<Value, Fault>;

    /// What `subscriptions/listen` asks for, or none for a session's stream: the part of it that is granted, and
    /// where it comes from. With `after`, what came after that notice.
    fn listen(
        &self,
        client: &Client,
        wanted: Option<&Map<String, Value>>,
        after: Option<u64>,
    ) -> Result<(Value, Box<dyn Feed>), Fault>;

    /// What a client of the legacy era says to a request that went to it by a stream.
    fn answered(&self, id: &Value, result: Result<Value, Value>) -> Result<(), Fault>;

    /// A method of the legacy era that few servers have.
    fn other(
        &self,
        client: &Client,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Value, Fault> {
        let _ = (client, params);
        Err(Fault::method_not_found(method))
    }
}

pub struct Description {
    pub name: &'static str,
    pub title: &'static str,
    pub version: &'static str,
    /// What a model should know before it calls anything.
    pub instructions: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Tools,
    Resources,
    Templates,
    Prompts,
}

/// A page, and how long it may be taken for true.
pub struct Listed {
    pub items: Vec<Value>,
    pub next_cursor: Option<String>,
    pub ttl_ms: u64,
    /// Whether it is the same for all callers.
    pub is_public: bool,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    pub arguments: Map<String, Value>,
    pub inputs: Inputs,
    /// By which the client knows notes of how far it is.
    pub progress_token: Option<Value>,
    /// The least level of what is logged for this call, where the request names one.
    pub log_level: Option<String>,
}

/// What a client brings that was asked for more.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub responses: Option<Map<String, Value>>,
    pub state: Option<String>,
}

pub enum Outcome {
    /// The result's fields.
    Complete(Value),
    /// More is needed from the client, of the modern era.
    Input {
        requests: Map<String, Value>,
        state: Option<String>,
    },
    /// It goes on as a task, of the modern era; the task's fields.
    Task(Value),
    /// The answer comes after messages about it. Only for a client that takes streams.
    Stream {
        /// Whether it may be called again from its beginning, for a client that lost the connection.
        resumable: bool,
        run: Streamed,
    },
}

/// What sends messages and then has the outcome.
pub type Streamed = Box<dyn FnOnce(&mut Channel) -> Result<Outcome, Fault>>;

#[derive(Debug)]
pub enum TaskCall {
    Get,
    Update(Map<String, Value>),
    Cancel,
}

/// Where notices come from.
pub trait Feed {
    /// Those that are new. A failure ends the stream.
    fn next(&mut self) -> Result<Vec<Notice>, Fault>;
}

pub struct Notice {
    pub method: &'static str,
    pub params: Map<String, Value>,
    /// Grows; where a client that connects again goes on.
    pub id: u64,
}
