//! Tasks that a command asks for: its standard output as a JSON array, for a task that plans others.

use crate::context::{boolean, string, strings};
use serde_json::Value;
use swarm_flow_agent::delegation::{Child, Place};

const FIELDS: [&str; 8] = [
    "id",
    "description",
    "context",
    "requirements",
    "needs",
    "agent",
    "workspace",
    "optional",
];

/// Reads them, or says what is wrong with which.
pub fn parse(output: &str) -> Result<Vec<Child>, String> {
    let value: Value = serde_json::from_str(output).map_err(|error| {
        format!("the output is no JSON array of tasks, as `stdout_to` has it: {error}")
    })?;
    let Value::Array(tasks) = value else {
        return Err("the output is JSON, but no array of tasks".to_owned());
    };
    let tasks = tasks.iter().enumerate();
    tasks
        .map(|(index, task)| {
            child(task).map_err(|error| format!("task {index} of the output: {error}"))
        })
        .collect()
}

fn child(task: &Value) -> Result<Child, String> {
    let Value::Object(fields) = task else {
        return Err("it is no JSON object".to_owned());
    };
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("`{unknown}` is not a field of a task"));
    }
    let id = string(fields, "id")?.ok_or("`id` is missing")?;
    let description = string(fields, "description")?.unwrap_or_default();
    let mut child = Child::new(&id, &description);
    child = match fields.get("context") {
        None => child,
        Some(Value::String(text)) => child.context(text.clone()),
        Some(context) => child.context(context.to_string()),
    };
    for requirement in strings(fields, "requirements")?.unwrap_or_default() {
        child = child.requires(&requirement);
    }
    for need in strings(fields, "needs")?.unwrap_or_default() {
        child = child.needs(&need);
    }
    if let Some(agent) = string(fields, "agent")? {
        child = child.agent(&agent);
    }
    child = match string(fields, "workspace")?.as_deref() {
        None => child,
        Some("any") => child.place(Place::Any),
        Some(workspace) => child.place(Place::Named(workspace.to_owned())),
    };
    if boolean(fields, "optional")? {
        child = child.optional();
    }
    Ok(child)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_task_is_refused_and_named() {
        let all = r#"[{"id":"a","description":"d","context":{"command":["true"]},"requirements":["exec"],
            "needs":["b"],"agent":"script","workspace":"any","optional":true},{"id":"b","context":"text"}]"#;
        assert_eq!(parse(all).map(|tasks| tasks.len()), Ok(2));
        for (output, said) in [
            ("", "no JSON array"),
            ("{}", "no array"),
            ("[1]", "task 0 of the output: it is no JSON object"),
            (
                r#"[{"id":"a"},{}]"#,
                "task 1 of the output: `id` is missing",
            ),
            (r#"[{"id":"a","need":[]}]"#, "`need` is not a field"),
            (r#"[{"id":"a","needs":[1]}]"#, "`needs"),
            (r#"[{"id":"a","optional":1}]"#, "`optional`"),
        ] {
            let error = parse(output).map(|tasks| tasks.len()).unwrap_err();
            assert!(error.contains(said), "{output}: {error}");
        }
    }
}
