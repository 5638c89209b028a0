//! What is read so that a runner can go on with a task's successors without asking before each.

use super::{index, json, number, text};
use crate::event::Task;
use std::collections::HashMap;
use swarm_flow_state::{Database, DatabaseError, query};

/// So many can follow a task without asking; a runner tells of 64 at once.
const SUCCESSORS_MAX: u32 = 48;
/// And no more of what they are to do: who takes long is told the same again with each.
const SUCCESSORS_BYTES_MAX: u32 = 64 << 10;

/// A task that can be done right after another one.
pub struct Following {
    pub index: u32,
    /// Of its last lease.
    pub fence: u64,
    pub task: Task,
    pub agent: String,
    /// Attempts before the next one.
    pub failures: u32,
    pub timeout_ms: Option<u64>,
}

type Followings = HashMap<(String, u32), Vec<Following>>;

/// What follows each of these tasks, given by run and index, in order: each needs the one before it alone, is alone in that, can be in
/// the same workspace, and never lost a lease. Of several that need the same task none follows, because they can be done at once.
pub fn following(
    database: &impl Database,
    leading: &[(&str, u32)],
) -> Result<Followings, DatabaseError> {
    let mut followings = Followings::new();
    if leading.is_empty() {
        return Ok(followings);
    }
    let statement = "WITH RECURSIVE follows (run, first, workspace, number, place, bytes) AS ( \
            SELECT task.run, task.number, task.workspace, task.number, 0, 0 FROM json_each(?1) AS leading \
            CROSS JOIN task ON task.run = json_extract(leading.value, '$[0]') \
                AND task.number = json_extract(leading.value, '$[1]') \
            UNION ALL \
            SELECT follows.run, follows.first, follows.workspace, task.number, follows.place + 1, \
                follows.bytes + length(CAST(task.task AS BLOB)) FROM follows \
            CROSS JOIN need ON need.run = follows.run AND need.needs = follows.number \
            CROSS JOIN task ON task.run = need.run AND task.number = need.number \
            WHERE follows.place < ?2 AND follows.bytes + length(CAST(task.task AS BLOB)) <= ?3 AND task.state = 'pending' AND task.fence = task.failures + task.waits \
                AND task.workspace IN ('', follows.workspace) \
                AND (SELECT count(*) FROM need AS of WHERE of.run = follows.run AND of.needs = follows.number) = 1 \
                AND (SELECT count(*) FROM need AS of WHERE of.run = task.run AND of.number = task.number) = 1) \
        SELECT follows.run, follows.first, task.number, task.fence, task.task, task.agent, task.failures, \
            max(task.timeout_ms - task.worked_ms, 1) \
        FROM follows CROSS JOIN task ON task.run = follows.run AND task.number = follows.number \
        WHERE follows.place > 0 ORDER BY follows.place";
    let parameters = [
        json(leading)?,
        number(SUCCESSORS_MAX.into()),
        number(SUCCESSORS_BYTES_MAX.into()),
    ];
    for row in query(database, statement, &parameters)? {
        let first = (row.text(0)?.to_owned(), index(&row, 1)?);
        followings.entry(first).or_default().push(Following {
            index: index(&row, 2)?,
            fence: row.integer(3)?,
            task: row.json(4)?,
            agent: row.text(5)?.to_owned(),
            failures: index(&row, 6)?,
            timeout_ms: row.integer_or_null(7)?,
        });
    }
    Ok(followings)
}

/// Where a runner can go on, from task to task of a run.
#[derive(Default)]
pub struct Succession {
    /// How many more leases the swarm has agents for; less than none when it was scaled down.
    pub agents: i64,
    /// The workspaces of tasks, by index; none for one that is not a started one of this runner's.
    bound: HashMap<u32, Option<String>>,
}

impl Succession {
    /// That in which `next` follows `index`, if it can.
    pub fn workspace(&self, index: u32, next: u32) -> Option<&str> {
        let workspace = self.bound.get(&index)?.as_deref()?;
        let own = self.bound.get(&next)?.as_deref()?;
        (!workspace.is_empty() && (own.is_empty() || own == workspace)).then_some(workspace)
    }

    /// From now on `next` is where `index` was.
    pub fn follow(&mut self, index: u32, next: u32) {
        if let Some(workspace) = self.bound.get(&index).cloned() {
            self.bound.insert(next, workspace);
        }
    }
}

/// As [`asked`](super::asked) counts agents, for tasks of a run.
pub fn succession(
    database: &impl Database,
    (runner, session, now_ms): (&str, &str, u64),
    run: &str,
    tasks: &[u32],
) -> Result<Succession, DatabaseError> {
    let statement = "SELECT task.number, task.workspace, \
            task.workspace = '' OR (workspace.runner IS ?1 AND workspace.state IS 'started'), swarm.size, ( \
                SELECT count(*) FROM task AS live \
                WHERE live.swarm = swarm.id AND live.state = 'leased' AND live.expires_at_ms > ?3 \
                    AND NOT (live.runner = ?1 AND live.session <> ?2)) \
        FROM json_each(?5) AS wanted CROSS JOIN task ON task.run = ?4 AND task.number = wanted.value \
        JOIN swarm ON swarm.id = task.swarm LEFT JOIN workspace ON workspace.id = task.workspace";
    let parameters = [
        text(runner),
        text(session),
        number(now_ms),
        text(run),
        json(tasks)?,
    ];
    let mut succession = Succession::default();
    for row in query(database, statement, &parameters)? {
        let held = row.integer(2)? > 0;
        let workspace = held.then(|| row.text(1).map(str::to_owned)).transpose()?;
        succession.bound.insert(index(&row, 0)?, workspace);
        let signed = |column| {
            row.integer(column)
                .map(|value| i64::try_from(value).unwrap_or(i64::MAX))
        };
        succession.agents = signed(3)? - signed(4)?;
    }
    Ok(succession)
}
