//! Programs of users' own. Their bytes lie with the runners; here is only what was added and removed, as events.
//!
//! | change | order | after a crash in between |
//! |---|---|---|
//! | add | runners, then event | runners have what no event tells of; the caller, who was told nothing, adds it again |
//! | remove | runners, then event | no runner that is alive has it; the caller removes it again |
//!
//! A runner that was away has what it had. Which runners have a program is in their registrations.

use crate::fault;
use crate::lifecycle::{ACTOR, ATTEMPTS};
use crate::model::{Runner, check_name};
use crate::remote::{Remote, SILENCE_MS, ToRunner, encode_query};
use crate::store::{self, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use swarm_flow_protocol::{
    Error, Origin, PROGRAM_BYTES_MAX, ProgramDetails, check_digest, check_program_version,
    path::PROGRAMS,
};
use swarm_flow_state::{AppendError, Database, Head, NewEvent, Row, append, now_ms, query};
use swarm_flow_wire::{Method, Wire};

/// A program, and the runners that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub details: ProgramDetails,
    pub runners: Vec<String>,
}

/// What came of adding one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    pub offered: Offered,
    /// There was none of that name.
    pub created: bool,
    pub left_out: Vec<LeftOut>,
}

/// A runner that is alive and did not take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub runner: String,
    pub reason: String,
}

/// A program's file, and what its caller says of it.
#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub version: Option<String>,
    pub digest: Option<String>,
    /// Whether it is to be an agent.
    pub agent: bool,
    pub bytes: Vec<u8>,
}

/// A runner copies the file, checks all of its code, and writes it to disk.
const ADD_SILENCE_MS: u64 = 4 * SILENCE_MS;

pub fn add(database: &impl Database, wire: &impl Wire, new: New) -> Result<Added, Error> {
    check(&new)?;
    let mut runners = alive(database)?;
    check_free(&runners, &new.name)?;
    // Who has it knows its version.
    runners.sort_by_key(|runner| !offers(runner, &new.name));
    let name = new.name.clone();
    let (offered, left_out) = pass_on(wire, &runners, new)?;
    let program = &offered.details.program;
    let change = Change {
        name: &name,
        version: &program.version,
        digest: &program.digest,
    };
    let created = record_added(database, &change)?;
    Ok(Added {
        offered,
        created,
        left_out,
    })
}

