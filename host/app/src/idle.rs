//! Instances that wait for their next request.
//!
//! Making an instance of a composed application costs more than most of its requests. A component whose manifest says
//!
//! ```toml
//! [component.NAME.tool.swarm-flow]
//! reuse = 128   # requests that one instance may answer, one after another; 1 is an instance per request
//! ```
//!
//! keeps nothing of one request that the next could see, and its instances are used again. One that trapped, was
//! given up by its client or returned without a response is not. Spin reads no `tool`, and makes an instance per
//! request.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use swarm_flow_sandbox::APP_INSTANCES_IDLE_MAX;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::Proxy;

use crate::instance::Instance;

/// An instance that can be called.
pub(crate) struct Ready {
    pub store: Store<Instance>,
    pub proxy: Proxy,
    /// Requests that it may still answer.
    left: u32,
}

pub(crate) struct Idle {
    reuse: NonZeroU32,
    waiting: Mutex<Vec<Ready>>,
}

impl Idle {
    pub fn new(reuse: NonZeroU32) -> Self {
        Self {
            reuse,
            waiting: Mutex::new(Vec::new()),
        }
    }

    pub fn made(&self, store: Store<Instance>, proxy: Proxy) -> Ready {
        Ready {
            store,
            proxy,
            left: self.reuse.get(),
        }
    }

    /// The one that was used last, whose memory is warm.
    pub fn take(&self) -> Option<Ready> {
        self.waiting().pop()
    }

    /// After an answer.
    pub fn put(&self, mut ready: Ready) {
        ready.left = ready.left.saturating_sub(1);
        if ready.left == 0 {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.len() < APP_INSTANCES_IDLE_MAX as usize {
            waiting.push(ready);
        }
    }

    /// No code that could panic runs under the lock.
    fn waiting(&self) -> MutexGuard<'_, Vec<Ready>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
