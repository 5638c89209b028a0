//! Between the words of WIT and those that are sent and kept.

use crate::agent::bindings::swarm_flow::core::{model, types};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use swarm_flow_model as ours;
use swarm_flow_protocol::{same_cases, same_fields};

same_cases!(
    model::Role = ours::Role {
        System,
        User,
        Assistant,
        Tool
    }
);
same_fields!(
    model::ToolCall = ours::ToolCall {
        id,
        name,
        arguments
    }
);
same_fields!(
    model::ToolResult = ours::ToolResult {
        id,
        content,
        is_error
    }
);
same_fields!(model::Message = ours::Message { role; parts });
same_fields!(
    model::Tool = ours::Tool {
        name,
        description,
        parameters
    }
);
same_cases!(model::ToolChoice = ours::ToolChoice { Auto, Never, Required, Named(name) });
same_fields!(model::JsonSchema = ours::JsonSchema { name, schema });
same_fields!(model::Request = ours::Request {
    tool_choice, response_format; messages, tools, stop | max_output_tokens, temperature, model, kind
});
same_cases!(
    model::FinishReason = ours::FinishReason {
        Stop,
        Length,
        ToolCalls,
        ContentFilter
    }
);
same_fields!(
    model::Usage = ours::Usage {
        input,
        cached_input,
        output,
        reasoning,
        is_estimated
    }
);
same_fields!(model::Response = ours::Response {
    finish_reason, usage, model, provider_model, provider; parts | cost_microusd
});
same_cases!(
    model::BadAnswerReason = ours::BadAnswer {
        NotUnderstood,
        CutOff,
        TooLarge,
        Empty,
        UnknownTool,
        NotJson
    }
);
same_fields!(model::Price = ours::Price { input, output, as_of | cached_input });

impl From<ours::ResponseFormat> for model::ResponseFormat {
    fn from(format: ours::ResponseFormat) -> Self {
        match format {
            ours::ResponseFormat::Text => Self::Text,
            ours::ResponseFormat::JsonSchema(schema) => Self::JsonSchema(schema.into()),
        }
    }
}

impl From<model::ResponseFormat> for ours::ResponseFormat {
    fn from(format: model::ResponseFormat) -> Self {
        match format {
            model::ResponseFormat::Text => Self::Text,
            model::ResponseFormat::JsonSchema(schema) => Self::JsonSchema(schema.into()),
        }
    }
}

impl From<ours::Part> for model::Part {
    fn from(part: ours::Part) -> Self {
        match part {
            ours::Part::Text(text) => Self::Text(text),
            // Ours were bytes before, and a model gives none.
            ours::Part::Image(image) => Self::Image(model::Image {
                media_type: image.media_type,
                bytes: BASE64.decode(&image.data).unwrap_or_default(),
            }),
            ours::Part::ToolCall(call) => Self::ToolCall(call.into()),
            ours::Part::ToolResult(result) => Self::ToolResult(result.into()),
        }
    }
}

impl From<model::Part> for ours::Part {
    fn from(part: model::Part) -> Self {
        match part {
            model::Part::Text(text) => Self::Text(text),
            model::Part::Image(image) => Self::Image(ours::Image {
                media_type: image.media_type,
                data: BASE64.encode(&image.bytes),
            }),
            model::Part::ToolCall(call) => Self::ToolCall(call.into()),
            model::Part::ToolResult(result) => Self::ToolResult(result.into()),
        }
    }
}

impl From<ours::ModelError> for model::ModelError {
    fn from(error: ours::ModelError) -> Self {
        use ours::ModelError as Ours;
        match error {
            Ours::NotConfigured { message } => Self::NotConfigured(message),
            Ours::UnknownModel {
                name,
                known,
                message,
            } => Self::UnknownModel(model::UnknownModel {
                name,
                known,
                message,
            }),
            Ours::Invalid { field, message } => {
                Self::Invalid(types::InvalidInput { field, message })
            }
            Ours::Denied { denied } => Self::Denied(types::Denial {
                capability: "model".to_owned(),
                resource: denied.model,
                rule: denied.rule,
            }),
            Ours::Unauthorized { message } => Self::Unauthorized(message),
            Ours::Forbidden { message } => Self::Forbidden(message),
            Ours::RateLimited { retry_ms, message } => {
                Self::RateLimited(model::RateLimit { retry_ms, message })
            }
            Ours::BudgetExceeded { exceeded } => Self::BudgetExceeded(exceeded.message),
            Ours::ContextTooLong { message } => Self::ContextTooLong(message),
            Ours::Refused { message } => Self::Refused(message),
            Ours::TimedOut { message } => Self::TimedOut(message),
            Ours::Unavailable { message } => Self::Unavailable(message),
            Ours::BadAnswer { reason, message } => Self::BadAnswer(model::BadAnswer {
                reason: reason.into(),
                message,
            }),
        }
    }
}

impl From<ours::Listed> for model::ModelInfo {
    fn from(listed: ours::Listed) -> Self {
        let ours::Capabilities {
            tools,
            images,
            structured_output,
        } = listed.capabilities;
        Self {
            name: listed.name,
            provider: listed.provider,
            context_tokens: listed.context_tokens,
            output_tokens_max: listed.output_tokens_max,
            price: listed.price.map(Into::into),
            tools,
            images,
            structured_output,
            is_default: listed.is_default,
        }
    }
}
