//! What is read to decide on leases and reports.

use super::{index, json, json_or_null, number, text};
use crate::decide::{LEASES_MAX, Open, Place, Run, State};
use crate::event::{Ended, Task};
use swarm_flow_policy::Policy;
use swarm_flow_state::{Database, DatabaseError, Head, Row, query};

/// A runner that asks for work.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub runner: &'a str,
    pub runs_max: u32,
    pub now_ms: u64,
}

/// A run in which there may be something for the runner.
pub struct Candidate {
    pub id: String,
    pub swarm: String,
    pub head: Head,
    /// How many more leases the swarm has agents for.
    pub room: u32,
    pub run: Run,
}

/// The oldest runs with a task that the runner can take, or that must be given up.
pub fn asked(database: &impl Database, asked: Asked<'_>) -> Result<Vec<Candidate>, DatabaseError> {
    const LIVE: &str = "(SELECT count(*) FROM task AS held WHERE held.swarm = swarm.id AND held.state = 'leased' AND held.expires_at_ms > ?1)";
    // Pending tasks are read only of a run that gives up on a task, and may have to skip them.
    let statement = format!(
        "WITH candidate AS ( \
            SELECT task.run AS id, max(swarm.size - {LIVE}, 0) AS room, \
                max(workspace.id IS NULL OR task.fence >= {LEASES_MAX}) AS gives_up \
            FROM task \
            JOIN swarm ON swarm.id = task.swarm \
            LEFT JOIN workspace ON workspace.id = task.workspace \
            WHERE task.state IN ('ready', 'leased') AND (task.state = 'ready' OR task.expires_at_ms <= ?1) \
                AND (workspace.id IS NULL OR (workspace.runner = ?2 AND workspace.state = 'started' \
                    AND (task.fence >= {LEASES_MAX} OR {LIVE} < swarm.size))) \
            GROUP BY task.run ORDER BY min(task.rowid) LIMIT ?3) \
        SELECT run.id, run.swarm, json_quote(run.strategy), run.failures, run.revision, run.hash, \
            candidate.room, task.number, task.state, task.fence, task.runner, task.expires_at_ms, \
            CASE WHEN workspace.id IS NULL THEN 'gone' \
                WHEN workspace.runner = ?2 AND workspace.state = 'started' THEN 'here' ELSE 'elsewhere' END \
        FROM candidate JOIN run ON run.id = candidate.id \
        JOIN task ON task.run = run.id AND (task.state IN ('ready', 'leased') \
            OR (task.state = 'pending' AND candidate.gives_up)) \
        LEFT JOIN workspace ON workspace.id = task.workspace \
        ORDER BY run.position, task.number"
    );
    let parameters = [
        number(asked.now_ms),
        text(asked.runner),
        number(asked.runs_max.into()),
    ];
    let mut candidates: Vec<Candidate> = Vec::new();
    for row in query(database, &statement, &parameters)? {
        let id = row.text(0)?;
        if candidates.last().is_none_or(|last| last.id != id) {
            candidates.push(Candidate {
                id: id.to_owned(),
                swarm: row.text(1)?.to_owned(),
                head: Head {
                    sequence: row.integer(4)?,
                    hash: row.text(5)?.to_owned(),
                },
                room: index(&row, 6)?,
                run: Run {
                    strategy: row.json(2)?,
                    failed: row.integer(3)? > 0,
                    open: Vec::new(),
                },
            });
        }
        let place = match row.text(12)? {
            "here" => Place::Here,
            "gone" => Place::Gone,
            _ => Place::Elsewhere,
        };
        let open = read_open(&row, 7, place)?;
        if let Some(last) = candidates.last_mut() {
            last.run.open.extend(open);
        }
    }
    Ok(candidates)
}

/// Five columns from `first` on: number, state, fence, runner, expiry. None for a task that has ended.
fn read_open(row: &Row, first: usize, place: Place) -> Result<Option<Open>, DatabaseError> {
    let state = match row.text(first + 1)? {
        "pending" => State::Pending,
        "ready" => State::Ready,
        "leased" => State::Leased {
            runner: row.text(first + 3)?.to_owned(),
            expires_at_ms: row.integer(first + 4)?,
        },
        _ => return Ok(None),
    };
    Ok(Some(Open {
        index: index(row, first)?,
        fence: row.integer(first + 2)?,
        state,
        place,
    }))
}

/// What a lease says beyond run, index and fence.
pub struct Details {
    pub run: String,
    pub index: u32,
    pub task: Task,
    pub agent: String,
    pub workspace: String,
    pub environment: String,
    pub policy: Policy,
}

