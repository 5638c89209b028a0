//! Runners join, live and leave.

use crate::fault::{self, invalid};
use crate::model::{Runner, check_name};
use crate::store;
use swarm_flow_protocol::{Error, Registration};
use swarm_flow_state::{AppendError, Database, NewEvent, append, head, now_ms};

/// Adds a runner, or renews what is known of it.
pub fn join(database: &impl Database, registration: Registration) -> Result<Runner, Error> {
    check(&registration)?;
    let event = NewEvent::new("runner.joined", &registration).map_err(fault::database)?;
    let stream = stream(&registration.id);
    let mut at_ms = now_ms();
    let mut result = Err(AppendError::Conflict);
    for _ in 0..ATTEMPTS {
        let head = head(database, &stream).map_err(fault::database)?;
        at_ms = now_ms();
        result = append(
            database,
            &stream,
            &head,
            std::slice::from_ref(&event),
            &actor(&registration.id),
            at_ms,
        );
        if result != Err(AppendError::Conflict) {
            break;
        }
    }
    result.map_err(fault::append)?;
    Ok(Runner {
        id: registration.id,
        url: registration.url,
        programs: registration.programs,
        environments: registration.environments,
        walls: registration.walls,
        joined_at_ms: at_ms,
        seen_at_ms: at_ms,
    })
}

pub fn heartbeat(database: &impl Database, id: &str) -> Result<(), Error> {
    if store::see_runner(database, id, now_ms())? {
        Ok(())
    } else {
        Err(unknown(id))
    }
}

/// Forgets where a runner is. The workspaces that it holds stay known, and answer again once it has joined.
pub fn leave(database: &impl Database, id: &str) -> Result<(), Error> {
    let Some(head) = store::runner_head(database, id)? else {
        return Err(unknown(id));
    };
    let payload = serde_json::json!({ "id": id });
    let event = NewEvent::new("runner.left", &payload).map_err(fault::database)?;
    append(database, &stream(id), &head, &[event], &actor(id), now_ms())
        .map(drop)
        .map_err(fault::append)
}

/// How often joining is tried when the same runner joins twice at once.
const ATTEMPTS: u32 = 8;
const URL_BYTES_MAX: usize = 2048;
/// Of each, programs and environments.
const OFFERS_MAX: usize = 256;

fn stream(id: &str) -> String {
    format!("runner:{id}")
}

fn actor(id: &str) -> String {
    format!("runner:{id}")
}

fn unknown(id: &str) -> Error {
    fault::missing("runner", id, Vec::new())
}

fn check(registration: &Registration) -> Result<(), Error> {
    check_name("id", &registration.id).map_err(|error| match error {
        // Not `id`, which elsewhere is an id that we made.
        Error::Invalid { message, .. } => invalid("runner.id", message),
        other => other,
    })?;
    check_url(&registration.url)?;
    if registration.programs.len() > OFFERS_MAX {
        return Err(invalid(
            "programs",
            format!("has more than {OFFERS_MAX} items"),
        ));
    }
    if registration.environments.len() > OFFERS_MAX {
        return Err(invalid(
            "environments",
            format!("has more than {OFFERS_MAX} items"),
        ));
    }
    for (index, environment) in registration.environments.iter().enumerate() {
        check_name(&format!("environments[{index}].name"), &environment.name)?;
    }
    Ok(())
}

/// `http://host` or `https://host:port`, and nothing behind it: paths are appended to it as text.
fn check_url(url: &str) -> Result<(), Error> {
    let authority = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    match authority {
        Some(authority)
            if !authority.is_empty()
                && url.len() <= URL_BYTES_MAX
                && authority.bytes().all(plain) =>
        {
            Ok(())
        }
        _ => Err(invalid(
            "url",
            "must be `http://host:port` or `https://host:port`, without a path".to_owned(),
        )),
    }
}
