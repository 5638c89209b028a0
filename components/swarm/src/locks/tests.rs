use super::*;
use crate::deadlock::{Node, Wait, stuck};
use Mode::{Exclusive, Shared};
use proptest::prelude::*;
use std::collections::BTreeSet;

const LOCKS: [&str; 2] = ["a", "b"];

fn nodes(table: &Table<usize>, tasks: usize) -> Vec<Node> {
    let node = |task: usize| match table.edges(&task) {
        edges if edges.is_empty() => Node::Moves,
        edges => Node::Waits(Wait::All(edges)),
    };
    (0..tasks).map(node).collect()
}

#[test]
fn sharers_share_and_the_next_one_waits_its_turn() {
    let mut table = Table::default();
    assert_eq!(table.take("a", &0, Shared), Taken::Held);
    assert_eq!(table.take("a", &1, Shared), Taken::Held);
    assert_eq!(table.take("a", &2, Exclusive), Taken::Waits);
    // It could share with 0 and 1, but 2 would be passed over.
    assert_eq!(table.take("a", &3, Shared), Taken::Waits);
    assert_eq!(table.take("a", &4, Shared), Taken::Waits);
    assert_eq!(table.edges(&2), [0, 1]);
    assert_eq!(table.edges(&3), [2]);
    assert_eq!(table.release("a", &0), Ok(vec![]));
    assert_eq!(table.release("a", &1), Ok(vec![2]));
    assert_eq!(table.edges(&3), [2]);
    assert_eq!(table.release("a", &2), Ok(vec![3, 4]));
    assert_eq!(table.release("a", &2), Err(NotHeld));
    assert_eq!(table.release("b", &2), Err(NotHeld));
    assert_eq!(table.release_all(&3), []);
    assert_eq!(table.release_all(&4), []);
    assert_eq!(table, Table::default());
}

#[test]
fn a_lock_is_let_go_as_often_as_it_was_taken() {
    let mut table = Table::default();
    for mode in [Shared, Exclusive, Shared] {
        assert_eq!(table.take("a", &0, mode), Taken::Held);
    }
    assert_eq!(table.take("a", &1, Shared), Taken::Waits);
    assert_eq!(table.release("a", &0), Ok(vec![]));
    assert_eq!(table.release("a", &0), Ok(vec![]));
    assert_eq!(table.release("a", &0), Ok(vec![1]));
}

#[test]
fn who_is_rejected_leaves_no_trace() {
    let mut table = Table::default();
    table.take("a", &0, Shared);
    let before = table.clone();
    assert_eq!(table.take("a", &1, Exclusive), Taken::Waits);
    assert_eq!(table.withdraw("a", &1), Vec::<usize>::new());
    assert_eq!(table, before);
    // What waited behind it for nothing else goes on.
    table.take("a", &1, Exclusive);
    table.take("a", &2, Shared);
    assert_eq!(table.withdraw("a", &1), [2]);
    assert_eq!(table.release_all(&0), []);
    assert_eq!(table.release("a", &2), Ok(vec![]));
    assert_eq!(table.locks().count(), 0);
}

#[test]
fn the_only_sharer_may_have_it_alone_and_two_that_want_it_are_a_deadlock() {
    let mut table = Table::default();
    table.take("a", &0, Shared);
    table.take("a", &1, Exclusive);
    // 1 waits for what 0 shares anyway.
    assert_eq!(table.take("a", &0, Exclusive), Taken::Held);
    table.release_all(&0);
    table.release_all(&1);

    table.take("a", &0, Shared);
    table.take("a", &1, Shared);
    table.take("a", &2, Exclusive);
    assert_eq!(table.take("a", &0, Exclusive), Taken::Waits);
    assert_eq!(stuck(&nodes(&table, 3)), Vec::<Vec<usize>>::new());
    assert_eq!(table.take("a", &1, Exclusive), Taken::Waits);
    assert_eq!(stuck(&nodes(&table, 3)), [[0, 1]]);
    assert_eq!(table.release_all(&1), [("a".to_owned(), 0)]);
    assert_eq!(stuck(&nodes(&table, 3)), Vec::<Vec<usize>>::new());
    assert_eq!(table.release_all(&0), [("a".to_owned(), 2)]);
}

