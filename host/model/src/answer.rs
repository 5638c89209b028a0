//! What a provider answered, and whether anybody can act on it.

use crate::chat::{FinishReason, Part, Request, ResponseFormat, Usage};
use crate::check::check_object;
use crate::error::{BadAnswer, ModelError};
use crate::key::Secrets;
use crate::refusal::shown;
use serde_json::Value;

/// As it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) parts: Vec<Part>,
    pub(crate) refusal: Option<String>,
    pub(crate) finish_reason: FinishReason,
    /// What the provider claims.
    pub(crate) usage: Option<Usage>,
    pub(crate) model: Option<String>,
}

impl Answer {
    /// A server that says back what it was sent does not tell the key.
    pub(crate) fn mask(&mut self, secrets: &Secrets) {
        for part in &mut self.parts {
            let text = match part {
                Part::Text(text) => text,
                Part::ToolCall(call) => &mut call.arguments,
                _ => continue,
            };
            *text = secrets.mask(std::mem::take(text));
        }
        self.model = self.model.take().map(|model| secrets.mask(model));
        self.refusal = self.refusal.take().map(|refusal| secrets.mask(refusal));
    }

    /// Refuses what is none; gives calls of tools the form that they should have.
    pub(crate) fn check(&mut self, request: &Request) -> Result<(), ModelError> {
        if let Some(refusal) = self.refusal.take() {
            return Err(ModelError::Refused {
                message: shown(refusal, &Secrets::default()),
            });
        }
        let calls = self
            .parts
            .iter()
            .any(|part| matches!(part, Part::ToolCall(_)));
        match (self.finish_reason, self.parts.is_empty()) {
            (FinishReason::ContentFilter, true) => {
                return Err(ModelError::Refused {
                    message: "the provider's filter kept the answer back".to_owned(),
                });
            }
            (FinishReason::Stop | FinishReason::ToolCalls, true) => {
                let why = "there is neither text nor a call of a tool in it";
                return Err(ModelError::bad(BadAnswer::Empty, why));
            }
            // A call that was cut off is none.
            (FinishReason::Length, false) if calls => {
                self.parts.retain(|part| match part {
                    Part::ToolCall(call) => check_object(&call.arguments).is_ok(),
                    _ => true,
                });
            }
            // Not every server says so.
            (FinishReason::Stop, false) if calls => self.finish_reason = FinishReason::ToolCalls,
            _ => {}
        }
        for (index, part) in self.parts.iter_mut().enumerate() {
            if let Part::ToolCall(call) = part {
                check_call(call, index, request)?;
            }
        }
        self.check_format(request)
    }

    fn check_format(&self, request: &Request) -> Result<(), ModelError> {
        let ResponseFormat::JsonSchema(_) = request.response_format else {
            return Ok(());
        };
        if self.finish_reason != FinishReason::Stop {
            return Ok(());
        }
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        match serde_json::from_str::<Value>(&texts.collect::<String>()) {
            Ok(_) => Ok(()),
            Err(error) => Err(ModelError::bad(
                BadAnswer::NotJson,
                format!("it is to be JSON by a schema, and is not: {error}"),
            )),
        }
    }
}

fn check_call(
    call: &mut crate::ToolCall,
    index: usize,
    request: &Request,
) -> Result<(), ModelError> {
    if !request.tools.iter().any(|tool| tool.name == call.name) {
        let known = request.tools.iter().map(|tool| tool.name.as_str());
        let known = known.collect::<Vec<_>>().join(", ");
        let name = shown(std::mem::take(&mut call.name), &Secrets::default());
        return Err(ModelError::bad(
            BadAnswer::UnknownTool,
            format!(
                "it calls the tool `{name}`, which the model was not given; there are: {known}"
            ),
        ));
    }
    if call.arguments.trim().is_empty() {
        "{}".clone_into(&mut call.arguments);
    }
    if call.id.is_empty() {
        call.id = format!("call_{index}");
    }
    check_object(&call.arguments).map_err(|why| {
        ModelError::bad(
            BadAnswer::NotJson,
            format!("what it calls the tool `{}` with {why}", call.name),
        )
    })
}
