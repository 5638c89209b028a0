//! Agents that ask models: the answer is in the result and in the journal, a call is paid once, and the key is nowhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use swarm_flow_tests::aimock::Aimock;
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::server::{Server, answer, spin_cli};

const KEY: &str = "sk-hunter22-tiger-tiger";
const DIALECTS: [&str; 2] = ["openai", "anthropic"];

fn mock() -> Option<Aimock> {
    Aimock::start(&[
        json!({"match": {"userMessage": "hello"}, "response": {"content": "Hello, I am a mock of some model."}}),
        json!({"match": {"userMessage": "again"}, "response": {"content": "Again it is."}}),
        json!({"match": {"userMessage": "run it", "hasToolResult": false},
            "response": {"toolCalls": [{"name": "exec", "arguments": {"command": ["sh", "-c", "echo tiger | tee made.txt"]}}]}}),
        json!({"match": {"userMessage": "run it", "toolResultContains": "tiger"}, "response": {"content": "It said tiger."}}),
        json!({"match": {"userMessage": "wrong tool"}, "response": {"toolCalls": [{"name": "rm", "arguments": {}}]}}),
        json!({"match": {"userMessage": "slowly"}, "latency": 400, "response": {"content": "a long answer that comes in many small pieces, one after the other, for a while"}}),
        json!({"match": {"userMessage": "torn"}, "latency": 30, "truncateAfterChunks": 2, "response": {"content": "an answer that is longer than what there is of it"}}),
        json!({"match": {"userMessage": "forbidden"}, "response": {"error": {"message": "not for you"}, "status": 403}}),
    ])
}

/// A server with models, or none where there is no mock or it is not ours.
fn start(state: &Path, mock: &Aimock) -> Server {
    mock.settings(state);
    Server::start_with(state, &[("MOCK_KEY", KEY)])
}

/// A swarm of the agent `thinker` in one workspace; gives both ids.
fn swarm(server: &Server) -> (String, String) {
    swarm_under(server, &json!("standard"))
}

fn swarm_under(server: &Server, policy: &Value) -> (String, String) {
    let request = server
        .request(Method::POST, "/agents?name=thinker")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("thinker")).unwrap());
    assert_eq!(answer(request.send().unwrap()).0, 201);
    let made = json!({"name": "w", "environment": "base", "policy": policy});
    let (status, made) = server.post("/workspaces", &made);
    assert_eq!(status, 201, "{made}");
    let workspace = made["id"].as_str().unwrap().to_owned();
    let body = json!({"name": "s", "agents": [{"kind": "thinker", "count": 2}], "workspaces": [workspace]});
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    (made["id"].as_str().unwrap().to_owned(), workspace)
}

fn submit(server: &Server, swarm: &str, context: &Value) -> String {
    let run = json!({"tasks": [{"id": "t", "context": context}]});
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), &run);
    assert_eq!(status, 202, "{run}");
    format!("/runs/{}", run["id"].as_str().unwrap())
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ended(server: &Server, path: &str) -> Value {
    wait_for("the run to end", || {
        server.get(path).1["state"] != "running"
    });
    server.get(path).1
}

/// What the one task said: its own words, as JSON where it succeeded.
fn said(run: &Value) -> Value {
    let output = run["tasks"][0]["result"]["output"].as_str();
    let output = output.unwrap_or_else(|| panic!("{run}"));
    serde_json::from_str(output).unwrap_or_else(|_| output.into())
}

fn replays(server: &Server, path: &str) {
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    assert_eq!(replay["diverged"], 0, "{replay}");
    assert_eq!(replay["tasks"][0]["failure"], Value::Null, "{replay}");
}

#[test]
fn an_agent_gets_an_answer_in_both_dialects_and_a_replay_asks_nobody() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, _) = swarm(&server);
    for dialect in DIALECTS {
        let context = json!({"ask": ["hello"], "model": format!("by-{dialect}")});
        let path = submit(&server, &swarm, &context);
        let run = ended(&server, &path);
        let told = said(&run);
        let first = &told["said"][0];
        assert_eq!(first["text"], "Hello, I am a mock of some model.", "{run}");
        assert_eq!(first["model"], format!("by-{dialect}"));
        assert_eq!(first["provider"], format!("{dialect}-mock"));
        assert!(
            first["input"].as_u64() > Some(0) && first["cost"].as_u64() > Some(0),
            "{first}"
        );
        assert_eq!(told["models"], json!(["by-openai", "by-anthropic"]));
        let before = mock.calls().len();
        replays(&server, &path);
        assert_eq!(mock.calls().len(), before);
    }
}

