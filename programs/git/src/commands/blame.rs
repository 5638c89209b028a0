//! `git blame`, `git grep`.

use crate::arguments::{number, parse, unknown};
use crate::commit::Commit;
use crate::fail::{Result, fatal};
use crate::out::{put, say};
use crate::patch::{self, Style};
use crate::pathspec::Pathspec;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::revision;
use crate::{change, objects, walk};
use gix_hash::ObjectId;
use std::collections::HashMap;
use std::rc::Rc;

/// Who is to blame for a line: the commit, the name of the file then, the line then.
#[derive(Clone)]
struct Origin {
    commit: ObjectId,
    path: Vec<u8>,
    line: usize,
    boundary: bool,
}

pub fn blame(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["L", "date", "ignore-rev", "since"],
        &["C", "M"],
    )?;
    let (
        mut range,
        mut long,
        mut porcelain,
        mut suppress,
        mut email,
        mut date,
        mut root,
        mut space,
    ) = (
        None,
        false,
        false,
        false,
        false,
        "iso".to_owned(),
        false,
        false,
    );
    for (name, value) in parsed.options() {
        match name {
            "L" => range = value.map(str::to_owned),
            "l" => long = true,
            "p" | "porcelain" | "line-porcelain" => porcelain = true,
            "s" => suppress = true,
            "e" | "show-email" => email = true,
            "date" => date = value.unwrap_or("iso").to_owned(),
            "root" => root = true,
            "w" => space = true,
            "C" | "M" | "f" | "show-name" | "n" | "show-number" | "t" | "ignore-rev" | "since"
            | "abbrev" | "c" => {}
            _ => return Err(unknown("blame", name)),
        }
    }
    let free = parsed.free();
    let (name, start) = match free.as_slice() {
        [file] => (file, None),
        [one, other] if revision::find_commit(repository, one)?.is_some() => (other, Some(one)),
        [file, other] => (file, Some(other)),
        _ => return Err(super::switch::nothing_given("blame")),
    };
    let path = repository.inside(name)?;
    let word = start.map_or("HEAD", String::as_str);
    let head = revision::commit(repository, word)?;
    let tree = repository.objects.commit(&head)?.tree;
    let entry = repository.objects.tree_entry(&tree, &path)?;
    let entry = entry.ok_or_else(|| fatal(format!("no such path '{name}' in {word}")))?;
    let committed = repository.objects.blob(&entry.id)?;
    let file = repository.file(&path);
    let now = match (start, file) {
        (None, Ok(file)) => std::fs::read(&file).map_err(|reason| {
            fatal(format!(
                "Cannot lstat '{name}': {}",
                swarm_flow_posix::reason(&reason)
            ))
        })?,
        _ => committed.clone(),
    };
    let lines = patch::lines(&now);
    let mut style = Style::new(repository);
    if space {
        style.space = patch::Space::None;
    }
    let mut origins: Vec<Option<Origin>> = vec![None; lines.len()];
    // Lines that only the worktree has are nobody's yet.
    let pending: Vec<(usize, usize)> = match now == committed {
        true => (0..lines.len()).map(|at| (at, at)).collect(),
        false => kept(&committed, &now, &style),
    };
    trace(repository, head, &path, pending, &style, &mut origins)?;
    let (from, to) = match &range {
        Some(range) => parse_range(range, &lines)?,
        None => (0, lines.len()),
    };
    let zero = objects::null();
    let mut rows = Vec::new();
    for (at, line) in lines.iter().enumerate().take(to).skip(from) {
        let origin = origins.get(at).cloned().flatten();
        rows.push((at, *line, origin));
    }
    show(
        repository,
        &rows,
        &path,
        zero,
        Shown {
            long,
            porcelain,
            suppress,
            email,
            date,
            root,
        },
    )
}

struct Shown {
    long: bool,
    porcelain: bool,
    suppress: bool,
    email: bool,
    date: String,
    root: bool,
}

