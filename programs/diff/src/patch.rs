//! `patch`: applies unified differences. A hunk that has moved is looked for, first where it is nearest; its outer lines
//! may differ, two at most.

use std::fs;
use std::io::Read;
use std::path::Path;
use swarm_flow_posix::reason;

#[derive(Default)]
struct Options {
    strip: Option<usize>,
    reverse: bool,
    dry_run: bool,
    backup: bool,
    silent: bool,
    remove_empty: bool,
    input: Option<String>,
    output: Option<String>,
    file: Option<String>,
    folder: Option<String>,
}

struct FilePatch {
    old: String,
    new: String,
    hunks: Vec<Hunk>,
}

struct Hunk {
    old_start: usize,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
    /// Equal lines at both ends.
    before: usize,
    after: usize,
}

const FUZZ_MAX: usize = 2;

pub fn main(arguments: &[String]) -> i32 {
    match parse(arguments).and_then(|options| run(&options)) {
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
        std::mem::swap(&mut patch.old, &mut patch.new);
        for hunk in &mut patch.hunks {
            std::mem::swap(&mut hunk.old, &mut hunk.new);
        }
    }
    let Some(path) = target(options, &patch) else {
        println!("can't find file to patch; was it named by -p?");
        return Ok(false);
    };
    let creates = patch.old == "/dev/null" || patch.hunks.iter().all(|hunk| hunk.old.is_empty());
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
        println!("{verb} file {path}");
    }
    let mut lines: Vec<Vec<u8>> = before
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let (mut moved, mut rejected) = (0isize, Vec::new());
    for (at, hunk) in patch.hunks.iter().enumerate() {
        let wanted = hunk
            .old_start
            .saturating_sub(usize::from(!hunk.old.is_empty()))
            .saturating_add_signed(moved);
        match find(&lines, hunk, wanted) {
            Some((place, fuzz)) => {
                let head = fuzz.min(hunk.before);
                let tail = fuzz.min(hunk.after);
                let old = hunk.old.len() - head - tail;
                let new = hunk
                    .new
                    .get(head..hunk.new.len() - tail)
                    .unwrap_or_default();
                lines.splice(place + head..place + head + old, new.iter().cloned());
                if !options.silent && (place != wanted || fuzz > 0) {
                    say(at + 1, place + 1, place as isize - wanted as isize, fuzz);
                }
                moved += hunk.new.len() as isize - hunk.old.len() as isize + place as isize
                    - wanted as isize;
            }
            None => {
                println!("Hunk #{} FAILED at {}.", at + 1, hunk.old_start);
                rejected.push(hunk);
            }
        }
    }
    if !rejected.is_empty() {
        let plural = if patch.hunks.len() == 1 {
            "hunk"
        } else {
            "hunks"
        };
        let saved = if options.dry_run {
            String::new()
        } else {
            format!(" -- saving rejects to file {path}.rej")
        };
        println!(
            "{} out of {} {plural} FAILED{saved}",
            rejected.len(),
            patch.hunks.len()
        );
    }
    if options.dry_run {
        return Ok(rejected.is_empty());
    }
    write(
        options,
        &path,
        &before,
        &lines.concat(),
        patch.new == "/dev/null",
    )?;
    if !rejected.is_empty() {
        write_rejects(&path, &patch, &rejected)?;
    }
    Ok(rejected.is_empty())
}

