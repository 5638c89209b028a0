//! What agents ask people.

use crate::bindings::swarm as wit;
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::time::rfc3339;

/// `POST /questions/{id}/answer`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub answer: String,
    /// Who says so; `user` when it is absent.
    pub answered_by: Option<String>,
}

#[derive(Serialize)]
pub struct Question {
    id: String,
    run: String,
    task: String,
    text: String,
    options: Vec<String>,
    default: Option<String>,
    confidence: Option<f32>,
    state: State,
    answer: Option<String>,
    answered_by: Option<String>,
    asked_at: String,
    expires_at: Option<String>,
    closed_at: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Answered,
    Expired,
    Withdrawn,
}

swarm_flow_protocol::same_cases!(
    wit::QuestionState = State {
        Open,
        Answered,
        Expired,
        Withdrawn
    }
);

impl From<wit::Question> for Question {
    fn from(question: wit::Question) -> Self {
        Self {
            id: question.id,
            run: question.run_id,
            task: question.task,
            text: question.text,
            options: question.options,
            default: question.default,
            confidence: question.confidence,
            state: question.state.into(),
            answer: question.answer,
            answered_by: question.answered_by,
            asked_at: rfc3339(question.asked_at_ms),
            expires_at: question.expires_at_ms.map(rfc3339),
            closed_at: question.closed_at_ms.map(rfc3339),
        }
    }
}
