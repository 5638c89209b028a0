//! What is read to decide on leases, reports, and what users ask of a run.

use super::{index, index_or_null, json, json_or_null, number, text};
use crate::budget::TaskAccount;
use crate::decide::{LEASES_MAX, LOOKING, Open, Place, Run, State, looks};
use crate::event::{Ended, Task};
use crate::locks::Lock;
use crate::strategy::{End, Seen};
use std::collections::{BTreeMap, HashMap};
use swarm_flow_policy::Policy;
use swarm_flow_state::{Database, DatabaseError, Head, Row, query};

/// A runner that asks for work.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub runner: &'a str,
    /// What it leased in an earlier one is lost.
    pub session: &'a str,
    pub runs_max: u32,
    pub now_ms: u64,
}

/// A run in which there may be something for the runner.
pub struct Candidate {
    pub id: String,
    pub swarm: String,
    /// How many more leases the swarm has agents for.
    pub room: u32,
    /// Whether a task is to be given up, so that others may have to be skipped.
    pub gives_up: bool,
    pub head: Head,
    /// Without its tasks.
    run: Run,
}

/// The workspaces that this runner holds of a task's swarm.
const HELD: &str = "SELECT workspace.id FROM json_each(swarm.workspaces) AS member \
    JOIN workspace ON workspace.id = member.value WHERE workspace.runner = ?2 AND workspace.state = 'started'";

/// A task that this runner leased before its last start.
const LEFT: &str = "(task.state = 'leased' AND task.runner = ?2 AND task.session <> ?3)";

/// Runs with a task that the runner can take, or that must be given up: of higher priority first, then of the swarm that has
/// the smallest share of its agents at work, then the oldest.
pub fn asked(database: &impl Database, asked: Asked<'_>) -> Result<Vec<Candidate>, DatabaseError> {
    let statement = format!(
        "WITH live AS MATERIALIZED ( \
            SELECT swarm, count(*) AS number FROM task \
            WHERE state = 'leased' AND expires_at_ms > ?1 AND NOT {LEFT} GROUP BY swarm), \
        waiting AS MATERIALIZED ( \
            SELECT run, swarm, workspace, max(priority) AS priority, 0 AS worn FROM task \
            WHERE state = 'ready' AND not_before_ms <= ?1 GROUP BY run, workspace \
            UNION ALL \
            SELECT run, swarm, workspace, max(priority), max(fence - failures - waits >= {LEASES_MAX}) FROM task \
            WHERE state = 'leased' AND (expires_at_ms <= ?1 OR {LEFT}) GROUP BY run, workspace \
            UNION ALL \
            SELECT run, swarm, workspace, max(priority), 0 FROM task \
            WHERE state = 'waiting' AND wait_until_ms <= ?1 GROUP BY run, workspace \
            UNION ALL \
            SELECT id, swarm, NULL, 0, 1 FROM run WHERE ended_at_ms IS NULL AND ends_at_ms <= ?1) \
        SELECT waiting.run, waiting.swarm, max(swarm.size - coalesce(live.number, 0), 0) AS room, \
            max(waiting.worn OR (waiting.workspace <> '' AND workspace.id IS NULL)) AS gives_up, {RUN} \
        FROM waiting \
        JOIN run ON run.id = waiting.run \
        JOIN swarm ON swarm.id = waiting.swarm \
        LEFT JOIN live ON live.swarm = waiting.swarm \
        LEFT JOIN workspace ON workspace.id = waiting.workspace \
        WHERE CASE \
            WHEN waiting.workspace IS NULL THEN 1 \
            WHEN waiting.workspace = '' THEN run.state = 'running' AND EXISTS ({HELD}) \
            WHEN workspace.id IS NULL THEN 1 \
            ELSE workspace.runner = ?2 AND workspace.state = 'started' AND (run.state = 'running' OR waiting.worn) END \
            AND (coalesce(live.number, 0) < swarm.size OR waiting.worn OR (waiting.workspace <> '' AND workspace.id IS NULL)) \
        GROUP BY waiting.run \
        ORDER BY max(waiting.priority) DESC, coalesce(live.number, 0) * 1.0 / swarm.size, run.position LIMIT ?4"
    );
    let parameters = [
        number(asked.now_ms),
        text(asked.runner),
        text(asked.session),
        number(asked.runs_max.into()),
    ];
    let rows = query(database, &statement, &parameters)?;
    let read = |row: &Row| {
        let (head, run) = read_run(row, 4)?;
        Ok(Candidate {
            id: row.text(0)?.to_owned(),
            swarm: row.text(1)?.to_owned(),
            room: index(row, 2)?,
            gives_up: row.integer(3)? > 0,
            head,
            run,
        })
    };
    rows.iter().map(read).collect()
}