#[test]
fn locks_in_opposite_order_are_a_deadlock_also_behind_other_waiters() {
    let mut table = Table::default();
    table.take("a", &0, Exclusive);
    table.take("b", &1, Exclusive);
    table.take("b", &2, Exclusive);
    table.take("b", &0, Shared);
    assert_eq!(stuck(&nodes(&table, 3)), Vec::<Vec<usize>>::new());
    table.take("a", &1, Exclusive);
    assert_eq!(stuck(&nodes(&table, 3)), [[0, 1]]);
    // Nobody holds what 1 wants but who waits for 1 in a queue.
    let mut table = Table::default();
    table.take("a", &0, Shared);
    table.take("b", &1, Exclusive);
    table.take("a", &2, Exclusive);
    table.take("a", &1, Shared);
    table.take("b", &0, Exclusive);
    assert_eq!(stuck(&nodes(&table, 3)), [[0, 1, 2]]);
}

#[test]
fn a_table_is_kept_as_json() {
    let mut table = Table::default();
    table.take("a", &(7_u64, 0_u32), Shared);
    table.take("a", &(7, 1), Exclusive);
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(
        serde_json::from_str::<Table<(u64, u32)>>(&text).unwrap(),
        table
    );
}

/// Requests in the order in which they came; one is granted when no earlier open one and no holder is in its way.
#[derive(Clone, Default)]
struct Naive {
    requests: Vec<Request>,
}

#[derive(Clone)]
struct Request {
    lock: usize,
    task: usize,
    mode: Mode,
    held: bool,
}

impl Naive {
    fn held(&self, lock: usize, task: usize) -> Option<Mode> {
        let own = self
            .requests
            .iter()
            .filter(|one| one.held && one.lock == lock);
        own.filter(|one| one.task == task).map(|one| one.mode).max()
    }

    fn conflict(one: &Request, other: &Request) -> bool {
        let different = one.lock == other.lock && one.task != other.task;
        different && (one.mode == Exclusive || other.mode == Exclusive)
    }

    /// Whether `other` is before `one` in the queue: those that hold it already are before the rest.
    fn before(&self, other: usize, one: usize) -> bool {
        let rank = |at: usize| {
            let request = &self.requests[at];
            (self.held(request.lock, request.task).is_none(), at)
        };
        !self.requests[other].held && rank(other) < rank(one)
    }

    fn settle(&mut self) {
        while let Some(next) = (0..self.requests.len()).find(|one| {
            let request = &self.requests[*one];
            let all = self.requests.iter().enumerate();
            !request.held
                && all
                    .clone()
                    .all(|(_, other)| !(other.held && Self::conflict(request, other)))
                && (self.held(request.lock, request.task) >= Some(request.mode)
                    || self.alone(request)
                    || all.clone().all(|(at, other)| {
                        !(self.before(at, *one) && Self::conflict(request, other))
                    }))
                || !request.held && self.held(request.lock, request.task) >= Some(request.mode)
        }) {
            self.requests[next].held = true;
        }
    }

    fn alone(&self, request: &Request) -> bool {
        let of = |one: &&Request| one.held && one.lock == request.lock;
        let mut all = self.requests.iter().filter(of);
        self.held(request.lock, request.task).is_some() && all.all(|one| one.task == request.task)
    }

    fn waits(&self, task: usize) -> bool {
        self.requests
            .iter()
            .any(|one| one.task == task && !one.held)
    }

    /// Lets go of the request that was granted last.
    fn release(&mut self, lock: usize, task: usize) -> bool {
        let strongest = self.held(lock, task);
        let own = |one: &Request| one.held && one.lock == lock && one.task == task;
        let Some(last) = self.requests.iter().rposition(own) else {
            return false;
        };
        self.requests.remove(last);
        // What was exclusive stays so.
        if let (Some(mode), Some(first)) = (strongest, self.requests.iter().position(own)) {
            self.requests[first].mode = mode;
        }
        self.settle();
        true
    }

