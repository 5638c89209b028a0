use super::*;
use crate::native::Memory;

fn event(kind: &'static str, payload: &str) -> NewEvent {
    NewEvent {
        kind,
        payload: payload.to_owned(),
    }
}

fn created(name: &str) -> NewEvent {
    let payload = serde_json::json!({
        "name": name,
        "environment": {"name": "python"},
        "policy_name": "standard",
        "policy": {},
        "runner": "home",
    });
    NewEvent::new("workspace.created", &payload).unwrap()
}

#[test]
fn the_first_statement_makes_the_tables_and_the_next_is_one_statement() {
    let database = Memory::open().unwrap();
    let head = append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    assert!(database.take_statements() > 1);
    let two = [event("x.y", "{}"), event("x.z", "{}")];
    let head = append(&database, "a", &head, &two, "user", 2).unwrap();
    assert_eq!(head.sequence, 3);
    assert_eq!(database.take_statements(), 1);
}

#[test]
fn reading_an_empty_database_finds_nothing() {
    let database = Memory::open().unwrap();
    assert_eq!(head(&database, "a"), Ok(Head::default()));
    assert_eq!(events_after(&database, 0, None, 10), Ok(Vec::new()));
}

#[test]
fn the_slower_of_two_writers_conflicts_and_changes_nothing() {
    let database = Memory::open().unwrap();
    let base = append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    let first = append(&database, "a", &base, &[event("x.first", "{}")], "user", 2).unwrap();
    let slower = [event("x.second", "{}"), event("x.third", "{}")];
    assert_eq!(
        append(&database, "a", &base, &slower, "user", 3),
        Err(AppendError::Conflict)
    );
    assert_eq!(head(&database, "a").unwrap(), first);
    assert_eq!(events_after(&database, 0, None, 10).unwrap().len(), 2);
}

#[test]
fn two_creations_of_one_stream_conflict() {
    let database = Memory::open().unwrap();
    append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    let again = append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    );
    assert_eq!(again, Err(AppendError::Conflict));
}

#[test]
fn a_gap_or_a_forged_predecessor_is_refused() {
    let database = Memory::open().unwrap();
    let head = append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    for wrong in [
        Head {
            sequence: 5,
            ..head.clone()
        },
        Head {
            hash: "0".repeat(64),
            ..head.clone()
        },
    ] {
        let error = append(&database, "a", &wrong, &[event("x.y", "{}")], "user", 1).unwrap_err();
        assert!(error.to_string().contains("does not follow"), "{error}");
    }
}

#[test]
fn events_are_neither_changed_nor_deleted() {
    let database = Memory::open().unwrap();
    append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    for statement in ["UPDATE event SET actor = 'me'", "DELETE FROM event"] {
        assert!(
            query(&database, statement, &[])
                .unwrap_err()
                .0
                .contains("events are not")
        );
    }
}

#[test]
fn a_chain_can_be_recomputed_from_the_first_event() {
    let database = Memory::open().unwrap();
    let events: Vec<_> = (0..300)
        .map(|n| event("x.y", &format!("{{\"n\":{n}}}")))
        .collect();
    append(&database, "a", &Head::default(), &events, "user", 7).unwrap();
    let mut previous = String::new();
    for (index, found) in events_after(&database, 0, Some("a"), 1000)
        .unwrap()
        .into_iter()
        .enumerate()
    {
        assert_eq!(found.sequence, index as u64 + 1);
        assert_eq!(found.payload, format!("{{\"n\":{index}}}"));
        assert_eq!(found.previous_hash, previous);
        assert_eq!(found.right_hash(), found.hash);
        previous = found.hash;
    }
}

