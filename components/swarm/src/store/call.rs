//! What is read for the calls of a task's agent.

use super::{index, index_or_null, json, number, text};
use crate::bindings::messages::Message;
use crate::event::{Question, Task, Wait};
use crate::store::Input;
use swarm_flow_state::{Database, DatabaseError, Row, query};

/// The task whose agent calls.
pub struct Caller {
    pub swarm: String,
    pub workspace: String,
    pub id: String,
    pub state: String,
    pub runner: Option<String>,
    pub fence: u64,
    /// The last call that changed something, and what it waited for if it did.
    pub step: String,
    pub wait: Option<Wait>,
    pub since_ms: u64,
    pub until_ms: Option<u64>,
    /// The last message that it received.
    pub received: Option<u64>,
    pub depth: u32,
    pub priority: i32,
}

pub fn caller(
    database: &impl Database,
    run: &str,
    task: u32,
) -> Result<Option<Caller>, DatabaseError> {
    let statement = "SELECT swarm, workspace, id, state, runner, fence, step, wait, wait_since_ms, wait_until_ms, \
            received, depth, CAST(priority AS TEXT) \
        FROM task WHERE run = ? AND number = ?";
    let rows = query(database, statement, &[text(run), number(task.into())])?;
    let read = |row: &Row| {
        Ok(Caller {
            swarm: row.text(0)?.to_owned(),
            workspace: row.text(1)?.to_owned(),
            id: row.text(2)?.to_owned(),
            state: row.text(3)?.to_owned(),
            runner: row.text_or_null(4)?.map(str::to_owned),
            fence: row.integer(5)?,
            step: row.text(6)?.to_owned(),
            wait: super::json_or_null(row, 7)?,
            since_ms: row.integer(8)?,
            until_ms: row.integer_or_null(9)?,
            received: row.integer_or_null(10)?,
            depth: index(row, 11)?,
            priority: row.json(12)?,
        })
    };
    rows.first().map(read).transpose()
}

/// A task that was asked for by its id.
pub struct Named {
    pub index: u32,
    pub id: String,
    pub ended: bool,
    pub parent: Option<u32>,
    pub task: Task,
}