#[test]
fn a_model_has_a_tool_used_and_hears_what_came_of_it() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, workspace) = swarm(&server);
    for dialect in DIALECTS {
        let context = json!({"ask": ["run it"], "tool": true, "model": format!("by-{dialect}")});
        let path = submit(&server, &swarm, &context);
        let run = ended(&server, &path);
        assert_eq!(said(&run)["said"][0]["text"], "It said tiger.", "{run}");
        assert_eq!(server.read(&workspace, "made.txt").1, b"tiger\n");
        replays(&server, &path);
    }
}

#[test]
fn what_goes_wrong_has_a_name_that_the_agent_can_act_on() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, _) = swarm(&server);
    for dialect in DIALECTS {
        for (asked, named) in [
            ("wrong tool", "BadAnswerReason::UnknownTool"),
            ("torn", "BadAnswerReason::CutOff"),
            ("forbidden", "Forbidden"),
            ("what no fixture has", ""),
        ] {
            let context = json!({"ask": [asked], "tool": true, "model": format!("by-{dialect}")});
            let run = ended(&server, &submit(&server, &swarm, &context));
            let told = said(&run).to_string();
            assert!(
                told.contains(named) && run["state"] == "failed",
                "{asked}: {told}"
            );
        }
    }
    let context = json!({"ask": ["hello"], "model": "gpt"});
    let told = said(&ended(&server, &submit(&server, &swarm, &context))).to_string();
    assert!(told.contains("there are by-openai, by-anthropic"), "{told}");
}

#[test]
fn what_passes_at_the_provider_the_agent_does_not_see() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, _) = swarm(&server);
    for dialect in DIALECTS {
        for (how, status) in [("rateLimitRate", 429), ("dropRate", 500)] {
            let failed = || {
                mock.calls()
                    .iter()
                    .filter(|(_, answered)| *answered == status)
                    .count()
            };
            let before = failed();
            mock.fail(&json!({how: 1}));
            let path = submit(
                &server,
                &swarm,
                &json!({"ask": ["hello"], "model": format!("by-{dialect}")}),
            );
            wait_for("a call to fail", || failed() > before);
            mock.fail(&Value::Null);
            let run = ended(&server, &path);
            assert_eq!(run["state"], "done", "{how}: {run}");
        }
    }
}

#[test]
fn a_call_that_has_an_answer_is_not_made_again_after_a_kill() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, workspace) = swarm(&server);
    let waits = [
        "sh",
        "-c",
        "echo > waiting; until [ -e go ]; do sleep 0.05; done",
    ];
    let context = json!({"ask": ["hello", "again"], "between": waits});
    let path = submit(&server, &swarm, &context);
    wait_for("the first answer", || {
        server.read(&workspace, "waiting").0 == 200
    });
    assert_eq!((mock.asked("hello"), mock.asked("again")), (1, 0));
    server.kill();

    let server = start(state.path(), &mock);
    assert_eq!(server.put(&workspace, "go", "").0, 201);
    let run = ended(&server, &path);
    assert_eq!(said(&run)["said"][1]["text"], "Again it is.", "{run}");
    assert_eq!((mock.asked("hello"), mock.asked("again")), (1, 1));
    replays(&server, &path);
}

#[test]
fn a_call_that_was_cut_off_by_a_kill_is_made_again_as_one_step() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, _) = swarm(&server);
    let path = submit(&server, &swarm, &json!({"ask": ["hello", "slowly"]}));
    wait_for("the second call", || mock.asked("slowly") == 1);
    server.kill();

    let server = start(state.path(), &mock);
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!((mock.asked("hello"), mock.asked("slowly")), (1, 2));
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    // Two answers and the list of models.
    assert_eq!(
        (&replay["diverged"], &replay["tasks"][0]["steps"]),
        (&json!(0), &json!(3)),
        "{replay}"
    );
}

#[test]
fn a_call_that_may_use_more_than_is_left_is_not_sent_and_what_is_used_adds_up() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let (swarm, _) = swarm(&server);
    let budgeted = |budget: Value| {
        let tasks = json!([{"id": "t", "context": {"ask": ["hello", "again"]}}]);
        let path = format!("/swarms/{swarm}/runs");
        let (status, run) = server.post(&path, &json!({"tasks": tasks, "budget": budget}));
        assert_eq!(status, 202, "{run}");
        ended(&server, &format!("/runs/{}", run["id"].as_str().unwrap()))
    };
    for (budget, name) in [
        (json!({"tokens": 1_000}), "budget.tokens"),
        (json!({"cost_microusd": 1_000}), "budget.cost_microusd"),
    ] {
        let told = said(&budgeted(budget)).to_string();
        assert!(
            told.contains("BudgetExceeded") && told.contains(name),
            "{told}"
        );
        assert_eq!(mock.calls().len(), 0);
    }
    let run = budgeted(json!({"tokens": 30_000, "cost_microusd": 30_000_000}));
    assert_eq!(run["state"], "done", "{run}");
    let told = said(&run);
    let sum = |name: &str| {
        let said = told["said"].as_array().unwrap().iter();
        said.map(|one| one[name].as_u64().unwrap()).sum::<u64>()
    };
    for (name, spent) in [
        ("input", "input_tokens"),
        ("output", "output_tokens"),
        ("cost", "cost_microusd"),
    ] {
        assert!(sum(name) > 0);
        assert_eq!(run["spent"][spent], sum(name), "{run}");
    }
}

