//! `git apply`: patches onto files, or into the index.

use crate::arguments::{parse, unknown};
use crate::fail::{Fail, Result, error, fatal};
use crate::index::Entry;
use crate::objects::{MODE_FILE, MODE_LINK};
use crate::out::{put, say, warn};
use crate::repository::Repository;
use crate::worktree;
use gix_object::Kind;
use std::io::Read as _;

#[derive(Default, Clone)]
struct FilePatch {
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
    old_mode: Option<u32>,
    new_mode: Option<u32>,
    hunks: Vec<Hunk>,
    moved: bool,
}

#[derive(Default, Clone)]
struct Hunk {
    start: usize,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
    /// Lines around at the beginning and the end.
    leading: usize,
    trailing: usize,
}

pub fn run(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["p", "C", "exclude", "include", "directory", "whitespace"],
        &[],
    )?;
    let (
        mut cached,
        mut index_too,
        mut check,
        mut reverse,
        mut strip,
        mut stat,
        mut numstat,
        mut summary,
        mut verbose,
    ) = (
        false, false, false, false, 1usize, false, false, false, false,
    );
    for (name, value) in parsed.options() {
        match name {
            "cached" => cached = true,
            "index" => index_too = true,
            "check" => check = true,
            "R" | "reverse" => reverse = true,
            "p" => strip = crate::arguments::number(name, value)?,
            "stat" => stat = true,
            "numstat" => numstat = true,
            "summary" => summary = true,
            "v" | "verbose" => verbose = true,
            "3" | "3way" | "number" => index_too = true,
            "reject" => {
                return Err(fatal(
                    "'git apply --reject' is not supported here\nhint: use 'patch -p1'",
                ));
            }
            "whitespace"
            | "recount"
            | "unidiff-zero"
            | "allow-empty"
            | "ignore-whitespace"
            | "ignore-space-change"
            | "inaccurate-eof"
            | "C"
            | "apply"
            | "q"
            | "quiet"
            | "binary" => {}
            _ => return Err(unknown("apply", name)),
        }
    }
    let free = parsed.free();
    let mut patches = Vec::new();
    for name in if free.is_empty() {
        vec!["-".to_owned()]
    } else {
        free
    } {
        let mut bytes = Vec::new();
        match name.as_str() {
            "-" => {
                std::io::stdin().read_to_end(&mut bytes)?;
            }
            "/dev/null" => {}
            _ => {
                bytes = std::fs::read(&name).map_err(|reason| {
                    error_128(format!(
                        "can't open patch '{name}': {}",
                        swarm_flow_posix::reason(&reason)
                    ))
                })?
            }
        }
        patches.extend(read(&bytes, strip)?);
    }
    if patches.is_empty() {
        return Err(error_128(
            "No valid patches in input (allow with \"--allow-empty\")",
        ));
    }
    if reverse {
        patches = patches.into_iter().map(reversed).collect();
    }
    if stat || numstat || summary {
        for patch in &patches {
            let (added, removed) = patch.hunks.iter().fold((0, 0), |(added, removed), hunk| {
                let around = hunk
                    .old
                    .iter()
                    .filter(|line| hunk.new.contains(line))
                    .count();
                (
                    added + hunk.new.len().saturating_sub(around),
                    removed + hunk.old.len().saturating_sub(around),
                )
            });
            say!(
                "{added}\t{removed}\t{}",
                repository.shown(
                    patch
                        .new
                        .as_deref()
                        .or(patch.old.as_deref())
                        .unwrap_or_default()
                )
            );
        }
        return Ok(0);
    }
    let mut index = repository.index()?;
    let mut results = Vec::new();
    let mut problems = Vec::new();
    for patch in &patches {
        match result(repository, &index, patch, cached) {
            Ok(bytes) => results.push((patch, bytes)),
            Err(Fail { text, .. }) => problems.push(text),
        }
    }
    if !problems.is_empty() {
        return Err(Fail {
            code: 1,
            text: problems.join("\n"),
        });
    }
    if check {
        return Ok(0);
    }
    for (patch, bytes) in results {
        let known = patch
            .old
            .as_ref()
            .and_then(|old| index.get(old))
            .map(|entry| entry.mode);
        let mode = patch.new_mode.or(known).unwrap_or(MODE_FILE);
        let left = patch.new.is_none() || patch.moved;
        let gone = patch
            .old
            .as_ref()
            .filter(|old| left && patch.new.as_ref() != Some(old));
        if let Some(old) = gone {
            if !cached {
                worktree::remove(repository, old)?;
            }
            if cached || index_too {
                index.remove(old);
            }
        }
        let (Some(new), Some(bytes)) = (&patch.new, bytes) else {
            continue;
        };
        if !cached {
            worktree::write_bytes(
                repository,
                new,
                if mode == MODE_LINK { MODE_LINK } else { mode },
                &bytes,
            )?;
        }
        if cached || index_too {
            let id = repository.objects.write(Kind::Blob, &bytes)?;
            index.put(new, Entry::new(mode, id));
        }
        if verbose {
            warn(format!("Applied patch {} cleanly.", repository.shown(new)));
        }
    }
    if cached || index_too {
        index.save()?;
    }
    put("");
    Ok(0)
}

