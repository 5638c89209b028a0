//! Times as git reads and prints them.

use crate::commit::{Person, zone};
use gix_date::Time;
use gix_date::time::format;
use std::fmt::Write as _;

/// `GIT_TEST_DATE_NOW` is what git's own tests set.
pub fn now() -> Time {
    let fixed = std::env::var("GIT_TEST_DATE_NOW")
        .ok()
        .and_then(|text| text.parse().ok());
    match fixed {
        Some(seconds) => Time::new(seconds, 0),
        None => Time::now_local_or_utc(),
    }
}

pub fn parse(text: &str) -> Option<Time> {
    let text = text.trim();
    if let Some(raw) = text.strip_prefix('@') {
        let mut parts = raw.split(' ');
        let seconds = parts.next()?.parse().ok()?;
        let offset = parts.next().and_then(offset_seconds).unwrap_or(0);
        return Some(Time::new(seconds, offset));
    }
    if let Some((seconds, zone)) = text.split_once(' ')
        && let (Ok(seconds), Some(offset)) = (seconds.parse(), offset_seconds(zone))
    {
        return Some(Time::new(seconds, offset));
    }
    if let Some(time) = day(text) {
        return Some(time);
    }
    let spaced = text.replacen(
        'T',
        " ",
        usize::from(text.starts_with(|c: char| c.is_ascii_digit())),
    );
    let tried = [
        text.to_owned(),
        spaced.clone(),
        format!("{text} +0000"),
        format!("{spaced} +0000"),
    ];
    tried
        .iter()
        .find_map(|text| gix_date::parse(text, gix_zoned_now()).ok())
        .or_else(|| relative(text))
}

/// A day without a time is that day at this time.
fn day(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let [year, month, day] = parts.as_slice() else {
        return None;
    };
    let plain = year.len() == 4
        && [month, day]
            .iter()
            .all(|part| (1..=2).contains(&part.len()));
    if !plain {
        return None;
    }
    let midnight = gix_date::parse(
        &format!("{year}-{month:0>2}-{day:0>2} 00:00:00 +0000"),
        gix_zoned_now(),
    )
    .ok()?;
    Some(Time::new(
        midnight.seconds + now().seconds.rem_euclid(86_400),
        0,
    ))
}

fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits: i32 = text
        .get(1..)
        .filter(|digits| digits.len() == 4)?
        .parse()
        .ok()?;
    Some(sign * (digits / 100 * 3600 + digits % 100 * 60))
}

fn gix_zoned_now() -> Option<gix_date::Zoned> {
    now().to_zoned().ok()
}

/// `2 weeks ago`, `yesterday`, `2.days.ago`.
fn relative(text: &str) -> Option<Time> {
    let mut now = now();
    let words: Vec<String> = text.split([' ', '.']).map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seconds = match words.as_slice() {
        ["now"] => 0,
        ["yesterday"] => 86_400,
        [number, unit, ..] => {
            let number: i64 = number.parse().ok()?;
            let unit = unit.strip_suffix('s').unwrap_or(unit);
            number
                * match unit {
                    "second" => 1,
                    "minute" => 60,
                    "hour" => 3_600,
                    "day" => 86_400,
                    "week" => 604_800,
                    "month" => 2_592_000,
                    "year" => 31_536_000,
                    _ => return None,
                }
        }
        _ => return None,
    };
    now.seconds -= seconds;
    Some(now)
}

/// As `--date` names it; the default for none.
pub fn show(person: &Person, style: &str) -> String {
    let time = Time::new(person.seconds, person.offset_seconds);
    match style {
        "iso" | "iso8601" => time.format_or_unix(format::ISO8601),
        "iso-strict" | "iso8601-strict" => {
            let text = time.format_or_unix(format::ISO8601_STRICT);
            match text.strip_suffix("+00:00") {
                Some(text) => format!("{text}Z"),
                None => text,
            }
        }
        "rfc" | "rfc2822" => time.format_or_unix(format::GIT_RFC2822),
        "short" => time.format_or_unix(format::SHORT),
        "unix" => person.seconds.to_string(),
        "raw" => format!("{} {}", person.seconds, zone(person.offset_seconds)),
        "relative" | "human" => ago(now().seconds - person.seconds),
        "local" => Time::new(person.seconds, 0)
            .format_or_unix(gix_date::time::CustomFormat::new("%a %b %-d %H:%M:%S %Y")),
        _ => match style.strip_prefix("format:") {
            Some(custom) => custom_format(time, custom),
            None => time.format_or_unix(format::DEFAULT),
        },
    }
}

fn custom_format(time: Time, custom: &str) -> String {
    let mut out = String::new();
    if let Ok(zoned) = time.to_zoned() {
        // What the format does not know ends it.
        let _ = write!(out, "{}", zoned.strftime(custom));
    }
    out
}

/// As git counts: rounded, in the largest unit that fits.
pub fn ago(seconds: i64) -> String {
    let unit = |number: i64, name: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {name}{plural}")
    };
    if seconds < 0 {
        return "in the future".to_owned();
    }
    if seconds < 90 {
        return format!("{} ago", unit(seconds, "second"));
    }
    let minutes = (seconds + 30) / 60;
    if minutes < 90 {
        return format!("{} ago", unit(minutes, "minute"));
    }
    let hours = (minutes + 30) / 60;
    if hours < 36 {
        return format!("{} ago", unit(hours, "hour"));
    }
    let days = (hours + 12) / 24;
    if days < 14 {
        return format!("{} ago", unit(days, "day"));
    }
    if days < 70 {
        return format!("{} ago", unit((days + 3) / 7, "week"));
    }
    if days < 365 {
        return format!("{} ago", unit((days + 15) / 30, "month"));
    }
    if days < 1825 {
        let months = (days * 12 * 2 + 365) / (365 * 2);
        let (years, months) = (months / 12, months % 12);
        return match months {
            0 => format!("{} ago", unit(years, "year")),
            _ => format!("{}, {} ago", unit(years, "year"), unit(months, "month")),
        };
    }
    format!("{} ago", unit((days + 183) / 365, "year"))
}
