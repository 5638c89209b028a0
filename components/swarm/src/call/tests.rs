//! Agents that wait for each other, over the real SQL.

use super::*;
use crate::bindings::delegation::{Child, Place};
use crate::bindings::human::{Answer, Question};
use crate::bindings::locks::LockMode;
use crate::bindings::swarm::{
    CoordinationStrategy, QuestionState, RetryPolicy, Run, RunConfig, RunState, TaskState, Usage,
    WaitKind,
};
use crate::bindings::types::PageRequest;
use crate::bindings::work::{Acquire, Join, Receive, Reply, Request, Send};
use crate::work::tests::{self, NOTHING, NOW};
use crate::{question, run, swarm};
use std::collections::HashMap;
use swarm_flow_state::native::Memory;

/// Tasks `t0`, `t1`, … at work, each with an agent that waits for the answer to its last call.
struct World {
    database: Memory,
    run: String,
    leases: HashMap<u32, LeaseId>,
    /// How many calls of each task were answered, and in which attempt.
    answered: HashMap<u32, u32>,
    now_ms: u64,
    /// Of each attempt so far, as its runner says.
    usage: Usage,
}

impl World {
    fn new(count: usize) -> Self {
        Self::with(CoordinationStrategy::Parallel, tests::tasks(count))
    }

    fn with(strategy: CoordinationStrategy, tasks: RunConfig) -> Self {
        let database = Memory::open().unwrap();
        let workspaces = [1, 2].map(|number| tests::workspace(&database, number, "a"));
        let config = tests::config(strategy, 50, &workspaces);
        let swarm = swarm::create(&database, config).unwrap();
        let run = run::submit(&database, &swarm.id, tasks).unwrap();
        let mut world = Self {
            database,
            run: run.id,
            leases: HashMap::new(),
            answered: HashMap::new(),
            now_ms: NOW,
            usage: NOTHING,
        };
        world.lease();
        world
    }

    /// Leases all that can go on; gives their indexes.
    fn lease(&mut self) -> Vec<u32> {
        let leases = tests::acquire(&self.database, "a", 64, self.now_ms).unwrap();
        let mut indexes: Vec<u32> = leases.iter().map(|lease| lease.id.index).collect();
        for lease in leases {
            self.leases.insert(lease.id.index, lease.id);
        }
        indexes.sort_unstable();
        indexes
    }

    fn call(&mut self, task: u32, call: &TaskCall) -> Result<TaskAnswer, Error> {
        let answered = self.answered.entry(task).or_default();
        let step = format!("{}/{task}/1/{answered}", self.run);
        let lease = &self.leases[&task];
        let (answer, _) = super::call(
            &self.database,
            "a",
            lease,
            (&step, self.usage),
            call,
            self.now_ms,
        )?;
        if !matches!(answer, Ok(TaskAnswer::Waits)) {
            *self.answered.get_mut(&task).unwrap() += 1;
        }
        answer
    }

    fn waits(&mut self, task: u32, call: &TaskCall) {
        let answer = self.call(task, call);
        assert!(matches!(answer, Ok(TaskAnswer::Waits)), "{answer:?}");
    }

    fn made(&mut self, task: u32, call: &TaskCall) {
        let answer = self.call(task, call);
        assert!(matches!(answer, Ok(TaskAnswer::Made)), "{answer:?}");
    }

    fn refused(&mut self, task: u32, call: &TaskCall) -> String {
        match self.call(task, call) {
            Err(Error::Conflict(message)) => message,
            Err(error) => format!("{error:?}"),
            Ok(answer) => panic!("{answer:?}"),
        }
    }

    fn end(&mut self, task: u32, success: bool) {
        let lease = self.leases[&task].clone();
        let outcome = tests::success(success);
        tests::report(&self.database, "a", &lease, outcome, self.now_ms).unwrap();
    }

    fn look(&self) -> Run {
        run::get(&self.database, &self.run).unwrap()
    }

    fn state(&self, task: u32) -> TaskState {
        self.look().tasks[task as usize].state
    }

    fn failure(&self, task: u32) -> String {
        let failure = self.look().tasks[task as usize].failure.clone();
        failure.map_or_else(String::new, |failure| {
            format!("{}: {}", failure.code, failure.message)
        })
    }
}

