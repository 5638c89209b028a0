//! The rows that this component reads. Every function is one statement.

use crate::fault;
use crate::model::{Made, Page, Runner, Secret, State, Workspace};
use swarm_flow_protocol::Error;
use swarm_flow_state::{Cursor, Database, DatabaseError, Head, Row, Value, query};

/// A workspace, and the address of the runner that holds it when that runner has joined.
pub struct Placed {
    pub workspace: Workspace,
    pub runner_url: Option<String>,
}

/// One page of workspaces in order of creation, and the cursor of the next.
pub struct WorkspacePage {
    pub items: Vec<Workspace>,
    pub next: Option<String>,
}

pub fn find(database: &impl Database, id: &str) -> Result<Workspace, Error> {
    let statement = format!("SELECT {WORKSPACE} FROM workspace WHERE id = ?");
    let rows = query(database, &statement, &[text(id)]).map_err(fault::database)?;
    let row = rows
        .first()
        .ok_or_else(|| fault::missing("workspace", id, Vec::new()))?;
    workspace(row).map_err(fault::database)
}

pub fn find_placed(database: &impl Database, id: &str) -> Result<Placed, Error> {
    fault::check_workspace_id(id)?;
    let statement = format!(
        "SELECT {WORKSPACE}, (SELECT url FROM runner WHERE runner.id = workspace.runner) \
         FROM workspace WHERE id = ?"
    );
    let rows = query(database, &statement, &[text(id)]).map_err(fault::database)?;
    let row = rows
        .first()
        .ok_or_else(|| fault::missing("workspace", id, Vec::new()))?;
    placed(row).map_err(fault::database)
}

pub fn list(database: &impl Database, page: &Page) -> Result<WorkspacePage, Error> {
    const LIST: &str = "workspaces";
    let items = page.items()?;
    let position = Cursor::position_of(LIST, page.cursor.as_deref())
        .map_err(|error| fault::invalid("cursor", error.to_string()))?;
    let statement = format!(
        "SELECT {WORKSPACE}, position FROM workspace WHERE position > ? ORDER BY position LIMIT ?"
    );
    // One more than asked for tells whether there is a next page.
    let parameters = [integer(position), integer(u64::from(items) + 1)];
    let rows = query(database, &statement, &parameters).map_err(fault::database)?;
    let shown = rows.iter().take(items as usize);
    let next = match (rows.len() > items as usize, shown.clone().next_back()) {
        (true, Some(last)) => {
            let position = last.integer(WORKSPACE_COLUMNS).map_err(fault::database)?;
            Some(
                Cursor {
                    list: LIST,
                    position,
                }
                .encode(),
            )
        }
        _ => None,
    };
    let items = shown
        .map(workspace)
        .collect::<Result<_, _>>()
        .map_err(fault::database)?;
    Ok(WorkspacePage { items, next })
}

/// The runners in order of how many workspaces they hold, the fewest first.
pub fn runners(database: &impl Database) -> Result<Vec<Runner>, Error> {
    let statement = "SELECT id, url, programs, environments, joined_at_ms, seen_at_ms, walls FROM runner \
                     ORDER BY workspaces, id";
    let rows = query(database, statement, &[]).map_err(fault::database)?;
    rows.iter()
        .map(runner)
        .collect::<Result<_, _>>()
        .map_err(fault::database)
}

/// The head of a runner's stream; none when it has not joined.
pub fn runner_head(database: &impl Database, id: &str) -> Result<Option<Head>, Error> {
    let rows = query(
        database,
        "SELECT revision, hash FROM runner WHERE id = ?",
        &[text(id)],
    );
    let rows = rows.map_err(fault::database)?;
    let head = |row: &Row| {
        Ok(Head {
            sequence: row.integer(0)?,
            hash: row.text(1)?.to_owned(),
        })
    };
    rows.first().map(head).transpose().map_err(fault::database)
}

/// Notes that a runner lives. False when it has not joined.
pub fn see_runner(database: &impl Database, id: &str, now_ms: u64) -> Result<bool, Error> {
    let statement = "UPDATE runner SET seen_at_ms = ? WHERE id = ? RETURNING id";
    let rows = query(database, statement, &[integer(now_ms), text(id)]).map_err(fault::database)?;
    Ok(!rows.is_empty())
}

/// The ids of the workspaces that a runner holds.
pub fn held(database: &impl Database, runner: &str) -> Result<Vec<String>, Error> {
    let rows = query(
        database,
        "SELECT id FROM workspace WHERE runner = ?",
        &[text(runner)],
    );
    let rows = rows.map_err(fault::database)?;
    rows.iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(fault::database)
}

/// The secrets of a workspace, by name.
pub fn secrets(database: &impl Database, workspace: &str) -> Result<Vec<Secret>, Error> {
    let statement = "SELECT name, binding, created_at_ms, updated_at_ms FROM secret \
                     WHERE workspace = ? ORDER BY name";
    let rows = query(database, statement, &[text(workspace)]).map_err(fault::database)?;
    let secret = |row: &Row| {
        Ok(Secret {
            name: row.text(0)?.to_owned(),
            binding: row.json(1)?,
            created_at_ms: row.integer(2)?,
            updated_at_ms: row.integer(3)?,
        })
    };
    rows.iter()
        .map(secret)
        .collect::<Result<_, _>>()
        .map_err(fault::database)
}

const WORKSPACE: &str = "id, name, environment, policy_name, policy, state, runner, created_at_ms, updated_at_ms, revision, hash, policy_version";
const WORKSPACE_COLUMNS: usize = 12;

fn workspace(row: &Row) -> Result<Workspace, DatabaseError> {
    Ok(Workspace {
        id: row.text(0)?.to_owned(),
        made: Made {
            name: row.text(1)?.to_owned(),
            environment: row.json(2)?,
            policy_name: row.text(3)?.to_owned(),
            policy_version: row.integer(11)?.try_into().unwrap_or(u32::MAX),
            policy: row.json(4)?,
            runner: row.text(6)?.to_owned(),
        },
        state: if row.text(5)? == "started" {
            State::Started
        } else {
            State::Stopped
        },
        created_at_ms: row.integer(7)?,
        updated_at_ms: row.integer(8)?,
        head: Head {
            sequence: row.integer(9)?,
            hash: row.text(10)?.to_owned(),
        },
    })
}

fn placed(row: &Row) -> Result<Placed, DatabaseError> {
    let runner_url = row.text_or_null(WORKSPACE_COLUMNS)?.map(str::to_owned);
    Ok(Placed {
        workspace: workspace(row)?,
        runner_url,
    })
}

fn runner(row: &Row) -> Result<Runner, DatabaseError> {
    Ok(Runner {
        id: row.text(0)?.to_owned(),
        url: row.text(1)?.to_owned(),
        programs: row.json(2)?,
        environments: row.json(3)?,
        walls: row.json(6)?,
        joined_at_ms: row.integer(4)?,
        seen_at_ms: row.integer(5)?,
    })
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
