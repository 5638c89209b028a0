//! A policy that changes while sandboxes run under it.
//!
//! A sandbox may do what the policy that it started with allows and the latest one allows too. So a change takes at the
//! next thing that it does, and gives it nothing that it had not. While nothing was changed this costs one load of an atomic.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use swarm_flow_policy::{
    CompiledPolicy, Decision, Invalid, Limit, Limits, Policy, Reason, Surroundings,
};
use tokio::sync::watch;

/// The policy of sandboxes that run, as it changes. Cheap to clone; the clones hear of the same changes.
#[derive(Clone, Default)]
pub struct Live {
    shared: Arc<Shared>,
    /// What was the latest when the sandbox started, under just that.
    since: u64,
}

#[derive(Default)]
struct Shared {
    /// How often it was changed.
    generation: AtomicU64,
    latest: watch::Sender<Option<Arc<Latest>>>,
}

/// The policy that holds from now on.
pub(crate) struct Latest {
    pub(crate) policy: CompiledPolicy,
    pub(crate) limits: Limits,
}

impl Live {
    /// What a sandbox holds that starts now, under the latest policy: it is narrowed by what comes after.
    #[must_use]
    pub fn joined(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            since: self.generation(),
        }
    }

    /// From now on this is the policy. What is no policy is refused and changes nothing.
    pub fn change(&self, policy: &Policy, surroundings: &Surroundings) -> Result<(), Invalid> {
        let latest = Arc::new(Latest {
            policy: CompiledPolicy::new(policy, surroundings)?,
            limits: policy.limits.clone(),
        });
        // The number is there before anybody is woken, so that who is woken sees it.
        self.shared.latest.send_modify(|shown| {
            *shown = Some(latest);
            self.shared.generation.fetch_add(1, Ordering::Release);
        });
        Ok(())
    }

    /// The latest policy, unless the sandbox started under it.
    pub(crate) fn latest(&self) -> Option<Arc<Latest>> {
        if self.generation() == self.since {
            return None;
        }
        self.shared.latest.borrow().clone()
    }

    /// The change that the sandbox started after.
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Waits until there is another policy than the one that was `seen`, and gives its number.
    pub(crate) async fn changed(&self, seen: u64) -> u64 {
        let mut latest = self.shared.latest.subscribe();
        while self.generation() == seen {
            // It fails when nobody can change anything any more, which we could.
            _ = latest.changed().await;
        }
        self.generation()
    }
}

/// The limits of a sandbox: those that it started with, and the latest ones where they are less.
#[derive(Clone)]
pub(crate) struct Bounds {
    pub(crate) start: Limits,
    pub(crate) live: Option<Live>,
}

impl Bounds {
    /// In the unit of the limit's name.
    pub(crate) fn of(&self, limit: Limit) -> u64 {
        let start = limit.of(&self.start);
        match latest(self.live.as_ref()) {
            Some(latest) => start.min(limit.of(&latest.limits)),
            None => start,
        }
    }
}

pub(crate) fn latest(live: Option<&Live>) -> Option<Arc<Latest>> {
    live?.latest()
}

/// What comes of two decisions about the same thing. What the latest policy says is what can be changed about it.
pub(crate) fn both(start: Decision, latest: Option<Decision>, what: &dyn fmt::Display) -> Decision {
    match (start, latest) {
        (start, None) => start,
        (Decision::Deny { reason, .. }, Some(Decision::Allow { rule })) => {
            since(reason, what, rule.as_str())
        }
        (_, Some(latest)) => latest,
    }
}

fn since(reason: Reason, what: &dyn fmt::Display, rule: &str) -> Decision {
    Decision::Deny {
        reason,
        message: format!(
            "{what} is granted by {rule}, which came after this sandbox started: run the program again"
        ),
        grants: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use swarm_flow_policy::Preset;
    use tokio::time::timeout;

    fn policy(memory_bytes: u64) -> Policy {
        let mut policy = Preset::Isolated.policy();
        policy.limits.memory_bytes = memory_bytes;
        policy
    }

    fn bounds(live: &Live) -> Bounds {
        Bounds {
            start: policy(2 << 20).limits,
            live: Some(live.joined()),
        }
    }

    #[test]
    fn a_change_narrows_what_runs_and_widens_nothing() {
        let live = Live::default();
        let early = bounds(&live);
        let memory = |bounds: &Bounds| bounds.of(Limit::MemoryBytes);
        assert_eq!(memory(&early), 2 << 20);
        for (latest, expected) in [(1 << 20, 1 << 20), (3 << 20, 2 << 20)] {
            live.change(&policy(latest), &Surroundings::default())
                .unwrap();
            assert_eq!(memory(&early), expected);
        }
        assert_eq!(early.of(Limit::Handles), 100, "what was not changed stays");
    }

    #[test]
    fn who_starts_after_a_change_is_not_asked_twice() {
        let live = Live::default();
        live.change(&policy(1 << 20), &Surroundings::default())
            .unwrap();
        assert!(live.joined().latest().is_none());
        let late = bounds(&live);
        assert_eq!(late.of(Limit::MemoryBytes), 2 << 20);
    }

    #[test]
    fn what_is_no_policy_changes_nothing() {
        let live = Live::default();
        let invalid = live.change(&policy(0), &Surroundings::default());
        assert_eq!(invalid.unwrap_err().field, "limits.memory_bytes");
        assert!(live.latest().is_none());
    }

    #[tokio::test]
    async fn a_change_wakes_who_waits_and_nobody_misses_one() {
        let live = Live::default();
        let soon = Duration::from_millis(20);
        assert!(timeout(soon, live.changed(0)).await.is_err());
        let waiting = tokio::spawn({
            let live = live.clone();
            async move { live.changed(0).await }
        });
        tokio::task::yield_now().await;
        live.change(&policy(1 << 20), &Surroundings::default())
            .unwrap();
        assert_eq!(waiting.await.unwrap(), 1);
        assert_eq!(live.changed(0).await, 1, "what was before is known at once");
    }
}
