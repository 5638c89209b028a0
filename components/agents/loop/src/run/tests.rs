use super::*;
use crate::scripted::{Folder, Scripted, cut_off, says, uses, uses_all};
use crate::tools::{ALL, select};
use serde_json::json;
use swarm_flow_agent::model::{BadAnswer, BadAnswerReason, RateLimit};
use swarm_flow_agent::tools::Error;

/// Has all tools, and stops when the model does.
struct Plain;

impl Role for Plain {
    fn tools(&self) -> Vec<Tool> {
        select(&ALL)
    }

    fn call(&mut self, _: &mut Work<'_>, _: &str, _: &Value) -> Option<Called> {
        None
    }

    fn stopped(&mut self, _: &mut Work<'_>, _: &str) -> Next {
        Next::End(End::Done)
    }
}

fn settings(max_turns: u32) -> Settings<'static> {
    Settings {
        kind: "edit",
        model: None,
        max_turns,
        max_output_tokens: None,
        system: "the prompt",
        task: "the task",
    }
}

fn ran(model: &Scripted, folder: &Folder) -> Ended {
    run(model, &mut Work::new(folder), &mut Plain, &settings(TURNS))
}

#[test]
fn tools_are_used_in_order_and_the_model_hears_of_each() {
    let folder = Folder::new(&[]);
    let model = Scripted::new([
        uses_all(&[
            ("write", json!({"path": "a", "content": "tiger"})),
            ("bash", json!({"command": "cat a; rm a"})),
            ("read", json!({"path": "a"})),
        ]),
        says("that is it"),
    ]);
    let ended = ran(&model, &folder);
    assert_eq!(
        (ended.end, ended.said.as_str(), ended.turns),
        (End::Done, "that is it", 2)
    );
    assert_eq!((ended.spent.calls, ended.spent.microusd), (2, Some(10)));
    let asked = model.asked();
    assert_eq!(asked[1].messages.len(), 4);
    assert_eq!(
        asked[1].last(),
        "wrote 1 lines to `a`\nexit code 0\n--- stdout ---\ntiger\n\nthere is no file `a`"
    );
    assert_eq!(
        (asked[0].kind.as_str(), asked[0].tools.as_slice()),
        ("edit", ALL.as_slice())
    );
    assert_eq!(
        *folder.reports.borrow(),
        [
            "turn 1: write a",
            "turn 1: bash cat a; rm a",
            "turn 1: read a"
        ]
    );
}

#[test]
fn a_tool_that_there_is_not_and_wrong_arguments_are_told_three_times_running() {
    let bad = || uses("rm", json!({"path": "a"}));
    let model = Scripted::new([
        bad(),
        uses("read", json!({})),
        bad(),
        uses("glob", json!({"pattern": 1})),
        says("x"),
    ]);
    let ended = ran(&model, &Folder::new(&[]));
    assert_eq!(
        ended.end,
        End::NoAnswer(
            "the arguments of `glob` are wrong: `pattern` is 1, must be string".to_owned()
        )
    );
    let asked = model.asked();
    assert!(
        asked[1]
            .last()
            .starts_with("there is no tool `rm`; there are bash, read"),
        "{}",
        asked[1].last()
    );
    assert!(asked[2].last().contains("`path` is missing"));
    // One that is right begins anew.
    let fine = uses("bash", json!({"command": "true"}));
    let model = Scripted::new([
        bad(),
        uses("x", json!({})),
        fine,
        bad(),
        uses("y", json!({})),
        says("x"),
    ]);
    assert_eq!(ran(&model, &Folder::new(&[])).end, End::Done);
}

#[test]
fn an_answer_that_is_none_is_told_to_the_model_three_times_running() {
    let bad = |reason| {
        Err(ModelError::BadAnswer(BadAnswer {
            reason,
            message: "no tool `rm`".to_owned(),
        }))
    };
    let unknown = || bad(BadAnswerReason::UnknownTool);
    let model = Scripted::new([
        unknown(),
        bad(BadAnswerReason::NotJson),
        unknown(),
        says("x"),
    ]);
    let ended = ran(&model, &Folder::new(&[]));
    assert_eq!((ended.end, ended.turns), (End::Done, 4));
    assert!(
        model.asked()[1]
            .last()
            .contains("Your answer could not be used: no tool `rm`. The tools are bash,")
    );
    let ended = ran(
        &Scripted::new([unknown(), unknown(), unknown(), unknown()]),
        &Folder::new(&[]),
    );
    assert_eq!(
        (ended.end.word(), ended.end.error().is_none(), ended.turns),
        ("bad-answer", true, 3)
    );
    // What is the provider's fault it is not told.
    let ended = ran(
        &Scripted::new([bad(BadAnswerReason::CutOff)]),
        &Folder::new(&[]),
    );
    assert_eq!(
        (ended.end.word(), ended.end.error().is_some(), ended.turns),
        ("bad-answer", true, 0)
    );
}

#[test]
fn each_error_of_the_model_is_an_end_of_its_own() {
    let text = || "why".to_owned();
    for (error, word, is_error) in [
        (ModelError::NotConfigured(text()), "not-configured", false),
        (ModelError::Unauthorized(text()), "unauthorized", false),
        (ModelError::Forbidden(text()), "forbidden", false),
        (
            ModelError::RateLimited(RateLimit {
                retry_ms: 5,
                message: text(),
            }),
            "rate-limited",
            true,
        ),
        (ModelError::BudgetExceeded(text()), "budget-exceeded", false),
        (ModelError::Refused(text()), "refused", false),
        (ModelError::TimedOut(text()), "timed-out", true),
        (ModelError::Unavailable(text()), "unavailable", true),
    ] {
        let model = Scripted::new([uses("bash", json!({"command": "true"})), Err(error)]);
        let ended = ran(&model, &Folder::new(&[]));
        assert_eq!(
            (ended.end.word(), ended.turns, ended.end.error().is_some()),
            (word, 1, is_error)
        );
        assert!(!ended.end.is_success() && !ended.end.words().is_empty());
    }
}

