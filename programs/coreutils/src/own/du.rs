//! `du`. A sandbox does not see blocks, so a file counts with its size, rounded up to 4 KiB unless `-b` is given.

use super::Call;
use std::fs;
use std::path::{Path, PathBuf};
use swarm_flow_posix::{glob, reason};

#[derive(Default)]
struct Options {
    all: bool,
    summary: bool,
    total: bool,
    bytes: bool,
    human: bool,
    unit: u64,
    depth: Option<usize>,
    exclude: Vec<String>,
    paths: Vec<String>,
}

pub fn main(call: &Call) -> i32 {
    let options = match parse(&call.arguments) {
        Ok(options) => options,
        Err(error) => {
            call.complain(&error);
            return 1;
        }
    };
    let (mut code, mut total) = (0, 0);
    for path in &options.paths {
        match fs::symlink_metadata(path) {
            Ok(_) => total += tree(call, &options, Path::new(path), &mut code),
            Err(error) => {
                call.complain(&format!("cannot access '{path}': {}", reason(&error)));
                code = 1;
            }
        }
    }
    if options.total {
        println!("{}\ttotal", shown(&options, total));
    }
    code
}

/// A folder whose contents are being counted.
struct Level {
    path: PathBuf,
    open: Vec<PathBuf>,
    bytes: u64,
}

/// Without recursion: a tree can be deeper than a stack.
fn tree(call: &Call, options: &Options, root: &Path, code: &mut i32) -> u64 {
    let mut levels: Vec<Level> = Vec::new();
    let mut next = Some(root.to_owned());
    loop {
        if let Some(path) = next.take() {
            let found = fs::symlink_metadata(&path);
            let bytes = found.as_ref().map_or(0, |found| size(options, found.len()));
            if found.is_ok_and(|found| found.is_dir()) {
                levels.push(Level {
                    open: names(call, options, &path, code),
                    path,
                    bytes,
                });
            } else {
                match levels.last_mut() {
                    Some(level) => level.bytes += bytes,
                    None => {
                        say(options, bytes, &path);
                        return bytes;
                    }
                }
                if options.all && within(options, levels.len()) {
                    say(options, bytes, &path);
                }
            }
        }
        let Some(level) = levels.last_mut() else {
            return 0;
        };
        next = level.open.pop();
        if next.is_some() {
            continue;
        }
        let Some(done) = levels.pop() else { return 0 };
        if within(options, levels.len()) {
            say(options, done.bytes, &done.path);
        }
        match levels.last_mut() {
            Some(level) => level.bytes += done.bytes,
            None => return done.bytes,
        }
    }
}

fn names(call: &Call, options: &Options, path: &Path, code: &mut i32) -> Vec<PathBuf> {
    match fs::read_dir(path) {
        Ok(found) => found
            .flatten()
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                !options
                    .exclude
                    .iter()
                    .any(|pattern| glob::matches(pattern, &name, glob::Options::default()))
            })
            .map(|entry| entry.path())
            .collect(),
        Err(error) => {
            call.complain(&format!(
                "cannot read directory '{}': {}",
                path.display(),
                reason(&error)
            ));
            *code = 1;
            Vec::new()
        }
    }
}

fn within(options: &Options, depth: usize) -> bool {
    let most = if options.summary {
        0
    } else {
        options.depth.unwrap_or(usize::MAX)
    };
    depth <= most
}

fn say(options: &Options, bytes: u64, path: &Path) {
    println!("{}\t{}", shown(options, bytes), path.display());
}

fn size(options: &Options, bytes: u64) -> u64 {
    if options.bytes {
        bytes
    } else {
        bytes.div_ceil(4_096) * 4_096
    }
}

fn shown(options: &Options, bytes: u64) -> String {
    if !options.human {
        return bytes.div_ceil(options.unit).to_string();
    }
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit < 4 {
        value /= 1024.0;
        unit += 1;
    }
    let name = ["", "K", "M", "G", "T"]
        .get(unit)
        .copied()
        .unwrap_or_default();
    match unit > 0 && value < 9.95 {
        true => format!("{:.1}{name}", (value * 10.0).ceil() / 10.0),
        false => format!("{}{name}", value.ceil()),
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        unit: 1_024,
        ..Options::default()
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if let Some(long) = argument.strip_prefix("--") {
            match long.split_once('=') {
                Some(("max-depth", depth)) => options.depth = Some(number(depth)?),
                Some(("exclude", pattern)) => options.exclude.push(pattern.to_owned()),
                None if long == "apparent-size" => options.bytes = true,
                None if long == "summarize" => options.summary = true,
                None if long == "human-readable" => options.human = true,
                None if long == "all" => options.all = true,
                None if long == "total" => options.total = true,
                None if long == "bytes" => (options.bytes, options.unit) = (true, 1),
                _ => return Err(format!("unrecognized option '{argument}'")),
            }
            continue;
        }
        let Some(letters) = argument
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())
        else {
            options.paths.push(argument.clone());
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'a' => options.all = true,
                's' => options.summary = true,
                'c' => options.total = true,
                'h' => options.human = true,
                'b' => (options.bytes, options.unit) = (true, 1),
                'k' => options.unit = 1 << 10,
                'm' => options.unit = 1 << 20,
                'x' | 'l' | 'L' | 'H' | 'P' | 'D' | 'S' => {}
                'd' => {
                    let attached: String = letters.by_ref().collect();
                    let value = if attached.is_empty() {
                        rest.next().cloned()
                    } else {
                        Some(attached)
                    };
                    options.depth = Some(number(&value.unwrap_or_default())?);
                }
                _ => return Err(format!("invalid option -- '{letter}'")),
            }
        }
    }
    if options.paths.is_empty() {
        options.paths.push(".".to_owned());
    }
    Ok(options)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("invalid maximum depth '{text}'"))
}