/// The run with what a runner can take of it, in the order in which it shall: at most `most` tasks that are ready; all that
/// are open when one is given up.
pub fn offered(
    database: &impl Database,
    asked: Asked<'_>,
    candidate: &Candidate,
    most: u32,
) -> Result<Run, DatabaseError> {
    let mut run = candidate.run.clone();
    let most = if candidate.gives_up { u32::MAX } else { most };
    if candidate.gives_up {
        if looks(run.strategy) {
            run.seen = seen(database, &candidate.id)?;
        }
        run.names = names(database, &candidate.id)?;
    }
    // Each part finds its rows by an index: a run may have thousands of tasks.
    let open = if candidate.gives_up {
        format!("SELECT number FROM task WHERE run = ?4 AND state IN ({OPEN_STATES}) LIMIT ?5")
    } else {
        format!(
            "SELECT number FROM ( \
                SELECT number FROM task WHERE run = ?4 AND state = 'ready' AND not_before_ms <= ?1 \
                ORDER BY priority DESC, number LIMIT ?5) \
            UNION ALL SELECT number FROM task WHERE run = ?4 AND state = 'leased' AND (expires_at_ms <= ?1 OR {LEFT}) \
            UNION ALL SELECT number FROM task WHERE run = ?4 AND state = 'waiting' AND wait_until_ms <= ?1"
        )
    };
    let statement = format!(
        "SELECT {OPEN}, task.workspace, CASE WHEN task.workspace = '' THEN 'any' WHEN workspace.id IS NULL THEN 'gone' \
            WHEN workspace.runner = ?2 AND workspace.state = 'started' THEN 'here' ELSE 'elsewhere' END, {LEFT} \
        FROM ({open}) AS chosen CROSS JOIN task ON task.run = ?4 AND task.number = chosen.number \
        LEFT JOIN workspace ON workspace.id = task.workspace \
        ORDER BY task.priority DESC, task.number LIMIT ?5"
    );
    let parameters = [
        number(asked.now_ms),
        text(asked.runner),
        text(asked.session),
        text(&candidate.id),
        number(most.into()),
    ];
    let rows = query(database, &statement, &parameters)?;
    let mut free = if rows
        .iter()
        .any(|row| row.text(OPEN_COLUMNS).is_ok_and(str::is_empty))
    {
        Free::of(database, asked, candidate)?
    } else {
        Free::default()
    };
    for row in &rows {
        let workspace = row.text(OPEN_COLUMNS)?;
        let place = match row.text(OPEN_COLUMNS + 1)? {
            "here" => Place::Here {
                workspace: workspace.to_owned(),
            },
            "gone" => Place::Gone,
            "any" => free.next(),
            _ => Place::Elsewhere,
        };
        let mut open = read_open(row, place)?;
        if let Some(State::Leased { expires_at_ms, .. }) = open.as_mut().map(|open| &mut open.state)
            && row.integer(OPEN_COLUMNS + 2)? > 0
        {
            *expires_at_ms = 0;
        }
        run.open.extend(open);
    }
    Ok(run)
}

/// The workspaces that a task which is bound to none may have, with how many tasks each has at work.
#[derive(Default)]
struct Free(Vec<(u64, String)>);

