//! One attempt at one model: the request goes out once, and what comes back is an answer, or says why not and what it cost.

use crate::answer::Answer;
use crate::caller::Spent;
use crate::chat::Request;
use crate::dialect::StreamError;
use crate::error::{BadAnswer, ModelError};
use crate::http_client::{Failure, Received};
use crate::provider::Provider;
use crate::refusal::{self, TEXT_BYTES_MAX};
use crate::retry::retry_after;
use crate::settings::Model;
use crate::sse::Events;
use std::time::{Duration, Instant, SystemTime};

/// More is read of an error than is shown: what is shown may stand further in.
const ERROR_BYTES_MAX: usize = 16 * TEXT_BYTES_MAX;

pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// Until the first of it came.
    pub(crate) began_after: Duration,
}

/// Why there is no answer.
pub(crate) struct Failed {
    pub(crate) error: ModelError,
    pub(crate) spent: Spent,
    /// It may be made again.
    pub(crate) is_passing: bool,
    pub(crate) retry_after: Option<Duration>,
}

pub(crate) async fn attempt(
    provider: &Provider,
    model: &Model,
    request: &Request,
    delta: &(dyn Fn(&str) + Sync),
) -> Result<Answered, Failed> {
    let secrets = &provider.settings.secrets;
    let attempted = try_once(provider, model, request, delta).await;
    attempted.map_err(|mut failed| {
        failed.error = failed.error.saying(|text| refusal::shown(text, secrets));
        failed
    })
}

async fn try_once(
    provider: &Provider,
    model: &Model,
    request: &Request,
    delta: &(dyn Fn(&str) + Sync),
) -> Result<Answered, Failed> {
    let sent = provider
        .request(model, request)
        .map_err(|error| Failed::before(ModelError::invalid("request", error.to_string())))?;
    let started_at = Instant::now();
    let mut received = provider.http.send(sent).await.map_err(not_answered)?;
    if !received.status.is_success() {
        return Err(refused(provider, model, &mut received).await);
    }
    let read = if received.is_event_stream() {
        stream(provider, delta, &mut received, started_at).await
    } else {
        whole(provider, &mut received, started_at).await
    };
    let mut answered = read.map_err(Failed::within)?;
    answered.answer.mask(&provider.settings.secrets);
    Ok(answered)
}

async fn refused(provider: &Provider, model: &Model, received: &mut Received) -> Failed {
    // What cannot be read says nothing; the status does.
    let body = received.read(ERROR_BYTES_MAX).await.unwrap_or_default();
    let after = retry_after(&received.headers, SystemTime::now());
    let secrets = &provider.settings.secrets;
    let refusal = refusal::of_status(received.status, &body, after, secrets, &model.name);
    Failed {
        error: refusal.error,
        spent: Spent::Nothing,
        is_passing: refusal.is_passing,
        retry_after: refusal.retry_after,
    }
}

async fn whole(
    provider: &Provider,
    received: &mut Received,
    started_at: Instant,
) -> Result<Answered, ModelError> {
    let body = received.read_all().await.map_err(broken)?;
    let answer = provider.settings.dialect.read(&body);
    Ok(Answered {
        answer: answer.map_err(|error| said(provider, error))?,
        began_after: started_at.elapsed(),
    })
}

async fn stream(
    provider: &Provider,
    delta: &(dyn Fn(&str) + Sync),
    received: &mut Received,
    started_at: Instant,
) -> Result<Answered, ModelError> {
    let mut reader = provider.settings.dialect.reader();
    let mut events = Events::default();
    let mut began_after = None;
    let end = loop {
        let chunk = match received.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break None,
            Err(failure) => break Some(failure),
        };
        events.push(&chunk);
        loop {
            let event = events.next().map_err(|_| {
                ModelError::bad(BadAnswer::TooLarge, "one event of its stream is too long")
            })?;
            let Some(event) = event else { break };
            began_after.get_or_insert_with(|| started_at.elapsed());
            let text = reader.take(&event).map_err(|error| said(provider, error))?;
            if let Some(text) = text {
                delta(&text);
            }
        }
    };
    // What broke after the end of the answer does not matter.
    match end {
        Some(failure) if !reader.is_done() => return Err(broken(failure)),
        None if !reader.is_done() => {
            let why = "the stream stopped before the answer was whole";
            return Err(ModelError::bad(BadAnswer::CutOff, why));
        }
        _ => {}
    }
    Ok(Answered {
        answer: reader.finish(),
        began_after: began_after.unwrap_or_else(|| started_at.elapsed()),
    })
}

/// The provider's own words, or ours about them.
fn said(provider: &Provider, error: StreamError) -> ModelError {
    match error {
        StreamError::Model(error) => error,
        StreamError::Provider(value) => refusal::in_stream(&value, &provider.settings.secrets),
    }
}

/// There is no answer at all.
fn not_answered(failure: Failure) -> Failed {
    match failure {
        Failure::Silent(limit) => Failed {
            error: silent(limit),
            // It may have worked all that time.
            spent: Spent::Bound,
            is_passing: false,
            retry_after: None,
        },
        Failure::Connection(why) | Failure::CutOff(why) => Failed {
            error: ModelError::Unavailable { message: why },
            spent: Spent::Nothing,
            is_passing: true,
            retry_after: None,
        },
        Failure::TooLarge => Failed::within(broken(Failure::TooLarge)),
    }
}

/// There is a part of one.
fn broken(failure: Failure) -> ModelError {
    match failure {
        Failure::Silent(limit) => silent(limit),
        Failure::Connection(why) | Failure::CutOff(why) => ModelError::bad(
            BadAnswer::CutOff,
            format!("it stopped in the middle: {why}"),
        ),
        Failure::TooLarge => {
            ModelError::bad(BadAnswer::TooLarge, "it has more than 16777216 bytes")
        }
    }
}

fn silent(limit: Duration) -> ModelError {
    ModelError::TimedOut {
        message: format!("nothing came for {} ms", limit.as_millis()),
    }
}

impl Failed {
    fn before(error: ModelError) -> Self {
        Self {
            error,
            spent: Spent::Nothing,
            is_passing: false,
            retry_after: None,
        }
    }

    /// Once an answer was accepted it is not asked for again: it is paid for.
    fn within(error: ModelError) -> Self {
        Self {
            spent: Spent::Bound,
            ..Self::before(error)
        }
    }
}
