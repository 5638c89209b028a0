//! What went wrong with a message, as JSON-RPC says it.

use crate::version::{Era, supported};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
}

pub const PARSE: i64 = -32700;
pub const INVALID_REQUEST: i64 = -32600;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL: i64 = -32603;
/// Of the legacy era alone.
const RESOURCE_NOT_FOUND: i64 = -32002;
pub const HEADER_MISMATCH: i64 = -32020;
pub const MISSING_CAPABILITY: i64 = -32021;
pub const UNSUPPORTED_VERSION: i64 = -32022;

impl Fault {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub fn with(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(PARSE, message)
    }

    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, message)
    }

    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message)
    }

    pub fn method_not_found(method: &str) -> Self {
        Self::new(
            METHOD_NOT_FOUND,
            format!("there is no method `{method}` here"),
        )
    }

    pub fn no_resource(era: Era, uri: &str) -> Self {
        let code = match era {
            Era::Modern => INVALID_PARAMS,
            Era::Legacy => RESOURCE_NOT_FOUND,
        };
        Self::new(code, format!("there is no resource `{uri}`")).with(json!({"uri": uri}))
    }

    pub fn header(message: impl Into<String>) -> Self {
        Self::new(HEADER_MISMATCH, message)
    }

    /// What a client would have to declare, in the shape of its capabilities.
    pub fn missing_capability(required: Value) -> Self {
        Self::new(
            MISSING_CAPABILITY,
            "the client does not declare a capability that this needs",
        )
        .with(json!({"requiredCapabilities": required}))
    }

    pub fn unsupported_version(requested: &str) -> Self {
        Self::new(
            UNSUPPORTED_VERSION,
            format!("the protocol version `{requested}` is not spoken here"),
        )
        .with(json!({"supported": supported(), "requested": requested}))
    }

    /// The HTTP status. A client of the legacy era takes any but 200 for a failure of the transport.
    pub fn status(&self, era: Era) -> u16 {
        match (era, self.code) {
            (Era::Legacy, _) => 200,
            (Era::Modern, METHOD_NOT_FOUND) => 404,
            (
                Era::Modern,
                PARSE | INVALID_REQUEST | INVALID_PARAMS | HEADER_MISMATCH | MISSING_CAPABILITY
                | UNSUPPORTED_VERSION,
            ) => 400,
            (Era::Modern, _) => 200,
        }
    }

    pub fn json(&self, id: Option<&Value>) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        let mut message = json!({"jsonrpc": "2.0", "error": error});
        if let Some(id) = id {
            message["id"] = id.clone();
        }
        message
    }
}