fn acquire(name: &str, mode: LockMode) -> TaskCall {
    TaskCall::Acquire(Acquire {
        name: name.to_owned(),
        mode,
        timeout_ms: None,
    })
}

fn exclusive(name: &str) -> TaskCall {
    acquire(name, LockMode::Exclusive)
}

fn release(name: &str) -> TaskCall {
    TaskCall::Release(name.to_owned())
}

fn request(to: u32) -> TaskCall {
    TaskCall::Request(Request {
        to: format!("t{to}"),
        body: "do you?".to_owned(),
        timeout_ms: None,
    })
}

fn receive(senders: &[u32], timeout_ms: Option<u64>) -> TaskCall {
    TaskCall::Receive(Receive {
        senders: senders.iter().map(|sender| format!("t{sender}")).collect(),
        timeout_ms,
    })
}

fn send(to: Option<u32>, body: &str) -> TaskCall {
    TaskCall::Send(Send {
        to: to.map(|to| format!("t{to}")),
        body: body.to_owned(),
    })
}

fn join(tasks: &[&str]) -> TaskCall {
    TaskCall::Join(Join {
        tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
        timeout_ms: None,
    })
}

fn child(id: &str, needs: &[&str]) -> Child {
    Child {
        id: id.to_owned(),
        description: String::new(),
        requirements: Vec::new(),
        context: None,
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        agent: None,
        place: Place::Same,
        priority: None,
        timeout_ms: None,
        optional: false,
    }
}

fn ask(default: Option<&str>, confidence: Option<f32>, timeout_ms: Option<u64>) -> TaskCall {
    TaskCall::Ask(Question {
        text: "shall I?".to_owned(),
        options: vec!["yes".to_owned(), "no".to_owned()],
        default: default.map(str::to_owned),
        timeout_ms,
        confidence,
    })
}

#[test]
fn a_lock_goes_from_one_to_the_next_and_who_waits_has_no_lease() {
    let mut world = World::new(3);
    world.made(0, &exclusive("db"));
    world.waits(1, &exclusive("db"));
    world.waits(2, &exclusive("db"));
    assert_eq!(world.state(1), TaskState::Waiting);
    let waits = world.look().tasks[1].waits_for.clone().unwrap();
    assert_eq!(
        (waits.kind, waits.name.as_deref()),
        (WaitKind::Lock, Some("db"))
    );
    assert_eq!(world.lease(), [] as [u32; 0]);
    // The same call again, because its answer was lost, is the same.
    world.waits(1, &exclusive("db"));
    world.made(0, &release("db"));
    assert_eq!(world.lease(), [1], "in the order of asking");
    world.made(1, &exclusive("db"));
    world.end(1, true);
    assert_eq!(world.lease(), [2], "who ends lets go");
    world.made(2, &exclusive("db"));
    world.end(2, true);
    world.made(0, &exclusive("db"));
    world.end(0, true);
    assert_eq!(world.look().state, RunState::Done);
    assert!(world.look().tasks.iter().all(|task| task.failures == 0));
}

#[test]
fn sharers_hold_a_lock_together_and_the_twin_that_wants_it_alone_waits() {
    let mut world = World::new(3);
    world.made(0, &acquire("db", LockMode::Shared));
    world.made(1, &acquire("db", LockMode::Shared));
    world.waits(2, &exclusive("db"));
    world.made(0, &release("db"));
    assert_eq!(world.lease(), [] as [u32; 0]);
    world.made(1, &release("db"));
    assert_eq!(world.lease(), [2]);
    assert_eq!(
        world.refused(0, &release("db")),
        "not-held: the task does not hold the lock `db`"
    );
}

#[test]
fn a_wait_has_an_end_when_it_was_given_one() {
    let mut world = World::new(2);
    world.made(0, &exclusive("db"));
    let impatient = TaskCall::Acquire(Acquire {
        name: "db".to_owned(),
        mode: LockMode::Exclusive,
        timeout_ms: Some(1000),
    });
    world.waits(1, &impatient);
    world.now_ms += 999;
    assert_eq!(world.lease(), [] as [u32; 0]);
    world.now_ms += 1;
    assert_eq!(world.lease(), [1]);
    assert!(world.refused(1, &impatient).starts_with("timeout: "));
    // It is out of the queue: the lock is free when the other lets go.
    world.made(0, &release("db"));
    world.made(0, &exclusive("db"));
    world.waits(1, &receive(&[], Some(10)));
    world.now_ms += 10;
    assert_eq!(world.lease(), [1]);
    assert!(matches!(
        world.call(1, &receive(&[], Some(10))),
        Ok(TaskAnswer::Message(None))
    ));
}

