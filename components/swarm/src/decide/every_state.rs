//! Every state that two tasks and two runners can reach, by every order of asking, reporting, crashing and
//! waiting: no task is done twice, none is lost, and no old lease counts.

use super::*;
use crate::event::TaskResult;
use std::collections::HashSet;

const RUNNERS: [&str; 2] = ["a", "b"];
const SIZE: u32 = 2;

/// The run, and what the world knows besides.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    run: Run,
    over: Option<&'static str>,
    /// How often each task was done, failed or skipped.
    ended: [u8; 2],
    /// Leases that a runner believes to hold, by (runner, index, fence). A crash forgets them.
    believed: Vec<(&'static str, u32, u64)>,
}

/// Time is kept relative: a lease that lives expires at 1, one that expired at 0, and now is always 0.
const NOW_MS: u64 = 0;

fn start(strategy: Strategy) -> World {
    let open = (0..2)
        .map(|index| Open {
            index,
            fence: 0,
            state: if index == 0 || strategy == Strategy::Parallel {
                State::Ready
            } else {
                State::Pending
            },
            place: Place::Here,
        })
        .collect();
    World {
        run: Run {
            strategy,
            failed: false,
            open,
        },
        over: None,
        ended: [0; 2],
        believed: Vec::new(),
    }
}

impl World {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            assert!(self.over.is_none(), "a change after the end: {change:?}");
            if let Change::TaskDone(Ended { index, .. })
            | Change::TaskFailed(Ended { index, .. })
            | Change::TaskSkipped { index } = change
            {
                self.ended[*index as usize] += 1;
            }
            match change {
                Change::RunDone => self.over = Some("done"),
                Change::RunFailed => self.over = Some("failed"),
                _ => self.run.apply(change),
            }
        }
        for task in &mut self.run.open {
            if let State::Leased { expires_at_ms, .. } = &mut task.state {
                *expires_at_ms = (*expires_at_ms).min(1);
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
                .filter(|belief| belief.1 == index)
                .map(|belief| belief.2)
                .max()
        };
        let newest = [newest(0), newest(1)];
        self.believed
            .retain(|belief| newest[belief.1 as usize].is_some_and(|fence| belief.2 + 1 >= fence));
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
        assert_eq!(ended as usize + self.run.open.len(), 2, "a task was lost");
        assert_eq!(
            self.over.is_some(),
            self.run.open.is_empty(),
            "the run ends with its last task"
        );
        assert!(self.live() <= SIZE);
        if self.run.strategy == Strategy::Sequential {
            let active = self
                .run
                .open
                .iter()
                .filter(|task| task.state != State::Pending)
                .count();
            assert!(active <= 1, "two tasks of a sequence at once");
        }
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
                room,
                now_ms: NOW_MS,
            },
        );
        for change in &changes {
            if let Change::TaskLeased { index, fence, .. } = change {
                assert!(*fence <= LEASES_MAX);
                let newer = |belief: &(&str, u32, u64)| belief.1 == *index && belief.2 >= *fence;
                assert!(!next.believed.iter().any(newer), "a fence was given twice");
                next.believed.push((runner, *index, *fence));
            }
        }
        next.apply(&changes);
        next
    }

    /// A runner reports a lease that it believes to hold, and may send the same again later.
    fn report(
        &self,
        (runner, index, fence): (&'static str, u32, u64),
        success: bool,
    ) -> Option<Self> {
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
        };
        let newest = self
            .run
            .open
            .iter()
            .any(|task| task.index == index && task.fence == fence);
        let changes = report(&self.run, None, ended.clone());
        assert_eq!(changes.is_ok(), newest, "exactly the newest lease counts");
        let mut next = self.clone();
        next.apply(&changes.ok()?);
        assert_eq!(
            report(&next.run, Some(&ended), ended.clone()),
            Ok(Vec::new()),
            "a repeated report is the same"
        );
        Some(next)
    }

    fn expire(&self) -> Self {
        let mut next = self.clone();
        for task in &mut next.run.open {
            if let State::Leased { expires_at_ms, .. } = &mut task.state {
                *expires_at_ms = 0;
            }
        }
        next
    }

    fn crash(&self, runner: &str) -> Self {
        let mut next = self.clone();
        next.believed.retain(|(holder, ..)| *holder != runner);
        next
    }

    fn successors(&self) -> Vec<Self> {
        let mut next = vec![self.expire()];
        for runner in RUNNERS {
            next.push(self.crash(runner));
            next.extend((1..=2).map(|most| self.ask(runner, most)));
        }
        for belief in &self.believed {
            next.extend(
                [true, false]
                    .into_iter()
                    .filter_map(|success| self.report(*belief, success)),
            );
        }
        next
    }

    /// From here one runner that lives brings the run to its end.
    fn can_end(mut self) -> bool {
        for _ in 0..3 {
            self = self.crash("a").crash("b").expire().ask("a", 2);
            while let Some(next) = self
                .believed
                .iter()
                .find_map(|belief| self.report(*belief, true))
            {
                self = next;
            }
        }
        self.over.is_some()
    }
}

#[test]
fn no_task_is_done_twice_and_none_is_lost() {
    for strategy in [Strategy::Sequential, Strategy::Parallel] {
        let mut seen = HashSet::from([start(strategy)]);
        let mut todo = vec![start(strategy)];
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
        assert_eq!(ends, HashSet::from(["done", "failed"]));
        assert!(
            seen.len() > 500,
            "only {} states of {strategy:?}",
            seen.len()
        );
    }
}
