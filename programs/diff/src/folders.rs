//! What is compared: two files, a file and one of its name in a folder, or two folders.

use crate::options::{Form, Options};
use crate::print;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::time::SystemTime;
use swarm_flow_posix::{glob, reason};

const SAME: i32 = 0;
const DIFFERENT: i32 = 1;
const TROUBLE: i32 = 2;

/// One side of a comparison.
pub struct Side {
    pub name: String,
    pub bytes: Vec<u8>,
    pub modified: SystemTime,
}

pub fn compare(options: &Options) -> i32 {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    let [left, right] = &options.paths;
    let folders = [Path::new(left).is_dir(), Path::new(right).is_dir()];
    let within = |folder: &str, file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        format!("{}/{name}", folder.trim_end_matches('/'))
    };
    let result = match folders {
        [true, true] => trees(options, left, right, &mut out),
        [true, false] => files(options, &within(left, right), right, false, &mut out),
        [false, true] => files(options, left, &within(right, left), false, &mut out),
        [false, false] => files(options, left, right, false, &mut out),
    };
    let code = result.and_then(|code| out.flush().map(|()| code));
    match code {
        Ok(code) => code,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => DIFFERENT,
        Err(error) => {
            eprintln!("diff: write error: {}", reason(&error));
            TROUBLE
        }
    }
}

/// Folders in order of names, without recursion.
fn trees(options: &Options, left: &str, right: &str, out: &mut impl Write) -> io::Result<i32> {
    let mut code = SAME;
    let mut open = vec![(left.to_owned(), right.to_owned(), true)];
    while let Some((left, right, top)) = open.pop() {
        if let Some(only) = left.strip_prefix('\0') {
            writeln!(out, "{only}")?;
            code = code.max(DIFFERENT);
            continue;
        }
        let folder = [&left, &right].map(|path| Path::new(path).is_dir());
        let exists = [&left, &right].map(|path| fs::symlink_metadata(path).is_ok());
        let both = folder[0] && folder[1]
            || options.new_file && (folder[0] && !exists[1] || folder[1] && !exists[0]);
        if !both {
            code = code.max(files(options, &left, &right, true, out)?);
            continue;
        }
        if !top && !options.recursive {
            writeln!(out, "Common subdirectories: {left} and {right}")?;
            continue;
        }
        let names = [names(options, &left), names(options, &right)];
        let all: BTreeSet<&String> = names.iter().flatten().collect();
        let mut found = Vec::new();
        for name in all {
            let has = [&names[0], &names[1]].map(|side| side.contains(name));
            if has[0] && has[1] || options.new_file {
                found.push((join(&left, name), join(&right, name), false));
            } else {
                let folder = if has[0] { &left } else { &right };
                found.push((
                    format!("\0Only in {}: {name}", folder.trim_end_matches('/')),
                    String::new(),
                    false,
                ));
            }
        }
        open.extend(found.into_iter().rev());
    }
    Ok(code)
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

fn names(options: &Options, folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let excluded = |name: &str| {
        options
            .exclude
            .iter()
            .any(|pattern| glob::matches(pattern, name, glob::Options::default()))
    };
    names.filter(|name| !excluded(name)).collect()
}

fn files(
    options: &Options,
    left: &str,
    right: &str,
    in_tree: bool,
    out: &mut impl Write,
) -> io::Result<i32> {
    let missing =
        |path: &str| options.new_file && path != "-" && fs::symlink_metadata(path).is_err();
    let read = |path: &str| -> Result<Side, String> {
        if missing(path) {
            return Ok(Side {
                name: path.to_owned(),
                bytes: Vec::new(),
                modified: SystemTime::UNIX_EPOCH,
            });
        }
        side(path).map_err(|error| format!("{path}: {}", reason(&error)))
    };
    if in_tree && Path::new(left).is_dir() != Path::new(right).is_dir() {
        let kind = |path: &str| {
            if Path::new(path).is_dir() {
                "directory"
            } else {
                "regular file"
            }
        };
        writeln!(
            out,
            "File {left} is a {} while file {right} is a {}",
            kind(left),
            kind(right)
        )?;
        return Ok(DIFFERENT);
    }
    let sides = (read(left), read(right));
    let (left_side, right_side) = match sides {
        (Ok(left), Ok(right)) => (left, right),
        (left, right) => {
            out.flush()?;
            left.err()
                .into_iter()
                .chain(right.err())
                .for_each(|error| eprintln!("diff: {error}"));
            return Ok(TROUBLE);
        }
    };
    if left_side.bytes == right_side.bytes {
        if options.report_same {
            writeln!(out, "Files {left} and {right} are identical")?;
        }
        return Ok(SAME);
    }
    let binary = !options.text && (left_side.bytes.contains(&0) || right_side.bytes.contains(&0));
    if binary && options.form != Form::Brief {
        writeln!(out, "Binary files {left} and {right} differ")?;
        return Ok(TROUBLE - 1);
    }
    let header = match in_tree {
        true => Some(format!(
            "diff {}{left} {right}",
            options
                .given
                .iter()
                .map(|option| format!("{} ", quoted(option)))
                .collect::<String>()
        )),
        false => None,
    };
    let different = print::print(options, &left_side, &right_side, header.as_deref(), out)?;
    if !different && options.report_same {
        writeln!(out, "Files {left} and {right} are identical")?;
    }
    Ok(if different { DIFFERENT } else { SAME })
}

/// As a shell would need it.
fn quoted(option: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./,:+@%^".contains(letter);
    match option.chars().all(plain) && !option.is_empty() {
        true => option.to_owned(),
        false => format!("'{}'", option.replace('\'', "'\\''")),
    }
}

fn side(path: &str) -> io::Result<Side> {
    if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(Side {
            name: path.to_owned(),
            bytes,
            modified: SystemTime::now(),
        });
    }
    let modified = fs::metadata(path)?
        .modified()
        .unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(Side {
        name: path.to_owned(),
        bytes: fs::read(path)?,
        modified,
    })
}
