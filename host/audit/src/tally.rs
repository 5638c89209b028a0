//! How many decisions become how many records: a guest may bring about a million a second, of any names it likes.
//!
//! | decision | recorded |
//! |---|---|
//! | the first of its kind: capability, resource, decision and rule | at once |
//! | its repetitions | counted; one record a second at most, and one at the end |
//! | beyond the budget of the sandbox | counted under the resource `*`; one record a second at most, and one at the end |
//!
//! The counts of all records together are the decisions that were taken.

use crate::record::Decided;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records that a sandbox may bring about at once, and kinds of decision that are told apart at a time.
const BURST: u32 = 1_000;
/// How fast they may follow.
const REFILL: Duration = Duration::from_millis(50);
/// Between two records that are alike.
const PAUSE: Duration = Duration::from_secs(1);
/// Stands for resources and rules that are not told apart.
const ANY: &str = "*";

/// The decisions about one sandbox.
#[derive(Default)]
pub(crate) struct Tally {
    kept: HashMap<String, Kept>,
    /// Beyond the budget: allowed and denied, a capability each.
    beyond: Vec<Kept>,
    budget: Option<Budget>,
    denied: u64,
    key: String,
}

struct Kept {
    decided: Arc<Decided>,
    /// Counted, and not recorded yet.
    waiting: u64,
    recorded_at: Instant,
}

/// What is to be recorded.
pub(crate) type Counted = (Arc<Decided>, u64);

impl Tally {
    /// Counts a decision. `room` says whether a record could be taken just now.
    pub(crate) fn note(&mut self, now: Instant, room: bool, decided: Decided) -> Option<Counted> {
        self.denied += u64::from(!decided.allowed);
        let mut key = std::mem::take(&mut self.key);
        key_of(&mut key, &decided);
        let counted = self.note_as(&key, now, room, decided);
        self.key = key;
        counted
    }

    pub(crate) fn denied(&self) -> u64 {
        self.denied
    }

    /// What was counted and not recorded.
    pub(crate) fn rest(&mut self) -> Vec<Counted> {
        let rest = self.kept.values_mut().chain(&mut self.beyond);
        rest.filter_map(Kept::take).collect()
    }

    fn note_as(
        &mut self,
        key: &str,
        now: Instant,
        room: bool,
        decided: Decided,
    ) -> Option<Counted> {
        let budget = self.budget.get_or_insert_with(|| Budget::full(now));
        if let Some(kept) = self.kept.get_mut(key) {
            kept.waiting += 1;
            let due = room && kept.is_due(now) && budget.spend(now);
            return due.then(|| kept.record(now)).flatten();
        }
        if !room || !budget.spend(now) {
            return self.note_beyond(now, room, &decided);
        }
        if self.kept.len() >= BURST as usize {
            self.kept
                .retain(|_, kept| kept.waiting > 0 || !kept.is_due(now));
            if self.kept.len() >= BURST as usize {
                return self.note_beyond(now, room, &decided);
            }
        }
        let mut kept = Kept::new(Arc::new(decided), now);
        let counted = kept.record(now);
        self.kept.insert(key.to_owned(), kept);
        counted
    }

    fn note_beyond(&mut self, now: Instant, room: bool, decided: &Decided) -> Option<Counted> {
        let alike = |kept: &&mut Kept| {
            let other = &kept.decided;
            (other.capability, other.allowed) == (decided.capability, decided.allowed)
        };
        let Some(kept) = self.beyond.iter_mut().find(alike) else {
            let any = Arc::new(Decided {
                capability: decided.capability,
                resource: ANY.to_owned(),
                allowed: decided.allowed,
                reason: None,
                rule: ANY.to_owned(),
            });
            self.beyond.push(Kept::new(any, now));
            return None;
        };
        kept.waiting += 1;
        (room && kept.is_due(now))
            .then(|| kept.record(now))
            .flatten()
    }
}

/// Neither part has a line break: what is not printable is escaped.
fn key_of(key: &mut String, decided: &Decided) {
    key.clear();
    let decision = if decided.allowed { "+" } else { "-" };
    for part in [
        decision,
        decided.capability,
        "\n",
        &decided.rule,
        "\n",
        &decided.resource,
    ] {
        key.push_str(part);
    }
}

