//! Budgets by themselves, and over the real SQL.

use super::*;
use crate::bindings::NO_BUDGET;
use crate::bindings::agent::TaskResult;
use crate::bindings::swarm::{CoordinationStrategy, Run, RunConfig, RunState, TaskState};
use crate::bindings::work::{Lease, LeaseId, Report, Reserve, TaskAnswer, TaskCall};
use crate::work::tests::{self, NOTHING, NOW};
use crate::{call, run, swarm as swarms, work};
use proptest::prelude::*;
use swarm_flow_state::native::Memory;

/// A swarm of 8 agents on runner `a`, and a run of it.
struct World {
    database: Memory,
    run: String,
}

impl World {
    fn of(count: usize, budget: swarm::Budget) -> Self {
        Self::with(RunConfig {
            budget,
            ..tests::tasks(count)
        })
    }

    fn with(config: RunConfig) -> Self {
        let database = Memory::open().unwrap();
        let workspaces = [tests::workspace(&database, 1, "a")];
        let swarm = tests::config(CoordinationStrategy::Parallel, 8, &workspaces);
        let swarm = swarms::create(&database, swarm).unwrap();
        let run = run::submit(&database, &swarm.id, config).unwrap().id;
        Self { database, run }
    }

    fn run(&self) -> Run {
        run::get(&self.database, &self.run).unwrap()
    }

    fn lease(&self, most: u32, now_ms: u64) -> Vec<Lease> {
        tests::acquire(&self.database, "a", most, now_ms).unwrap()
    }

    fn report(&self, lease: &LeaseId, usage: swarm::Usage) -> Vec<LeaseId> {
        let result = TaskResult {
            success: true,
            output: String::new(),
            artifacts: Vec::new(),
            metrics: None,
        };
        let report = Report {
            lease: lease.clone(),
            outcome: Ok(result),
            usage,
            next: None,
        };
        let reports = vec![report];
        let (exchanged, _) = work::exchange(&self.database, ("a", "s1"), reports, 0, NOW).unwrap();
        exchanged.lost
    }

    fn reserve(
        &self,
        lease: &LeaseId,
        step: &str,
        usage: swarm::Usage,
        bound: (u64, u64),
    ) -> Result<(), String> {
        self.reserve_after(lease, step, usage, bound, false)
    }

    fn reserve_after(
        &self,
        lease: &LeaseId,
        step: &str,
        usage: swarm::Usage,
        (tokens, cost_microusd): (u64, u64),
        settled: bool,
    ) -> Result<(), String> {
        let asked = TaskCall::Reserve(Reserve {
            tokens,
            cost_microusd,
            settled,
        });
        let made = call::call(&self.database, "a", lease, (step, usage), &asked, NOW);
        match made.and_then(|(answer, _)| answer) {
            Ok(TaskAnswer::Made) => Ok(()),
            Err(Error::Conflict(message)) => Err(message),
            other => panic!("{other:?}"),
        }
    }
}

fn cpu(cpu_time_us: u64) -> swarm::Usage {
    swarm::Usage {
        cpu_time_us,
        ..NOTHING
    }
}

fn model(input_tokens: u64, output_tokens: u64, cost_microusd: u64) -> swarm::Usage {
    swarm::Usage {
        cpu_time_us: 0,
        input_tokens,
        output_tokens,
        cost_microusd,
    }
}

