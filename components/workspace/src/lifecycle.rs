//! Workspaces come to be, start, stop and go.
//!
//! The order of the two steps, database and runner, is chosen so that a crash between them heals:
//!
//! | change | order | after a crash in between |
//! |---|---|---|
//! | create | runner, then event | a directory that nobody knows: the runner sweeps it when it joins |
//! | stop | event, then runner | commands run on until they end or someone stops again |
//! | delete | event, then runner | a directory that nobody knows |
//! | policy | event, then runner | what starts has the new policy; what runs keeps the former one until someone changes it again |

use crate::fault;
use crate::model::{Config, Made, PolicyChange, Runner, State, Workspace, check_name};
use crate::remote::{Ask, Remote};
use crate::store::{self, Placed};
use swarm_flow_policy::Policy;
use swarm_flow_protocol::{Environment, Error};
use swarm_flow_state::{
    AppendError, Database, Head, Id, Kind, NewEvent, append, events_after, now_ms,
};
use swarm_flow_wire::{Method, Wire};

/// Who is written down for changes that come over the API.
pub const ACTOR: &str = "user";
/// How often a change is decided again when another writer was first.
pub const ATTEMPTS: u32 = 8;
/// Someone else changed the workspace since the caller looked.
const REVISION_MISMATCH: &str = "revision-mismatch";

/// Makes a workspace on the runner with the fewest that has its environment.
pub fn create(
    database: &impl Database,
    wire: &impl Wire,
    config: Config,
) -> Result<Workspace, Error> {
    check(&config)?;
    let id = Id::new(Kind::Workspace, config.idempotency_key.as_deref()).into_string();
    if config.idempotency_key.is_some()
        && let Some(first) = repeated(database, &id, &config)?
    {
        return Ok(first);
    }
    let (runner, environment) = place(database, wire, &id, &config.environment)?;
    let made = Made {
        name: config.name.clone(),
        environment,
        policy_name: config.policy_name.clone(),
        policy_version: config.policy_version,
        policy: config.policy.clone(),
        runner: runner.id,
    };
    let at_ms = now_ms();
    let event = NewEvent::new("workspace.created", &made).map_err(fault::database)?;
    match append(database, &id, &Head::default(), &[event], ACTOR, at_ms) {
        Ok(head) => Ok(Workspace {
            id,
            made,
            state: State::Started,
            created_at_ms: at_ms,
            updated_at_ms: at_ms,
            head,
        }),
        // Two requests with one key: the other one was first.
        Err(AppendError::Conflict) => {
            repeated(database, &id, &config)?.ok_or_else(|| fault::append(AppendError::Conflict))
        }
        Err(error) => Err(fault::append(error)),
    }
}

pub fn get(database: &impl Database, id: &str) -> Result<Workspace, Error> {
    fault::check_workspace_id(id)?;
    store::find(database, id)
}

/// Gives a workspace another policy for what starts, then has its runner hold to it what runs. Where the workspace has that
/// policy it only does the second, so that a change whose runner was away can be repeated.
pub fn set_policy(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    change: PolicyChange,
) -> Result<Workspace, Error> {
    check_name("policy_name", &change.policy_name)?;
    check_policy(&change.policy)?;
    let placed = replace_policy(database, id, &change)?;
    if let Some(url) = placed.runner_url {
        let remote = Remote {
            wire,
            id: &placed.workspace.made.runner,
            url: &url,
        };
        tell_policy(&remote, &placed.workspace)?;
    }
    Ok(placed.workspace)
}

pub fn start(database: &impl Database, id: &str) -> Result<Workspace, Error> {
    fault::check_workspace_id(id)?;
    turn(database, id, State::Started)
}

