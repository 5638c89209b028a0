//! What to show of a set that is stuck by itself: a shortest cycle, or else as few as are stuck together.

use super::sets::connected;
use super::{Graph, set};
use std::collections::{HashMap, VecDeque};

/// Steps of the search for a shortest cycle: some milliseconds. Enough for hundreds of tasks with several waits each,
/// and for any number that stand in one ring.
const STEPS_MAX: usize = 1_000_000;

/// A shortest cycle of those who are stuck as soon as one is that they wait for. Without any, a set that is stuck
/// by itself.
pub fn of(graph: &Graph, tasks: Vec<usize>) -> Vec<usize> {
    let hard: Vec<usize> = tasks
        .iter()
        .copied()
        .filter(|task| graph.hard(*task))
        .collect();
    let parts = connected(&hard, |task| graph.waits_for(task));
    let mut steps = STEPS_MAX;
    let mut best: Option<Vec<usize>> = None;
    for part in parts {
        let found = shortest(graph, &part, best.as_ref().map(Vec::len), &mut steps);
        best = found.or(best);
    }
    match best {
        Some(cycle) => from_least(cycle),
        None => least(graph, tasks),
    }
}

/// A cycle of a connected part that is shorter than `below`.
fn shortest(
    graph: &Graph,
    part: &[usize],
    below: Option<usize>,
    steps: &mut usize,
) -> Option<Vec<usize>> {
    let local: Vec<Vec<usize>> = part
        .iter()
        .map(|task| {
            let others = graph.waits_for(*task).iter();
            others
                .filter_map(|other| part.binary_search(other).ok())
                .collect()
        })
        .collect();
    // A part that is not one ring has no cycle without a fork.
    let forks = (0..part.len()).filter(|at| local.get(*at).is_some_and(|list| list.len() > 1));
    let starts = std::iter::once(0).chain(forks);
    let mut search = Search::over(&local);
    let mut best: Option<Vec<usize>> = None;
    for start in starts {
        let limit = best.as_ref().map(Vec::len).or(below).unwrap_or(usize::MAX);
        if limit == 1 || (*steps == 0 && limit < usize::MAX) {
            break;
        }
        best = search.from(start, limit, steps).or(best);
    }
    let cycle = best?;
    Some(
        cycle
            .into_iter()
            .filter_map(|at| part.get(at).copied())
            .collect(),
    )
}

/// A search in width, whose marks are cleared by counting the searches.
struct Search<'a> {
    edges: &'a [Vec<usize>],
    /// By place: the search that came here, from where, and how far that is.
    marks: Vec<(usize, usize, usize)>,
    number: usize,
}

impl<'a> Search<'a> {
    fn over(edges: &'a [Vec<usize>]) -> Self {
        Self {
            edges,
            marks: vec![(0, 0, 0); edges.len()],
            number: 0,
        }
    }

    /// A shortest cycle through a place, if it is shorter than the limit. The first search is never cut short.
    fn from(&mut self, start: usize, limit: usize, steps: &mut usize) -> Option<Vec<usize>> {
        self.number += 1;
        set(&mut self.marks, start, (self.number, start, 0));
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let (_, _, far) = self.marks.get(at).copied()?;
            if far + 1 >= limit || (*steps == 0 && limit < usize::MAX) {
                return None;
            }
            for next in self.edges.get(at)? {
                *steps = steps.saturating_sub(1);
                if *next == start {
                    return Some(self.back(at, far + 1));
                }
                let mark = self.marks.get_mut(*next)?;
                if mark.0 != self.number {
                    *mark = (self.number, at, far + 1);
                    queue.push_back(*next);
                }
            }
        }
        None
    }

    /// The way to a place, from where the search began.
    fn back(&self, mut at: usize, length: usize) -> Vec<usize> {
        let mut way = Vec::with_capacity(length);
        for _ in 0..length {
            way.push(at);
            at = self.marks.get(at).map_or(at, |mark| mark.1);
        }
        way.reverse();
        way
    }
}

/// The smallest part of a set that is stuck by itself, as far as it can be found at once: of all that a task waits
/// for, the one that is nearest to a wait for a message is enough to hold it.
fn least(graph: &Graph, tasks: Vec<usize>) -> Vec<usize> {
    let mut waiters: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut kept: HashMap<usize, &[usize]> = HashMap::new();
    let mut queue = VecDeque::new();
    for task in &tasks {
        if graph.hard(*task) {
            for other in graph.waits_for(*task) {
                waiters.entry(*other).or_default().push(*task);
            }
        } else {
            kept.insert(*task, graph.waits_for(*task));
            queue.push_back(*task);
        }
    }
    while let Some(task) = queue.pop_front() {
        for waiter in waiters.remove(&task).into_iter().flatten() {
            let others = graph.waits_for(waiter);
            let one = others.binary_search(&task).ok();
            let one = one.and_then(|at| others.get(at..=at));
            kept.entry(waiter).or_insert_with(|| {
                queue.push_back(waiter);
                one.unwrap_or_default()
            });
        }
    }
    let parts = connected(&tasks, |task| kept.get(&task).copied().unwrap_or_default());
    // The first part waits for no other.
    parts.into_iter().next().unwrap_or(tasks)
}

fn from_least(mut cycle: Vec<usize>) -> Vec<usize> {
    let least = cycle.iter().enumerate().min_by_key(|(_, task)| **task);
    let place = least.map_or(0, |(place, _)| place);
    cycle.rotate_left(place);
    cycle
}
