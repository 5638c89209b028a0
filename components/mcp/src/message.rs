//! One JSON-RPC message. Batches are refused: no version that is spoken here has them.

use crate::fault::Fault;
use serde_json::{Map, Value};

#[derive(Debug, PartialEq)]
pub enum Message {
    Request {
        id: Value,
        method: String,
        params: Map<String, Value>,
    },
    Notification {
        method: String,
    },
    /// What a client says to a request of ours.
    Response {
        id: Value,
        result: Result<Value, Value>,
    },
}

/// Reads the body of a request as JSON.
pub fn parse(body: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| Fault::parse(format!("the body is not JSON: {error}")))
}

/// The id of a message that may be anything, for an error about it.
pub fn id(message: &Value) -> Option<&Value> {
    message.get("id").filter(|id| is_id(id))
}

/// Makes a message of JSON.
pub fn read(message: Value) -> Result<Message, Fault> {
    let mut message = match message {
        Value::Object(message) => message,
        Value::Array(_) => {
            return Err(Fault::invalid_request(
                "batches are not taken; send one message in each request",
            ));
        }
        _ => return Err(Fault::invalid_request("a message must be an object")),
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Fault::invalid_request("`jsonrpc` must be `2.0`"));
    }
    let id = message.remove("id");
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(Fault::invalid_request(
            "`id` must be a string or a whole number",
        ));
    }
    let method = match message.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return Err(Fault::invalid_request("`method` must be a string")),
        None => return response(id, message),
    };
    let params = match message.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(Fault::invalid_params("`params` must be an object")),
    };
    Ok(match id {
        Some(id) => Message::Request { id, method, params },
        None => Message::Notification { method },
    })
}

fn response(id: Option<Value>, mut message: Map<String, Value>) -> Result<Message, Fault> {
    let result = match (message.remove("result"), message.remove("error")) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        _ => {
            return Err(Fault::invalid_request(
                "a message needs `method`, or one of `result` and `error`",
            ));
        }
    };
    match id {
        Some(id) => Ok(Message::Response { id, result }),
        None => Err(Fault::invalid_request("a response needs `id`")),
    }
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        let request = read(json!({"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"b": 2}}));
        assert!(
            matches!(request, Ok(Message::Request { id, params, .. }) if id == 1 && params["b"] == 2)
        );
        let notification = read(json!({"jsonrpc": "2.0", "method": "a"}));
        assert!(matches!(notification, Ok(Message::Notification { method }) if method == "a"));
        let response = read(json!({"jsonrpc": "2.0", "id": "q", "result": {}}));
        assert!(matches!(
            response,
            Ok(Message::Response { result: Ok(_), .. })
        ));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for message in [
            json!([{"jsonrpc": "2.0", "id": 1, "method": "a"}]),
            json!([]),
            json!("a"),
            json!(null),
            json!({"id": 1, "method": "a"}),
            json!({"jsonrpc": "1.0", "id": 1, "method": "a"}),
            json!({"jsonrpc": "2.0", "id": null, "method": "a"}),
            json!({"jsonrpc": "2.0", "id": 1.5, "method": "a"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": 2}),
            json!({"jsonrpc": "2.0", "id": 1}),
            json!({"jsonrpc": "2.0", "result": {}}),
            json!({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}),
        ] {
            let fault = read(message.clone()).unwrap_err();
            assert_eq!(fault.code, -32600, "{message}");
        }
        let fault = read(json!({"jsonrpc": "2.0", "id": 1, "method": "a", "params": [1]}));
        assert_eq!(fault.unwrap_err().code, -32602);
        assert_eq!(parse(b"{").unwrap_err().code, -32700);
    }
}
