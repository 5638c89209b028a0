//! How much of the model's window is used, and what is left out when it is too much.
//!
//! 1. Above 70 % all results of tools but the last 6 are replaced by a line that says what was there.
//! 2. Is it still too much, a model (a call of the kind `summary`) sums up what was said before the last results.
//! 3. A provider that says that it was too long all the same is asked once more after both; then it is the end.
//!
//! The prompt, `AGENTS.md` and the task are never left out. Tokens are bytes / 3.5, or more where the model counted more.

use crate::conversation::Conversation;
use crate::cut::cut;
use crate::end::Spent;
use crate::platform::{Model, Request};
use crate::prompt::Prompt;
use crate::tools::Tool;
use swarm_flow_agent::model::{ModelError, ModelInfo, ToolChoice, Usage};

const WINDOW_TOKENS: u64 = 128_000;
const FULL_PERCENT: u64 = 70;
const RESULTS_KEPT: usize = 6;
const RESULTS_KEPT_LAST: usize = 2;
const BYTES_PER_TOKEN: f64 = 3.5;
/// A provider that counts more than one token for each byte is not believed.
const TOKENS_PER_BYTE_MAX: f64 = 1.0;
const SUMMARY: &str = include_str!("../prompts/summary.md");
const SUMMARY_TOKENS_MAX: u32 = 4096;

/// The window of the model that answers.
pub(crate) struct Window {
    models: Vec<ModelInfo>,
    pub(crate) tokens: u64,
    tokens_per_byte: f64,
    tools_bytes: usize,
}

impl Window {
    pub(crate) fn new(model: &dyn Model, name: Option<&str>, tools: &[Tool]) -> Self {
        let models = model.models();
        let asked = models
            .iter()
            .find(|info| name.map_or(info.is_default, |name| info.name == name));
        let tools_bytes = tools
            .iter()
            .map(|tool| tool.description.len() + tool.schema.to_string().len());
        Self {
            tokens: asked
                .and_then(|info| info.context_tokens)
                .unwrap_or(WINDOW_TOKENS),
            tokens_per_byte: 1.0 / BYTES_PER_TOKEN,
            tools_bytes: tools_bytes.sum(),
            models,
        }
    }

    /// What answered, and how it counts. Another model than the one that was thought of may have another window.
    pub(crate) fn learn(&mut self, model: &str, usage: &Usage, asked: &Conversation) {
        if let Some(tokens) = self
            .models
            .iter()
            .find(|info| info.name == model)
            .and_then(|info| info.context_tokens)
        {
            self.tokens = tokens;
        }
        let bytes = self.bytes(asked);
        if !usage.is_estimated && bytes > 0 {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let counted = usage.input as f64 / bytes as f64;
            self.tokens_per_byte = counted.clamp(1.0 / BYTES_PER_TOKEN, TOKENS_PER_BYTE_MAX);
        }
    }

    fn bytes(&self, conversation: &Conversation) -> usize {
        conversation.bytes() + self.tools_bytes
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub(crate) fn estimate(&self, conversation: &Conversation) -> u64 {
        (self.bytes(conversation) as f64 * self.tokens_per_byte).ceil() as u64
    }

    fn is_full(&self, conversation: &Conversation) -> bool {
        self.estimate(conversation) * 100 > self.tokens * FULL_PERCENT
    }

    /// Makes room where it is needed.
    pub(crate) fn fit(
        &self,
        conversation: &mut Conversation,
        asking: &Asking<'_>,
        spent: &mut Spent,
    ) -> Result<(), ModelError> {
        if self.is_full(conversation) {
            conversation.leave_out_results(RESULTS_KEPT);
        }
        if self.is_full(conversation) {
            self.summarise(conversation, RESULTS_KEPT, asking, spent)?;
        }
        Ok(())
    }

    /// After a provider said that it was too long. Gives whether anything could be left out.
    pub(crate) fn force(
        &mut self,
        conversation: &mut Conversation,
        asking: &Asking<'_>,
        spent: &mut Spent,
    ) -> Result<bool, ModelError> {
        // The window is smaller than it was thought to be.
        self.tokens = self.tokens.min(self.estimate(conversation));
        let left_out = conversation.leave_out_results(RESULTS_KEPT_LAST);
        let summed_up = self.summarise(conversation, RESULTS_KEPT_LAST, asking, spent)?;
        Ok(left_out || summed_up)
    }

    fn summarise(
        &self,
        conversation: &mut Conversation,
        kept: usize,
        asking: &Asking<'_>,
        spent: &mut Spent,
    ) -> Result<bool, ModelError> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate"
        )]
        let window_bytes = (self.tokens as f64 / self.tokens_per_byte) as usize;
        let Some(tail) = conversation.tail(kept, window_bytes / 3) else {
            return Ok(false);
        };
        let prompt = Prompt::shipped("summary", SUMMARY);
        let transcript = cut(&conversation.transcript(tail), window_bytes / 2);
        let asked = Conversation::new(&prompt.text, &transcript);
        let answer = asking.model.chat(&Request {
            messages: &asked.messages,
            tools: &[],
            choice: ToolChoice::Auto,
            kind: "summary",
            model: asking.name,
            max_output_tokens: Some(
                asking
                    .max_output_tokens
                    .unwrap_or(SUMMARY_TOKENS_MAX)
                    .min(SUMMARY_TOKENS_MAX),
            ),
        })?;
        spent.add(&answer.usage, answer.cost_microusd, &answer.model);
        conversation.summarised(tail, answer.text().trim());
        Ok(true)
    }
}

/// Who is asked, and how.
pub(crate) struct Asking<'a> {
    pub(crate) model: &'a dyn Model,
    pub(crate) name: Option<&'a str>,
    pub(crate) max_output_tokens: Option<u32>,
}
