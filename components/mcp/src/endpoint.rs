//! The endpoint: POST takes a message, GET gives a session's stream. Which era a message is of, it says itself.

use crate::channel::{Channel, Out, Sending};
use crate::client::Client;
use crate::dispatch::{self, dispatch, needs_tasks};
use crate::fault::Fault;
use crate::header::{self, Headers, accepts};
use crate::listen;
use crate::message::{self, Message};
use crate::server::{Outcome, Server};
use crate::session::{self, Session};
use crate::version::{Era, LEGACY, MODERN, agreed};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// What came by HTTP.
pub struct Http<'a> {
    pub headers: &'a dyn Headers,
    /// The body as JSON, or why it is none.
    pub body: Result<Value, Fault>,
}

pub enum Answer {
    Whole(Whole),
    Stream {
        headers: Vec<(&'static str, String)>,
        run: Sending,
    },
}

pub struct Whole {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

const SESSION: &str = "mcp-session-id";
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// One message from a client.
pub fn post(server: &Rc<dyn Server>, http: Http<'_>) -> Answer {
    let Http { headers, body } = http;
    if !accepts(headers, "application/json") && !accepts(headers, "text/event-stream") {
        let message = "`Accept` must name `application/json` and `text/event-stream`";
        return refused(406, None, &Fault::invalid_request(message));
    }
    let body = match body {
        Ok(body) => body,
        Err(fault) => return refused(400, None, &fault),
    };
    let id = message::id(&body).cloned();
    let message = match message::read(body) {
        Ok(message) => message,
        Err(fault) => return refused(400, id.as_ref(), &fault),
    };
    match message {
        Message::Request { id, method, params } => {
            if is_modern(headers, &method, &params) {
                return match modern(headers, &method, &params) {
                    Ok(client) => answer(server, client, id, method, params),
                    Err(fault) => refused(fault.status(Era::Modern), Some(&id), &fault),
                };
            }
            if method == "initialize" {
                return initialize(server, id, &params);
            }
            match legacy(server, headers) {
                Ok(client) => answer(server, client, id, method, params),
                Err((status, fault)) => refused(status, Some(&id), &fault),
            }
        }
        Message::Notification { method } => {
            // The modern era has none that come by HTTP; the method is named, so that its sender finds it.
            if headers.text(header::VERSION) == Some(MODERN) {
                let message =
                    format!("there is no notification `{method}`; to cancel, close the stream");
                return refused(400, None, &Fault::invalid_request(message));
            }
            accepted(legacy(server, headers).map(drop))
        }
        Message::Response { id, result } => accepted(
            legacy(server, headers)
                .and_then(|_| server.answered(&id, result).map_err(|fault| (400, fault))),
        ),
    }
}

/// A session's stream: notices, or the rest of one that was lost.
pub fn get(server: &Rc<dyn Server>, headers: &dyn Headers) -> Answer {
    if headers.text(header::VERSION) == Some(MODERN) {
        return not_allowed("POST");
    }
    if !accepts(headers, "text/event-stream") {
        let message = "`Accept` must name `text/event-stream`";
        return refused(406, None, &Fault::invalid_request(message));
    }
    let client = match legacy(server, headers) {
        Ok(client) => client,
        Err((status, fault)) => return refused(status, None, &fault),
    };
    let last = headers
        .text("last-event-id")
        .filter(|last| !last.is_empty());
    let after = match last.map(|last| (last, last.parse())) {
        None => None,
        Some((_, Ok(after))) => Some(after),
        Some((last, Err(_))) => {
            return match resumed(last) {
                Some((id, params)) => answer(server, client, id, "tools/call".to_owned(), params),
                None => {
                    let message = "`Last-Event-ID` must be the id of an event of this endpoint";
                    refused(400, None, &Fault::invalid_request(message))
                }
            };
        }
    };
    match server.listen(&client, None, after) {
        Ok((_, feed)) => stream(move |out| listen::session(feed, out)),
        Err(fault) => refused(500, None, &fault),
    }
}

/// Sessions end by themselves.
pub fn delete() -> Answer {
    not_allowed("GET, POST")
}

/// Whether a request stands for itself. `initialize` without the marks of the modern era is of the legacy one, whatever
/// version it says.
fn is_modern(headers: &dyn Headers, method: &str, params: &Map<String, Value>) -> bool {
    if meta(params).is_some_and(|meta| meta.contains_key(META_VERSION)) {
        return true;
    }
    let of_session = method == "initialize" || headers.text(SESSION).is_some();
    match headers.text(header::VERSION) {
        Some(MODERN) => true,
        Some(version) => !of_session && !LEGACY.contains(&version),
        None => !of_session && headers.text(header::METHOD).is_some(),
    }
}

fn meta(params: &Map<String, Value>) -> Option<&Map<String, Value>> {
    params.get("_meta").and_then(Value::as_object)
}

/// The client of a request of the modern era.
fn modern(
    headers: &dyn Headers,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Client, Fault> {
    let of_meta = |name: &str| meta(params).and_then(|meta| meta.get(name));
    let missing = |name: &str, kind: &str| {
        Fault::invalid_params(format!("`params._meta` must have `{name}`, {kind}"))
    };
    let version = of_meta(META_VERSION).and_then(Value::as_str);
    let found = headers.text(header::VERSION);
    if let (None, Some(found)) = (version, found)
        && found != MODERN
    {
        return Err(Fault::unsupported_version(found));
    }
    let version = version.ok_or_else(|| missing(META_VERSION, "a string"))?;
    let capabilities = of_meta(META_CAPABILITIES)
        .filter(|capabilities| capabilities.is_object())
        .ok_or_else(|| missing(META_CAPABILITIES, "an object"))?;
    if found != Some(version) {
        let found = found.unwrap_or("missing");
        return Err(Fault::header(format!(
            "the header `{}` is `{found}` and `params._meta` says `{version}`; make them the same",
            header::VERSION
        )));
    }
    if version != MODERN {
        return Err(Fault::unsupported_version(version));
    }
    header::check(headers, method, params)?;
    Ok(Client {
        era: Era::Modern,
        version: MODERN,
        capabilities: capabilities.clone(),
        streams: accepts(headers, "text/event-stream"),
    })
}

/// The client of a session, or the status and what to say.
fn legacy(server: &Rc<dyn Server>, headers: &dyn Headers) -> Result<Client, (u16, Fault)> {
    if let Some(version) = headers.text(header::VERSION)
        && !LEGACY.contains(&version)
    {
        return Err((400, Fault::unsupported_version(version)));
    }
    let Some(id) = headers.text(SESSION) else {
        let message = format!(
            "the header `{SESSION}` is missing: send `initialize` first, or `{}: {MODERN}` and no session",
            header::VERSION
        );
        return Err((400, Fault::invalid_request(message)));
    };
    let key = server.key().map_err(|fault| (500, fault))?;
    match session::resume(id, server.now_ms(), &key) {
        Some(Session {
            version,
            capabilities,
        }) => Ok(Client {
            era: Era::Legacy,
            version,
            capabilities,
            streams: accepts(headers, "text/event-stream"),
        }),
        None => {
            let message = "there is no such session: send `initialize` without a session id";
            Err((404, Fault::invalid_request(message)))
        }
    }
}

fn initialize(server: &Rc<dyn Server>, id: Value, params: &Map<String, Value>) -> Answer {
    let Some(asked) = params.get("protocolVersion").and_then(Value::as_str) else {
        let fault = Fault::invalid_params("`params.protocolVersion` must be a string");
        return refused(400, Some(&id), &fault);
    };
    let version = agreed(asked);
    let nothing = json!({});
    let capabilities = params.get("capabilities").unwrap_or(&nothing);
    let key = match server.key() {
        Ok(key) => key,
        Err(fault) => return refused(500, Some(&id), &fault),
    };
    let session = session::begin(
        version,
        capabilities,
        server.now_ms(),
        &server.random(),
        &key,
    );
    let result = json!({
        "protocolVersion": version,
        "capabilities": server.capabilities(Era::Legacy),
        "serverInfo": dispatch::implementation(&**server),
        "instructions": server.describe().instructions,
    });
    Answer::Whole(Whole {
        status: 200,
        headers: vec![(SESSION, session)],
        body: Some(json!({"jsonrpc": "2.0", "id": id, "result": result})),
    })
}

fn answer(
    server: &Rc<dyn Server>,
    client: Client,
    id: Value,
    method: String,
    params: Map<String, Value>,
) -> Answer {
    let era = client.era;
    let failed = |fault: &Fault| refused(fault.status(era), Some(&id), fault);
    if method == "subscriptions/listen" && era == Era::Modern {
        return subscribe(server, &client, id, &params);
    }
    let outcome = dispatch(&**server, &client, &method, &params);
    let told = told(&method, &params, &outcome);
    match outcome {
        Ok(Outcome::Stream { resumable, run }) => {
            let server = Rc::clone(server);
            // Older clients take an event without data, by which a stream says its id at once, for a broken one.
            let resumable = resumable && client.version == LEGACY[0];
            let resume = resumable.then(|| resume(&id, &params));
            let run = Box::new(move |out: &mut dyn Out| {
                let mut channel = Channel::new(out, era, resume.clone());
                let message = match run(&mut channel) {
                    Ok(outcome) => {
                        let result = dispatch::result(&*server, era, outcome);
                        json!({"jsonrpc": "2.0", "id": id, "result": result})
                    }
                    Err(fault) => fault.json(Some(&id)),
                };
                // The caller may have left; nobody is there to be told.
                channel.send(resume.as_deref(), &message);
            });
            Answer::Stream { headers: told, run }
        }
        Ok(outcome) => {
            let result = dispatch::result(&**server, era, outcome);
            Answer::Whole(Whole {
                status: 200,
                headers: told,
                body: Some(json!({"jsonrpc": "2.0", "id": id, "result": result})),
            })
        }
        Err(fault) => failed(&fault),
    }
}

/// What was called, for those who count: the method, and the tool's name when there is such a tool.
fn told(
    method: &str,
    params: &Map<String, Value>,
    outcome: &Result<Outcome, Fault>,
) -> Vec<(&'static str, String)> {
    if outcome.is_err() {
        return Vec::new();
    }
    let mut told = vec![(header::METHOD, method.to_owned())];
    let name = params.get("name").and_then(Value::as_str);
    told.extend(
        name.filter(|_| method == "tools/call")
            .map(|name| (header::NAME, name.to_owned())),
    );
    told
}

fn subscribe(
    server: &Rc<dyn Server>,
    client: &Client,
    id: Value,
    params: &Map<String, Value>,
) -> Answer {
    let refused = |status, fault: &Fault| refused(status, Some(&id), fault);
    let Some(wanted) = params.get("notifications").and_then(Value::as_object) else {
        let fault = Fault::invalid_params("`params.notifications` must be an object");
        return refused(400, &fault);
    };
    if !client.streams {
        let message = "`Accept` must name `text/event-stream`";
        return refused(406, &Fault::invalid_request(message));
    }
    if wanted.contains_key("taskIds")
        && let Err(fault) = needs_tasks(client)
    {
        return refused(400, &fault);
    }
    match server.listen(client, Some(wanted), None) {
        Ok((granted, feed)) => stream(move |out| listen::subscription(&id, granted, feed, out)),
        Err(fault) => refused(fault.status(Era::Modern), &fault),
    }
}

/// The id of the events of a stream: all that is needed to answer its request again.
fn resume(id: &Value, params: &Map<String, Value>) -> String {
    let of = json!({"id": id, "params": params});
    URL_SAFE_NO_PAD.encode(of.to_string())
}

fn resumed(last: &str) -> Option<(Value, Map<String, Value>)> {
    let bytes = URL_SAFE_NO_PAD.decode(last).ok()?;
    let of: Value = serde_json::from_slice(&bytes).ok()?;
    let id = message::id(&of)?.clone();
    Some((id, of.get("params")?.as_object()?.clone()))
}

fn stream(run: impl FnOnce(&mut dyn Out) + 'static) -> Answer {
    Answer::Stream {
        headers: Vec::new(),
        run: Box::new(run),
    }
}

fn accepted(done: Result<(), (u16, Fault)>) -> Answer {
    match done {
        Ok(()) => Answer::Whole(Whole {
            status: 202,
            headers: Vec::new(),
            body: None,
        }),
        Err((status, fault)) => refused(status, None, &fault),
    }
}

fn refused(status: u16, id: Option<&Value>, fault: &Fault) -> Answer {
    whole(status, fault.json(id))
}

fn whole(status: u16, body: Value) -> Answer {
    Answer::Whole(Whole {
        status,
        headers: Vec::new(),
        body: Some(body),
    })
}

fn not_allowed(allow: &str) -> Answer {
    Answer::Whole(Whole {
        status: 405,
        headers: vec![("allow", allow.to_owned())],
        body: None,
    })
}