#[test]
fn turns_are_counted() {
    let calls = (0..5).map(|number| uses("bash", json!({"command": format!("echo {number}")})));
    let model = Scripted::new(calls);
    let ended = run(
        &model,
        &mut Work::new(&Folder::new(&[])),
        &mut Plain,
        &settings(3),
    );
    assert_eq!((ended.end, model.left()), (End::Turns(3), 2));
}

#[test]
fn the_same_call_with_the_same_result_three_times_running_is_no_progress() {
    let same = || uses("bash", json!({"command": "echo x"}));
    let model = Scripted::new([same(), same(), same(), says("x")]);
    let ended = ran(&model, &Folder::new(&[]));
    assert_eq!((ended.end.word(), model.left()), ("no-progress", 1));
    let counts = || uses("bash", json!({"command": "echo x >> n; wc -l < n"}));
    let model = Scripted::new([
        counts(),
        counts(),
        counts(),
        same(),
        same(),
        counts(),
        same(),
        says("x"),
    ]);
    assert_eq!(ran(&model, &Folder::new(&[])).end, End::Done);
}

#[test]
fn an_answer_that_was_cut_off_goes_on_three_times_running() {
    let model = Scripted::new([
        cut_off("I will"),
        cut_off("go"),
        cut_off("on"),
        says("done"),
    ]);
    let ended = ran(&model, &Folder::new(&[]));
    assert_eq!((ended.end, ended.said.as_str()), (End::Done, "done"));
    assert!(model.asked()[1].last().contains("cut off after 10 tokens"));
    let model = Scripted::new([cut_off("1"), cut_off("2"), cut_off("3"), cut_off("4")]);
    assert_eq!(ran(&model, &Folder::new(&[])).end, End::CutOff);
}

#[test]
fn a_workspace_that_is_away_ends_it() {
    let folder = Folder::new(&[]);
    *folder.broken.borrow_mut() = Some(Error::Unavailable("gone".to_owned()));
    let ended = ran(
        &Scripted::new([uses("read", json!({"path": "a"}))]),
        &folder,
    );
    assert_eq!(
        ended.end,
        End::Workspace(Error::Unavailable("gone".to_owned()))
    );
    assert!(ended.end.error().is_some());
}

/// Reads of a file of 7000 bytes, and an answer.
fn reads(count: usize) -> Vec<Result<Response, ModelError>> {
    let reads = (1..=count).map(|number| {
        uses(
            "read",
            json!({"path": "big", "offset": number, "limit": 100}),
        )
    });
    reads.collect()
}

fn big() -> Folder {
    Folder::new(&[("big", &format!("{}\n", "z".repeat(69)).repeat(200))])
}

#[test]
fn old_results_are_left_out_when_the_window_fills_and_the_task_stays() {
    let mut answers = reads(8);
    answers.push(says("done"));
    let model = Scripted::new(answers).window(24_000);
    assert_eq!(ran(&model, &big()).end, End::Done);
    let asked = model.asked();
    let last = asked[8].all();
    assert!(
        last.starts_with("the prompt\nthe task\n"),
        "{}",
        &last[..100]
    );
    assert_eq!(
        last.matches("[left out to save room:").count(),
        2,
        "{}",
        last.len()
    );
    assert!(last.contains("bytes that read big gave; use it again if you need them]"));
    assert!(asked.iter().all(|asked| asked.kind == "edit"));
}

#[test]
fn what_was_said_before_is_summed_up_when_that_is_not_enough() {
    let mut answers = reads(4);
    answers.push(says("it is all z"));
    answers.push(says("done"));
    let model = Scripted::new(answers).window(12_000);
    let ended = ran(&model, &big());
    assert_eq!(
        (ended.end, ended.turns, ended.spent.calls),
        (End::Done, 5, 6)
    );
    let asked = model.asked();
    let summary = asked.iter().find(|asked| asked.kind == "summary").unwrap();
    assert!(summary.tools.is_empty() && summary.all().contains("## The agent used read"));
    let after = asked[5].clone();
    assert_eq!(
        (after.kind.as_str(), after.messages[1].parts.len()),
        ("edit", 2)
    );
    let all = after.all();
    assert!(
        all.starts_with("the prompt\nthe task\nA summary of what you did so far:\n\nit is all z"),
        "{}",
        &all[..100]
    );
    // Results stay with their calls.
    assert_eq!(
        after.messages[2].role,
        swarm_flow_agent::model::Role::Assistant
    );
}

#[test]
fn what_is_too_long_for_the_provider_is_shortened_once_more_and_then_fails() {
    let long = || Err(ModelError::ContextTooLong("12 of 10".to_owned()));
    let mut answers = reads(3);
    answers.extend([long(), says("summed up"), says("done")]);
    let model = Scripted::new(answers);
    assert_eq!(ran(&model, &big()).end, End::Done);
    assert!(model.asked().last().unwrap().all().contains("summed up"));

    let mut answers = reads(3);
    answers.extend([long(), says("summed up"), long()]);
    assert_eq!(
        ran(&Scripted::new(answers), &big()).end.word(),
        "context-too-long"
    );
    // The task alone is too long.
    assert_eq!(
        ran(&Scripted::new([long()]), &big()).end.word(),
        "context-too-long"
    );
}
