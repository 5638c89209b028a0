//! `/questions`

use crate::bindings::swarm as wit;
use crate::bindings::types::PageRequest;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::question::{Answer, Question, State};

/// Of one run or of all, in one state or in any.
pub fn list(request: &Request) -> Result<Reply, Problem> {
    let query = request.query(&["cursor", "limit", "run", "state"])?;
    let page = PageRequest {
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.limit()?,
    };
    let state = query.text("state").map(|state| {
        serde_json::from_value::<State>(state.into()).map_err(|_| {
            let message = "must be `open`, `answered`, `expired` or `withdrawn`";
            Problem::invalid("state", message)
        })
    });
    let state = state.transpose()?.map(Into::into);
    let page = wit::list_questions(query.text("run"), state, &page)?;
    ok(&Page::<Question> {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next,
    })
}

pub fn answer(request: &Request) -> Result<Reply, Problem> {
    crate::api::no_query(request)?;
    let Answer {
        answer,
        answered_by,
    } = request.json()?;
    let question = wit::answer_question(request.parameter(0), &answer, answered_by.as_deref())?;
    ok(&Question::from(question))
}
