//! The secrets of workspaces: what they are bound to is remembered here, their values by the runner alone.
//!
//! | change | order | after a crash in between |
//! |---|---|---|
//! | put | runner, then event | the runner uses what is not listed; the caller, who was told nothing, puts or deletes again |
//! | delete | runner, then event | what is listed is not used any more; the caller deletes again |
//!
//! So nothing is called deleted that a sandbox could still use. Where the event of a new secret is refused, the runner is
//! told to forget it. Deleting one that is not listed is passed on to the runner all the same.

use crate::fault;
use crate::lifecycle::{ACTOR, ATTEMPTS};
use crate::model::{Secret, Workspace};
use crate::remote::{Ask, Held, Remote};
use crate::store;
use serde::Serialize;
use swarm_flow_protocol::{Binding, BoundSecret, Error, SECRETS_MAX, check_secret_name};
use swarm_flow_state::{AppendError, Database, NewEvent, append, now_ms};
use swarm_flow_wire::{Method, Wire};

/// The payload of `secret.put`.
#[derive(Serialize)]
struct Put<'a> {
    name: &'a str,
    binding: &'a Binding,
}

pub fn put(
    database: &impl Database,
    wire: &impl Wire,
    workspace: &str,
    name: &str,
    binding: Binding,
    value: String,
) -> Result<(Secret, bool), Error> {
    let bound = BoundSecret { binding, value };
    bound.check(name)?;
    let held = Held::of(database, workspace)?;
    let former = find(database, workspace, name)?;
    tell(&held.remote(wire), workspace, name, &bound)?;
    let payload = Put {
        name,
        binding: &bound.binding,
    };
    match record(database, workspace, "secret.put", &payload) {
        Ok(at_ms) => {
            let secret = Secret {
                name: name.to_owned(),
                binding: bound.binding,
                created_at_ms: former.as_ref().map_or(at_ms, |former| former.created_at_ms),
                updated_at_ms: at_ms,
            };
            Ok((secret, former.is_none()))
        }
        Err(error) => {
            if former.is_none() {
                // If that fails too, it is a crash like any other.
                _ = forget(&held.remote(wire), workspace, name);
            }
            Err(error)
        }
    }
}

/// By name.
pub fn list(database: &impl Database, workspace: &str) -> Result<Vec<Secret>, Error> {
    fault::check_workspace_id(workspace)?;
    let secrets = store::secrets(database, workspace)?;
    if secrets.is_empty() {
        // Nothing, or nothing to have any.
        store::find(database, workspace)?;
    }
    Ok(secrets)
}

pub fn delete(
    database: &impl Database,
    wire: &impl Wire,
    workspace: &str,
    name: &str,
) -> Result<(), Error> {
    check_secret_name("name", name)?;
    let held = Held::of(database, workspace)?;
    let known = store::secrets(database, workspace)?;
    forget(&held.remote(wire), workspace, name)?;
    if known.iter().all(|secret| secret.name != name) {
        let names = known.into_iter().map(|secret| secret.name).collect();
        return Err(fault::missing("secret", name, names));
    }
    let payload = serde_json::json!({ "name": name });
    record(database, workspace, "secret.deleted", &payload).map(drop)
}

/// The secret as it is listed; refuses a new one where there is no place for it.
fn find(database: &impl Database, workspace: &str, name: &str) -> Result<Option<Secret>, Error> {
    let known = store::secrets(database, workspace)?;
    let full = known.len() >= SECRETS_MAX;
    match known.into_iter().find(|secret| secret.name == name) {
        None if full => Err(fault::conflict(format!(
            "the workspace has {SECRETS_MAX} secrets, and no more can be; delete one first"
        ))),
        found => Ok(found),
    }
}

fn tell(
    remote: &Remote<'_, impl Wire>,
    workspace: &str,
    name: &str,
    bound: &BoundSecret,
) -> Result<(), Error> {
    let body = serde_json::to_vec(bound).map_err(|_| Error::Internal {
        message: "a secret is not JSON".to_owned(),
    })?;
    let rest = format!("/secrets/{name}");
    let ask = Ask {
        body: Some(("application/json", body)),
        ..Ask::plain(Method::Put, workspace, &rest)
    };
    remote.ask(ask).map(drop)
}

fn forget(remote: &Remote<'_, impl Wire>, workspace: &str, name: &str) -> Result<(), Error> {
    let rest = format!("/secrets/{name}");
    remote
        .ask(Ask::plain(Method::Delete, workspace, &rest))
        .map(drop)
}

/// Appends an event to the workspace's stream; again when another writer was first. Gives its time.
fn record(
    database: &impl Database,
    workspace: &str,
    kind: &'static str,
    payload: &impl Serialize,
) -> Result<u64, Error> {
    let event = NewEvent::new(kind, payload).map_err(fault::database)?;
    let event = std::slice::from_ref(&event);
    for _ in 0..ATTEMPTS {
        let Workspace { id, head, .. } = store::find(database, workspace)?;
        let at_ms = now_ms();
        match append(database, &id, &head, event, ACTOR, at_ms) {
            Ok(_) => return Ok(at_ms),
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}
