//! The component against a real SQLite and a runner that the test plays.

use crate::command::{self, Command};
use crate::input::{self, Piece};
use crate::model::{Config, Page, State};
use crate::{files, lifecycle, runners, store};
use std::cell::RefCell;
use swarm_flow_policy::Preset;
use swarm_flow_protocol::{Environment, Error, Registration};
use swarm_flow_state::{events_after, native::Memory};
use swarm_flow_wire::{Answer, Call, Failure, Method, Pieces, Wire};

mod policy;
mod programs;
mod secrets;

type Respond = fn(&Call) -> Result<Answer, Failure>;

/// A runner that does as the test says, and what it was asked.
struct Fake {
    respond: Respond,
    calls: RefCell<Vec<(Method, String)>>,
}

struct NoPieces;

impl Pieces for NoPieces {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }
}

impl Wire for Fake {
    type Pieces = NoPieces;

    fn call(&self, call: Call) -> Result<Answer, Failure> {
        self.calls
            .borrow_mut()
            .push((call.method, call.url.clone()));
        (self.respond)(&call)
    }

    fn open(&self, call: Call) -> Result<Result<NoPieces, Answer>, Failure> {
        self.call(call).map(|_| Ok(NoPieces))
    }
}

fn fake(respond: Respond) -> Fake {
    Fake {
        respond,
        calls: RefCell::default(),
    }
}

fn agrees(_: &Call) -> Result<Answer, Failure> {
    Ok(Answer {
        status: 204,
        ..Answer::default()
    })
}

fn away(_: &Call) -> Result<Answer, Failure> {
    Err(Failure::Unreachable("ConnectionRefused".to_owned()))
}

fn database() -> Memory {
    Memory::open().unwrap()
}

fn joined(database: &Memory, id: &str, environments: &[&str]) {
    let environment = |name: &&str| Environment {
        name: (*name).to_owned(),
        language: String::new(),
        version: String::new(),
        packages: Vec::new(),
    };
    let registration = Registration {
        id: id.to_owned(),
        url: format!("http://{id}"),
        programs: Vec::new(),
        environments: environments.iter().map(environment).collect(),
        walls: Vec::new(),
    };
    runners::join(database, registration).unwrap();
}

fn config(name: &str, key: Option<&str>) -> Config {
    Config {
        name: name.to_owned(),
        environment: "python".to_owned(),
        policy_name: "standard".to_owned(),
        policy_version: 0,
        policy: Preset::Standard.policy(),
        idempotency_key: key.map(str::to_owned),
    }
}

fn python() -> Command {
    Command {
        argv: vec!["python".to_owned()],
        ..Command::default()
    }
}

#[test]
fn a_workspace_is_made_at_its_runner_and_then_found() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    database.take_statements();
    let made = lifecycle::create(&database, &wire, config("demo", None)).unwrap();
    assert_eq!(
        database.take_statements(),
        2,
        "one to choose a runner, one to remember"
    );
    let url = format!("http://home/v1/workspaces/{}", made.id);
    assert_eq!(*wire.calls.borrow(), [(Method::Put, url)]);
    assert_eq!(lifecycle::get(&database, &made.id).unwrap(), made);
    assert_eq!(database.take_statements(), 1);
}

#[test]
fn the_runner_with_the_fewest_workspaces_that_has_the_environment_is_chosen() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "a", &["python"]);
    joined(&database, "b", &["python"]);
    joined(&database, "c", &["node"]);
    let runners: Vec<_> = (0..4)
        .map(|_| {
            lifecycle::create(&database, &wire, config("demo", None))
                .unwrap()
                .made
                .runner
        })
        .collect();
    assert_eq!(runners, ["a", "b", "a", "b"]);
}

#[test]
fn a_runner_that_is_away_is_passed_over_and_nothing_is_written_when_all_are() {
    let database = database();
    joined(&database, "a", &["python"]);
    joined(&database, "b", &["python"]);
    let one = fake(|call| {
        if call.url.starts_with("http://a/") {
            away(call)
        } else {
            agrees(call)
        }
    });
    assert_eq!(
        lifecycle::create(&database, &one, config("demo", None))
            .unwrap()
            .made
            .runner,
        "b"
    );
    let error = lifecycle::create(&database, &fake(away), config("demo", None)).unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { message } if message.contains("nothing was done"))
    );
    assert_eq!(
        store::list(&database, &Page::default())
            .unwrap()
            .items
            .len(),
        1
    );
}