/// In the order of the run. An id that no task has is left out.
pub fn named(
    database: &impl Database,
    run: &str,
    ids: &[String],
) -> Result<Vec<Named>, DatabaseError> {
    let statement = "SELECT number, id, ended_at_ms IS NOT NULL, parent, task FROM task \
        WHERE run = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY number";
    let rows = query(database, statement, &[text(run), json(ids)?])?;
    let read = |row: &Row| {
        Ok(Named {
            index: index(row, 0)?,
            id: row.text(1)?.to_owned(),
            ended: row.integer(2)? > 0,
            parent: index_or_null(row, 3)?,
            task: row.json(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// How many tasks a run has.
pub fn tasks_of(database: &impl Database, run: &str) -> Result<u32, DatabaseError> {
    let statement = "SELECT coalesce(max(number) + 1, 0) FROM task WHERE run = ?";
    let rows = query(database, statement, &[text(run)])?;
    rows.first().map_or(Ok(0), |row| index(row, 0))
}

const MESSAGE: &str = "SELECT message.id, sender.id, json_extract(event.payload, '$.body'), message.wants_reply, event.at_ms, \
        message.sender \
    FROM message \
    JOIN event ON event.stream = message.run AND event.sequence = message.id \
    JOIN task AS sender ON sender.run = message.run AND sender.number = message.sender \
    WHERE message.run = ?1 AND message.recipient = ?2";

/// With the index of its sender.
fn read_message(row: &Row) -> Result<(Message, u32), DatabaseError> {
    let message = Message {
        id: row.integer(0)?,
        sender: row.text(1)?.to_owned(),
        body: row.text(2)?.to_owned(),
        wants_reply: row.integer(3)? > 0,
        sent_at_ms: row.integer(4)?,
    };
    Ok((message, index(row, 5)?))
}

/// The oldest that a task has not received, of these senders or of any.
pub fn unreceived(
    database: &impl Database,
    run: &str,
    recipient: u32,
    senders: &[u32],
) -> Result<Option<Message>, DatabaseError> {
    let statement = format!(
        "{MESSAGE} AND message.received = 0 AND message.reply_to IS NULL \
            AND (?3 = '[]' OR message.sender IN (SELECT value FROM json_each(?3))) ORDER BY message.id LIMIT 1"
    );
    let parameters = [text(run), number(recipient.into()), json(senders)?];
    let rows = query(database, &statement, &parameters)?;
    let message = rows.first().map(read_message).transpose()?;
    Ok(message.map(|(message, _)| message))
}

/// One that a task has received, with the index of its sender.
pub fn received(
    database: &impl Database,
    run: &str,
    recipient: u32,
    id: u64,
) -> Result<Option<(Message, u32)>, DatabaseError> {
    let statement = format!("{MESSAGE} AND message.id = ?3 AND message.received");
    let parameters = [text(run), number(recipient.into()), number(id)];
    let rows = query(database, &statement, &parameters)?;
    rows.first().map(read_message).transpose()
}

/// How many messages a task has not received, or the one of all with most.
pub fn fullest_mailbox(
    database: &impl Database,
    run: &str,
    recipient: Option<u32>,
) -> Result<u64, DatabaseError> {
    let (statement, parameters) = match recipient {
        Some(recipient) => (
            "SELECT count(*) FROM message WHERE run = ? AND recipient = ? AND received = 0",
            vec![text(run), number(recipient.into())],
        ),
        None => (
            "SELECT coalesce(max(number), 0) FROM ( \
                SELECT count(*) AS number FROM message WHERE run = ? AND received = 0 GROUP BY recipient)",
            vec![text(run)],
        ),
    };
    let rows = query(database, statement, &parameters)?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// What was replied to a message.
pub fn reply_to(
    database: &impl Database,
    run: &str,
    request: u64,
) -> Result<Option<String>, DatabaseError> {
    let statement = "SELECT json_extract(event.payload, '$.body') FROM message \
        JOIN event ON event.stream = message.run AND event.sequence = message.id \
        WHERE message.run = ? AND message.reply_to = ? LIMIT 1";
    let rows = query(database, statement, &[text(run), number(request)])?;
    rows.first()
        .map(|row| row.text(0).map(str::to_owned))
        .transpose()
}

/// What came of tasks, in the order given.
pub fn results(
    database: &impl Database,
    run: &str,
    tasks: &[u32],
) -> Result<Vec<Input>, DatabaseError> {
    let statement = "SELECT task.id, task.state, task.result, nullif(task.workspace, ''), task.failure \
        FROM json_each(?2) AS wanted CROSS JOIN task ON task.run = ?1 AND task.number = wanted.value \
        ORDER BY wanted.key";
    let rows = query(database, statement, &[text(run), json(tasks)?])?;
    let read = |row: &Row| {
        let result: Option<crate::event::TaskResult> = super::json_or_null(row, 2)?;
        let failure: Option<crate::event::Failure> = super::json_or_null(row, 4)?;
        let (output, artifacts) = match (result, failure) {
            (Some(result), _) => (result.output, result.artifacts),
            // Who asks for what came of it wants to know why nothing did.
            (None, Some(failure)) => (format!("{}: {}", failure.code, failure.message), Vec::new()),
            (None, None) => (row.text(1)?.to_owned(), Vec::new()),
        };
        Ok(Input {
            task: row.text(0)?.to_owned(),
            success: row.text(1)? == "done",
            output,
            artifacts,
            workspace: row.text_or_null(3)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// A question as it is.
pub struct StoredQuestion {
    pub position: u64,
    pub id: String,
    pub run: String,
    pub index: u32,
    /// The id of its task.
    pub task: String,
    pub question: Question,
    /// As `question-state` names it.
    pub state: String,
    pub answer: Option<String>,
    pub answered_by: Option<String>,
    pub asked_at_ms: u64,
    pub expires_at_ms: Option<u64>,
    pub closed_at_ms: Option<u64>,
}

const QUESTION: &str = "SELECT question.position, question.id, question.run, question.number, task.id, question.asked, \
        question.state, question.answer, question.answered_by, question.asked_at_ms, question.expires_at_ms, \
        question.closed_at_ms \
    FROM question JOIN task ON task.run = question.run AND task.number = question.number";

fn read_question(row: &Row) -> Result<StoredQuestion, DatabaseError> {
    let word = |column| Ok(row.text_or_null(column)?.map(str::to_owned));
    Ok(StoredQuestion {
        position: row.integer(0)?,
        id: row.text(1)?.to_owned(),
        run: row.text(2)?.to_owned(),
        index: index(row, 3)?,
        task: row.text(4)?.to_owned(),
        question: row.json(5)?,
        state: row.text(6)?.to_owned(),
        answer: word(7)?,
        answered_by: word(8)?,
        asked_at_ms: row.integer(9)?,
        expires_at_ms: row.integer_or_null(10)?,
        closed_at_ms: row.integer_or_null(11)?,
    })
}

pub fn question(
    database: &impl Database,
    id: &str,
) -> Result<Option<StoredQuestion>, DatabaseError> {
    let statement = format!("{QUESTION} WHERE question.id = ?");
    let rows = query(database, &statement, &[text(id)])?;
    rows.first().map(read_question).transpose()
}

/// The newest first.
pub fn questions_before(
    database: &impl Database,
    run: Option<&str>,
    state: Option<&str>,
    position: u64,
    limit: u32,
) -> Result<Vec<StoredQuestion>, DatabaseError> {
    let of_run = match run {
        Some(_) => "question.run = ?3",
        None => "?3 = ''",
    };
    let in_state = match state {
        Some(_) => "question.state = ?4",
        None => "?4 = ''",
    };
    let statement = format!(
        "{QUESTION} WHERE question.position < ?1 AND {of_run} AND {in_state} ORDER BY question.position DESC LIMIT ?2"
    );
    let parameters = [
        number(position),
        number(limit.into()),
        text(run.unwrap_or_default()),
        text(state.unwrap_or_default()),
    ];
    let rows = query(database, &statement, &parameters)?;
    rows.iter().map(read_question).collect()
}
