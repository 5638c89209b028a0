//! Policies that are kept under a name, and workspaces that get another one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::process::Output;
use swarm_flow_tests::server::{Server, answer, cli, fresh};

/// Puts JSON, under a condition; gives the `ETag` too.
fn put(
    server: &Server,
    path: &str,
    condition: Option<(&str, &str)>,
    body: &Value,
) -> (StatusCode, Value, Option<String>) {
    let mut request = server.request(Method::PUT, path).json(body);
    if let Some((name, value)) = condition {
        request = request.header(name, value);
    }
    let response = request.send().unwrap();
    let etag = response.headers().get("etag");
    let etag = etag.map(|etag| etag.to_str().unwrap().to_owned());
    let (status, body) = answer(response);
    (status, body, etag)
}

#[track_caller]
fn keep(server: &Server, name: &str, body: &Value) -> u64 {
    let (status, kept, etag) = put(server, &format!("/policies/{name}"), None, body);
    assert!(status.is_success(), "{kept}");
    let version = kept["version"].as_u64().unwrap();
    assert_eq!(etag, Some(format!("\"{version}\"")));
    version
}

#[track_caller]
fn refused(answer: &(StatusCode, Value, Option<String>), status: u16, code: &str) {
    let (got, problem, _) = answer;
    assert_eq!(
        (got.as_u16(), &problem["code"]),
        (status, &json!(code)),
        "{problem}"
    );
}

fn workspace(server: &Server, policy: &Value) -> Value {
    let body = json!({"name": "demo", "environment": "base", "policy": policy});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    workspace
}

/// `granted` or `denied`.
fn tries(server: &Server, workspace: &str, what: &str, path: &str) -> String {
    let result = server.exec(workspace, &["reach", what, path]);
    result["stdout"].as_str().unwrap().trim().to_owned()
}

fn may_write(server: &Server, workspace: &str) -> String {
    tries(server, workspace, "write", "/workspace/a.txt")
}

fn read_only() -> Value {
    json!({"preset": "isolated"})
}

fn read_write() -> Value {
    json!({"preset": "isolated", "filesystem": {"read_write": ["/workspace"]}})
}

#[test]
fn a_policy_is_kept_in_versions_and_a_workspace_keeps_the_one_it_was_made_with() {
    let server = fresh();
    assert_eq!(keep(&server, "own", &read_write()), 1);
    let (status, same, _) = put(&server, "/policies/own", None, &read_write());
    assert_eq!((status.as_u16(), &same["version"]), (200, &json!(1)));
    let first = workspace(&server, &json!("own@1"));
    let last = workspace(&server, &json!("own"));
    assert_eq!(keep(&server, "own", &read_only()), 2);
    let second = workspace(&server, &json!("own"));
    for (made, version, expected) in [
        (&first, 1, "granted"),
        (&last, 1, "granted"),
        (&second, 2, "denied"),
    ] {
        let id = made["id"].as_str().unwrap();
        let found = server.get(&format!("/workspaces/{id}")).1;
        assert_eq!(
            (&found["policy"]["name"], &found["policy"]["version"]),
            (&json!("own"), &json!(version))
        );
        assert_eq!(may_write(&server, id), expected, "version {version}");
    }
    // The twins: a preset and a policy of one's own have no version.
    for policy in [json!("standard"), read_only()] {
        assert!(workspace(&server, &policy)["policy"]["version"].is_null());
    }

    let shown = |path: &str| -> Vec<String> {
        let (status, page) = server.get(path);
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| format!("{}@{}", item["name"].as_str().unwrap(), item["version"]))
            .collect()
    };
    assert_eq!(
        shown("/policies"),
        ["isolated@null", "standard@null", "privileged@null", "own@2"]
    );
    assert_eq!(shown("/policies/own/versions"), ["own@1", "own@2"]);
    assert_eq!(
        server.get("/policies/own?version=1"),
        server.get("/policies/own@1")
    );
    let write = json!({"write": {"path": "/workspace/a"}});
    for (name, expected) in [("own@1", "allow"), ("own", "deny"), ("standard", "allow")] {
        let (_, decision) = server.post(&format!("/policies/{name}/explain"), &write);
        assert_eq!(decision["decision"], expected, "{name}: {decision}");
    }

    // Forgotten; who has it keeps it, and the name goes on counting.
    assert_eq!(server.delete("/policies/own").0, 204);
    assert_eq!(server.delete("/policies/own").0, 404);
    assert_eq!(may_write(&server, first["id"].as_str().unwrap()), "granted");
    assert_eq!(keep(&server, "own", &read_write()), 3);
}

