//! What the database holds of swarms and runs, and the one way to change it. Each function is one statement.

mod call;
mod memory;
mod successor;
mod work;

pub use call::{
    Caller, Named, StoredQuestion, caller, fullest_mailbox, named, question, questions_before,
    received, reply_to, results, tasks_of, unreceived,
};
pub use memory::{Holder, holder, memories, memories_after, memory, memory_keys, written_by};
pub use successor::{Following, Succession, following, succession};
pub use work::{
    Asked, Candidate, Details, Input, Read, Tried, asked, details, offered, open_tasks, read,
    renew, runners_of_run, tried,
};

use crate::bindings::types::Error;
use crate::budget::{Account, Budget, TaskAccount};
use crate::error::internal;
use crate::event::{AgentGroup, Failure, Task, TaskResult, Wait};
use crate::strategy::{Outcome, Strategy};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use swarm_flow_state::{AppendError, Database, DatabaseError, Head, NewEvent, Row, Value, query};

/// How often a change is decided again because another writer was first.
pub const ATTEMPTS_MAX: u32 = 32;

/// What the trigger `task_lease_holds` says.
const LEASE_HOLDS: &str = "the lease was decided on what is no longer so";

/// Appends events; none when another writer was first.
pub fn append(
    database: &impl Database,
    stream: &str,
    head: &Head,
    events: &[NewEvent],
    actor: &str,
    at_ms: u64,
) -> Result<Option<Head>, Error> {
    match swarm_flow_state::append(database, stream, head, events, actor, at_ms) {
        Ok(head) => Ok(Some(head)),
        Err(AppendError::Conflict) => Ok(None),
        Err(AppendError::Database(error)) if error.0.contains(LEASE_HOLDS) => Ok(None),
        Err(AppendError::Database(error)) => Err(internal(error)),
    }
}

/// The payload of a stream's first event.
pub fn first_payload<T: DeserializeOwned>(
    database: &impl Database,
    stream: &str,
) -> Result<Option<T>, DatabaseError> {
    let rows = query(
        database,
        "SELECT payload FROM event WHERE stream = ? AND sequence = 1",
        &[text(stream)],
    )?;
    rows.first().map(|row| row.json(0)).transpose()
}

/// A workspace that was asked for.
pub struct Workspace {
    pub id: String,
    /// None when there is no such workspace.
    pub started: Option<bool>,
}

pub fn workspaces(
    database: &impl Database,
    ids: &[String],
) -> Result<Vec<Workspace>, DatabaseError> {
    let statement = "SELECT wanted.value, workspace.state FROM json_each(?) AS wanted \
        LEFT JOIN workspace ON workspace.id = wanted.value ORDER BY wanted.key";
    let rows = query(database, statement, &[json(ids)?])?;
    let read = |row: &Row| {
        let started = row.text_or_null(1)?.map(|state| state == "started");
        Ok(Workspace {
            id: row.text(0)?.to_owned(),
            started,
        })
    };
    rows.iter().map(read).collect()
}

/// The names of users' agents that a runner which is alive has.
pub fn added_agents(database: &impl Database, now_ms: u64) -> Result<Vec<String>, DatabaseError> {
    let statement = "SELECT DISTINCT json_extract(program.value, '$.name') FROM runner, json_each(runner.programs) AS program \
        WHERE json_extract(program.value, '$.agent') IS NOT NULL AND runner.seen_at_ms > ? ORDER BY 1";
    let since = number(now_ms.saturating_sub(swarm_flow_protocol::ALIVE_MS));
    let rows = query(database, statement, &[since])?;
    rows.iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect()
}

/// The kinds of agents that a runner has or had beside the app's own, and what they say that they can.
pub fn capabilities(database: &impl Database) -> Result<Vec<(String, Vec<String>)>, DatabaseError> {
    let statement = "SELECT json_extract(program.value, '$.name'), json_extract(program.value, '$.agent.capabilities') \
        FROM runner, json_each(runner.programs) AS program \
        WHERE json_extract(program.value, '$.agent') IS NOT NULL ORDER BY runner.seen_at_ms";
    let rows = query(database, statement, &[])?;
    rows.iter()
        .map(|row| Ok((row.text(0)?.to_owned(), row.json(1)?)))
        .collect()
}

#[derive(Clone, Debug)]
pub struct StoredSwarm {
    pub position: u64,
    pub id: String,
    pub name: String,
    pub agents: Vec<AgentGroup>,
    pub strategy: Strategy,
    pub workspaces: Vec<String>,
    pub budget: Budget,
    pub created_at_ms: u64,
    pub updated_at_ms: u64,
    pub head: Head,
}

const SWARM: &str = "SELECT position, id, name, agents, json_quote(strategy), workspaces, created_at_ms, \
    updated_at_ms, revision, hash, budget FROM swarm";

pub fn swarm(database: &impl Database, id: &str) -> Result<Option<StoredSwarm>, DatabaseError> {
    let rows = query(database, &format!("{SWARM} WHERE id = ?"), &[text(id)])?;
    rows.first().map(read_swarm).transpose()
}

