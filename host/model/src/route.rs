//! Which models a request may go to, and in which order they are tried. Pure.

use crate::chat::Request;
use crate::error::ModelError;
use crate::settings::{Capabilities, Model, Settings};
use crate::tokens;
use serde::Deserialize;
use std::time::Duration;

/// A line of the routing table.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Of calls; empty for all.
    pub(crate) kinds: Vec<String>,
    pub(crate) prefer: Prefer,
    pub(crate) models: Vec<String>,
    /// Larger requests are for another line.
    pub(crate) input_tokens_max: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prefer {
    /// As they are named.
    #[default]
    Order,
    /// What costs least at most; without a price last.
    Price,
    /// What began to answer soonest so far; those that were never asked first.
    Latency,
}

/// The settings to make.
pub(crate) const NOT_CONFIGURED: &str = "no model is configured; set SWARM_FLOW_MODEL=openai/gpt-5.2 and OPENAI_API_KEY (or \
anthropic/… and ANTHROPIC_API_KEY) where `swarm-flow up` or `swarm-flow runner` starts, or write models.toml in its state folder";

/// At least one.
pub(crate) fn candidates<'a>(
    settings: &'a Settings,
    request: &Request,
    latency: impl Fn(&str) -> Option<Duration>,
) -> Result<Vec<&'a Model>, ModelError> {
    if settings.is_empty() {
        return Err(ModelError::NotConfigured {
            message: NOT_CONFIGURED.to_owned(),
        });
    }
    let named = |name: &str| settings.models.iter().find(|model| model.name == name);
    if let Some(name) = &request.model {
        let model = named(name).ok_or_else(|| unknown(settings, name))?;
        fits(model, request)?;
        return Ok(vec![model]);
    }
    let route = settings.routes.iter().find(|route| route.takes(request));
    let mut models: Vec<&Model> = match route {
        Some(route) => route.models.iter().filter_map(|name| named(name)).collect(),
        None => settings
            .default
            .as_deref()
            .and_then(named)
            .into_iter()
            .collect(),
    };
    match route.map(|route| route.prefer).unwrap_or_default() {
        Prefer::Order => {}
        Prefer::Price => models.sort_by_key(|model| {
            let most = tokens::bound(request, model).cost_microusd;
            most.unwrap_or(u64::MAX)
        }),
        Prefer::Latency => models.sort_by_key(|model| latency(&model.name)),
    }
    let mut why = None;
    models.retain(|model| match fits(model, request) {
        Ok(()) => true,
        Err(error) => {
            why.get_or_insert(error);
            false
        }
    });
    if models.is_empty() {
        let nothing = || ModelError::NotConfigured {
            message: NOT_CONFIGURED.to_owned(),
        };
        return Err(why.unwrap_or_else(nothing));
    }
    Ok(models)
}

fn unknown(settings: &Settings, name: &str) -> ModelError {
    let known = settings.models.iter().map(|model| model.name.clone());
    let known: Vec<_> = known.collect();
    ModelError::UnknownModel {
        message: format!("there are {}", known.join(", ")),
        name: name.to_owned(),
        known,
    }
}

impl Route {
    fn takes(&self, request: &Request) -> bool {
        let of_kind = |kind: &String| self.kinds.contains(kind);
        let kind = self.kinds.is_empty() || request.kind.as_ref().is_some_and(of_kind);
        let size = self.input_tokens_max;
        kind && size.is_none_or(|most| tokens::input_most(request) <= most)
    }
}

