//! Tokens as far as bytes tell: the most that a request can be, the least that an answer was, and what both cost.

use crate::caller::Bound;
use crate::chat::{Request, Usage};
use crate::settings::{Model, Price};

/// Text has about four bytes for each token, other scripts and noise about two.
const BYTES_PER_TOKEN_MIN: u64 = 2;
/// Only runs of blanks have more.
const BYTES_PER_TOKEN_MAX: u64 = 12;
/// For the roles and the ends of messages.
const TOKENS_PER_MESSAGE: u64 = 8;
/// A picture of the size to which providers scale it.
const TOKENS_PER_IMAGE: u64 = 3_000;
/// For a model of which nobody said how much it can say.
pub(crate) const OUTPUT_TOKENS: u32 = 8_192;

/// What a request's input is at most.
pub(crate) fn input_most(request: &Request) -> u64 {
    let (bytes, images) = request.size();
    bytes.div_ceil(BYTES_PER_TOKEN_MIN)
        + TOKENS_PER_MESSAGE * request.messages.len() as u64
        + TOKENS_PER_IMAGE * images
}

/// What a request's input is at least.
pub(crate) fn input_least(request: &Request) -> u64 {
    let texts = request.messages.iter().flat_map(|message| &message.parts);
    texts.map(least_of).sum::<u64>() / BYTES_PER_TOKEN_MAX
}

/// What an answer is at least.
pub(crate) fn output_least(parts: &[crate::Part]) -> u64 {
    parts.iter().map(least_of).sum::<u64>() / BYTES_PER_TOKEN_MAX
}

/// Bytes, of which repeated blanks are one.
fn least_of(part: &crate::Part) -> u64 {
    let text = match part {
        crate::Part::Text(text) => text,
        crate::Part::ToolCall(call) => &call.arguments,
        crate::Part::ToolResult(result) => &result.content,
        crate::Part::Image(_) => return 0,
    };
    let bytes = text.as_bytes();
    let repeated = bytes.windows(2).filter(|two| match two {
        [one, other] => one == other && !one.is_ascii_alphanumeric(),
        _ => false,
    });
    (bytes.len() - repeated.count()) as u64
}

/// How much the model may say: what was asked for, or what it can.
pub(crate) fn output_most(request: &Request, model: &Model) -> u32 {
    let asked = request.max_output_tokens.or(model.output_tokens_max);
    asked.unwrap_or(OUTPUT_TOKENS)
}

pub(crate) fn bound(request: &Request, model: &Model) -> Bound {
    let usage = Usage {
        input: input_most(request),
        output: output_most(request, model).into(),
        ..Usage::default()
    };
    Bound {
        input_tokens: usage.input,
        output_tokens: usage.output,
        cost_microusd: cost(&usage, model.price.as_ref()),
    }
}

/// The larger of what the provider claims and what there must have been.
pub(crate) fn counted(claimed: Option<Usage>, request: &Request, parts: &[crate::Part]) -> Usage {
    let (input, output) = (input_least(request), output_least(parts));
    let claimed_less =
        claimed.is_none_or(|claimed| claimed.input < input || claimed.output < output);
    let claimed = claimed.unwrap_or_default();
    let (input, output) = (claimed.input.max(input), claimed.output.max(output));
    Usage {
        input,
        cached_input: claimed.cached_input.min(input),
        output,
        reasoning: claimed.reasoning.min(output),
        is_estimated: claimed_less,
    }
}

/// In micro-dollars, rounded up: a dollar for a million tokens is one for each.
pub(crate) fn cost(usage: &Usage, price: Option<&Price>) -> Option<u64> {
    let price = price?;
    let cached = price.cached_input.unwrap_or(price.input);
    let plain = usage.input.saturating_sub(usage.cached_input);
    let parts = [
        (plain, price.input),
        (usage.cached_input, cached),
        (usage.output, price.output),
    ];
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^53 tokens nobody counts any more"
    )]
    let sum: f64 = parts
        .iter()
        .map(|(tokens, price)| *tokens as f64 * price)
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "prices are not negative, and a cast of a float saturates"
    )]
    let whole = (sum - 1e-6).ceil().max(0.0) as u64;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Part, Role};

    fn saying(text: &str) -> Request {
        Request {
            messages: vec![Message {
                role: Role::User,
                parts: vec![Part::Text(text.to_owned())],
            }],
            ..Request::default()
        }
    }

    #[test]
    fn what_a_provider_claims_counts_unless_it_cannot_be() {
        let request = saying(&"tell me about tigers, please. ".repeat(100));
        let parts = [Part::Text("they are striped. ".repeat(100))];
        let honest = Usage {
            input: 700,
            output: 500,
            ..Usage::default()
        };
        assert_eq!(counted(Some(honest), &request, &parts), honest);
        let lying = Usage {
            input: 1,
            output: 500,
            cached_input: 1,
            ..Usage::default()
        };
        let counted_more = counted(Some(lying), &request, &parts);
        assert!(counted_more.is_estimated && counted_more.input == 250);
        assert_eq!(counted_more.output, 500);
        assert!(counted(None, &request, &parts).is_estimated);
        // Indented code is few tokens.
        let blank = saying(&" ".repeat(100_000));
        assert!(!counted(Some(honest), &blank, &parts).is_estimated);
    }

    #[test]
    fn a_cost_is_rounded_up_to_a_micro_dollar() {
        let price = Price {
            input: 1.25,
            cached_input: Some(0.125),
            output: 10.0,
            as_of: "2026-01-01".to_owned(),
        };
        let usage = Usage {
            input: 1_000,
            cached_input: 200,
            output: 10,
            ..Usage::default()
        };
        assert_eq!(cost(&usage, Some(&price)), Some(1_125));
        let one = Usage {
            input: 1,
            ..Usage::default()
        };
        assert_eq!(cost(&one, Some(&price)), Some(2));
        assert_eq!(cost(&usage, None), None);
    }
}