    fn remove(&mut self, which: impl Fn(&Request) -> bool) {
        self.requests.retain(|one| !which(one));
        self.settle();
    }

    fn holders(&self, lock: usize) -> BTreeSet<(usize, Mode)> {
        (0..8)
            .filter_map(|task| Some((task, self.held(lock, task)?)))
            .collect()
    }

    /// Who can still have a turn, when those that can run may let go in any order. Tried in every order.
    fn may_run(&self, tasks: usize, ran: &mut BTreeSet<usize>, ended: u32, seen: &mut Vec<u32>) {
        if seen.contains(&ended) {
            return;
        }
        seen.push(ended);
        for task in (0..tasks).filter(|task| ended & (1 << task) == 0 && !self.waits(*task)) {
            ran.insert(task);
            let mut next = self.clone();
            next.remove(|one| one.task == task);
            next.may_run(tasks, ran, ended | 1 << task, seen);
        }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Take(usize, usize, Mode),
    Release(usize, usize),
    Withdraw(usize),
    End(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let mode = prop::sample::select(vec![Shared, Exclusive]);
    prop_oneof![
        6 => (0_usize..2, 0_usize..5, mode).prop_map(|(lock, task, mode)| Act::Take(lock, task, mode)),
        2 => (0_usize..2, 0_usize..5).prop_map(|(lock, task)| Act::Release(lock, task)),
        1 => (0_usize..5).prop_map(Act::Withdraw),
        1 => (0_usize..5).prop_map(Act::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_table_is_what_a_naive_model_says(acts in prop::collection::vec(act(), 1..40)) {
        let (mut table, mut naive) = (Table::default(), Naive::default());
        for act in acts {
            match act {
                // Who waits does nothing else.
                Act::Take(_, task, _) | Act::Release(_, task) if naive.waits(task) => continue,
                Act::Take(lock, task, mode) => {
                    naive.requests.push(Request { lock, task, mode, held: false });
                    naive.settle();
                    let waits = table.take(LOCKS[lock], &task, mode) == Taken::Waits;
                    prop_assert_eq!(waits, naive.waits(task));
                }
                Act::Release(lock, task) => {
                    let released = naive.release(lock, task);
                    prop_assert_eq!(table.release(LOCKS[lock], &task).is_ok(), released);
                }
                Act::Withdraw(task) => {
                    naive.remove(|one| one.task == task && !one.held);
                    LOCKS.iter().for_each(|lock| { table.withdraw(lock, &task); });
                }
                Act::End(task) => {
                    naive.remove(|one| one.task == task);
                    table.release_all(&task);
                }
            }
            for (number, name) in LOCKS.iter().enumerate() {
                let lock = table.locks().find(|(other, _)| other == name).map(|(_, lock)| lock);
                let holders: BTreeSet<(usize, Mode)> = lock
                    .iter()
                    .flat_map(|lock| &lock.holders)
                    .map(|holder| (holder.task, holder.mode))
                    .collect();
                let exclusive = holders.iter().any(|(_, mode)| *mode == Exclusive);
                prop_assert!(!exclusive || holders.len() == 1, "{:?}", table);
                prop_assert_eq!(holders, naive.holders(number), "{:?}", table);
            }
            // Who is found to be stuck is who has no turn in any order.
            let mut ran = BTreeSet::new();
            naive.may_run(5, &mut ran, 0, &mut Vec::new());
            let nodes = nodes(&table, 5);
            let found: BTreeSet<usize> = stuck(&nodes).into_iter().flatten().collect();
            prop_assert!(found.is_disjoint(&ran), "{found:?} {ran:?} {table:?}");
            prop_assert_eq!(found.is_empty(), ran.len() == 5, "{:?}", table);
            prop_assert_eq!(crate::deadlock::waits_for_ever(&nodes),
                (0..5).filter(|task| !ran.contains(task)).collect::<Vec<_>>());
        }
    }
}