impl Free {
    fn of(
        database: &impl Database,
        asked: Asked<'_>,
        candidate: &Candidate,
    ) -> Result<Self, DatabaseError> {
        let statement = "SELECT workspace.id, ( \
                SELECT count(*) FROM task \
                WHERE task.workspace = workspace.id AND task.state = 'leased' AND task.expires_at_ms > ?1) \
            FROM swarm, json_each(swarm.workspaces) AS member JOIN workspace ON workspace.id = member.value \
            WHERE swarm.id = ?3 AND workspace.runner = ?2 AND workspace.state = 'started' ORDER BY member.key";
        let parameters = [
            number(asked.now_ms),
            text(asked.runner),
            text(&candidate.swarm),
        ];
        let rows = query(database, statement, &parameters)?;
        let read = |row: &Row| Ok((row.integer(1)?, row.text(0)?.to_owned()));
        rows.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The one with the least to do, the first of equals.
    fn next(&mut self) -> Place {
        let least = self.0.iter_mut().min_by_key(|(tasks, _)| *tasks);
        least.map_or(Place::Elsewhere, |(tasks, workspace)| {
            *tasks += 1;
            Place::Here {
                workspace: workspace.clone(),
            }
        })
    }
}

/// Of tasks that have not ended.
const OPEN_STATES: &str = "'pending', 'ready', 'leased', 'waiting'";

/// What [`read_open`] reads. The needs are those that have not ended so that the task can start.
const OPEN: &str = "task.number, task.state, task.fence, task.runner, task.expires_at_ms, task.not_before_ms, \
    task.failures, task.retry, task.optional, CASE WHEN task.state <> 'pending' THEN '[]' ELSE ( \
        SELECT json_group_array(need.needs) FROM need \
        CROSS JOIN task AS needed ON needed.run = need.run AND needed.number = need.needs \
        WHERE need.run = task.run AND need.number = task.number \
            AND +needed.state IN ('pending', 'ready', 'leased', 'waiting')) END, \
    task.waits, task.parent, task.worked_ms, task.leased_at_ms, task.wait, task.wait_until_ms, task.cpu_time_ms, task.account";
const OPEN_COLUMNS: usize = 18;

/// None for a task that has ended.
fn read_open(row: &Row, place: Place) -> Result<Option<Open>, DatabaseError> {
    let state = match row.text(1)? {
        "pending" | "ready" => State::Queued {
            until_ms: row.integer(5)?,
        },
        "leased" => State::Leased {
            runner: row.text(3)?.to_owned(),
            expires_at_ms: row.integer(4)?,
        },
        "waiting" => State::Waiting {
            wait: row.json(14)?,
            until_ms: row.integer_or_null(15)?,
        },
        _ => return Ok(None),
    };
    Ok(Some(Open {
        index: index(row, 0)?,
        fence: row.integer(2)?,
        failures: index(row, 6)?,
        waits: row.integer(10)?,
        parent: index_or_null(row, 11)?,
        worked_ms: row.integer(12)?,
        leased_at_ms: row.integer(13)?,
        retry: row.json(7)?,
        cpu_time_ms: row.integer_or_null(16)?,
        account: row.json(17)?,
        optional: row.integer(8)? > 0,
        needs: row.json(9)?,
        state,
        place,
    }))
}

/// What [`read_run`] reads.
const RUN: &str = "json_quote(run.strategy), run.failures, run.state, run.options, run.revision, run.hash, ( \
        SELECT json_group_object(name, json_object('holders', json(holders), 'queue', json(queue))) \
        FROM lock WHERE lock.run = run.id), run.budget, run.account, run.ends_at_ms";

/// The run without its tasks, from column `first` on.
fn read_run(row: &Row, first: usize) -> Result<(Head, Run), DatabaseError> {
    let head = Head {
        sequence: row.integer(first + 4)?,
        hash: row.text(first + 5)?.to_owned(),
    };
    let locks: BTreeMap<String, Lock<u32>> = row.json(first + 6)?;
    let run = Run {
        strategy: row.json(first)?,
        failed: row.integer(first + 1)? > 0,
        paused: row.text(first + 2)? == "paused",
        open: Vec::new(),
        seen: Vec::new(),
        options: row.json(first + 3)?,
        budget: row.json(first + 7)?,
        account: row.json(first + 8)?,
        ends_at_ms: row.integer_or_null(first + 9)?,
        locks: locks.into_iter().collect(),
        names: BTreeMap::new(),
    };
    Ok((head, run))
}

/// The ids of its tasks.
fn names(database: &impl Database, run: &str) -> Result<BTreeMap<u32, String>, DatabaseError> {
    let statement = "SELECT number, id FROM task WHERE run = ?";
    let rows = query(database, statement, &[text(run)])?;
    let read = |row: &Row| Ok((index(row, 0)?, row.text(1)?.to_owned()));
    rows.iter().map(read).collect()
}

fn seen(database: &impl Database, run: &str) -> Result<Vec<Seen>, DatabaseError> {
    let statement = "SELECT state, optional, weight, CASE WHEN state = 'done' THEN json_extract(result, '$.output') END \
        FROM task WHERE run = ? AND parent IS NULL ORDER BY number";
    let rows = query(database, statement, &[text(run)])?;
    let read = |row: &Row| {
        Ok(Seen {
            end: match row.text(0)? {
                "done" => Some(End::Done),
                "failed" | "dead" => Some(End::Failed),
                "skipped" => Some(End::Skipped),
                "cancelled" => Some(End::Cancelled),
                _ => None,
            },
            optional: row.integer(1)? > 0,
            weight: index(row, 2)?,
            answer: row.text_or_null(3)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
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
    pub timeout_ms: Option<u64>,
    /// What the attempt may use of the run's CPU time, from its start.
    pub cpu_time_us: Option<u64>,
    pub ends_at_ms: Option<u64>,
    /// Attempts before this one.
    pub failures: u32,
    pub inputs: Vec<Input>,
    /// Whether another task needs it.
    pub is_needed: bool,
}

/// What came of a task that another one needed.
#[derive(Clone)]
pub struct Input {
    pub task: String,
    pub success: bool,
    pub output: String,
    pub artifacts: Vec<String>,
    pub workspace: Option<String>,
}

/// The details of tasks, given by run and index. A task whose workspace was deleted just now is left out.
pub fn details(
    database: &impl Database,
    tasks: &[(&str, u32)],
) -> Result<Vec<Details>, DatabaseError> {
    let statement = "SELECT task.run, task.number, task.task, task.agent, task.workspace, \
            json_extract(workspace.environment, '$.name'), workspace.policy, max(task.timeout_ms - task.worked_ms, 1), \
            EXISTS (SELECT 1 FROM need WHERE run = task.run AND number = task.number), task.failures, task.account, run.ends_at_ms, \
            EXISTS (SELECT 1 FROM need WHERE run = task.run AND needs = task.number) \
        FROM json_each(?) AS wanted \
        JOIN task ON task.run = json_extract(wanted.value, '$[0]') \
            AND task.number = json_extract(wanted.value, '$[1]') \
        JOIN run ON run.id = task.run \
        JOIN workspace ON workspace.id = task.workspace";
    let wanted = json(tasks)?;
    let rows = query(database, statement, std::slice::from_ref(&wanted))?;
    let mut inputs = if rows
        .iter()
        .any(|row| row.integer(8).is_ok_and(|needs| needs > 0))
    {
        inputs(database, &wanted)?
    } else {
        Inputs::new()
    };
    let read = |row: &Row| {
        let (run, index) = (row.text(0)?.to_owned(), index(row, 1)?);
        let inputs = inputs.remove(&(run.clone(), index)).unwrap_or_default();
        Ok(Details {
            run,
            index,
            task: row.json(2)?,
            agent: row.text(3)?.to_owned(),
            workspace: row.text(4)?.to_owned(),
            environment: row.text(5)?.to_owned(),
            policy: row.json(6)?,
            timeout_ms: row.integer_or_null(7)?,
            failures: crate::store::index(row, 9)?,
            cpu_time_us: {
                let account: TaskAccount = row.json(10)?;
                let reserved = account.account.reserved.cpu_time_us;
                (reserved > 0).then(|| reserved.saturating_add(account.told.cpu_time_us))
            },
            ends_at_ms: row.integer_or_null(11)?,
            inputs,
            is_needed: row.integer(12)? > 0,
        })
    };
    rows.iter().map(read).collect()
}

type Inputs = HashMap<(String, u32), Vec<Input>>;

fn inputs(
    database: &impl Database,
    wanted: &swarm_flow_state::Value,
) -> Result<Inputs, DatabaseError> {
    let statement = "SELECT need.run, need.number, json_extract(needed.task, '$.id'), needed.state, needed.result, \
            nullif(needed.workspace, '') \
        FROM json_each(?) AS wanted \
        JOIN need ON need.run = json_extract(wanted.value, '$[0]') \
            AND need.number = json_extract(wanted.value, '$[1]') \
        JOIN task AS needed ON needed.run = need.run AND needed.number = need.needs \
        ORDER BY need.run, need.number, need.needs";
    let mut inputs = Inputs::new();
    for row in query(database, statement, std::slice::from_ref(wanted))? {
        let result: Option<crate::event::TaskResult> = json_or_null(&row, 4)?;
        let (output, artifacts) =
            result.map_or_else(Default::default, |result| (result.output, result.artifacts));
        let task = (row.text(0)?.to_owned(), index(&row, 1)?);
        inputs.entry(task).or_default().push(Input {
            task: row.text(2)?.to_owned(),
            success: row.text(3)? == "done",
            output,
            artifacts,
            workspace: row.text_or_null(5)?.map(str::to_owned),
        });
    }
    Ok(inputs)
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

/// A run of which tasks are reported, or of which a user wants something.
pub struct Read {
    pub swarm: String,
    pub head: Head,
    pub run: Run,
    /// How the tasks that were asked for were reported last, if they were.
    pub past: Vec<Ended>,
}

/// None when there is no such run. All its open tasks, or those that are asked for and one more: that tells that the run goes on.
/// All also where any waits, because an end may be what makes it wait for ever.
pub fn read(
    database: &impl Database,
    id: &str,
    tasks: &[u32],
    all: bool,
) -> Result<Option<Read>, DatabaseError> {
    // Whoever looks at how tasks ended may cancel all that is open.
    let looking = looking();
    // Each part finds its rows by an index: a run may have thousands of tasks. Task 0 stands for the run itself.
    let statement = format!(
        "WITH chosen AS ( \
            SELECT 0 AS number UNION SELECT value FROM json_each(?2) \
            UNION SELECT * FROM ( \
                SELECT number FROM task \
                WHERE run = ?1 AND state IN ({OPEN_STATES}) AND number NOT IN (SELECT value FROM json_each(?2)) \
                LIMIT iif(?3 OR (SELECT strategy FROM run WHERE id = ?1) IN ({looking}) \
                    OR EXISTS (SELECT 1 FROM task WHERE run = ?1 AND state = 'waiting'), -1, 1))) \
        SELECT {OPEN}, task.result, task.failure, task.number IN (SELECT value FROM json_each(?2)), run.swarm, {RUN} \
        FROM run CROSS JOIN chosen CROSS JOIN task ON task.run = ?1 AND task.number = chosen.number \
        WHERE run.id = ?1 ORDER BY task.number"
    );
    let parameters = [text(id), json(tasks)?, number(all.into())];
    let rows = query(database, &statement, &parameters)?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let swarm = first.text(OPEN_COLUMNS + 3)?.to_owned();
    let (head, mut run) = read_run(first, OPEN_COLUMNS + 4)?;
    if looks(run.strategy) {
        run.seen = seen(database, id)?;
    }
    let mut past = Vec::new();
    for row in &rows {
        if row.integer(OPEN_COLUMNS + 2)? > 0 {
            past.push(Ended {
                index: index(row, 0)?,
                fence: row.integer(2)?,
                runner: row.text_or_null(3)?.map(str::to_owned),
                result: json_or_null(row, OPEN_COLUMNS)?,
                failure: json_or_null(row, OPEN_COLUMNS + 1)?,
                accounts: None,
            });
        }
        run.open.extend(read_open(row, Place::Elsewhere)?);
    }
    if run
        .open
        .iter()
        .any(|task| matches!(task.state, State::Waiting { .. }))
    {
        run.names = names(database, id)?;
    }
    Ok(Some(Read {
        swarm,
        head,
        run,
        past,
    }))
}

/// The strategies that look at how tasks ended, as SQL.
fn looking() -> String {
    let names = LOOKING.map(|strategy| format!("'{}'", strategy.name()));
    names.join(", ")
}

/// How many tasks of a swarm have not ended.
pub fn open_tasks(database: &impl Database, swarm: &str) -> Result<u64, DatabaseError> {
    let statement =
        format!("SELECT count(*) FROM task WHERE swarm = ? AND state IN ({OPEN_STATES})");
    let rows = query(database, &statement, &[text(swarm)])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// Where the runners answer that have leases of a run.
pub fn runners_of_run(database: &impl Database, run: &str) -> Result<Vec<String>, DatabaseError> {
    let statement = "SELECT DISTINCT runner.url FROM task JOIN runner ON runner.id = task.runner \
        WHERE task.run = ? AND task.state = 'leased'";
    let rows = query(database, statement, &[text(run)])?;
    let read = |row: &Row| row.text(0).map(str::to_owned);
    rows.iter().map(read).collect()
}

/// A task that was tried, and where the runner answers that holds its workspace.
pub struct Tried {
    pub index: u32,
    pub workspace: String,
    pub url: Option<String>,
}

/// None when there is no such run.
pub fn tried(database: &impl Database, run: &str) -> Result<Option<Vec<Tried>>, DatabaseError> {
    let statement = "SELECT task.number, task.workspace, runner.url, task.fence FROM task \
        LEFT JOIN runner ON runner.id = task.runner WHERE task.run = ? ORDER BY task.number";
    let rows = query(database, statement, &[text(run)])?;
    let mut tried = Vec::new();
    for row in &rows {
        if row.integer(3)? > 0 {
            tried.push(Tried {
                index: index(row, 0)?,
                workspace: row.text(1)?.to_owned(),
                url: row.text_or_null(2)?.map(str::to_owned),
            });
        }
    }
    Ok((!rows.is_empty()).then_some(tried))
}
