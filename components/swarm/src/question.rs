//! What agents ask people: listed, and answered once.

use crate::bindings::swarm::{Question, QuestionPage, QuestionState};
use crate::bindings::types::{Error, PageRequest};
use crate::convert;
use crate::error::{contended, internal, invalid, missing, parse_id};
use crate::event::{Change, QuestionClosed};
use crate::page::Page;
use crate::store::{self, ATTEMPTS_MAX, StoredQuestion};
use swarm_flow_state::{Database, Id, Kind, now_ms};

const LIST: &str = "questions";
const ANSWER_BYTES_MAX: usize = 64 << 10;
const NAME_BYTES_MAX: usize = 256;

/// The newest first.
pub fn list(
    database: &impl Database,
    run_id: Option<&str>,
    state: Option<QuestionState>,
    page: PageRequest,
) -> Result<QuestionPage, Error> {
    let page = Page::of(LIST, page)?;
    let run = run_id
        .map(|id| parse_id(Kind::Run, "run", id))
        .transpose()?;
    let before = page.before()?;
    let (run, state) = (
        run.as_ref().map(Id::as_str),
        state.map(convert::stored_question_state),
    );
    let found = store::questions_before(database, run, state, before, page.wanted());
    let (found, next) = page.cut(found.map_err(internal)?, |found| found.position);
    Ok(QuestionPage {
        items: found.into_iter().map(convert::question).collect(),
        next,
    })
}

/// Gives the swarm's id, too, when its task can go on now.
pub fn answer(
    database: &impl Database,
    question_id: &str,
    answer: &str,
    answered_by: Option<String>,
) -> Result<(Question, Option<String>), Error> {
    let id = parse_id(Kind::Question, "id", question_id)?;
    if !(1..=ANSWER_BYTES_MAX).contains(&answer.len()) {
        let message = format!(
            "has {} bytes, must have 1 to {ANSWER_BYTES_MAX}",
            answer.len()
        );
        return Err(invalid("answer", message));
    }
    let by = answered_by.unwrap_or_else(|| "user".to_owned());
    if !(1..=NAME_BYTES_MAX).contains(&by.len()) {
        let message = format!("must have 1 to {NAME_BYTES_MAX} bytes");
        return Err(invalid("answered_by", message));
    }
    for _ in 0..ATTEMPTS_MAX {
        let asked = find(database, &id)?;
        if asked.state != "open" {
            return repeated(asked, answer);
        }
        let options = &asked.question.options;
        if !options.is_empty() && !options.iter().any(|option| option == answer) {
            let message = format!("must be one of `{}`", options.join("`, `"));
            return Err(invalid("answer", message));
        }
        let read = store::read(database, &asked.run, &[asked.index], false).map_err(internal)?;
        let Some(read) = read else {
            return Err(missing(Kind::Run.name(), asked.run));
        };
        // Whether it is open still: it may have been closed before the run was read.
        let asked = find(database, &id)?;
        if asked.state != "open" {
            return repeated(asked, answer);
        }
        let closed = Change::QuestionAnswered(QuestionClosed {
            index: asked.index,
            id: asked.id.clone(),
            answer: Some(answer.to_owned()),
            answered_by: Some(by.clone()),
        });
        let event = closed.event().map_err(internal)?;
        let actor = format!("user:{by}");
        let appended = store::append(database, &asked.run, &read.head, &[event], &actor, now_ms())?;
        if appended.is_some() {
            return Ok((convert::question(find(database, &id)?), Some(read.swarm)));
        }
    }
    Err(contended())
}

fn find(database: &impl Database, id: &Id) -> Result<StoredQuestion, Error> {
    let found = store::question(database, id.as_str()).map_err(internal)?;
    found.ok_or_else(|| missing(Kind::Question.name(), id.as_str()))
}

/// The same answer again is the same.
fn repeated(asked: StoredQuestion, answer: &str) -> Result<(Question, Option<String>), Error> {
    if asked.state == "answered" && asked.answer.as_deref() == Some(answer) {
        return Ok((convert::question(asked), None));
    }
    let how = match (asked.state.as_str(), &asked.answered_by) {
        ("answered", Some(by)) => format!("was answered by {by}"),
        ("expired", _) => "was not answered in time".to_owned(),
        _ => "is not asked any more: its task has ended, or began again".to_owned(),
    };
    Err(Error::Conflict(format!(
        "question-closed: the question {how}"
    )))
}