/// Pairs of lines that both texts have: the one in the new text, the one in the old.
fn kept(old: &[u8], new: &[u8], style: &Style) -> Vec<(usize, usize)> {
    let (old_count, new_count) = (patch::lines(old).len(), patch::lines(new).len());
    let mut out = Vec::new();
    let (mut before, mut after) = (0, 0);
    for hunk in patch::hunks(old, new, style) {
        while after < hunk.after.start as usize {
            out.push((after, before));
            (before, after) = (before + 1, after + 1);
        }
        (before, after) = (hunk.before.end as usize, hunk.after.end as usize);
    }
    while after < new_count && before < old_count {
        out.push((after, before));
        (before, after) = (before + 1, after + 1);
    }
    out
}

/// Hands lines to parents that have them already, youngest commits first.
fn trace(
    repository: &Repository,
    head: ObjectId,
    path: &[u8],
    pending: Vec<(usize, usize)>,
    style: &Style,
    origins: &mut [Option<Origin>],
) -> Result<()> {
    type Suspects = HashMap<ObjectId, HashMap<Vec<u8>, Vec<(usize, usize)>>>;
    let mut suspects: Suspects = HashMap::new();
    suspects
        .entry(head)
        .or_default()
        .insert(path.to_vec(), pending);
    let mut walk = walk::Walk::new(repository, vec![head], &[])?;
    let objects = &repository.objects;
    while !suspects.is_empty() {
        let Some(commit) = walk.next_commit()? else {
            break;
        };
        let Some(files) = suspects.remove(&commit.id) else {
            continue;
        };
        for (path, mut lines) in files {
            let Some(entry) = objects.tree_entry(&commit.tree, &path)? else {
                continue;
            };
            let own = objects.blob(&entry.id)?;
            for parent in &commit.parents {
                if lines.is_empty() {
                    break;
                }
                let tree = objects.commit(parent)?.tree;
                let Some((old_path, old_id)) = before(repository, &commit, tree, &path)? else {
                    continue;
                };
                let map: HashMap<usize, usize> = match old_id == entry.id {
                    true => lines.iter().map(|(_, line)| (*line, *line)).collect(),
                    false => kept(&objects.blob(&old_id)?, &own, style)
                        .into_iter()
                        .collect(),
                };
                let (passed, stay): (Vec<_>, Vec<_>) = lines
                    .into_iter()
                    .partition(|(_, line)| map.contains_key(line));
                lines = stay;
                let passed = passed
                    .into_iter()
                    .filter_map(|(at, line)| map.get(&line).map(|old| (at, *old)));
                suspects
                    .entry(*parent)
                    .or_default()
                    .entry(old_path)
                    .or_default()
                    .extend(passed);
            }
            for (at, line) in lines {
                if let Some(origin) = origins.get_mut(at) {
                    *origin = Some(Origin {
                        commit: commit.id,
                        path: path.clone(),
                        line,
                        boundary: commit.parents.is_empty(),
                    });
                }
            }
        }
        suspects.retain(|_, files| files.values().any(|lines| !lines.is_empty()));
    }
    Ok(())
}

/// The file in a parent's tree, which may have another name there.
fn before(
    repository: &Repository,
    commit: &Rc<Commit>,
    tree: ObjectId,
    path: &[u8],
) -> Result<Option<(Vec<u8>, ObjectId)>> {
    if let Some(entry) = repository.objects.tree_entry(&tree, path)? {
        return Ok(Some((path.to_vec(), entry.id)));
    }
    let changes = change::trees(
        &repository.objects,
        Some(tree),
        Some(commit.tree),
        &Pathspec::default(),
    )?;
    let changes = rename::detect(repository, changes, Search::default())?;
    let found = changes
        .into_iter()
        .find(|change| change.path() == path && change.letter() == 'R');
    Ok(found
        .and_then(|change| change.old)
        .map(|old| (old.path, old.id)))
}