#[test]
fn locks_in_opposite_order_are_found_when_the_circle_closes() {
    let mut world = World::new(3);
    world.made(0, &exclusive("a"));
    world.made(1, &exclusive("b"));
    world.now_ms += 50;
    world.waits(0, &exclusive("b"));
    world.made(2, &exclusive("c"));
    world.now_ms += 50;
    world.waits(1, &exclusive("a"));
    // `t0` has worked for 50 ms, `t1` for 100.
    assert_eq!(
        world.failure(0),
        "deadlock: tasks wait for each other: \
         `t0` waits for the lock `b`, which `t1` has or asked for before; \
         `t1` waits for the lock `a`, which `t0` has or asked for before"
    );
    assert_eq!(world.state(0), TaskState::Failed);
    assert_eq!(world.lease(), [1], "its locks are free again");
    world.made(1, &exclusive("a"));
    world.end(1, true);
    world.end(2, true);
    assert_eq!(world.look().state, RunState::Failed);
}

#[test]
fn who_has_worked_least_is_tried_again_when_its_retry_says_so() {
    let mut tasks = tests::tasks(2);
    for task in &mut tasks.tasks {
        task.retry = Some(RetryPolicy {
            max_attempts: 2,
            initial_interval_ms: 10,
            max_interval_ms: 10,
        });
    }
    let mut world = World::with(CoordinationStrategy::Parallel, tasks);
    world.made(0, &exclusive("a"));
    world.made(1, &exclusive("b"));
    world.waits(1, &exclusive("a"));
    world.now_ms += 5;
    world.waits(0, &exclusive("b"));
    assert_eq!(world.state(1), TaskState::Ready);
    world.now_ms += 10;
    assert_eq!(world.lease(), [0, 1]);
    world.made(0, &exclusive("b"));
    // A new attempt: its calls are others.
    world.answered.insert(1, 100);
    world.waits(1, &exclusive("b"));
    world.end(0, true);
    assert_eq!(world.lease(), [1]);
    world.made(1, &exclusive("b"));
    world.end(1, true);
    assert_eq!(world.look().state, RunState::Done);
}

#[test]
fn a_ring_of_requests_is_a_deadlock() {
    let mut world = World::new(4);
    world.waits(0, &request(1));
    world.waits(1, &request(2));
    world.now_ms += 5;
    world.waits(2, &request(0));
    assert!(
        world.failure(1).starts_with("deadlock: "),
        "{}",
        world.failure(1)
    );
    assert!(world.failure(1).contains("`t0` waits for a reply of `t1`"));
    // Who asked it learns that there will be no reply, and so on around.
    assert_eq!(world.lease(), [0]);
    assert_eq!(
        world.refused(0, &request(1)),
        "ended: the task `t1` has ended without a reply"
    );
    world.end(0, false);
    assert_eq!(world.lease(), [2]);
    assert!(world.refused(2, &request(0)).starts_with("ended: "));
    world.end(2, true);
    world.end(3, true);
    assert_eq!(world.look().state, RunState::Failed);
}

#[test]
fn a_request_is_answered_and_the_twin_of_a_ring_with_one_who_replies_goes_on() {
    let mut world = World::new(2);
    world.waits(0, &request(1));
    let received = world.call(1, &receive(&[], None)).unwrap();
    let TaskAnswer::Message(Some(message)) = received else {
        panic!("{received:?}")
    };
    assert_eq!(
        (
            message.sender.as_str(),
            message.body.as_str(),
            message.wants_reply
        ),
        ("t0", "do you?", true)
    );
    let reply = TaskCall::Reply(Reply {
        message: message.id,
        body: "I do".to_owned(),
    });
    world.made(1, &reply);
    assert!(world.refused(1, &reply).contains("was replied to before"));
    assert_eq!(world.lease(), [0]);
    let answer = world.call(0, &request(1)).unwrap();
    assert!(matches!(answer, TaskAnswer::Reply(text) if text == "I do"));
}

