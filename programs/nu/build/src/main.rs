//! `nu-build IN OUT`: the component, and where its snapshot goes.

use anyhow::{Context, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut paths = std::env::args_os().skip(1);
    let (from, to) = paths
        .next()
        .zip(paths.next())
        .context("usage: nu-build COMPONENT SNAPSHOT")?;
    let component = std::fs::read(&from).with_context(|| format!("read {}", from.display()))?;
    let snapshot = nu_build::preinitialise(&component).await?;
    std::fs::write(&to, snapshot).with_context(|| format!("write {}", to.display()))
}
