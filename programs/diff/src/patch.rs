//! `patch`: applies unified differences.

mod file;
mod hunk;
mod options;

use file::File;
use hunk::Hunk;
use options::Options;
use std::fs;
use std::io::Read;
use std::path::Path;
use swarm_flow_posix::reason;

struct FilePatch {
    /// The names, and behind a tab the times.
    old: String,
    new: String,
    hunks: Vec<Hunk>,
    /// Where the hunks begin, and what is before them.
    line: usize,
    intro: Vec<String>,
}

pub fn main(arguments: &[String]) -> i32 {
    match options::parse(arguments).and_then(|options| run(&options)) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            eprintln!("patch: **** {error}");
            2
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let mut bytes = Vec::new();
    let name = options.input.as_deref().unwrap_or("-");
    let read = match name {
        "-" => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        path => fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| format!("Can't open patch file {name} : {}", reason(&error)))?;
    if let Some(folder) = &options.folder {
        std::env::set_current_dir(folder)
            .map_err(|error| format!("Can't change to directory {folder} : {}", reason(&error)))?;
    }
    let patches = read_patches(&bytes)?;
    if patches.is_empty() && !bytes.is_empty() {
        return Err("Only garbage was found in the patch input.".to_owned());
    }
    let mut whole = true;
    for patch in patches {
        whole &= one(options, patch)?;
    }
    Ok(whole)
}

fn one(options: &Options, mut patch: FilePatch) -> Result<bool, String> {
    if options.reverse {
        patch.reverse();
    }
    let creates = is_nothing(&patch.old) || patch.hunks.iter().all(|hunk| hunk.old.is_empty());
    let Some(path) = target(options, &patch, creates) else {
        lost(options, &patch);
        return Ok(false);
    };
    let before = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(_) if creates => Vec::new(),
        Err(error) => return Err(format!("{path}: {}", reason(&error))),
    };
    if !options.silent {
        let verb = if options.dry_run {
            "checking"
        } else {
            "patching"
        };
        match &options.output {
            Some(output) => println!("{verb} file {output} (read from {path})"),
            None => println!("{verb} file {path}"),
        }
    }
    let input: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
    let mut file = File::new(&input, options.ignore_space);
    let mut skipped = false;
    let mut rejected = Vec::new();
    for at in 0..patch.hunks.len() {
        let Some(hunk) = patch.hunks.get(at) else {
            break;
        };
        let mut fit = (!skipped)
            .then(|| file.fit(hunk, options.fuzz_max))
            .flatten();
        if at == 0 && fit.is_none() && !options.force && file.fits_reversed(hunk) {
            match reversed(options) {
                Answer::Reverse => {
                    file.inexact = true;
                    patch.reverse();
                    fit = patch
                        .hunks
                        .first()
                        .and_then(|hunk| file.fit(hunk, options.fuzz_max));
                }
                Answer::Skip => skipped = true,
            }
        }
        let Some(hunk) = patch.hunks.get(at) else {
            break;
        };
        match fit {
            Some(fit) => {
                let line = file.apply(hunk, &fit);
                if !options.silent && (fit.fuzz > 0 || file.offset != 0) {
                    say(at + 1, line, file.offset, fit.fuzz);
                }
            }
            None => {
                let line = hunk
                    .old_start
                    .saturating_add_signed(file.offset + file.growth);
                if !skipped {
                    println!("Hunk #{} FAILED at {line}.", at + 1);
                }
                rejected.push((at, file.growth));
            }
        }
    }
    let clean = rejected.is_empty();
    if !clean {
        let plural = if patch.hunks.len() == 1 {
            "hunk"
        } else {
            "hunks"
        };
        let saved = if options.dry_run || options.reject_file.as_deref() == Some("-") {
            String::new()
        } else {
            format!(" -- saving rejects to file {}", options.rejects(&path))
        };
        let what = if skipped { "ignored" } else { "FAILED" };
        println!(
            "{} out of {} {plural} {what}{saved}",
            rejected.len(),
            patch.hunks.len()
        );
    }
    if options.dry_run {
        return Ok(clean);
    }
    let inexact = file.inexact || !clean;
    if !skipped {
        let removes = is_nothing(&patch.new);
        let backup = options.backup || inexact && options.output.is_none() && !options.no_backup;
        write(
            options,
            &path,
            backup.then_some(before.as_slice()),
            &file.finish(),
            removes,
        )?;
    }
    if !clean && options.reject_file.as_deref() != Some("-") {
        write_rejects(&options.rejects(&path), &patch, &rejected)?;
    }
    Ok(clean)
}

/// What is said where there is nobody who could name the file.
fn lost(options: &Options, patch: &FilePatch) {
    println!("can't find file to patch at input line {}", patch.line);
    println!(
        "{}",
        match options.strip {
            Some(_) => "Perhaps you used the wrong -p or --strip option?",
            None => "Perhaps you should have used the -p or --strip option?",
        }
    );
    println!("The text leading up to this was:\n--------------------------");
    patch.intro.iter().for_each(|line| println!("|{line}"));
    let plural = if patch.hunks.len() == 1 {
        "hunk"
    } else {
        "hunks"
    };
    println!("--------------------------\nFile to patch: \nSkip this patch? [y] \nSkipping patch.");
    println!("{0} out of {0} {plural} ignored", patch.hunks.len());
}

