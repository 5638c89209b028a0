//! Threads on which guests run, apart from those that answer requests: a guest that computes cannot delay an
//! answer by more than the kernel's scheduler lets it.

use std::future::Future;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct SandboxThreads {
    runtime: Option<Runtime>,
}

impl SandboxThreads {
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("sandbox")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Runs a future there. Dropping the result ends the future.
    pub(crate) fn spawn<F>(&self, future: F) -> Option<AbortOnDropHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime
            .as_ref()
            .map(|runtime| AbortOnDropHandle::new(runtime.spawn(future)))
    }
}

impl Drop for SandboxThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be a task of another runtime, where waiting is not allowed.
            runtime.shutdown_background();
        }
    }
}
