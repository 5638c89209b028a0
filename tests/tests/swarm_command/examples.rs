//! Every file of `examples/strategies`, as its README runs it.

use super::*;
use swarm_flow_tests::server::{Fresh, fresh};

/// A server with the workspace and the swarm of the README.
fn demo() -> (Fresh, String) {
    let server = fresh();
    let workspace = server.workspace("python", "standard");
    upload(&server, &workspace, &examples().join("work"), "");
    upload(&server, &workspace, &root().join("docs"), "docs/");
    team(&server, 4, &[&workspace]);
    (server, workspace)
}

/// Runs an example to its end, which is a good one.
fn example(server: &Server, strategy: &str) -> Value {
    let file = examples().join(format!("{strategy}.json"));
    let run = json_of(
        server,
        &["swarm", "run", "team", file.to_str().unwrap()],
        "",
    );
    assert_eq!(
        (&run["state"], &run["coordination_strategy"]),
        (&json!("done"), &json!(strategy)),
        "{run}"
    );
    run
}

/// Each began only after what it needs had ended. RFC 3339 in UTC sorts as text.
fn needs_came_first(run: &Value) {
    for one in tasks(run) {
        for need in one["needs"].as_array().unwrap() {
            let needed = task(run, need.as_str().unwrap());
            let (ended, began) = (needed["ended_at"].as_str(), one["started_at"].as_str());
            assert!(ended.is_some() && ended <= began, "{needed}\n{one}");
        }
    }
}

#[test]
fn every_example_has_a_test() {
    let mut names: Vec<String> = std::fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort_unstable();
    let tested = [
        "consensus",
        "debate",
        "hierarchical",
        "map_reduce",
        "parallel",
        "pipeline",
        "race",
        "sequential",
    ];
    assert_eq!(names, tested);
}

#[test]
fn sequential_makes_a_release_step_by_step() {
    let (server, workspace) = demo();
    let run = example(&server, "sequential");
    needs_came_first(&run);
    assert_eq!(states(&run), ["done"; 5]);
    assert_eq!(tasks(&run)[4]["needs"], json!(["pack"]));
    let changes = output(task(&run, "changes"));
    assert_eq!(
        changes, "* release: 0.2.0\n* docs: what there is\n",
        "{run}"
    );
    let (status, archive) = server.read(&workspace, "release-0.2.0.tar.gz");
    assert!(status.is_success() && archive.starts_with(&[0x1f, 0x8b]));
    assert!(output(task(&run, "check")).contains("release/CHANGES.md\n"));
}

#[test]
fn parallel_checks_come_together() {
    let (server, _) = demo();
    let run = example(&server, "parallel");
    needs_came_first(&run);
    let needs = task(&run, "summary")["needs"].as_array().unwrap();
    assert_eq!(needs.len(), 5);
    let summary = output(task(&run, "summary"));
    for need in needs {
        let id = need.as_str().unwrap();
        let line = format!("{id}: {}", output(task(&run, id)));
        assert!(summary.contains(&line), "{summary}");
    }
}

#[test]
fn pipeline_takes_each_item_through_all_stages() {
    let (server, workspace) = demo();
    let run = example(&server, "pipeline");
    needs_came_first(&run);
    for (item, name) in ["agents", "programs", "security"].iter().enumerate() {
        for (stage, before) in [("number", "outline"), ("page", "number")] {
            let one = task(&run, &format!("{stage}/{item}"));
            assert_eq!(one["needs"], json!([format!("{before}/{item}")]));
        }
        let page = format!("site/{name}.html");
        assert_eq!(
            task(&run, &format!("page/{item}"))["result"]["artifacts"],
            json!([page])
        );
        let (_, bytes) = server.read(&workspace, &page);
        let source = std::fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap();
        let headings = source
            .lines()
            .filter(|line| line.starts_with("## "))
            .count();
        let html = text(&bytes);
        assert_eq!(html.matches("<h2>").count(), headings, "{html}");
        assert!(html.contains("<h2>1 "), "{html}");
    }
}

