//! Tells runners that there is work, so that they need not ask all the time.
//!
//! It may fail and nothing is lost: runners ask now and then by themselves. So every error is ignored, and
//! whoever submitted or reported waits a moment at most.

use crate::store;
use swarm_flow_protocol::ALIVE_MS;
use swarm_flow_state::{Database, now_ms};

/// Wakes the runners that could take a task of this swarm, all but one.
pub fn runners_of(database: &impl Database, swarm_id: &str, except: Option<&str>) {
    let now = now_ms();
    let since = now.saturating_sub(ALIVE_MS);
    if let Ok(urls) = store::runners_with_work(database, swarm_id, except, now, since)
        && !urls.is_empty()
    {
        post(&urls, "");
    }
}

/// The runners that have leases of a run which is about to be cancelled.
pub struct Told(Vec<String>);

impl Told {
    pub fn of(database: &impl Database, run_id: &str) -> Self {
        Self(store::runners_of_run(database, run_id).unwrap_or_default())
    }

    /// They look at their leases at once, and not only when they renew them.
    pub fn cancelled(self) {
        if !self.0.is_empty() {
            post(&self.0, "?leases=lost");
        }
    }
}

/// Natively there is no host to send by; a test of the rest needs none.
#[cfg(not(target_family = "wasm"))]
fn post(_urls: &[String], _why: &str) {}

#[cfg(target_family = "wasm")]
fn post(urls: &[String], why: &str) {
    use swarm_flow_protocol::path::WAKE;
    const PATIENCE_MS: u64 = 250;
    let urls: Vec<_> = urls.iter().map(|url| format!("{url}{WAKE}{why}")).collect();
    swarm_flow_wire::post_all(&urls, PATIENCE_MS);
}