impl Kept {
    /// With one that waits.
    fn new(decided: Arc<Decided>, now: Instant) -> Self {
        Self {
            decided,
            waiting: 1,
            recorded_at: now,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.recorded_at) >= PAUSE
    }

    fn record(&mut self, now: Instant) -> Option<Counted> {
        self.recorded_at = now;
        self.take()
    }

    fn take(&mut self) -> Option<Counted> {
        let count = std::mem::take(&mut self.waiting);
        (count > 0).then(|| (self.decided.clone(), count))
    }
}

struct Budget {
    left: u32,
    refilled_at: Instant,
}

impl Budget {
    fn full(now: Instant) -> Self {
        Self {
            left: BURST,
            refilled_at: now,
        }
    }

    fn spend(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.refilled_at).as_nanos() / REFILL.as_nanos();
        if passed > 0 {
            let passed = u32::try_from(passed).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(passed).min(BURST);
            // What is left of the last pause counts for the next, unless nothing can be added anyway.
            self.refilled_at = match self.refilled_at.checked_add(REFILL.saturating_mul(passed)) {
                Some(then) if then <= now => then,
                _ => now,
            };
        }
        let spent = self.left > 0;
        self.left -= u32::from(spent);
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(resource: impl ToString, allowed: bool) -> Decided {
        Decided {
            capability: "udp",
            resource: resource.to_string(),
            allowed,
            reason: None,
            rule: "rule".to_owned(),
        }
    }

    fn total(records: &[Counted]) -> u64 {
        records.iter().map(|(_, count)| count).sum()
    }

    #[test]
    fn repetitions_are_one_record_a_second_and_one_at_the_end() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        let mut records = Vec::new();
        for index in 0..100_000 {
            // Two and a half seconds.
            let now = start + Duration::from_micros(index * 25);
            records.extend(tally.note(now, true, decided("udp://10.0.0.1:53", true)));
        }
        assert_eq!(records.len(), 3);
        assert_eq!(records[0].1, 1);
        records.extend(tally.rest());
        assert_eq!((records.len(), total(&records)), (4, 100_000));
        assert!(tally.rest().is_empty());
    }

    #[test]
    fn a_flood_of_names_stays_in_the_budget_and_every_decision_is_counted() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        let mut records = Vec::new();
        for index in 0..100_000_u64 {
            // Ten seconds.
            let now = start + Duration::from_micros(index * 100);
            records.extend(tally.note(now, true, decided(index, index % 4 == 0)));
        }
        records.extend(tally.rest());
        assert_eq!(total(&records), 100_000);
        let denied = records.iter().filter(|(decided, _)| !decided.allowed);
        let denied: u64 = denied.map(|(_, count)| count).sum();
        assert_eq!((denied, tally.denied()), (75_000, 75_000));
        // The burst, twenty a second, and the two sums once a second.
        let most = BURST as usize + 10 * 20 + 2 * 11;
        assert!((BURST as usize..=most).contains(&records.len()));
        assert!(tally.kept.len() <= BURST as usize);
        assert_eq!(records[0].0.resource, "0");
        assert!(records.iter().any(|(decided, _)| decided.resource == "*"));
    }

    #[test]
    fn the_same_name_allowed_and_denied_are_two_kinds() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        assert!(tally.note(now, true, decided("a", true)).is_some());
        assert!(tally.note(now, true, decided("a", false)).is_some());
        assert!(tally.note(now, true, decided("a", false)).is_none());
    }

    #[test]
    fn without_room_decisions_are_counted_until_there_is_some() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        for name in ["a", "b"] {
            assert!(tally.note(now, false, decided(name, false)).is_none());
        }
        let later = now + PAUSE;
        let first = tally.note(later, true, decided("c", false)).unwrap();
        assert_eq!((first.0.resource.as_str(), first.1), ("c", 1));
        assert_eq!(total(&tally.rest()), 2);
    }

    #[test]
    fn the_budget_comes_back_slowly() {
        let start = Instant::now();
        let mut budget = Budget::full(start);
        let spent = |budget: &mut Budget, now| (0..2_000).filter(|_| budget.spend(now)).count();
        assert_eq!(spent(&mut budget, start), 1_000);
        assert_eq!(spent(&mut budget, start + REFILL * 3 / 2), 1);
        assert_eq!(spent(&mut budget, start + REFILL * 2), 1);
        assert_eq!(spent(&mut budget, start + REFILL * 40_000), 1_000);
    }
}