/// The details of tasks, given by run and index. A task whose workspace was deleted just now is left out.
pub fn details(
    database: &impl Database,
    tasks: &[(&str, u32)],
) -> Result<Vec<Details>, DatabaseError> {
    let statement = "SELECT task.run, task.number, task.task, task.agent, task.workspace, \
            json_extract(workspace.environment, '$.name'), workspace.policy \
        FROM json_each(?) AS wanted \
        JOIN task ON task.run = json_extract(wanted.value, '$[0]') \
            AND task.number = json_extract(wanted.value, '$[1]') \
        JOIN workspace ON workspace.id = task.workspace";
    let read = |row: &Row| {
        Ok(Details {
            run: row.text(0)?.to_owned(),
            index: index(row, 1)?,
            task: row.json(2)?,
            agent: row.text(3)?.to_owned(),
            workspace: row.text(4)?.to_owned(),
            environment: row.text(5)?.to_owned(),
            policy: row.json(6)?,
        })
    };
    query(database, statement, &[json(tasks)?])?
        .iter()
        .map(read)
        .collect()
}

/// Moves the end of leases that still are the runner's; gives those that are, as (run, index, fence). An
/// `UPDATE` and no event, see the schema.
pub fn renew(
    database: &impl Database,
    runner: &str,
    leases: &[(&str, u32, u64)],
    expires_at_ms: u64,
) -> Result<Vec<(String, u32, u64)>, DatabaseError> {
    let statement = "UPDATE task SET expires_at_ms = max(expires_at_ms, ?1) \
        WHERE state = 'leased' AND runner = ?2 AND (run, number, fence) IN ( \
            SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') \
            FROM json_each(?3)) \
        RETURNING run, number, fence";
    let rows = query(
        database,
        statement,
        &[number(expires_at_ms), text(runner), json(leases)?],
    )?;
    rows.iter()
        .map(|row| Ok((row.text(0)?.to_owned(), index(row, 1)?, row.integer(2)?)))
        .collect()
}

/// A run in which a task is reported.
pub struct Reported {
    pub swarm: String,
    pub head: Head,
    pub run: Run,
    /// How the task ended, if it has.
    pub past: Option<Ended>,
}

/// None when there is no such run or no such task in it. Of the other open tasks the first `others_max` are
/// read: one tells what is next and that the run goes on, all are to be skipped when a sequence fails.
pub fn reported(
    database: &impl Database,
    run: &str,
    task: u32,
    others_max: u32,
) -> Result<Option<Reported>, DatabaseError> {
    let statement = "SELECT run.swarm, json_quote(run.strategy), run.failures, run.revision, run.hash, \
            task.number, task.state, task.fence, task.runner, task.expires_at_ms, \
            CASE WHEN task.number = ?2 THEN task.result END, CASE WHEN task.number = ?2 THEN task.failure END \
        FROM run JOIN task ON task.run = run.id AND (task.number = ?2 OR task.number IN ( \
            SELECT number FROM task WHERE run = ?1 AND number <> ?2 \
                AND state IN ('pending', 'ready', 'leased') ORDER BY number LIMIT ?3)) \
        WHERE run.id = ?1 ORDER BY task.number";
    let parameters = [text(run), number(task.into()), number(others_max.into())];
    let rows = query(database, statement, &parameters)?;
    let mut found: Option<Reported> = None;
    let mut exists = false;
    for row in &rows {
        let reported = match &mut found {
            Some(reported) => reported,
            none => none.insert(Reported {
                swarm: row.text(0)?.to_owned(),
                head: Head {
                    sequence: row.integer(3)?,
                    hash: row.text(4)?.to_owned(),
                },
                run: Run {
                    strategy: row.json(1)?,
                    failed: row.integer(2)? > 0,
                    open: Vec::new(),
                },
                past: None,
            }),
        };
        exists |= index(row, 5)? == task;
        match read_open(row, 5, Place::Elsewhere)? {
            Some(open) => reported.run.open.push(open),
            None => reported.past = Some(read_past(row)?),
        }
    }
    Ok(found.filter(|_| exists))
}

fn read_past(row: &Row) -> Result<Ended, DatabaseError> {
    Ok(Ended {
        index: index(row, 5)?,
        fence: row.integer(7)?,
        runner: row.text_or_null(8)?.map(str::to_owned),
        result: json_or_null(row, 10)?,
        failure: json_or_null(row, 11)?,
    })
}