fn error_128(text: impl std::fmt::Display) -> Fail {
    Fail {
        code: 128,
        text: format!("error: {text}"),
    }
}

fn reversed(patch: FilePatch) -> FilePatch {
    let hunks = patch.hunks.into_iter().map(|hunk| Hunk {
        old: hunk.new,
        new: hunk.old,
        ..hunk
    });
    FilePatch {
        old: patch.new,
        new: patch.old,
        old_mode: patch.new_mode,
        new_mode: patch.old_mode,
        hunks: hunks.collect(),
        moved: patch.moved,
    }
}

/// What a file will be; none if it goes.
fn result(
    repository: &Repository,
    index: &crate::index::Index,
    patch: &FilePatch,
    cached: bool,
) -> Result<Option<Vec<u8>>> {
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let before = match &patch.old {
        None => {
            let new = patch.new.clone().unwrap_or_default();
            if !cached && repository.file(&new)?.exists() {
                return Err(error(format!(
                    "{}: already exists in working directory",
                    name(&new)
                )));
            }
            Vec::new()
        }
        Some(old) if cached => match index.get(old) {
            Some(entry) => repository.objects.blob(&entry.id)?,
            None => return Err(error(format!("{}: does not exist in index", name(old)))),
        },
        Some(old) => {
            let file = repository.file(old)?;
            std::fs::read(&file).map_err(|reason| {
                error(format!(
                    "{}: {}",
                    name(old),
                    swarm_flow_posix::reason(&reason)
                ))
            })?
        }
    };
    let mut lines: Vec<Vec<u8>> = crate::patch::lines(&before)
        .into_iter()
        .map(<[u8]>::to_vec)
        .collect();
    let shown = name(
        patch
            .old
            .as_deref()
            .or(patch.new.as_deref())
            .unwrap_or_default(),
    );
    let mut shift = 0isize;
    for hunk in &patch.hunks {
        let wanted = hunk.start as isize + shift;
        let place = place(&lines, hunk, wanted.max(0) as usize);
        let Some(place) = place else {
            return Err(error(format!(
                "patch failed: {shown}:{}\nerror: {shown}: patch does not apply",
                hunk.start + usize::from(!hunk.old.is_empty())
            )));
        };
        shift += place as isize - wanted + hunk.new.len() as isize - hunk.old.len() as isize;
        lines.splice(place..place + hunk.old.len(), hunk.new.iter().cloned());
    }
    Ok(patch.new.is_some().then(|| lines.concat()))
}

