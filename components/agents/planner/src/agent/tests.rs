use super::*;
use serde_json::json;
use std::cell::{Cell, RefCell};
use swarm_flow_agent::tools::InvalidInput;
use swarm_flow_agent_loop::schema;
use swarm_flow_agent_loop::scripted::{Folder, Scripted, uses};

/// A run that takes tasks, or does not.
#[derive(Default)]
struct Fake {
    made: Cell<usize>,
    refuses: RefCell<Option<Error>>,
}

impl Delegate for Fake {
    fn delegate(&self, steps: Vec<Child>) -> Result<Vec<String>, Error> {
        if let Some(error) = self.refuses.borrow_mut().take() {
            return Err(error);
        }
        self.made.set(self.made.get() + steps.len());
        Ok((1..=steps.len())
            .map(|number| format!("plan/{number}"))
            .collect())
    }
}

fn task(context: &Value) -> Task {
    Task {
        id: "plan".to_owned(),
        description: "make it right".to_owned(),
        requirements: Vec::new(),
        context: Some(context.to_string()),
    }
}

fn gives(
    tasks: Value,
) -> Result<swarm_flow_agent::model::Response, swarm_flow_agent::model::ModelError> {
    uses("plan", json!({"tasks": tasks}))
}

fn good() -> Value {
    json!([
        {"id": "a", "description": "fix a", "agent": "coder", "check": "sh a.sh"},
        {"id": "b", "description": "fix b", "agent": "coder", "needs": []},
        {"id": "c", "description": "look at both", "agent": "reviewer", "needs": ["a", "b"]}
    ])
}

fn planned(model: &Scripted, run: &Fake) -> TaskResult {
    let context = json!({"agents": {"coder": {"max_turns": 5}, "reviewer": {}}});
    execute(model, &Folder::new(&[]), run, &task(&context)).unwrap()
}

#[test]
fn the_schemas_are_checked_whole() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(schema::unknown_keywords(&schema), Vec::<String>::new());
    assert_eq!(
        schema::unknown_keywords(&plan::tool(&Kinds::new(), 3).schema),
        Vec::<String>::new()
    );
    for context in [
        json!({"agents": {}}),
        json!({"agents": {"coder": 1}}),
        json!({"tasks_max": 0}),
    ] {
        let refused = execute(
            &Scripted::default(),
            &Folder::new(&[]),
            &Fake::default(),
            &task(&context),
        );
        assert!(
            matches!(refused, Err(AgentError::InvalidTask(_))),
            "{context}"
        );
    }
}

#[test]
fn a_plan_becomes_tasks_of_the_run_and_its_text_is_the_output() {
    let (model, run) = (Scripted::new([gives(good())]), Fake::default());
    let result = planned(&model, &run);
    assert!(result.success, "{}", result.output);
    assert_eq!(run.made.get(), 3);
    let text = "plan/1, coder: fix a [check: sh a.sh]\nplan/2, coder: fix b\nplan/3, reviewer (after a, b): look at both\n\n---\nended: done";
    assert!(result.output.starts_with(text), "{}", result.output);
    assert_eq!(model.asked()[0].kind, "plan");
}

#[test]
fn a_plan_that_cannot_be_is_told_twice_at_most_and_nothing_of_it_is_made() {
    let step = |id: &str, agent: &str, needs: &[&str]| json!({"id": id, "description": "d", "agent": agent, "needs": needs});
    for (tasks, said) in [
        (
            json!([
                step("a", "coder", &["c"]),
                step("b", "coder", &["a"]),
                step("c", "coder", &["b"]),
                step("x", "coder", &["a"])
            ]),
            "for ever: a → c → b → a",
        ),
        (
            json!([step("x", "coder", &["a"]), step("a", "coder", &["a"])]),
            "for ever: a → a",
        ),
        (
            json!([step("a", "tester", &[])]),
            "`tasks[0].agent` is `tester`, which is none; there are `coder`, `reviewer`",
        ),
        (
            json!([step("a", "coder", &["z"])]),
            "`tasks[0].needs` names `z`",
        ),
        (
            json!([step("a", "coder", &[]), step("a", "coder", &[])]),
            "`tasks[1].id` is `a`, which another task has",
        ),
        (json!([step("a/b", "coder", &[])]), "must be letters"),
        (
            json!([{"id": "a", "description": "d", "agent": "reviewer", "check": "true"}]),
            "`reviewer` runs none",
        ),
        (json!([]), "`tasks` has 0 items"),
    ] {
        let (model, run) = (
            Scripted::new([gives(tasks.clone()), gives(good())]),
            Fake::default(),
        );
        assert!(planned(&model, &run).success, "{tasks}");
        assert_eq!(run.made.get(), 3);
        let told = model.asked()[1].last();
        assert!(told.contains(said), "{told}");
    }
    let bad = || gives(json!([step("a", "tester", &[])]));
    let other = gives(json!([step("b", "tester", &[])]));
    let (model, run) = (
        Scripted::new([bad(), other, bad(), gives(good())]),
        Fake::default(),
    );
    let result = planned(&model, &run);
    assert!(
        !result.success
            && result
                .output
                .contains("ended: no-answer, `tasks[0].agent` is `tester`"),
        "{}",
        result.output
    );
    assert_eq!((run.made.get(), model.left()), (0, 1));
}

#[test]
fn what_the_run_does_not_take_is_told_and_a_run_that_is_away_is_an_error() {
    let run = Fake::default();
    let message = "`reviewer` is none of the swarm's".to_owned();
    *run.refuses.borrow_mut() = Some(Error::Invalid(InvalidInput {
        field: "children[2].agent".to_owned(),
        message,
    }));
    let model = Scripted::new([gives(good()), gives(good())]);
    assert!(planned(&model, &run).success);
    assert!(
        model.asked()[1]
            .last()
            .contains("`children[2].agent` `reviewer` is none of the swarm's")
    );

    *run.refuses.borrow_mut() = Some(Error::Unavailable("gone".to_owned()));
    let model = Scripted::new([gives(good())]);
    let refused = execute(
        &model,
        &Folder::new(&[]),
        &run,
        &task(&json!({"agents": {"coder": {}, "reviewer": {}}})),
    );
    assert_eq!(refused, Err(AgentError::ToolUnavailable("gone".to_owned())));
}
