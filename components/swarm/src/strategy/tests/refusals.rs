//! What no strategy, or not this one, can use.

use super::*;

#[test]
fn what_makes_no_plan_is_refused_and_named() {
    use Strategy::*;
    let none = Options::default();
    let rounds = |rounds| Options {
        rounds: Some(rounds),
        ..Options::default()
    };
    let quorum = Options {
        quorum: Some(Quorum::Simple),
        ..Options::default()
    };
    let many: String = (0..2049).map(|task| format!("t{task} ")).collect();
    for (strategy, given, options, size, field, words) in [
        (Parallel, "", &none, 1, "tasks", "has 0 items"),
        (Parallel, many.as_str(), &none, 1, "tasks", "at most 2048"),
        (Parallel, "a a", &none, 1, "tasks[1].id", "`a` is the id"),
        (
            Parallel,
            "a b:x",
            &none,
            1,
            "tasks[1].needs[0]",
            "`x` is not",
        ),
        (
            Parallel,
            "a b:a,b",
            &none,
            1,
            "tasks[1].needs[1]",
            "the task itself",
        ),
        (
            Parallel,
            "a b:a,a",
            &none,
            1,
            "tasks[1].needs[1]",
            "given twice",
        ),
        (
            Parallel,
            "a:b b:a",
            &none,
            1,
            "tasks[0].needs[0]",
            "a cycle: a → b → a;",
        ),
        (
            Parallel,
            "x a:x,b b:c c:a d:c",
            &none,
            1,
            "tasks[1].needs[1]",
            "a cycle: a → b → c → a;",
        ),
        // The edge that the strategy adds is not the one to blame.
        (
            Sequential,
            "a b:c c",
            &none,
            1,
            "tasks[1].needs[0]",
            "a cycle: b → c → b;",
        ),
        (
            MapReduce,
            "m:r r",
            &none,
            1,
            "tasks[0].needs[0]",
            "a cycle: m → r → m;",
        ),
        (
            Hierarchical,
            "p:w w",
            &none,
            1,
            "tasks[0].needs[0]",
            "a cycle: p → w → p;",
        ),
        (
            Pipeline,
            "a b:a",
            &none,
            1,
            "tasks[1].needs",
            "each stage needs",
        ),
        (
            Consensus,
            "a b:a",
            &none,
            1,
            "tasks[1].needs",
            "do not wait",
        ),
        (Race, "a b:a", &none, 1, "tasks[1].needs", "start at once"),
        (Debate, "a b j:a", &none, 1, "tasks[2].needs", "each side"),
        (
            Sequential,
            "a",
            &items(1),
            1,
            "items",
            "not used by `sequential`",
        ),
        (Parallel, "a", &items(1), 1, "items", "`map_reduce`"),
        (Hierarchical, "a", &rounds(2), 1, "rounds", "not used by"),
        (Pipeline, "a", &rounds(2), 1, "rounds", "not used by"),
        (Race, "a", &quorum, 1, "quorum", "`consensus`"),
        (Debate, "a b j", &quorum, 1, "quorum", "`consensus`"),
        (Consensus, "a", &items(1), 1, "items", "not used by"),
        (
            Consensus,
            "a",
            &none,
            101,
            "tasks",
            "of 101 agents, must be 1 to 100",
        ),
        (Consensus, "a", &none, 0, "tasks", "of 0 agents"),
        (
            Debate,
            "a b j",
            &rounds(0),
            1,
            "rounds",
            "is 0, must be 1 to 10",
        ),
        (Debate, "a b j", &rounds(11), 1, "rounds", "is 11"),
        (Debate, "a j", &none, 1, "tasks", "at least 3"),
        (MapReduce, "r", &none, 1, "tasks", "at least 2"),
        (
            Pipeline,
            "a b",
            &items(1025),
            1,
            "items",
            "makes 2050 tasks",
        ),
        (
            MapReduce,
            "m r",
            &items(2048),
            1,
            "items",
            "makes 2049 tasks",
        ),
        (Pipeline, "a a/0", &items(1), 1, "", ""),
        (
            MapReduce,
            "a a/0",
            &items(1),
            1,
            "tasks[1].id",
            "`a/0`, which `a`",
        ),
        (
            Debate,
            "a b r2/a",
            &none,
            1,
            "tasks[2].id",
            "`r2/a`, which `a`",
        ),
    ] {
        match plan(strategy, given, options, size) {
            Ok(_) => assert_eq!(field, "", "{strategy:?} {given} was taken"),
            Err(refusal) => {
                assert_eq!(refusal.field, field, "{strategy:?} {}", refusal.message);
                assert!(refusal.message.contains(words), "{}", refusal.message);
            }
        }
    }
}

#[test]
fn a_plan_may_be_as_long_as_is_said() {
    assert!(plan(Strategy::Pipeline, "a b", &items(1024), 1).is_ok());
    assert!(plan(Strategy::MapReduce, "m r", &items(2047), 1).is_ok());
    assert!(plan(Strategy::Consensus, "a", &Options::default(), 100).is_ok());
}

#[test]
fn weights_are_for_voters_and_their_quorum() {
    let weigh = |strategy, weight, quorum| {
        let task = Given {
            weight: Some(weight),
            ..given("a")
        };
        let options = Options {
            quorum,
            ..Options::default()
        };
        let steps = planner(strategy).plan(&[task, given("b")], &options, 1);
        steps
            .map(|steps| steps[0].weight)
            .map_err(|refusal| refusal.field)
    };
    let refused = || Err("tasks[0].weight".to_owned());
    assert_eq!(weigh(Strategy::Consensus, 3, Some(Quorum::Weighted)), Ok(3));
    assert_eq!(
        weigh(Strategy::Consensus, 0, Some(Quorum::Weighted)),
        refused()
    );
    assert_eq!(weigh(Strategy::Consensus, 1, None), Ok(1));
    assert_eq!(weigh(Strategy::Consensus, 3, None), refused());
    assert_eq!(
        weigh(Strategy::Consensus, 3, Some(Quorum::Unanimous)),
        refused()
    );
    assert_eq!(weigh(Strategy::Race, 1, None), refused());
}

#[test]
fn the_judge_of_a_debate_must_answer() {
    let mut debate = tasks("a b j");
    debate[2].optional = true;
    let refusal = planner(Strategy::Debate)
        .plan(&debate, &Options::default(), 1)
        .unwrap_err();
    assert_eq!(refusal.field, "tasks[2].optional");
    debate[2].optional = false;
    debate[1].optional = true;
    assert!(
        planner(Strategy::Debate)
            .plan(&debate, &Options::default(), 1)
            .is_ok()
    );
}
