//! Programs of users: kept by the runners, remembered here.

use super::*;
use crate::programs::{New, add, get, remove};
use swarm_flow_protocol::{
    ImportGroup, Origin, PROGRAM_BYTES_MAX, Program, ProgramDetails, ProgramKind,
};

fn program(name: &str, version: &str, origin: Origin) -> Program {
    Program {
        name: name.to_owned(),
        aliases: vec![format!("{name}-alias")],
        version: version.to_owned(),
        origin,
        environments: Vec::new(),
        digest: "0d".repeat(32),
        size_bytes: 3,
        agent: None,
    }
}

fn joined_with(database: &Memory, id: &str, programs: &[Program]) {
    let registration = Registration {
        id: id.to_owned(),
        url: format!("http://{id}"),
        programs: programs.to_vec(),
        environments: Vec::new(),
        walls: Vec::new(),
    };
    runners::join(database, registration).unwrap();
}

/// A runner that takes every program, under the version that it is asked for or else 7.
fn takes(call: &Call) -> Result<Answer, Failure> {
    let version = call.url.split("version=").nth(1);
    let version = version.map_or("7", |rest| rest.split('&').next().unwrap());
    let details = ProgramDetails {
        program: program("tool", version, Origin::Added),
        kind: ProgramKind::Component,
        imports: vec![ImportGroup {
            capability: None,
            interfaces: vec!["wasi:cli/exit@0.2.3".to_owned()],
        }],
        license: None,
        compiled: false,
    };
    Ok(Answer {
        status: if call.method == Method::Delete {
            204
        } else {
            200
        },
        body: serde_json::to_vec(&details).unwrap(),
        ..Answer::default()
    })
}

fn away_is_b(call: &Call) -> Result<Answer, Failure> {
    if call.url.starts_with("http://b/") {
        away(call)
    } else {
        takes(call)
    }
}

fn refuses(_: &Call) -> Result<Answer, Failure> {
    let error = Error::Invalid {
        field: "body".to_owned(),
        message: "it is no WebAssembly".to_owned(),
    };
    Ok(Answer {
        status: 400,
        body: serde_json::to_vec(&error).unwrap(),
        ..Answer::default()
    })
}

fn new(name: &str) -> New {
    New {
        name: name.to_owned(),
        version: None,
        digest: None,
        agent: false,
        bytes: b"abc".to_vec(),
    }
}

/// The kinds and payloads of a program's events.
fn events(database: &Memory, name: &str) -> Vec<(String, String)> {
    let stream = format!("program:{name}");
    let events = events_after(database, 0, Some(&stream), 10).unwrap();
    events
        .into_iter()
        .map(|event| {
            assert_eq!(event.actor, "user");
            (event.kind, event.payload)
        })
        .collect()
}

fn urls(wire: &Fake) -> Vec<String> {
    wire.calls
        .borrow_mut()
        .drain(..)
        .map(|(_, url)| url)
        .collect()
}

