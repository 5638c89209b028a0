use super::*;
use crate::model::PAGE_ITEMS_MAX;
use swarm_flow_protocol::Link;
use swarm_flow_state::{Head, NewEvent, native::Memory};

const WORKSPACE: &str = "ws_0198c0ffee0198c0ffee0198c0ffee01";
const OTHER: &str = "ws_0198c0ffee0198c0ffee0198c0ffee02";
const SANDBOX: &str = "sb_0198c0ffee0198c0ffee0198c0ffee03";

fn record(kind: &str, workspace: &str, decision: &str) -> AuditEntry {
    let payload = serde_json::json!({
        "workspace": workspace,
        "sandbox": SANDBOX,
        "capability": "http",
        "decision": decision,
    });
    AuditEntry {
        kind: kind.to_owned(),
        payload: payload.to_string(),
        actor: "user".to_owned(),
        at_ms: 1_000,
        hash: String::new(),
    }
}

/// What the runner `home` would send.
fn chained(previous: &AuditHead, mut entries: Vec<AuditEntry>) -> Vec<AuditEntry> {
    let mut before = previous.clone();
    for entry in &mut entries {
        entry.hash = Link {
            previous_hash: &before.hash,
            stream: "audit:home",
            sequence: before.sequence + 1,
            kind: &entry.kind,
            payload: &entry.payload,
            actor: &entry.actor,
            at_ms: entry.at_ms,
        }
        .hash();
        before = AuditHead {
            sequence: before.sequence + 1,
            hash: entry.hash.clone(),
        };
    }
    entries
}

fn three() -> Vec<AuditEntry> {
    chained(
        &AuditHead::default(),
        vec![
            record("sandbox.started", WORKSPACE, "allow"),
            record("decision.denied", WORKSPACE, "deny"),
            record("decision.allowed", OTHER, "allow"),
        ],
    )
}

fn field(error: &Error) -> &str {
    match error {
        Error::Invalid { field, .. } => field,
        _ => "",
    }
}

fn found(database: &Memory, filter: &AuditFilter) -> Vec<(u64, String)> {
    let events = after(database, 0, filter, PAGE_ITEMS_MAX).unwrap();
    assert!(events.iter().all(|event| event.right_hash() == event.hash));
    events
        .into_iter()
        .map(|event| (event.id, event.kind))
        .collect()
}

#[test]
fn a_batch_is_kept_in_one_statement_and_once() {
    let database = Memory::open().unwrap();
    let empty = AuditHead::default();
    assert_eq!(runner_head(&database, "home").unwrap(), empty);
    database.take_statements();
    let head = append(&database, "home", &empty, three()).unwrap();
    assert_eq!(database.take_statements(), 1);
    assert_eq!(head.sequence, 3);
    assert_eq!(runner_head(&database, "home").unwrap(), head);
    for _ in 0..2 {
        assert_eq!(append(&database, "home", &empty, three()).unwrap(), head);
    }
    assert_eq!(found(&database, &AuditFilter::default()).len(), 3);
}

#[test]
fn a_batch_that_overlaps_is_kept_from_where_it_is_new() {
    let database = Memory::open().unwrap();
    let empty = AuditHead::default();
    let mut five = three();
    five.extend([
        record("sandbox.ended", WORKSPACE, "allow"),
        record("secret.used", WORKSPACE, "allow"),
    ]);
    let five = chained(&empty, five);
    append(&database, "home", &empty, three()).unwrap();
    let head = append(&database, "home", &empty, five.clone()).unwrap();
    assert_eq!((head.sequence, &head.hash), (5, &five[4].hash));
    // What comes late says how far the log is by now.
    let second = AuditHead {
        sequence: 2,
        hash: five[1].hash.clone(),
    };
    assert_eq!(
        append(&database, "home", &second, five[2..4].to_vec()).unwrap(),
        head
    );
    assert_eq!(found(&database, &AuditFilter::default()).len(), 5);
}

