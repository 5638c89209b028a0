//! `tree`: a folder and what is beneath it.

use crate::Failed;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use swarm_flow_posix::glob;

#[derive(Default)]
struct Options {
    hidden: bool,
    folders_only: bool,
    full: bool,
    sizes: bool,
    human: bool,
    mark: bool,
    folders_first: bool,
    prune: bool,
    no_report: bool,
    no_indent: bool,
    follow: bool,
    depth: Option<usize>,
    ignore: Vec<String>,
    only: Vec<String>,
    roots: Vec<String>,
}

#[derive(Default)]
struct Count {
    folders: usize,
    files: usize,
}

struct Entry {
    name: String,
    path: PathBuf,
    folder: bool,
    bytes: u64,
    target: Option<String>,
    below: Vec<Entry>,
}

/// Links that are followed may lead round in circles.
const DEPTH_MAX: usize = 200;

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let options = parse(arguments)?;
    let mut count = Count::default();
    let mut code = 0;
    for root in &options.roots {
        let path = Path::new(root);
        if !path.is_dir() {
            writeln!(out, "{root}  [error opening dir]")?;
            code = 2;
            continue;
        }
        writeln!(out, "{root}")?;
        count.folders += 1;
        let below = read(&options, path, 1);
        put(&options, &below, "", &mut count, out)?;
    }
    if !options.no_report {
        let plural = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        let folders = plural(count.folders, "directory", "directories");
        match options.folders_only {
            true => writeln!(out, "\n{folders}")?,
            false => writeln!(out, "\n{folders}, {}", plural(count.files, "file", "files"))?,
        }
    }
    Ok(code)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if !argument.starts_with('-') || argument == "-" {
            options.roots.push(argument.clone());
            continue;
        }
        if let Some(word) = argument.strip_prefix("--") {
            match word {
                "dirsfirst" => options.folders_first = true,
                "noreport" => options.no_report = true,
                "prune" => options.prune = true,
                "gitignore" | "charset" | "nolinks" => {}
                _ => return Err(format!("Invalid argument `{argument}'.")),
            }
            continue;
        }
        for letter in argument.chars().skip(1) {
            let mut value = || {
                rest.next()
                    .cloned()
                    .ok_or_else(|| format!("Missing argument to -{letter} option."))
            };
            match letter {
                'a' => options.hidden = true,
                'd' => options.folders_only = true,
                'f' => options.full = true,
                's' => options.sizes = true,
                'h' => (options.sizes, options.human) = (true, true),
                'F' => options.mark = true,
                'l' => options.follow = true,
                'i' => options.no_indent = true,
                'L' => {
                    let depth = value()?;
                    let number = depth.parse().ok().filter(|depth| *depth > 0);
                    options.depth = Some(number.ok_or("Invalid level, must be greater than 0.")?);
                }
                'I' => options.ignore.extend(patterns(&value()?)),
                'P' => options.only.extend(patterns(&value()?)),
                // No colours without a terminal; names are in order anyway.
                'n' | 'C' | 'N' | 'v' | 'x' | 'q' => {}
                _ => return Err(format!("Invalid argument -`{letter}'.")),
            }
        }
    }
    if options.roots.is_empty() {
        options.roots.push(".".to_owned());
    }
    Ok(options)
}

fn patterns(text: &str) -> Vec<String> {
    text.split('|')
        .map(|pattern| pattern.trim_end_matches('/').to_owned())
        .collect()
}

fn read(options: &Options, folder: &Path, depth: usize) -> Vec<Entry> {
    if options.depth.is_some_and(|max| depth > max) || depth > DEPTH_MAX {
        return Vec::new();
    }
    let matches = |patterns: &[String], name: &str| {
        let matches = |pattern: &String| glob::matches(pattern, name, glob::Options::default());
        patterns.iter().any(matches)
    };
    let mut entries = Vec::new();
    // A folder that cannot be read looks like an empty one.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && !options.hidden || matches(&options.ignore, &name) {
            continue;
        }
        let path = entry.path();
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        let target = found.is_symlink().then(|| fs::read_link(&path));
        let target = target.map(|target| target.unwrap_or_default().to_string_lossy().into_owned());
        let folder = found.is_dir() || target.is_some() && path.is_dir();
        let enters = found.is_dir() || folder && options.follow;
        if !folder
            && (options.folders_only || !options.only.is_empty() && !matches(&options.only, &name))
        {
            continue;
        }
        let below = match enters {
            true => read(options, &path, depth + 1),
            false => Vec::new(),
        };
        if enters && options.prune && below.is_empty() {
            continue;
        }
        entries.push(Entry {
            name,
            path,
            folder,
            bytes: found.len(),
            target,
            below,
        });
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    if options.folders_first {
        entries.sort_by_key(|entry| !entry.folder);
    }
    entries
}

fn put(
    options: &Options,
    entries: &[Entry],
    indent: &str,
    count: &mut Count,
    out: &mut dyn Write,
) -> Result<(), Failed> {
    for (index, entry) in entries.iter().enumerate() {
        let last = index + 1 == entries.len();
        let (branch, further) = match last {
            _ if options.no_indent => ("", ""),
            true => ("└── ", "    "),
            false => ("├── ", "│\u{a0}\u{a0} "),
        };
        let size = match (options.sizes, options.human) {
            (false, _) => String::new(),
            (true, false) => format!("[{:>11}]  ", entry.bytes),
            (true, true) => format!("[{:>4}]  ", human(entry.bytes)),
        };
        let name = match options.full {
            true => entry.path.display().to_string(),
            false => entry.name.clone(),
        };
        let target = entry.target.as_ref().map(|target| format!(" -> {target}"));
        let mark = match entry.folder && options.mark {
            true => "/",
            false => "",
        };
        let target = target.unwrap_or_default();
        writeln!(out, "{indent}{branch}{size}{name}{mark}{target}")?;
        match entry.folder {
            true => count.folders += 1,
            false => count.files += 1,
        }
        put(
            options,
            &entry.below,
            &format!("{indent}{further}"),
            count,
            out,
        )?;
    }
    Ok(())
}

fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["", "K", "M", "G", "T"] {
        if value < 1_024.0 || unit == "T" {
            return match unit {
                "" => bytes.to_string(),
                unit if value < 10.0 => format!("{value:.1}{unit}"),
                unit => format!("{value:.0}{unit}"),
            };
        }
        value /= 1_024.0;
    }
    bytes.to_string()
}