fn parse_range(text: &str, lines: &[&[u8]]) -> Result<(usize, usize)> {
    let (from, to) = text.split_once(',').unwrap_or((text, ""));
    let count = lines.len();
    let start = match from
        .strip_prefix('/')
        .map(|pattern| pattern.trim_end_matches('/'))
    {
        Some(pattern) => {
            let regex = regex::bytes::Regex::new(pattern)
                .map_err(|_| fatal(format!("-L parameter '{pattern}': invalid regex")))?;
            lines
                .iter()
                .position(|line| regex.is_match(line))
                .map(|at| at + 1)
                .ok_or_else(|| {
                    fatal(format!(
                        "-L parameter '{pattern}' starting at line 1: no match"
                    ))
                })?
        }
        None if from.is_empty() => 1,
        None => from
            .parse()
            .map_err(|_| fatal(format!("-L invalid line range: {text}")))?,
    };
    let end = match to.strip_prefix('+') {
        Some(more) => start + more.parse::<usize>().unwrap_or(1) - 1,
        None if to.is_empty() => count,
        None => to.parse().unwrap_or(count),
    };
    if start > count {
        return Err(fatal(format!(
            "file has only {count} line{}",
            if count == 1 { "" } else { "s" }
        )));
    }
    Ok((start.saturating_sub(1), end.min(count)))
}

fn show(
    repository: &Repository,
    rows: &[(usize, &[u8], Option<Origin>)],
    path: &[u8],
    zero: ObjectId,
    shown: Shown,
) -> Result<i32> {
    let nobody = |_: &()| {
        (
            zero,
            "Not Committed Yet".to_owned(),
            "not.committed.yet".to_owned(),
        )
    };
    let mut width_id = 8;
    let mut cells = Vec::new();
    for (at, line, origin) in rows {
        let (id, name, mail, when, file, number, boundary) = match origin {
            Some(origin) => {
                let commit = repository.objects.commit(&origin.commit)?;
                (
                    origin.commit,
                    commit.author.name.clone(),
                    commit.author.email.clone(),
                    commit.author.clone(),
                    origin.path.clone(),
                    origin.line,
                    origin.boundary,
                )
            }
            None => {
                let (id, name, mail) = nobody(&());
                let now = crate::date::now();
                let who = crate::commit::Person {
                    name: name.clone(),
                    email: mail.clone(),
                    seconds: now.seconds,
                    offset_seconds: now.offset,
                };
                (id, name, mail, who, path.to_vec(), *at, false)
            }
        };
        width_id = width_id.max(revision::short(repository, id).len() + 1);
        cells.push((
            id,
            name,
            mail,
            when,
            file,
            number,
            boundary && !shown.root,
            *at,
            *line,
        ));
    }
    let names = cells
        .iter()
        .map(|cell| cell.1.chars().count())
        .max()
        .unwrap_or(0);
    let mails = cells
        .iter()
        .map(|cell| cell.2.chars().count() + 2)
        .max()
        .unwrap_or(0);
    let other_file = cells.iter().any(|cell| cell.4 != path);
    let files = cells.iter().map(|cell| cell.4.len()).max().unwrap_or(0);
    let digits = cells
        .last()
        .map_or(1, |cell| (cell.7 + 1).to_string().len());
    let mut told: std::collections::HashSet<ObjectId> = std::collections::HashSet::new();
    let mut before: Option<(ObjectId, usize)> = None;
    for (row, (id, name, mail, when, file, number, boundary, at, line)) in cells.iter().enumerate()
    {
        if shown.porcelain {
            // Lines that came together are a group; its first line says how many they are.
            let follows = before == Some((*id, *number));
            let rest = cells.get(row..).unwrap_or_default().iter().enumerate();
            let group = rest
                .take_while(|(step, cell)| cell.0 == *id && cell.5 == number + step)
                .count();
            let group = if follows {
                String::new()
            } else {
                format!(" {group}")
            };
            before = Some((*id, number + 1));
            say!("{id} {} {}{group}", number + 1, at + 1);
            if told.insert(*id) {
                let commit = if id.is_null() {
                    None
                } else {
                    Some(repository.objects.commit(id)?)
                };
                let committer = commit.as_ref().map_or(when, |commit| &commit.committer);
                let zone =
                    |person: &crate::commit::Person| crate::commit::zone(person.offset_seconds);
                say!(
                    "author {name}\nauthor-mail <{mail}>\nauthor-time {}\nauthor-tz {}",
                    when.seconds,
                    zone(when)
                );
                say!(
                    "committer {}\ncommitter-mail <{}>\ncommitter-time {}\ncommitter-tz {}",
                    committer.name,
                    committer.email,
                    committer.seconds,
                    zone(committer)
                );
                say!(
                    "summary {}",
                    commit
                        .as_ref()
                        .map_or("Version of the worktree".to_owned(), |commit| commit
                            .subject())
                );
                if *boundary {
                    say!("boundary");
                }
                say!("filename {}", repository.shown(file));
            }
            put([b"\t", *line].concat());
            if line.last() != Some(&b'\n') {
                put("\n");
            }
            continue;
        }
        let length = if shown.long { 40 } else { width_id };
        let hex = id.to_string();
        let id = match boundary {
            true => format!("^{}", hex.get(..length - 1).unwrap_or(&hex)),
            false => hex.get(..length).unwrap_or(&hex).to_owned(),
        };
        let file = match other_file {
            true => format!(" {:<files$}", String::from_utf8_lossy(file)),
            false => String::new(),
        };
        let who = match (shown.suppress, shown.email) {
            (true, _) => String::new(),
            (false, true) => format!(
                "({:<mails$} {} ",
                format!("<{mail}>"),
                crate::date::show(when, &shown.date)
            ),
            (false, false) => format!(
                "({name}{} {} ",
                " ".repeat(names - name.chars().count()),
                crate::date::show(when, &shown.date)
            ),
        };
        put(format!("{id}{file} {who}{:>digits$}) ", at + 1));
        put(line);
        if line.last() != Some(&b'\n') {
            put("\n");
        }
    }
    Ok(0)
}

