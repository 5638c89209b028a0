//! Prompts for the common jobs.

use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Fault, Outcome};

struct Prompt {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Name, what it is, and whether it must be given.
    arguments: &'static [(&'static str, &'static str, bool)],
    /// In which `{name}` stands for an argument.
    text: &'static str,
}

static PROMPTS: &[Prompt] = &[
    Prompt {
        name: "run_code",
        title: "Run code in a sandbox",
        description: "Runs code in a workspace and says what came of it.",
        arguments: &[
            ("code", "The code.", true),
            ("program", "What runs it; python when it is absent.", false),
            ("workspace", "Where; a new one when it is absent.", false),
        ],
        text: "Run this code with `{program:python}` in the workspace {workspace:that you make with `workspace_create`}. \
               Write it to a file with `file_write`, run it with `exec`, and say what it put out. If something was denied, \
               say which rule of the policy would allow it, and do not widen the policy yourself.\n\n{code}",
    },
    Prompt {
        name: "explain_denial",
        title: "Explain a denial",
        description: "Finds out why something was denied, and the smallest change that would allow it.",
        arguments: &[
            ("workspace", "The workspace in which it was denied.", true),
            ("action", "What was tried, in words.", true),
        ],
        text: "In the workspace {workspace} this was denied: {action}. Look at its policy with `workspace_get`, ask \
               `workspace_explain` about the action, look in `audit_query` for the record, and say in two sentences why it \
               was denied and which smallest change of the policy would allow it. Do not make the change. The tools are of \
               the groups `policies` and `audit`.",
    },
    Prompt {
        name: "plan_run",
        title: "Plan a run of a swarm",
        description: "Turns a goal into tasks for a swarm, starts the run and follows it.",
        arguments: &[
            ("goal", "What is to be done.", true),
            ("swarm", "The swarm; a new one when it is absent.", false),
        ],
        text: "Goal: {goal}\n\nBreak this goal into tasks with dependencies, as small as can be checked by themselves. Use \
               the swarm {swarm:that you make with `swarm_create`}. Show the tasks to me before you start them with \
               `run_start`. Then follow the run with `run_wait`, hand me its questions as they are, and sum up what each \
               task brought.",
    },
    Prompt {
        name: "review_run",
        title: "Review a run",
        description: "Says what a run did, what failed and what it cost.",
        arguments: &[("run", "The run.", true)],
        text: "Look at the run {run} with `run_get`. Say in five sentences at most what its tasks did, which were tried \
               again or failed and why, and how long it took. Read `swarm-flow://run/{run}/events` where the run alone \
               does not say why.",
    },
];

/// The names of arguments whose values can be completed.
pub const COMPLETED: [&str; 3] = ["workspace", "run", "swarm"];

pub fn list() -> Vec<Value> {
    PROMPTS
        .iter()
        .map(|prompt| {
            let arguments = prompt.arguments.iter().map(|(name, description, required)| {
                json!({"name": name, "description": description, "required": required})
            });
            json!({
                "name": prompt.name,
                "title": prompt.title,
                "description": prompt.description,
                "arguments": arguments.collect::<Vec<_>>(),
            })
        })
        .collect()
}

pub fn get(name: &str, given: &Map<String, Value>) -> Result<Outcome, Fault> {
    let Some(prompt) = PROMPTS.iter().find(|prompt| prompt.name == name) else {
        let known: Vec<_> = PROMPTS.iter().map(|prompt| prompt.name).collect();
        let message = format!(
            "there is no prompt `{name}`; there are {}",
            known.join(", ")
        );
        return Err(Fault::invalid_params(message));
    };
    for name in given.keys() {
        if !prompt.arguments.iter().any(|(known, ..)| known == name) {
            let message = format!("`arguments.{name}` is not an argument of this prompt");
            return Err(Fault::invalid_params(message));
        }
    }
    let mut values = Vec::new();
    for (name, _, required) in prompt.arguments {
        match given.get(*name) {
            Some(Value::String(value)) => values.push((*name, value.as_str())),
            None if !required => {}
            _ => {
                let message = format!("`arguments.{name}` must be a string");
                return Err(Fault::invalid_params(message));
            }
        }
    }
    Ok(Outcome::Complete(json!({
        "description": prompt.description,
        "messages": [{
            "role": "user",
            "content": {"type": "text", "text": filled(prompt.text, &values)},
        }],
    })))
}

/// A text with its arguments: `{name}`, or `{name:what stands there without one}`. What an argument holds is not looked
/// through again.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let (name, otherwise) = name.split_once(':').unwrap_or((name, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(before);
        filled.push_str(value.map_or(otherwise, |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_put_in_once() {
        let values = [("a", "{b}"), ("b", "x")];
        assert_eq!(filled("{a} {b} {c:none} {d}.", &values), "{b} x none .");
    }

    #[test]
    fn a_prompt_says_what_it_lacks() {
        let given = |value: Value| value.as_object().unwrap().clone();
        assert!(get("review_run", &given(json!({"run": "run_1"}))).is_ok());
        for (name, arguments) in [
            ("review_run", json!({})),
            ("review_run", json!({"run": 1})),
            ("review_run", json!({"run": "a", "other": "b"})),
            ("nothing", json!({})),
        ] {
            let fault = get(name, &given(arguments)).err().unwrap();
            assert_eq!(fault.code, -32602, "{name}");
        }
    }
}
