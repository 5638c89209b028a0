//! Time as a journal tells it.

use super::entry::now_ms;
use super::{Inner, Journal};
use std::collections::VecDeque;
use std::time::Duration;
use swarm_flow_sandbox::Clock;

impl Clock for Journal {
    fn wall(&self) -> Duration {
        let mut inner = self.inner();
        if let Some((ms, times)) = inner.told_before.front_mut() {
            let ms = *ms;
            *times -= 1;
            if *times == 0 {
                inner.told_before.pop_front();
            }
            inner.last_ms = ms;
            return Duration::from_millis(ms);
        }
        // In a replay there is no other time than what was told.
        let ms = if self.writer.is_some() {
            now_ms().max(inner.last_ms)
        } else {
            inner.last_ms
        };
        inner.last_ms = ms;
        match inner.times.back_mut() {
            Some((last, times)) if *last == ms => *times += 1,
            _ => inner.times.push_back((ms, 1)),
        }
        Duration::from_millis(ms)
    }

    fn monotonic(&self) -> Duration {
        let started = Duration::from_millis(self.header.started_at_ms);
        self.wall().saturating_sub(started)
    }
}

impl Inner {
    pub(super) fn times_before_next(&mut self) -> VecDeque<(u64, u64)> {
        match (self.recorded.front_mut(), &mut self.ending) {
            (Some(step), _) => std::mem::take(&mut step.times),
            (None, Some(ending)) => {
                // They belong to the end again: what has ended may be asked for once more, and is to say the same.
                self.times.clone_from(&ending.times);
                std::mem::take(&mut ending.times)
            }
            (None, None) => VecDeque::new(),
        }
    }
}
