//! Tools that ask the client for more, of the era of 2026: each round stands for itself.

use crate::Fixtures;
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Call, Client, Fault, Inputs, Outcome, Server, seal};

/// What every such tool's name begins with.
pub const PREFIX: &str = "test_input_required_result_";

pub const NAMES: [&str; 8] = [
    "elicitation",
    "sampling",
    "list_roots",
    "request_state",
    "multiple_inputs",
    "multi_round",
    "tampered_state",
    "capabilities",
];

const PURPOSE: &str = "state";

pub fn call(fixtures: &Fixtures, client: &Client, call: &Call) -> Result<Outcome, Fault> {
    let inputs = &call.inputs;
    let name = call.name.strip_prefix(PREFIX).unwrap_or_default();
    let state = match &inputs.state {
        None => None,
        Some(state) => Some(
            seal::open(state, PURPOSE, &fixtures.key)
                .ok_or_else(|| Fault::invalid_params("`requestState` is not as it was given"))?,
        ),
    };
    let sealed = |round: &str| {
        let nonce = u128::from_be_bytes(fixtures.random());
        Some(seal::seal(
            &format!("{round}:{nonce}"),
            PURPOSE,
            &fixtures.key,
        ))
    };
    let round = state.and_then(|state| state.split(':').next());
    Ok(match name {
        "elicitation" => match said(inputs, "user_name", "name") {
            Some(user) => text(format!("Hello, {user}!")),
            None => form("user_name", "name", "string", None),
        },
        "sampling" => match response(inputs, "capital_question") {
            Some(sample) => text(format!("Sampling result: {}", sample["content"]["text"])),
            None => one(
                "capital_question",
                sampling("What is the capital of France?"),
                None,
            ),
        },
        "list_roots" => match response(inputs, "client_roots") {
            Some(roots) => text(format!("Roots: {}", roots["roots"])),
            None => one("client_roots", roots(), None),
        },
        "request_state" => match (round, response(inputs, "confirm")) {
            (Some(_), Some(_)) => text("state-ok".to_owned()),
            _ => form("confirm", "ok", "boolean", sealed("one")),
        },
        "tampered_state" => match (round, response(inputs, "confirm")) {
            (Some(_), Some(_)) => text("integrity-ok".to_owned()),
            _ => form("confirm", "ok", "boolean", sealed("one")),
        },
        "multiple_inputs" => {
            let all = ["user_name", "greeting", "client_roots"];
            if round.is_some() && all.iter().all(|name| response(inputs, name).is_some()) {
                text("all inputs are there".to_owned())
            } else {
                let requests = [
                    elicitation("name", "string"),
                    sampling("Generate a greeting"),
                    roots(),
                ];
                let names = all.map(str::to_owned);
                Outcome::Input {
                    requests: names.into_iter().zip(requests).collect(),
                    state: sealed("one"),
                }
            }
        }
        "multi_round" => match round {
            Some("one") if response(inputs, "step1").is_some() => {
                form("step2", "color", "string", sealed("two"))
            }
            Some("two") if response(inputs, "step2").is_some() => {
                text("the rounds are over".to_owned())
            }
            _ => form("step1", "name", "string", sealed("one")),
        },
        "capabilities" => {
            let can = |name: &str| client.capabilities.get(name).is_some();
            let mut requests = Map::new();
            if can("elicitation") {
                requests.insert("elicit_input".to_owned(), elicitation("value", "string"));
            }
            if can("sampling") {
                requests.insert("sample_input".to_owned(), sampling("Sample request"));
            }
            if inputs.responses.is_some() || requests.is_empty() {
                text("capabilities-ok".to_owned())
            } else {
                Outcome::Input {
                    requests,
                    state: sealed("one"),
                }
            }
        }
        _ => {
            return Err(Fault::invalid_params(format!(
                "there is no tool `{}`",
                call.name
            )));
        }
    })
}

/// What a person put into a field of a form that was accepted.
pub fn said(inputs: &Inputs, name: &str, field: &str) -> Option<String> {
    let response = response(inputs, name)?;
    let accepted = response["action"] == "accept";
    let said = response["content"][field].as_str().filter(|_| accepted);
    said.map(str::to_owned)
}

fn response<'a>(inputs: &'a Inputs, name: &str) -> Option<&'a Value> {
    inputs.responses.as_ref()?.get(name)
}

/// Asks for one field.
pub fn form(name: &str, field: &str, kind: &str, state: Option<String>) -> Outcome {
    one(name, elicitation(field, kind), state)
}

fn one(name: &str, request: Value, state: Option<String>) -> Outcome {
    Outcome::Input {
        requests: Map::from_iter([(name.to_owned(), request)]),
        state,
    }
}

fn elicitation(field: &str, kind: &str) -> Value {
    let schema =
        json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({
        "method": "elicitation/create",
        "params": {"mode": "form", "message": format!("Please give `{field}`"), "requestedSchema": schema},
    })
}

fn sampling(prompt: &str) -> Value {
    let messages = json!([{"role": "user", "content": {"type": "text", "text": prompt}}]);
    json!({"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 100}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn text(text: String) -> Outcome {
    Outcome::Complete(json!({"content": [{"type": "text", "text": text}]}))
}