fn say(hunk: usize, line: usize, offset: isize, fuzz: usize) {
    let fuzz = if fuzz > 0 {
        format!(" with fuzz {fuzz}")
    } else {
        String::new()
    };
    let plural = if offset.abs() == 1 { "line" } else { "lines" };
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
    before: &[u8],
    after: &[u8],
    removes: bool,
) -> Result<(), String> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |error: std::io::Error| format!("{path}: {}", reason(&error))
    };
    if options.backup {
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

fn write_rejects(path: &str, patch: &FilePatch, rejected: &[&Hunk]) -> Result<(), String> {
    let mut out = format!("--- {}\n+++ {}\n", patch.old, patch.new).into_bytes();
    for hunk in rejected {
        let (start, old, new) = (hunk.old_start, hunk.old.len(), hunk.new.len());
        out.extend(format!("@@ -{start},{old} +{start},{new} @@\n").into_bytes());
        let middle = hunk.old.len() - hunk.after;
        let mark = |out: &mut Vec<u8>, sign: u8, lines: &[Vec<u8>]| {
            for line in lines {
                out.push(sign);
                out.extend(line);
            }
        };
        mark(
            &mut out,
            b' ',
            hunk.old.get(..hunk.before).unwrap_or_default(),
        );
        mark(
            &mut out,
            b'-',
            hunk.old.get(hunk.before..middle).unwrap_or_default(),
        );
        mark(
            &mut out,
            b'+',
            hunk.new
                .get(hunk.before..hunk.new.len() - hunk.after)
                .unwrap_or_default(),
        );
        mark(&mut out, b' ', hunk.old.get(middle..).unwrap_or_default());
    }
    let rejects = format!("{path}.rej");
    fs::write(&rejects, out).map_err(|error| format!("{rejects}: {}", reason(&error)))
}

/// Where a hunk fits, and how many of its outer lines had to be left out of account.
fn find(lines: &[Vec<u8>], hunk: &Hunk, wanted: usize) -> Option<(usize, usize)> {
    for fuzz in 0..=FUZZ_MAX.min(hunk.before.max(hunk.after)) {
        let (head, tail) = (fuzz.min(hunk.before), fuzz.min(hunk.after));
        let Some(old) = hunk.old.get(head..hunk.old.len() - tail) else {
            continue;
        };
        let fits = |place: usize| {
            lines
                .get(place + head..place + head + old.len())
                .is_some_and(|found| found == old)
        };
        let most = lines.len();
        let near = (0..=most).flat_map(|away| [wanted.checked_add(away), wanted.checked_sub(away)]);
        if let Some(place) = near.flatten().find(|place| fits(*place)) {
            return Some((place, fuzz));
        }
    }
    None
}

/// The file: as named, or what of the two names is there.
fn target(options: &Options, patch: &FilePatch) -> Option<String> {
    if let Some(file) = &options.file {
        return Some(file.clone());
    }
    let names = [&patch.old, &patch.new].map(|name| strip(name, options.strip));
    let there = names
        .iter()
        .flatten()
        .find(|name| Path::new(name.as_str()).is_file());
    there
        .or_else(|| names.iter().flatten().next_back())
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
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        if line.starts_with(b"--- ") && next.starts_with(b"+++ ") {
            patches.push(FilePatch {
                old: name(line),
                new: name(next),
                hunks: Vec::new(),
            });
            at += 2;
        } else if line.starts_with(b"@@ -") && !patches.is_empty() {
            let (hunk, end) = read_hunk(&lines, at)?;
            if let Some(patch) = patches.last_mut() {
                patch.hunks.push(hunk);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    Ok(patches)
}

fn name(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default());
    text.split('\t')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}

fn read_hunk(lines: &[&[u8]], start: usize) -> Result<(Hunk, usize), String> {
    let malformed = |at: usize| {
        let line = lines
            .get(at)
            .map(|line| String::from_utf8_lossy(line).trim_end().to_owned())
            .unwrap_or_default();
        format!("malformed patch at line {}: {line}", at + 1)
    };
    let head = lines
        .get(start)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .unwrap_or_default();
    let numbers = numbers(&head).ok_or_else(|| malformed(start))?;
    let [old_start, old_count, new_count] = numbers;
    let mut hunk = Hunk {
        old_start,
        old: Vec::new(),
        new: Vec::new(),
        before: 0,
        after: 0,
    };
    let mut at = start + 1;
    let mut changed = false;
    while hunk.old.len() < old_count || hunk.new.len() < new_count {
        let line = lines
            .get(at)
            .ok_or_else(|| "unexpected end of file in patch".to_owned())?;
        let text = line.get(1..).unwrap_or_default().to_vec();
        match line.first() {
            Some(b'-') => {
                hunk.old.push(text);
                (changed, hunk.after) = (true, 0);
            }
            Some(b'+') => {
                hunk.new.push(text);
                (changed, hunk.after) = (true, 0);
            }
            Some(b' ' | b'\n' | b'\r') => {
                // Mail programs take away a space that stands alone.
                let text = if line.first() == Some(&b' ') {
                    text
                } else {
                    line.to_vec()
                };
                hunk.old.push(text.clone());
                hunk.new.push(text);
                match changed {
                    true => hunk.after += 1,
                    false => hunk.before += 1,
                }
            }
            Some(b'\\') => no_newline(
                &mut hunk,
                lines.get(at - 1).and_then(|line| line.first()).copied(),
            ),
            _ => return Err(malformed(at)),
        }
        at += 1;
    }
    if lines.get(at).is_some_and(|line| line.starts_with(b"\\")) {
        no_newline(
            &mut hunk,
            lines.get(at - 1).and_then(|line| line.first()).copied(),
        );
        at += 1;
    }
    Ok((hunk, at))
}

/// The line before it has no end.
fn no_newline(hunk: &mut Hunk, sign: Option<u8>) {
    let take = |lines: &mut Vec<Vec<u8>>| {
        if let Some(line) = lines.last_mut()
            && line.ends_with(b"\n")
        {
            line.pop();
        }
    };
    if sign != Some(b'+') {
        take(&mut hunk.old);
    }
    if sign != Some(b'-') {
        take(&mut hunk.new);
    }
}

/// `@@ -1,2 +3,4 @@`: where the old lines begin, and how many there are of each.
fn numbers(head: &str) -> Option<[usize; 3]> {
    let mut words = head.split(' ').skip(1);
    let range = |word: &str, sign: char| -> Option<(usize, usize)> {
        let word = word.trim().strip_prefix(sign)?;
        match word.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((word.parse().ok()?, 1)),
        }
    };
    let (old_start, old_count) = range(words.next()?, '-')?;
    let (_, new_count) = range(words.next()?, '+')?;
    Some([old_start, old_count, new_count])
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, mut value) = match argument.strip_prefix("--") {
            Some(long) => long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value.to_owned()))),
            None if argument.len() > 1 && argument.starts_with('-') => (
                argument.get(1..2).unwrap_or_default(),
                argument
                    .get(2..)
                    .filter(|rest| !rest.is_empty())
                    .map(str::to_owned),
            ),
            None => {
                files.push(argument.clone());
                continue;
            }
        };
        let mut needed = || {
            value
                .take()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| format!("option '{name}' requires an argument"))
        };
        match name {
            "p" | "strip" => {
                let text = needed()?;
                options.strip = Some(
                    text.parse()
                        .map_err(|_| format!("strip count {text} is not a number"))?,
                );
            }
            "i" | "input" => options.input = Some(needed()?),
            "o" | "output" => options.output = Some(needed()?),
            "d" | "directory" => options.folder = Some(needed()?),
            "R" | "reverse" => options.reverse = true,
            "b" | "backup" => options.backup = true,
            "s" | "quiet" | "silent" => options.silent = true,
            "E" | "remove-empty-files" => options.remove_empty = true,
            "dry-run" => options.dry_run = true,
            "N"
            | "forward"
            | "u"
            | "unified"
            | "f"
            | "force"
            | "t"
            | "batch"
            | "l"
            | "ignore-whitespace"
            | "no-backup-if-mismatch" => {}
            "F" | "fuzz" | "r" | "reject-file" => drop(needed()?),
            _ => return Err(format!("unrecognized option '{argument}'")),
        }
    }
    let mut files = files.into_iter();
    options.file = files.next();
    options.input = options.input.take().or_else(|| files.next());
    Ok(options)
}
