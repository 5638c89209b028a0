//! Tasks while what does them is killed: none is lost, none is done twice. `cargo xtask bench survive` does more of it.

use swarm_flow_tests::survive::{Plan, survive};

#[test]
fn nothing_is_lost_or_repeated_when_the_app_and_its_runners_are_killed() {
    let survived = survive(Plan {
        runs: 4,
        tasks: 12,
        kills: 12,
        seed: 20_261_122,
    });
    let faults = (
        survived.lost,
        survived.repeated,
        survived.not_done,
        survived.diverged,
    );
    assert_eq!(faults, (0, 0, 0, 0), "{survived:?}");
    assert!(
        survived.again > 5,
        "hardly anything was killed: {survived:?}"
    );
}