/// Where the old lines stand, nearest to where they should. A hunk with less around it at one side is bound to the
/// beginning or the end.
fn place(lines: &[Vec<u8>], hunk: &Hunk, wanted: usize) -> Option<usize> {
    let fits = |at: usize| {
        lines
            .get(at..at + hunk.old.len())
            .is_some_and(|found| found == hunk.old.as_slice())
    };
    let at_start = hunk.start == 0 && hunk.leading < hunk.trailing;
    let at_end = hunk.trailing < hunk.leading;
    if at_start {
        return fits(0).then_some(0);
    }
    if at_end {
        let last = lines.len().checked_sub(hunk.old.len())?;
        return fits(last).then_some(last);
    }
    if hunk.old.is_empty() {
        return (wanted <= lines.len()).then_some(wanted);
    }
    (0..=lines.len()).find_map(|far| {
        let below = wanted.checked_sub(far).filter(|at| fits(*at));
        below.or_else(|| Some(wanted + far).filter(|at| fits(*at)))
    })
}

fn read(bytes: &[u8], strip: usize) -> Result<Vec<FilePatch>> {
    let lines: Vec<&[u8]> = crate::patch::lines(bytes);
    let mut patches: Vec<FilePatch> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let text = String::from_utf8_lossy(line)
            .trim_end_matches('\n')
            .to_owned();
        at += 1;
        if let Some(rest) = text.strip_prefix("diff --git ") {
            let mut patch = FilePatch::default();
            if let Some((old, new)) = git_names(rest, strip) {
                (patch.old, patch.new) = (Some(old), Some(new));
            }
            patches.push(patch);
            continue;
        }
        let mode = |text: &str| u32::from_str_radix(text.trim(), 8).ok();
        if let Some(patch) = patches.last_mut().filter(|patch| patch.hunks.is_empty()) {
            if let Some(value) = text.strip_prefix("new file mode ") {
                (patch.old, patch.new_mode) = (None, mode(value));
            } else if let Some(value) = text.strip_prefix("deleted file mode ") {
                (patch.new, patch.old_mode) = (None, mode(value));
            } else if let Some(value) = text.strip_prefix("old mode ") {
                patch.old_mode = mode(value);
            } else if let Some(value) = text.strip_prefix("new mode ") {
                patch.new_mode = mode(value);
            } else if let Some(value) = text.strip_prefix("rename from ") {
                (patch.old, patch.moved) = (Some(unquoted(value)), true);
            } else if let Some(value) = text
                .strip_prefix("rename to ")
                .or_else(|| text.strip_prefix("copy to "))
            {
                patch.new = Some(unquoted(value));
            } else if let Some(value) = text.strip_prefix("copy from ") {
                patch.old = Some(unquoted(value));
            } else if text.starts_with("GIT binary patch") || text.starts_with("Binary files ") {
                return Err(error(
                    "cannot apply binary patch without full index line\nhint: binary patches are not supported here; copy the file",
                ));
            }
        }
        let next = lines
            .get(at)
            .map(|line| {
                String::from_utf8_lossy(line)
                    .trim_end_matches('\n')
                    .to_owned()
            })
            .unwrap_or_default();
        if let (Some(old), Some(new)) = (text.strip_prefix("--- "), next.strip_prefix("+++ ")) {
            at += 1;
            let fresh = patches.last().is_none_or(|patch| {
                !patch.hunks.is_empty() || patch.old.is_none() && patch.new.is_none()
            });
            if fresh {
                patches.push(FilePatch::default());
            }
            if let Some(patch) = patches.last_mut() {
                patch.old = stripped(old, strip);
                patch.new = stripped(new, strip);
            }
            continue;
        }
        if text.starts_with("@@ -") {
            let hunk = hunk(&lines, &mut at, &text)?;
            let patch = patches.last_mut().ok_or_else(|| {
                error_128(format!(
                    "patch fragment without header at line {at}: {text}"
                ))
            })?;
            patch.hunks.push(hunk);
        }
    }
    Ok(patches
        .into_iter()
        .filter(|patch| patch.old.is_some() || patch.new.is_some())
        .collect())
}