pub fn grep(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["e", "f", "m", "max-count", "A", "B", "C", "max-depth"],
        &["O"],
    )?;
    let mut patterns = Vec::new();
    let (
        mut numbers,
        mut case,
        mut names,
        mut without,
        mut count,
        mut word,
        mut fixed,
        mut extended,
        mut invert,
        mut cached,
        mut is_quiet,
        mut untracked,
    ) = (
        repository
            .config
            .boolean("grep.linenumber")
            .unwrap_or(false),
        false,
        false,
        false,
        false,
        false,
        false,
        false,
        false,
        false,
        false,
        false,
    );
    let (mut before, mut after, mut headings, mut show_names, mut only, mut most) =
        (0, 0, false, true, false, usize::MAX);
    for (name, value) in parsed.options() {
        match name {
            "e" => patterns.extend(value.map(str::to_owned)),
            "n" | "line-number" => numbers = true,
            "i" | "ignore-case" => case = true,
            "l" | "files-with-matches" | "name-only" => names = true,
            "L" | "files-without-match" => without = true,
            "c" | "count" => count = true,
            "w" | "word-regexp" => word = true,
            "F" | "fixed-strings" => fixed = true,
            "E" | "extended-regexp" | "P" | "perl-regexp" => extended = true,
            "G" | "basic-regexp" => extended = false,
            "v" | "invert-match" => invert = true,
            "cached" => cached = true,
            "q" | "quiet" => is_quiet = true,
            "untracked" => untracked = true,
            "A" | "after-context" => after = number(name, value)?,
            "B" | "before-context" => before = number(name, value)?,
            "C" | "context" => (before, after) = (number(name, value)?, number(name, value)?),
            "number" => (before, after) = (number(name, value)?, number(name, value)?),
            "heading" => headings = true,
            "h" => show_names = false,
            "o" | "only-matching" => only = true,
            "m" | "max-count" => most = number(name, value)?,
            "H" | "I" | "a" | "text" | "no-color" | "color" | "r" | "recursive" | "full-name"
            | "break" | "no-line-number" | "no-index" | "exclude-standard" | "and" | "or" => {}
            _ => return Err(unknown("grep", name)),
        }
    }
    let mut free = parsed.words();
    if patterns.is_empty() {
        if free.is_empty() {
            return Err(fatal("no pattern given"));
        }
        patterns.push(free.remove(0));
    }
    let translated = patterns.iter().map(|pattern| {
        let syntax = if extended {
            swarm_flow_posix::pattern::Syntax::Extended
        } else {
            swarm_flow_posix::pattern::Syntax::Basic
        };
        let text = match fixed {
            true => swarm_flow_posix::pattern::literal(pattern),
            false => {
                swarm_flow_posix::pattern::translate(pattern, syntax)
                    .map_err(|reason| fatal(format!("command line, '{pattern}': {reason}")))?
                    .regex
            }
        };
        Ok(if word {
            format!("\\b(?:{text})\\b")
        } else {
            format!("(?:{text})")
        })
    });
    let joined = translated.collect::<Result<Vec<_>>>()?.join("|");
    let regex = regex::bytes::RegexBuilder::new(&joined)
        .case_insensitive(case)
        .build();
    let regex = regex.map_err(|_| {
        fatal(format!(
            "command line, '{}': Invalid regular expression",
            patterns.join(" ")
        ))
    })?;
    let (revisions, mut paths) = super::diff::split(repository, &free, parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    let specs = match paths.is_empty() && !repository.prefix.is_empty() {
        true => Pathspec::parse(repository, &[".".to_owned()])?,
        false => Pathspec::parse(repository, &paths)?,
    };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for name in &revisions {
        for entry in repository
            .objects
            .files(&revision::tree(repository, name)?)?
        {
            if specs.matches(&entry.name) && entry.mode != objects::MODE_COMMIT {
                files.push((
                    format!("{name}:{}", repository.shown_here(&entry.name)),
                    repository.objects.blob(&entry.id)?,
                ));
            }
        }
    }
    if revisions.is_empty() {
        let index = repository.index()?;
        let mut all = index.paths();
        if untracked {
            all.extend(
                crate::worktree::walk(
                    repository,
                    &index,
                    &specs,
                    crate::worktree::Untracked::All,
                    false,
                )?
                .untracked,
            );
            all.sort();
        }
        for path in all.into_iter().filter(|path| specs.matches(path)) {
            let entry = index.get(&path).filter(|_| cached);
            let bytes = match entry {
                Some(entry) => Ok(repository.objects.blob(&entry.id)?),
                None => std::fs::read(repository.file(&path)?),
            };
            if let Ok(bytes) = bytes {
                files.push((repository.shown_here(&path), bytes));
            }
        }
    }
    let mut any = false;
    let mut first = true;
    for (name, bytes) in files {
        let lines: Vec<&[u8]> = patch::lines(&bytes)
            .into_iter()
            .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
            .collect();
        let hits: Vec<usize> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| regex.is_match(line) != invert)
            .map(|(at, _)| at)
            .take(most)
            .collect();
        if without {
            any |= hits.is_empty();
            if hits.is_empty() {
                say!("{name}");
            }
            continue;
        }
        if hits.is_empty() {
            continue;
        }
        any = true;
        if is_quiet {
            return Ok(0);
        }
        let label = if show_names {
            format!("{name}:")
        } else {
            String::new()
        };
        if names {
            say!("{name}");
            continue;
        }
        if count {
            say!("{label}{}", hits.len());
            continue;
        }
        if patch::is_binary(&bytes) {
            say!("Binary file {name} matches");
            continue;
        }
        if headings {
            say!("{name}");
        }
        let mut last: Option<usize> = None;
        for (number, at) in hits.iter().enumerate() {
            let from = at
                .saturating_sub(before)
                .max(last.map_or(0, |last| last + 1));
            if before + after > 0 && last.map_or(!first, |last| from > last + 1) {
                say!("--");
            }
            first = false;
            let next = hits.get(number + 1).copied().unwrap_or(usize::MAX);
            let to = (at + after).min(lines.len() - 1).min(next - 1);
            for row in from..=to {
                let mark = if row == *at { ':' } else { '-' };
                let text = lines.get(row).copied().unwrap_or_default();
                let head = if show_names && !headings {
                    format!("{name}{mark}")
                } else {
                    String::new()
                };
                let head = if numbers {
                    format!("{head}{}{mark}", row + 1)
                } else {
                    head
                };
                if only && row == *at {
                    for found in regex.find_iter(text) {
                        put([head.as_bytes(), found.as_bytes(), b"\n"].concat());
                    }
                    continue;
                }
                put([head.as_bytes(), text, b"\n"].concat());
            }
            last = Some(to);
        }
    }
    Ok(i32::from(!any))
}
