//! Every state that two tasks and two runners can reach, and three that follow each other, by every order of asking, reporting,
//! going on without asking, crashing, waiting, pausing and cancelling: no task is done twice, none is lost, and no old lease counts.

use super::tests::{READY, open, run};
use super::*;
use crate::event::TaskResult;
use std::collections::HashSet;

const RUNNERS: [&str; 2] = ["a", "b"];
const SIZE: u32 = 2;
const TASKS_MAX: usize = 3;

/// The run, and what the world knows besides.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    run: Run,
    tasks: u32,
    over: Option<&'static str>,
    /// How often each task was done, failed or skipped.
    ended: [u8; TASKS_MAX],
    /// Leases that a runner believes to hold. A crash forgets them.
    believed: Vec<Belief>,
}

/// A lease, with the fences under which its runner may go on with the tasks that follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Belief {
    runner: &'static str,
    index: u32,
    fence: u64,
    successors: Vec<u64>,
}

/// Time is kept relative: a lease that lives expires at 1, one that expired at 0, and now is always 0. So it is with
/// the time of another attempt.
const NOW_MS: u64 = 0;

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
struct Start {
    strategy: Strategy,
    tasks: u32,
    /// Each task needs the one before it.
    chain: bool,
    /// The first task is.
    optional: bool,
    attempts: u32,
}

fn start(start: Start) -> World {
    let task = |index: u32| Open {
        retry: Retry {
            max_attempts: start.attempts,
            initial_interval_ms: 10,
            max_interval_ms: 10,
        },
        optional: start.strategy == Strategy::Race || (start.optional && index == 0),
        needs: if start.chain {
            (index.saturating_sub(1)..index).collect()
        } else {
            vec![]
        },
        ..open(index, 0, READY)
    };
    let open: Vec<Open> = (0..start.tasks).map(task).collect();
    let seen = |task: &Open| Seen {
        end: None,
        optional: task.optional,
        weight: 1,
        answer: None,
    };
    World {
        run: Run {
            strategy: start.strategy,
            seen: if looks(start.strategy) {
                open.iter().map(seen).collect()
            } else {
                Vec::new()
            },
            ..run(open)
        },
        tasks: start.tasks,
        over: None,
        ended: [0; TASKS_MAX],
        believed: Vec::new(),
    }
}

