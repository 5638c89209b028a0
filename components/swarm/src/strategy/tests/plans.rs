//! What each strategy makes of tasks.

use super::{Strategy, *};
use proptest::prelude::*;
use proptest::strategy::Strategy as _;
use std::collections::HashSet;

#[test]
fn each_strategy_has_its_shape() {
    use Strategy::*;
    let none = Options::default();
    let rounds = |rounds| Options {
        rounds: Some(rounds),
        ..Options::default()
    };
    for (strategy, given, options, size, expected) in [
        (Sequential, "a b c", &none, 1, "a b<a c<b"),
        (Sequential, "a b:a c:a", &none, 1, "a b<a c<a,b"),
        (Parallel, "a b c:a,b", &none, 1, "a b c<a,b"),
        (Parallel, "a:c b c", &none, 1, "a<c b c"),
        (Pipeline, "a b", &none, 1, "a b<a"),
        (
            Pipeline,
            "a b c",
            &items(2),
            1,
            "a/0 b/0<a/0 c/0<b/0 a/1 b/1<a/1 c/1<b/1",
        ),
        (MapReduce, "m n r", &none, 1, "m n r<m,n"),
        (MapReduce, "m r", &items(3), 1, "m/0 m/1 m/2 r<m/0,m/1,m/2"),
        (
            MapReduce,
            "m n:m r:n",
            &items(2),
            1,
            "m/0 n/0<m/0 m/1 n/1<m/1 r<m/0,n/0,m/1,n/1",
        ),
        (Hierarchical, "p", &none, 1, "p"),
        (Hierarchical, "p a b:a", &none, 1, "p a<p b<p,a"),
        (Consensus, "q", &none, 3, "q/1 q/2 q/3"),
        (Consensus, "q r", &none, 3, "q r"),
        (Race, "a b", &none, 1, "a b"),
        (
            Debate,
            "pro con j",
            &none,
            1,
            "r1/pro r1/con r2/pro<r1/pro,r1/con r2/con<r1/pro,r1/con j<r2/pro,r2/con",
        ),
        (
            Debate,
            "pro con j",
            &rounds(1),
            1,
            "r1/pro r1/con j<r1/pro,r1/con",
        ),
    ] {
        let made = plan(strategy, given, options, size).unwrap();
        assert_eq!(made, expected, "{strategy:?} {given}");
    }
}

#[test]
fn steps_say_what_they_are_made_of() {
    let steps = planner(Strategy::MapReduce)
        .plan(&tasks("m r"), &items(2), 1)
        .unwrap();
    let made: Vec<_> = steps.iter().map(|step| (step.given, step.item)).collect();
    assert_eq!(made, [(0, Some(0)), (0, Some(1)), (1, None)]);
    let steps = planner(Strategy::Debate)
        .plan(&tasks("a b j"), &Options::default(), 1)
        .unwrap();
    let made: Vec<_> = steps.iter().map(|step| (step.given, step.round)).collect();
    assert_eq!(
        made,
        [
            (0, Some(1)),
            (1, Some(1)),
            (0, Some(2)),
            (1, Some(2)),
            (2, None)
        ]
    );
    for (strategy, optional) in [
        (Strategy::Race, true),
        (Strategy::Consensus, true),
        (Strategy::Parallel, false),
    ] {
        let steps = planner(strategy)
            .plan(&tasks("a b"), &Options::default(), 1)
            .unwrap();
        assert!(steps.iter().all(|step| step.optional == optional));
    }
}