#[test]
fn a_policy_for_another_version_of_a_taken_name_or_with_faults_is_refused() {
    let server = fresh();
    let own = |condition, body: &Value| put(&server, "/policies/own", condition, body);
    let absent = Some(("if-none-match", "*"));
    refused(
        &own(Some(("if-match", "\"1\"")), &read_only()),
        412,
        "version-mismatch",
    );
    assert_eq!(own(absent, &read_only()).0, 201);
    refused(&own(absent, &read_write()), 412, "version-mismatch");
    assert_eq!(own(Some(("if-match", "\"1\"")), &read_write()).0, 201);
    refused(
        &own(Some(("if-match", "1")), &read_write()),
        400,
        "invalid-request",
    );

    for name in ["isolated", "standard", "privileged", "custom"] {
        let path = format!("/policies/{name}");
        refused(&put(&server, &path, None, &read_only()), 409, "conflict");
        let (status, problem) = server.delete(&path);
        assert_eq!(status, 409, "{problem}");
    }
    refused(
        &put(&server, "/policies/a%20b", None, &read_only()),
        400,
        "invalid-request",
    );

    let faults =
        json!({"preset": "isolated", "limits": {"handles": 0}, "network": {"public": ["ftp://x"]}});
    let (_, problem, _) = own(None, &faults);
    let fields: Vec<&Value> = problem["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["field"])
        .collect();
    assert!(
        fields.contains(&&json!("limits.handles")) && fields.contains(&&json!("network.public[0]")),
        "{problem}"
    );
    assert_eq!(problem["problems"][0]["line"], 1, "{problem}");

    let known = json!(["isolated", "standard", "privileged", "own"]);
    for (policy, told) in [
        (json!("onw"), known),
        (json!("own@9"), json!(["own@1", "own@2"])),
        (json!("standard@1"), json!(["standard"])),
    ] {
        let body = json!({"name": "demo", "environment": "base", "policy": policy});
        let (status, problem) = server.post("/workspaces", &body);
        assert_eq!(
            (status.as_u16(), &problem["kind"], &problem["known"]),
            (404, &json!("policy"), &told),
            "{problem}"
        );
    }
    let body = json!({"name": "demo", "environment": "base", "policy": faults});
    let (status, problem) = server.post("/workspaces", &body);
    assert_eq!(status, 400, "{problem}");
    assert!(
        problem["field"]
            .as_str()
            .is_some_and(|field| field.starts_with("policy.")),
        "{problem}"
    );
}

#[test]
fn a_workspace_that_gets_another_policy_runs_the_next_command_under_it() {
    let server = fresh();
    keep(&server, "own", &read_write());
    let made = workspace(&server, &json!("own"));
    let id = made["id"].as_str().unwrap();
    let path = format!("/workspaces/{id}/policy");
    let set = |condition, policy: Value| put(&server, &path, condition, &json!({"policy": policy}));
    assert_eq!(may_write(&server, id), "granted");
    let (status, changed, etag) = set(Some(("if-match", "\"1\"")), json!("isolated"));
    assert_eq!(
        (status.as_u16(), &changed["policy"]["name"], etag.as_deref()),
        (200, &json!("isolated"), Some("\"2\"")),
        "{changed}"
    );
    assert_eq!(may_write(&server, id), "denied");
    assert_eq!(tries(&server, id, "read", "/workspace/a.txt"), "granted");

    // Meant for what it was before; the same again is fine.
    refused(
        &set(Some(("if-match", "\"1\"")), json!("own@1")),
        412,
        "revision-mismatch",
    );
    assert_eq!(may_write(&server, id), "denied");
    let (status, again, _) = set(None, json!("isolated"));
    assert_eq!((status.as_u16(), &again), (200, &changed));

    assert_eq!(set(Some(("if-match", "\"2\"")), json!("own@1")).0, 200);
    assert_eq!(may_write(&server, id), "granted");
    refused(&set(None, json!("none")), 404, "not-found");
    refused(&set(None, json!({"preset": "lax"})), 400, "invalid-request");
    let nowhere = format!("/workspaces/ws_{}/policy", "0".repeat(32));
    let body = json!({"policy": "isolated"});
    refused(&put(&server, &nowhere, None, &body), 404, "not-found");
}

#[test]
fn an_agent_of_the_app_does_no_more_with_files_than_the_policy_lets_a_program() {
    let server = fresh();
    let made = workspace(&server, &read_write());
    let id = made["id"].as_str().unwrap();
    let task = |command: Value| {
        let context = json!({"command": command, "artifacts": ["a.txt"]}).to_string();
        let task = json!({"description": "make a file", "context": context});
        server.post(
            "/agents/script/tasks",
            &json!({"workspace": id, "task": task}),
        )
    };
    let set = |policy: Value| {
        let path = format!("/workspaces/{id}/policy");
        let (status, changed, _) = put(&server, &path, None, &json!({"policy": policy}));
        assert_eq!(status, 200, "{changed}");
    };
    let (status, written) = task(json!(["reach", "write", "/workspace/a.txt"]));
    assert_eq!(status, 200, "{written}");
    assert_eq!(
        (&written["output"], &written["artifacts"]),
        (&json!("granted\n"), &json!(["a.txt"]))
    );
    set(read_only());
    let (_, denied) = task(json!(["reach", "write", "/workspace/a.txt"]));
    assert_eq!(
        (&denied["output"], &denied["artifacts"]),
        (&json!("denied\n"), &json!(["a.txt"])),
        "it may still look"
    );
    // Its own tool, which is no program, is held to the policy as well.
    set(json!({"preset": "isolated", "filesystem": "none"}));
    let (status, problem) = task(json!(["hello"]));
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &json!("policy-denied")),
        "{problem}"
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("read_only"), "{detail}");
}