#[test]
fn an_unknown_environment_is_answered_with_the_known_ones() {
    let (database, wire) = (database(), fake(agrees));
    let nobody = lifecycle::create(&database, &wire, config("demo", None)).unwrap_err();
    assert!(matches!(nobody, Error::Unavailable { message } if message.starts_with("no-runner: ")));
    joined(&database, "a", &["node", "empty"]);
    let error = lifecycle::create(&database, &wire, config("demo", None)).unwrap_err();
    let known = vec!["empty".to_owned(), "node".to_owned()];
    assert_eq!(
        error,
        Error::NotFound {
            kind: "environment".to_owned(),
            id: "python".to_owned(),
            known
        }
    );
    assert!(wire.calls.borrow().is_empty());
}

#[test]
fn a_key_makes_one_workspace() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    let first = lifecycle::create(&database, &wire, config("demo", Some("k"))).unwrap();
    let again = lifecycle::create(&database, &wire, config("demo", Some("k"))).unwrap();
    assert_eq!(first, again);
    let other = lifecycle::create(&database, &wire, config("other", Some("k"))).unwrap_err();
    assert!(
        matches!(other, Error::Conflict { message } if message.starts_with("idempotency-conflict: "))
    );
    lifecycle::delete(&database, &wire, &first.id).unwrap();
    assert!(lifecycle::create(&database, &wire, config("demo", Some("k"))).is_err());
}

#[test]
fn bad_configurations_are_refused_before_anyone_is_asked() {
    let (database, wire) = (database(), fake(agrees));
    let long = "a".repeat(64);
    for name in ["", "a/b", "-a", ".a", "a b", "ä", long.as_str()] {
        let error = lifecycle::create(&database, &wire, config(name, None)).unwrap_err();
        assert!(
            matches!(error, Error::Invalid { field, .. } if field == "name"),
            "{name}"
        );
    }
    let mut zero = config("demo", None);
    zero.policy.limits.handles = 0;
    let error = lifecycle::create(&database, &wire, zero).unwrap_err();
    assert!(matches!(error, Error::Invalid { field, .. } if field == "policy.limits.handles"));
    assert_eq!(database.take_statements(), 0);
}

#[test]
fn start_and_stop_change_something_once() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &wire, config("demo", None)).unwrap();
    assert_eq!(lifecycle::start(&database, &made.id).unwrap(), made);
    let stopped = lifecycle::stop(&database, &wire, &made.id).unwrap();
    assert_eq!((stopped.state, stopped.head.sequence), (State::Stopped, 2));
    assert_eq!(
        lifecycle::stop(&database, &wire, &made.id).unwrap(),
        stopped
    );
    let exec = command::exec(&database, &wire, &made.id, python()).unwrap_err();
    assert!(
        matches!(exec, Error::Conflict { message } if message.starts_with("workspace-stopped: "))
    );
    let started = lifecycle::start(&database, &made.id).unwrap();
    assert_eq!((started.state, started.head.sequence), (State::Started, 3));
    assert_eq!(lifecycle::get(&database, &made.id).unwrap(), started);
}

#[test]
fn the_second_of_two_deletions_finds_nothing() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &wire, config("demo", None)).unwrap();
    // Even where the runner is away the workspace is gone: the runner sweeps when it joins.
    lifecycle::delete(&database, &fake(away), &made.id).unwrap();
    let again = lifecycle::delete(&database, &wire, &made.id).unwrap_err();
    assert!(matches!(again, Error::NotFound { kind, .. } if kind == "workspace"));
    assert_eq!(
        store::held(&database, "home").unwrap(),
        Vec::<String>::new()
    );
    let kinds: Vec<_> = events_after(&database, 0, Some(&made.id), 10)
        .unwrap()
        .into_iter()
        .map(|e| e.kind)
        .collect();
    assert_eq!(kinds, ["workspace.created", "workspace.deleted"]);
}

