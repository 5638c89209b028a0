//! The order in which shares compute: who had least goes first. Pure.
//!
//! Each share has an account of what it computed. A share that was away does not come back with all that it did not use:
//! its account is at most [`CREDIT_NS`] behind the others', who so never wait longer than that for one that was idle.
//! It is quick for the first half of it, and then among the slow ones, yet before them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// What a share that was away may compute before it is one among those that compute all the time, and what of that on
/// the quick threads.
const CREDIT_NS: u64 = 20_000_000;
const QUICK_NS: u64 = CREDIT_NS / 2;
/// Accounts that are kept without asking which of them still say something.
const ACCOUNTS_KEPT: usize = 64;

/// Which threads something is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Quick,
    Slow,
}

pub(super) struct Order<T> {
    accounts: HashMap<Arc<str>, Account<T>>,
    /// The shares that wait, by what they computed.
    waiting: BTreeSet<(u64, Arc<str>)>,
    /// Where those are who compute all the time. It never goes back.
    now_ns: u64,
    running: usize,
    ask_at: usize,
}

struct Account<T> {
    spent_ns: u64,
    waiting: VecDeque<T>,
    running: usize,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self {
            accounts: HashMap::new(),
            waiting: BTreeSet::new(),
            now_ns: CREDIT_NS,
            running: 0,
            ask_at: ACCOUNTS_KEPT,
        }
    }
}

impl<T> Order<T> {
    /// Lets something wait on behalf of a share.
    pub(super) fn put(&mut self, share: &Arc<str>, item: T) {
        self.forget();
        let least_ns = self.now_ns - CREDIT_NS;
        let account = self
            .accounts
            .entry(share.clone())
            .or_insert_with(|| Account {
                spent_ns: least_ns,
                waiting: VecDeque::new(),
                running: 0,
            });
        if account.waiting.is_empty() {
            if account.running == 0 {
                account.spent_ns = account.spent_ns.max(least_ns);
            }
            self.waiting.insert((account.spent_ns, share.clone()));
        }
        account.waiting.push_back(item);
    }

    /// The next for a thread, if any waits. A quick thread leaves those alone that compute all the time; a slow one
    /// takes them first. [`Order::spent`] has to follow.
    pub(super) fn take(&mut self, pace: Pace) -> Option<(Arc<str>, T)> {
        let first = self.waiting.first();
        let next = match pace {
            Pace::Quick => first.filter(|(spent_ns, _)| *spent_ns < self.slow_ns()),
            Pace::Slow => self
                .waiting
                .range((self.slow_ns(), Arc::default())..)
                .next()
                .or(first),
        };
        let (spent_ns, share) = next?.clone();
        self.now_ns = self.now_ns.max(spent_ns);
        let account = self.accounts.get_mut(&share)?;
        let item = account.waiting.pop_front()?;
        account.running += 1;
        self.running += 1;
        if account.waiting.is_empty() {
            self.waiting.remove(&(spent_ns, share.clone()));
        }
        Some((share, item))
    }

    /// Notes what a share computed since it was taken, and lets it wait for more if it goes on.
    pub(super) fn spent(&mut self, share: &Arc<str>, spent_ns: u64, again: Option<T>) {
        self.running = self.running.saturating_sub(1);
        if let Some(account) = self.accounts.get_mut(share) {
            account.running = account.running.saturating_sub(1);
        }
        self.count(share, spent_ns, again);
    }

    /// The same of a part, by who goes on computing.
    pub(super) fn count(&mut self, share: &Arc<str>, spent_ns: u64, again: Option<T>) {
        let Some(account) = self.accounts.get_mut(share) else {
            return;
        };
        let before_ns = account.spent_ns;
        account.spent_ns = before_ns.saturating_add(spent_ns);
        if !account.waiting.is_empty() {
            self.waiting.remove(&(before_ns, share.clone()));
        }
        account.waiting.extend(again);
        if !account.waiting.is_empty() {
            self.waiting.insert((account.spent_ns, share.clone()));
        }
    }

    /// Whether something waits that is for these threads.
    pub(super) fn has(&self, pace: Pace) -> bool {
        match pace {
            Pace::Quick => self.waiting.first(),
            Pace::Slow => self.waiting.last(),
        }
        .is_some_and(|(spent_ns, _)| (*spent_ns < self.slow_ns()) == (pace == Pace::Quick))
    }

    /// From here on a share is slow. Those that compute all the time are apart by some slices, and all of them beyond.
    fn slow_ns(&self) -> u64 {
        self.now_ns - CREDIT_NS + QUICK_NS
    }