#[test]
fn a_program_goes_to_every_runner_and_is_one_event() {
    let (database, wire) = (database(), fake(takes));
    joined_with(&database, "a", &[]);
    joined_with(&database, "b", &[program("tool", "7", Origin::Added)]);
    database.take_statements();
    let added = add(&database, &wire, new("tool")).unwrap();
    assert_eq!(
        database.take_statements(),
        3,
        "the runners, the last event, the new one"
    );
    assert!(added.created && added.left_out.is_empty());
    assert_eq!(added.offered.runners, ["b", "a"]);
    let digest = "0d".repeat(32);
    // What one says of its version and digest is asked of the other.
    assert_eq!(
        urls(&wire),
        [
            "http://b/v1/programs/tool?".to_owned(),
            format!("http://a/v1/programs/tool?version=7&digest={digest}"),
        ]
    );
    let again = add(&database, &wire, new("tool")).unwrap();
    assert!(!again.created);
    let payload =
        |version: &str| format!(r#"{{"name":"tool","version":"{version}","digest":"{digest}"}}"#);
    let one = ("program.added".to_owned(), payload("7"));
    assert_eq!(events(&database, "tool"), std::slice::from_ref(&one));
    let other = New {
        version: Some("8+x".to_owned()),
        ..new("tool")
    };
    urls(&wire);
    assert!(!add(&database, &wire, other).unwrap().created);
    assert_eq!(urls(&wire)[0], "http://b/v1/programs/tool?version=8%2Bx");
    assert_eq!(events(&database, "tool").len(), 2);
}

#[test]
fn a_runner_that_is_away_is_left_out() {
    let (database, wire) = (database(), fake(away_is_b));
    joined_with(&database, "a", &[]);
    joined_with(&database, "b", &[]);
    let added = add(&database, &wire, new("tool")).unwrap();
    assert_eq!(added.offered.runners, ["a"]);
    assert_eq!(added.left_out[0].runner, "b");
    assert!(added.left_out[0].reason.contains("cannot be reached"));
    assert_eq!(events(&database, "tool").len(), 1);
    // The twin: nobody is there, and nothing is remembered.
    let nobody = add(&database, &fake(away), new("other")).unwrap_err();
    assert!(matches!(nobody, Error::Unavailable { .. }));
    assert!(events(&database, "other").is_empty());
}

#[test]
fn what_is_refused_leaves_nothing() {
    let (database, wire) = (database(), fake(takes));
    let nobody = add(&database, &wire, new("tool")).unwrap_err();
    assert!(matches!(nobody, Error::Unavailable { message } if message.starts_with("no-runner: ")));
    joined_with(&database, "a", &[]);
    joined_with(&database, "b", &[program("python", "3", Origin::Shipped)]);
    let wrong = |field: &str, new: New| {
        let error = add(&database, &wire, new).unwrap_err();
        assert!(
            matches!(&error, Error::Invalid { field: at, .. } if at == field),
            "{error}"
        );
    };
    wrong("name", new("../x"));
    wrong(
        "version",
        New {
            version: Some(String::new()),
            ..new("tool")
        },
    );
    wrong(
        "digest",
        New {
            digest: Some("0D".repeat(32)),
            ..new("tool")
        },
    );
    for name in ["python", "python-alias"] {
        let error = add(&database, &wire, new(name)).unwrap_err();
        assert!(
            matches!(&error, Error::Conflict { message } if message.contains("`python` 3")),
            "{error}"
        );
        let error = remove(&database, &wire, name).unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }
    let large = New {
        bytes: vec![0; PROGRAM_BYTES_MAX as usize + 1],
        ..new("tool")
    };
    let error = add(&database, &wire, large).unwrap_err();
    assert!(matches!(
        error,
        Error::TooLarge {
            allowed: PROGRAM_BYTES_MAX,
            ..
        }
    ));
    assert!(urls(&wire).is_empty());
    // The first runner that looks at the bytes refuses them for all.
    let wire = fake(refuses);
    let error = add(&database, &wire, new("tool")).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }));
    assert_eq!(urls(&wire).len(), 1);
    assert!(events(&database, "tool").is_empty());
}

#[test]
fn a_program_is_described_by_a_runner_that_has_it() {
    let (database, wire) = (database(), fake(away_is_b));
    joined_with(&database, "a", &[]);
    joined_with(&database, "b", &[program("tool", "7", Origin::Added)]);
    let error = get(&database, &wire, "tool").unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    joined_with(&database, "c", &[program("tool", "7", Origin::Added)]);
    for name in ["tool", "tool-alias"] {
        let found = get(&database, &wire, name).unwrap();
        assert_eq!(found.runners, ["b", "c"]);
        assert_eq!(found.details.program.name, "tool");
    }
    let error = get(&database, &wire, "no").unwrap_err();
    assert!(
        matches!(error, Error::NotFound { kind, known, .. } if kind == "program" && known == ["tool"])
    );
}

#[test]
fn a_removed_program_is_one_event_and_is_removed_where_it_came_back() {
    let (database, wire) = (database(), fake(takes));
    joined_with(&database, "a", &[]);
    let error = remove(&database, &wire, "tool").unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
    add(&database, &wire, new("tool")).unwrap();
    joined_with(&database, "a", &[program("tool", "7", Origin::Added)]);
    let error = remove(&database, &fake(away), "tool").unwrap_err();
    assert!(matches!(error, Error::Unavailable { message } if message.contains("remove it again")));
    assert_eq!(events(&database, "tool").len(), 1);
    urls(&wire);
    remove(&database, &wire, "tool").unwrap();
    assert_eq!(urls(&wire), ["http://a/v1/programs/tool"]);
    let removed = &events(&database, "tool")[1];
    assert_eq!(removed.0, "program.removed");
    assert!(removed.1.contains(r#""version":"7""#) && removed.1.contains(&"0d".repeat(32)));
    joined_with(&database, "a", &[]);
    assert!(remove(&database, &wire, "tool").is_err());
    joined_with(&database, "late", &[program("tool", "6", Origin::Added)]);
    remove(&database, &wire, "tool").unwrap();
    let late = &events(&database, "tool")[2];
    assert!(late.1.contains(r#""version":"6""#), "{}", late.1);
    // The name may come back.
    assert!(add(&database, &wire, new("tool")).unwrap().created);
}
