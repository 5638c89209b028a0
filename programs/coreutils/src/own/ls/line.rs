//! The lines of files, in columns as wide as their widest.

use super::list::Entry;
use super::options::{Mark, Options, Unit};
use crate::own::file::{self, USER, USER_ID};
use chrono::{DateTime, Utc};
use std::time::{Duration, SystemTime};

/// The fields of one file's line.
struct Fields {
    /// A text, and whether it stands at the left of its column.
    columns: Vec<(String, bool)>,
    name: String,
}

/// `beside` are not shown, but as wide.
pub fn lines(options: &Options, entries: &[Entry], beside: &[Entry]) -> Vec<String> {
    let now = SystemTime::now();
    let rows: Vec<Fields> = entries
        .iter()
        .chain(beside)
        .map(|entry| fields(options, entry, now))
        .collect();
    let count = rows.first().map_or(0, |row| row.columns.len());
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.columns.get(column));
            cells
                .map(|(text, _)| text.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |row: &Fields| {
        let mut line = String::new();
        for ((text, left), width) in row.columns.iter().zip(&widths) {
            match left {
                true => line.push_str(&format!("{text:<width$} ")),
                false => line.push_str(&format!("{text:>width$} ")),
            }
        }
        line + &row.name
    };
    rows.iter().take(entries.len()).map(line).collect()
}

/// KiB, or what `-h` makes of it.
pub fn blocks(options: &Options, kibibytes: u64) -> String {
    match options.unit {
        Unit::Plain => kibibytes.to_string(),
        unit => size(unit, kibibytes * 1_024),
    }
}

fn fields(options: &Options, entry: &Entry, now: SystemTime) -> Fields {
    let mut columns = Vec::new();
    let found = entry.found.as_ref();
    let (number, names) = match found {
        Some(found) => file::numbers(&entry.path, !found.is_symlink()),
        None => (0, 0),
    };
    let known = |text: String| match found {
        Some(_) => text,
        None => "?".to_owned(),
    };
    if options.number {
        columns.push((known(number.to_string()), false));
    }
    if options.blocks {
        let allocated = found.map_or(0, file::allocated);
        columns.push((known(blocks(options, allocated)), false));
    }
    if options.long {
        let permissions = found.map_or("-?????????", |found| file::kind(found).permissions);
        columns.push((permissions.to_owned(), true));
        columns.push((known(names.to_string()), false));
        let owner = match options.numeric_owner {
            true => USER_ID,
            false => USER,
        };
        let times = [!options.no_owner, !options.no_group, options.author];
        for _ in times.iter().filter(|shown| **shown) {
            columns.push((known(owner.to_owned()), !options.numeric_owner));
        }
        columns.push((known(size(options.unit, entry.size())), false));
        columns.push((known(moment(options, entry.time(options), now)), false));
    }
    Fields {
        columns,
        name: name(options, entry),
    }
}

fn name(options: &Options, entry: &Entry) -> String {
    let quote = |name: &str| match options.quoted {
        true => format!("{name:?}"),
        false => name.to_owned(),
    };
    let mark = |folder: bool| match options.mark {
        Mark::Folder | Mark::All if folder => "/",
        _ => "",
    };
    let name = quote(&entry.name);
    match &entry.target {
        Some(target) if options.long => {
            let folder = options.mark == Mark::All && entry.leads_to_folder();
            format!("{name} -> {}{}", quote(target), mark(folder))
        }
        Some(_) if options.mark == Mark::All => format!("{name}@"),
        _ => format!("{name}{}", mark(entry.is_folder())),
    }
}

/// As GNU writes sizes for people: rounded up, one decimal below ten.
fn size(unit: Unit, bytes: u64) -> String {
    let (step, letters) = match unit {
        Unit::Plain => return bytes.to_string(),
        Unit::Binary => (1_024, "KMGTPE"),
        Unit::Decimal => (1_000, "kMGTPE"),
    };
    if bytes < step {
        return bytes.to_string();
    }
    let mut divisor = 1;
    for letter in letters.chars() {
        divisor *= step;
        let tenths = (u128::from(bytes) * 10).div_ceil(u128::from(divisor));
        if tenths < 100 {
            return format!("{}.{}{letter}", tenths / 10, tenths % 10);
        }
        let whole = bytes.div_ceil(divisor);
        if whole < step || letter == 'E' {
            return format!("{whole}{letter}");
        }
    }
    bytes.to_string()
}

/// Half a year, as GNU counts it: older files show their year.
const RECENT: Duration = Duration::from_secs(31_556_952 / 2);

fn moment(options: &Options, time: SystemTime, now: SystemTime) -> String {
    let age = now.duration_since(time);
    let recent = age.is_ok_and(|age| age < RECENT);
    let style = options.time_style.as_deref().unwrap_or("locale");
    let format = match style.strip_prefix("posix-").unwrap_or(style) {
        "full-iso" => "%Y-%m-%d %H:%M:%S%.9f +0000",
        "long-iso" => "%Y-%m-%d %H:%M",
        "iso" if recent => "%m-%d %H:%M",
        "iso" => "%Y-%m-%d ",
        own if own.starts_with('+') => own.get(1..).unwrap_or_default(),
        _ if recent => "%b %e %H:%M",
        _ => "%b %e  %Y",
    };
    // A second line of a format is that for recent files.
    let format = match format.split_once('\n') {
        Some((_, second)) if recent => second,
        Some((first, _)) => first,
        None => format,
    };
    let time: DateTime<Utc> = time.into();
    let mut text = String::new();
    match std::fmt::write(&mut text, format_args!("{}", time.format(format))) {
        Ok(()) => text,
        // A format that has no meaning is shown as it is.
        Err(_) => format.to_owned(),
    }
}
