//! The task in which an instance runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

/// How an instance ended.
pub(crate) enum Outcome {
    Returned,
    Trapped,
    /// There was never a place for it in the pool.
    NoRoom,
}

/// Says to who reads the response that it will not be completed.
#[derive(Clone, Default)]
pub(crate) struct Trapped(Arc<AtomicBool>);

impl Trapped {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A running instance; dropping this ends it.
pub(crate) struct Running {
    /// Empty once the instance is left to itself.
    task: Option<JoinHandle<Outcome>>,
    trapped: Trapped,
}

impl Running {
    pub fn start<F>(span: Span, work: impl FnOnce(Trapped) -> F) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let trapped = Trapped::default();
        let task = tokio::spawn(work(trapped.clone()).instrument(span));
        Self {
            task: Some(task),
            trapped,
        }
    }

    pub fn has_trapped(&self) -> bool {
        self.trapped.is_set()
    }

    /// Lets the instance go on after its response is complete.
    pub fn detach(mut self) {
        self.task.take();
    }

    /// Waits for the end; nothing if the task itself failed.
    pub async fn outcome(mut self) -> Option<Outcome> {
        self.task.as_mut()?.await.ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