#[test]
fn an_id_of_another_kind_is_refused_without_a_statement() {
    let (database, wire) = (database(), fake(agrees));
    let run = format!("run_{}", "0".repeat(32));
    for error in [
        lifecycle::get(&database, &run).unwrap_err(),
        lifecycle::delete(&database, &wire, &run).unwrap_err(),
        command::exec(&database, &wire, &run, python()).unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::Invalid { field, message } if field == "id" && message.contains("of a run"))
        );
    }
    assert_eq!(database.take_statements(), 0);
}

#[test]
fn pages_follow_one_another_to_the_end() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        lifecycle::create(&database, &wire, config(name, None)).unwrap();
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = store::list(
            &database,
            &Page {
                cursor,
                limit: Some(2),
            },
        )
        .unwrap();
        found.extend(page.items.into_iter().map(|item| item.made.name));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, names);
    for limit in [0, 1001] {
        assert!(
            store::list(
                &database,
                &Page {
                    cursor: None,
                    limit: Some(limit)
                }
            )
            .is_err()
        );
    }
}

#[test]
fn a_command_goes_to_the_runner_with_the_workspace_s_policy() {
    let database = database();
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &fake(agrees), config("demo", None)).unwrap();
    let wire = fake(|call| {
        let (content_type, body) = call.body.as_ref().unwrap();
        assert_eq!(*content_type, "application/json");
        let request: swarm_flow_protocol::ExecRequest = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (request.environment.as_str(), request.policy),
            ("python", Preset::Standard.policy())
        );
        assert_eq!(call.silence_ms_max, 35_000);
        Ok(Answer {
            status: 404,
            body: br#"{"error":"not_found","kind":"program","id":"python","known":["nu"]}"#
                .to_vec(),
            file_header: None,
        })
    });
    let mut command = python();
    command.limits.wall_time_ms = Some(5_000);
    let error = command::exec(&database, &wire, &made.id, command).unwrap_err();
    assert!(
        matches!(error, Error::NotFound { kind, known, .. } if kind == "program" && known == ["nu"])
    );
}

#[test]
fn bad_commands_are_refused_by_field() {
    let (database, wire) = (database(), fake(agrees));
    let id = format!("ws_{}", "0".repeat(32));
    type Spoil = fn(&mut Command);
    let cases: [(&str, Spoil); 7] = [
        ("command", |command| command.argv.clear()),
        ("command[0]", |command| command.argv[0].clear()),
        ("command[1]", |command| command.argv.push("a\0b".to_owned())),
        ("env.A=B", |command| {
            command.env.push(("A=B".to_owned(), String::new()))
        }),
        ("cwd", |command| command.cwd = Some("src".to_owned())),
        ("timeout_ms", |command| {
            command.limits.wall_time_ms = Some(0)
        }),
        ("limits.memory_bytes", |command| {
            command.limits.memory_bytes = Some(0)
        }),
    ];
    for (expected, spoil) in cases {
        let mut command = python();
        spoil(&mut command);
        let error = command::exec(&database, &wire, &id, command).unwrap_err();
        assert!(
            matches!(&error, Error::Invalid { field, .. } if field == expected),
            "{expected}: {error:?}"
        );
    }
}

#[test]
fn a_runner_that_leaves_in_the_middle_leaves_the_fate_unknown() {
    let database = database();
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &fake(agrees), config("demo", None)).unwrap();
    let wire = fake(|_| Err(Failure::BrokeOff("HttpResponseIncomplete".to_owned())));
    let error = command::exec(&database, &wire, &made.id, python()).unwrap_err();
    assert!(matches!(error, Error::Unavailable { message } if message.contains("is unknown")));
    runners::leave(&database, "home").unwrap();
    let error = command::exec(&database, &wire, &made.id, python()).unwrap_err();
    assert!(matches!(error, Error::Unavailable { message } if message.contains("has left")));
}