/// Stops a workspace for new commands, then ends what runs. On a stopped one it only does the second, so that
/// a stop whose runner was away can be repeated.
pub fn stop(database: &impl Database, wire: &impl Wire, id: &str) -> Result<Workspace, Error> {
    fault::check_workspace_id(id)?;
    let workspace = turn(database, id, State::Stopped)?;
    if let Some(url) = store::find_placed(database, id)?.runner_url {
        let remote = Remote {
            wire,
            id: &workspace.made.runner,
            url: &url,
        };
        remote.ask(Ask::plain(Method::Post, id, "/stop")).map_err(|error| match error {
            Error::Unavailable { message } => fault::unavailable(format!(
                "the workspace takes no new commands, but what runs in it may go on; stop it again: {message}"
            )),
            other => other,
        })?;
    }
    Ok(workspace)
}

/// Deletes a workspace. What its runner still holds of it goes at the latest when that runner joins again.
pub fn delete(database: &impl Database, wire: &impl Wire, id: &str) -> Result<(), Error> {
    let placed = store::find_placed(database, id)?;
    change(database, id, "workspace.deleted", |_| true)?;
    if let Some(url) = placed.runner_url {
        let remote = Remote {
            wire,
            id: &placed.workspace.made.runner,
            url: &url,
        };
        if let Err(error) = remote.ask(Ask::plain(Method::Delete, id, "")) {
            eprintln!("workspace {id} is deleted; its runner still has its files: {error:?}");
        }
    }
    Ok(())
}