pub fn swarms_after(
    database: &impl Database,
    position: u64,
    limit: u32,
) -> Result<Vec<StoredSwarm>, DatabaseError> {
    let statement = format!("{SWARM} WHERE position > ? ORDER BY position LIMIT ?");
    let rows = query(
        database,
        &statement,
        &[number(position), number(limit.into())],
    )?;
    rows.iter().map(read_swarm).collect()
}

fn read_swarm(row: &Row) -> Result<StoredSwarm, DatabaseError> {
    Ok(StoredSwarm {
        position: row.integer(0)?,
        id: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        agents: row.json(3)?,
        strategy: row.json(4)?,
        workspaces: row.json(5)?,
        created_at_ms: row.integer(6)?,
        updated_at_ms: row.integer(7)?,
        head: Head {
            sequence: row.integer(8)?,
            hash: row.text(9)?.to_owned(),
        },
        budget: row.json(10)?,
    })
}

pub struct StoredRun {
    pub id: String,
    pub swarm: String,
    pub strategy: Strategy,
    /// As `run-state` names it.
    pub state: String,
    pub outcome: Option<Outcome>,
    pub failure: Option<Failure>,
    pub budget: Budget,
    pub account: Account,
    pub created_at_ms: u64,
    pub ended_at_ms: Option<u64>,
    pub tasks: Vec<StoredTask>,
}

pub struct StoredTask {
    pub index: u32,
    pub task: Task,
    pub agent: String,
    pub workspace: Option<String>,
    pub needs: Vec<u32>,
    pub parent: Option<u32>,
    /// As `task-state` names it.
    pub state: String,
    /// Of its last call that waited.
    pub wait: Option<Wait>,
    pub wait_since_ms: u64,
    pub wait_until_ms: Option<u64>,
    pub progress: Option<Progress>,
    pub optional: bool,
    pub priority: i32,
    pub fence: u64,
    pub failures: u32,
    pub not_before_ms: u64,
    pub runner: Option<String>,
    pub result: Option<TaskResult>,
    pub failure: Option<Failure>,
    pub account: TaskAccount,
    pub started_at_ms: Option<u64>,
    pub ended_at_ms: Option<u64>,
}

/// As `task-progress` has it.
#[derive(Deserialize)]
pub struct Progress {
    pub message: String,
    pub done: Option<f32>,
    pub at_ms: u64,
}

pub fn run(database: &impl Database, id: &str) -> Result<Option<StoredRun>, DatabaseError> {
    let statement = "SELECT run.id, run.swarm, json_quote(run.strategy), run.state, run.outcome, run.failure, \
            run.created_at_ms, run.ended_at_ms, \
            task.number, task.task, task.agent, nullif(task.workspace, ''), \
            (SELECT json_group_array(needs) FROM need WHERE run = task.run AND number = task.number), \
            task.state, task.optional, CAST(task.priority AS TEXT), task.fence, task.failures, task.not_before_ms, task.runner, \
            task.result, task.failure, task.started_at_ms, task.ended_at_ms, \
            task.parent, task.wait, task.wait_since_ms, task.wait_until_ms, task.progress, \
            task.account, run.budget, run.account \
        FROM run JOIN task ON task.run = run.id WHERE run.id = ? ORDER BY task.number";
    let rows = query(database, statement, &[text(id)])?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(StoredRun {
        id: first.text(0)?.to_owned(),
        swarm: first.text(1)?.to_owned(),
        strategy: first.json(2)?,
        state: first.text(3)?.to_owned(),
        outcome: json_or_null(first, 4)?,
        failure: json_or_null(first, 5)?,
        created_at_ms: first.integer(6)?,
        ended_at_ms: first.integer_or_null(7)?,
        budget: first.json(30)?,
        account: first.json(31)?,
        tasks: rows.iter().map(read_task).collect::<Result<_, _>>()?,
    }))
}

fn read_task(row: &Row) -> Result<StoredTask, DatabaseError> {
    Ok(StoredTask {
        index: index(row, 8)?,
        task: row.json(9)?,
        agent: row.text(10)?.to_owned(),
        workspace: row.text_or_null(11)?.map(str::to_owned),
        needs: row.json(12)?,
        state: row.text(13)?.to_owned(),
        optional: row.integer(14)? > 0,
        priority: row.json(15)?,
        fence: row.integer(16)?,
        failures: index(row, 17)?,
        not_before_ms: row.integer(18)?,
        runner: row.text_or_null(19)?.map(str::to_owned),
        result: json_or_null(row, 20)?,
        failure: json_or_null(row, 21)?,
        started_at_ms: row.integer_or_null(22)?,
        ended_at_ms: row.integer_or_null(23)?,
        parent: index_or_null(row, 24)?,
        wait: json_or_null(row, 25)?,
        wait_since_ms: row.integer(26)?,
        wait_until_ms: row.integer_or_null(27)?,
        progress: json_or_null(row, 28)?,
        account: row.json(29)?,
    })
}