/// What can be known before it is sent.
fn fits(model: &Model, request: &Request) -> Result<(), ModelError> {
    let Model { name, .. } = model;
    let lacks = |field: &str, what: &str| {
        Err(ModelError::invalid(
            field,
            format!("the model `{name}` takes no {what}; name another by `model`"),
        ))
    };
    let Capabilities {
        tools,
        images,
        structured_output,
    } = model.capabilities;
    if !tools && !request.tools.is_empty() {
        return lacks("tools", "tools");
    }
    if !images && request.has_images() {
        return lacks("messages", "images");
    }
    if !structured_output && request.response_format != crate::ResponseFormat::Text {
        return lacks("response-format", "schema for its answer");
    }
    if let (Some(asked), Some(most)) = (request.max_output_tokens, model.output_tokens_max)
        && asked > most
    {
        return Err(ModelError::invalid(
            "max-output-tokens",
            format!("the model `{name}` gives {most} at most"),
        ));
    }
    let least = tokens::input_least(request);
    match model.context_tokens {
        Some(most) if least > most => Err(ModelError::ContextTooLong {
            message: format!("they are {least} tokens at least, and `{name}` reads {most}"),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Price;
    use crate::{Message, Part, Role};

    fn model(name: &str, price: Option<f64>, context: u64) -> Model {
        Model {
            name: name.to_owned(),
            provider: "p".to_owned(),
            id: name.to_owned(),
            context_tokens: Some(context),
            output_tokens_max: Some(100),
            price: price.map(|price| Price {
                input: price,
                cached_input: None,
                output: price,
                as_of: String::new(),
            }),
            capabilities: Capabilities::default(),
            source: String::new(),
        }
    }

    fn route(kinds: &[&str], prefer: Prefer, models: &[&str], most: Option<u64>) -> Route {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Route {
            kinds: owned(kinds),
            prefer,
            models: owned(models),
            input_tokens_max: most,
        }
    }

    fn settings() -> Settings {
        Settings {
            models: vec![
                model("dear", Some(10.0), 100_000),
                model("cheap", Some(0.1), 1_000),
                model("unpriced", None, 100_000),
            ],
            routes: vec![
                route(&["plan"], Prefer::Order, &["dear", "cheap"], None),
                route(
                    &["quick"],
                    Prefer::Latency,
                    &["dear", "cheap", "unpriced"],
                    None,
                ),
                route(
                    &[],
                    Prefer::Price,
                    &["unpriced", "dear", "cheap"],
                    Some(50_000),
                ),
            ],
            default: Some("unpriced".to_owned()),
            ..Settings::default()
        }
    }

    fn request(kind: &str, bytes: usize) -> Request {
        Request {
            kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
            messages: vec![Message {
                role: Role::User,
                parts: vec![Part::Text("ab ".repeat(bytes / 3))],
            }],
            ..Request::default()
        }
    }

    fn names(request: &Request) -> Vec<String> {
        let settings = settings();
        let latency =
            |name: &str| (name != "cheap").then(|| Duration::from_millis(name.len() as u64));
        let found = candidates(&settings, request, latency).unwrap();
        found.iter().map(|model| model.name.clone()).collect()
    }

    #[test]
    fn a_call_goes_by_its_kind_its_size_and_what_is_preferred() {
        assert_eq!(names(&request("plan", 30)), ["dear", "cheap"]);
        assert_eq!(names(&request("quick", 30)), ["cheap", "dear", "unpriced"]);
        assert_eq!(names(&request("", 30)), ["cheap", "dear", "unpriced"]);
        // Too long for the one, and then for the route.
        assert_eq!(names(&request("", 30_000)), ["dear", "unpriced"]);
        assert_eq!(names(&request("other", 300_000)), ["unpriced"]);
        let mut named = request("plan", 30);
        named.model = Some("cheap".to_owned());
        assert_eq!(names(&named), ["cheap"]);
    }

    #[test]
    fn what_cannot_work_is_said_before_it_is_sent() {
        let settings = settings();
        let refused = |request: &Request| candidates(&settings, request, |_| None).unwrap_err();
        let mut asked = request("", 30);
        asked.model = Some("none".to_owned());
        let ModelError::UnknownModel { known, .. } = refused(&asked) else {
            panic!()
        };
        assert_eq!(known, ["dear", "cheap", "unpriced"]);
        asked = request("", 30_000);
        asked.model = Some("cheap".to_owned());
        assert_eq!(refused(&asked).code(), "context_too_long");
        asked = request("plan", 30);
        asked.max_output_tokens = Some(101);
        assert_eq!(refused(&asked).code(), "invalid");
        let none = candidates(&Settings::default(), &asked, |_| None).unwrap_err();
        assert!(
            none.to_string().contains("SWARM_FLOW_MODEL=")
                && none.to_string().contains("OPENAI_API_KEY")
        );
    }
}
