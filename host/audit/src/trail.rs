//! What one sandbox leaves in the log.

use crate::log::Log;
use crate::record::{About, Decided, Ended, Record, Started, Subject, TEXT_MAX, What, short};
use crate::tally::Tally;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use swarm_flow_policy::Decision;

/// A sandbox that is recorded from its start to its end. Dropped before [`Trail::end`], it was cancelled.
pub struct Trail {
    trace: Arc<Trace>,
    started_at: Instant,
    has_ended: bool,
}

/// Takes the decisions about a sandbox, from the threads that take them. Cheap to clone.
///
/// It waits for nothing. Decisions that come after the end of the sandbox, from a guest that was not gone yet, are recorded
/// as well.
#[derive(Clone)]
pub struct Recording(Arc<Trace>);

struct Trace {
    log: Log,
    about: Arc<About>,
    tally: Mutex<Tally>,
}

impl Trail {
    /// None where there is no room for another record.
    pub(crate) fn start(log: Log, subject: Subject<'_>, started: &Started<'_>) -> Option<Self> {
        let trace = Trace {
            log,
            about: Arc::new(About::new(subject, started)),
            tally: Mutex::default(),
        };
        let first = Record::new(&trace.about, What::Started);
        trace.log.push_if_room(first).then(|| {
            live(1);
            Self {
                trace: Arc::new(trace),
                started_at: Instant::now(),
                has_ended: false,
            }
        })
    }

    pub fn recording(&self) -> Recording {
        Recording(self.trace.clone())
    }

    /// The decisions that were only counted are recorded first.
    pub fn end(mut self, ended: Ended) {
        self.record_end(ended);
    }

    fn record_end(&mut self, mut ended: Ended) {
        self.has_ended = true;
        live(-1);
        if ended.wall_ms == 0.0 {
            ended.wall_ms = self.started_at.elapsed().as_secs_f64() * 1_000.0;
        }
        let denied = self.trace.record_rest();
        self.trace.push(What::Ended(ended, denied));
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if !self.has_ended {
            self.record_end(Ended::without_usage("cancelled"));
        }
    }
}

impl Recording {
    /// What was asked for (`http`, `tcp`), of what, and what became of it.
    pub fn record(
        &self,
        capability: &'static str,
        resource: &dyn fmt::Display,
        decision: &Decision,
    ) {
        if let (Decision::Deny { .. }, Some(telemetry)) = (decision, swarm_flow_telemetry::on()) {
            telemetry.denied(capability);
        }
        let decided = Decided {
            capability,
            resource: shown(resource),
            allowed: decision.is_allow(),
            reason: match decision {
                Decision::Allow { .. } => None,
                Decision::Deny { reason, .. } => Some(*reason),
            },
            rule: short(&decision.rule(), TEXT_MAX).into_owned(),
        };
        let room = self.0.log.has_room();
        let counted = self.0.tally().note(Instant::now(), room, decided);
        if let Some((decided, count)) = counted {
            self.0.push(What::Decided(decided, count));
        }
    }
}

impl Trace {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, what: What) {
        self.log.push(Record::new(&self.about, what));
    }

    /// Gives back how many were denied.
    fn record_rest(&self) -> u64 {
        let mut tally = self.tally();
        let (rest, denied) = (tally.rest(), tally.denied());
        drop(tally);
        for (decided, count) in rest {
            self.push(What::Decided(decided, count));
        }
        denied
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.record_rest();
    }
}

/// One sandbox more or less that runs.
fn live(difference: i64) {
    if let Some(telemetry) = swarm_flow_telemetry::on() {
        telemetry.sandboxes(difference);
    }
}

/// No more of it is formatted than is kept.
fn shown(resource: &dyn fmt::Display) -> String {
    struct Cut(String);
    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_str(text);
            if self.0.len() > 4 * TEXT_MAX {
                return Err(fmt::Error);
            }
            Ok(())
        }
    }
    let mut cut = Cut(String::with_capacity(64));
    // The error says that there was more.
    let _ = write!(cut, "{resource}");
    short(&cut.0, TEXT_MAX).into_owned()
}
