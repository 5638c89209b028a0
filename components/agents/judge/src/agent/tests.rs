use super::*;
use serde_json::json;
use swarm_flow_agent::inputs::Input;
use swarm_flow_agent::model::ToolChoice;
use swarm_flow_agent_loop::schema;
use swarm_flow_agent_loop::scripted::{Folder, Scripted, says, uses};

fn task(context: &Value) -> Task {
    Task {
        id: "t".to_owned(),
        description: "tabs or spaces?".to_owned(),
        requirements: vec!["judge".to_owned()],
        context: Some(context.to_string()),
    }
}

fn folder() -> Folder {
    let mut folder = Folder::new(&[]);
    let input = |task: &str, output: &str| Input {
        task: task.to_owned(),
        success: true,
        output: output.to_owned(),
        artifacts: Vec::new(),
        workspace: None,
    };
    folder.inputs = vec![
        input("r2/tabs", "tabs are wide"),
        input("r2/spaces", "spaces are many"),
    ];
    folder
}

fn judged(model: &Scripted, context: &Value) -> (bool, Value) {
    let result = execute(model, &folder(), &task(context)).unwrap();
    (
        result.success,
        serde_json::from_str(&result.output).unwrap_or(Value::String(result.output)),
    )
}

fn gives(judgement: Value) -> Scripted {
    Scripted::new([uses("judgement", judgement)])
}

#[test]
fn what_does_not_go_together_is_refused() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(schema::unknown_keywords(&schema), Vec::<String>::new());
    for (context, said) in [
        (json!({}), "`mode` is missing"),
        (json!({"mode": "guess"}), "`mode` is"),
        (json!({"mode": "vote"}), "`vote` needs `options`"),
        (
            json!({"mode": "vote", "options": ["a", "b"], "criteria": "c"}),
            "`vote` needs `options` and no `criteria`",
        ),
        (json!({"mode": "accept"}), "`accept` needs `criteria`"),
        (
            json!({"mode": "debate", "criteria": "c"}),
            "`debate` has neither",
        ),
    ] {
        let refused = execute(&Scripted::default(), &folder(), &task(&context)).unwrap_err();
        assert!(format!("{refused:?}").contains(said), "{refused:?}");
    }
    let alone = execute(
        &Scripted::default(),
        &Folder::new(&[]),
        &task(&json!({"mode": "debate"})),
    );
    assert!(matches!(alone, Err(AgentError::InvalidTask(_))));
}

#[test]
fn a_vote_is_one_of_the_options_as_consensus_counts_it() {
    let context = json!({"mode": "vote", "options": ["tabs", "spaces"]});
    let model = gives(json!({"vote": "tabs", "reason": "wide"}));
    assert_eq!(
        judged(&model, &context),
        (true, json!({"vote": "tabs", "reason": "wide"}))
    );
    let asked = &model.asked()[0];
    assert_eq!(
        (asked.tools.as_slice(), &asked.choice),
        (
            ["judgement"].as_slice(),
            &ToolChoice::Named("judgement".to_owned())
        )
    );
    assert!(
        asked.last().contains("- tabs\n- spaces") && asked.last().contains("spaces are many"),
        "{}",
        asked.last()
    );
    // What is none of them is told.
    let model = Scripted::new([
        uses("judgement", json!({"vote": "Tabs", "reason": "r"})),
        uses("judgement", json!({"vote": "abstain", "reason": "r"})),
    ]);
    assert_eq!(judged(&model, &context).1["vote"], "abstain");
    assert!(
        model.asked()[1]
            .last()
            .contains("`vote` is \"Tabs\", must be one of \"tabs\", \"spaces\", \"abstain\"")
    );
}

#[test]
fn a_debate_has_one_of_its_sides_as_winner() {
    let model = gives(json!({"winner": "r2/spaces", "reason": "it answered"}));
    assert_eq!(
        judged(&model, &json!({"mode": "debate"})),
        (
            true,
            json!({"winner": "r2/spaces", "reason": "it answered"})
        )
    );
    assert!(
        model.asked()[0]
            .last()
            .contains("Decide which of these is right: r2/tabs, r2/spaces.")
    );
}

#[test]
fn what_is_not_accepted_fails() {
    let context = json!({"mode": "accept", "criteria": "it is short", "tools": ["read"]});
    for accepted in [true, false] {
        let model = gives(json!({"accepted": accepted, "reason": "r"}));
        assert_eq!(
            judged(&model, &context),
            (accepted, json!({"accepted": accepted, "reason": "r"}))
        );
        assert_eq!(model.asked()[0].tools, ["read", "judgement"]);
    }
    let model = Scripted::new([says("fine"), says("fine"), says("fine")]);
    let (success, said) = judged(&model, &context);
    assert!(
        !success && said.as_str().unwrap().contains("ended: no-answer"),
        "{said}"
    );
}