#[test]
fn paths_are_checked_and_encoded() {
    let database = database();
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &fake(agrees), config("demo", None)).unwrap();
    let wire = fake(|_| {
        Ok(Answer {
            status: 200,
            file_header: Some(
                r#"{"path":"a b.py","kind":"file","size_bytes":2,"modified_at_ms":1}"#.to_owned(),
            ),
            body: b"hi".to_vec(),
        })
    });
    let range = files::ByteRange {
        offset: 1,
        length: Some(1),
    };
    let content = files::read(&database, &wire, &made.id, "a b.py", Some(range)).unwrap();
    assert_eq!((content.info.size_bytes, content.offset), (2, 1));
    assert!(
        wire.calls.borrow()[0]
            .1
            .ends_with("/files/a%20b.py?offset=1&length=1")
    );
    for path in [
        "",
        "/etc/passwd",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        "./a",
        "a\0b",
    ] {
        let error = files::delete(&database, &wire, &made.id, path).unwrap_err();
        assert!(
            matches!(error, Error::Invalid { field, .. } if field == "path"),
            "{path}"
        );
    }
}

#[test]
fn input_goes_to_the_command_s_runner_and_says_how_much_was_taken() {
    let (database, wire) = (database(), fake(agrees));
    joined(&database, "home", &["python"]);
    let made = lifecycle::create(&database, &wire, config("demo", None)).unwrap();
    let wire = fake(|call| {
        assert_eq!(
            call.body,
            Some(("application/octet-stream", b"abc".to_vec()))
        );
        Ok(Answer {
            status: 200,
            body: br#"{"taken_bytes":2}"#.to_vec(),
            ..Answer::default()
        })
    });
    let piece = Piece {
        bytes: b"abc".to_vec(),
        last: true,
        offset: Some(7),
        wait_ms: Some(5),
    };
    let write = |id: &str, piece: Piece| input::write(&database, &wire, id, "ex/../1", piece);
    assert_eq!(write(&made.id, piece.clone()), Ok(2));
    assert!(
        wire.calls.borrow()[0]
            .1
            .ends_with("/exec/ex%2F..%2F1/stdin?last=true&wait_ms=5&offset=7")
    );
    let patient = Piece {
        wait_ms: Some(20_001),
        ..piece.clone()
    };
    assert!(matches!(
        write(&made.id, patient),
        Err(Error::Invalid { field, .. }) if field == "wait_ms"
    ));
    let large = Piece {
        bytes: vec![0; (1 << 20) + 1],
        ..piece
    };
    assert!(matches!(
        write(&made.id, large),
        Err(Error::TooLarge { .. })
    ));
    assert_eq!(wire.calls.borrow().len(), 1);
}

#[test]
fn a_runner_joins_lives_and_leaves() {
    let database = database();
    assert!(matches!(
        runners::heartbeat(&database, "home"),
        Err(Error::NotFound { .. })
    ));
    joined(&database, "home", &["python"]);
    joined(&database, "home", &["python", "node"]);
    runners::heartbeat(&database, "home").unwrap();
    let found = store::runners(&database).unwrap();
    assert_eq!((found.len(), found[0].environments.len()), (1, 2));
    assert!(
        found[0].alive(found[0].seen_at_ms + 30_000)
            && !found[0].alive(found[0].seen_at_ms + 30_001)
    );
    runners::leave(&database, "home").unwrap();
    assert!(matches!(
        runners::leave(&database, "home"),
        Err(Error::NotFound { .. })
    ));
    assert!(store::runners(&database).unwrap().is_empty());
    joined(&database, "home", &["python"]);
}

#[test]
fn a_registration_that_is_none_is_refused() {
    let database = database();
    for url in [
        "",
        "home",
        "ftp://home",
        "http://",
        "http://home/path",
        "http://a@b",
        "http://home?x",
    ] {
        let registration = Registration {
            id: "home".to_owned(),
            url: url.to_owned(),
            programs: Vec::new(),
            environments: Vec::new(),
            walls: Vec::new(),
        };
        let error = runners::join(&database, registration).unwrap_err();
        assert!(
            matches!(error, Error::Invalid { field, .. } if field == "url"),
            "{url}"
        );
    }
}
