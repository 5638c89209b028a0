//! A client of `/mcp` in either era, as plain as the protocol lets it be.

use crate::server::Server;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::blocking::{RequestBuilder, Response};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Modern,
    Legacy,
}

pub const MODERN: &str = "2026-07-28";
pub const LEGACY: &str = "2025-11-25";

pub struct Mcp<'a> {
    pub server: &'a Server,
    pub era: Era,
    pub session: Option<String>,
    capabilities: Value,
    /// Behind the endpoint's path: `?groups=all`.
    query: String,
    next: Cell<u64>,
    /// The names of the tools that were called.
    pub called: RefCell<BTreeSet<String>>,
}

impl<'a> Mcp<'a> {
    /// A client that can do nothing but call.
    pub fn new(server: &'a Server, era: Era, query: &str) -> Self {
        Self::with(server, era, query, json!({}))
    }

    /// The same, with capabilities.
    pub fn with(server: &'a Server, era: Era, query: &str, capabilities: Value) -> Self {
        let mut client = Self {
            server,
            era,
            session: None,
            capabilities,
            query: query.to_owned(),
            next: Cell::new(1),
            called: RefCell::default(),
        };
        if era == Era::Legacy {
            client.initialize();
        }
        client
    }

    fn initialize(&mut self) {
        let params = json!({
            "protocolVersion": LEGACY,
            "capabilities": self.capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let response = self.plain(Method::POST).json(&message).send().unwrap();
        assert_eq!(response.status(), 200);
        let session = response.headers()["mcp-session-id"].to_str().unwrap();
        self.session = Some(session.to_owned());
        let initialized: Value = response.json().unwrap();
        assert_eq!(initialized["result"]["protocolVersion"], LEGACY);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(self.post(&note).status(), 202);
    }

    /// A request with the token and nothing of the protocol.
    pub fn plain(&self, method: Method) -> RequestBuilder {
        let url = format!("{}/mcp{}", self.server.url, self.query);
        self.server
            .client
            .request(method, url)
            .bearer_auth(&self.server.token)
            .header("accept", "application/json, text/event-stream")
    }

    /// A request with the headers of its era.
    pub fn http(&self, method: Method) -> RequestBuilder {
        let request = self.plain(method);
        match (&self.era, &self.session) {
            (Era::Legacy, Some(session)) => request
                .header("mcp-protocol-version", LEGACY)
                .header("mcp-session-id", session),
            (Era::Legacy, None) => request,
            (Era::Modern, _) => request.header("mcp-protocol-version", MODERN),
        }
    }

    /// Posts a message as it is.
    pub fn post(&self, message: &Value) -> Response {
        let mut request = self.http(Method::POST).json(message);
        if self.era == Era::Modern {
            let method = message["method"].as_str().unwrap_or_default();
            request = request.header("mcp-method", method);
            let params = &message["params"];
            let named = params["name"].as_str().or(params["uri"].as_str());
            if let Some(name) = named.or(params["taskId"].as_str()) {
                request = request.header("mcp-name", name);
            }
        }
        request.send().unwrap()
    }

    /// The message of a request.
    pub fn message(&self, method: &str, params: Value) -> Value {
        let id = self.next.replace(self.next.get() + 1);
        let mut params = params;
        if self.era == Era::Modern {
            let meta = params.as_object_mut().unwrap().entry("_meta");
            let meta = meta.or_insert_with(|| json!({}));
            meta["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    /// A request, and the message that answers it, whichever way it comes.
    pub fn ask(&self, method: &str, params: Value) -> (StatusCode, Value) {
        let message = self.message(method, params);
        let response = self.post(&message);
        let status = response.status();
        let answer = if is_stream(&response) {
            let mut messages = Messages::new(response);
            loop {
                let (_, answer) = messages.take();
                if answer["id"] == message["id"] {
                    break answer;
                }
            }
        } else {
            response.json().unwrap()
        };
        assert_eq!(answer["id"], message["id"], "{answer}");
        assert_eq!(answer["jsonrpc"], "2.0");
        (status, answer)
    }

    /// The result of a request that is answered.
    pub fn result(&self, method: &str, params: Value) -> Value {
        let (status, answer) = self.ask(method, params);
        assert_eq!(status, 200, "{method}: {answer}");
        let result = &answer["result"];
        assert!(result.is_object(), "{method}: {answer}");
        let kind = (self.era == Era::Modern).then_some("complete");
        assert_eq!(result["resultType"].as_str(), kind, "{method}: {answer}");
        result.clone()
    }

    /// The error of a request that is refused.
    pub fn error(&self, method: &str, params: Value) -> (StatusCode, Value) {
        let (status, answer) = self.ask(method, params);
        assert!(answer["error"].is_object(), "{method}: {answer}");
        (status, answer["error"].clone())
    }

    /// What a tool gives.
    pub fn call(&self, name: &str, arguments: Value) -> Value {
        self.called.borrow_mut().insert(name.to_owned());
        let result = self.result("tools/call", json!({"name": name, "arguments": arguments}));
        assert_eq!(result["isError"], false, "{name}: {result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        let text: Value = serde_json::from_str(text).unwrap();
        assert_eq!(text, result["structuredContent"], "{name}");
        text
    }

    /// What a tool says that refuses.
    pub fn refusal(&self, name: &str, arguments: Value) -> String {
        let result = self.result("tools/call", json!({"name": name, "arguments": arguments}));
        assert_eq!(result["isError"], true, "{name}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// The tools that are listed, by name.
    pub fn tools(&self) -> Map<String, Value> {
        let result = self.result("tools/list", json!({}));
        let tools = result["tools"].as_array().unwrap().iter();
        tools
            .map(|tool| (tool["name"].as_str().unwrap().to_owned(), tool.clone()))
            .collect()
    }
}

pub fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get("content-type");
    kind.is_some_and(|kind| kind == "text/event-stream")
}

/// The messages of a stream, each with the id of its event.
pub struct Messages(Lines<BufReader<Response>>);

impl Messages {
    pub fn new(response: Response) -> Self {
        assert!(is_stream(&response), "{response:?}");
        Self(BufReader::new(response).lines())
    }

    /// The next message. A test that asks for more than there is has failed.
    pub fn take(&mut self) -> (Option<String>, Value) {
        let mut id = None;
        loop {
            let line = self.0.next().expect("the stream has ended").unwrap();
            if let Some(found) = line.strip_prefix("id: ") {
                id = Some(found.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    }

    pub fn is_over(&mut self) -> bool {
        self.0.all(|line| line.unwrap().is_empty())
    }
}
