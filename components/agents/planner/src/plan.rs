//! A plan: tasks, for whom each is, and what it needs.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use swarm_flow_agent::delegation::Child;
use swarm_flow_agent_loop::Tool;

/// The kinds of agents that there are, each with the context that its tasks begin with.
pub type Kinds = BTreeMap<String, Map<String, Value>>;

/// A task of the plan.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Step {
    pub id: String,
    pub description: String,
    pub agent: String,
    #[serde(default)]
    pub needs: Option<Vec<String>>,
    pub check: Option<String>,
}

/// Whose context has a `check`.
const CHECKED: &str = "coder";

/// By which the model gives it.
pub fn tool(kinds: &Kinds, tasks_max: usize) -> Tool {
    let kinds: Vec<&String> = kinds.keys().collect();
    Tool::new(
        "plan",
        "Gives the plan, whose tasks are started as soon as what each needs is done.",
        json!({
            "type": "object",
            "properties": {"tasks": {
                "type": "array",
                "description": "In an order in which they could be done.",
                "minItems": 1,
                "maxItems": tasks_max,
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "minLength": 1, "maxLength": 40, "description": "A short name of its own: letters, digits, `.`, `_`, `-`."},
                        "description": {"type": "string", "minLength": 1, "description": "What its agent is told: what, where, and how one sees that it is done."},
                        "agent": {"type": "string", "description": format!("Who does it: {}.", kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", "))},
                        "needs": {"type": "array", "items": {"type": "string"}, "description": "Ids of the tasks that must be done before."},
                        "check": {"type": "string", "minLength": 1, "description": "For `coder`: a command line that ends with 0 when it is done."}
                    },
                    "required": ["id", "description", "agent"],
                    "additionalProperties": false
                }
            }},
            "required": ["tasks"],
            "additionalProperties": false
        }),
    )
}

/// The tasks of a plan, or why it cannot be.
pub fn steps(given: &Value, kinds: &Kinds) -> Result<Vec<Step>, String> {
    let steps: Vec<Step> = Deserialize::deserialize(&given["tasks"])
        .map_err(|error: serde_json::Error| error.to_string())?;
    for (index, step) in steps.iter().enumerate() {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !step.id.bytes().all(allowed) {
            return Err(format!(
                "`tasks[{index}].id` is `{}`, must be letters, digits, `.`, `_`, `-`",
                step.id
            ));
        }
        if steps.iter().take(index).any(|other| other.id == step.id) {
            return Err(format!(
                "`tasks[{index}].id` is `{}`, which another task has",
                step.id
            ));
        }
        if !kinds.contains_key(&step.agent) {
            let known: Vec<String> = kinds.keys().map(|kind| format!("`{kind}`")).collect();
            return Err(format!(
                "`tasks[{index}].agent` is `{}`, which is none; there are {}",
                step.agent,
                known.join(", ")
            ));
        }
        if step.check.is_some() && step.agent != CHECKED {
            return Err(format!(
                "`tasks[{index}].check` is given, but `{}` runs none; leave it out",
                step.agent
            ));
        }
        let is_known = |need: &&String| steps.iter().any(|other| other.id == **need);
        if let Some(need) = step.needs().iter().find(|need| !is_known(need)) {
            return Err(format!(
                "`tasks[{index}].needs` names `{need}`, which is no task of the plan"
            ));
        }
    }
    match cycle(&steps) {
        Some(circle) => Err(format!(
            "the tasks wait for each other for ever: {}",
            circle.join(" → ")
        )),
        None => Ok(steps),
    }
}

impl Step {
    fn needs(&self) -> &[String] {
        self.needs.as_deref().unwrap_or_default()
    }

    pub fn child(&self, kinds: &Kinds) -> Child {
        let mut context = kinds.get(&self.agent).cloned().unwrap_or_default();
        if let Some(check) = &self.check {
            context.insert("check".to_owned(), check.clone().into());
        }
        let mut child = Child::new(&self.id, &self.description).agent(&self.agent);
        if !context.is_empty() {
            child = child.context(Value::Object(context).to_string());
        }
        self.needs()
            .iter()
            .fold(child, |child, need| child.needs(need))
    }
}

/// A circle of needs, by its ids: the first one is also the last.
fn cycle(steps: &[Step]) -> Option<Vec<String>> {
    let find = |id: &str| steps.iter().find(|step| step.id == id);
    // What is done or can be done after what is done; the rest waits for itself.
    let mut open: Vec<&Step> = steps.iter().collect();
    loop {
        let before = open.len();
        let ids: Vec<&str> = open.iter().map(|step| step.id.as_str()).collect();
        open.retain(|step| step.needs().iter().any(|need| ids.contains(&need.as_str())));
        if open.len() == before {
            break;
        }
    }
    let mut path = vec![open.first()?.id.clone()];
    loop {
        let step = find(path.last()?)?;
        let next = step
            .needs()
            .iter()
            .find(|need| open.iter().any(|step| step.id == **need))?;
        if let Some(start) = path.iter().position(|id| id == next) {
            path.drain(..start);
            path.push(next.clone());
            return Some(path);
        }
        path.push(next.clone());
    }
}

/// For people: a line for each task, with its id in the run.
pub fn text(steps: &[Step], ids: &[String]) -> String {
    let lines = steps.iter().zip(ids).map(|(step, id)| {
        let needs = if step.needs().is_empty() {
            String::new()
        } else {
            format!(" (after {})", step.needs().join(", "))
        };
        let check = step
            .check
            .as_ref()
            .map(|check| format!(" [check: {check}]"))
            .unwrap_or_default();
        format!("{id}, {}{needs}: {}{check}", step.agent, step.description)
    });
    lines.collect::<Vec<_>>().join("\n")
}