#[test]
fn a_model_that_the_policy_does_not_grant_is_not_asked_and_the_line_is_named() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let policy = json!({"preset": "standard", "models": ["by-anthropic"]});
    let (swarm, _) = swarm_under(&server, &policy);
    let ask = |model: &str| {
        let context = json!({"ask": ["hello"], "model": model});
        ended(&server, &submit(&server, &swarm, &context))
    };
    let denied = ask("by-openai");
    assert_eq!(denied["state"], "failed", "{denied}");
    let told = denied["tasks"][0].to_string();
    assert!(
        told.contains("models") && told.contains("by-openai"),
        "{told}"
    );
    assert!(mock.calls().is_empty());
    let granted = ask("by-anthropic");
    assert_eq!(
        said(&granted)["models"],
        json!(["by-anthropic"]),
        "it sees no other"
    );
}

#[test]
fn without_a_model_the_settings_to_make_are_said_and_with_them_it_works() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let (swarm, _) = swarm(&server);
    let context = json!({"ask": ["hello"]});
    let run = ended(&server, &submit(&server, &swarm, &context));
    let told = said(&run).to_string();
    for hint in ["NotConfigured", "SWARM_FLOW_MODEL=", "OPENAI_API_KEY"] {
        assert!(told.contains(hint), "{told}");
    }
    server.kill();

    let base = format!("{}/v1", mock.url);
    let variables = [
        ("SWARM_FLOW_MODEL", "openai/tiger-1"),
        ("SWARM_FLOW_MODEL_BASE_URL", base.as_str()),
    ];
    let server = Server::start_with(state.path(), &variables);
    let told = said(&ended(&server, &submit(&server, &swarm, &context)));
    assert_eq!(told["said"][0]["model"], "openai/tiger-1", "{told}");
    // Nobody knows what it costs.
    assert_eq!(told["said"][0]["cost"], Value::Null);
}

#[test]
fn the_key_is_in_no_file_and_no_answer() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    mock.settings(state.path());
    let variables = [("MOCK_KEY", KEY), ("RUST_LOG", "debug")];
    let server = Server::start_with(state.path(), &variables);
    let (swarm, _) = swarm(&server);
    let mut seen = String::new();
    for asked in ["hello", "forbidden", "torn"] {
        let path = submit(&server, &swarm, &json!({"ask": [asked]}));
        seen += &ended(&server, &path).to_string();
    }
    for path in ["/audit", "/agents", "/runs"] {
        let text = server
            .request(Method::GET, path)
            .send()
            .unwrap()
            .text()
            .unwrap();
        assert!(text.len() > 2, "{path}");
        seen += &text;
    }
    let log = server.log();
    if spin_cli().is_none() {
        assert!(log.contains("DEBUG"), "{log}");
    }
    seen += &log;
    assert!(seen.contains("Hello, I am a mock") && !seen.contains(KEY));
    assert!(server.stop().success());
    let files = files(state.path());
    let has = |text: &str| {
        let with = |path: &&std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        files.iter().find(with)
    };
    // The search finds what is there.
    assert!(has("Hello, I am a mock").is_some());
    assert_eq!(has(KEY), None);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn the_command_line_lists_models_and_tries_one() {
    let Some(mock) = mock() else { return };
    let state = tempfile::tempdir().unwrap();
    mock.settings(state.path());
    let models = |arguments: &[&str], key: Option<&str>| {
        let mut command = std::process::Command::new(swarm_flow_tests::server::binary());
        command.args(["--json", "models"]).args(arguments);
        command.arg("--state").arg(state.path());
        if let Some(key) = key {
            command.env("MOCK_KEY", key);
        }
        let output = command.env_remove("SWARM_FLOW_MODEL").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (_, listed) = models(&["list"], Some(KEY));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["models"][0]["name"], "by-openai", "{listed}");
    assert!(
        listed["models"][0]["source"]
            .as_str()
            .unwrap()
            .ends_with("models.toml")
    );
    let (is_done, said) = models(&["test"], None);
    assert!(!is_done && said.contains("MOCK_KEY is not set"), "{said}");
    // The mock knows nothing of what is asked here.
    let (is_done, said) = models(&["test", "by-anthropic"], Some(KEY));
    assert!(!is_done && !said.contains(KEY), "{said}");
}
