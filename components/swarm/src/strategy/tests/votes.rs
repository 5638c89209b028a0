//! When voters have decided, and what.

use super::{Strategy, *};
use proptest::prelude::*;

fn quorum(quorum: Quorum) -> Options {
    Options {
        quorum: Some(quorum),
        ..Options::default()
    }
}

/// `yes`, `no 3` with a weight, `?` outstanding, `!` failed.
fn voters(text: &str) -> Vec<Seen> {
    text.split(", ")
        .map(|voter| {
            let (answer, weight) = voter.rsplit_once(' ').unwrap_or((voter, "1"));
            let seen = match answer {
                "?" => seen(None),
                "!" => seen(Some(End::Failed)),
                answer => said(answer),
            };
            Seen {
                optional: true,
                weight: weight.parse().unwrap(),
                ..seen
            }
        })
        .collect()
}

/// The answer, `none` or `open`.
fn decision(next: &Next) -> String {
    match next {
        Next::GoOn => "open".to_owned(),
        Next::Done { outcome } => outcome.as_ref().unwrap().answer.clone().unwrap(),
        Next::Failed { code, outcome, .. } => {
            assert_eq!(*code, "no_consensus");
            assert_eq!(outcome.as_ref().unwrap().answer, None);
            "none".to_owned()
        }
    }
}

#[test]
fn a_quorum_is_over_the_weight_of_all_voters() {
    use Quorum::*;
    for (rule, voters_, expected) in [
        (Simple, "yes, yes, ?", "yes"),
        (Simple, "yes, no, ?", "open"),
        (Simple, "yes, no", "none"),
        (Simple, "yes, yes, no, no", "none"),
        (Simple, "yes, !, !, ?", "none"),
        (Simple, "yes, yes, !, ?", "open"),
        (Simple, "a, b, c, ?", "none"),
        (Simple, "yes, Yes", "none"),
        (Simple, "!", "none"),
        (SuperMajority, "yes, yes, ?", "yes"),
        (SuperMajority, "yes, yes, no, ?", "open"),
        (SuperMajority, "yes, yes, no, no, ?", "none"),
        (SuperMajority, "yes, yes, yes, no, yes, !", "yes"),
        (Unanimous, "yes, yes, ?", "open"),
        (Unanimous, "yes, yes", "yes"),
        (Unanimous, "yes, no, ?", "none"),
        (Unanimous, "yes, !, ?", "none"),
        (Weighted, "yes 3, no 1, no 1", "yes"),
        (Weighted, "yes 3, ? 3", "open"),
        (Weighted, "yes 3, no 3", "none"),
        (Weighted, "yes 1, no 1, ? 1, ? 3", "open"),
        (Weighted, "? 4, yes 5", "yes"),
    ] {
        let next = next(Strategy::Consensus, &quorum(rule), &voters(voters_));
        assert_eq!(decision(&next), expected, "{rule:?} {voters_}");
    }
    let simple = next(
        Strategy::Consensus,
        &Options::default(),
        &voters("yes, yes, no"),
    );
    assert_eq!(decision(&simple), "yes");
}

