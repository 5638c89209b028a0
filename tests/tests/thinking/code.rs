//! `swarm-flow code`: the whole of it from a terminal.

use super::{RANGES, says, start, uses, workspace};
use serde_json::json;
use swarm_flow_tests::aimock::Aimock;
use swarm_flow_tests::server::cli;

const ASKED: &str = "mend the ranges";
const CHECK: &str = "python -m unittest tests.test_intranges";

#[test]
fn code_ends_green_with_the_diff_and_what_it_took() {
    let edit = json!({"path": RANGES.file, "old_string": RANGES.wrong, "new_string": RANGES.right});
    let fixtures = [
        uses(ASKED, 0, None, "edit", edit),
        says(ASKED, 1, Some("replaced it in"), "It was off by one."),
    ];
    let Some(mock) = Aimock::start(&fixtures) else {
        return;
    };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let workspace = workspace(&server, &[RANGES]);
    let code = |more: &[&str]| {
        let done = cli(&server)
            .args(["code", ASKED, "--workspace", &workspace, "--check", CHECK])
            .args(["--model", "by-openai"])
            .args(more)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let (status, said, noted) = code(&["--max-tokens", "10"]);
    assert_eq!(status, Some(1), "{said}{noted}");
    assert!(said.contains("budget.tokens"), "{said}");
    assert!(!said.contains("+++"), "nothing was changed: {said}");
    let (status, said, noted) = code(&["--max-cost", "99", "--timeout", "5m"]);
    assert_eq!(status, Some(0), "{said}{noted}");
    for expected in [
        "It was off by one.",
        "ended: green",
        "of $99.0000",
        "--- a/idna/intranges.py",
        "+++ ./idna/intranges.py",
    ] {
        assert!(said.contains(expected), "`{expected}` in {said}");
    }
    let changed = |sign: &str, what: &str| {
        said.lines()
            .any(|line| line.starts_with(sign) && line.contains(what))
    };
    assert!(
        changed("-", RANGES.wrong) && changed("+", RANGES.right),
        "{said}"
    );
    let left = server.exec(&workspace, &["ls", "/tmp"]);
    assert_eq!(left["stdout"], "", "{left}");
}