#[test]
fn a_message_reaches_one_or_all_and_is_received_once() {
    let mut world = World::new(3);
    world.waits(2, &receive(&[1], None));
    world.made(0, &send(Some(2), "not yours"));
    assert_eq!(world.lease(), [] as [u32; 0], "it waits for another one");
    world.made(1, &send(None, "to all"));
    assert_eq!(world.lease(), [2]);
    let bodies = |answer| match answer {
        Ok(TaskAnswer::Message(message)) => message.map(|message| message.body),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        bodies(world.call(2, &receive(&[1], None))).as_deref(),
        Some("to all")
    );
    assert_eq!(
        bodies(world.call(2, &receive(&[], Some(0)))).as_deref(),
        Some("not yours")
    );
    assert_eq!(bodies(world.call(2, &receive(&[], Some(0)))), None);
    assert_eq!(
        bodies(world.call(0, &receive(&[], Some(0)))).as_deref(),
        Some("to all")
    );
    // The answer was lost on its way: the same call is given the same message.
    *world.answered.get_mut(&0).unwrap() -= 1;
    assert_eq!(
        bodies(world.call(0, &receive(&[], Some(0)))).as_deref(),
        Some("to all")
    );
    // Nobody sends to itself.
    assert_eq!(bodies(world.call(1, &receive(&[], Some(0)))), None);
    world.end(0, true);
    assert_eq!(
        world.refused(1, &send(Some(0), "late")),
        "ended: the task `t0` has ended"
    );
    world.waits(1, &receive(&[2], None));
    world.end(2, true);
    assert_eq!(world.lease(), [1]);
    assert!(
        world
            .refused(1, &receive(&[2], None))
            .starts_with("ended: all have ended")
    );
}

#[test]
fn all_who_wait_for_messages_of_each_other_are_found() {
    let mut world = World::new(3);
    world.waits(0, &receive(&[], None));
    world.waits(1, &receive(&[], None));
    assert_eq!(world.failure(0), "", "the third may still send one");
    world.end(2, true);
    let failures = [world.failure(0), world.failure(1)];
    assert_eq!(
        failures
            .iter()
            .filter(|failure| failure.starts_with("deadlock"))
            .count(),
        1,
        "{failures:?}"
    );
}

#[test]
fn children_are_made_once_and_joined() {
    let mut world = World::new(1);
    let made = TaskCall::Delegate(vec![child("a", &[]), child("b", &["a"])]);
    let ids = world.call(0, &made).unwrap();
    assert!(matches!(&ids, TaskAnswer::Tasks(ids) if ids == &["t0/a", "t0/b"]));
    // Also when it is asked again, by another call.
    world.call(0, &made).unwrap();
    world
        .call(0, &TaskCall::Delegate(vec![child("c", &["b"])]))
        .unwrap();
    let run = world.look();
    assert_eq!(run.tasks.len(), 4);
    assert_eq!(run.tasks[3].parent.as_deref(), Some("t0"));
    assert_eq!(run.tasks[3].needs, ["t0/b"]);
    let mut other = child("a", &[]);
    other.description = "something else".to_owned();
    let refused = world.refused(0, &TaskCall::Delegate(vec![other]));
    assert!(refused.starts_with("idempotency-conflict: "), "{refused}");
    world.waits(0, &join(&["t0/c", "t0/a"]));
    for index in 1..=3 {
        assert_eq!(world.lease(), [index]);
        world.end(index, true);
    }
    assert_eq!(world.lease(), [0]);
    let joined = world.call(0, &join(&["t0/c", "t0/a"])).unwrap();
    let TaskAnswer::Inputs(inputs) = joined else {
        panic!("{joined:?}")
    };
    let tasks: Vec<&str> = inputs.iter().map(|input| input.task.as_str()).collect();
    assert_eq!(tasks, ["t0/c", "t0/a"]);
    assert!(
        inputs
            .iter()
            .all(|input| input.success && input.output == "said")
    );
    world.end(0, true);
    assert_eq!(world.look().state, RunState::Done);
}

#[test]
fn what_children_need_is_known_and_makes_no_circle() {
    let mut world = World::new(1);
    let unknown = TaskCall::Delegate(vec![child("a", &["x"])]);
    assert!(world.refused(0, &unknown).contains("children[0].needs[0]"));
    let circle = TaskCall::Delegate(vec![child("a", &["b"]), child("b", &["a"])]);
    assert!(world.refused(0, &circle).contains("t0/a → t0/b → t0/a"));
    let mut stranger = child("a", &[]);
    stranger.agent = Some("stranger".to_owned());
    let stranger = world.refused(0, &TaskCall::Delegate(vec![stranger]));
    assert!(stranger.contains("children[0].agent"), "{stranger}");
    assert_eq!(world.look().tasks.len(), 1);
}