/// The suite of a project with thousands of tests, over eight workspaces.
#[test]
fn map_reduce_tests_a_real_project_in_eight_workspaces() {
    let server = fresh();
    let archive = root().join("target/fixtures/idna-3.11.tar.gz");
    assert!(
        archive.exists(),
        "{} is missing; `cargo xtask test` fetches it",
        archive.display()
    );
    let project = tempfile::tempdir().unwrap();
    let unpacked = std::process::Command::new("tar")
        .args(["--extract", "--gzip", "--strip-components=1", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(project.path())
        .status();
    assert!(unpacked.unwrap().success());
    let workspaces: Vec<String> = (0..8)
        .map(|_| server.workspace("python", "standard"))
        .collect();
    for workspace in &workspaces {
        for folder in ["idna", "tests"] {
            let below = format!("{folder}/");
            upload(&server, workspace, &project.path().join(folder), &below);
        }
        upload(&server, workspace, &examples().join("work"), "");
    }
    let names: Vec<&str> = workspaces.iter().map(String::as_str).collect();
    team(&server, 8, &names);
    let run = example(&server, "map_reduce");
    needs_came_first(&run);
    let maps = tasks(&run).iter().filter(|task| task["id"] != "verdict");
    let mut used: Vec<&str> = maps.map(|map| map["workspace"].as_str().unwrap()).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), 8, "each map has a workspace of its own: {run}");
    let verdict = task(&run, "verdict");
    assert_eq!(verdict["needs"].as_array().unwrap().len(), 8);
    assert!(
        output(verdict).ends_with("6366 tests in 8 shards, 0 failed\n"),
        "{verdict}"
    );

    // Its twin: a test that fails makes the run fail, by its name.
    let broken = "import unittest\nclass Broken(unittest.TestCase):\n    def test_broken(self):\n        self.fail()\n";
    for workspace in &workspaces {
        server.put(workspace, "tests/test_broken.py", broken);
    }
    let file = examples().join("map_reduce.json");
    let done = swarm_flow(
        &server,
        &["swarm", "run", "team", file.to_str().unwrap()],
        "",
    );
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let shown = text(&done.stdout);
    assert!(
        shown.contains("6367 tests in 8 shards, 1 failed\ntests.test_broken.Broken.test_broken\n"),
        "{shown}"
    );
}

#[test]
fn hierarchical_work_follows_the_plan() {
    let (server, _) = demo();
    let run = example(&server, "hierarchical");
    needs_came_first(&run);
    let workers = ["plan/count 1", "plan/count 2", "plan/count 3"];
    assert_eq!(
        output(task(&run, "plan")).lines().collect::<Vec<_>>(),
        workers
    );
    let mut files = 0;
    for worker in workers {
        let one = task(&run, worker);
        assert_eq!(one["parent"], "plan");
        let counted: Value = serde_json::from_str(output(one)).unwrap();
        files += counted["files"].as_array().unwrap().len();
    }
    assert_eq!(
        files,
        std::fs::read_dir(root().join("docs")).unwrap().count()
    );
    let last = task(&run, "common words");
    assert_eq!(
        last["needs"],
        json!(["plan", workers[0], workers[1], workers[2]])
    );
    assert_eq!(
        output(task(&run, "common words")).split(", ").count(),
        5,
        "{run}"
    );
}

#[test]
fn consensus_names_who_voted_for_what() {
    let (server, _) = demo();
    let run = example(&server, "consensus");
    let words: usize = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .map(|document| document.split_whitespace().count())
        .sum();
    let outcome = &run["outcome"];
    assert_eq!(outcome["answer"], json!(words.to_string()), "{run}");
    assert_eq!(
        outcome["votes"][0],
        json!({"answer": words.to_string(), "weight": 3, "tasks": [0, 1, 2]})
    );
    let id = run["id"].as_str().unwrap();
    let shown = text(&swarm_flow(&server, &["swarm", "show", id], "").stdout);
    let line = format!("vote: {words} (weight 3: wc, awk, python)\n");
    assert!(shown.contains(&line), "{shown}");
}

#[test]
fn race_has_one_winner_and_the_others_are_cancelled() {
    let (server, _) = demo();
    let run = example(&server, "race");
    assert_eq!(states(&run), ["cancelled", "cancelled", "done"], "{run}");
    let outcome = &run["outcome"];
    assert_eq!(outcome["winner"], 2);
    let answer = outcome["answer"].as_str().unwrap().trim_end();
    let (number, factors) = answer.split_once(" = ").unwrap();
    let product: u128 = factors
        .split(" * ")
        .map(|factor| factor.parse::<u128>().unwrap())
        .product();
    assert_eq!(product, number.parse::<u128>().unwrap());
}

#[test]
fn debate_hears_the_round_before_and_the_judge_the_last() {
    let (server, _) = demo();
    let run = example(&server, "debate");
    needs_came_first(&run);
    let side = |round: u32, name: &str| -> Value {
        serde_json::from_str(output(task(&run, &format!("r{round}/{name}")))).unwrap()
    };
    let (first, second) = (side(1, "gzip"), side(2, "gzip"));
    assert!(first["bytes"].as_u64() > side(1, "zstd")["bytes"].as_u64());
    // It heard of something smaller.
    assert!(second["level"].as_u64() > first["level"].as_u64());
    assert_eq!(task(&run, "judge")["needs"], json!(["r3/gzip", "r3/zstd"]));
    let last = side(3, "gzip")["bytes"].to_string();
    let answer = run["outcome"]["answer"].as_str().unwrap();
    assert!(
        answer.starts_with("gzip at level ") && answer.contains(&last),
        "{answer}"
    );
}