/// A program by its name or an alias. Where runners have different ones under that name, it is the one that the events
/// tell of.
pub fn get(database: &impl Database, wire: &impl Wire, name: &str) -> Result<Offered, Error> {
    let alive = alive(database)?;
    let mut having: Vec<_> = alive
        .iter()
        .filter_map(|runner| {
            let mut programs = runner.programs.iter();
            Some((runner, programs.find(|program| program.is_named(name))?))
        })
        .collect();
    let digests: BTreeSet<_> = having.iter().map(|(_, program)| &program.digest).collect();
    if digests.len() > 1
        && let Some(added) = Last::of(database, name)?.added
    {
        having.sort_by_key(|(_, program)| program.digest != added.digest);
    }
    let Some((_, wanted)) = having.first().copied() else {
        return Err(missing(&alive, name));
    };
    having.retain(|(_, program)| program.digest == wanted.digest);
    let mut failed = missing(&alive, name);
    for (runner, program) in &having {
        let remote = remote(wire, runner);
        let path = format!("{PROGRAMS}/{}", program.name);
        match remote.send(ToRunner::plain(Method::Get, &path)) {
            Ok(answer) => {
                return Ok(Offered {
                    details: remote.read(&answer)?,
                    runners: having.iter().map(|(runner, _)| runner.id.clone()).collect(),
                });
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Removes a program from all runners that have it, and remembers that.
pub fn remove(database: &impl Database, wire: &impl Wire, name: &str) -> Result<(), Error> {
    check_name("name", name)?;
    let alive = alive(database)?;
    check_free(&alive, name)?;
    let mut removed = false;
    for runner in alive.iter().filter(|runner| offers(runner, name)) {
        let path = format!("{PROGRAMS}/{name}");
        match remote(wire, runner).send(ToRunner::plain(Method::Delete, &path)) {
            Ok(_) => removed = true,
            // It went meanwhile.
            Err(Error::NotFound { .. }) => {}
            Err(Error::Unavailable { message }) => {
                return Err(fault::unavailable(format!(
                    "a runner may still have the program; remove it again: {message}"
                )));
            }
            Err(other) => return Err(other),
        }
    }
    record_removed(database, name, removed, &alive)
}

fn check(new: &New) -> Result<(), Error> {
    check_name("name", &new.name)?;
    if let Some(version) = &new.version {
        check_program_version("version", version)?;
    }
    if let Some(digest) = &new.digest {
        check_digest("digest", digest)?;
    }
    if new.bytes.len() as u64 > PROGRAM_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "program_bytes".to_owned(),
            allowed: PROGRAM_BYTES_MAX,
        });
    }
    Ok(())
}

fn alive(database: &impl Database) -> Result<Vec<Runner>, Error> {
    let now_ms = now_ms();
    let mut runners = store::runners(database)?;
    runners.retain(|runner| runner.alive(now_ms));
    if runners.is_empty() {
        return Err(fault::no_runner());
    }
    Ok(runners)
}

/// Refuses the names that mean something already, on any runner.
fn check_free(runners: &[Runner], name: &str) -> Result<(), Error> {
    let mut programs = runners.iter().flat_map(|runner| &runner.programs);
    match programs.find(|program| program.origin == Origin::Shipped && program.is_named(name)) {
        None => Ok(()),
        Some(program) => Err(fault::conflict(program.name_is_taken(name))),
    }
}

/// Whether it has a user's program of that name.
fn offers(runner: &Runner, name: &str) -> bool {
    let mut programs = runner.programs.iter();
    programs.any(|program| program.origin == Origin::Added && program.name == name)
}

fn missing(runners: &[Runner], name: &str) -> Error {
    let programs = runners.iter().flat_map(|runner| &runner.programs);
    let known: BTreeSet<_> = programs.map(|program| program.name.clone()).collect();
    fault::missing("program", name, known.into_iter().collect())
}

fn remote<'a, W: Wire>(wire: &'a W, runner: &'a Runner) -> Remote<'a, W> {
    Remote {
        wire,
        id: &runner.id,
        url: &runner.url,
    }
}

/// Gives it to one runner after the other. What the first one that is there refuses is refused; after that a runner is
/// left out that does not take it. What one has made of it, its version and digest, is asked of the others.
fn pass_on(
    wire: &impl Wire,
    runners: &[Runner],
    new: New,
) -> Result<(Offered, Vec<LeftOut>), Error> {
    let New {
        name,
        mut version,
        mut digest,
        agent,
        mut bytes,
    } = new;
    let (mut taken, mut left_out): (Option<Offered>, _) = (None, Vec::new());
    let mut refused = fault::no_runner();
    let last = runners.len().saturating_sub(1);
    for (index, runner) in runners.iter().enumerate() {
        // Each copy is large: the last runner gets the bytes themselves.
        let body = if index == last {
            std::mem::take(&mut bytes)
        } else {
            bytes.clone()
        };
        let path = path(&name, version.as_deref(), digest.as_deref(), agent);
        let remote = remote(wire, runner);
        let put = ToRunner {
            body: Some(("application/wasm", body)),
            silence_ms_max: ADD_SILENCE_MS,
            ..ToRunner::plain(Method::Put, &path)
        };
        let put = remote.send(put);
        match put.and_then(|answer| remote.read::<ProgramDetails>(&answer)) {
            Ok(details) => {
                version = Some(details.program.version.clone());
                digest = Some(details.program.digest.clone());
                let offered = taken.get_or_insert(Offered {
                    details,
                    runners: Vec::new(),
                });
                offered.runners.push(runner.id.clone());
            }
            Err(error @ Error::Unavailable { .. }) => {
                left_out.push(left(runner, &error));
                refused = error;
            }
            Err(error) if taken.is_none() => return Err(error),
            Err(error) => left_out.push(left(runner, &error)),
        }
    }
    Ok((taken.ok_or(refused)?, left_out))
}

fn path(name: &str, version: Option<&str>, digest: Option<&str>, agent: bool) -> String {
    let agent = agent.then_some("true");
    let query: Vec<_> = [("version", version), ("digest", digest), ("agent", agent)]
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", encode_query(value?))))
        .collect();
    format!("{PROGRAMS}/{name}?{}", query.join("&"))
}

fn left(runner: &Runner, error: &Error) -> LeftOut {
    LeftOut {
        runner: runner.id.clone(),
        reason: error.to_string(),
    }
}

/// The payload of both events.
#[derive(Serialize)]
struct Change<'a> {
    name: &'a str,
    version: &'a str,
    digest: &'a str,
}

