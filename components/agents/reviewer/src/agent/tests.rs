use super::*;
use serde_json::Value;
use swarm_flow_agent::inputs::Input;
use swarm_flow_agent::model::ToolChoice;
use swarm_flow_agent_loop::schema;
use swarm_flow_agent_loop::scripted::{Folder, Scripted, says, uses};

const DIFF: &str = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-return a - b\n+return a * b\n";

fn task(context: &Value) -> Task {
    Task {
        id: "t".to_owned(),
        description: String::new(),
        requirements: vec!["review".to_owned()],
        context: Some(context.to_string()),
    }
}

fn finds(findings: Value) -> Scripted {
    Scripted::new([uses(
        "findings",
        json!({"summary": "a product", "findings": findings}),
    )])
}

fn reviewed(model: &Scripted, folder: &Folder, context: &Value) -> (bool, Value) {
    let result = execute(model, folder, &task(context)).unwrap();
    (
        result.success,
        serde_json::from_str(&result.output).unwrap_or(Value::String(result.output)),
    )
}

#[test]
fn the_schemas_are_checked_whole() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(schema::unknown_keywords(&schema), Vec::<String>::new());
    assert_eq!(
        schema::unknown_keywords(&tool().schema),
        Vec::<String>::new()
    );
    for (context, said) in [
        (json!({"fail_on": "fatal"}), "`fail_on` is \"fatal\""),
        (
            json!({"diff": "", "command": "x"}),
            "`diff` and `command` are both given",
        ),
    ] {
        let refused =
            execute(&Scripted::default(), &Folder::new(&[]), &task(&context)).unwrap_err();
        assert!(
            format!("{refused:?}").contains(&said.replace('"', "\\\"")),
            "{refused:?}"
        );
    }
}

#[test]
fn findings_come_as_json_the_worst_first_and_those_of_other_files_are_dropped() {
    let model = finds(json!([
        {"severity": "note", "file": "/workspace/src/a.py", "line": 1, "message": "a word"},
        {"severity": "error", "file": "src/a.py", "line": 1, "message": "it multiplies", "suggestion": "a + b"},
        {"severity": "error", "file": "src/b.py", "line": 9, "message": "not of the change"}
    ]));
    let (success, found) = reviewed(
        &model,
        &Folder::new(&[]),
        &json!({"diff": DIFF, "task": "is it a sum?"}),
    );
    assert!(success);
    let expected = json!({
        "findings": [
            {"severity": "error", "file": "src/a.py", "line": 1, "message": "it multiplies", "suggestion": "a + b"},
            {"severity": "note", "file": "src/a.py", "line": 1, "message": "a word"}
        ],
        "dropped": 1, "summary": "a product"
    });
    assert_eq!(found, expected);
    let asked = &model.asked()[0];
    assert!(
        asked
            .last()
            .starts_with("is it a sum?\n\n```diff\n--- a/src/a.py"),
        "{}",
        asked.last()
    );
    assert_eq!(
        (asked.tools.as_slice(), asked.kind.as_str()),
        (["read", "grep", "glob", "findings"].as_slice(), "review")
    );
}

#[test]
fn a_finding_that_is_severe_enough_fails_the_task() {
    let warning =
        || finds(json!([{"severity": "warning", "file": "src/a.py", "line": 1, "message": "hm"}]));
    for (fail_on, success) in [("error", true), ("warning", false), ("note", false)] {
        let (done, _) = reviewed(
            &warning(),
            &Folder::new(&[]),
            &json!({"diff": DIFF, "fail_on": fail_on}),
        );
        assert_eq!(done, success, "{fail_on}");
    }
}

#[test]
fn the_change_is_what_a_command_prints_or_what_the_tasks_before_made() {
    let mut folder = Folder::new(&[("the.diff", DIFF), ("a.txt", "one\ntwo\n")]);
    let model = finds(json!([]));
    let (success, found) = reviewed(&model, &folder, &json!({"command": "cat the.diff"}));
    assert!(success && found["summary"] == "a product");
    assert!(
        model.asked()[0]
            .last()
            .starts_with("Review this change.\n\n```diff")
    );

    let (success, said) = reviewed(
        &Scripted::default(),
        &folder,
        &json!({"command": "echo bad >&2; exit 3"}),
    );
    assert!(
        !success && said.to_string().contains("ended with exit code 3"),
        "{said}"
    );
    let (success, said) = reviewed(
        &Scripted::default(),
        &folder,
        &json!({"command": ["nosuchprogram"]}),
    );
    assert!(
        !success && said.to_string().contains("could not be started"),
        "{said}"
    );
    let (success, found) = reviewed(&Scripted::default(), &folder, &json!({"command": "true"}));
    assert!(success && found["summary"] == "there is nothing to review");

    folder.inputs = vec![Input {
        task: "code".to_owned(),
        success: true,
        output: String::new(),
        artifacts: vec!["a.txt".to_owned(), "gone".to_owned()],
        workspace: None,
    }];
    let model = finds(json!([{"severity": "note", "file": "./a.txt", "line": 2, "message": "x"}]));
    let (_, found) = reviewed(&model, &folder, &json!({}));
    assert_eq!(
        (
            &found["dropped"],
            found["findings"].as_array().unwrap().len()
        ),
        (&json!(0), 1)
    );
    let told = model.asked()[0].last();
    assert!(
        told.contains("## a.txt\n     1\tone\n     2\ttwo")
            && told.contains("[there is no file `gone`]"),
        "{told}"
    );
}

#[test]
fn a_model_that_gives_no_findings_is_told_and_then_it_failed() {
    let wrong = || {
        uses(
            "findings",
            json!({"summary": "x", "findings": [{"severity": "bad", "file": "src/a.py", "line": 1, "message": "m"}]}),
        )
    };
    let model = Scripted::new([
        says("looks good"),
        wrong(),
        uses("findings", json!({"summary": "x", "findings": []})),
    ]);
    assert!(reviewed(&model, &Folder::new(&[]), &json!({"diff": DIFF})).0);
    let asked = model.asked();
    assert!(
        asked[1]
            .last()
            .contains("Give your answer by the tool `findings`.")
    );
    assert_eq!(
        (&asked[0].choice, &asked[1].choice),
        (&ToolChoice::Auto, &ToolChoice::Named("findings".to_owned()))
    );
    assert!(
        asked[2]
            .last()
            .contains("`findings[0].severity` is \"bad\""),
        "{}",
        asked[2].last()
    );

    let model = Scripted::new([says("1"), says("2"), says("3")]);
    let (success, said) = reviewed(&model, &Folder::new(&[]), &json!({"diff": DIFF}));
    assert!(
        !success
            && said
                .as_str()
                .unwrap()
                .contains("ended: no-answer, the model did not use the tool `findings`"),
        "{said}"
    );
}
