//! A command in a workspace, under its own policy: what was denied is granted in addition.
//!
//! What is denied ends a program early as a rule, so this is done again with what it prints, until nothing is denied.

use super::super::is_policy;
use super::{Learn, deliver};
use crate::arguments::Connection;
use crate::client::Client;
use crate::output::{self, say};
use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use swarm_flow_policy::learn::widened;
use swarm_flow_policy::{Action, Host, Network, Policy, Url};

/// What is told of a command that ran.
#[derive(Deserialize)]
struct Ran {
    exit_code: u8,
    stdout: String,
    stderr: String,
    /// The first that differ.
    #[serde(default)]
    denials: Vec<Denial>,
}

#[derive(Deserialize)]
struct Denial {
    capability: String,
    resource: String,
    rule: String,
}

#[derive(Deserialize)]
struct Workspace {
    /// With its name.
    policy: Map<String, Value>,
}

pub(super) async fn learn(connection: &Connection, meant: &str, learn: &Learn) -> Result<ExitCode> {
    if learn.arguments.is_empty() {
        bail!("name the program after `--`");
    }
    let client = Client::new(connection)?;
    let id = client.workspace_id(meant).await?;
    let env: Map<String, Value> = learn
        .env
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let body = json!({"command": learn.arguments, "env": env, "output_encoding": "base64"});
    let mut workspace: Workspace = client.get(&["workspaces", &id]).await?;
    workspace.policy.retain(|member, _| is_policy(member));
    let policy: Policy = serde_json::from_value(Value::Object(workspace.policy))
        .context("understand the workspace's policy")?;
    let ran: Ran = client.post(&["workspaces", &id, "exec"], &body).await?;
    let decode = |text: &str| STANDARD.decode(text).context("understand the output");
    let stdout = decode(&ran.stdout)?;
    match learn.output {
        Some(_) => output::bytes(&stdout)?,
        None => output::error_bytes(&stdout),
    }
    output::error_bytes(&decode(&ran.stderr)?);

    let denied: Vec<_> = ran.denials.iter().filter_map(action).collect();
    let mut learned = widened(&policy, &denied, learn.paths.into())?;
    for denial in &ran.denials {
        let text = format!("denied: {} ({})", denial.resource, denial.rule);
        learned.note("", text);
    }
    say(&match ran.denials.len() {
        0 => "swarm-flow: nothing was denied; this is the workspace's policy".to_owned(),
        count => format!("swarm-flow: {count} denied; set this policy and learn once more"),
    });
    deliver(&learned.to_string(), learn)?;
    Ok(ExitCode::from(ran.exit_code))
}

/// What was denied, in the words in which a policy is asked. Nothing if no policy is asked about it.
fn action(denial: &Denial) -> Option<Action> {
    let resource = denial.resource.as_str();
    let target = || resource.split_once("://").map(|(_, target)| target);
    let host_and_port = || {
        let (host, port) = target()?.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    };
    match denial.capability.as_str() {
        "http" => {
            let (method, url) = resource.split_once(' ')?;
            let by_name = matches!(Url::parse(url).ok()?.host, Host::Name(_));
            if let (true, Some(address)) = (by_name, address_of(&denial.rule)) {
                return Some(address);
            }
            Some(Action::Http {
                method: method.to_owned(),
                url: url.to_owned(),
            })
        }
        "tcp" => host_and_port().map(|(host, port)| Action::Tcp { host, port }),
        "udp" => host_and_port().map(|(host, port)| Action::Udp { host, port }),
        "listen" => {
            let (host, port) = host_and_port()?;
            let address = host.trim_matches(['[', ']']).parse().ok()?;
            Some(Action::Listen { address, port })
        }
        "lookup" => Some(Action::Lookup {
            name: target()?.to_owned(),
        }),
        "filesystem" => match resource.split_once(' ')? {
            ("read", path) => Some(Action::Read {
                path: path.to_owned(),
            }),
            ("write", path) => Some(Action::Write {
                path: path.to_owned(),
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Where a name is granted and its address is not, the denial asks for another network; any address of it asks the same.
fn address_of(rule: &str) -> Option<Action> {
    let asked = |network: Network| rule == format!("set network = \"{}\"", network.kind());
    let address = if asked(Network::Private) {
        [10, 0, 0, 1]
    } else if asked(Network::Localhost) {
        [127, 0, 0, 1]
    } else {
        return None;
    };
    Some(Action::Address {
        address: address.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_asked_about_in_the_words_of_a_policy() {
        for (capability, resource, rule, expected) in [
            (
                "http",
                "GET https://a.example/v1",
                "add \"https://a.example\" to network.public",
                json!({"http": {"method": "GET", "url": "https://a.example/v1"}}),
            ),
            (
                "http",
                "GET https://a.example/v1",
                "set network = \"private\"",
                json!({"address": {"address": "10.0.0.1"}}),
            ),
            (
                "tcp",
                "tcp://[::1]:80",
                "",
                json!({"tcp": {"host": "[::1]", "port": 80}}),
            ),
            (
                "listen",
                "listen://[::1]:80",
                "",
                json!({"listen": {"address": "::1", "port": 80}}),
            ),
            (
                "lookup",
                "lookup://a.example",
                "",
                json!({"lookup": {"name": "a.example"}}),
            ),
            (
                "filesystem",
                "write /workspace",
                "",
                json!({"write": {"path": "/workspace"}}),
            ),
        ] {
            let denial = Denial {
                capability: capability.to_owned(),
                resource: resource.to_owned(),
                rule: rule.to_owned(),
            };
            let action = action(&denial).unwrap();
            assert_eq!(serde_json::to_value(action).unwrap(), expected);
        }
    }
}