#[test]
fn other_records_at_the_same_place_or_a_hole_before_them_are_a_conflict() {
    let database = Memory::open().unwrap();
    let empty = AuditHead::default();
    let head = append(&database, "home", &empty, three()).unwrap();
    let other = chained(&empty, vec![record("sandbox.ended", OTHER, "allow")]);
    let beyond = AuditHead {
        sequence: 7,
        hash: head.hash.clone(),
    };
    let unknown = AuditHead {
        sequence: 3,
        hash: "a".repeat(64),
    };
    let last = || vec![record("sandbox.ended", WORKSPACE, "allow")];
    for (previous, entries) in [
        (&empty, other),
        (&beyond, chained(&beyond, last())),
        (&unknown, chained(&unknown, last())),
    ] {
        let error = append(&database, "home", previous, entries).unwrap_err();
        assert!(
            matches!(&error, Error::Conflict { message } if message.starts_with("audit-diverged: ")),
            "{error:?}"
        );
    }
    assert_eq!(runner_head(&database, "home").unwrap(), head);
}

#[test]
fn what_does_not_match_its_hash_or_is_not_a_runners_to_say_is_refused_as_a_whole() {
    let database = Memory::open().unwrap();
    let empty = AuditHead::default();
    // Chained after the change, so that nothing but the change is wrong.
    let with = |change: fn(&mut AuditEntry)| {
        let mut entries = three();
        change(&mut entries[1]);
        chained(&empty, entries)
    };
    for (change, wrong) in [
        (
            (|entry| entry.kind = "workspace.deleted".to_owned()) as fn(&mut AuditEntry),
            "entries[1].kind",
        ),
        (
            |entry| entry.payload = "[]".to_owned(),
            "entries[1].payload",
        ),
        (|entry| entry.payload = "{".to_owned(), "entries[1].payload"),
        (
            |entry| entry.payload = "{\"a\":\n1}".to_owned(),
            "entries[1].payload",
        ),
        (
            |entry| entry.payload = " {}".to_owned(),
            "entries[1].payload",
        ),
        (
            |entry| entry.payload = format!("{{\"a\":\"{}\"}}", "a".repeat(8 << 10)),
            "entries[1].payload",
        ),
        (|entry| entry.actor = String::new(), "entries[1].actor"),
        (
            |entry| entry.actor = "a\u{1b}".to_owned(),
            "entries[1].actor",
        ),
        (|entry| entry.actor = "a".repeat(101), "entries[1].actor"),
        (|entry| entry.at_ms = u64::MAX, "entries[1].at_ms"),
    ] {
        let error = append(&database, "home", &empty, with(change)).unwrap_err();
        assert_eq!(field(&error), wrong, "{error:?}");
    }
    let mut edited = three();
    edited[1].payload = edited[1].payload.replace("deny", "allow");
    let error = append(&database, "home", &empty, edited).unwrap_err();
    assert_eq!(field(&error), "entries[1].hash");
    // The same records in the log of another runner are not its own.
    assert_eq!(
        field(&append(&database, "second", &empty, three()).unwrap_err()),
        "entries[0].hash"
    );
    assert!(found(&database, &AuditFilter::default()).is_empty());
}

#[test]
fn a_batch_has_its_bounds() {
    let database = Memory::open().unwrap();
    let empty = AuditHead::default();
    let many = |count| {
        chained(
            &empty,
            vec![record("sandbox.started", WORKSPACE, "allow"); count],
        )
    };
    for count in [0, AUDIT_BATCH_MAX + 1] {
        let error = append(&database, "home", &empty, many(count)).unwrap_err();
        assert_eq!(field(&error), "entries");
    }
    let head = append(&database, "home", &empty, many(AUDIT_BATCH_MAX)).unwrap();
    assert_eq!(head.sequence, AUDIT_BATCH_MAX as u64);
    for (sequence, hash, wrong) in [
        (0, "a", "previous.hash"),
        (1, "", "previous.hash"),
        (u64::MAX, "a", "previous.sequence"),
    ] {
        let previous = AuditHead {
            sequence,
            hash: hash.to_owned(),
        };
        let error = append(&database, "home", &previous, many(1)).unwrap_err();
        assert_eq!(field(&error), wrong);
    }
    let error = append(&database, "../x", &empty, many(1)).unwrap_err();
    assert_eq!(field(&error), "runner");
}