fn of_cpu(ms: u64) -> swarm::Budget {
    swarm::Budget {
        cpu_time_ms: Some(ms),
        ..NO_BUDGET
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Invalid(input) => format!("{} {}", input.field, input.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_budget_that_makes_no_sense_is_refused_and_named() {
    for (budget, expected) in [
        (
            of_cpu(0),
            "budget.cpu_time_ms is 0, must be 1 to 2592000000",
        ),
        (
            swarm::Budget {
                wall_time_ms: Some(0),
                ..NO_BUDGET
            },
            "budget.wall_time_ms is 0, must be 1 to 2592000000",
        ),
        (
            swarm::Budget {
                tasks: Some(0),
                ..NO_BUDGET
            },
            "budget.tasks is 0, must be 1 to 10000",
        ),
        (
            swarm::Budget {
                depth: Some(17),
                ..NO_BUDGET
            },
            "budget.depth is 17, must be 0 to 16",
        ),
    ] {
        assert_eq!(refusal(check(budget)), expected);
    }
    // To use no model at all is something that one can want.
    let none = swarm::Budget {
        tokens: Some(0),
        cost_microusd: Some(0),
        depth: Some(0),
        ..NO_BUDGET
    };
    check(none).unwrap();
}

#[test]
fn a_run_has_no_more_than_its_swarm() {
    let swarm = Budget {
        cpu_time_ms: Some(100),
        tasks: Some(5),
        ..Budget::default()
    };
    let more = Budget {
        cpu_time_ms: Some(101),
        ..Budget::default()
    };
    assert_eq!(
        refusal(within(&more, &swarm)),
        "budget.cpu_time_ms is 101, and the swarm's is 100"
    );
    let less = Budget {
        cpu_time_ms: Some(7),
        depth: Some(1),
        ..Budget::default()
    };
    let expected = Budget {
        tasks: Some(5),
        ..less
    };
    assert_eq!(within(&less, &swarm), Ok(expected));
}

#[test]
fn a_plan_with_more_tasks_than_the_budget_is_refused() {
    let database = Memory::open().unwrap();
    let workspaces = [tests::workspace(&database, 1, "a")];
    let config = tests::config(CoordinationStrategy::Parallel, 1, &workspaces);
    let swarm = swarms::create(&database, config).unwrap();
    let of = |count| RunConfig {
        budget: swarm::Budget {
            tasks: Some(2),
            ..NO_BUDGET
        },
        ..tests::tasks(count)
    };
    assert_eq!(
        refusal(run::submit(&database, &swarm.id, of(3))),
        "budget.tasks is 2, and the run has 3 tasks"
    );
    run::submit(&database, &swarm.id, of(2)).unwrap();
}

#[test]
fn who_runs_at_once_shares_what_is_left_and_gives_back_what_is_not_used() {
    let world = World::of(4, of_cpu(100));
    let leases = world.lease(2, NOW);
    let shares: Vec<_> = leases.iter().map(|lease| lease.cpu_time_us).collect();
    assert_eq!(shares, [Some(50_000), Some(50_000)]);
    let run = world.run();
    assert_eq!(
        (run.spent.cpu_time_us, run.reserved.cpu_time_us),
        (0, 100_000)
    );
    // Nothing is left now: who comes next waits for what these give back.
    assert_eq!(world.lease(2, NOW), []);
    assert!(world.report(&leases[0].id, cpu(10_000)).is_empty());
    // Told twice, it counts once.
    assert!(world.report(&leases[0].id, cpu(10_000)).is_empty());
    let run = world.run();
    assert_eq!(
        (run.spent.cpu_time_us, run.reserved.cpu_time_us),
        (10_000, 50_000)
    );
    assert_eq!(run.tasks[0].spent.cpu_time_us, 10_000);
    let next = world.lease(2, NOW);
    let shares: Vec<_> = next.iter().map(|lease| lease.cpu_time_us).collect();
    assert_eq!(shares, [Some(20_000), Some(20_000)]);
    for lease in [&leases[1], &next[0], &next[1]] {
        world.report(&lease.id, cpu(5_000));
    }
    let run = world.run();
    assert_eq!(run.state, RunState::Done);
    assert_eq!(
        (run.spent.cpu_time_us, run.reserved.cpu_time_us),
        (25_000, 0)
    );
}

#[test]
fn a_run_that_has_used_all_its_cpu_time_ends_and_says_so() {
    let world = World::of(3, of_cpu(100));
    let leases = world.lease(1, NOW);
    assert_eq!(leases[0].cpu_time_us, Some(100_000));
    world.report(&leases[0].id, cpu(100_000));
    assert_eq!(world.lease(1, NOW), []);
    let run = world.run();
    assert_eq!(run.state, RunState::Failed);
    let failure = run.failure.unwrap();
    assert_eq!(failure.code, "budget_exceeded");
    assert!(
        failure.message.contains("`budget.cpu_time_ms` of 100"),
        "{}",
        failure.message
    );
    let states: Vec<_> = run.tasks.iter().map(|task| task.state).collect();
    assert_eq!(
        states,
        [TaskState::Done, TaskState::Cancelled, TaskState::Cancelled]
    );
}

#[test]
fn a_task_that_says_what_it_needs_gets_that_or_waits_for_it() {
    let mut config = tests::tasks(2);
    config.budget = of_cpu(100);
    config.tasks[0].cpu_time_ms = Some(30);
    config.tasks[1].cpu_time_ms = Some(80);
    let world = World::with(config);
    let first = world.lease(2, NOW);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].cpu_time_us, Some(30_000));
    world.report(&first[0].id, cpu(1_000));
    let second = world.lease(2, NOW);
    assert_eq!(second[0].cpu_time_us, Some(80_000));
    world.report(&second[0].id, cpu(80_000));
    assert_eq!(world.run().state, RunState::Done);
}

#[test]
fn a_lease_that_is_lost_keeps_what_was_put_aside_for_the_next() {
    let world = World::of(1, of_cpu(100));
    world.lease(1, NOW);
    let again = world.lease(1, NOW + crate::decide::LEASE_MS);
    assert_eq!(again[0].cpu_time_us, Some(100_000));
    assert_eq!(world.run().reserved.cpu_time_us, 100_000);
    world.report(&again[0].id, cpu(40_000));
    let run = world.run();
    assert_eq!(
        (run.spent.cpu_time_us, run.reserved.cpu_time_us),
        (40_000, 0)
    );
}

#[test]
fn what_a_cancelled_attempt_used_is_not_known_and_counts_as_all_of_it() {
    let world = World::of(2, of_cpu(100));
    world.lease(1, NOW);
    run::change(&world.database, &world.run, run::Wish::Cancel).unwrap();
    let run = world.run();
    assert_eq!(
        (run.spent.cpu_time_us, run.reserved.cpu_time_us),
        (100_000, 0)
    );
}

#[test]
fn a_run_whose_time_is_over_ends_also_when_it_is_paused() {
    let budget = swarm::Budget {
        wall_time_ms: Some(500),
        ..NO_BUDGET
    };
    for paused in [false, true] {
        let world = World::of(2, budget);
        let run = world.run();
        let ends_at_ms = run.created_at_ms + 500;
        let leases = world.lease(1, run.created_at_ms);
        assert_eq!(leases[0].ends_at_ms, Some(ends_at_ms));
        if paused {
            run::change(&world.database, &world.run, run::Wish::Pause).unwrap();
        }
        assert_eq!(world.lease(9, ends_at_ms - 1).len(), usize::from(!paused));
        // Another runner, which holds none of its workspaces, can end it as well.
        let asked = tests::acquire(&world.database, "b", 1, ends_at_ms).unwrap();
        assert_eq!(asked, []);
        let run = world.run();
        assert_eq!(run.state, RunState::Failed);
        assert_eq!(run.failure.unwrap().code, "budget_exceeded");
        assert!(
            run.tasks
                .iter()
                .all(|task| task.state == TaskState::Cancelled)
        );
        assert_eq!(
            world.report(&leases[0].id, NOTHING).len(),
            1,
            "it is too late"
        );
    }
}

#[test]
fn tokens_are_put_aside_before_a_model_is_called_and_settled_by_what_it_used() {
    let budget = swarm::Budget {
        tokens: Some(1_000),
        cost_microusd: Some(90),
        ..NO_BUDGET
    };
    let world = World::of(2, budget);
    let leases = world.lease(2, NOW);
    let (first, second) = (&leases[0].id, &leases[1].id);
    world.reserve(first, "0", NOTHING, (600, 10)).unwrap();
    assert_eq!(
        world.reserve(second, "0", NOTHING, (500, 10)),
        Err("budget-exceeded: `budget.tokens` is 1000, of which 400 are left, and the call may use 500".to_owned())
    );
    world.reserve(second, "0", NOTHING, (400, 10)).unwrap();
    // What the first call used is told with the next one.
    world
        .reserve(first, "1", model(100, 50, 7), (400, 10))
        .unwrap();
    let run = world.run();
    assert_eq!(run.spent, model(100, 50, 7));
    assert_eq!((run.reserved.tokens, run.reserved.cost_microusd), (800, 20));
    assert_eq!(
        world.reserve(first, "2", model(200, 100, 14), (100, 99)),
        Err("budget-exceeded: `budget.cost_microusd` is 90, of which 66 are left, and the call may use 99".to_owned())
    );
    world.report(first, model(200, 100, 14));
    world.report(second, model(10, 10, 1));
    let run = world.run();
    assert_eq!(run.spent, model(210, 110, 15));
    assert_eq!((run.reserved.tokens, run.reserved.cost_microusd), (0, 0));
}

#[test]
fn a_call_of_a_model_that_was_cut_off_counts_as_all_that_it_may_have_used() {
    let budget = swarm::Budget {
        tokens: Some(1_000),
        ..NO_BUDGET
    };
    let world = World::of(1, budget);
    let lease = world.lease(1, NOW)[0].id.clone();
    world.reserve(&lease, "0", NOTHING, (400, 5)).unwrap();
    // The runner died, and so the same call comes again.
    world.reserve(&lease, "0", NOTHING, (400, 5)).unwrap();
    let run = world.run();
    assert_eq!((run.spent.input_tokens, run.reserved.tokens), (400, 400));
    let third = world.reserve(&lease, "0", NOTHING, (400, 5)).unwrap_err();
    assert!(third.contains("of which 200 are left"), "{third}");
    world.report(&lease, model(100, 100, 3));
    let run = world.run();
    assert_eq!(run.spent, model(500, 100, 8));

    // One that is made again because the provider refused it has used nothing.
    let world = World::of(1, budget);
    let lease = world.lease(1, NOW)[0].id.clone();
    world.reserve(&lease, "0", NOTHING, (400, 5)).unwrap();
    world
        .reserve_after(&lease, "0", NOTHING, (400, 5), true)
        .unwrap();
    let run = world.run();
    assert_eq!((run.spent.input_tokens, run.reserved.tokens), (0, 400));
}

/// What can happen to one of three tasks.
#[derive(Clone, Copy, Debug)]
enum Step {
    Cpu(u64),
    Model(u8, u64),
    Tell(u64),
    Release,
    WriteOff,
    Anew,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        (0..9u64).prop_map(Step::Cpu),
        (0..3u8, 0..9u64).prop_map(|(step, tokens)| Step::Model(step, tokens)),
        (0..9u64).prop_map(Step::Tell),
        Just(Step::Release),
        Just(Step::WriteOff),
        Just(Step::Anew),
    ];
    proptest::collection::vec((0..3usize, step), 0..40)
}