impl World {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            assert!(self.over.is_none(), "a change after the end: {change:?}");
            if let Change::TaskDone(Ended { index, .. })
            | Change::TaskFailed(Ended { index, .. })
            | Change::TaskDead(Ended { index, .. })
            | Change::TaskSkipped(Index { index, .. })
            | Change::TaskCancelled(Index { index, .. }) = change
            {
                self.ended[*index as usize] += 1;
            }
            if let Change::TaskLeased(Leased { index, .. }) = change {
                let task = self.run.open.iter().find(|task| task.index == *index);
                assert!(
                    task.unwrap().needs.is_empty(),
                    "leased before what it needs"
                );
                assert!(!self.run.paused, "leased while paused");
            }
            match change {
                Change::RunDone(_) => self.over = Some("done"),
                Change::RunFailed(_) => self.over = Some("failed"),
                Change::RunCancelled => self.over = Some("cancelled"),
                _ => self.run.apply(change),
            }
        }
        for task in &mut self.run.open {
            match &mut task.state {
                State::Leased { expires_at_ms, .. } => *expires_at_ms = (*expires_at_ms).min(1),
                State::Queued { until_ms } => *until_ms = (*until_ms).min(1),
                State::Waiting { .. } => {}
            }
        }
        self.forget();
        self.check();
    }

    /// One stale lease of a task stands for all that are older: each is refused alike.
    fn forget(&mut self) {
        let newest = |index| {
            self.believed
                .iter()
                .filter(|belief| belief.index == index)
                .map(|belief| belief.fence)
                .max()
        };
        let newest = [newest(0), newest(1), newest(2)];
        self.believed.retain(|belief| {
            newest[belief.index as usize].is_some_and(|fence| belief.fence + 1 >= fence)
        });
        self.believed.sort_unstable();
    }

    fn check(&self) {
        assert!(
            self.ended.iter().all(|times| *times <= 1),
            "a task ended twice"
        );
        let ended = self
            .ended
            .iter()
            .map(|times| u32::from(*times))
            .sum::<u32>();
        let begun = self.tasks as usize;
        assert_eq!(
            ended as usize + self.run.open.len(),
            begun,
            "a task was lost"
        );
        assert_eq!(
            self.over.is_some(),
            self.run.open.is_empty(),
            "the run ends with its last task"
        );
        assert!(self.live() <= SIZE);
    }

    fn live(&self) -> u32 {
        let lives = |task: &&Open| matches!(task.state, State::Leased { expires_at_ms, .. } if expires_at_ms > NOW_MS);
        u32::try_from(self.run.open.iter().filter(lives).count()).unwrap()
    }

    fn ask(&self, runner: &'static str, most: u32) -> Self {
        let mut next = self.clone();
        let room = (SIZE - self.live()).min(most);
        let changes = lease(
            &self.run,
            Asking {
                runner,
                session: "s",
                room,
                now_ms: NOW_MS,
            },
        )
        .unwrap();
        for change in &changes {
            if let Change::TaskLeased(Leased { index, fence, .. }) = change {
                let following = self.run.open.iter().filter(|task| {
                    task.index > *index && task.needs == [task.index - 1] && task.lost() == 0
                });
                let successors = following.map(|task| task.fence + 1);
                next.believe(Belief {
                    runner,
                    index: *index,
                    fence: *fence,
                    successors: if leads(&self.run, *index) {
                        successors.collect()
                    } else {
                        Vec::new()
                    },
                });
            }
        }
        next.apply(&changes);
        next
    }

    fn believe(&mut self, belief: Belief) {
        assert!(
            belief.fence <= LEASES_MAX + 1,
            "one attempt was reported at most"
        );
        let newer = |other: &Belief| other.index == belief.index && other.fence >= belief.fence;
        assert!(!self.believed.iter().any(newer), "a fence was given twice");
        self.believed.push(belief);
    }

    /// A runner reports a lease that it believes to hold, and may send the same again later.
    fn report(&self, belief: &Belief, success: bool) -> Option<Self> {
        let Belief {
            runner,
            index,
            fence,
            ..
        } = *belief;
        let result = TaskResult {
            success,
            output: String::new(),
            artifacts: Vec::new(),
            metrics: None,
        };
        let ended = Ended {
            index,
            fence,
            runner: Some(runner.to_owned()),
            result: Some(result),
            failure: None,
            accounts: None,
        };
        let newest = self.run.open.iter().any(|task| {
            task.index == index && task.fence == fence && matches!(task.state, State::Leased { .. })
        });
        let changes = report(&self.run, None, ended.clone(), Usage::default(), NOW_MS);
        assert_eq!(changes.is_ok(), newest, "exactly the newest lease counts");
        let mut next = self.clone();
        next.apply(&changes.ok()?);
        assert_eq!(
            report(
                &next.run,
                Some(&ended),
                ended.clone(),
                Usage::default(),
                NOW_MS
            ),
            Ok(Vec::new()),
            "a repeated report is the same"
        );
        Some(next)
    }

    /// It reports that a task is done, and has gone on with the next one. Whoever had its report refused does not.
    fn go_on(&self, belief: &Belief) -> Option<Self> {
        let (fence, successors) = belief.successors.split_first()?;
        let mut next = self.report(belief, true)?;
        let going_on = GoingOn {
            index: belief.index + 1,
            fence: *fence,
            runner: belief.runner,
            session: "s",
            workspace: "ws",
            has_agent: next.live() < SIZE,
            now_ms: NOW_MS,
        };
        let ready = next.run.open.iter().any(|task| {
            task.index == going_on.index && task.is_due(NOW_MS) && task.fence + 1 == *fence
        });
        let changes = go_on(&next.run, &going_on);
        assert_eq!(
            changes.is_ok(),
            ready && !next.run.paused && going_on.has_agent,
            "exactly what is ready can be gone on with"
        );
        let changes = changes.ok()?;
        next.believe(Belief {
            runner: belief.runner,
            index: going_on.index,
            fence: *fence,
            successors: successors.to_vec(),
        });
        next.apply(&changes);
        assert_eq!(
            go_on(&next.run, &going_on),
            Ok(Vec::new()),
            "told again it is the same"
        );
        Some(next)
    }

    fn expire(&self) -> Self {
        let mut next = self.clone();
        for task in &mut next.run.open {
            match &mut task.state {
                State::Leased {
                    expires_at_ms: at, ..
                }
                | State::Queued { until_ms: at } => *at = 0,
                State::Waiting { .. } => {}
            }
        }
        next
    }

    fn wish(&self, changes: &[Change]) -> Self {
        let mut next = self.clone();
        next.apply(changes);
        next
    }

    fn crash(&self, runner: &str) -> Self {
        let mut next = self.clone();
        next.believed.retain(|belief| belief.runner != runner);
        next
    }

    fn successors(&self) -> Vec<Self> {
        let mut next = vec![
            self.expire(),
            self.wish(&cancel(&self.run)),
            self.wish(&pause(&self.run)),
            self.wish(&resume(&self.run)),
        ];
        // With a second runner three tasks have 149256 states, which takes 17 s more and finds nothing else.
        let runners = if self.tasks > 2 { 1 } else { 2 };
        for runner in RUNNERS.into_iter().take(runners) {
            next.push(self.crash(runner));
            next.extend((1..=2).map(|most| self.ask(runner, most)));
        }
        for belief in &self.believed {
            next.extend(
                [true, false]
                    .into_iter()
                    .filter_map(|success| self.report(belief, success)),
            );
            next.extend(self.go_on(belief));
        }
        next
    }

    /// From here one runner that lives brings the run to its end.
    fn can_end(mut self) -> bool {
        self = self.wish(&resume(&self.run));
        for _ in 0..=self.tasks {
            self = self.crash("a").crash("b").expire().ask("a", 2);
            while let Some(next) = self
                .believed
                .iter()
                .find_map(|belief| self.report(belief, true))
            {
                self = next;
            }
        }
        self.over.is_some()
    }
}

