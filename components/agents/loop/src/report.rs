//! What a task's result says, for people first: what the model said, and under a line what the loop was.

use crate::denial::Denials;
use crate::end::{Ended, Spent};
use serde_json::{Value, json};
use swarm_flow_agent::{AgentError, TaskResult};

/// What is known at the end.
pub struct Report<'a> {
    pub ended: &'a Ended,
    pub denials: &'a Denials,
    pub files: Vec<String>,
    pub prompt: &'a str,
    /// What an agent adds: `check: …`.
    pub lines: Vec<String>,
}

impl Report<'_> {
    /// The task's result in words, or its error.
    pub fn result(self) -> Result<TaskResult, AgentError> {
        let lines = self.lines();
        let said = self.ended.said.trim();
        if let Some(error) = self.ended.end.error() {
            return Err(error(format!("{}\n{lines}", self.ended.end.words())));
        }
        let output = if said.is_empty() {
            lines
        } else {
            format!("{said}\n\n---\n{lines}")
        };
        Ok(self.with(output))
    }

    /// The task's result as JSON: these fields, and what was denied.
    pub fn json(self, mut fields: Value) -> Result<TaskResult, AgentError> {
        if self.ended.end.error().is_some() || !self.ended.end.is_success() {
            return self.result();
        }
        let denied = self.denials.lines();
        if !denied.is_empty() {
            fields["denied"] = json!(denied);
        }
        Ok(self.with(fields.to_string()))
    }

    fn with(self, output: String) -> TaskResult {
        let mut result = TaskResult::success(output);
        result.success = self.ended.end.is_success();
        result.artifacts = self.files;
        result
    }

    fn lines(&self) -> String {
        let end = &self.ended.end;
        let mut lines = vec![format!("ended: {}, {}", end.word(), end.words())];
        lines.extend(self.lines.iter().cloned());
        if !self.files.is_empty() {
            lines.push(format!("files: {}", self.files.join(", ")));
        }
        lines.extend(
            self.denials
                .lines()
                .into_iter()
                .map(|line| format!("denied: {line}")),
        );
        lines.push(format!("turns: {}", self.ended.turns));
        if self.ended.spent.calls > 0 {
            lines.push(spent(&self.ended.spent));
        }
        lines.push(format!("prompt: {}", self.prompt));
        lines.join("\n") + "\n"
    }
}

fn spent(spent: &Spent) -> String {
    let Spent {
        calls,
        input,
        cached_input,
        output,
        microusd,
        model,
    } = spent;
    let cost = match microusd {
        Some(cost) => format!("${}.{:06}", cost / 1_000_000, cost % 1_000_000),
        None => "no price".to_owned(),
    };
    format!(
        "model: {model}, {calls} calls, {input} tokens in ({cached_input} cached), {output} out, {cost}"
    )
}