fn check(config: &Config) -> Result<(), Error> {
    check_name("name", &config.name)?;
    check_name("policy_name", &config.policy_name)?;
    if let Some(key) = &config.idempotency_key
        && !((1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(fault::invalid(
            "Idempotency-Key",
            "must be 1 to 255 visible ASCII characters".to_owned(),
        ));
    }
    check_policy(&config.policy)
}

/// Refuses what is no policy.
pub fn check_policy(policy: &Policy) -> Result<(), Error> {
    let valid = policy.validate();
    valid.map_err(|invalid| fault::invalid(&format!("policy.{}", invalid.field), invalid.message))
}

/// The workspace that the same key made before; none when the key is new.
fn repeated(
    database: &impl Database,
    id: &str,
    config: &Config,
) -> Result<Option<Workspace>, Error> {
    let events = events_after(database, 0, Some(id), 1).map_err(fault::database)?;
    let Some(first) = events.first() else {
        return Ok(None);
    };
    let made: Made = serde_json::from_str(&first.payload).map_err(|error| Error::Internal {
        message: format!("event {}: {error}", first.id),
    })?;
    let same = made.name == config.name
        && made.environment.name == config.environment
        && made.policy_name == config.policy_name
        && made.policy_version == config.policy_version
        && made.policy == config.policy;
    if !same {
        return Err(fault::idempotency(
            "this Idempotency-Key made another workspace; use a new key",
        ));
    }
    match store::find(database, id) {
        Err(Error::NotFound { .. }) => Err(fault::idempotency(
            "the workspace that this Idempotency-Key made is deleted; use a new key",
        )),
        found => found.map(Some),
    }
}

/// Has a runner make the directory; one that cannot be reached is passed over.
fn place(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    environment: &str,
) -> Result<(Runner, Environment), Error> {
    let now_ms = now_ms();
    let alive: Vec<_> = store::runners(database)?
        .into_iter()
        .filter(|runner| runner.alive(now_ms))
        .collect();
    if alive.is_empty() {
        return Err(fault::no_runner());
    }
    let known = known(&alive);
    let mut result = Err(fault::missing("environment", environment, known));
    for runner in alive {
        let Some(found) = runner
            .environments
            .iter()
            .find(|found| found.name == environment)
            .cloned()
        else {
            continue;
        };
        let remote = Remote {
            wire,
            id: &runner.id,
            url: &runner.url,
        };
        match remote.ask(Ask::plain(Method::Put, id, "")) {
            Ok(_) => return Ok((runner, found)),
            Err(error @ Error::Unavailable { .. }) => result = Err(error),
            Err(error) => return Err(error),
        }
    }
    result
}

fn known(runners: &[Runner]) -> Vec<String> {
    let mut names: Vec<_> = runners
        .iter()
        .flat_map(|runner| &runner.environments)
        .map(|found| found.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Reads the workspace and where it is, and appends the change if it is one; again when another writer was first. Gives
/// the workspace as it is now.
fn replace_policy(
    database: &impl Database,
    id: &str,
    change: &PolicyChange,
) -> Result<Placed, Error> {
    let event = NewEvent::new("workspace.policy_changed", change).map_err(fault::database)?;
    for _ in 0..ATTEMPTS {
        let mut placed = store::find_placed(database, id)?;
        let workspace = &mut placed.workspace;
        let same = workspace.made.policy_name == change.policy_name
            && workspace.made.policy_version == change.policy_version
            && workspace.made.policy == change.policy;
        expect_revision(workspace.head.sequence, change.expected_revision, same)?;
        if same {
            return Ok(placed);
        }
        let (event, at_ms) = (std::slice::from_ref(&event), now_ms());
        match append(database, id, &workspace.head, event, ACTOR, at_ms) {
            Ok(head) => {
                workspace.made.policy_name.clone_from(&change.policy_name);
                workspace.made.policy_version = change.policy_version;
                workspace.made.policy = change.policy.clone();
                (workspace.head, workspace.updated_at_ms) = (head, at_ms);
                return Ok(placed);
            }
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}

/// Refuses a change that was meant for another revision. The one that this very change made is right too: then it is
/// asked for again, because its runner was away.
fn expect_revision(revision: u64, expected: Option<u64>, same: bool) -> Result<(), Error> {
    match expected {
        Some(expected)
            if expected != revision && !(same && expected.checked_add(1) == Some(revision)) =>
        {
            Err(fault::conflict(format!(
                "{REVISION_MISMATCH}: the workspace has revision {revision} by now"
            )))
        }
        _ => Ok(()),
    }
}

fn tell_policy(remote: &Remote<'_, impl Wire>, workspace: &Workspace) -> Result<(), Error> {
    let change = swarm_flow_protocol::PolicyChange {
        revision: workspace.head.sequence,
        policy: workspace.made.policy.clone(),
    };
    let body = serde_json::to_vec(&change).map_err(|error| Error::Internal {
        message: format!("cannot write a policy: {error}"),
    })?;
    let ask = Ask {
        body: Some(("application/json", body)),
        ..Ask::plain(Method::Put, &workspace.id, "/policy")
    };
    match remote.ask(ask) {
        Err(Error::Unavailable { message }) => Err(fault::unavailable(format!(
            "the policy holds for what starts, but what runs may still have the former one; change it again: {message}"
        ))),
        other => other.map(drop),
    }
}

fn turn(database: &impl Database, id: &str, state: State) -> Result<Workspace, Error> {
    let kind = match state {
        State::Started => "workspace.started",
        State::Stopped => "workspace.stopped",
    };
    let (mut workspace, changed) =
        change(database, id, kind, |workspace| workspace.state != state)?;
    if let Some((head, at_ms)) = changed {
        (workspace.state, workspace.head, workspace.updated_at_ms) = (state, head, at_ms);
    }
    Ok(workspace)
}

/// Reads the workspace, and appends the event if it is still needed; again when another writer was first.
/// Gives the workspace as it was, and the new head when there is one.
fn change(
    database: &impl Database,
    id: &str,
    kind: &'static str,
    needed: impl Fn(&Workspace) -> bool,
) -> Result<(Workspace, Option<(Head, u64)>), Error> {
    for _ in 0..ATTEMPTS {
        let workspace = store::find(database, id)?;
        if !needed(&workspace) {
            return Ok((workspace, None));
        }
        let event = NewEvent {
            kind,
            payload: "{}".to_owned(),
        };
        let at_ms = now_ms();
        match append(database, id, &workspace.head, &[event], ACTOR, at_ms) {
            Ok(head) => return Ok((workspace, Some((head, at_ms)))),
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}
