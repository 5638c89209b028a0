//! What is refused, and what a plan of a swarm looks like.

use super::*;
use crate::bindings::NO_BUDGET;
use crate::bindings::agent;
use crate::bindings::swarm::{CoordinationStrategy, RetryPolicy};
use crate::event::AgentGroup;
use swarm_flow_state::Head;

fn swarm() -> StoredSwarm {
    let group = |kind: &str, count, retry| AgentGroup {
        kind: kind.to_owned(),
        count,
        retry,
    };
    let retry = Retry {
        max_attempts: 3,
        initial_interval_ms: 1,
        max_interval_ms: 2,
    };
    StoredSwarm {
        position: 1,
        id: "sw".to_owned(),
        name: "demo".to_owned(),
        agents: vec![group("script", 1, None), group("coder", 3, Some(retry))],
        strategy: Strategy::Parallel,
        workspaces: vec!["ws_1".to_owned()],
        budget: Budget::default(),
        created_at_ms: 0,
        updated_at_ms: 0,
        head: Head::default(),
    }
}

fn planned(id: &str) -> PlannedTask {
    PlannedTask {
        task: agent::Task {
            id: id.to_owned(),
            description: "look at {{item}}".to_owned(),
            requirements: Vec::new(),
            context: None,
        },
        needs: Vec::new(),
        agent: None,
        workspace: None,
        priority: None,
        timeout_ms: None,
        cpu_time_ms: None,
        retry: None,
        optional: false,
        weight: None,
    }
}

fn config(tasks: Vec<PlannedTask>) -> RunConfig {
    RunConfig {
        tasks,
        strategy: None,
        items: Vec::new(),
        rounds: None,
        quorum: None,
        trust: None,
        budget: NO_BUDGET,
        idempotency_key: None,
    }
}

fn plan(config: RunConfig) -> Result<RunSubmitted, Error> {
    let can = |kind: &str, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned());
        (kind.to_owned(), names.collect())
    };
    let capabilities = HashMap::from([can("script", &["exec"]), can("coder", &["exec", "python"])]);
    Asked::new("sw", config)?.plan(&swarm(), &capabilities)
}

fn refusal(config: RunConfig) -> String {
    match plan(config).unwrap_err() {
        Error::Invalid(input) => format!("{} {}", input.field, input.message),
        Error::TooLarge(limit) => format!("{} {}", limit.name, limit.allowed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_can_never_work_is_refused_and_named() {
    let with = |change: &dyn Fn(&mut PlannedTask)| {
        let mut task = planned("a");
        change(&mut task);
        config(vec![task])
    };
    let retry = |max_attempts, initial_interval_ms, max_interval_ms| RetryPolicy {
        max_attempts,
        initial_interval_ms,
        max_interval_ms,
    };
    for (given, expected) in [
        (config(vec![]), "tasks has 0 items"),
        (config(vec![planned(""); 2049]), "tasks has 2049 items"),
        (
            config(vec![planned("a"), planned("a")]),
            "tasks[1].id `a` is the id of another task too",
        ),
        (
            config(vec![planned("a\nb")]),
            "tasks[0].id must be at most 128",
        ),
        (
            with(&|task| task.task.context = Some("x".repeat(TASKS_BYTES_MAX + 1))),
            "tasks_bytes 4194304",
        ),
        (
            with(&|task| task.needs = vec!["b".to_owned()]),
            "tasks[0].needs[0] `b`",
        ),
        (
            with(&|task| task.needs = vec!["a".to_owned()]),
            "tasks[0].needs[0]",
        ),
        (
            with(&|task| task.agent = Some("wizard".to_owned())),
            "tasks[0].agent `wizard` is not an agent of the swarm; it has `script`, `coder`",
        ),
        (
            with(&|task| task.workspace = Some("ws_2".to_owned())),
            "tasks[0].workspace `ws_2` is not a workspace of the swarm; it has `ws_1`",
        ),
        (
            with(&|task| task.task.requirements = vec!["python".to_owned(), "magic".to_owned()]),
            "tasks[0].requirements no agent of the swarm has all of this; nearest is `coder`, which lacks `magic` and has `exec`, `python`",
        ),
        (
            with(&|task| task.priority = Some(1001)),
            "tasks[0].priority is 1001",
        ),
        (
            with(&|task| task.timeout_ms = Some(0)),
            "tasks[0].timeout_ms is 0",
        ),
        (with(&|task| task.weight = Some(0)), "tasks[0].weight is 0"),
        (
            with(&|task| task.retry = Some(retry(0, 0, 0))),
            "tasks[0].retry.max_attempts is 0, must be 1 to 100",
        ),
        (
            with(&|task| task.retry = Some(retry(2, 10, 9))),
            "tasks[0].retry.max_interval_ms is 9, must be 10 to",
        ),
    ] {
        let refusal = refusal(given);
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let mut cycle = config(vec![planned("a"), planned("b"), planned("c")]);
    for (index, need) in [(0, "b"), (1, "c"), (2, "a")] {
        cycle.tasks[index].needs = vec![need.to_owned()];
    }
    assert!(refusal(cycle).contains("a → b → c → a"));
}

#[test]
fn tasks_go_to_who_can_do_them_in_proportion() {
    let mut tasks = vec![planned(""); 8];
    let run = plan(config(tasks.clone())).unwrap();
    let of =
        |run: &RunSubmitted, kind: &str| run.tasks.iter().filter(|task| task.agent == kind).count();
    assert_eq!((of(&run, "script"), of(&run, "coder")), (2, 6));
    assert_eq!(run.tasks[0].task.id, "task-1");
    for task in &mut tasks {
        task.task.requirements = vec!["python".to_owned()];
    }
    tasks[0].retry = Some(RetryPolicy {
        max_attempts: 9,
        initial_interval_ms: 0,
        max_interval_ms: 0,
    });
    let run = plan(config(tasks)).unwrap();
    assert_eq!(of(&run, "coder"), 8);
    let attempts: Vec<u32> = run
        .tasks
        .iter()
        .map(|task| task.retry.max_attempts)
        .collect();
    assert_eq!(attempts[..2], [9, 3]);
}

#[test]
fn a_task_is_made_for_each_item() {
    let mut count = planned("count");
    count.task.context = Some(r#"{"command":["wc","{{item}}"]}"#.to_owned());
    let run = plan(RunConfig {
        strategy: Some(CoordinationStrategy::MapReduce),
        items: vec!["a\"b".to_owned(), "c".to_owned()],
        ..config(vec![count, planned("sum")])
    })
    .unwrap();
    let shown: Vec<_> = run
        .tasks
        .iter()
        .map(|task| (task.task.id.as_str(), task.needs.as_slice()))
        .collect();
    assert_eq!(
        shown,
        [
            ("count/0", [].as_slice()),
            ("count/1", &[]),
            ("sum", &[0, 1])
        ]
    );
    assert_eq!(run.tasks[0].task.description, "look at a\"b");
    assert_eq!(
        run.tasks[0].task.context.as_deref(),
        Some(r#"{"command":["wc","a\"b"]}"#)
    );
}

#[test]
fn the_same_request_has_the_same_digest() {
    let digest = |config| Asked::new("sw", config).unwrap().digest();
    let first = digest(config(vec![planned("a")]));
    assert_eq!(first, digest(config(vec![planned("a")])));
    assert_ne!(first, digest(config(vec![planned("b")])));
    let optional = PlannedTask {
        optional: true,
        ..planned("a")
    };
    assert_ne!(first, digest(config(vec![optional])));
}
