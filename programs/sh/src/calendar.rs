//! Dates for `printf '%(…)T'`: UTC, as there are no time zones in a sandbox.

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The seconds since 1970 in a format of `strftime`.
pub fn format(format: &str, time: i64) -> String {
    let format = if format.is_empty() { "%X" } else { format };
    let days = time.div_euclid(86_400);
    let second = time.rem_euclid(86_400);
    let (year, month, day) = date(days);
    let weekday = (days + 4).rem_euclid(7);
    let yearday = days - days_before(year) + 1;
    let (hour, minute, seconds) = (second / 3600, second / 60 % 60, second % 60);
    let name = |names: &[&'static str], index: i64| {
        let index = usize::try_from(index).unwrap_or(0);
        names.get(index).copied().unwrap_or_default()
    };
    let mut result = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        let text = match characters.next() {
            Some('Y') => year.to_string(),
            Some('y') => format!("{:02}", year.rem_euclid(100)),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{day:02}"),
            Some('e') => format!("{day:2}"),
            Some('H') => format!("{hour:02}"),
            Some('I') => format!("{twelve:02}"),
            Some('M') => format!("{minute:02}"),
            Some('S') => format!("{seconds:02}"),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('j') => format!("{yearday:03}"),
            Some('u') => (if weekday == 0 { 7 } else { weekday }).to_string(),
            Some('w') => weekday.to_string(),
            Some('A') => name(&DAYS, weekday).to_owned(),
            Some('a') => name(&DAYS, weekday).chars().take(3).collect(),
            Some('B') => name(&MONTHS, month - 1).to_owned(),
            Some('b' | 'h') => name(&MONTHS, month - 1).chars().take(3).collect(),
            Some('s') => time.to_string(),
            Some('F') => self::format("%Y-%m-%d", time),
            Some('T' | 'X') => self::format("%H:%M:%S", time),
            Some('R') => self::format("%H:%M", time),
            Some('D' | 'x') => self::format("%m/%d/%y", time),
            Some('c') => self::format("%a %b %e %H:%M:%S %Y", time),
            Some('z') => "+0000".to_owned(),
            Some('Z') => "UTC".to_owned(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
        result.push_str(&text);
    }
    result
}

/// Of a day since 1970: year, month, day. Years are counted from March, so that a leap day is the last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970 to the begin of the year.
fn days_before(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}
