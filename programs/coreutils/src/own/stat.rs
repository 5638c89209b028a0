//! `stat`. What a sandbox does not know of a file, it does not show: modes are those of what can be done with it.

use super::Call;
use super::file::{self, USER, USER_ID};
use chrono::{DateTime, Utc};
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::SystemTime;
use swarm_flow_posix::reason;

pub fn main(call: &Call) -> i32 {
    let mut format: Option<(String, bool)> = None;
    let mut follow = false;
    let mut files = Vec::new();
    let mut rest = call.arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-L" | "--dereference" => follow = true,
            "-c" | "--format" => format = rest.next().map(|text| (text.clone(), false)),
            "--printf" => format = rest.next().map(|text| (text.clone(), true)),
            "-t" | "--terse" => {
                format = Some((
                    "%n %s %b %f %u %g 0 %i %h 0 0 %X %Y %Z 0 4096".to_owned(),
                    false,
                ))
            }
            long if long.starts_with("--format=") => {
                format = Some((long.replacen("--format=", "", 1), false))
            }
            long if long.starts_with("--printf=") => {
                format = Some((long.replacen("--printf=", "", 1), true))
            }
            short if short.starts_with("-c") => format = Some((short.replacen("-c", "", 1), false)),
            option if option.len() > 1 && option.starts_with('-') => {
                call.complain(&format!(
                    "invalid option '{option}'; -f is not supported: a sandbox sees no file system"
                ));
                return 1;
            }
            file => files.push(file),
        }
    }
    if files.is_empty() {
        call.complain("missing operand");
        return 1;
    }
    let mut code = 0;
    for file in files {
        let found = match follow {
            true => fs::metadata(file),
            false => fs::symlink_metadata(file),
        };
        match (found, &format) {
            (Ok(found), Some((format, escapes))) => {
                print!("{}", formatted(format, *escapes, file, &found));
                if !escapes {
                    println!();
                }
            }
            (Ok(found), None) => println!("{}", formatted(PLAIN, true, file, &found)),
            (Err(error), _) => {
                call.complain(&format!("cannot statx '{file}': {}", reason(&error)));
                code = 1;
            }
        }
    }
    code
}

const PLAIN: &str = "  File: %N\\n  Size: %s\\tBlocks: %b\\tIO Block: 4096\\t%F\\nAccess: (%04a/%A)  Uid: (%u/%U)  Gid: (%g/%G)\\nAccess: %x\\nModify: %y\\nChange: %z\\n Birth: -";

fn formatted(format: &str, escapes: bool, file: &str, found: &Metadata) -> String {
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' if escapes => match rest.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            '%' => directive(&mut rest, file, found, &mut out),
            _ => out.push(character),
        }
    }
    out
}

fn directive(rest: &mut std::str::Chars<'_>, file: &str, found: &Metadata, out: &mut String) {
    let mut flags = String::new();
    let mut letter = rest.next();
    while let Some(flag @ ('0'..='9' | '-')) = letter {
        flags.push(flag);
        letter = rest.next();
    }
    let Some(letter) = letter else {
        out.push('%');
        return;
    };
    let file::Kind {
        mode,
        permissions,
        name: kind,
    } = file::kind(found);
    let numbers = || file::numbers(Path::new(file), !found.is_symlink());
    let value = match letter {
        '%' => "%".to_owned(),
        'n' => file.to_owned(),
        'N' => match fs::read_link(file) {
            Ok(target) if found.is_symlink() => format!("'{file}' -> '{}'", target.display()),
            _ => format!("'{file}'"),
        },
        's' => found.len().to_string(),
        'b' => (file::allocated(found) * 2).to_string(),
        'B' => "512".to_owned(),
        'o' => "4096".to_owned(),
        'a' => format!("{:o}", mode & 0o7777),
        'f' => format!("{mode:x}"),
        'A' => permissions.to_owned(),
        'F' if kind == "regular file" && found.len() == 0 => "regular empty file".to_owned(),
        'F' => kind.to_owned(),
        'u' | 'g' => USER_ID.to_owned(),
        'U' | 'G' => USER.to_owned(),
        'h' => numbers().1.to_string(),
        'i' => numbers().0.to_string(),
        'd' | 't' | 'T' | 'W' => "0".to_owned(),
        'w' => "-".to_owned(),
        'x' => moment(found.accessed()),
        'y' | 'z' => moment(found.modified()),
        'X' => seconds(found.accessed()),
        'Y' | 'Z' => seconds(found.modified()),
        other => format!("%{other}"),
    };
    let zero = flags.starts_with('0');
    let width: usize = flags
        .trim_start_matches('-')
        .parse()
        .unwrap_or(0)
        .min(4_096);
    match () {
        () if flags.starts_with('-') => out.push_str(&format!("{value:<width$}")),
        () if zero => out.push_str(&format!("{value:0>width$}")),
        () => out.push_str(&format!("{value:>width$}")),
    }
}

/// In UTC: a sandbox has no time zone.
fn moment(time: std::io::Result<SystemTime>) -> String {
    let time: DateTime<Utc> = time.unwrap_or(SystemTime::UNIX_EPOCH).into();
    time.format("%Y-%m-%d %H:%M:%S.%f +0000").to_string()
}

fn seconds(time: std::io::Result<SystemTime>) -> String {
    let since = time
        .ok()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs()).to_string()
}