#[test]
fn policies_are_kept_and_given_from_the_command_line() {
    let server = fresh();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("own.toml", "preset = \"isolated\"\n");
    file(
        "open.json",
        "{\"preset\": \"isolated\", \"filesystem\": {\"read_write\": [\"/workspace\"]}}",
    );
    let run = |arguments: &[&str]| -> Output {
        cli(&server)
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let good = |arguments: &[&str]| -> String {
        let done = run(arguments);
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let bad = |arguments: &[&str]| -> String {
        let done = run(arguments);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {done:?}");
        String::from_utf8(done.stderr).unwrap()
    };
    assert_eq!(good(&["policy", "put", "own", "own.toml"]), "own@1\n");
    assert_eq!(
        good(&["policy", "put", "own", "own.toml"]),
        "own@1 (as it was)\n"
    );
    let again = bad(&["policy", "put", "own", "open.json", "--expect", "0"]);
    assert!(again.contains("the last version of `own` is 1"), "{again}");
    assert_eq!(
        good(&["policy", "put", "own", "open.json", "--expect", "1"]),
        "own@2\n"
    );
    assert_eq!(good(&["policy", "versions", "own"]).lines().count(), 3);
    assert!(good(&["policy", "list"]).contains("own"));
    assert!(good(&["policy", "show", "own@1"]).contains("read_only"));

    let write = "{\"write\": {\"path\": \"/workspace/a\"}}";
    assert!(good(&["policy", "explain", "own", write]).contains("allowed"));
    let denied = run(&["policy", "explain", "own@1", write]);
    assert_eq!(denied.status.code(), Some(1));
    let unknown = bad(&["policy", "explain", "onw", write]);
    assert!(
        unknown.contains("is no preset") && unknown.contains("there is no policy `onw`"),
        "{unknown}"
    );

    let create = ["workspace", "create", "w", "--environment", "base"];
    good(&[&create[..], &["--policy", "own@1"]].concat());
    let exec = ["exec", "w", "--", "reach", "write", "/workspace/a.txt"];
    assert_eq!(good(&exec), "denied\n");
    assert!(good(&["workspace", "policy", "w", "own"]).contains("own@2"));
    assert_eq!(good(&exec), "granted\n");
    let late = bad(&["workspace", "policy", "w", "isolated", "--expect", "1"]);
    assert!(late.contains("has revision 2"), "{late}");
    good(&["workspace", "policy", "w", "--policy-file", "own.toml"]);
    assert_eq!(good(&exec), "denied\n");
    good(&["policy", "delete", "own"]);
    bad(&["policy", "show", "own"]);
}