#[test]
fn no_task_is_done_twice_and_none_is_lost() {
    let start_of = |strategy, chain, optional, attempts| Start {
        strategy,
        tasks: 2,
        chain,
        optional,
        attempts,
    };
    for begun in [
        start_of(Strategy::Sequential, true, false, 1),
        start_of(Strategy::Sequential, true, false, 2),
        start_of(Strategy::Sequential, true, true, 1),
        Start {
            tasks: 3,
            ..start_of(Strategy::Sequential, true, false, 1)
        },
        start_of(Strategy::Parallel, false, false, 1),
        start_of(Strategy::Parallel, false, true, 2),
        start_of(Strategy::Race, false, true, 1),
        start_of(Strategy::Race, false, true, 2),
    ] {
        let mut seen = HashSet::from([start(begun)]);
        let mut todo = vec![start(begun)];
        while let Some(world) = todo.pop() {
            assert!(world.clone().can_end());
            todo.extend(
                world
                    .successors()
                    .into_iter()
                    .filter(|next| seen.insert(next.clone())),
            );
        }
        let ends: HashSet<_> = seen.iter().filter_map(|world| world.over).collect();
        assert_eq!(ends, HashSet::from(["done", "failed", "cancelled"]));
        assert!(seen.len() > 500, "only {} states of {begun:?}", seen.len());
    }
}
