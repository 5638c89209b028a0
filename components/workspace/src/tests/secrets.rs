//! Secrets: bound here, kept by the runner.

use super::*;
use crate::secrets::{delete, list, put};
use swarm_flow_protocol::{Binding, Placement, SECRETS_MAX};

const VALUE: &str = "hunter22-tiger";

fn binding(host: &str) -> Binding {
    Binding {
        hosts: vec![host.to_owned()],
        placement: Placement::Variable("KEY".to_owned()),
    }
}

fn made(database: &Memory) -> String {
    joined(database, "home", &["python"]);
    lifecycle::create(database, &fake(agrees), config("demo", None))
        .unwrap()
        .id
}

fn put_one(database: &Memory, wire: &Fake, id: &str, name: &str) -> Result<bool, Error> {
    put(
        database,
        wire,
        id,
        name,
        binding("https://a.example"),
        VALUE.to_owned(),
    )
    .map(|put| put.1)
}

fn urls(wire: &Fake) -> Vec<(Method, String)> {
    let calls = wire.calls.borrow();
    let after = |url: &String| url.split("/v1/workspaces/").nth(1).unwrap()[35..].to_owned();
    calls
        .iter()
        .map(|(method, url)| (*method, after(url)))
        .collect()
}

#[test]
fn a_secret_is_put_at_its_runner_and_remembered_without_its_value() {
    let (database, wire) = (database(), fake(agrees));
    let id = made(&database);
    assert_eq!(put_one(&database, &wire, &id, "KEY"), Ok(true));
    let first = list(&database, &id).unwrap();
    assert_eq!(first[0].binding, binding("https://a.example"));
    let again = put(
        &database,
        &wire,
        &id,
        "KEY",
        binding("https://b.example"),
        VALUE.to_owned(),
    );
    let (again, new) = again.unwrap();
    assert!(!new);
    assert_eq!(again.created_at_ms, first[0].created_at_ms);
    assert_eq!(list(&database, &id).unwrap(), [again]);
    assert_eq!(
        urls(&wire),
        vec![(Method::Put, "/secrets/KEY".to_owned()); 2]
    );

    let events = events_after(&database, 0, Some(&id), 10).unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["workspace.created", "secret.put", "secret.put"]);
    assert_eq!(
        events[1].payload,
        r#"{"name":"KEY","binding":{"hosts":["https://a.example"],"placement":{"variable":"KEY"}}}"#
    );
    // The head moved along: the workspace can still be changed.
    let workspace = lifecycle::get(&database, &id).unwrap();
    assert_eq!(workspace.head.sequence, 3);
    lifecycle::stop(&database, &fake(agrees), &id).unwrap();
}

#[test]
fn what_is_refused_reaches_nobody_and_repeats_no_value() {
    let (database, wire) = (database(), fake(agrees));
    let id = made(&database);
    for (name, host, value, field) in [
        ("1", "https://a.example", VALUE, "name"),
        ("A", "a.example", VALUE, "hosts[0]"),
        ("A", "https://a.example", "hunter2", "value"),
        ("A", "https://a.example", "hunter22-tiger\n", "value"),
    ] {
        let refused = put(&database, &wire, &id, name, binding(host), value.to_owned());
        let Err(Error::Invalid {
            field: wrong,
            message,
        }) = refused
        else {
            panic!("{name} {host}");
        };
        assert_eq!(wrong, field);
        assert!(!message.contains("hunter"), "{message}");
    }
    assert!(wire.calls.borrow().is_empty() && list(&database, &id).unwrap().is_empty());
}

#[test]
fn where_the_runner_is_away_nothing_changes() {
    let (database, wire) = (database(), fake(agrees));
    let id = made(&database);
    assert_eq!(put_one(&database, &wire, &id, "KEY"), Ok(true));
    let unreachable = fake(away);
    let refused = put_one(&database, &unreachable, &id, "OTHER");
    assert!(matches!(refused, Err(Error::Unavailable { .. })));
    let refused = delete(&database, &unreachable, &id, "KEY");
    assert!(matches!(refused, Err(Error::Unavailable { .. })));
    let names: Vec<_> = list(&database, &id)
        .unwrap()
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    assert_eq!(names, ["KEY"]);
}

#[test]
fn a_secret_is_deleted_at_its_runner_and_then_here() {
    let (database, wire) = (database(), fake(agrees));
    let id = made(&database);
    for name in ["A", "B"] {
        put_one(&database, &wire, &id, name).unwrap();
    }
    delete(&database, &wire, &id, "A").unwrap();
    let refused = delete(&database, &wire, &id, "A").unwrap_err();
    assert!(matches!(refused, Error::NotFound { known, .. } if known == ["B"]));
    // Not listed, and passed on all the same: a crash may have left it there.
    assert_eq!(
        urls(&wire)[2..],
        vec![(Method::Delete, "/secrets/A".to_owned()); 2]
    );
    assert_eq!(list(&database, &id).unwrap().len(), 1);

    lifecycle::delete(&database, &wire, &id).unwrap();
    assert!(matches!(list(&database, &id), Err(Error::NotFound { .. })));
    assert!(crate::store::secrets(&database, &id).unwrap().is_empty());
}

#[test]
fn a_workspace_has_so_many_secrets_and_no_more() {
    let (database, wire) = (database(), fake(agrees));
    let id = made(&database);
    for number in 0..SECRETS_MAX {
        put_one(&database, &wire, &id, &format!("S{number}")).unwrap();
    }
    let refused = put_one(&database, &wire, &id, "ONE_MORE");
    assert!(matches!(refused, Err(Error::Conflict { .. })));
    assert_eq!(put_one(&database, &wire, &id, "S7"), Ok(false));
    assert_eq!(wire.calls.borrow().len(), SECRETS_MAX + 1);
}

#[test]
fn a_workspace_that_is_not_there_has_none() {
    let (database, wire) = (database(), fake(agrees));
    let id = "ws_00000000000000000000000000000000";
    assert!(matches!(list(&database, id), Err(Error::NotFound { .. })));
    assert!(matches!(
        put_one(&database, &wire, id, "A"),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        delete(&database, &wire, id, "A"),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        list(&database, "../etc"),
        Err(Error::Invalid { .. })
    ));
}
