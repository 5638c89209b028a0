use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// `M`oves, `E`nded, `O`utside, or whom it waits for: `1,2` for all, `1|2` for any, `!` for a message of nobody.
fn nodes(text: &str) -> Vec<Node> {
    let list = |text: &str, by| {
        text.split(by)
            .map(|task: &str| task.parse().unwrap())
            .collect()
    };
    text.split_whitespace()
        .map(|node| match node {
            "M" => Node::Moves,
            "E" => Node::Ended,
            "O" => Node::Waits(Wait::Outside),
            "!" => Node::Waits(Wait::Any(Vec::new())),
            any if any.contains('|') => {
                Node::Waits(Wait::Any(list(any.trim_start_matches('|'), '|')))
            }
            all => Node::Waits(Wait::All(list(all, ','))),
        })
        .collect()
}

#[test]
fn a_deadlock_is_named_by_its_cycle() {
    let cases: [(&str, &[&[usize]]); 24] = [
        ("", &[]),
        ("M 0 0,1", &[]),
        ("1 0", &[&[0, 1]]),
        ("0", &[&[0]]),
        ("1 2 0", &[&[0, 1, 2]]),
        ("2 0 1", &[&[0, 2, 1]]),
        // Who waits for a cycle is not to blame.
        ("1 2 1 0,2", &[&[1, 2]]),
        ("1 0 3 2", &[&[0, 1], &[2, 3]]),
        // A cycle that waits for another is a deadlock all the same.
        ("1 0,2 3 2", &[&[0, 1], &[2, 3]]),
        // The shortest of several.
        ("1 2 0,3 2", &[&[2, 3]]),
        ("1,3 2 3 0", &[&[0, 3]]),
        // Someone from outside can still end it all.
        ("1 O 0,1", &[]),
        ("1,2 0 O", &[&[0, 1]]),
        ("E 0", &[]),
        // One of those who may answer goes on.
        ("1|2 0 M", &[]),
        ("1|2 0 O", &[]),
        // Nobody who may answer goes on.
        ("1|2 0 0", &[&[0, 1, 2]]),
        ("|1 |0", &[&[0, 1]]),
        ("1|2 0 E", &[&[0, 1]]),
        ("1|2 E E", &[&[0]]),
        ("!", &[&[0]]),
        ("9", &[]),
        // 0 may hear from 2, who waits only for the cycle of 3 and 4.
        ("1|2 0 3 4 3", &[&[3, 4]]),
        // 3 waits for the set, and is not needed to hold it.
        ("1|2 0 0,3 0", &[&[0, 1, 2]]),
    ];
    for (text, expected) in cases {
        assert_eq!(stuck(&nodes(text)), expected, "{text}");
    }
}

#[test]
fn the_victim_loses_least_and_is_the_younger_of_two() {
    assert_eq!(victim(&[0, 1, 2], &[5, 3, 4]), 1);
    assert_eq!(victim(&[0, 1, 2], &[3, 5, 3]), 2);
    assert_eq!(victim(&[2, 0], &[3, 0, 3]), 2);
}

#[test]
fn ten_thousand_tasks_are_no_depth_to_it() {
    let count = 10_000;
    let all = |waits: &dyn Fn(usize) -> Vec<usize>| -> Vec<Node> {
        let node = |task| Node::Waits(Wait::All(waits(task)));
        (0..count).map(node).collect()
    };
    let ring = all(&|task| vec![(task + 1) % count]);
    assert_eq!(stuck(&ring), [(0..count).collect::<Vec<_>>()]);
    let mut chain = all(&|task| vec![task + 1]);
    assert_eq!(stuck(&chain), Vec::<Vec<usize>>::new());
    chain[count - 1] = Node::Waits(Wait::All(vec![count - 2]));
    assert_eq!(stuck(&chain), [[count - 2, count - 1]]);
    let pairs = all(&|task| vec![task ^ 1]);
    assert_eq!(stuck(&pairs).len(), count / 2);
    // Rings within rings: one short cycle among long ones.
    let mut forks = all(&|task| vec![(task + 1) % count, (task + 97) % count]);
    forks[5000] = Node::Waits(Wait::All(vec![5001, 4990]));
    assert_eq!(stuck(&forks).len(), 1);
    let mut messages: Vec<Node> = (0..count)
        .map(|task| Node::Waits(Wait::Any(vec![(task + 1) % count, (task + 2) % count])))
        .collect();
    assert_eq!(stuck(&messages), [(0..count).collect::<Vec<_>>()]);
    messages[17] = Node::Moves;
    assert_eq!(stuck(&messages), Vec::<Vec<usize>>::new());
}

