//! `models`: which models agents may ask, from where that is known, and whether they answer.

use crate::output::{Output, harmless};
use crate::table::Table;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use swarm_flow_model::{
    Caller, Denied, Exceeded, Listed, Message, Models as All, Open, Part, Request, Role, Settings,
    Spent,
};

#[derive(Args)]
pub struct Models {
    #[command(subcommand)]
    command: Option<Command>,
    /// The file; without it `models.toml` in the state folder, where there is one
    #[arg(long, value_name = "FILE", global = true)]
    models: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// What there is, and where it is said; this is also what `models` alone does
    List,
    /// Ask a model for one word, and say how long it took and what it used. It costs that
    Test {
        /// The model; without it the default one
        name: Option<String>,
    },
}

/// What a server or a runner starts with. `choice` is what stood after `--models`: a file, or `none`.
///
/// Reads keys, so it has to come before the walls.
pub fn load(choice: Option<&str>, state: &Path) -> Result<All> {
    All::new(settings(choice, state)?)
}

fn settings(choice: Option<&str>, state: &Path) -> Result<Settings> {
    let beside = state.join("models.toml");
    let file: Option<PathBuf> = match choice {
        Some("none") => return Ok(Settings::default()),
        Some(path) => Some(path.into()),
        None => beside.exists().then_some(beside),
    };
    Settings::load(file.as_deref(), &|name| std::env::var(name).ok())
}

pub async fn models(arguments: &Models, state: &Path, output: Output) -> Result<ExitCode> {
    let settings = settings(arguments.models.as_deref(), state)?;
    match &arguments.command {
        None | Some(Command::List) => list(&settings.list(), output)?,
        Some(Command::Test { name }) => test(settings, name.clone(), output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(listed: &[Listed], output: Output) -> Result<()> {
    output.print(&json!({"models": listed}), |_| {
        if listed.is_empty() {
            return "no model is configured; set SWARM_FLOW_MODEL=openai/gpt-5.2 and OPENAI_API_KEY, or write models.toml in the state folder"
                .to_owned();
        }
        let mut table = Table::new(["NAME", "PROVIDER", "ID", "CONTEXT", "$/M IN / OUT", "FROM"]);
        for model in listed {
            let price = model.price.as_ref().map_or_else(
                || "unknown".to_owned(),
                |price| format!("{} / {} ({})", price.input, price.output, price.as_of),
            );
            table.row([
                format!("{}{}", model.name, if model.is_default { " *" } else { "" }),
                model.provider.clone(),
                model.id.clone(),
                model.context_tokens.map_or_else(String::new, |tokens| tokens.to_string()),
                price,
                model.source.clone(),
            ]);
        }
        table.to_string().trim_end().to_owned()
    })
}

async fn test(settings: Settings, name: Option<String>, output: Output) -> Result<()> {
    let request = Request {
        messages: vec![Message {
            role: Role::User,
            parts: vec![Part::Text("Answer with the word: ready".to_owned())],
        }],
        // One that reasons needs some before the first word.
        max_output_tokens: Some(512),
        model: name,
        ..Request::default()
    };
    let started_at = Instant::now();
    let asked = All::new(settings)?.chat(&request, &Operator).await;
    let latency_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    let response = match asked.result {
        Ok(response) => response,
        Err(error) => bail!("{error}"),
    };
    let said = response.parts.iter().find_map(|part| match part {
        Part::Text(text) => Some(text.trim()),
        _ => None,
    });
    let shown = json!({
        "model": response.model, "provider": response.provider, "provider_model": response.provider_model,
        "answer": said, "latency_ms": latency_ms, "attempts": asked.attempts,
        "usage": response.usage, "cost_microusd": response.cost_microusd,
    });
    output.print(&shown, |_| {
        let cost = response.cost_microusd;
        let cost = cost.map_or_else(
            || "unknown".to_owned(),
            |cost| format!("{cost} micro-dollars"),
        );
        let usage = response.usage;
        harmless(&format!(
            "{} ({}) answered `{}` after {latency_ms} ms; {} tokens in, {} out; cost {cost}",
            response.model,
            response.provider_model,
            said.unwrap_or_default(),
            usage.input,
            usage.output,
        ))
    })
}

/// Whoever has the keys may use them.
struct Operator;

impl Caller for Operator {
    fn may_use(&self, _model: &str) -> Result<(), Denied> {
        Ok(())
    }

    fn reserve<'a>(&'a self, _open: &'a Open) -> BoxFuture<'a, Result<(), Exceeded>> {
        std::future::ready(Ok(())).boxed()
    }

    fn settle<'a>(&'a self, _open: &'a Open, _spent: Spent) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }

    fn delta(&self, _text: &str) {}
}