/// A workspace's own event, then three records, then one of another stream.
fn filled() -> Memory {
    let database = Memory::open().unwrap();
    let event = |kind| [NewEvent::new(kind, &serde_json::json!({})).unwrap()];
    let start = Head::default();
    swarm_flow_state::append(&database, WORKSPACE, &start, &event("x.made"), "user", 500).unwrap();
    append(&database, "home", &AuditHead::default(), three()).unwrap();
    let joined = event("x.joined");
    swarm_flow_state::append(
        &database,
        "runner:home",
        &start,
        &joined,
        "runner:home",
        2_000,
    )
    .unwrap();
    database
}

#[test]
fn every_filter_finds_its_records_in_order_and_no_others() {
    let database = filled();
    let text = |text: &str| Some(text.to_owned());
    let all = AuditFilter::default;
    for (filter, expected) in [
        (all(), vec![1, 2, 3, 4, 5]),
        (
            AuditFilter {
                workspace: text(WORKSPACE),
                ..all()
            },
            vec![1, 2, 3],
        ),
        (
            AuditFilter {
                workspace: text(OTHER),
                ..all()
            },
            vec![4],
        ),
        (
            AuditFilter {
                decision: text("deny"),
                ..all()
            },
            vec![3],
        ),
        (
            AuditFilter {
                workspace: text(OTHER),
                decision: text("deny"),
                ..all()
            },
            vec![],
        ),
        (
            AuditFilter {
                sandbox: text(SANDBOX),
                ..all()
            },
            vec![2, 3, 4],
        ),
        (
            AuditFilter {
                capability: text("http"),
                ..all()
            },
            vec![2, 3, 4],
        ),
        (
            AuditFilter {
                capability: text("tcp"),
                ..all()
            },
            vec![],
        ),
        (
            AuditFilter {
                kind: text("x.made"),
                ..all()
            },
            vec![1],
        ),
        (
            AuditFilter {
                kind: text("decision.*"),
                ..all()
            },
            vec![3, 4],
        ),
        (
            AuditFilter {
                kind: text("*"),
                ..all()
            },
            vec![1, 2, 3, 4, 5],
        ),
        (
            AuditFilter {
                kind: text("decision.*"),
                workspace: text(WORKSPACE),
                ..all()
            },
            vec![3],
        ),
        (
            AuditFilter {
                actor: text("runner:home"),
                ..all()
            },
            vec![5],
        ),
        (
            AuditFilter {
                since_ms: Some(1_000),
                ..all()
            },
            vec![2, 3, 4, 5],
        ),
        (
            AuditFilter {
                since_ms: Some(1_001),
                ..all()
            },
            vec![5],
        ),
        (
            AuditFilter {
                since_ms: Some(9_000),
                ..all()
            },
            vec![],
        ),
        (
            AuditFilter {
                until_ms: Some(1_000),
                ..all()
            },
            vec![1],
        ),
        (
            AuditFilter {
                workspace: text(WORKSPACE),
                since_ms: Some(501),
                until_ms: Some(2_000),
                ..all()
            },
            vec![2, 3],
        ),
    ] {
        let ids: Vec<u64> = found(&database, &filter)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ids, expected, "{filter:?}");
        // One item a page gives the same.
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let one = Page {
                cursor,
                limit: Some(1),
            };
            let page = query(&database, &filter, &one).unwrap();
            paged.extend(page.items.iter().map(|event| event.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, expected, "{filter:?}");
    }
}

