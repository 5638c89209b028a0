//! Runs that are held up, gone on with, ended and drawn.

use super::*;
use swarm_flow_tests::server::fresh;

#[test]
fn cancel_ends_the_sandbox_of_a_task() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = team(&server, 2, &["demo"]);
    let run = begin(&server, &swarm, &[("spins", "spin"), ("sleeps", "sleep")]);
    let ended = |wanted: u64| {
        let path = format!("/audit?workspace={workspace}&kind=sandbox.*&limit=100");
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, found) = server.get(&path);
            let of = |kind: &str| {
                let records = found["items"].as_array().unwrap().iter();
                records.filter(|record| record["kind"] == kind).count() as u64
            };
            if (of("sandbox.started"), of("sandbox.ended")) == (wanted, wanted) {
                return found;
            }
            assert!(Instant::now() < deadline, "{found}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until(&server, &run, |run| states(run) == ["leased"; 2]);
    let done = json_of(&server, &["swarm", "cancel", &run], "");
    assert_eq!(
        (&done["state"], states(&done)),
        (&json!("cancelled"), vec!["cancelled"; 2])
    );
    // Two agents, and what they started. By themselves they would go on for an hour.
    ended(4);
    // The agents are free again, and a second cancel changes nothing.
    let again = begin(&server, &swarm, &[("naps", "nap")]);
    until(&server, &again, |run| run["state"] == "done");
    assert_eq!(json_of(&server, &["swarm", "cancel", &run], ""), done);
}

#[test]
fn a_paused_run_begins_nothing_until_it_is_resumed() {
    let server = fresh();
    server.workspace("base", "standard");
    let swarm = team(&server, 1, &["demo"]);
    let naps = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|id| (id, "nap"));
    let id = begin(&server, &swarm, &naps);
    let paused = swarm_flow(&server, &["swarm", "pause", &id], "");
    assert!(
        text(&paused.stdout).contains(&format!("{id} paused in ")),
        "{}",
        said(&paused)
    );
    let held = until(&server, &id, |run| !states(run).contains(&"leased"));
    assert_eq!(held["state"], "paused");
    let waiting = states(&held)
        .iter()
        .filter(|state| **state == "ready")
        .count();
    assert!(waiting >= 1, "{held}");
    // What another run does meanwhile shows that the agent is free.
    let other = begin(&server, &swarm, &[("other", "nap")]);
    until(&server, &other, |run| run["state"] == "done");
    assert_eq!(states(&run(&server, &id)), states(&held));
    assert_eq!(
        json_of(&server, &["swarm", "resume", &id], "")["state"],
        "running"
    );
    until(&server, &id, |run| run["state"] == "done");
}

#[test]
fn runs_are_listed_the_newest_first() {
    let server = fresh();
    server.workspace("base", "standard");
    let (one, other) = (team(&server, 1, &["demo"]), team(&server, 1, &["demo"]));
    let first = begin(&server, &one, &[("a", "nap"), ("b", "nap")]);
    let second = begin(&server, &one, &[("a", "nap")]);
    let third = begin(&server, &other, &[("a", "nap")]);
    for run in [&first, &second, &third] {
        until(&server, run, |run| run["state"] == "done");
    }
    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = json_of(&server, arguments, "");
        let runs = list.as_array().unwrap().iter();
        runs.map(|run| run["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(&["swarm", "runs", &one]),
        [second.clone(), first.clone()]
    );
    assert_eq!(ids(&["swarm", "runs"]), [third, second, first.clone()]);
    let table = text(&swarm_flow(&server, &["swarm", "runs", &one], "").stdout);
    let last = table.lines().last().unwrap();
    assert!(
        last.starts_with(&first) && last.contains("parallel") && last.contains("2/2"),
        "{table}"
    );
    // Two swarms have this name.
    let done = swarm_flow(&server, &["swarm", "runs", "team"], "");
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).contains("several swarms are named `team`"),
        "{}",
        said(&done)
    );
}