pub struct StoredSummary {
    pub position: u64,
    pub id: String,
    pub swarm: String,
    pub strategy: Strategy,
    pub state: String,
    pub tasks: u32,
    pub ended_tasks: u32,
    pub account: Account,
    pub created_at_ms: u64,
    pub ended_at_ms: Option<u64>,
}

/// Of one swarm or of all, the newest first.
pub fn runs_before(
    database: &impl Database,
    swarm: Option<&str>,
    position: u64,
    limit: u32,
) -> Result<Vec<StoredSummary>, DatabaseError> {
    let of_swarm = if swarm.is_some() {
        "swarm = ?3"
    } else {
        "?3 = ''"
    };
    let statement = format!(
        "SELECT position, id, swarm, json_quote(strategy), state, \
            (SELECT count(*) FROM task WHERE task.run = run.id), \
            (SELECT count(*) FROM task WHERE task.run = run.id AND ended_at_ms IS NOT NULL), \
            created_at_ms, ended_at_ms, account \
        FROM run WHERE position < ?1 AND {of_swarm} ORDER BY position DESC LIMIT ?2"
    );
    let parameters = [
        number(position),
        number(limit.into()),
        text(swarm.unwrap_or_default()),
    ];
    let rows = query(database, &statement, &parameters)?;
    let read = |row: &Row| {
        Ok(StoredSummary {
            position: row.integer(0)?,
            id: row.text(1)?.to_owned(),
            swarm: row.text(2)?.to_owned(),
            strategy: row.json(3)?,
            state: row.text(4)?.to_owned(),
            tasks: index(row, 5)?,
            ended_tasks: index(row, 6)?,
            account: row.json(9)?,
            created_at_ms: row.integer(7)?,
            ended_at_ms: row.integer_or_null(8)?,
        })
    };
    rows.iter().map(read).collect()
}

/// A run that is over.
pub struct EndedRun {
    pub id: String,
    /// The swarm's name.
    pub swarm: String,
    pub strategy: Strategy,
    pub state: String,
    pub failure: Option<Failure>,
    pub account: Account,
    pub created_at_ms: u64,
    pub ended_at_ms: u64,
}

pub fn ended_runs(
    database: &impl Database,
    ids: &[String],
) -> Result<Vec<EndedRun>, DatabaseError> {
    let statement = "SELECT run.id, swarm.name, json_quote(run.strategy), run.state, run.failure, run.account, \
            run.created_at_ms, run.ended_at_ms \
        FROM json_each(?) AS wanted CROSS JOIN run ON run.id = wanted.value JOIN swarm ON swarm.id = run.swarm \
        WHERE run.ended_at_ms IS NOT NULL";
    let rows = query(database, statement, &[json(ids)?])?;
    let read = |row: &Row| {
        Ok(EndedRun {
            id: row.text(0)?.to_owned(),
            swarm: row.text(1)?.to_owned(),
            strategy: row.json(2)?,
            state: row.text(3)?.to_owned(),
            failure: json_or_null(row, 4)?,
            account: row.json(5)?,
            created_at_ms: row.integer(6)?,
            ended_at_ms: row.integer(7)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Where the runners answer that hold a started workspace with a ready task of a swarm that has an agent free.
pub fn runners_with_work(
    database: &impl Database,
    swarm: &str,
    except: Option<&str>,
    now_ms: u64,
    seen_since_ms: u64,
) -> Result<Vec<String>, DatabaseError> {
    let statement = "SELECT DISTINCT runner.url FROM task \
        JOIN run ON run.id = task.run AND run.state = 'running' \
        JOIN swarm ON swarm.id = task.swarm \
        JOIN workspace ON workspace.state = 'started' AND (workspace.id = task.workspace \
            OR (task.workspace = '' AND workspace.id IN (SELECT value FROM json_each(swarm.workspaces)))) \
        JOIN runner ON runner.id = workspace.runner AND runner.seen_at_ms >= ?4 AND runner.id <> ?2 \
        WHERE task.swarm = ?1 AND task.state = 'ready' AND task.not_before_ms <= ?3 AND ( \
            SELECT count(*) FROM task WHERE swarm = ?1 AND state = 'leased' AND expires_at_ms > ?3 \
        ) < swarm.size";
    let parameters = [
        text(swarm),
        text(except.unwrap_or_default()),
        number(now_ms),
        number(seen_since_ms),
    ];
    query(database, statement, &parameters)?
        .iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> Result<Value, DatabaseError> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|error| DatabaseError(format!("cannot write a parameter as JSON: {error}")))
}

fn json_or_null<T: DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, DatabaseError> {
    row.text_or_null(column)?
        .map(|_| row.json(column))
        .transpose()
}

fn index_or_null(row: &Row, column: usize) -> Result<Option<u32>, DatabaseError> {
    let number = row.integer_or_null(column)?;
    Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

fn index(row: &Row, column: usize) -> Result<u32, DatabaseError> {
    u32::try_from(row.integer(column)?)
        .map_err(|_| DatabaseError(format!("column {column} holds no index")))
}
