//! The sets of tasks that are stuck by themselves.

use super::{Graph, Node, Wait, goes_on, is};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Sets that would be stuck even if all others went on. In each, everyone waits for everyone in the end. There is
/// one at least when anyone is stuck.
pub fn by_themselves(graph: &Graph) -> Vec<Vec<usize>> {
    let all = 0..graph.stuck.len();
    let mut found = Vec::new();
    let mut open: Vec<Vec<usize>> = vec![all.filter(|task| is(&graph.stuck, *task)).collect()];
    while let Some(tasks) = open.pop() {
        for set in connected(&tasks, |task| graph.waits_for(task)) {
            let held = held(graph, &set);
            if held.len() == set.len() {
                found.push(set);
            } else if !held.is_empty() {
                // Who is left may be several sets.
                open.push(held);
            }
        }
    }
    found
}

/// Parts of an ascending set in which each reaches each; ascending too. Those that reach no other part come first.
pub fn connected<'a>(tasks: &[usize], waits_for: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    let mut edges: DiGraph<usize, (), usize> = DiGraph::with_capacity(tasks.len(), tasks.len());
    for task in tasks {
        edges.add_node(*task);
    }
    for (place, task) in tasks.iter().enumerate() {
        for other in within(tasks, waits_for(*task)) {
            edges.add_edge(NodeIndex::new(place), NodeIndex::new(other), ());
        }
    }
    let mut parts = Vec::new();
    for part in kosaraju_scc(&edges) {
        let weights = part
            .into_iter()
            .filter_map(|place| edges.node_weight(place));
        let mut part: Vec<usize> = weights.copied().collect();
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

/// Who of a set stays stuck when all others go on.
fn held(graph: &Graph, tasks: &[usize]) -> Vec<usize> {
    let alone: Vec<Node> = tasks
        .iter()
        .map(|task| {
            let all = graph.waits_for(*task);
            let inside: Vec<usize> = within(tasks, all).collect();
            match is(&graph.any, *task) {
                true if inside.len() < all.len() => Node::Moves,
                true => Node::Waits(Wait::Any(inside)),
                false => Node::Waits(Wait::All(inside)),
            }
        })
        .collect();
    let goes = goes_on(&alone);
    let held = tasks.iter().zip(goes).filter(|(_, goes)| !goes);
    held.map(|(task, _)| *task).collect()
}

/// The places in an ascending set of those that are in it.
fn within<'a>(tasks: &'a [usize], others: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    others
        .iter()
        .filter_map(|other| tasks.binary_search(other).ok())
}
