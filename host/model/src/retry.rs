//! When a call is made again, and after how long.

use http::HeaderMap;
use http::header::RETRY_AFTER;
use std::time::{Duration, SystemTime};

/// How often a call is made again.
pub(crate) const RETRIES: u32 = 4;
/// Who is asked to wait for longer is told so instead.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);
const BACK_OFF_MAX: Duration = Duration::from_secs(8);
/// What the header may say at most.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Twice as long each time, and at random between half of it and all: those who failed together do not come together again.
pub(crate) fn back_off(first: Duration, tries: u32) -> Duration {
    let most = first
        .saturating_mul(1 << tries.min(16))
        .min(BACK_OFF_MAX.max(first));
    let mut random = [0; 2];
    // Without randomness it is the most.
    let share = getrandom::fill(&mut random).map_or(u16::MAX, |()| u16::from_le_bytes(random));
    most.mul_f64(0.5 + 0.5 * f64::from(share) / f64::from(u16::MAX))
}

/// Seconds or a date; also the milliseconds that OpenAI and others say.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let ms = text("retry-after-ms").and_then(|ms| ms.parse().ok());
    let after = ms.map(Duration::from_millis).or_else(|| {
        let said = text(RETRY_AFTER.as_str())?;
        let seconds = said.parse::<f64>().ok();
        let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        seconds
            .map(|seconds| Duration::from_secs_f64(seconds.min(RETRY_AFTER_MAX.as_secs_f64())))
            .or_else(|| {
                let date = httpdate::parse_http_date(said).ok()?;
                Some(date.duration_since(now).unwrap_or_default())
            })
    });
    after.map(|after| after.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_to_come_again_in_three_ways() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (name, value, ms) in [
            ("retry-after", "3", Some(3_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:42 GMT", Some(5_000)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("retry-after", "99999999999999999999", Some(86_400_000)),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "soon", None),
            ("retry-after-ms", "20", Some(20)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let expected = ms.map(Duration::from_millis);
            assert_eq!(retry_after(&headers, now), expected, "{name}: {value}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let first = Duration::from_millis(500);
        for tries in 0..40 {
            let most = first.saturating_mul(1 << tries.min(16)).min(BACK_OFF_MAX);
            let pause = back_off(first, tries);
            assert!(pause <= most && pause >= most / 2, "{tries}: {pause:?}");
        }
    }
}
