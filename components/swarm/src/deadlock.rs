//! Who waits for whom, and who waits for ever. No I/O, no clock.
//!
//! A task that moves may do anything: end, let go, send a message. From there it is found who can still go on;
//! all others are stuck. All of the stuck wait for ever, but only some are to blame: a *deadlock* is stuck even if
//! every task outside of it went on.
//!
//! | wait | goes on when | is stuck when |
//! |---|---|---|
//! | `All` | each of these has ended or let go | one of these is stuck |
//! | `Any` | one of these sends a message | each of these has ended or is stuck |
//! | `Outside` | a person or the clock says so | never |
//!
//! Finding who is stuck, and in which sets, takes time in proportion to the waits. A shortest cycle takes more, so
//! the search for it has a limit of steps; past it the cycle that is shown need not be a shortest one.

mod cycle;
mod sets;

use std::collections::VecDeque;

/// A task, by its place among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// It is leased or ready.
    Moves,
    /// One that is not there has ended too.
    #[cfg(test)]
    Ended,
    Waits(Wait),
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Each of these ends or lets go: what a task needs, who holds a lock and who is before it in the queue, children.
    All(Vec<usize>),
    /// A message from one of these.
    Any(Vec<usize>),
    /// A person or the clock.
    Outside,
}

/// The deadlocks, by their first task: each a cycle in the order of its waits, from its first task. Where someone
/// waits for a message from any of several, and no cycle is stuck by itself, it is the set, ascending.
///
/// They share no task. One may hide another that shares tasks with it: after the victims have ended, ask again.
pub fn stuck(nodes: &[Node]) -> Vec<Vec<usize>> {
    let graph = Graph::of(nodes);
    let mut found: Vec<Vec<usize>> = sets::by_themselves(&graph)
        .into_iter()
        .map(|set| cycle::of(&graph, set))
        .collect();
    found.sort_unstable();
    found
}

/// All who wait for ever: those of the deadlocks, and those who wait for them.
#[cfg(test)]
pub fn waits_for_ever(nodes: &[Node]) -> Vec<usize> {
    let goes = goes_on(nodes).into_iter().enumerate();
    goes.filter(|(_, goes)| !goes)
        .map(|(task, _)| task)
        .collect()
}

/// Who of a deadlock has to end: the least work lost, and of two the younger, which has the later place. `work` is
/// by task.
pub fn victim(cycle: &[usize], work: &[u64]) -> usize {
    let lost = |task: &usize| work.get(*task).copied().unwrap_or_default();
    let least = cycle
        .iter()
        .copied()
        .min_by_key(|task| (lost(task), std::cmp::Reverse(*task)));
    least.unwrap_or_default()
}

/// The stuck tasks, and for whom of the stuck each waits.
struct Graph {
    /// By task; empty for who is not stuck.
    waits_for: Vec<Vec<usize>>,
    stuck: Vec<bool>,
    /// Waits for a message.
    any: Vec<bool>,
}

impl Graph {
    fn of(nodes: &[Node]) -> Self {
        let stuck: Vec<bool> = goes_on(nodes).into_iter().map(|goes| !goes).collect();
        let mut waits_for = vec![Vec::new(); nodes.len()];
        let mut any = vec![false; nodes.len()];
        for (((node, list), any), is_stuck) in
            nodes.iter().zip(&mut waits_for).zip(&mut any).zip(&stuck)
        {
            let (Node::Waits(Wait::All(others) | Wait::Any(others)), true) = (node, *is_stuck)
            else {
                continue;
            };
            list.extend(others.iter().filter(|other| is(&stuck, **other)));
            list.sort_unstable();
            list.dedup();
            *any = matches!(node, Node::Waits(Wait::Any(_)));
        }
        Self {
            waits_for,
            stuck,
            any,
        }
    }

    fn waits_for(&self, task: usize) -> &[usize] {
        self.waits_for.get(task).map_or(&[], Vec::as_slice)
    }

    /// It is stuck as soon as one that it waits for is.
    fn hard(&self, task: usize) -> bool {
        !is(&self.any, task) || self.waits_for(task).len() < 2
    }
}

/// For each task whether it can go on or has ended. A task that is not there has ended.
fn goes_on(nodes: &[Node]) -> Vec<bool> {
    let ended = |task: usize| match nodes.get(task) {
        None => true,
        #[cfg(test)]
        Some(Node::Ended) => true,
        Some(_) => false,
    };
    let mut goes: Vec<bool> = nodes
        .iter()
        .map(|node| !matches!(node, Node::Waits(Wait::All(_) | Wait::Any(_))))
        .collect();
    let mut free: VecDeque<usize> = VecDeque::new();
    // What each `All` still lacks, and who waits for a task.
    let mut lacks = vec![0_usize; nodes.len()];
    let mut waiting = vec![Vec::new(); nodes.len()];
    for (task, node) in nodes.iter().enumerate() {
        match node {
            Node::Moves | Node::Waits(Wait::Outside) => free.push_back(task),
            #[cfg(test)]
            Node::Ended => {}
            Node::Waits(Wait::All(others) | Wait::Any(others)) => {
                let open = others.iter().filter(|other| !ended(**other));
                let mut count = 0;
                for other in open {
                    count += 1;
                    if let Some(list) = waiting.get_mut(*other) {
                        list.push(task);
                    }
                }
                match node {
                    Node::Waits(Wait::All(_)) if count == 0 => {
                        set(&mut goes, task, true);
                        free.push_back(task);
                    }
                    // One message is enough.
                    Node::Waits(Wait::Any(_)) => set(&mut lacks, task, 1),
                    _ => set(&mut lacks, task, count),
                }
            }
        }
    }
    while let Some(task) = free.pop_front() {
        for waiter in waiting.get(task).into_iter().flatten() {
            let Some(lack) = lacks.get_mut(*waiter).filter(|lack| **lack > 0) else {
                continue;
            };
            *lack -= 1;
            if *lack == 0 {
                set(&mut goes, *waiter, true);
                free.push_back(*waiter);
            }
        }
    }
    goes
}

fn is(marks: &[bool], at: usize) -> bool {
    marks.get(at).copied().unwrap_or_default()
}

fn set<T>(marks: &mut [T], at: usize, value: T) {
    if let Some(mark) = marks.get_mut(at) {
        *mark = value;
    }
}

#[cfg(test)]
mod tests;
