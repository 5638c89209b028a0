//! Policies under a name, and workspaces that get another one.

use super::*;
use crate::model::{PolicyChange, StoredPolicy, Workspace};
use crate::policies;
use swarm_flow_policy::{Network, Policy};
use swarm_flow_state::Database;

fn isolated() -> Policy {
    Preset::Isolated.policy()
}

fn with_handles(handles: u32) -> Policy {
    let mut policy = isolated();
    policy.limits.handles = handles;
    policy
}

fn kept(database: &Memory, name: &str, handles: u32) -> StoredPolicy {
    policies::put(database, name, with_handles(handles), None)
        .unwrap()
        .0
}

#[track_caller]
fn conflict(error: Error, starts: &str) {
    assert!(
        matches!(&error, Error::Conflict { message } if message.starts_with(starts)),
        "{error:?}"
    );
}

#[test]
fn a_policy_that_is_another_makes_the_next_version_and_the_same_one_none() {
    let database = database();
    let (first, made) = policies::put(&database, "strict", with_handles(1), None).unwrap();
    assert!(made && first.version == 1);
    database.take_statements();
    let again = policies::put(&database, "strict", with_handles(1), None).unwrap();
    assert_eq!(
        (again, database.take_statements()),
        ((first.clone(), false), 1)
    );
    let (second, made) = policies::put(&database, "strict", with_handles(2), None).unwrap();
    assert!(made && second.version == 2);
    assert_eq!(database.take_statements(), 2, "one to look, one to change");

    assert_eq!(policies::get(&database, "strict", None), Ok(second.clone()));
    assert_eq!(
        policies::get(&database, "strict", Some(1)),
        Ok(first.clone())
    );
    let all = policies::versions(&database, "strict", &Page::default()).unwrap();
    assert_eq!(all.items, [first, second]);
}

#[test]
fn a_version_that_was_not_expected_is_told_the_last_one() {
    let database = database();
    let put = |handles, expected| {
        policies::put(&database, "strict", with_handles(handles), Some(expected))
    };
    conflict(
        put(1, 1).unwrap_err(),
        "version-mismatch: there is no policy",
    );
    assert_eq!(put(1, 0).unwrap().0.version, 1);
    conflict(
        put(2, 0).unwrap_err(),
        "version-mismatch: the last version of `strict` is 1",
    );
    assert_eq!(put(2, 1).unwrap().0.version, 2);
}

#[test]
fn a_deleted_policy_is_gone_and_its_name_goes_on_counting() {
    let database = database();
    kept(&database, "strict", 1);
    kept(&database, "strict", 2);
    policies::delete(&database, "strict").unwrap();
    for gone in [
        policies::get(&database, "strict", None).map(drop),
        policies::get(&database, "strict", Some(1)).map(drop),
        policies::versions(&database, "strict", &Page::default()).map(drop),
        policies::delete(&database, "strict"),
    ] {
        assert!(matches!(gone, Err(Error::NotFound { kind, .. }) if kind == "policy"));
    }
    let again = policies::put(&database, "strict", with_handles(2), Some(0)).unwrap();
    assert_eq!((again.0.version, again.1), (3, true));
    assert!(policies::get(&database, "strict", Some(2)).is_err());
    let events = events_after(&database, 0, Some("policy:strict"), 10).unwrap();
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        ["policy.put", "policy.put", "policy.deleted", "policy.put"]
    );
}

#[test]
fn names_that_mean_something_and_policies_that_are_none_are_refused() {
    let database = database();
    for name in ["isolated", "standard", "privileged", "custom"] {
        let text = format!("`{name}` is ");
        conflict(
            policies::put(&database, name, isolated(), None).unwrap_err(),
            &text,
        );
        conflict(policies::delete(&database, name).unwrap_err(), &text);
    }
    for name in ["", "a b", "a@1", "-a"] {
        let error = policies::put(&database, name, isolated(), None).unwrap_err();
        assert!(
            matches!(error, Error::Invalid { field, .. } if field == "name"),
            "{name}"
        );
    }
    let error = policies::put(&database, "none", with_handles(0), None).unwrap_err();
    assert!(matches!(error, Error::Invalid { field, .. } if field == "policy.limits.handles"));
    assert_eq!(database.take_statements(), 0);
}

#[test]
fn who_asks_for_a_policy_that_is_not_there_is_told_which_are() {
    let database = database();
    kept(&database, "strict", 1);
    let error = policies::get(&database, "strikt", None).unwrap_err();
    let known = ["isolated", "standard", "privileged", "strict"].map(str::to_owned);
    assert!(matches!(error, Error::NotFound { known: told, .. } if told == known));
    let error = policies::get(&database, "strict", Some(2)).unwrap_err();
    assert!(
        matches!(error, Error::NotFound { id, known, .. } if id == "strict@2" && known == ["strict@1"])
    );
}

#[test]
fn lists_go_by_name_and_on_where_they_were() {
    let database = database();
    for name in ["d", "b", "a", "c"] {
        kept(&database, name, 1);
        kept(&database, name, 2);
    }
    let page = |cursor| Page {
        cursor,
        limit: Some(2),
    };
    let shown = |items: &[StoredPolicy]| -> Vec<String> {
        let shown = |item: &StoredPolicy| format!("{}@{}", item.name, item.version);
        items.iter().map(shown).collect()
    };
    let first = policies::list(&database, &page(None)).unwrap();
    assert_eq!(shown(&first.items), ["a@2", "b@2"]);
    // The one that the cursor stands on goes; the list goes on behind it.
    policies::delete(&database, "b").unwrap();
    let rest = policies::list(&database, &page(first.next)).unwrap();
    assert_eq!(
        (shown(&rest.items), rest.next),
        (vec!["c@2".into(), "d@2".into()], None)
    );

    kept(&database, "a", 3);
    let first = policies::versions(&database, "a", &page(None)).unwrap();
    let rest = policies::versions(&database, "a", &page(first.next)).unwrap();
    assert_eq!(
        (shown(&first.items), shown(&rest.items)),
        (vec!["a@1".into(), "a@2".into()], vec!["a@3".into()])
    );
    assert!(matches!(
        policies::list(&database, &page(Some("versions-1".to_owned()))),
        Err(Error::Invalid { field, .. }) if field == "cursor"
    ));
}