/// A file that is not there: `diff -N` gives it the oldest time there is.
fn is_nothing(header: &str) -> bool {
    let time = header.split('\t').nth(1).unwrap_or_default();
    name(header) == "/dev/null"
        || time.starts_with("1970-01-01 00:00:00") && time.ends_with("+0000")
}

impl FilePatch {
    fn reverse(&mut self) {
        std::mem::swap(&mut self.old, &mut self.new);
        self.hunks.iter_mut().for_each(Hunk::reverse);
    }
}

enum Answer {
    Reverse,
    Skip,
}

/// There is nobody who could be asked, so that the questions get their usual answers.
fn reversed(options: &Options) -> Answer {
    let what = match options.reverse {
        true => "Unreversed patch detected!",
        false => "Reversed (or previously applied) patch detected!",
    };
    if options.forward {
        println!("{what}  Skipping patch.");
        return Answer::Skip;
    }
    if options.batch {
        let how = if options.reverse {
            "Ignoring"
        } else {
            "Assuming"
        };
        println!("{what}  {how} -R.");
        return Answer::Reverse;
    }
    let how = if options.reverse { "Ignore" } else { "Assume" };
    println!("{what}  {how} -R? [n] \nApply anyway? [n] \nSkipping patch.");
    Answer::Skip
}

fn say(hunk: usize, line: usize, offset: isize, fuzz: usize) {
    let fuzz = if fuzz > 0 {
        format!(" with fuzz {fuzz}")
    } else {
        String::new()
    };
    let plural = if offset == 1 { "line" } else { "lines" };
    let offset = if offset != 0 {
        format!(" (offset {offset} {plural})")
    } else {
        String::new()
    };
    println!("Hunk #{hunk} succeeded at {line}{fuzz}{offset}.");
}

fn write(
    options: &Options,
    path: &str,
    backup: Option<&[u8]>,
    after: &[u8],
    removes: bool,
) -> Result<(), String> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |error: std::io::Error| format!("{path}: {}", reason(&error))
    };
    if let Some(before) = backup {
        let backup = format!("{path}.orig");
        fs::write(&backup, before).map_err(failed(&backup))?;
    }
    let to = options.output.as_deref().unwrap_or(path);
    if after.is_empty() && (removes || options.remove_empty) {
        return fs::remove_file(path).map_err(failed(path));
    }
    if let Some(folder) = Path::new(to).parent() {
        fs::create_dir_all(folder).map_err(failed(to))?;
    }
    fs::write(to, after).map_err(failed(to))
}

fn write_rejects(path: &str, patch: &FilePatch, rejected: &[(usize, isize)]) -> Result<(), String> {
    let mut out = format!("--- {}\n+++ {}\n", patch.old, patch.new).into_bytes();
    for (at, growth) in rejected {
        if let Some(hunk) = patch.hunks.get(*at) {
            hunk.print(&mut out, *growth);
        }
    }
    fs::write(path, out).map_err(|error| format!("{path}: {}", reason(&error)))
}

/// The file: as named, or what of the two names is there.
fn target(options: &Options, patch: &FilePatch, creates: bool) -> Option<String> {
    if let Some(file) = &options.file {
        return Some(file.clone());
    }
    let names = [&patch.old, &patch.new].map(|header| strip(name(header), options.strip));
    let there = names
        .iter()
        .flatten()
        .find(|name| Path::new(name.as_str()).is_file());
    there
        .or_else(|| names.iter().flatten().next_back().filter(|_| creates))
        .cloned()
}

/// Without `-p` only the last part counts.
fn strip(name: &str, strip: Option<usize>) -> Option<String> {
    if name == "/dev/null" {
        return None;
    }
    match strip {
        None => name.rsplit('/').next().map(str::to_owned),
        Some(count) => name.splitn(count + 1, '/').nth(count).map(str::to_owned),
    }
}

fn read_patches(bytes: &[u8]) -> Result<Vec<FilePatch>, String> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut patches: Vec<FilePatch> = Vec::new();
    let (mut at, mut behind) = (0, 0);
    while let Some(line) = lines.get(at) {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        if line.starts_with(b"--- ") && next.starts_with(b"+++ ") {
            patches.push(FilePatch {
                old: header(line),
                new: header(next),
                hunks: Vec::new(),
                line: at + 3,
                intro: lines
                    .get(behind..at + 2)
                    .unwrap_or_default()
                    .iter()
                    .map(|line| String::from_utf8_lossy(line).trim_end().to_owned())
                    .collect(),
            });
            at += 2;
        } else if line.starts_with(b"@@ -") && !patches.is_empty() {
            let (hunk, end) = hunk::read(&lines, at)?;
            if let Some(patch) = patches.last_mut() {
                patch.hunks.push(hunk);
            }
            (at, behind) = (end, end);
        } else {
            at += 1;
        }
    }
    Ok(patches)
}

fn header(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default());
    text.trim_end().to_owned()
}

fn name(header: &str) -> &str {
    header.split('\t').next().unwrap_or_default().trim_end()
}
