//! Who hears of the decisions about a sandbox: every one that its network takes, allowed or denied, as it is taken.
//!
//! Without anybody to hear nothing is formatted, locked or kept.

use smallvec::{SmallVec, smallvec};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use swarm_flow_policy::learn::Uses;
use swarm_flow_policy::{Decision, Reason};

/// One decision.
pub struct Decided<'a> {
    /// What was asked for: `http`, `tcp`, `udp`, `listen`, `lookup`, `filesystem`; `secret` for one that was put into a request.
    pub capability: &'static str,
    /// Of what, in the words of a policy: `GET https://example.com/`, `tcp://10.0.0.1:5432`. It has no query of a URL,
    /// as those hold secrets; what the guest wrote is escaped and cut short.
    pub resource: &'a dyn fmt::Display,
    pub decision: &'a Decision,
}

impl Decided<'_> {
    /// The line of the policy that allowed it.
    pub fn rule(&self) -> Option<&str> {
        match self.decision {
            Decision::Allow { rule } => Some(rule.as_str()),
            Decision::Deny { .. } => None,
        }
    }
}

/// Hears of decisions, from the threads that take them: it must not wait for anything.
pub trait Recorder: Send + Sync + 'static {
    fn record(&self, decided: &Decided<'_>);

    /// Gives whoever learns from what the sandbox did the place where that is kept.
    fn observe(&self, _see: &dyn Fn(&mut Uses)) {}
}

/// Keeps what a sandbox did of what it was allowed, so that a policy can be made of it.
#[derive(Clone, Default)]
pub struct Observed(Arc<Mutex<Uses>>);

impl Observed {
    /// What was done up to now.
    pub fn uses(&self) -> Uses {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Recorder for Observed {
    fn record(&self, _: &Decided<'_>) {}

    fn observe(&self, see: &dyn Fn(&mut Uses)) {
        see(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Where the decisions about a sandbox go: mostly to its caller and to a log.
#[derive(Clone)]
pub struct Decisions(SmallVec<[Arc<dyn Recorder>; 2]>);

impl Decisions {
    pub fn new(recorder: impl Recorder) -> Self {
        let recorder: Arc<dyn Recorder> = Arc::new(recorder);
        Self(smallvec![recorder])
    }

    /// Keeps what is denied, for who runs the sandbox.
    pub fn denials() -> (Self, Denials) {
        let kept = Arc::<Kept>::default();
        let recorder: Arc<dyn Recorder> = kept.clone();
        (Self(smallvec![recorder]), Denials(kept))
    }

    /// Takes a decision that was not taken by the sandbox itself.
    pub fn tell(&self, decided: &Decided<'_>) {
        record(Some(self), decided);
    }

    /// To both; a sandbox has one place for them.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Something was done; most sandboxes have nobody to learn from it.
pub(crate) fn observe(decisions: Option<&Decisions>, see: impl Fn(&mut Uses)) {
    for recorder in decisions.iter().flat_map(|decisions| &decisions.0) {
        recorder.observe(&see);
    }
}

/// Tells whoever listens, and the log of a denial.
pub(crate) fn record(decisions: Option<&Decisions>, decided: &Decided<'_>) {
    if let Decision::Deny { message, .. } = decided.decision {
        // A guest chooses how many there are.
        tracing::debug!(capability = decided.capability, "denied: {message}");
    }
    for recorder in decisions.iter().flat_map(|decisions| &decisions.0) {
        recorder.record(decided);
    }
}

/// Different denials that are kept of one run.
pub const DENIALS_MAX: usize = 16;

/// The first denials of a run, each once, and how many there were in all.
#[derive(Clone)]
pub struct Denials(Arc<Kept>);

#[derive(Default)]
struct Kept {
    count: AtomicU64,
    first: Mutex<Vec<Denial>>,
}

/// What was denied and what would allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub capability: &'static str,
    pub resource: String,
    pub reason: Reason,
    /// The change of the policy that would allow it; where none can, why not.
    pub rule: String,
    /// For people: `GET https://x.example/ is not granted; add "https://x.example" to network.public`.
    pub message: String,
}

impl Denials {
    /// How often something was denied, repetitions included.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// At most [`DENIALS_MAX`], in the order in which they came.
    pub fn first(&self) -> Vec<Denial> {
        self.0
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Recorder for Kept {
    fn record(&self, decided: &Decided<'_>) {
        let Decision::Deny {
            reason, message, ..
        } = decided.decision
        else {
            return;
        };
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.len() < DENIALS_MAX && first.iter().all(|denial| denial.message != *message) {
            first.push(Denial {
                capability: decided.capability,
                resource: decided.resource.to_string(),
                reason: *reason,
                rule: decided.decision.rule().into_owned(),
                message: message.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deny(decisions: &Decisions, message: &str) {
        let decision = Decision::Deny {
            reason: Reason::NotGranted,
            message: message.to_owned(),
            grants: Vec::new(),
        };
        record(
            Some(decisions),
            &Decided {
                capability: "http",
                resource: &message,
                decision: &decision,
            },
        );
    }

    #[test]
    fn a_guest_that_tries_for_ever_leaves_a_few_denials_and_a_count() {
        let (one, denials) = Decisions::denials();
        let (other, all) = Decisions::denials();
        let decisions = one.and(other);
        for round in 0..3 {
            for target in 0..20 {
                deny(&decisions, &format!("{target} is not granted"));
            }
            assert_eq!(denials.count(), (round + 1) * 20);
        }
        let first = denials.first();
        assert_eq!(first.len(), DENIALS_MAX);
        assert_eq!(first[1].message, "1 is not granted");
        assert_eq!(all.first(), first);
    }
}
