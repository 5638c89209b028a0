//! Policies that are kept under a name, in versions.
//!
//! A version never changes. The names of the presets and `custom` are taken, so that a name always means one thing.
//! Who holds a name, and which is its last version, is decided by one row that is read before each change; a writer that
//! was not first reads it again.

use crate::fault::{self, conflict, invalid, missing};
use crate::lifecycle::{ACTOR, ATTEMPTS, check_policy};
use crate::model::{Page, StoredPolicy, check_name};
use crate::store::{integer, text};
use serde_json::json;
use swarm_flow_policy::{Policy, Preset};
use swarm_flow_protocol::Error;
use swarm_flow_state::{
    AppendError, Cursor, Database, DatabaseError, Head, NewEvent, Row, Value, append, now_ms, query,
};

/// One page of policies, and the cursor of the next.
pub struct PolicyPage {
    pub items: Vec<StoredPolicy>,
    pub next: Option<String>,
}

/// How many names are told to who asked for one that is not there.
const KNOWN_MAX: u32 = 32;
/// What a workspace's policy is called that has no name.
const CUSTOM: &str = "custom";
/// Another version is the last one by now.
const VERSION_MISMATCH: &str = "version-mismatch";

/// Keeps a policy as the next version. One that is the same as the last version makes none.
pub fn put(
    database: &impl Database,
    name: &str,
    policy: Policy,
    expected_version: Option<u32>,
) -> Result<(StoredPolicy, bool), Error> {
    check_name("name", name)?;
    check_free(name)?;
    check_policy(&policy)?;
    for _ in 0..ATTEMPTS {
        let last = Last::of(database, name)?;
        last.expect(name, expected_version)?;
        if let Some(kept) = last.kept.filter(|kept| kept.policy == policy) {
            return Ok((kept, false));
        }
        let version = last.version.saturating_add(1);
        let payload = json!({"version": version, "policy": policy});
        let event = NewEvent::new("policy.put", &payload).map_err(fault::database)?;
        let at_ms = now_ms();
        match append(database, &stream(name), &last.head, &[event], ACTOR, at_ms) {
            Ok(_) => {
                let name = name.to_owned();
                let made = StoredPolicy {
                    name,
                    version,
                    policy,
                    created_at_ms: at_ms,
                };
                return Ok((made, true));
            }
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}

pub fn get(
    database: &impl Database,
    name: &str,
    version: Option<u32>,
) -> Result<StoredPolicy, Error> {
    let found = match version {
        None => Last::of(database, name)?.kept,
        Some(version) => {
            let statement =
                format!("SELECT {VERSION} FROM policy_version WHERE name = ? AND version = ?");
            let parameters = [text(name), integer(version.into())];
            let rows = query(database, &statement, &parameters).map_err(fault::database)?;
            rows.first()
                .map(stored)
                .transpose()
                .map_err(fault::database)?
        }
    };
    match (found, version) {
        (Some(found), _) => Ok(found),
        (None, None) => Err(missing("policy", name, known(database)?)),
        (None, Some(version)) => Err(missing(
            "policy",
            &format!("{name}@{version}"),
            known_versions(database, name)?,
        )),
    }
}

pub fn list(database: &impl Database, page: &Page) -> Result<PolicyPage, Error> {
    // A name stays where it is in the list of names, also while it is deleted, so its position finds it.
    let statement = format!(
        "SELECT {VERSION}, position FROM policy JOIN policy_version USING (name, version) \
         WHERE name > coalesce((SELECT name FROM policy WHERE position = ?), '') ORDER BY name LIMIT ?"
    );
    read(database, &statement, &[], "policies", page)
}

pub fn versions(database: &impl Database, name: &str, page: &Page) -> Result<PolicyPage, Error> {
    let statement = format!(
        "SELECT {VERSION}, version FROM policy_version WHERE name = ? AND version > ? ORDER BY version LIMIT ?"
    );
    let found = read(database, &statement, &[text(name)], "versions", page)?;
    if found.items.is_empty() && page.cursor.is_none() {
        return Err(missing("policy", name, known(database)?));
    }
    Ok(found)
}

/// Forgets a name and its versions; the events stay.
pub fn delete(database: &impl Database, name: &str) -> Result<(), Error> {
    check_free(name)?;
    for _ in 0..ATTEMPTS {
        let last = Last::of(database, name)?;
        if last.kept.is_none() {
            return Err(missing("policy", name, known(database)?));
        }
        let event = NewEvent {
            kind: "policy.deleted",
            payload: "{}".to_owned(),
        };
        match append(
            database,
            &stream(name),
            &last.head,
            &[event],
            ACTOR,
            now_ms(),
        ) {
            Ok(_) => return Ok(()),
            Err(AppendError::Conflict) => {}
            Err(error) => return Err(fault::append(error)),
        }
    }
    Err(fault::append(AppendError::Conflict))
}

/// What there is under a name before a change. The default is a name that never was.
#[derive(Default)]
struct Last {
    /// 0 when the name never was; of a deleted policy, its last one.
    version: u32,
    head: Head,
    kept: Option<StoredPolicy>,
}

impl Last {
    fn of(database: &impl Database, name: &str) -> Result<Self, Error> {
        let statement = format!(
            "SELECT {VERSION}, revision, hash FROM policy LEFT JOIN policy_version USING (name, version) \
             WHERE name = ?"
        );
        let rows = query(database, &statement, &[text(name)]).map_err(fault::database)?;
        let last = rows
            .first()
            .map(last)
            .transpose()
            .map_err(fault::database)?;
        Ok(last.unwrap_or_default())
    }

    fn expect(&self, name: &str, expected_version: Option<u32>) -> Result<(), Error> {
        let version = self.kept.as_ref().map_or(0, |kept| kept.version);
        match expected_version {
            None => Ok(()),
            Some(expected) if expected == version => Ok(()),
            Some(_) if version == 0 => Err(conflict(format!(
                "{VERSION_MISMATCH}: there is no policy `{name}` yet"
            ))),
            Some(_) => Err(conflict(format!(
                "{VERSION_MISMATCH}: the last version of `{name}` is {version}"
            ))),
        }
    }
}

fn stream(name: &str) -> String {
    format!("policy:{name}")
}

/// Refuses the names that mean something already.
fn check_free(name: &str) -> Result<(), Error> {
    let taken = if name.parse::<Preset>().is_ok() {
        "is a preset, which nobody changes"
    } else if name == CUSTOM {
        "is what a policy without a name is called"
    } else {
        return Ok(());
    };
    Err(conflict(format!(
        "`{name}` {taken}; keep yours under another name"
    )))
}

/// All names, when they are few enough to help.
fn known(database: &impl Database) -> Result<Vec<String>, Error> {
    let presets = Preset::ALL.map(|preset| preset.name().to_owned());
    let statement =
        "SELECT name FROM policy JOIN policy_version USING (name, version) ORDER BY name LIMIT ?";
    let kept = few(database, statement, &[])?;
    Ok(presets.into_iter().chain(kept).collect())
}

fn known_versions(database: &impl Database, name: &str) -> Result<Vec<String>, Error> {
    let statement =
        "SELECT name || '@' || version FROM policy_version WHERE name = ? ORDER BY version LIMIT ?";
    few(database, statement, &[text(name)])
}

/// The texts that a statement finds; none when they are too many.
fn few(
    database: &impl Database,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<String>, Error> {
    let mut parameters = parameters.to_vec();
    parameters.push(integer(u64::from(KNOWN_MAX) + 1));
    let rows = query(database, statement, &parameters).map_err(fault::database)?;
    if rows.len() > KNOWN_MAX as usize {
        return Ok(Vec::new());
    }
    rows.iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(fault::database)
}

const VERSION: &str = "name, version, policy, created_at_ms";
const VERSION_COLUMNS: usize = 4;

/// A page of versions. The statement gives a position after each, and takes one, then how many at most.
fn read(
    database: &impl Database,
    statement: &str,
    parameters: &[Value],
    list: &str,
    page: &Page,
) -> Result<PolicyPage, Error> {
    let items = page.items()?;
    let position = Cursor::position_of(list, page.cursor.as_deref())
        .map_err(|error| invalid("cursor", error.to_string()))?;
    let mut parameters = parameters.to_vec();
    // One more than asked for tells whether there is a next page.
    parameters.extend([integer(position), integer(u64::from(items) + 1)]);
    let rows = query(database, statement, &parameters).map_err(fault::database)?;
    let shown = rows.iter().take(items as usize);
    let next = match shown.clone().next_back() {
        Some(last) if rows.len() > items as usize => {
            let position = last.integer(VERSION_COLUMNS).map_err(fault::database)?;
            Some(Cursor { list, position }.encode())
        }
        _ => None,
    };
    let items = shown
        .map(stored)
        .collect::<Result<_, _>>()
        .map_err(fault::database)?;
    Ok(PolicyPage { items, next })
}

fn stored(row: &Row) -> Result<StoredPolicy, DatabaseError> {
    Ok(StoredPolicy {
        name: row.text(0)?.to_owned(),
        version: version(row)?,
        policy: row.json(2)?,
        created_at_ms: row.integer(3)?,
    })
}

fn last(row: &Row) -> Result<Last, DatabaseError> {
    let kept = match row.text_or_null(2)? {
        Some(_) => Some(stored(row)?),
        None => None,
    };
    Ok(Last {
        version: version(row)?,
        head: Head {
            sequence: row.integer(VERSION_COLUMNS)?,
            hash: row.text(VERSION_COLUMNS + 1)?.to_owned(),
        },
        kept,
    })
}

fn version(row: &Row) -> Result<u32, DatabaseError> {
    let version = row.integer(1)?;
    u32::try_from(version).map_err(|_| DatabaseError(format!("{version} is not a version")))
}
