//! The agents that come along beside `script`: `target/components/NAME.wasm`, and beside it `NAME.toml` with what it says of itself, so
//! that a runner need not start it to tell the app.

use crate::file;
use crate::project::Project;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// `components/agents/NAME/agent.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    name: String,
    capabilities: Vec<String>,
    /// A file beside it.
    context_schema: String,
}

/// What a runner reads.
#[derive(Serialize)]
struct About {
    version: String,
    capabilities: Vec<String>,
    context_schema: String,
}

/// Puts what was built where runners look for it.
pub fn put(project: &Project, name: &str) -> Result<()> {
    let folder = project.root.join("components/agents").join(name);
    let text = |file: &str| {
        let path = folder.join(file);
        String::from_utf8(file::read(&path)?)
            .with_context(|| format!("read {} as text", path.display()))
    };
    let source: Source = toml::from_str(&text("agent.toml")?)
        .with_context(|| format!("read the description of `{name}`"))?;
    ensure!(
        source.name == name,
        "components/agents/{name}/agent.toml names `{}`",
        source.name
    );
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capabilities: source.capabilities,
        context_schema: text(&source.context_schema)?,
    };
    let about = toml::to_string(&about).context("write the description of an agent")?;
    let out = project.components();
    file::write_if_changed(
        &out.join(format!("{name}.wasm")),
        &file::read(&project.wasm(&format!("agent-{name}")))?,
    )?;
    file::write_if_changed(&out.join(format!("{name}.toml")), about.as_bytes())
}
