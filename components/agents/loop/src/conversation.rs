//! What was said so far. The prompt and the task stay; the rest can be shortened.

use crate::tools::subject;
use std::collections::HashMap;
use swarm_flow_agent::model::{Message, Part, Response, Role, ToolCall, ToolResult};

/// In the order of speaking: the prompt, the task with what was summarised, answers and results.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) messages: Vec<Message>,
}

/// The prompt and the task.
const KEPT: usize = 2;
/// A result is not replaced by a line that is longer.
const SHORT_BYTES: usize = 300;

impl Conversation {
    pub(crate) fn new(system: &str, task: &str) -> Self {
        let message = |role, text: &str| Message {
            role,
            parts: vec![Part::Text(text.to_owned())],
        };
        Self {
            messages: vec![message(Role::System, system), message(Role::User, task)],
        }
    }

    pub(crate) fn answered(&mut self, answer: &Response) {
        if !answer.parts.is_empty() {
            self.messages.push(Message {
                role: Role::Assistant,
                parts: answer.parts.clone(),
            });
        }
    }

    /// What a person would say now.
    pub(crate) fn say(&mut self, text: String) {
        match self.messages.last_mut() {
            // Not every provider takes two messages of one role.
            Some(last) if last.role == Role::User => last.parts.push(Part::Text(text)),
            _ => self.messages.push(Message {
                role: Role::User,
                parts: vec![Part::Text(text)],
            }),
        }
    }

    pub(crate) fn result(&mut self, call: &ToolCall, content: String, is_error: bool) {
        let result = Part::ToolResult(ToolResult {
            id: call.id.clone(),
            content,
            is_error,
        });
        match self.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.parts.push(result),
            _ => self.messages.push(Message {
                role: Role::Tool,
                parts: vec![result],
            }),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.messages.iter().map(bytes).sum()
    }

    /// Replaces the results of tools but the last few by a line that says what was there. Gives whether there were any.
    pub(crate) fn leave_out_results(&mut self, kept: usize) -> bool {
        let calls = self.calls();
        let results = self
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .filter(|part| matches!(part, Part::ToolResult(_)));
        let mut left = results.count().saturating_sub(kept);
        let mut any = false;
        for part in self
            .messages
            .iter_mut()
            .flat_map(|message| &mut message.parts)
        {
            let Part::ToolResult(result) = part else {
                continue;
            };
            if left == 0 {
                break;
            }
            left -= 1;
            if result.content.len() > SHORT_BYTES {
                let what = calls.get(&result.id).map_or("a tool", String::as_str);
                result.content = format!(
                    "[left out to save room: {} bytes that {what} gave; use it again if you need them]",
                    result.content.len()
                );
                any = true;
            }
        }
        any
    }

    /// What each call was, by its id.
    fn calls(&self) -> HashMap<String, String> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        let calls = parts.filter_map(|part| match part {
            Part::ToolCall(call) => Some((call.id.clone(), shown(call, 100))),
            _ => None,
        });
        calls.collect()
    }

    /// Where what is kept whole begins: with an answer of the model's, so that results stay with their calls. At most so many results
    /// and bytes, and one answer at least. None when there is nothing before it.
    pub(crate) fn tail(&self, results_max: usize, bytes_max: usize) -> Option<usize> {
        let (mut tail, mut results, mut size) = (None, 0, 0);
        for (index, message) in self.messages.iter().enumerate().skip(KEPT).rev() {
            results += message
                .parts
                .iter()
                .filter(|part| matches!(part, Part::ToolResult(_)))
                .count();
            size += bytes(message);
            if tail.is_some() && (results > results_max || size > bytes_max) {
                break;
            }
            if message.role == Role::Assistant {
                tail = Some(index);
            }
        }
        tail.filter(|tail| *tail > KEPT)
    }

    /// What was said before `tail`, as a text.
    pub(crate) fn transcript(&self, tail: usize) -> String {
        let mut text = String::new();
        let earlier = self
            .messages
            .get(1)
            .map(|task| task.parts.as_slice())
            .unwrap_or_default();
        let earlier = earlier.iter().skip(1);
        let later = self
            .messages
            .iter()
            .take(tail)
            .skip(KEPT)
            .flat_map(|message| message.parts.iter().map(move |part| (message.role, part)));
        for (role, part) in earlier.map(|part| (Role::User, part)).chain(later) {
            let said = match (role, part) {
                (Role::Assistant, Part::Text(said)) => format!("## The agent said\n{said}\n\n"),
                (_, Part::Text(said)) => format!("## The agent was told\n{said}\n\n"),
                (_, Part::ToolCall(call)) => {
                    format!("## The agent used {}\n{}\n\n", call.name, call.arguments)
                }
                (_, Part::ToolResult(result)) => format!("## It gave\n{}\n\n", result.content),
                (_, Part::Image(_)) => "## A picture\n\n".to_owned(),
            };
            text.push_str(&said);
        }
        text
    }

    /// What was before `tail` is this summary now.
    pub(crate) fn summarised(&mut self, tail: usize, summary: &str) {
        self.messages.drain(KEPT..tail);
        if let Some(task) = self.messages.get_mut(1) {
            task.parts.truncate(1);
            task.parts.push(Part::Text(format!(
                "A summary of what you did so far:\n\n{summary}"
            )));
        }
    }
}

/// `read src/a.py`.
pub(crate) fn shown(call: &ToolCall, chars_max: usize) -> String {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or_default();
    crate::cut::line(&format!("{} {}", call.name, subject(&arguments)), chars_max)
}

fn bytes(message: &Message) -> usize {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => text.len(),
        Part::Image(image) => image.bytes.len(),
        Part::ToolCall(call) => call.name.len() + call.arguments.len(),
        Part::ToolResult(result) => result.content.len(),
    });
    // What a provider puts around each message.
    parts.sum::<usize>() + 16
}
