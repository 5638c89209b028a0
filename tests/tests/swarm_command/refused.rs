//! What could never work, refused by name: over HTTP with a code, by the command line with the same words.

use super::*;
use swarm_flow_tests::server::fresh;

#[test]
fn a_run_that_could_not_work_is_refused_by_name() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = team(&server, 1, &[&workspace]);
    let path = format!("/swarms/{swarm}/runs");
    let chain = |needs: [&str; 3]| {
        let ids = ["a", "b", "c"];
        let tasks: Vec<Value> = ids
            .iter()
            .zip(needs)
            .map(|(id, need)| json!({"id": id, "needs": [need]}))
            .collect();
        json!({"coordination_strategy": "parallel", "tasks": tasks})
    };
    for (body, field, message) in [
        (
            chain(["c", "a", "b"]),
            "tasks[0].needs[0]",
            "makes a cycle: a → c → b → a",
        ),
        (
            chain(["a", "a", "a"]),
            "tasks[0].needs[0]",
            "`a` is the task itself",
        ),
        (
            chain(["z", "a", "a"]),
            "tasks[0].needs[0]",
            "`z` is not the id of a task",
        ),
        (
            json!({"tasks": [{"requirements": ["exec", "browse"]}]}),
            "tasks[0].requirements",
            "nearest is `script`, which lacks `browse` and has `exec`",
        ),
        (
            json!({"tasks": [{"agent": "wizard"}]}),
            "tasks[0].agent",
            "`wizard` is not an agent of the swarm; it has `script`",
        ),
        (
            json!({"tasks": [{"workspace": "ws_1"}]}),
            "tasks[0].workspace",
            "`ws_1` is not a workspace of the swarm",
        ),
        (
            json!({"tasks": []}),
            "tasks",
            "has 0 items, must have 1 to 2048",
        ),
        (
            json!({"tasks": [{"id": "a"}, {"id": "a"}]}),
            "tasks[1].id",
            "`a` is the id of another task too",
        ),
        (
            json!({"tasks": [{"timeout_ms": 0}]}),
            "tasks[0].timeout_ms",
            "is 0, must be 1 to 86400000",
        ),
        (
            json!({"tasks": [{"retry": {"max_attempts": 0}}]}),
            "tasks[0].retry.max_attempts",
            "is 0, must be 1 to 100",
        ),
        (
            json!({"coordination_strategy": "race", "items": ["x"], "tasks": [{}]}),
            "items",
            "is not used by `race`; leave it out, or take `pipeline` or `map_reduce`",
        ),
        (
            json!({"coordination_strategy": "debate", "tasks": [{}, {}]}),
            "tasks",
            "has 2 items, `debate` must have at least 3",
        ),
        (
            json!({"coordination_strategy": "debate", "rounds": 11, "tasks": [{}, {}, {}]}),
            "rounds",
            "is 11, must be 1 to 10",
        ),
        (
            json!({"coordination_strategy": "consensus", "tasks": [{"weight": 2}, {}]}),
            "tasks[0].weight",
            "is 2, must be 1 with this quorum; give the quorum `weighted`",
        ),
    ] {
        let (status, problem) = server.post(&path, &body);
        let told = (status.as_u16(), &problem["code"], &problem["field"]);
        assert_eq!(
            told,
            (400, &json!("invalid-request"), &json!(field)),
            "{body}: {problem}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{problem}"
        );
        let done = swarm_flow(&server, &["swarm", "run", &swarm, "-"], &body.to_string());
        let shown = text(&done.stderr);
        assert_eq!(
            (done.status.code(), text(&done.stdout).as_str()),
            (Some(1), ""),
            "{shown}"
        );
        assert!(
            shown.starts_with("error: ") && shown.contains(field) && shown.contains(message),
            "{shown}"
        );
    }
    assert_eq!(
        server.get("/runs").1["items"],
        json!([]),
        "nothing of it was begun"
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_by_name() {
    let server = fresh();
    server.workspace("base", "standard");
    let swarm = team(&server, 1, &["demo"]);
    let no_run = format!("run_{}", "0".repeat(32));
    for (arguments, stdin, code, message) in [
        (
            vec!["swarm", "scale", &swarm, "-1"],
            "",
            2,
            "-1 is not in 1..=1000",
        ),
        (
            vec!["swarm", "scale", &swarm, "1001"],
            "",
            2,
            "1001 is not in 1..=1000",
        ),
        (
            vec![
                "swarm",
                "create",
                "x",
                "--workspace",
                "demo",
                "--strategy",
                "vote",
            ],
            "",
            2,
            "[possible values: sequential, parallel, pipeline, map_reduce, hierarchical, consensus, race, debate]",
        ),
        (
            vec!["swarm", "create", "x", "--workspace", "nowhere"],
            "",
            1,
            "there is no workspace named `nowhere`",
        ),
        (
            vec![
                "swarm",
                "create",
                "x",
                "--workspace",
                "demo",
                "--agent",
                "wizard=1",
            ],
            "",
            1,
            "`wizard` is not an agent; there is `script`",
        ),
        (
            vec!["swarm", "run", "nobody", "-"],
            "{}",
            1,
            "there is no swarm named `nobody`",
        ),
        (
            vec!["swarm", "run", &swarm, "-"],
            "{",
            1,
            "standard input is not JSON",
        ),
        (
            vec!["swarm", "run", &swarm, "/nowhere.json"],
            "",
            1,
            "read /nowhere.json",
        ),
        (
            vec!["swarm", "run", &swarm, "-"],
            r#"{"tasks": [{"need": []}]}"#,
            1,
            "need",
        ),
        (
            vec!["swarm", "show", "run_1"],
            "",
            1,
            "the id of a run is `run_` and 32 hexadecimal digits",
        ),
        (vec!["swarm", "show", &no_run], "", 1, &no_run),
        (vec!["swarm", "cancel", &no_run], "", 1, &no_run),
        (vec!["swarm", "graph", &no_run], "", 1, &no_run),
        (
            vec!["swarm", "graph", &no_run, "--format", "svg"],
            "",
            2,
            "[possible values: mermaid, dot]",
        ),
    ] {
        let done = swarm_flow(&server, &arguments, stdin);
        assert_eq!(
            done.status.code(),
            Some(code),
            "{arguments:?}: {}",
            said(&done)
        );
        assert!(
            text(&done.stderr).contains(message),
            "{arguments:?}: {}",
            said(&done)
        );
    }
    // The API says of a size what the command line does not send.
    for size in [json!(-1), json!(0), json!(1001), json!(1.5)] {
        let (status, problem) = server.post(
            &format!("/swarms/{swarm}/scale"),
            &json!({"target_size": size}),
        );
        assert_eq!(status, 400, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("target_size")
                || problem["field"] == "target_size",
            "{problem}"
        );
    }
    // Its twin.
    let scaled = json_of(&server, &["swarm", "scale", "team", "3"], "");
    assert_eq!(scaled["agents"][0]["count"], 3);
}