#[test]
fn a_child_that_fails_is_told_to_who_joins_it_and_ends_with_its_parent() {
    let mut world = World::new(1);
    let mut optional = child("a", &[]);
    optional.optional = true;
    world
        .call(0, &TaskCall::Delegate(vec![optional, child("b", &[])]))
        .unwrap();
    assert_eq!(world.lease(), [1, 2]);
    world.waits(0, &join(&["t0/a"]));
    world.end(1, false);
    assert_eq!(world.lease(), [0]);
    let joined = world.call(0, &join(&["t0/a"])).unwrap();
    assert!(matches!(&joined, TaskAnswer::Inputs(inputs) if !inputs[0].success));
    world.end(0, false);
    assert_eq!(world.state(2), TaskState::Cancelled);
    assert_eq!(world.look().state, RunState::Failed);
}

#[test]
fn a_parent_and_its_child_that_want_the_same_lock_are_a_deadlock() {
    let mut world = World::new(1);
    world.made(0, &exclusive("db"));
    world
        .call(0, &TaskCall::Delegate(vec![child("a", &[])]))
        .unwrap();
    assert_eq!(world.lease(), [1]);
    world.now_ms += 5;
    world.waits(0, &join(&["t0/a"]));
    world.waits(1, &exclusive("db"));
    assert!(
        world
            .failure(1)
            .contains("`t0/a` waits for the lock `db`, which `t0` has")
    );
    assert_eq!(world.lease(), [0]);
    let joined = world.call(0, &join(&["t0/a"])).unwrap();
    assert!(
        matches!(&joined, TaskAnswer::Inputs(inputs) if inputs[0].output.starts_with("deadlock: "))
    );
}

#[test]
fn a_deadlock_behind_other_waiters_is_found() {
    let mut world = World::new(4);
    world.made(0, &acquire("db", LockMode::Shared));
    // `t1` waits for the sharer, and keeps `t2` from sharing.
    world.waits(1, &exclusive("db"));
    world.made(2, &exclusive("log"));
    world.waits(2, &acquire("db", LockMode::Shared));
    assert_eq!(world.failure(2), "");
    world.now_ms += 5;
    world.waits(0, &exclusive("log"));
    let failures: Vec<String> = (0..3).map(|task| world.failure(task)).collect();
    let deadlocks = failures
        .iter()
        .filter(|failure| failure.starts_with("deadlock: "));
    assert_eq!(deadlocks.count(), 1, "{failures:?}");
    // All the others can go on.
    for _ in 0..3 {
        for index in world.lease() {
            let held = if index == 0 {
                exclusive("log")
            } else {
                exclusive("db")
            };
            let held = if index == 2 {
                acquire("db", LockMode::Shared)
            } else {
                held
            };
            world.made(index, &held);
            world.end(index, true);
        }
    }
    world.end(3, true);
    assert_eq!(world.look().state, RunState::Failed);
}

#[test]
fn a_person_answers_once_and_who_was_asked_goes_on() {
    let mut world = World::new(1);
    world.waits(0, &ask(None, None, None));
    let page = || PageRequest {
        limit: None,
        cursor: None,
    };
    let open = question::list(
        &world.database,
        Some(&world.run),
        Some(QuestionState::Open),
        page(),
    );
    let asked = open.unwrap().items.remove(0);
    assert_eq!(
        (asked.task.as_str(), asked.text.as_str()),
        ("t0", "shall I?")
    );
    let answer = |world: &World, text: &str| {
        question::answer(&world.database, &asked.id, text, Some("ann".to_owned()))
    };
    let maybe = answer(&world, "maybe").unwrap_err();
    assert!(format!("{maybe:?}").contains("must be one of `yes`, `no`"));
    let (answered, swarm) = answer(&world, "yes").unwrap();
    assert_eq!(answered.state, QuestionState::Answered);
    assert!(swarm.is_some());
    assert!(answer(&world, "yes").unwrap().1.is_none());
    let other = answer(&world, "no").unwrap_err();
    assert!(format!("{other:?}").contains("question-closed: the question was answered by ann"));
    assert_eq!(world.lease(), [0]);
    assert_eq!(
        world.call(0, &ask(None, None, None)).unwrap(),
        TaskAnswer::Answer(Answer {
            text: "yes".to_owned(),
            answered_by: Some("ann".to_owned()),
        })
    );
    world.waits(0, &ask(None, None, None));
    run::change(&world.database, &world.run, run::Wish::Cancel).unwrap();
    let withdrawn = question::list(
        &world.database,
        None,
        Some(QuestionState::Withdrawn),
        page(),
    )
    .unwrap();
    assert_eq!(withdrawn.items.len(), 1);
}