#[test]
fn a_run_is_drawn_in_either_language() {
    let server = fresh();
    server.workspace("base", "standard");
    let swarm = team(&server, 1, &["demo"]);
    let graph = |run: &str, format: &str| {
        let done = swarm_flow(&server, &["swarm", "graph", run, "--format", format], "");
        assert!(done.status.success(), "{}", said(&done));
        (text(&done.stdout), text(&done.stderr))
    };
    let nap = |id: &str, needs: &[&str]| json!({"id": id, "needs": needs, "context": {"command": ["hungry", "nap"]}});
    let body = json!({"coordination_strategy": "parallel", "tasks": [nap("a", &[]), nap("b]", &["a"]), nap("c", &["a"])]});
    let run = json_of(&server, &["swarm", "run", &swarm, "-"], &body.to_string());
    let id = run["id"].as_str().unwrap();
    let (mermaid, warning) = graph(id, "mermaid");
    assert!(
        mermaid.starts_with("flowchart LR\n  t0[\"a<br>script"),
        "{mermaid}"
    );
    assert!(
        mermaid.contains("t1[\"b#93;<br>") && mermaid.contains("done · "),
        "{mermaid}"
    );
    // With one agent, one of the two that need the first ended last.
    assert_eq!(
        mermaid.matches(" ==> ").count() + mermaid.matches(" --> ").count(),
        2
    );
    assert_eq!(warning, "");
    let (dot, _) = graph(id, "dot");
    assert!(
        dot.starts_with("digraph run {\n") && dot.contains("t0 -> t2"),
        "{dot}"
    );

    // More needs than a page draws.
    let first: Vec<String> = (0..26).map(|index| format!("first-{index}")).collect();
    let names: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut tasks: Vec<Value> = names.iter().map(|id| nap(id, &[])).collect();
    tasks.extend((0..20).map(|index| nap(&format!("then-{index}"), &names)));
    let body = json!({"coordination_strategy": "parallel", "tasks": tasks}).to_string();
    let run = json_of(&server, &["swarm", "run", &swarm, "-", "--detach"], &body);
    let id = run["id"].as_str().unwrap();
    assert!(
        swarm_flow(&server, &["swarm", "cancel", id], "")
            .status
            .success()
    );
    let (mermaid, warning) = graph(id, "mermaid");
    assert_eq!(
        mermaid.matches(" --> ").count() + mermaid.matches(" ==> ").count(),
        520
    );
    assert!(
        warning.contains("520 edges, where 500 are the default limit"),
        "{warning}"
    );
    assert_eq!(graph(id, "dot").1, "");
}

#[test]
fn a_run_is_replayed_and_each_task_does_the_same() {
    let server = fresh();
    server.workspace("base", "standard");
    let swarm = team(&server, 2, &["demo"]);
    let run = begin(&server, &swarm, &[("a", "nap"), ("b", "nap")]);
    until(&server, &run, |run| run["state"] == "done");
    let replayed = swarm_flow(&server, &["replay", &run], "");
    assert!(replayed.status.success(), "{}", said(&replayed));
    let lines = text(&replayed.stdout);
    assert_eq!(
        lines.lines().filter(|line| line.ends_with("same")).count(),
        2,
        "{lines}"
    );
    let replay = json_of(&server, &["replay", &run], "");
    assert_eq!(
        (&replay["diverged"], &replay["tasks"][1]["steps"]),
        (&json!(0), &json!(1))
    );
    // Without its journals it cannot be said that they do.
    let (_, page) = server.get("/workspaces");
    let workspace = page["items"][0]["id"].as_str().unwrap();
    server.delete(&format!("/workspaces/{workspace}"));
    let gone = swarm_flow(&server, &["replay", &run], "");
    assert_eq!(gone.status.code(), Some(1), "{}", said(&gone));
    assert!(text(&gone.stdout).contains("no_journal"));
}