/// A database in which someone else always puts a version first, a number of times.
struct Raced {
    inner: Memory,
    left: std::cell::Cell<u32>,
}

impl Database for Raced {
    fn execute(
        &self,
        statement: &str,
        parameters: &[swarm_flow_state::Value],
    ) -> Result<Vec<swarm_flow_state::Row>, swarm_flow_state::DatabaseError> {
        if statement.starts_with("INSERT INTO event") && self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            kept(&self.inner, "strict", 100 + self.left.get());
        }
        self.inner.execute(statement, parameters)
    }
}

#[test]
fn a_writer_that_was_not_first_decides_again() {
    let raced = |left| Raced {
        inner: database(),
        left: std::cell::Cell::new(left),
    };
    let database = raced(3);
    let (mine, made) = policies::put(&database, "strict", with_handles(1), None).unwrap();
    assert_eq!((mine.version, made), (4, true));
    // What was expected is not so any more.
    let error = policies::put(&raced(1), "strict", with_handles(1), Some(0)).unwrap_err();
    conflict(error, "version-mismatch: ");
    // The other one wanted the same.
    let (same, made) = policies::put(&raced(1), "strict", with_handles(100), None).unwrap();
    assert_eq!((same.version, made), (1, false));
    conflict(
        policies::put(&raced(100), "strict", with_handles(1), None).unwrap_err(),
        "the thing changes too often",
    );
}

fn change(policy: Policy, expected_revision: Option<u64>) -> PolicyChange {
    PolicyChange {
        policy_name: "strict".to_owned(),
        policy_version: 1,
        policy,
        expected_revision,
    }
}

fn made(database: &Memory) -> Workspace {
    joined(database, "home", &["python"]);
    lifecycle::create(database, &fake(agrees), config("demo", None)).unwrap()
}

#[test]
fn a_workspace_gets_another_policy_and_its_runner_is_told() {
    let database = database();
    let made = made(&database);
    let wire = fake(|call| {
        let (_, body) = call.body.as_ref().unwrap();
        let told: swarm_flow_protocol::PolicyChange = serde_json::from_slice(body).unwrap();
        assert_eq!((told.revision, told.policy), (2, isolated()));
        agrees(call)
    });
    database.take_statements();
    let changed =
        lifecycle::set_policy(&database, &wire, &made.id, change(isolated(), Some(1))).unwrap();
    assert_eq!(database.take_statements(), 2);
    assert_eq!((changed.made.policy_version, changed.head.sequence), (1, 2));
    assert_eq!(lifecycle::get(&database, &made.id).unwrap(), changed);
    let url = format!("http://home/v1/workspaces/{}/policy", made.id);
    assert_eq!(*wire.calls.borrow(), [(Method::Put, url)]);

    // Once more: nothing changes, the runner is told again; also by who expects what was before.
    for expected in [None, Some(1), Some(2)] {
        let again = lifecycle::set_policy(&database, &wire, &made.id, change(isolated(), expected));
        assert_eq!(again, Ok(changed.clone()));
    }
    assert_eq!(wire.calls.borrow().len(), 4);

    // A command runs under it from now on.
    let wire = fake(|call| {
        let (_, body) = call.body.as_ref().unwrap();
        let request: swarm_flow_protocol::ExecRequest = serde_json::from_slice(body).unwrap();
        assert_eq!((request.policy, request.revision), (isolated(), 2));
        Err(Failure::Unreachable("enough".to_owned()))
    });
    assert!(command::exec(&database, &wire, &made.id, python()).is_err());
    assert_eq!(wire.calls.borrow().len(), 1);
}

#[test]
fn a_change_for_another_revision_or_to_no_policy_changes_nothing() {
    let (database, wire) = (database(), fake(agrees));
    let made = made(&database);
    let set = |change| lifecycle::set_policy(&database, &wire, &made.id, change).unwrap_err();
    for expected in [0, 2] {
        let text = "revision-mismatch: the workspace has revision 1";
        conflict(set(change(isolated(), Some(expected))), text);
    }
    let error = set(change(with_handles(0), None));
    assert!(matches!(error, Error::Invalid { field, .. } if field == "policy.limits.handles"));
    assert!(wire.calls.borrow().is_empty());
    assert_eq!(lifecycle::get(&database, &made.id).unwrap(), made);
}

#[test]
fn a_change_whose_runner_is_away_holds_and_can_be_repeated() {
    let database = database();
    let made = made(&database);
    let mut open = isolated();
    open.network = Network::Any;
    let set = |wire: &Fake| {
        lifecycle::set_policy(&database, wire, &made.id, change(open.clone(), Some(1)))
    };
    let error = set(&fake(away)).unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { message } if message.contains("change it again")),
        "{error:?}"
    );
    assert_eq!(
        lifecycle::get(&database, &made.id).unwrap().made.policy,
        open
    );
    assert_eq!(set(&fake(agrees)).unwrap().head.sequence, 2);
    // A runner that has left runs nothing.
    runners::leave(&database, "home").unwrap();
    let wire = fake(agrees);
    assert!(set(&wire).is_ok() && wire.calls.borrow().is_empty());
}
