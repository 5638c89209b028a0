//! `policy`: what the presets grant.

use crate::client::Client;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Policy {
    /// Show all presets
    List,
    /// Show one, as a file that `workspace create --policy-file` takes
    Show { name: String },
}

pub async fn policy(client: &Client, command: Policy, output: Output) -> Result<ExitCode> {
    match command {
        Policy::List => {
            let all: Vec<Value> = client.list(&["policies"], &[]).await?;
            output.print(&all, |all| table(all).to_string())?;
        }
        Policy::Show { name } => {
            let mut policy: Value = client.get(&["policies", &name]).await?;
            if let (false, Some(members)) = (output.json, policy.as_object_mut()) {
                // What a workspace is created with has no name of its own.
                members.retain(|member, _| {
                    matches!(member.as_str(), "filesystem" | "network" | "limits")
                });
            }
            Output { json: true }.print(&policy, |_| String::new())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(policies: &[Value]) -> Table {
    let mut table = Table::new([
        "NAME",
        "FILESYSTEM",
        "NETWORK",
        "MEMORY",
        "CPU TIME",
        "HANDLES",
    ]);
    for policy in policies {
        let limit = |name: &str| policy["limits"][name].as_u64().unwrap_or(0);
        table.row([
            policy["name"].as_str().unwrap_or("-").to_owned(),
            granted(&policy["filesystem"]),
            granted(&policy["network"]),
            output::size(limit("memory_bytes")),
            format!("{} s", limit("cpu_time_ms") / 1000),
            limit("handles").to_string(),
        ]);
    }
    table
}

/// `"full"` is `full`; `{"read_only": ["/a", "/b"]}` is `read_only /a, /b`.
fn granted(value: &Value) -> String {
    let Some((kind, list)) = value.as_object().and_then(|members| members.iter().next()) else {
        return value.as_str().unwrap_or("-").to_owned();
    };
    let list: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "{kind} {}",
        if list.is_empty() {
            "nothing".to_owned()
        } else {
            list.join(", ")
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn grants_read_as_in_the_policy() {
        let read = |policy: swarm_flow_policy::Preset| json!(policy.policy());
        let standard = read(swarm_flow_policy::Preset::Standard);
        assert_eq!(
            granted(&standard["filesystem"]),
            "read_write /workspace, /tmp"
        );
        assert_eq!(granted(&standard["network"]), "public @package-registries");
        assert_eq!(
            granted(&read(swarm_flow_policy::Preset::Privileged)["network"]),
            "any"
        );
        assert_eq!(granted(&json!({"read_only": []})), "read_only nothing");
    }
}
