//! The two ways to speak to providers: what is sent, and what comes back in one piece or as a stream.
//!
//! What is read is read tolerantly: an unknown field or word of a provider's does not lose an answer that was paid for.

mod anthropic;
mod openai;

use crate::answer::Answer;
use crate::chat::Request;
use crate::error::{BadAnswer, ModelError};
use crate::key::Key;
use crate::settings::{Dialect, Model, Provider};
use crate::sse::Event;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

/// What is sent.
pub(crate) struct Sent {
    /// After the base URL.
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Value,
}

/// Puts a stream together.
pub(crate) trait Reader: Send {
    /// Gives the text that it brings.
    fn take(&mut self, event: &Event) -> Result<Option<String>, StreamError>;
    /// Whether the answer is whole.
    fn is_done(&self) -> bool;
    fn finish(self: Box<Self>) -> Answer;
}

pub(crate) enum StreamError {
    /// The provider says that it failed.
    Provider(Value),
    Model(ModelError),
}

impl From<ModelError> for StreamError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl Dialect {
    pub(crate) fn request(self, request: &Request, model: &Model, provider: &Provider) -> Sent {
        let mut headers = Vec::new();
        let key = provider.key.as_ref();
        match self {
            Self::OpenAi => {
                let value = key.and_then(|key| key.header("Bearer "));
                headers.extend(value.map(|value| (http::header::AUTHORIZATION, value)));
                Sent {
                    path: "chat/completions",
                    headers,
                    body: openai::body(request, model, provider),
                }
            }
            Self::Anthropic => {
                let value = key.and_then(|key: &Key| key.header(""));
                let name = HeaderName::from_static("x-api-key");
                headers.extend(value.map(|value| (name, value)));
                headers.push((
                    HeaderName::from_static("anthropic-version"),
                    HeaderValue::from_static("2023-06-01"),
                ));
                Sent {
                    path: "v1/messages",
                    headers,
                    body: anthropic::body(request, model, provider.stream),
                }
            }
        }
    }

    /// An answer in one piece.
    pub(crate) fn read(self, body: &[u8]) -> Result<Answer, StreamError> {
        let value = parse(body)?;
        match self {
            Self::OpenAi => openai::read(value),
            Self::Anthropic => anthropic::read(value),
        }
    }

    pub(crate) fn reader(self) -> Box<dyn Reader> {
        match self {
            Self::OpenAi => Box::<openai::Stream>::default(),
            Self::Anthropic => Box::<anthropic::Stream>::default(),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ModelError> {
    serde_json::from_slice(bytes).map_err(|error| {
        ModelError::bad(
            BadAnswer::NotUnderstood,
            format!("it is no JSON as expected: {error}"),
        )
    })
}

/// A schema or arguments, which were checked to be JSON.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