proptest! {
    /// The run's account is always the sum of those of its tasks, and what a task has spent is never taken back.
    #[test]
    fn a_runs_account_is_that_of_its_tasks(steps in steps()) {
        let mut run = Account::default();
        let mut tasks = [const { None }; 3].map(|task: Option<TaskAccount>| task.unwrap_or_default());
        for (index, step) in steps {
            let mut accounts = Accounts { run, task: tasks[index].clone() };
            match step {
                Step::Cpu(us) => accounts.reserve_cpu(us),
                Step::Model(step, tokens) => accounts.reserve_model(&step.to_string(), tokens, tokens, tokens % 2 == 0),
                Step::Tell(us) => accounts.tell(Usage { cpu_time_us: us, input_tokens: us, ..Usage::default() }),
                Step::Release => accounts.release(),
                Step::WriteOff => accounts.write_off(),
                Step::Anew => accounts.begin_anew(),
            }
            let before = tasks[index].account.spent;
            prop_assert!(accounts.task.account.spent.cpu_time_us >= before.cpu_time_us);
            prop_assert!(accounts.task.account.spent.tokens() >= before.tokens());
            run = accounts.run;
            tasks[index] = accounts.task;
            let all = tasks.iter().fold(Account::default(), |sum, task| Account {
                spent: sum.spent.plus(task.account.spent),
                reserved: sum.reserved.plus(task.account.reserved),
            });
            prop_assert_eq!(run, all);
        }
    }
}
