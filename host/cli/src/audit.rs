//! `audit`: what was done and decided, kept, and verified.

mod record;
mod verify;

use crate::arguments::{Connection, duration};
use crate::client::{Client, LARGE_PAGES, Parser, with_query};
use crate::output::{self, Output};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use record::{Lines, Record};
use reqwest::{Method, Response};
use serde_json::value::RawValue;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Subcommand)]
pub enum Audit {
    /// Show records, the oldest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// Go on with those to come
        #[arg(long)]
        follow: bool,
    },
    /// Print records as JSON, one a line, to keep them and to verify them later
    Export(Filter),
    /// Find records that were edited, removed, replaced or moved; ends with 1 if there are any
    Verify(verify::Verify),
}

/// Which records.
#[derive(Args)]
pub struct Filter {
    /// About this workspace: its id, or its name when no other has it
    #[arg(long)]
    workspace: Option<String>,
    /// About this sandbox
    #[arg(long)]
    sandbox: Option<String>,
    /// `http`, `tcp`, `udp`, `listen`, `lookup`, `filesystem` or `secret`
    #[arg(long)]
    capability: Option<String>,
    /// `allow` or `deny`
    #[arg(long)]
    decision: Option<String>,
    /// `decision.denied`, or with `*` at the end all that begin so
    #[arg(long)]
    kind: Option<String>,
    /// By this one: `user`
    #[arg(long)]
    actor: Option<String>,
    /// Not before: `2026-01-31T23:59:59Z`, or how long ago: `1h`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before: `2026-01-31T23:59:59Z`, or how long ago: `1h`
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

pub async fn audit(connection: &Connection, command: Audit, output: Output) -> Result<ExitCode> {
    match command {
        Audit::Verify(command) => return verify::verify(connection, command, output).await,
        Audit::Export(filter) => {
            let client = Client::new(connection)?;
            let query = filter.query(&client).await?;
            let mut answer = records(&client, &query, NDJSON).await?;
            while let Some(piece) = answer.chunk().await.context(BROKE_OFF)? {
                output::bytes(&piece)?;
            }
        }
        Audit::List { filter, follow } => {
            let client = Client::new(connection)?;
            let query = filter.query(&client).await?;
            match (follow, output.json) {
                (true, _) => follow_records(&client, &query, output).await?,
                (false, false) => list(&client, &query).await?,
                (false, true) => {
                    let mut query = borrowed(&query);
                    query.push(LARGE_PAGES);
                    let all: Vec<Box<RawValue>> = client.list(&["audit"], &query).await?;
                    output.print(&all, |_| String::new())?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

const NDJSON: &str = "application/x-ndjson";
const BROKE_OFF: &str = "the records broke off";

/// All records that match, in a form in which they come as they are found.
async fn records(client: &Client, query: &[(&str, String)], accept: &str) -> Result<Response> {
    let request = client
        .request(Method::GET, &["audit"])?
        .header("accept", accept);
    client.send(with_query(request, &borrowed(query))?).await
}

async fn list(client: &Client, query: &[(&str, String)]) -> Result<()> {
    let mut lines = Lines::new(records(client, query, NDJSON).await?);
    while let Some(line) = lines.next().await? {
        output::line(&Record::read(&line)?.to_string())?;
    }
    Ok(())
}

async fn follow_records(client: &Client, query: &[(&str, String)], output: Output) -> Result<()> {
    let mut answer = records(client, query, "text/event-stream").await?;
    let mut parser = Parser::default();
    while let Some(piece) = answer.chunk().await.context(BROKE_OFF)? {
        for message in parser.push(&piece) {
            if output.json {
                output::line(&message.data)?;
            } else {
                output::line(&Record::read(message.data.as_bytes())?.to_string())?;
            }
        }
    }
    bail!("the server ended the stream")
}

fn borrowed<'a>(query: &'a [(&str, String)]) -> Vec<(&'a str, &'a str)> {
    query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

impl Filter {
    async fn query(self, client: &Client) -> Result<Vec<(&'static str, String)>> {
        let workspace = match self.workspace {
            Some(meant) => Some(client.workspace_id(&meant).await?),
            None => None,
        };
        let pairs = [
            ("workspace", workspace),
            ("sandbox", self.sandbox),
            ("capability", self.capability),
            ("decision", self.decision),
            ("kind", self.kind),
            ("actor", self.actor),
            ("since", self.since.map(point_in_time)),
            ("until", self.until.map(point_in_time)),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)));
        Ok(given.collect())
    }
}

/// How long ago becomes when; all else is for the server to understand.
fn point_in_time(text: String) -> String {
    let has_unit = text.ends_with(|last: char| last.is_ascii_lowercase());
    match duration(&text) {
        Ok(ago) if has_unit => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let then: Duration = now.unwrap_or_default().saturating_sub(ago);
            then.as_millis().to_string()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::point_in_time;

    #[test]
    fn how_long_ago_becomes_when() {
        for (text, ms) in [("1h", 3_600_000), ("500ms", 500)] {
            let now = point_in_time("1ms".to_owned()).parse::<u64>().unwrap();
            let then = point_in_time(text.to_owned()).parse::<u64>().unwrap();
            assert!(now.abs_diff(then + ms) < 1_000, "{text}");
        }
        for text in ["1769903999000", "2026-01-31T23:59:59Z", "yesterday"] {
            assert_eq!(point_in_time(text.to_owned()), text);
        }
    }
}