fn any_nodes() -> impl Strategy<Value = Vec<Node>> {
    (1_usize..7).prop_flat_map(|count| {
        let others = || prop::collection::vec(0..count, 0..4);
        let node = prop_oneof![
            1 => Just(Node::Moves),
            1 => Just(Node::Ended),
            1 => Just(Node::Waits(Wait::Outside)),
            6 => others().prop_map(|others| Node::Waits(Wait::All(others))),
            4 => others().prop_map(|others| Node::Waits(Wait::Any(others))),
        ];
        prop::collection::vec(node, count)
    })
}

/// Who has a turn in some order, by trying all orders.
fn turns(nodes: &[Node], had: u32, seen: &mut BTreeSet<u32>) -> u32 {
    if !seen.insert(had) {
        return had;
    }
    let has = |task: &usize| had & (1 << task) != 0;
    let mut all = had;
    for (task, node) in nodes.iter().enumerate() {
        let can = match node {
            Node::Ended => false,
            Node::Moves | Node::Waits(Wait::Outside) => true,
            Node::Waits(Wait::All(others)) => others
                .iter()
                .all(|other| has(other) || nodes[*other] == Node::Ended),
            Node::Waits(Wait::Any(others)) => others.iter().any(has),
        };
        if can {
            all |= turns(nodes, had | 1 << task, seen);
        }
    }
    all
}

fn without_turn(nodes: &[Node]) -> Vec<usize> {
    let turns = turns(nodes, 0, &mut BTreeSet::new());
    let open = |task: &usize| nodes[*task] != Node::Ended && turns & (1 << task) == 0;
    (0..nodes.len()).filter(open).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

    #[test]
    fn exactly_those_are_stuck_that_have_no_turn_in_any_order(nodes in any_nodes()) {
        let expected = without_turn(&nodes);
        prop_assert_eq!(waits_for_ever(&nodes), expected.clone());
        let found = stuck(&nodes);
        prop_assert_eq!(found.is_empty(), expected.is_empty());
        let mut once = BTreeSet::new();
        for set in &found {
            prop_assert!(set.iter().all(|task| once.insert(*task)), "{:?}", found);
            // Stuck by itself: even if all others go on.
            let alone: Vec<Node> = (0..nodes.len())
                .map(|task| match &nodes[task] {
                    node if set.contains(&task) || *node == Node::Ended => node.clone(),
                    _ => Node::Moves,
                })
                .collect();
            prop_assert_eq!(without_turn(&alone), set.iter().copied().collect::<BTreeSet<_>>()
                .into_iter().collect::<Vec<_>>(), "{:?}", found);
            // A cycle in the order of its waits, unless it hangs on a wait for several.
            let next = |at: usize| set[(at + 1) % set.len()];
            let waits = |at: usize| match &nodes[set[at]] {
                Node::Waits(Wait::All(others) | Wait::Any(others)) => others.contains(&next(at)),
                _ => false,
            };
            let any = set.iter().any(|task| matches!(nodes[*task], Node::Waits(Wait::Any(_))));
            prop_assert!(any || (0..set.len()).all(waits), "{:?}", found);
            prop_assert!(any || set.len() == shortest(&nodes, set), "{:?}", found);
        }
    }

    #[test]
    fn victims_bring_everyone_on(nodes in any_nodes(), work in prop::collection::vec(0_u64..3, 7)) {
        let mut nodes = nodes;
        loop {
            let found = stuck(&nodes);
            if found.is_empty() {
                break;
            }
            for cycle in &found {
                let victim = victim(cycle, &work);
                prop_assert!(cycle.contains(&victim));
                nodes[victim] = Node::Ended;
            }
            prop_assert!(stuck(&nodes).iter().all(|cycle| !found.contains(cycle)));
        }
        prop_assert_eq!(without_turn(&nodes), Vec::<usize>::new());
    }
}

/// The length of a shortest cycle among the waits for all that can be reached from a cycle and lead back to it.
fn shortest(nodes: &[Node], cycle: &[usize]) -> usize {
    let waits = |task: usize| match &nodes[task] {
        Node::Waits(Wait::All(others)) => others.clone(),
        _ => Vec::new(),
    };
    let reach = |from: usize| {
        let (mut far, mut open) = (vec![usize::MAX; nodes.len()], VecDeque::from([(from, 0)]));
        while let Some((task, steps)) = open.pop_front() {
            for next in waits(task) {
                if far[next] == usize::MAX {
                    far[next] = steps + 1;
                    open.push_back((next, steps + 1));
                }
            }
        }
        far
    };
    let from = reach(cycle[0]);
    let back = (0..nodes.len())
        .filter(|task| from[*task] < usize::MAX)
        .map(reach)
        .enumerate();
    let all: Vec<usize> = (0..nodes.len())
        .filter(|task| from[*task] < usize::MAX)
        .collect();
    back.filter(|(_, far)| far[cycle[0]] < usize::MAX)
        .map(|(at, far)| far[all[at]])
        .min()
        .unwrap()
}