#[test]
fn a_filter_that_can_find_nothing_is_refused_by_name() {
    let database = filled();
    let text = |text: &str| Some(text.to_owned());
    let all = AuditFilter::default;
    for (filter, wrong) in [
        (
            AuditFilter {
                workspace: text("demo"),
                ..all()
            },
            "workspace",
        ),
        (
            AuditFilter {
                sandbox: text("sb_1"),
                ..all()
            },
            "sandbox",
        ),
        (
            AuditFilter {
                capability: text("HTTP"),
                ..all()
            },
            "capability",
        ),
        (
            AuditFilter {
                decision: text("denied"),
                ..all()
            },
            "decision",
        ),
        (
            AuditFilter {
                kind: text("a*b"),
                ..all()
            },
            "kind",
        ),
        (
            AuditFilter {
                kind: text("[a]*"),
                ..all()
            },
            "kind",
        ),
        (
            AuditFilter {
                since_ms: Some(2),
                until_ms: Some(2),
                ..all()
            },
            "until",
        ),
    ] {
        let error = after(&database, 0, &filter, 10).unwrap_err();
        assert_eq!(field(&error), wrong, "{error:?}");
    }
    let page = Page {
        cursor: text("workspaces-1"),
        limit: None,
    };
    let error = query(&database, &all(), &page).unwrap_err();
    assert_eq!(field(&error), "cursor");
}

#[test]
fn no_filter_sorts_what_it_finds_or_looks_at_all_that_came_before() {
    let database = filled();
    let text = |text: &str| Some(text.to_owned());
    let all = AuditFilter::default;
    for (filter, index) in [
        (all(), "event USING INTEGER PRIMARY KEY"),
        (
            AuditFilter {
                workspace: text(WORKSPACE),
                ..all()
            },
            "audit_by_workspace (workspace=?",
        ),
        (
            AuditFilter {
                workspace: text(WORKSPACE),
                decision: text("deny"),
                ..all()
            },
            "audit_by_workspace_decision (workspace=? AND decision=?",
        ),
        (
            AuditFilter {
                sandbox: text(SANDBOX),
                ..all()
            },
            "audit_by_sandbox",
        ),
        (
            AuditFilter {
                capability: text("http"),
                ..all()
            },
            "audit_by_capability",
        ),
        (
            AuditFilter {
                decision: text("deny"),
                kind: text("x.y"),
                ..all()
            },
            "audit_by_decision",
        ),
        (
            AuditFilter {
                kind: text("x.y"),
                ..all()
            },
            "event_by_kind (kind=? AND rowid>?",
        ),
        (
            AuditFilter {
                kind: text("x.*"),
                ..all()
            },
            "event USING INTEGER PRIMARY KEY",
        ),
        (
            AuditFilter {
                since_ms: Some(5),
                ..all()
            },
            "event_by_time (at_ms>?",
        ),
    ] {
        let (statement, parameters) = select::records(0, &filter, 10).unwrap();
        let plan = run(
            &database,
            &format!("EXPLAIN QUERY PLAN {statement}"),
            &parameters,
        )
        .unwrap();
        let plan: Vec<_> = plan
            .iter()
            .map(|row| row.text(3).unwrap().to_owned())
            .collect();
        assert!(
            plan.iter().any(|step| step.contains(index)),
            "{filter:?}: {plan:?}"
        );
        assert!(
            !plan.iter().any(|step| step.starts_with("SCAN")),
            "{plan:?}"
        );
        // One stream is short enough to be sorted.
        let sorts = plan
            .iter()
            .filter(|step| step.contains("TEMP B-TREE"))
            .count();
        let streams = plan
            .iter()
            .filter(|step| step.contains("(stream=?"))
            .count();
        assert_eq!(sorts, streams, "{plan:?}");
    }
}