fn hunk(lines: &[&[u8]], at: &mut usize, head: &str) -> Result<Hunk> {
    let here = *at;
    let bad = || error_128(format!("corrupt patch at line {here}"));
    let mut parts = head.split(' ');
    let range = |text: Option<&str>| -> Option<(usize, usize)> {
        let text = text?.get(1..)?;
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    parts.next();
    let (start, mut old_left) = range(parts.next()).ok_or_else(bad)?;
    let (_, mut new_left) = range(parts.next()).ok_or_else(bad)?;
    let mut hunk = Hunk {
        start: if old_left == 0 {
            start
        } else {
            start.saturating_sub(1)
        },
        ..Hunk::default()
    };
    let mut changed = false;
    while old_left > 0 || new_left > 0 || lines.get(*at).is_some_and(|line| line.starts_with(b"\\"))
    {
        let line = lines
            .get(*at)
            .copied()
            .ok_or_else(|| error_128(format!("corrupt patch at line {}", *at + 1)))?;
        *at += 1;
        let (mark, rest) = line
            .split_first()
            .map_or((b' ', &[][..]), |(mark, rest)| (*mark, rest));
        match mark {
            b'\n' => {
                hunk.old.push(b"\n".to_vec());
                hunk.new.push(b"\n".to_vec());
                (old_left, new_left) = (old_left.saturating_sub(1), new_left.saturating_sub(1));
                count_around(&mut hunk, changed);
            }
            b' ' => {
                hunk.old.push(rest.to_vec());
                hunk.new.push(rest.to_vec());
                (old_left, new_left) = (old_left.saturating_sub(1), new_left.saturating_sub(1));
                count_around(&mut hunk, changed);
            }
            b'-' => {
                hunk.old.push(rest.to_vec());
                old_left = old_left.saturating_sub(1);
                (changed, hunk.trailing) = (true, 0);
            }
            b'+' => {
                hunk.new.push(rest.to_vec());
                new_left = new_left.saturating_sub(1);
                (changed, hunk.trailing) = (true, 0);
            }
            // The line above has no end.
            b'\\' => {
                let above = lines.get(*at - 2).and_then(|line| line.first()).copied();
                let cut = |list: &mut Vec<Vec<u8>>| {
                    if let Some(last) = list.last_mut()
                        && last.last() == Some(&b'\n')
                    {
                        last.pop();
                    }
                };
                if above != Some(b'+') {
                    cut(&mut hunk.old);
                }
                if above != Some(b'-') {
                    cut(&mut hunk.new);
                }
            }
            _ => return Err(error_128(format!("corrupt patch at line {at}"))),
        }
    }
    Ok(hunk)
}

fn count_around(hunk: &mut Hunk, changed: bool) {
    match changed {
        false => hunk.leading += 1,
        true => hunk.trailing += 1,
    }
}

/// Without the first folders; none for `/dev/null`.
fn stripped(text: &str, strip: usize) -> Option<Vec<u8>> {
    let text = if text.starts_with('"') {
        text
    } else {
        text.split('\t').next().unwrap_or_default()
    };
    let path = unquoted(text);
    if path == b"/dev/null" {
        return None;
    }
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    Some(parts.get(strip.min(parts.len() - 1)..)?.join(&b'/'))
}

/// Both names of a head line, which are the same but for their prefixes.
fn git_names(text: &str, strip: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let spaces = text.match_indices(' ').map(|(at, _)| at);
    for at in spaces {
        let (old, new) = text.split_at(at);
        let pair = (stripped(old, strip)?, stripped(new.trim_start(), strip)?);
        if pair.0 == pair.1 {
            return Some(pair);
        }
    }
    None
}

fn unquoted(text: &str) -> Vec<u8> {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return text.as_bytes().to_vec();
    };
    let mut out = Vec::new();
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(digit @ b'0'..=b'3') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    value =
                        value * 8 + u32::from(bytes.next().unwrap_or(b'0').saturating_sub(b'0'));
                }
                out.push(value as u8);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}
