use super::*;
use crate::scripted::Folder;
use swarm_flow_agent::tools::{Denial, Error};

fn uses(folder: &Folder, name: &str, arguments: Value) -> Result<String, String> {
    let mut work = Work::new(folder);
    let tool = select(&[name]).remove(0);
    let arguments = tool.arguments(&arguments.to_string())?;
    match call(&mut work, name, &arguments).unwrap() {
        Ok(said) => Ok(said),
        Err(Trouble::Said(said)) => Err(said),
        Err(Trouble::Broken(error)) => panic!("{error:?}"),
    }
}

#[test]
fn every_schema_is_one_that_is_checked_whole() {
    let tools = select(&ALL);
    assert_eq!(tools.len(), ALL.len());
    for tool in tools {
        assert_eq!(
            schema::unknown_keywords(&tool.schema),
            Vec::<String>::new(),
            "{}",
            tool.name
        );
        assert!(
            tool.schema["properties"]
                .as_object()
                .unwrap()
                .values()
                .all(|field| field["description"].is_string())
        );
    }
}

#[test]
fn arguments_that_break_the_schema_do_nothing_and_are_named() {
    let folder = Folder::new(&[]);
    for (name, arguments, said) in [
        (
            "bash",
            json!({}),
            "the arguments of `bash` are wrong: `command` is missing",
        ),
        (
            "bash",
            json!({"command": "touch x", "timeout": 1}),
            "`timeout` is not a field",
        ),
        ("bash", json!({"command": ["touch", "x"]}), "`command` is"),
        (
            "bash",
            json!({"command": "touch x", "timeout_ms": 0}),
            "`timeout_ms` is 0, must be 1 to 600000",
        ),
        ("read", json!({"path": ""}), "`path` has 0 characters"),
        ("write", json!({"path": "x"}), "`content` is missing"),
        (
            "edit",
            json!({"path": "x", "old_string": "", "new_string": "a"}),
            "`old_string` has 0",
        ),
        (
            "write",
            json!({"path": "../x", "content": ""}),
            "leaves /workspace",
        ),
        (
            "write",
            json!({"path": "/etc/x", "content": ""}),
            "must be in /workspace",
        ),
        (
            "write",
            json!({"path": "/workspace/", "content": ""}),
            "is the workspace and no file",
        ),
        (
            "write",
            json!({"path": "/workspacex/a", "content": ""}),
            "must be in /workspace",
        ),
    ] {
        let refused = uses(&folder, name, arguments).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let tool = select(&["bash"]).remove(0);
    assert!(
        tool.arguments("{\"command\": ")
            .unwrap_err()
            .contains("are not JSON")
    );
    assert_eq!(crate::platform::Workspace::list(&folder).unwrap(), []);
}

#[test]
fn a_command_says_how_it_ended_and_what_it_put_out() {
    let folder = Folder::new(&[("src/a.txt", "tiger\n")]);
    let said = uses(
        &folder,
        "bash",
        json!({"command": "cat a.txt; echo bad >&2; exit 3", "cwd": "/workspace/src"}),
    );
    assert_eq!(
        said.unwrap(),
        "exit code 3\n--- stdout ---\ntiger\n--- stderr ---\nbad\n"
    );
    let said = uses(
        &folder,
        "bash",
        json!({"command": "sleep 9", "timeout_ms": 50}),
    )
    .unwrap();
    assert!(
        said.starts_with("it was ended because it took longer than 50 ms"),
        "{said}"
    );
    let said = uses(
        &folder,
        "bash",
        json!({"command": "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done"}),
    )
    .unwrap();
    assert!(
        said.contains("characters are left out here") && said.contains("\n19999\n"),
        "{}",
        said.len()
    );
    assert!(said.chars().count() < OUTPUT_CHARS_MAX + 200);
}

#[test]
fn what_is_denied_is_said_with_the_change_that_would_allow_it() {
    let denial = Denial {
        capability: "http".to_owned(),
        resource: "evil.example".to_owned(),
        rule: "add \"https://evil.example\" to network.public".to_owned(),
    };
    let mut folder = Folder::new(&[]);
    folder.denied = Some(("evil", denial.clone()));
    let mut work = Work::new(&folder);
    for command in ["echo evil", "echo evil again", "echo fine"] {
        let said = call(&mut work, "bash", &json!({"command": command}))
            .unwrap()
            .unwrap();
        assert_eq!(
            said.contains("denied by the policy of the workspace: http on `evil.example`"),
            command != "echo fine",
            "{said}"
        );
    }
    assert_eq!(
        work.denials.lines(),
        ["http on `evil.example`: add \"https://evil.example\" to network.public"]
    );

    *folder.broken.borrow_mut() = Some(Error::Denied(denial));
    let refused = uses(&folder, "read", json!({"path": "a"})).unwrap_err();
    assert!(
        refused.contains("add \"https://evil.example\" to network.public"),
        "{refused}"
    );
}

#[test]
fn a_workspace_that_is_away_is_nothing_for_the_model() {
    let folder = Folder::new(&[]);
    *folder.broken.borrow_mut() = Some(Error::Unavailable("gone".to_owned()));
    let mut work = Work::new(&folder);
    let came = call(&mut work, "read", &json!({"path": "a"})).unwrap();
    assert_eq!(
        came,
        Err(Trouble::Broken(Error::Unavailable("gone".to_owned())))
    );
}

#[test]
fn lines_are_read_with_their_numbers_and_the_rest_can_be_had() {
    let long = (1..=2500)
        .map(|number| format!("line {number}\n"))
        .collect::<String>();
    let wide = "x".repeat(3000);
    let folder = Folder::new(&[
        ("a", "one\ntwo\n"),
        ("long", &long),
        ("empty", ""),
        ("wide", &wide),
    ]);
    assert_eq!(
        uses(&folder, "read", json!({"path": "./a"})).unwrap(),
        "     1\tone\n     2\ttwo\n"
    );
    assert_eq!(
        uses(
            &folder,
            "read",
            json!({"path": "/workspace/a", "offset": 2, "limit": 1})
        )
        .unwrap(),
        "     2\ttwo\n"
    );
    let some = uses(
        &folder,
        "read",
        json!({"path": "long", "offset": 3, "limit": 2}),
    )
    .unwrap();
    assert!(
        some.ends_with("     4\tline 4\n[lines 3 to 4 of 2500; read the rest with `offset` 5]\n"),
        "{some}"
    );
    assert!(
        uses(&folder, "read", json!({"path": "long", "limit": null}))
            .unwrap()
            .ends_with("with `offset` 2001]\n")
    );
    assert_eq!(
        uses(&folder, "read", json!({"path": "empty"})).unwrap(),
        "[`empty` is empty]"
    );
    assert!(
        uses(&folder, "read", json!({"path": "wide"}))
            .unwrap()
            .contains("1000 more characters in this line")
    );
    assert!(
        uses(&folder, "read", json!({"path": "a", "offset": 3}))
            .unwrap_err()
            .contains("`a` has 2 lines")
    );
    assert_eq!(
        uses(&folder, "read", json!({"path": "none"})).unwrap_err(),
        "there is no file `none`"
    );
    let lines = format!("{}\n", "y".repeat(1500)).repeat(100);
    let folder = Folder::new(&[("big", &lines)]);
    let big = uses(&folder, "read", json!({"path": "big"})).unwrap();
    assert!(
        big.contains("[… ") && big.contains("left out")
            || big.contains("read the rest with `offset`"),
        "{}",
        big.len()
    );
}

#[test]
fn an_edit_is_done_where_the_text_is_once_and_else_says_where_it_is() {
    let content = "def add(a, b):\n    return a - b\n\ndef sub(a, b):\n    return a - b\n";
    let folder = Folder::new(&[("m.py", content), ("crlf", "a\r\nb\r\n"), ("empty", "")]);
    let edit = |old: &str, new: &str, all: bool| {
        uses(
            &folder,
            "edit",
            json!({"path": "m.py", "old_string": old, "new_string": new, "replace_all": all}),
        )
    };
    let twice = edit("return a - b", "return a + b", false).unwrap_err();
    assert!(
        twice.contains("is 2 times in `m.py`, at the lines 2, 5"),
        "{twice}"
    );
    let white = edit("def add(a, b):\n  return a - b", "", false).unwrap_err();
    assert!(
        white.contains("white space differs") && white.contains("     1\tdef add(a, b):"),
        "{white}"
    );
    let none = edit("def ad(a, c):", "", false).unwrap_err();
    assert!(
        none.contains("is not in `m.py`. The nearest lines are:\n     1\tdef add(a, b):"),
        "{none}"
    );
    assert!(
        edit("def", "def", false)
            .unwrap_err()
            .contains("are the same")
    );
    assert_eq!(folder.text("m.py"), content);

    assert_eq!(
        edit(
            "add(a, b):\n    return a - b",
            "add(a, b):\n    return a + b",
            false
        )
        .unwrap(),
        "replaced it in `m.py`, at line 1"
    );
    assert_eq!(
        edit("(a, b)", "(b, a)", true).unwrap(),
        "replaced 2 of them in `m.py`"
    );
    assert_eq!(
        folder.text("m.py"),
        "def add(b, a):\n    return a + b\n\ndef sub(b, a):\n    return a - b\n"
    );
    for (path, said) in [
        ("crlf", "its lines end with"),
        ("empty", "which is empty"),
        ("none", "there is no file"),
    ] {
        let refused = uses(
            &folder,
            "edit",
            json!({"path": path, "old_string": "a\nb", "new_string": ""}),
        )
        .unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn what_is_written_is_there_whole() {
    let folder = Folder::new(&[("a", "old")]);
    assert_eq!(
        uses(&folder, "write", json!({"path": "a", "content": "x\ny"})).unwrap(),
        "wrote 2 lines to `a`"
    );
    assert_eq!(
        uses(&folder, "write", json!({"path": "new/./b", "content": ""})).unwrap(),
        "wrote 0 lines to `new/b`"
    );
    assert_eq!(
        (folder.text("a"), folder.text("new/b")),
        ("x\ny".to_owned(), String::new())
    );
}
