//! `programs`: what `exec` finds.

use crate::client::Client;
use crate::output::{self, Output};
use crate::table::Table;
use anyhow::Result;
use serde_json::Value;
use std::process::ExitCode;

pub async fn programs(client: &Client, output: Output) -> Result<ExitCode> {
    let all: Vec<Value> = client.list(&["programs"], &[]).await?;
    output.print(&all, |all| table(all).to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn table(programs: &[Value]) -> Table {
    let mut table = Table::new(["NAME", "VERSION", "ENVIRONMENTS", "SIZE"]);
    for program in programs {
        let text = |name: &str| program[name].as_str().unwrap_or("-").to_owned();
        let environments: Vec<&str> = program["environments"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let size_bytes = program["size_bytes"].as_u64().unwrap_or(0);
        table.row([
            text("name"),
            text("version"),
            environments.join(", "),
            output::size(size_bytes),
        ]);
    }
    table
}