#[test]
fn events_come_after_an_id_of_one_stream_or_of_all() {
    let database = Memory::open().unwrap();
    let a = append(
        &database,
        "a",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    append(
        &database,
        "b",
        &Head::default(),
        &[event("x.y", "{}")],
        "user",
        1,
    )
    .unwrap();
    append(&database, "a", &a, &[event("x.z", "{}")], "user", 1).unwrap();
    let all = events_after(&database, 0, None, 2).unwrap();
    assert_eq!(
        all.iter()
            .map(|event| event.stream.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let rest = events_after(&database, all[0].id, Some("a"), 10).unwrap();
    assert_eq!(
        rest.iter()
            .map(|event| event.kind.as_str())
            .collect::<Vec<_>>(),
        ["x.z"]
    );
}

#[test]
fn a_half_made_schema_takes_no_event() {
    let database = Memory::open().unwrap();
    for statement in crate::schema::statements().take(2) {
        database.execute(statement, &[]).unwrap();
    }
    append(
        &database,
        "ws_1",
        &Head::default(),
        &[created("demo")],
        "user",
        1,
    )
    .unwrap();
    assert_eq!(
        query(&database, "SELECT id FROM workspace", &[])
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_workspace_row_follows_its_events() {
    let database = Memory::open().unwrap();
    let joined = r#"{"id":"home","url":"http://runner.internal","programs":[],"environments":[]}"#;
    append(
        &database,
        "runner:home",
        &Head::default(),
        &[event("runner.joined", joined)],
        "runner",
        1,
    )
    .unwrap();
    let head = append(
        &database,
        "ws_1",
        &Head::default(),
        &[created("demo")],
        "user",
        2,
    )
    .unwrap();
    let head = append(
        &database,
        "ws_1",
        &head,
        &[event("workspace.stopped", "{}")],
        "user",
        3,
    )
    .unwrap();
    let rows = query(
        &database,
        "SELECT state, revision, hash, updated_at_ms FROM workspace",
        &[],
    )
    .unwrap();
    assert_eq!(rows[0].text(0), Ok("stopped"));
    assert_eq!(rows[0].integer(1), Ok(2));
    assert_eq!(rows[0].text(2), Ok(head.hash.as_str()));
    assert_eq!(rows[0].integer(3), Ok(3));
    let held = || {
        query(&database, "SELECT workspaces FROM runner", &[]).unwrap()[0]
            .integer(0)
            .unwrap()
    };
    assert_eq!(held(), 1);
    append(
        &database,
        "ws_1",
        &head,
        &[event("workspace.deleted", "{}")],
        "user",
        4,
    )
    .unwrap();
    assert_eq!(held(), 0);
    assert!(
        query(&database, "SELECT id FROM workspace", &[])
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_runner_that_joins_again_keeps_its_count() {
    let database = Memory::open().unwrap();
    let joined = |url: &str| {
        event(
            "runner.joined",
            &format!(r#"{{"id":"home","url":"{url}","programs":[],"environments":[]}}"#),
        )
    };
    let head = append(
        &database,
        "runner:home",
        &Head::default(),
        &[joined("http://a")],
        "runner",
        1,
    )
    .unwrap();
    append(
        &database,
        "ws_1",
        &Head::default(),
        &[created("demo")],
        "user",
        2,
    )
    .unwrap();
    append(
        &database,
        "runner:home",
        &head,
        &[joined("http://b")],
        "runner",
        3,
    )
    .unwrap();
    let rows = query(&database, "SELECT url, workspaces FROM runner", &[]).unwrap();
    assert_eq!(
        (rows[0].text(0), rows[0].integer(1)),
        (Ok("http://b"), Ok(1))
    );
}

fn linked(stream: &str, sequence: u64, previous_hash: &str) -> Event {
    let mut event = Event {
        id: 0,
        stream: stream.to_owned(),
        sequence,
        kind: "decision.denied".to_owned(),
        payload: "{\"workspace\":\"ws_1\",\"decision\":\"deny\"}".to_owned(),
        actor: "user".to_owned(),
        at_ms: 7,
        previous_hash: previous_hash.to_owned(),
        hash: String::new(),
    };
    event.hash = event.right_hash();
    event
}

#[test]
fn events_that_were_linked_elsewhere_are_kept_as_they_are_or_not_at_all() {
    let database = Memory::open().unwrap();
    let first = linked("audit:home", 1, "");
    let second = linked("audit:home", 2, &first.hash);
    let third = linked("audit:home", 3, &second.hash);
    let batch = [first.clone(), second.clone()];
    append_linked(&database, &batch).unwrap();
    let kept = events_after(&database, 0, Some("audit:home"), 10).unwrap();
    assert_eq!(kept.len(), 2);
    for (kept, given) in kept.into_iter().zip(&batch) {
        assert_eq!(&Event { id: 0, ..kept }, given);
    }
    for refused in [
        vec![second.clone(), third.clone()],
        vec![linked("audit:home", 3, "another")],
        vec![linked("audit:home", 4, &third.hash)],
        vec![linked("audit:other", 2, &first.hash)],
    ] {
        assert_eq!(
            append_linked(&database, &refused),
            Err(AppendError::Conflict)
        );
    }
    append_linked(&database, &[third]).unwrap();
    assert_eq!(head(&database, "audit:home").unwrap().sequence, 3);
}

#[test]
fn all_streams_are_all_but_the_audit_logs() {
    let database = Memory::open().unwrap();
    append_linked(&database, &[linked("audit:home", 1, "")]).unwrap();
    let own = [event("x.y", "{}")];
    append(&database, "a", &Head::default(), &own, "user", 1).unwrap();
    let streams: Vec<_> = events_after(&database, 0, None, 10)
        .unwrap()
        .into_iter()
        .map(|event| event.stream)
        .collect();
    assert_eq!(streams, ["a"]);
}
