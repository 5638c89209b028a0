//! `models.toml`. What is wrong is said by its place, never with the line itself: somebody may have put a key there.

use super::limits::{check_base_url, check_name, check_range, is_loopback};
use super::{Capabilities, Dialect, Model, Price, Provider, Settings, Timeouts};
use crate::key::Key;
use crate::route::{Prefer, Route};
use anyhow::{Context, Result, anyhow, bail};
use http::{HeaderName, HeaderValue};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::value::Datetime;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<ProviderRecord>,
    #[serde(default)]
    model: Vec<ModelRecord>,
    #[serde(default)]
    route: Vec<RouteRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderRecord {
    name: String,
    dialect: Dialect,
    base_url: String,
    key: Option<Reference>,
    #[serde(default)]
    headers: BTreeMap<String, Reference>,
    connect_timeout_ms: Option<u64>,
    first_byte_timeout_ms: Option<u64>,
    between_bytes_timeout_ms: Option<u64>,
    retry_ms: Option<u64>,
    concurrency: Option<u64>,
    stream: Option<bool>,
    output_limit: Option<OutputLimit>,
    #[serde(default)]
    insecure: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutputLimit {
    MaxTokens,
    MaxCompletionTokens,
}

/// Where a value is, or, for a header, the value.
enum Reference {
    Literal(String),
    Env(String),
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRecord {
    name: String,
    provider: String,
    id: String,
    context_tokens: Option<u64>,
    output_tokens_max: Option<u64>,
    price: Option<PriceRecord>,
    capabilities: Option<Vec<Capability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRecord {
    input: f64,
    cached_input: Option<f64>,
    output: f64,
    as_of: Datetime,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Capability {
    Tools,
    Images,
    StructuredOutput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteRecord {
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    prefer: Prefer,
    models: Vec<String>,
    input_tokens_max: Option<u64>,
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Literal(String),
            Table(BTreeMap<String, String>),
            Other(IgnoredAny),
        }
        const FORMS: &str = "give `{ env = \"NAME\" }` or `{ file = \"PATH\" }`";
        match Form::deserialize(deserializer)? {
            Form::Literal(text) => Ok(Self::Literal(text)),
            Form::Table(table) => match table.into_iter().collect::<Vec<_>>().as_slice() {
                [(name, value)] if name == "env" => Ok(Self::Env(value.clone())),
                [(name, value)] if name == "file" => Ok(Self::File(value.into())),
                _ => Err(D::Error::custom(FORMS)),
            },
            Form::Other(_) => Err(D::Error::custom(FORMS)),
        }
    }
}

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn read(path: &Path, variable: Variable<'_>) -> Result<Settings> {
    let text = std::fs::read_to_string(path).context("cannot read it")?;
    parse(&text, path, variable)
}

pub(super) fn parse(text: &str, path: &Path, variable: Variable<'_>) -> Result<Settings> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        anyhow!("line {line}: {}", error.message())
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut settings = Settings::default();
    for (index, record) in file.provider.into_iter().enumerate() {
        let name = record.name.clone();
        if settings.providers.iter().any(|known| known.name == name) {
            bail!("provider[{index}]: there are two providers `{name}`");
        }
        let provider = provider(record, folder, variable);
        settings
            .providers
            .push(provider.with_context(|| format!("provider[{index}] `{name}`"))?);
    }
    for (index, record) in file.model.into_iter().enumerate() {
        let name = record.name.clone();
        if settings.models.iter().any(|known| known.name == name) {
            bail!("model[{index}]: there are two models `{name}`");
        }
        settings
            .need_provider(&record.provider, &|name| {
                variable(name).filter(|_| name != super::BASE_URL)
            })
            .with_context(|| format!("model[{index}] `{name}`: provider"))?;
        let model = model(record, path);
        settings
            .models
            .push(model.map_err(|why| anyhow!("model[{index}] `{name}`: {why}"))?);
    }
    for (index, record) in file.route.into_iter().enumerate() {
        let route = route(record, &settings.models);
        settings
            .routes
            .push(route.map_err(|why| anyhow!("route[{index}]: {why}"))?);
    }
    Ok(settings)
}

fn provider(record: ProviderRecord, folder: &Path, variable: Variable<'_>) -> Result<Provider> {
    check_name(&record.name).map_err(|why| anyhow!("name: {why}"))?;
    let url = check_base_url(&record.base_url, record.insecure);
    let url = url.map_err(|why| anyhow!("base_url: it {why}"))?;
    let key = match record.key {
        None if is_loopback(&url) => None,
        None => bail!(
            "key: another machine's server needs one; give `key = {{ env = \"NAME\" }}` or `key = {{ file = \"PATH\" }}`"
        ),
        Some(Reference::Literal(_)) => bail!(
            "key: a key does not stand in this file; give `key = {{ env = \"NAME\" }}` or `key = {{ file = \"PATH\" }}`"
        ),
        Some(reference) => {
            let value = resolve(&reference, folder, variable).context("key")?;
            Some(Key::new(value).map_err(|why| anyhow!("key: what is there {why}"))?)
        }
    };
    let mut provider = Provider::plain(&record.name, record.dialect, url, key);
    for (name, reference) in &record.headers {
        let header = header(name, reference, folder, variable);
        let (name, value, secret) = header.with_context(|| format!("headers: `{name}`"))?;
        provider.headers.push((name, value));
        provider.secrets.0.extend(secret);
    }
    let range = |field: &str, value: Option<u64>, most: u64, default: u64| {
        let checked = check_range(value.unwrap_or(default), 1..=most);
        checked.map_err(|why| anyhow!("{field} {why}"))
    };
    let ms = |field: &str, value: Option<u64>, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        range(field, value, 3_600_000, default).map(Duration::from_millis)
    };
    let usual = Timeouts::default();
    provider.timeouts = Timeouts {
        connect: ms(
            "connect_timeout_ms",
            record.connect_timeout_ms,
            usual.connect,
        )?,
        first_byte: ms(
            "first_byte_timeout_ms",
            record.first_byte_timeout_ms,
            usual.first_byte,
        )?,
        between_bytes: ms(
            "between_bytes_timeout_ms",
            record.between_bytes_timeout_ms,
            usual.between_bytes,
        )?,
    };
    provider.retry = ms("retry_ms", record.retry_ms, provider.retry)?;
    let concurrency = range("concurrency", record.concurrency, 1_000, 16)?;
    provider.concurrency = usize::try_from(concurrency)?;
    provider.stream = record.stream.unwrap_or(true);
    if let Some(limit) = record.output_limit {
        provider.output_limit = match limit {
            OutputLimit::MaxTokens => "max_tokens",
            OutputLimit::MaxCompletionTokens => "max_completion_tokens",
        }
        .to_owned();
    }
    Ok(provider)
}

/// By these a key travels, and `key` is where it is said.
const OF_KEYS: [&str; 4] = [
    "authorization",
    "x-api-key",
    "api-key",
    "proxy-authorization",
];

fn header(
    name: &str,
    reference: &Reference,
    folder: &Path,
    variable: Variable<'_>,
) -> Result<(HeaderName, HeaderValue, Option<Key>)> {
    let name = HeaderName::from_bytes(name.as_bytes()).context("is no name of a header")?;
    if OF_KEYS.contains(&name.as_str()) && matches!(reference, Reference::Literal(_)) {
        bail!(
            "a key does not stand in this file; give `{{ env = \"NAME\" }}` or `{{ file = \"PATH\" }}`"
        );
    }
    let (text, is_secret) = match reference {
        Reference::Literal(text) => (Zeroizing::new(text.clone()), false),
        reference => (resolve(reference, folder, variable)?, true),
    };
    let mut value = HeaderValue::from_str(text.trim()).context("has a value that no header has")?;
    value.set_sensitive(true);
    // After a word for the scheme: `Bearer `.
    let last = text
        .trim()
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    let secret = Key::new(Zeroizing::new(last)).ok().filter(|_| is_secret);
    Ok((name, value, secret))
}

fn resolve(
    reference: &Reference,
    folder: &Path,
    variable: Variable<'_>,
) -> Result<Zeroizing<String>> {
    match reference {
        Reference::Literal(_) => bail!("stands in this file"),
        Reference::Env(name) => {
            let value = variable(name);
            value
                .map(Zeroizing::new)
                .with_context(|| format!("the variable {name} is not set"))
        }
        Reference::File(path) => {
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path);
            text.map(Zeroizing::new)
                .with_context(|| format!("cannot read {}", path.display()))
        }
    }
}

fn model(record: ModelRecord, path: &Path) -> Result<Model, String> {
    check_name(&record.name).map_err(|why| format!("name: {why}"))?;
    check_name(&record.id).map_err(|why| format!("id: {why}"))?;
    let tokens = |field: &str, value: Option<u64>| {
        let checked = value.map(|value| check_range(value, 1..=100_000_000));
        checked.transpose().map_err(|why| format!("{field} {why}"))
    };
    let output = tokens("output_tokens_max", record.output_tokens_max)?;
    let said = |capability| {
        let named = record.capabilities.as_ref();
        named.is_none_or(|named| named.contains(&capability))
    };
    Ok(Model {
        context_tokens: tokens("context_tokens", record.context_tokens)?,
        output_tokens_max: output.and_then(|tokens| u32::try_from(tokens).ok()),
        price: record.price.map(price).transpose()?,
        capabilities: Capabilities {
            tools: said(Capability::Tools),
            images: said(Capability::Images),
            structured_output: said(Capability::StructuredOutput),
        },
        name: record.name,
        provider: record.provider,
        id: record.id,
        source: path.display().to_string(),
    })
}

fn price(record: PriceRecord) -> Result<Price, String> {
    let PriceRecord {
        input,
        cached_input,
        output,
        as_of,
    } = record;
    for (field, value) in [
        ("input", Some(input)),
        ("cached_input", cached_input),
        ("output", output.into()),
    ] {
        if value.is_some_and(|value| !(0.0..=1_000_000.0).contains(&value)) {
            return Err(format!(
                "price.{field}: give dollars for a million tokens, 0 to 1000000"
            ));
        }
    }
    let Some(date) = as_of.date else {
        return Err("price.as_of: give a day, 2026-01-31 for one".to_owned());
    };
    Ok(Price {
        input,
        cached_input,
        output,
        as_of: date.to_string(),
    })
}

fn route(record: RouteRecord, models: &[Model]) -> Result<Route, String> {
    for kind in &record.kinds {
        check_name(kind).map_err(|why| format!("kinds: {why}"))?;
    }
    if record.models.is_empty() {
        return Err("models: name at least one".to_owned());
    }
    for name in &record.models {
        if !models.iter().any(|model| model.name == *name) {
            let known: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
            return Err(format!(
                "models: there is no model `{name}`; there are {}",
                known.join(", ")
            ));
        }
    }
    Ok(Route {
        kinds: record.kinds,
        prefer: record.prefer,
        models: record.models,
        input_tokens_max: record.input_tokens_max,
    })
}