#[test]
fn a_vote_is_the_output_or_its_field() {
    let alone = |end, answer: Option<&str>| {
        let voter = Seen {
            answer: answer.map(str::to_owned),
            ..seen(Some(end))
        };
        decision(&next(Strategy::Consensus, &Options::default(), &[voter]))
    };
    for (answer, expected) in [
        ("  yes\n", "yes"),
        ("Yes", "Yes"),
        (r#"{"vote": " no ", "why": "it is late"}"#, "no"),
        (r#"{"vote": 3}"#, "3"),
        (r#"{"vote": true}"#, "true"),
        (r#"{"vote": null}"#, "none"),
        (r#"{"vote": "Abstain"}"#, "none"),
        (r#"{"answer": "yes"}"#, r#"{"answer": "yes"}"#),
        ("{not json", "{not json"),
        ("", "none"),
        (" \n", "none"),
        ("abstain", "none"),
    ] {
        assert_eq!(alone(End::Done, Some(answer)), expected, "{answer}");
    }
    assert_eq!(alone(End::Done, None), "none");
    for end in [End::Failed, End::Skipped, End::Cancelled] {
        assert_eq!(alone(end, Some("yes")), "none");
    }
}

#[test]
fn an_outcome_has_every_vote() {
    let Next::Done { outcome } = next(
        Strategy::Consensus,
        &quorum(Quorum::Weighted),
        &voters("no 1, yes 2, !, yes 3, ?"),
    ) else {
        panic!("5 of 8 is more than a half");
    };
    let votes = |answer: &str, weight, tasks: &[u32]| Votes {
        answer: answer.to_owned(),
        weight,
        tasks: tasks.to_vec(),
    };
    let expected = Outcome {
        winner: None,
        answer: Some("yes".to_owned()),
        votes: vec![votes("yes", 5, &[1, 3]), votes("no", 1, &[0])],
        abstained: vec![2],
    };
    assert_eq!(outcome, Some(expected));
    let Next::Failed { message, .. } = next(
        Strategy::Consensus,
        &Options::default(),
        &voters("no, yes, !, ?"),
    ) else {
        panic!("2 of 4 is no majority");
    };
    assert_eq!(
        message,
        "no answer can have more than 1/2 of 4 votes: `no` has 1, `yes` has 1, 1 abstained, \
         1 outstanding"
    );
}

/// What the votes come to when all are in, by the words of the rule.
fn naive(rule: Quorum, votes: &[Option<u8>], weights: &[u32]) -> Option<u8> {
    let total: u32 = weights.iter().sum();
    (0..3).find(|answer| {
        let pairs = votes.iter().zip(weights);
        let weight: u32 = pairs
            .filter(|(vote, _)| **vote == Some(*answer))
            .map(|(_, weight)| weight)
            .sum();
        match rule {
            Quorum::Simple | Quorum::Weighted => f64::from(weight) > f64::from(total) / 2.0,
            Quorum::SuperMajority => weight * 3 >= total * 2,
            Quorum::Unanimous => weight == total,
        }
    })
}

/// What the votes that are in come to, whatever the outstanding ones are; None when that differs.
fn brute_force(
    rule: Quorum,
    votes: &mut Vec<Option<u8>>,
    cast: u32,
    from: usize,
    weights: &[u32],
) -> Option<Option<u8>> {
    let Some(open) = (from..votes.len()).find(|voter| cast & (1 << voter) == 0) else {
        return Some(naive(rule, votes, weights));
    };
    let before = votes[open];
    let mut all = None;
    for vote in [None, Some(0), Some(1), Some(2)] {
        votes[open] = vote;
        let decided = brute_force(rule, votes, cast, open + 1, weights);
        if decided.is_none() || all.is_some_and(|all| Some(all) != decided) {
            votes[open] = before;
            return None;
        }
        all = decided;
    }
    votes[open] = before;
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    /// A decision depends on who has voted, not on the order: all sets of voters are all prefixes of all orders.
    #[test]
    fn it_is_decided_exactly_when_outstanding_votes_can_change_nothing(
        rule in prop::sample::select(vec![
            Quorum::Simple, Quorum::SuperMajority, Quorum::Unanimous, Quorum::Weighted,
        ]),
        voters in prop::collection::vec((prop::option::of(0_u8..2), 1_u32..5), 1..=6),
    ) {
        let mut votes: Vec<Option<u8>> = voters.iter().map(|(vote, _)| *vote).collect();
        let weights: Vec<u32> = voters
            .iter()
            .map(|(_, weight)| if rule == Quorum::Weighted { *weight } else { 1 })
            .collect();
        let mut decisions = Vec::new();
        for cast in 0_u32..1 << voters.len() {
            let tasks: Vec<Seen> = votes
                .iter()
                .zip(&weights)
                .enumerate()
                .map(|(voter, (vote, weight))| Seen {
                    optional: true,
                    weight: *weight,
                    ..match vote {
                        _ if cast & (1 << voter) == 0 => seen(None),
                        None => seen(Some(End::Failed)),
                        Some(answer) => said(&answer.to_string()),
                    }
                })
                .collect();
            let made = decision(&next(Strategy::Consensus, &quorum(rule), &tasks));
            let expected = match brute_force(rule, &mut votes, cast, 0, &weights) {
                None => "open".to_owned(),
                Some(None) => "none".to_owned(),
                Some(Some(answer)) => answer.to_string(),
            };
            prop_assert_eq!(&made, &expected);
            decisions.push(made);
        }
        // Once decided, it stays: with each vote more, and when what is open is cancelled.
        for (cast, made) in decisions.iter().enumerate() {
            for voter in 0..voters.len() {
                let later = &decisions[cast | 1 << voter];
                prop_assert!(made == "open" || made == later);
            }
        }
        prop_assert_ne!(decisions.last().unwrap(), "open");
    }
}
