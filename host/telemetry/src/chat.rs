//! `chat`: a call of a model that is made, not fed from a journal.

use crate::{Over, Telemetry, ids, names};
use opentelemetry::trace::SpanKind;
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use std::time::{Duration, Instant, SystemTime};

/// A call that an attempt at a task makes.
#[derive(Clone, Debug)]
pub struct Chat {
    pub run: String,
    pub index: u32,
    pub attempt: u32,
    pub agent: String,
    /// Its name in the journal: the same when it is made again after a crash.
    pub call: String,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f32>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Chatted {
    /// None when nobody was asked.
    pub provider: Option<String>,
    pub model: Option<String>,
    pub answered_by: Option<String>,
    pub tokens: Option<Tokens>,
    pub finish_reason: Option<&'static str>,
    /// Why there is no answer.
    pub error: Option<&'static str>,
    /// What was said to the model and by it, as JSON; only when the operator asks for it.
    pub content: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens {
    pub input: u64,
    pub cached_input: u64,
    pub output: u64,
    pub reasoning: u64,
}

/// A call that is under way. Dropped, it was nothing: whoever goes on with the attempt makes it again.
pub struct ChatSpan {
    telemetry: &'static Telemetry,
    chat: Chat,
    parent: Context,
    since: Instant,
}

impl Telemetry {
    /// Beneath the attempt.
    pub fn chat(&'static self, chat: Chat) -> ChatSpan {
        let span = ids::span_of_attempt(&chat.run, chat.index, chat.attempt);
        ChatSpan {
            telemetry: self,
            parent: ids::within_run(&chat.run, span),
            chat,
            since: Instant::now(),
        }
    }
}

impl ChatSpan {
    pub fn end(self, chatted: Chatted) {
        let took: Duration = self.since.elapsed();
        let ended_at = SystemTime::now();
        let text = |name, value: Option<String>| value.map(|value| KeyValue::new(name, value));
        let mut common = vec![KeyValue::new(names::OPERATION_NAME, names::CHAT)];
        common.extend(text(names::PROVIDER_NAME, chatted.provider));
        common.extend(text(names::REQUEST_MODEL, chatted.model.clone()));
        common.extend(text(names::RESPONSE_MODEL, chatted.answered_by));
        let instruments = &self.telemetry.instruments;
        let tokens = chatted.tokens.unwrap_or_default();
        if chatted.tokens.is_some() {
            for (kind, count) in [("input", tokens.input), ("output", tokens.output)] {
                let mut by = common.clone();
                by.push(KeyValue::new(names::TOKEN_TYPE, kind));
                instruments.tokens.record(count, &by);
            }
        }
        let mut attributes = common.clone();
        let error = chatted.error.map(str::to_owned);
        common.extend(text(names::ERROR_TYPE, error.clone()));
        instruments.client.record(took.as_secs_f64(), &common);
        attributes.extend([
            KeyValue::new(names::CONVERSATION_ID, self.chat.run.clone()),
            KeyValue::new(names::RUN_ID, self.chat.run),
            KeyValue::new(names::AGENT_NAME, self.chat.agent),
            KeyValue::new(names::TOOL_CALL_ID, self.chat.call),
        ]);
        let limit = self.chat.max_tokens;
        attributes
            .extend(limit.map(|most| KeyValue::new(names::REQUEST_MAX_TOKENS, i64::from(most))));
        let temperature = self.chat.temperature.map(f64::from);
        attributes
            .extend(temperature.map(|value| KeyValue::new(names::REQUEST_TEMPERATURE, value)));
        if chatted.tokens.is_some() {
            let counts = [
                (names::INPUT_TOKENS, tokens.input),
                (names::CACHED_INPUT_TOKENS, tokens.cached_input),
                (names::OUTPUT_TOKENS, tokens.output),
                (names::REASONING_TOKENS, tokens.reasoning),
            ];
            let counts = counts
                .map(|(name, count)| KeyValue::new(name, i64::try_from(count).unwrap_or(i64::MAX)));
            attributes.extend(counts);
        }
        attributes.extend(chatted.finish_reason.map(|reason| {
            let reasons = Value::Array(Array::String(vec![StringValue::from(reason)]));
            KeyValue::new(names::FINISH_REASONS, reasons)
        }));
        if let Some((asked, said)) = chatted.content {
            attributes.push(KeyValue::new(names::INPUT_MESSAGES, asked));
            attributes.push(KeyValue::new(names::OUTPUT_MESSAGES, said));
        }
        let model = chatted.model.map(|model| format!(" {model}"));
        self.telemetry.tell(Over {
            name: format!("{}{}", names::CHAT, model.unwrap_or_default()),
            trace: None,
            id: None,
            parent: self.parent,
            kind: SpanKind::Client,
            started_at: ended_at - took,
            ended_at,
            attributes,
            error,
        });
    }
}
