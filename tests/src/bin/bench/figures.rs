//! Times, their percentiles, and two of them side by side.

use std::fmt;
use std::time::Duration;

/// Sorted times.
pub struct Figures(Vec<Duration>);

impl Figures {
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        assert!(!times.is_empty(), "nothing was measured");
        Self(times)
    }

    /// `share` from 0.0 to 1.0.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.0.len() - 1;
        self.0[(last as f64 * share).round() as usize]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.percentile(share).as_secs_f64() * 1e3;
        write!(
            formatter,
            "p50 {:.3} ms, p95 {:.3} ms, p99 {:.3} ms",
            ms(0.5),
            ms(0.95),
            ms(0.99)
        )
    }
}

/// Prints a figure, its floor or peer, and the ratio of their medians.
pub fn compare(what: &str, figures: &Figures, peer: &str, peer_figures: &Figures) {
    let ratio = figures.percentile(0.5).as_secs_f64() / peer_figures.percentile(0.5).as_secs_f64();
    println!(
        "{what}: {figures}\n    beside {peer}: {peer_figures}\n    ratio of the medians: {ratio:.2}"
    );
}