/// What the last event of a program tells. The default is a name that never was.
#[derive(Default)]
struct Last {
    head: Head,
    /// None after it was removed.
    added: Option<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    version: String,
    digest: String,
}

impl Last {
    fn of(database: &impl Database, name: &str) -> Result<Self, Error> {
        let statement = "SELECT sequence, hash, kind, payload FROM event \
                         WHERE stream = ? ORDER BY sequence DESC LIMIT 1";
        let rows = query(database, statement, &[text(&stream(name))]).map_err(fault::database)?;
        let last = |row: &Row| {
            Ok(Self {
                head: Head {
                    sequence: row.integer(0)?,
                    hash: row.text(1)?.to_owned(),
                },
                added: match row.text(2)? {
                    ADDED => Some(row.json(3)?),
                    _ => None,
                },
            })
        };
        let last = rows.first().map(last).transpose();
        Ok(last.map_err(fault::database)?.unwrap_or_default())
    }
}

const ADDED: &str = "program.added";
const REMOVED: &str = "program.removed";

fn stream(name: &str) -> String {
    format!("program:{name}")
}

/// One event for a change; none when nothing changed. True when there was no such program.
fn record_added(database: &impl Database, change: &Change<'_>) -> Result<bool, Error> {
    let event = NewEvent::new(ADDED, change).map_err(fault::database)?;
    append_to(database, change.name, |last| match &last.added {
        Some(kept) if kept.version == change.version && kept.digest == change.digest => {
            Ok((None, false))
        }
        kept => Ok((Some(event.clone()), kept.is_none())),
    })
}

/// Not found when nobody had it, the events included.
fn record_removed(
    database: &impl Database,
    name: &str,
    removed: bool,
    alive: &[Runner],
) -> Result<(), Error> {
    append_to(database, name, |last| {
        let kept = match &last.added {
            Some(kept) => (kept.version.as_str(), kept.digest.as_str()),
            None if removed => removed_late(alive, name),
            None => return Err(missing(alive, name)),
        };
        let (version, digest) = kept;
        let change = Change {
            name,
            version,
            digest,
        };
        let event = NewEvent::new(REMOVED, &change).map_err(fault::database)?;
        Ok((Some(event), ()))
    })
}

/// What a runner had that was away when it was removed from the others.
fn removed_late<'a>(alive: &'a [Runner], name: &str) -> (&'a str, &'a str) {
    let mut programs = alive.iter().flat_map(|runner| &runner.programs);
    let found = programs.find(|program| program.origin == Origin::Added && program.name == name);
    found.map_or(("", ""), |program| {
        (program.version.as_str(), program.digest.as_str())
    })
}

/// Reads a program's last event and appends what follows it, if anything does; again when another writer was first.
fn append_to<R>(
    database: &impl Database,
    name: &str,
    decide: impl Fn(&Last) -> Result<(Option<NewEvent>, R), Error>,
) -> Result<R, Error> {
    for _ in 0..ATTEMPTS {
        let last = Last::of(database, name)?;
        let (event, result) = decide(&last)?;
        let Some(event) = event else {
            return Ok(result);
        };
        match append(
            database,
            &stream(name),
            &last.head,
            &[event],
            ACTOR,
            now_ms(),
        ) {
            Ok(_) => return Ok(result),
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}