#[test]
fn a_question_that_nobody_answers_has_its_default_or_fails() {
    let mut world = World::new(2);
    let with = ask(Some("no"), None, Some(1000));
    let without = ask(None, None, Some(1000));
    world.waits(0, &with);
    world.waits(1, &without);
    world.now_ms += 1000;
    assert_eq!(world.lease(), [0, 1]);
    let no = TaskAnswer::Answer(Answer {
        text: "no".to_owned(),
        answered_by: None,
    });
    assert_eq!(world.call(0, &with).unwrap(), no);
    assert!(world.refused(1, &without).starts_with("timeout: "));
    // The answers were lost on their way.
    world.answered.clear();
    assert_eq!(world.call(0, &with).unwrap(), no);
    assert!(world.refused(1, &without).starts_with("timeout: "));
}

#[test]
fn who_is_sure_enough_need_not_ask() {
    let mut tasks = tests::tasks(2);
    tasks.trust = Some(0.8);
    let mut world = World::with(CoordinationStrategy::Parallel, tasks);
    let sure = world.call(0, &ask(Some("yes"), Some(0.8), None)).unwrap();
    assert!(matches!(sure, TaskAnswer::Answer(answer) if answer.text == "yes"));
    world.waits(1, &ask(Some("yes"), Some(0.79), None));
}

#[test]
fn what_needs_a_planner_needs_what_it_makes() {
    let mut world = World::with(CoordinationStrategy::Hierarchical, tests::tasks(2));
    world
        .call(
            0,
            &TaskCall::Delegate(vec![child("a", &[]), child("b", &[])]),
        )
        .unwrap();
    world.end(0, true);
    assert_eq!(world.lease(), [2, 3], "not the one that was given");
    world
        .call(2, &TaskCall::Delegate(vec![child("deep", &[])]))
        .unwrap();
    world.end(2, true);
    world.end(3, true);
    assert_eq!(world.lease(), [4]);
    world.end(4, true);
    let last = tests::acquire(&world.database, "a", 64, world.now_ms).unwrap();
    let inputs: Vec<&str> = last[0]
        .inputs
        .iter()
        .map(|input| input.task.as_str())
        .collect();
    assert_eq!(inputs, ["t0", "t0/a", "t0/b", "t0/a/deep"]);
}

#[test]
fn a_lease_that_was_lost_keeps_its_locks_and_calls_nothing() {
    let mut world = World::new(2);
    world.made(0, &exclusive("db"));
    let old = world.leases[&0].clone();
    world.now_ms += decide::LEASE_MS;
    assert_eq!(world.lease(), [0, 1]);
    world.waits(1, &exclusive("db"));
    let lost = super::call(
        &world.database,
        "a",
        &old,
        ("s", world.usage),
        &release("db"),
        world.now_ms,
    );
    assert!(matches!(lost, Err(Error::Conflict(message)) if message.starts_with("lease-lost: ")));
    // The agent that goes on is fed the call that it made; one that was not written down it makes again.
    world.answered.insert(0, 0);
    world.made(0, &exclusive("db"));
    world.made(0, &release("db"));
    assert_eq!(world.lease(), [1]);
}

#[test]
fn progress_is_shown() {
    let mut world = World::new(1);
    let progress = |done| {
        TaskCall::Progress(crate::bindings::swarm::TaskProgress {
            message: "reading".to_owned(),
            done,
            at_ms: 0,
        })
    };
    world.made(0, &progress(Some(0.5)));
    let shown = world.look().tasks[0].progress.clone().unwrap();
    assert_eq!((shown.message.as_str(), shown.done), ("reading", Some(0.5)));
    assert!(world.refused(0, &progress(Some(1.5))).contains("done"));
}
