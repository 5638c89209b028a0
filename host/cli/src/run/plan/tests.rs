use super::*;

fn parse(text: &str) -> Result<Plan> {
    Plan::parse(text, "folder".into(), "tasks")
}

#[test]
fn a_command_is_enough() {
    let plan = parse(r#"{"tasks":[{"command":["python","-V"]}]}"#).unwrap();
    assert_eq!(
        (plan.name.as_str(), plan.environment.as_str(), &plan.policy),
        ("tasks", "python", &"standard".into())
    );
    let task = &plan.tasks[0];
    assert_eq!(
        (task.name.as_str(), task.expect_exit_code, task.timeout_ms),
        ("task-1", 0, None)
    );
}

#[test]
fn every_field_is_read() {
    let plan = parse(
        r#"{"name":"n","environment":"shell",
            "policy":{"filesystem":{"read_only":["/workspace"]},"network":"none","limits":{"memory_bytes":65536,
              "cpu_time_ms":1,"wall_time_ms":1,"handles":1,"output_bytes":1,"disk_bytes":1,"sandboxes":1}},
            "files":[{"source":"../a","destination":"b/"}],
            "tasks":[{"name":"t","command":["p"],"env":{"K":"v"},"stdin":"s","cwd":"/tmp","timeout_ms":5,
              "expect_exit_code":3,"artifacts":[{"path":"/workspace/out/"},{"path":"x","destination":"/tmp/../y"}]}]}"#,
    )
    .unwrap();
    assert_eq!(plan.policy["network"], "none");
    assert_eq!(
        (
            plan.files[0].source.as_path(),
            plan.files[0].destination.as_str()
        ),
        (Path::new("../a"), "b/")
    );
    let artifacts = &plan.tasks[0].artifacts;
    assert_eq!(
        (
            artifacts[0].path.as_str(),
            artifacts[0].destination.as_path()
        ),
        ("out", Path::new("folder/out"))
    );
    assert_eq!(artifacts[1].destination, Path::new("/tmp/../y"));
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "invalid length"),
        (
            r#"{"tasks":[{"command":["a"]}],"files":[["a","b"]]}"#,
            "`[\"a\",\"b\"]` stands where an object must be",
        ),
        (r#"["n","e","p",[],[{"command":["a"]}]]"#, "`[\"n\","),
        ("{}", "missing field `tasks`"),
        (r#"{"tasks":[]}"#, "tasks: there are 0; give 1 to 1000"),
        (
            r#"{"tasks":[{"command":["a"]}]} x"#,
            "something stands after the JSON",
        ),
        (
            r#"{"tasks":[{"command":["a"]}],"task":1}"#,
            "task: unknown field `task`, expected one of",
        ),
        (
            r#"{"tasks":[{"command":["a"]},{"command":["a"],"timeout":1}]}"#,
            "tasks[1].timeout: unknown field `timeout`",
        ),
        (
            r#"{"tasks":[{"command":"a"}]}"#,
            "tasks[0].command: invalid type: string",
        ),
        (
            r#"{"tasks":[{"command":[]}]}"#,
            "tasks[0]: command: it names no program",
        ),
        (
            r#"{"tasks":[{"command":[""]}]}"#,
            "tasks[0]: command: it names no program",
        ),
        (
            r#"{"tasks":[{"command":["a"],"expect_exit_code":256}]}"#,
            "tasks[0].expect_exit_code: invalid value: integer `256`",
        ),
        (
            r#"{"tasks":[{"command":["a"],"timeout_ms":0}]}"#,
            "tasks[0]: timeout_ms: 0 lets nothing run",
        ),
        (
            r#"{"tasks":[{"command":["a"],"cwd":"src"}]}"#,
            "tasks[0]: cwd: `src` is relative",
        ),
        (
            r#"{"tasks":[{"command":["a"],"env":{"A=B":""}}]}"#,
            "tasks[0]: env: `A=B` cannot be",
        ),
        (
            r#"{"tasks":[{"command":["a"],"name":"x"},{"command":["a"],"name":"x"}]}"#,
            "tasks[1].name: `x` is the name of a task before it",
        ),
        (
            r#"{"tasks":[{"command":["a"]},{"command":["a"],"name":"task-1"}]}"#,
            "tasks[1].name: `task-1` is the name",
        ),
        (
            r#"{"tasks":[{"command":["a"],"artifacts":[{"path":"../x"}]}]}"#,
            "tasks[0]: artifacts[0]: path: `../x` has a part `..`",
        ),
        (
            r#"{"tasks":[{"command":["a"],"artifacts":[{"path":"."}]}]}"#,
            "tasks[0]: artifacts[0]: path: `/workspace` itself",
        ),
        (
            r#"{"tasks":[{"command":["a"],"artifacts":[{"path":"x","destination":"a/../../x"}]}]}"#,
            "tasks[0]: artifacts[0]: destination: `a/../../x` has a part `..`",
        ),
        (
            r#"{"name":"a/b","tasks":[{"command":["a"]}]}"#,
            "name: `a/b` is none",
        ),
        (
            r#"{"files":[{"source":"a","destination":"/etc"}],"tasks":[{"command":["a"]}]}"#,
            "files[0].destination: `/etc` is outside",
        ),
        (
            r#"{"policy":1,"tasks":[{"command":["a"]}]}"#,
            "policy: give the name of a policy",
        ),
        (
            r#"{"policy":{"network":"none"},"tasks":[{"command":["a"]}]}"#,
            "policy: filesystem: is missing",
        ),
    ] {
        let error = format!("{:#}", parse(text).unwrap_err());
        assert!(
            error.starts_with(expected),
            "{text}\n  says {error}\n  not  {expected}"
        );
    }
}

#[test]
fn two_files_for_one_path_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "").unwrap();
    let text =
        r#"{"files":[{"source":"a"},{"source":".","destination":""}],"tasks":[{"command":["a"]}]}"#;
    let plan = Plan::parse(text, folder.path().to_owned(), "x").unwrap();
    assert_eq!(
        plan.uploads().unwrap_err().to_string(),
        "files: `a` is put into the workspace twice"
    );
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let plan = parse(r#"{"files":[{"source":"nothing"}],"tasks":[{"command":["a"]}]}"#).unwrap();
    assert!(
        format!("{:#}", plan.uploads().unwrap_err())
            .starts_with("files[0]: look at folder/nothing: ")
    );
}
