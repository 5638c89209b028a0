//! A program: a component that exports `wasi:cli/run`, compiled and linked once.

use crate::engine::Engine;
use crate::guest::Guest;
use crate::run::{End, Ended, Grants, run};
use crate::streams;
use wasmtime::component::{Component, Linker};
use wasmtime::{Result, error::Context};
use wasmtime_wasi::p2::bindings::CommandPre;

/// Ready to be instantiated, from memory, as often as wanted.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    command: CommandPre<Guest<()>>,
}

impl Program {
    pub fn new(engine: &Engine, component: &Component) -> Result<Self> {
        let pre = linker::<()>(engine)?
            .instantiate_pre(component)
            .context("the component asks for an import that a sandbox does not have")?;
        let command =
            CommandPre::new(pre).context("the component does not export `wasi:cli/run`")?;
        Ok(Self {
            engine: engine.clone(),
            command,
        })
    }

    /// Runs it to its end. The result is the exit code.
    pub async fn run(&self, grants: Grants) -> Result<Ended<u8>> {
        let ended = run(&self.engine, grants, (), async |store| {
            let command = self.command.instantiate_async(&mut *store).await?;
            command.wasi_cli_run().call_run(store).await
        })
        .await?;
        let end = match ended.end {
            // `run` says only whether it went well.
            End::Returned(result) => End::Returned(u8::from(result.is_err())),
            End::Exited(code) => End::Returned(code),
            End::Trapped(message) => End::Trapped(message),
            End::Limit {
                name,
                used,
                allowed,
            } => End::Limit {
                name,
                used,
                allowed,
            },
        };
        Ok(Ended {
            end,
            usage: ended.usage,
            memory_denied: ended.memory_denied,
        })
    }
}

/// What every sandbox can be linked with: WASI 0.2 and outgoing HTTP. What of it works is up to the grants.
pub fn linker<T: Send + 'static>(engine: &Engine) -> Result<Linker<Guest<T>>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).context("cannot link WASI")?;
    streams::add_to_linker(&mut linker).context("cannot link the metered streams")?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)
        .context("cannot link wasi:http")?;
    Ok(linker)
}
