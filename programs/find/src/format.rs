//! What `-printf` and `-ls` write, and the moments that `-newermt` reads.

use crate::walk::Entry;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// The letter of a file's kind, as in `-type`.
pub fn letter(metadata: &Metadata) -> char {
    match () {
        () if metadata.is_symlink() => 'l',
        () if metadata.is_dir() => 'd',
        () if !metadata.is_file() => 'c',
        () => 'f',
    }
}

/// WASI has no modes; these are what a file can be used for.
pub fn mode(metadata: &Metadata) -> (u32, &'static str) {
    match letter(metadata) {
        'l' => (0o777, "lrwxrwxrwx"),
        'd' => (0o755, "drwxr-xr-x"),
        'c' => (0o666, "crw-rw-rw-"),
        _ => (0o644, "-rw-r--r--"),
    }
}

pub fn list(entry: &Entry) -> String {
    let when = modified(entry).format("%b %e %H:%M");
    let blocks = entry.metadata.len().div_ceil(1024);
    let (_, mode) = mode(&entry.metadata);
    let target = match std::fs::read_link(&entry.path) {
        Ok(target) if entry.metadata.is_symlink() => format!(" -> {}", target.display()),
        _ => String::new(),
    };
    let (size, path) = (entry.metadata.len(), &entry.path);
    format!(
        "{:>9} {blocks:>6} {mode}   1 user     user     {size:>8} {when} {path}{target}\n",
        0
    )
}

pub fn printf(text: &str, entry: &Entry) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => escape(&mut rest, &mut out),
            '%' => directive(&mut rest, entry, &mut out),
            _ => out.push(character),
        }
    }
    out
}

fn escape(rest: &mut std::str::Chars<'_>, out: &mut String) {
    match rest.next() {
        Some('n') => out.push('\n'),
        Some('t') => out.push('\t'),
        Some('r') => out.push('\r'),
        Some('0') => out.push('\0'),
        Some('a') => out.push('\x07'),
        Some('\\') | None => out.push('\\'),
        Some(other) => out.extend(['\\', other]),
    }
}

fn directive(rest: &mut std::str::Chars<'_>, entry: &Entry, out: &mut String) {
    let mut width = String::new();
    let mut letter = rest.next();
    while let Some(digit @ ('0'..='9' | '-' | '.')) = letter {
        width.push(digit);
        letter = rest.next();
    }
    let Some(letter) = letter else {
        out.push('%');
        return;
    };
    let value = match letter {
        '%' => "%".to_owned(),
        'p' => entry.path.clone(),
        'f' => entry.name().to_owned(),
        'h' => folder(entry),
        'P' => beneath(entry),
        'H' => entry.root.clone(),
        'd' => entry.depth.to_string(),
        's' => entry.metadata.len().to_string(),
        'k' => entry.metadata.len().div_ceil(1024).to_string(),
        'b' => entry.metadata.len().div_ceil(512).to_string(),
        'y' | 'Y' => self::letter(&entry.metadata).to_string(),
        'm' => format!("{:o}", mode(&entry.metadata).0),
        'M' => mode(&entry.metadata).1.to_owned(),
        'u' | 'g' => "user".to_owned(),
        'U' | 'G' => "1000".to_owned(),
        'n' => "1".to_owned(),
        'i' | 'D' => "0".to_owned(),
        'l' => std::fs::read_link(&entry.path)
            .map(|target| target.display().to_string())
            .unwrap_or_default(),
        't' | 'a' | 'c' => modified(entry)
            .format("%a %b %e %H:%M:%S.%f0 %Y")
            .to_string(),
        'T' | 'A' | 'C' => time(rest.next(), entry),
        other => format!("%{other}"),
    };
    pad(&width, &value, out);
}

fn time(letter: Option<char>, entry: &Entry) -> String {
    let when = modified(entry);
    match letter {
        Some('@') => format!("{}.{:09}0", when.timestamp(), when.timestamp_subsec_nanos()),
        Some('+') => when.format("%Y-%m-%d+%H:%M:%S.%f0").to_string(),
        Some('S') => when.format("%S.%f0").to_string(),
        Some('T') => when.format("%H:%M:%S.%f0").to_string(),
        Some(letter) if "aAbBcdDeFhHIjklmMnprRtuUVwWxXyYZ".contains(letter) => {
            when.format(&format!("%{letter}")).to_string()
        }
        Some(letter) => letter.to_string(),
        None => String::new(),
    }
}

fn pad(width: &str, value: &str, out: &mut String) {
    let left = width.starts_with('-');
    let width: usize = width
        .trim_start_matches('-')
        .parse()
        .unwrap_or(0)
        .min(4_096);
    match left {
        true => out.push_str(&format!("{value:<width$}")),
        false => out.push_str(&format!("{value:>width$}")),
    }
}

fn folder(entry: &Entry) -> String {
    match entry.path.rsplit_once('/') {
        Some(("", _)) => String::new(),
        Some((folder, _)) => folder.to_owned(),
        None => ".".to_owned(),
    }
}

fn beneath(entry: &Entry) -> String {
    let path = entry.path.strip_prefix(&entry.root).unwrap_or(&entry.path);
    path.trim_start_matches('/').to_owned()
}

fn modified(entry: &Entry) -> DateTime<Utc> {
    entry
        .metadata
        .modified()
        .unwrap_or(SystemTime::UNIX_EPOCH)
        .into()
}

/// In UTC: a sandbox has no time zone.
pub fn moment(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds
            .parse()
            .ok()
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    }
    if let Some(before) = ago(text) {
        return SystemTime::now().checked_sub(before);
    }
    let text = text.trim_end_matches('Z').replace('T', " ");
    let full = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let with_time = full
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let date = || {
        NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    with_time.or_else(date).map(|when| when.and_utc().into())
}

/// `2 hours ago`, `-1 day`, `yesterday`, `now`.
fn ago(text: &str) -> Option<Duration> {
    match text {
        "now" => return Some(Duration::ZERO),
        "yesterday" => return Some(Duration::from_secs(86_400)),
        _ => {}
    }
    let bare = text
        .strip_suffix("ago")
        .or_else(|| text.strip_prefix('-'))?
        .trim();
    let (number, unit) = bare.split_once(' ')?;
    let seconds = match unit.trim().trim_end_matches('s') {
        "second" | "sec" => 1,
        "minute" | "min" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(seconds)
        .map(Duration::from_secs)
}
