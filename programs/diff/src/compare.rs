//! `cmp`: whether two files have the same bytes.

use std::io::Read;
use swarm_flow_posix::reason;

pub fn main(arguments: &[String]) -> i32 {
    let (mut silent, mut list, mut show) = (false, false, false);
    let mut limit = usize::MAX;
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-s" | "--quiet" | "--silent" => silent = true,
            "-l" | "--verbose" => list = true,
            "-b" | "--print-bytes" => show = true,
            "-n" => {
                limit = rest
                    .next()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(limit)
            }
            option if option.len() > 1 && option.starts_with('-') => {
                eprintln!("cmp: invalid option '{option}'");
                return 2;
            }
            file => files.push(file),
        }
    }
    let [left, right] = match files.as_slice() {
        [left, right] => [*left, *right],
        [left] => [*left, "-"],
        _ => {
            eprintln!("cmp: two files are needed");
            return 2;
        }
    };
    let mut bytes = Vec::new();
    for file in [left, right] {
        match read(file) {
            Ok(mut read) => {
                read.truncate(limit);
                bytes.push(read);
            }
            Err(error) => {
                if !silent {
                    eprintln!("cmp: {file}: {}", reason(&error));
                }
                return 2;
            }
        }
    }
    let [one, other] = bytes.as_slice() else {
        return 2;
    };
    let differences = one
        .iter()
        .zip(other)
        .enumerate()
        .filter(|(_, (one, other))| one != other);
    if list {
        differences
            .clone()
            .for_each(|(at, (one, other))| println!("{} {one:>3o} {other:>3o}", at + 1));
    }
    if let Some((at, (from, to))) = differences.clone().next() {
        if !silent && !list {
            let line = one.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            let what = if show {
                format!(" is {from:>3o} {} {to:>3o} {}", *from as char, *to as char)
            } else {
                String::new()
            };
            let unit = if show || !is_plain_locale() {
                "byte"
            } else {
                "char"
            };
            println!(
                "{left} {right} differ: {unit} {}, line {line}{what}",
                at + 1
            );
        }
        return 1;
    }
    if one.len() == other.len() {
        return 0;
    }
    if !silent {
        let (short, bytes) = if one.len() < other.len() {
            (left, one)
        } else {
            (right, other)
        };
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        match bytes.last() {
            None => eprintln!("cmp: EOF on {short} which is empty"),
            Some(b'\n') => eprintln!(
                "cmp: EOF on {short} after byte {}, line {lines}",
                bytes.len()
            ),
            Some(_) => eprintln!(
                "cmp: EOF on {short} after byte {}, in line {}",
                bytes.len(),
                lines + 1
            ),
        }
    }
    1
}

fn read(path: &str) -> std::io::Result<Vec<u8>> {
    if path != "-" {
        return std::fs::read(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map(|_| bytes)
}

/// In POSIX's locale a byte is a character, and is called that.
fn is_plain_locale() -> bool {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).unwrap_or_default());
    let locale = set.iter().find(|locale| !locale.is_empty());
    locale.is_none_or(|locale| locale == "C" || locale == "POSIX")
}
