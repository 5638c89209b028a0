//! `swarm-flow:core/human`.

use super::{Called, Decided, check_timeout, timed_out};
use crate::bindings::human::{Answer, Question};
use crate::bindings::types::Error;
use crate::bindings::work::TaskAnswer;
use crate::error::{internal, invalid};
use crate::event::{self, Change, QuestionAsked, QuestionClosed, Wait};
use crate::store;
use swarm_flow_state::{Database, Id, Kind};

const TEXT_BYTES_MAX: usize = 16 << 10;
const OPTIONS_MAX: usize = 64;
const OPTION_BYTES_MAX: usize = 256;
const WAIT_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

impl<D: Database> Called<'_, D> {
    pub(super) fn ask(&self, question: &Question) -> Result<Decided, Error> {
        if let Some(wait @ Wait::Human { name }) = self.waited() {
            return self.look(question, name, wait);
        }
        check(question)?;
        let trust = self.run.options.trust_percent.map(f32::from);
        if let (Some(default), Some(confidence), Some(trust)) =
            (&question.default, question.confidence, trust)
            && confidence * 100.0 >= trust
        {
            return Ok(Decided::known(answer(default, None)));
        }
        // The same when the call is made again.
        let id = Id::new(
            Kind::Question,
            Some(&format!("{}:{}", self.run_id, self.step)),
        );
        let asked = QuestionAsked {
            index: self.index,
            id: id.as_str().to_owned(),
            question: event::Question {
                text: question.text.clone(),
                options: question.options.clone(),
                default: question.default.clone(),
                confidence: question.confidence,
            },
            expires_at_ms: question
                .timeout_ms
                .map(|timeout_ms| self.now_ms.saturating_add(timeout_ms)),
        };
        let wait = Wait::Human {
            name: id.into_string(),
        };
        Ok(self.wait(
            vec![Change::QuestionAsked(asked)],
            wait,
            question.timeout_ms,
        ))
    }

    /// Whether there is an answer by now.
    fn look(&self, question: &Question, id: &str, wait: &Wait) -> Result<Decided, Error> {
        let asked = store::question(self.database, id).map_err(internal)?;
        let (state, given, by) = asked
            .map(|asked| (asked.state, asked.answer, asked.answered_by))
            .unwrap_or_default();
        let timeout = || timed_out("nobody has answered in time");
        match (state.as_str(), given) {
            ("answered", Some(given)) => Ok(Decided::known(answer(&given, by))),
            ("expired", Some(given)) => Ok(Decided::known(answer(&given, None))),
            ("expired", None) => Err(timeout()),
            _ if self.late() => {
                let closed = Change::QuestionExpired(QuestionClosed {
                    index: self.index,
                    id: id.to_owned(),
                    answer: question.default.clone(),
                    answered_by: None,
                });
                Ok(match &question.default {
                    Some(default) => Decided::made(answer(default, None), vec![closed]),
                    None => Decided::refused(timeout(), vec![closed]),
                })
            }
            _ => Ok(self.wait(Vec::new(), wait.clone(), question.timeout_ms)),
        }
    }
}

fn answer(text: &str, answered_by: Option<String>) -> TaskAnswer {
    TaskAnswer::Answer(Answer {
        text: text.to_owned(),
        answered_by,
    })
}

fn check(question: &Question) -> Result<(), Error> {
    check_timeout(question.timeout_ms, 1, WAIT_MS_MAX)?;
    if !(1..=TEXT_BYTES_MAX).contains(&question.text.len()) {
        let message = format!("must have 1 to {TEXT_BYTES_MAX} bytes");
        return Err(invalid("text", message));
    }
    if question.options.len() > OPTIONS_MAX {
        let message = format!(
            "has {} items, may have {OPTIONS_MAX}",
            question.options.len()
        );
        return Err(invalid("options", message));
    }
    for (index, option) in question.options.iter().enumerate() {
        if !(1..=OPTION_BYTES_MAX).contains(&option.len()) {
            let message = format!("must have 1 to {OPTION_BYTES_MAX} bytes");
            return Err(invalid(format!("options[{index}]"), message));
        }
    }
    if let Some(default) = &question.default
        && !question.options.is_empty()
        && !question.options.contains(default)
    {
        return Err(invalid(
            "default",
            format!("`{default}` is none of the options"),
        ));
    }
    if question
        .confidence
        .is_some_and(|confidence| !(0.0..=1.0).contains(&confidence))
    {
        return Err(invalid("confidence", "must be 0.0 to 1.0"));
    }
    if question.confidence.is_some() && question.default.is_none() {
        return Err(invalid(
            "confidence",
            "says how sure the agent is of `default`: give one",
        ));
    }
    Ok(())
}
