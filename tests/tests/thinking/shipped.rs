//! Agents that come along are known without being started, and are what their components say.

use reqwest::Method;
use serde_json::{Value, json};
use swarm_flow_tests::aimock::Aimock;
use swarm_flow_tests::artefact::component;
use swarm_flow_tests::server::{Server, answer, cli, fresh};

const SHIPPED: [&str; 5] = ["coder", "judge", "planner", "researcher", "reviewer"];

fn agent(server: &Server, name: &str) -> Value {
    let (status, agent) = server.get(&format!("/agents/{name}"));
    assert_eq!(status, 200, "{agent}");
    agent
}

#[test]
fn what_a_runner_tells_of_an_agent_is_what_the_component_says() {
    let server = fresh();
    for name in SHIPPED {
        // The same component under another name is asked what it is.
        let request = server
            .request(Method::POST, &format!("/agents?name=my-{name}"))
            .header("content-type", "application/wasm")
            .body(std::fs::read(component(name)).unwrap());
        assert_eq!(answer(request.send().unwrap()).0, 201);
        let (told, said) = (agent(&server, name), agent(&server, &format!("my-{name}")));
        for field in ["version", "capabilities", "context_schema", "digest"] {
            assert_eq!(told[field], said[field], "{name}: {field}");
        }
        assert_eq!(
            (&told["origin"], &said["origin"]),
            (&json!("shipped"), &json!("added"))
        );
        assert_eq!(told["context_schema"]["additionalProperties"], false);
    }
}

#[test]
fn they_are_listed_and_neither_removed_nor_replaced_nor_run_as_programs() {
    let server = fresh();
    let listed = cli(&server).args(["agent", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let workspace = server.workspace("base", "standard");
    for name in SHIPPED {
        assert!(
            listed
                .lines()
                .any(|line| line.starts_with(name) && line.contains("shipped")),
            "{listed}"
        );
        let (status, problem) = server.delete(&format!("/agents/{name}"));
        assert_eq!(status, 409, "{problem}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("comes with the platform"),
            "{problem}"
        );
        for kind in ["agents", "programs"] {
            let request = server
                .request(Method::POST, &format!("/{kind}?name={name}"))
                .header("content-type", "application/wasm")
                .body(std::fs::read(component(name)).unwrap());
            let (status, problem) = answer(request.send().unwrap());
            assert_eq!(status, 409, "{kind}: {problem}");
        }
        let (status, problem) = server.post(
            &format!("/workspaces/{workspace}/exec"),
            &json!({"command": [name]}),
        );
        assert_eq!(
            (status.as_u16(), &problem["kind"]),
            (404, &json!("program")),
            "{problem}"
        );
        assert!(!problem["known"].to_string().contains(name), "{problem}");
        let task = json!({"workspace": workspace, "task": {"description": "x"}});
        let (status, problem) = server.post(&format!("/agents/{name}/tasks"), &task);
        assert_eq!(status, 409, "{problem}");
    }
    let made = cli(&server)
        .args([
            "swarm",
            "create",
            "s",
            "--workspace",
            &workspace,
            "--agent",
            "coder=3",
            "--agent",
            "reviewer=1",
        ])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (_, swarms) = server.get("/swarms");
    assert_eq!(swarms["items"][0]["agents"][0]["kind"], "coder", "{swarms}");
}

#[test]
fn without_a_model_the_settings_to_make_are_in_the_result() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let path = super::submit(
        &server,
        &[("coder", 1)],
        "parallel",
        &workspace,
        json!([{"description": "anything"}]),
    );
    let run = super::ended(&server, &path);
    assert_eq!(run["state"], "failed", "{run}");
    let said = super::output(&run, 0);
    assert!(
        said.starts_with("ended: not-configured, ") && said.contains("SWARM_FLOW_MODEL="),
        "{said}"
    );
}

#[test]
fn a_model_that_the_policy_does_not_grant_is_not_asked_and_the_task_says_which_line_would() {
    let asked = "anything at all";
    let Some(mock) = Aimock::start(&[super::says(asked, 0, None, "done")]) else {
        return;
    };
    let state = tempfile::tempdir().unwrap();
    let server = super::start(state.path(), &mock);
    for (models, state) in [(json!([]), "failed"), (json!(["by-openai"]), "done")] {
        let policy = json!({"preset": "standard", "models": models});
        let made = json!({"name": "w", "environment": "base", "policy": policy});
        let (status, made) = server.post("/workspaces", &made);
        assert_eq!(status, 201, "{made}");
        let tasks = json!([{"description": asked, "context": {"model": "by-openai"}}]);
        let workspace = made["id"].as_str().unwrap();
        let path = super::submit(&server, &[("coder", 1)], "parallel", workspace, tasks);
        let run = super::ended(&server, &path);
        assert_eq!(run["state"], state, "{run}");
        let failure = &run["tasks"][0]["failure"];
        assert_eq!(failure["code"] == "denied", state == "failed", "{run}");
    }
    assert_eq!(mock.calls().len(), 1);
}