    /// Drops the accounts that say nothing: of who is as far back as one can be. Where nobody computes nobody is
    /// ahead of another.
    fn forget(&mut self) {
        if self.running == 0 && self.waiting.is_empty() {
            self.accounts.clear();
        } else if self.accounts.len() >= self.ask_at {
            let least_ns = self.now_ns - CREDIT_NS;
            self.accounts.retain(|_, account| {
                account.running > 0 || !account.waiting.is_empty() || account.spent_ns > least_ns
            });
            self.ask_at = ACCOUNTS_KEPT.max(self.accounts.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE_NS: u64 = 2_000_000;

    fn share(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    /// Takes, computes for a slice, puts back; gives back who it was.
    fn slice(order: &mut Order<&'static str>, pace: Pace) -> Option<&'static str> {
        let (share, item) = order.take(pace)?;
        order.spent(&share, SLICE_NS, Some(item));
        Some(item)
    }

    /// The same on whichever thread takes it.
    fn any_slice(order: &mut Order<&'static str>) -> Option<&'static str> {
        slice(order, Pace::Quick).or_else(|| slice(order, Pace::Slow))
    }

    #[test]
    fn a_share_with_many_gets_as_much_as_one_with_few() {
        let mut order = Order::default();
        order.put(&share("few"), "few");
        for _ in 0..100 {
            order.put(&share("many"), "many");
        }
        let mut few = 0;
        for _ in 0..1_000 {
            few += usize::from(any_slice(&mut order) == Some("few"));
        }
        assert!((490..=510).contains(&few), "{few}");
    }

    #[test]
    fn who_computes_all_the_time_leaves_the_quick_threads() {
        let mut order = Order::default();
        order.put(&share("long"), "long");
        let mut slices = 0;
        while slice(&mut order, Pace::Quick).is_some() {
            slices += 1;
        }
        assert_eq!(slices, QUICK_NS / SLICE_NS);
        assert!(order.has(Pace::Slow) && !order.has(Pace::Quick));
        order.put(&share("short"), "short");
        assert!(order.has(Pace::Slow) && order.has(Pace::Quick));
        assert_eq!(slice(&mut order, Pace::Slow), Some("long"));
        assert_eq!(slice(&mut order, Pace::Quick), Some("short"));
    }

    #[test]
    fn who_does_not_give_way_is_slow_with_all_it_has() {
        let mut order = Order::default();
        let long = share("long");
        order.put(&long, "long");
        order.put(&long, "another");
        order.take(Pace::Quick).unwrap();
        assert!(order.has(Pace::Quick));
        order.count(&long, QUICK_NS, None);
        assert!(!order.has(Pace::Quick) && order.has(Pace::Slow));
        order.spent(&long, SLICE_NS, None);
        assert_eq!(order.accounts[&long].spent_ns, QUICK_NS + SLICE_NS);
    }

    #[test]
    fn who_was_away_is_not_ahead_by_more_than_the_credit() {
        let mut order = Order::default();
        order.put(&share("early"), "early");
        order.put(&share("long"), "long");
        let (early, item) = order.take(Pace::Slow).unwrap();
        order.spent(&early, 0, None);
        for _ in 0..1_000 {
            assert_eq!(slice(&mut order, Pace::Slow), Some("long"));
        }
        order.put(&early, item);
        let mut slices = 0;
        while any_slice(&mut order) == Some("early") {
            slices += 1;
        }
        assert!((1..=CREDIT_NS / SLICE_NS + 2).contains(&slices), "{slices}");
    }

    #[test]
    fn who_comes_and_goes_is_not_taken_for_a_newcomer_each_time() {
        let mut order = Order::default();
        order.put(&share("long"), "long");
        let coming = share("coming");
        let mut had = 0;
        order.put(&coming, "coming");
        for _ in 0..1_000 {
            let taken = order.take(Pace::Quick);
            let (share, item) = taken.or_else(|| order.take(Pace::Slow)).unwrap();
            let again = (item == "long").then_some(item);
            order.spent(&share, SLICE_NS, again);
            if again.is_none() {
                had += 1;
                order.put(&coming, "coming");
            }
        }
        assert!((490..=520).contains(&had), "{had}");
    }

    #[test]
    fn accounts_do_not_pile_up() {
        let mut order = Order::default();
        order.put(&share("long"), "long");
        for number in 0..10_000 {
            order.put(&share(&number.to_string()), "short");
            let (name, _) = order.take(Pace::Quick).unwrap();
            order.spent(&name, 10_000, None);
            for _ in 0..2 {
                slice(&mut order, Pace::Slow);
            }
        }
        assert!(order.accounts.len() < 200, "{}", order.accounts.len());
        let (long, _) = order.take(Pace::Slow).unwrap();
        order.spent(&long, SLICE_NS, None);
        order.put(&share("last"), "last");
        assert_eq!(order.accounts.len(), 1);
    }
}
