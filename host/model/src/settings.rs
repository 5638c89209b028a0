//! What the operator says: providers, models, and which model a call goes to. From a file and from variables; keys by
//! reference alone.
//!
//! | variable | what |
//! |---|---|
//! | `SWARM_FLOW_MODEL` | `PROVIDER/ID`, or a name of the file: what calls go to that name no model and that no route takes |
//! | `SWARM_FLOW_MODEL_BASE_URL` | where the provider of that model is |
//! | `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` | the keys of the two providers that need no file |

mod file;
mod limits;

use crate::key::{Key, Secrets};
use crate::route::Route;
use anyhow::{Context, Result, anyhow, bail};
use http::{HeaderName, HeaderValue};
use limits::check_base_url;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use url::Url;

/// All of it, checked.
#[derive(Debug, Default)]
pub struct Settings {
    pub(crate) providers: Vec<Provider>,
    pub(crate) models: Vec<Model>,
    pub(crate) routes: Vec<Route>,
    /// Where a call goes that no route takes.
    pub(crate) default: Option<String>,
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Chat Completions, as OpenAI, Ollama, vLLM and llama.cpp have them.
    OpenAi,
    /// The Messages API.
    Anthropic,
}

#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    pub(crate) base_url: Url,
    pub(crate) key: Option<Key>,
    /// What is masked wherever the provider says something.
    pub(crate) secrets: Secrets,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeouts: Timeouts,
    /// Calls at once.
    pub(crate) concurrency: usize,
    /// Before the first time that a call is made again.
    pub(crate) retry: Duration,
    pub(crate) stream: bool,
    /// How a request of the dialect `openai` names its `max-output-tokens`.
    pub(crate) output_limit: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) between_bytes: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) provider: String,
    /// As the provider calls it.
    pub(crate) id: String,
    pub(crate) context_tokens: Option<u64>,
    pub(crate) output_tokens_max: Option<u32>,
    pub(crate) price: Option<Price>,
    pub(crate) capabilities: Capabilities,
    /// Where it is said.
    pub(crate) source: String,
}

/// In dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    pub input: f64,
    /// As `input` when nothing is said.
    pub cached_input: Option<f64>,
    pub output: f64,
    /// The day on which somebody looked it up.
    pub as_of: String,
}

/// What a model takes beside text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    pub tools: bool,
    pub images: bool,
    pub structured_output: bool,
}

impl Default for Capabilities {
    /// Nobody said anything: the provider will.
    fn default() -> Self {
        Self {
            tools: true,
            images: true,
            structured_output: true,
        }
    }
}

/// A model as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub name: String,
    pub provider: String,
    pub id: String,
    pub context_tokens: Option<u64>,
    pub output_tokens_max: Option<u32>,
    pub price: Option<Price>,
    pub capabilities: Capabilities,
    /// Where calls go that name no model and that no route takes.
    pub is_default: bool,
    pub source: String,
}

const MODEL: &str = "SWARM_FLOW_MODEL";
const BASE_URL: &str = "SWARM_FLOW_MODEL_BASE_URL";

/// The providers that need no file: their names, where they are, and whose key is where.
const KNOWN: [(&str, Dialect, &str, &str); 2] = [
    (
        "openai",
        Dialect::OpenAi,
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
    ),
    (
        "anthropic",
        Dialect::Anthropic,
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
    ),
];

impl Settings {
    /// Reads the file, when there is one, the variables, and the keys that both refer to.
    pub fn load(file: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let mut settings = match file {
            Some(path) => {
                file::read(path, &variable).with_context(|| format!("in {}", path.display()))?
            }
            None => Self::default(),
        };
        match variable(MODEL) {
            Some(named) => settings.choose(named.trim(), &variable)?,
            None if variable(BASE_URL).is_some() => bail!(
                "{BASE_URL} is set and {MODEL} is not; set {MODEL}=openai/ID to say which model that server has"
            ),
            None => {
                settings.default = settings.models.first().map(|model| model.name.clone());
            }
        }
        Ok(settings)
    }

    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    pub fn list(&self) -> Vec<Listed> {
        let listed = |model: &Model| Listed {
            name: model.name.clone(),
            provider: model.provider.clone(),
            id: model.id.clone(),
            context_tokens: model.context_tokens,
            output_tokens_max: model.output_tokens_max,
            price: model.price.clone(),
            capabilities: model.capabilities,
            is_default: self.default.as_ref() == Some(&model.name),
            source: model.source.clone(),
        };
        self.models.iter().map(listed).collect()
    }

    /// What the variables say comes before the file.
    fn choose(&mut self, named: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<()> {
        let known = self.models.iter().find(|model| model.name == named);
        let (provider, id) = match known {
            Some(model) => (model.provider.clone(), None),
            None => {
                let (provider, id) = named.split_once('/').with_context(|| {
                    format!("{MODEL}: there is no model `{named}`; give PROVIDER/ID, openai/gpt-5.2 for one")
                })?;
                (provider.to_owned(), Some(id.to_owned()))
            }
        };
        self.need_provider(&provider, variable)
            .with_context(|| format!("{MODEL}={named}"))?;
        if let Some(id) = id {
            if id.is_empty() {
                bail!("{MODEL}: `{named}` names no model of the provider; give PROVIDER/ID");
            }
            self.models.push(Model {
                name: named.to_owned(),
                provider,
                id,
                context_tokens: None,
                output_tokens_max: None,
                price: None,
                capabilities: Capabilities::default(),
                source: MODEL.to_owned(),
            });
        }
        self.default = Some(named.to_owned());
        Ok(())
    }

    fn need_provider(
        &mut self,
        name: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<()> {
        let moved = variable(BASE_URL);
        let moved = moved
            .map(|url| {
                check_base_url(url.trim(), false).map_err(|why| anyhow!("{BASE_URL}: {why}"))
            })
            .transpose()?;
        if let Some(provider) = self.providers.iter_mut().find(|known| known.name == name) {
            if let Some(url) = moved {
                provider.base_url = url;
            }
            return Ok(());
        }
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let Some((name, dialect, base_url, key)) = known else {
            let names = self.providers.iter().map(|provider| provider.name.as_str());
            let names: Vec<_> = names.chain(KNOWN.map(|(name, ..)| name)).collect();
            bail!(
                "there is no provider `{name}`; there are {}",
                names.join(", ")
            );
        };
        let base_url = match moved {
            Some(url) => url,
            None => Url::parse(base_url)?,
        };
        let found = variable(key).map(|value| {
            let value = zeroize::Zeroizing::new(value);
            Key::new(value).map_err(|why| anyhow!("the key in {key} {why}"))
        });
        let found = found.transpose()?;
        if found.is_none() && !limits::is_loopback(&base_url) {
            bail!("{key} is not set; it holds the key of the provider `{name}`");
        }
        self.providers
            .push(Provider::plain(name, *dialect, base_url, found));
        Ok(())
    }
}

impl Provider {
    pub(crate) fn plain(name: &str, dialect: Dialect, base_url: Url, key: Option<Key>) -> Self {
        // Servers that are not OpenAI's know the older word, and OpenAI's newer models only the newer one.
        let is_theirs = base_url.host_str() == Some("api.openai.com");
        let output_limit = if is_theirs {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        Self {
            name: name.to_owned(),
            dialect,
            base_url,
            secrets: Secrets(key.iter().cloned().collect()),
            key,
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            concurrency: 16,
            retry: Duration::from_millis(500),
            stream: true,
            output_limit: output_limit.to_owned(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            between_bytes: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests;
