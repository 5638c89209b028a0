//! `mcp`: what a client of the Model Context Protocol has to be told to find the server.
//!
//! It prints and writes nothing: whose file it is, knows how to merge it. The token is named, not shown, unless it is
//! asked for; files like these end up in repositories.

use crate::arguments::Connection;
use crate::client::connect;
use crate::output::{self, Output};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Mcp {
    /// Print the configuration that a client needs, to paste into its file
    #[command(
        after_help = "Examples:\n  swarm-flow mcp install claude\n  swarm-flow mcp install vscode --groups exec,files > .vscode/mcp.json"
    )]
    Install {
        #[arg(value_enum)]
        client: ClientName,
        /// The groups of tools that the model gets; `all` for all of them
        #[arg(long, value_delimiter = ',')]
        groups: Vec<String>,
        /// A workspace whose programs become tools
        #[arg(long, requires = "tools")]
        workspace: Option<String>,
        /// These programs of the workspace; `*` for all
        #[arg(long, requires = "workspace", value_delimiter = ',')]
        tools: Vec<String>,
        /// Put the token itself into the configuration
        #[arg(long)]
        with_token: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ClientName {
    Claude,
    Vscode,
    Cursor,
}

/// The name of the server in a configuration, and of its token.
const NAME: &str = "swarm-flow";
const TOKEN: &str = "SWARM_FLOW_TOKEN";

pub fn mcp(connection: &Connection, command: &Mcp, _: Output) -> Result<ExitCode> {
    let Mcp::Install {
        client,
        groups,
        workspace,
        tools,
        with_token,
    } = command;
    let base = connect::base(&connection.url)?;
    let mut url = base.join("mcp")?;
    let selection = [
        ("groups", groups.join(",")),
        ("workspace", workspace.clone().unwrap_or_default()),
        ("tools", tools.join(",")),
    ];
    for (name, value) in selection.iter().filter(|(_, value)| !value.is_empty()) {
        url.query_pairs_mut().append_pair(name, value);
    }
    let token = match with_token {
        true => Some(connect::token(connection, &base)?),
        false => None,
    };
    let written = configuration(*client, url.as_str(), token.as_deref());
    output::line(&serde_json::to_string_pretty(&written)?)?;
    output::say(&hint(*client, token.is_some()));
    Ok(ExitCode::SUCCESS)
}

/// What stands in a client's file.
fn configuration(client: ClientName, url: &str, token: Option<&str>) -> Value {
    let bearer = |otherwise: String| format!("Bearer {}", token.map_or(otherwise, str::to_owned));
    match client {
        ClientName::Claude => json!({"mcpServers": {NAME: {
            "type": "http",
            "url": url,
            "headers": {"Authorization": bearer(format!("${{{TOKEN}}}"))},
        }}}),
        ClientName::Cursor => json!({"mcpServers": {NAME: {
            "url": url,
            "headers": {"Authorization": bearer(format!("${{env:{TOKEN}}}"))},
        }}}),
        ClientName::Vscode => {
            let input = format!("{NAME}-token");
            let mut configuration = json!({"servers": {NAME: {
                "type": "http",
                "url": url,
                "headers": {"Authorization": bearer(format!("${{input:{input}}}"))},
            }}});
            if token.is_none() {
                configuration["inputs"] = json!([{
                    "type": "promptString",
                    "id": input,
                    "description": "The token of Swarm Flow",
                    "password": true,
                }]);
            }
            configuration
        }
    }
}

/// Where it goes, and where the token comes from.
fn hint(client: ClientName, has_token: bool) -> String {
    let (file, token) = match client {
        ClientName::Claude => (".mcp.json", "reads the token from SWARM_FLOW_TOKEN"),
        ClientName::Vscode => (".vscode/mcp.json", "asks for the token once"),
        ClientName::Cursor => (".cursor/mcp.json", "reads the token from SWARM_FLOW_TOKEN"),
    };
    let token = match has_token {
        true => "it holds the token: keep it out of repositories".to_owned(),
        false => {
            format!("the client {token}; `swarm-flow up` says in which file it lies")
        }
    };
    format!("this goes into {file} of a project; {token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_in_a_configuration_only_when_it_is_asked_for() {
        for client in [ClientName::Claude, ClientName::Vscode, ClientName::Cursor] {
            let url = "http://127.0.0.1:3000/mcp";
            let without = configuration(client, url, None).to_string();
            assert!(
                without.contains(url) && without.contains("Bearer ${"),
                "{without}"
            );
            let with = configuration(client, url, Some("secret")).to_string();
            assert!(with.contains("Bearer secret"), "{with}");
            assert!(!with.contains("${"), "{with}");
        }
    }
}