#[test]
fn strategies_and_options_are_written_in_snake_case() {
    for strategy in ALL {
        assert_eq!(serde_json::json!(strategy), strategy.name());
    }
    let options: Options = serde_json::from_str(r#"{"quorum": "super_majority"}"#).unwrap();
    assert_eq!(options.quorum, Some(Quorum::SuperMajority));
    assert_eq!(serde_json::to_string(&Options::default()).unwrap(), "{}");
}

#[test]
fn a_run_goes_on_until_every_task_has_ended() {
    let run = |ends: &[Option<End>]| {
        let tasks: Vec<Seen> = ends.iter().map(|end| seen(*end)).collect();
        next(Strategy::Parallel, &Options::default(), &tasks)
    };
    let failed = |next: Next| match next {
        Next::Failed { code, message, .. } => format!("{code}: {message}"),
        other => panic!("{other:?}"),
    };
    use End::*;
    assert_eq!(run(&[Some(Done), None]), Next::GoOn);
    assert_eq!(run(&[Some(Failed), None]), Next::GoOn);
    assert_eq!(run(&[Some(Done), Some(Done)]), Next::Done { outcome: None });
    assert_eq!(
        failed(run(&[
            Some(Done),
            Some(Skipped),
            Some(Failed),
            Some(Failed)
        ])),
        "task_failed: task 2 failed, and 1 more"
    );
    assert_eq!(
        failed(run(&[Some(Cancelled)])),
        "task_cancelled: task 0 was cancelled"
    );
    let optional = Seen {
        optional: true,
        ..seen(Some(Failed))
    };
    assert_eq!(
        next(
            Strategy::Sequential,
            &Options::default(),
            &[optional, seen(Some(Done))]
        ),
        Next::Done { outcome: None }
    );
}

#[test]
fn a_debate_comes_to_what_the_judge_says() {
    let none = Options::default();
    let Next::Done { outcome } = next(
        Strategy::Debate,
        &none,
        &[said("yes"), said("no"), said("no, for now")],
    ) else {
        panic!("it has ended");
    };
    assert_eq!(outcome.unwrap().answer.as_deref(), Some("no, for now"));
    let lost = [said("yes"), said("no"), seen(Some(End::Failed))];
    assert!(matches!(
        next(Strategy::Debate, &none, &lost),
        Next::Failed { .. }
    ));
}

fn any_tasks() -> impl proptest::strategy::Strategy<Value = Vec<Given>> {
    let task = |index: usize, count: usize| {
        (prop::collection::vec(0..count, 0..3), any::<bool>()).prop_map(move |(needs, optional)| {
            Given {
                id: format!("t{index}"),
                needs: needs.iter().map(|need| format!("t{need}")).collect(),
                optional,
                weight: None,
            }
        })
    };
    (1_usize..8).prop_flat_map(move |count| {
        (0..count)
            .map(|index| task(index, count))
            .collect::<Vec<_>>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    /// Kahn's algorithm empties every plan, and no plan is refused without cause.
    #[test]
    fn plans_are_acyclic_and_ids_are_unique(
        which in 0_usize..8, given in any_tasks(), items in 0_usize..4, size in 1_u32..5,
    ) {
        let options = match ALL[which] {
            Strategy::Pipeline | Strategy::MapReduce => super::items(items),
            _ => Options::default(),
        };
        match planner(ALL[which]).plan(&given, &options, size) {
            Ok(steps) => {
                let ids: HashSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
                prop_assert_eq!(ids.len(), steps.len());
                prop_assert!(ends(&steps));
                for step in &steps {
                    prop_assert!(step.needs.is_sorted_by(|one, two| one < two));
                    prop_assert!(step.given < given.len());
                }
            }
            Err(refusal) if refusal.message.contains("cycle") => {
                prop_assert!(cycle_is_real(&given, ALL[which], &refusal), "{refusal:?}");
            }
            Err(refusal) => prop_assert!(
                refusal.field.contains("needs")
                    || refusal.field == "tasks"
                    || ALL[which] == Strategy::Debate && refusal.field.ends_with("].optional"),
                "{:?}", refusal
            ),
        }
    }

    #[test]
    fn a_race_has_one_winner(order in Just((0_usize..6).collect::<Vec<_>>()).prop_shuffle(),
                             done in prop::collection::vec(any::<bool>(), 6)) {
        let mut tasks: Vec<Seen> = (0..6).map(|_| seen(None)).collect();
        let mut decided = None;
        for index in order {
            tasks[index].end = Some(if done[index] { End::Done } else { End::Failed });
            tasks[index].answer = Some(format!("by {index}"));
            match next(Strategy::Race, &Options::default(), &tasks) {
                Next::GoOn => prop_assert!(!done[index]),
                Next::Done { outcome } => {
                    let outcome = outcome.unwrap();
                    prop_assert_eq!(outcome.winner, Some(index as u32));
                    prop_assert_eq!(outcome.answer, Some(format!("by {index}")));
                    decided = Some(true);
                    break;
                }
                Next::Failed { code, .. } => {
                    prop_assert_eq!(code, "no_winner");
                    prop_assert!(done.iter().all(|done| !done));
                    decided = Some(false);
                }
            }
        }
        prop_assert_eq!(decided, Some(done.contains(&true)));
    }
}

/// Whether every step of a plan can have its turn.
fn ends(steps: &[Step]) -> bool {
    let mut ended = HashSet::new();
    loop {
        let before = ended.len();
        for (index, step) in (0_u32..).zip(steps) {
            if step.needs.iter().all(|need| ended.contains(need)) {
                ended.insert(index);
            }
        }
        if ended.len() == before {
            return before == steps.len();
        }
    }
}

/// Whether each edge of the cycle that a refusal names was given or is added by the strategy.
fn cycle_is_real(given: &[Given], strategy: Strategy, refusal: &Refusal) -> bool {
    let text = refusal.message.split("cycle: ").nth(1).unwrap();
    let names: Vec<&str> = text.split(';').next().unwrap().split(" → ").collect();
    let place = |name: &str| given.iter().position(|task| task.id == name).unwrap();
    let edge = |pair: &[&str]| {
        let (from, to) = (place(pair[0]), place(pair[1]));
        let said = given[from].needs.iter().any(|need| need == pair[1]);
        said || match strategy {
            Strategy::Sequential => to + 1 == from,
            Strategy::MapReduce => from == given.len() - 1,
            Strategy::Hierarchical => to == 0,
            _ => false,
        }
    };
    let first = place(names[0]);
    names.first() == names.last()
        && names.windows(2).all(edge)
        && given[first]
            .needs
            .iter()
            .position(|need| need == names[1])
            .is_some_and(|number| refusal.field == format!("tasks[{first}].needs[{number}]"))
}
