//! Patches as text.

use crate::change::{Change, Side};
use crate::fail::Result;
use crate::objects;
use crate::out::put;
use crate::paths;
use crate::repository::Repository;
use gix_imara_diff::{Algorithm, Diff, Hunk, InternedInput};

#[derive(Clone)]
pub struct Style {
    pub context: usize,
    pub algorithm: Algorithm,
    pub full_index: bool,
    pub text: bool,
    pub prefixes: (String, String),
    pub space: Space,
    pub irreversible_delete: bool,
    pub between_hunks: usize,
}

/// Which differences in white space do not count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Space {
    Counts,
    /// `-w`
    None,
    /// `-b`
    Amount,
    /// `--ignore-space-at-eol`
    AtEnd,
}

impl Style {
    pub fn new(repository: &Repository) -> Self {
        let number = |key: &str, default| {
            repository
                .config
                .get(key)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let algorithm = repository
            .config
            .get("diff.algorithm")
            .and_then(algorithm)
            .unwrap_or(Algorithm::Myers);
        let mut prefixes = ("a/".to_owned(), "b/".to_owned());
        if repository.config.boolean("diff.noprefix") == Some(true) {
            prefixes = (String::new(), String::new());
        }
        Style {
            context: number("diff.context", 3),
            algorithm,
            full_index: false,
            text: false,
            prefixes,
            space: Space::Counts,
            irreversible_delete: false,
            between_hunks: number("diff.interhunkcontext", 0),
        }
    }
}

pub fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "myers" | "default" => Some(Algorithm::Myers),
        "minimal" => Some(Algorithm::MyersMinimal),
        "histogram" | "patience" => Some(Algorithm::Histogram),
        _ => None,
    }
}

/// A null byte near the beginning.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8_000).any(|byte| *byte == 0)
}

/// Lines with their ends.
pub fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Where two texts differ, by lines.
pub fn hunks(old: &[u8], new: &[u8], style: &Style) -> Vec<Hunk> {
    let space = style.space;
    if space == Space::Counts {
        let input = InternedInput::new(old, new);
        let mut diff = Diff::compute(style.algorithm, &input);
        diff.postprocess_lines(&input);
        return diff.hunks().collect();
    }
    let squeeze = |bytes: &[u8]| {
        lines(bytes)
            .into_iter()
            .map(|line| squeezed(line, space))
            .collect::<Vec<_>>()
    };
    let mut input: InternedInput<Vec<u8>> = InternedInput::default();
    input.update_before(squeeze(old).into_iter());
    input.update_after(squeeze(new).into_iter());
    let mut diff = Diff::compute(style.algorithm, &input);
    diff.postprocess_lines(&input);
    diff.hunks().collect()
}

fn squeezed(line: &[u8], space: Space) -> Vec<u8> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let end = line
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(0, |at| at + 1);
    let line = line.get(..end).unwrap_or_default();
    let mut out: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line {
        match space {
            Space::None if is_space(byte) => {}
            Space::Amount if is_space(byte) => {
                if out.last() != Some(&b' ') {
                    out.push(b' ');
                }
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// How many lines come and go; none for binary files.
pub fn count(
    repository: &Repository,
    change: &Change,
    style: &Style,
) -> Result<Option<(usize, usize)>> {
    if same_content(change) {
        return Ok(Some((0, 0)));
    }
    let (old, new) = contents(repository, change)?;
    if !style.text && (is_binary(&old) || is_binary(&new)) {
        return Ok(None);
    }
    if change.rewritten {
        return Ok(Some((lines(&new).len(), lines(&old).len())));
    }
    let hunks = hunks(&old, &new, style);
    let sum = |length: fn(&Hunk) -> usize| hunks.iter().map(length).sum();
    Ok(Some((
        sum(|hunk| hunk.after.len()),
        sum(|hunk| hunk.before.len()),
    )))
}

fn same_content(change: &Change) -> bool {
    matches!((&change.old, &change.new), (Some(old), Some(new)) if old.id == new.id && !old.id.is_null())
}

pub fn contents(repository: &Repository, change: &Change) -> Result<(Vec<u8>, Vec<u8>)> {
    let read = |side: &Option<Side>| {
        side.as_ref()
            .map_or(Ok(Vec::new()), |side| side.content(repository))
    };
    Ok((read(&change.old)?, read(&change.new)?))
}

/// Prints the patch of one file.
pub fn print(repository: &Repository, change: &Change, style: &Style) -> Result<()> {
    if change.unmerged {
        put(format!(
            "* Unmerged path {}\n",
            repository.shown(change.path())
        ));
        return Ok(());
    }
    // A file that becomes a link is a file that goes and a link that comes.
    if change.letter() == 'T' {
        print(repository, &Change::new(change.old.clone(), None), style)?;
        return print(repository, &Change::new(None, change.new.clone()), style);
    }
    let (old, new) = contents(repository, change)?;
    let text = style.text || !is_binary(&old) && !is_binary(&new);
    let hunks = match text && old != new {
        true if change.rewritten => vec![Hunk {
            before: 0..lines(&old).len() as u32,
            after: 0..lines(&new).len() as u32,
        }],
        true => hunks(&old, &new, style),
        false => Vec::new(),
    };
    let changed = if text { !hunks.is_empty() } else { old != new };
    let head = head(repository, change, style, changed);
    let only_space = style.space != Space::Counts && old != new && !changed;
    if only_space
        && change.old.as_ref().map(|side| side.mode) == change.new.as_ref().map(|side| side.mode)
    {
        return Ok(());
    }
    put(head);
    if !changed || style.irreversible_delete && change.new.is_none() {
        return Ok(());
    }
    let (old_name, new_name) = names(repository, change, style);
    if !text {
        put(format!("Binary files {old_name} and {new_name} differ\n"));
        return Ok(());
    }
    // A name with a space is ended by a tab, so that `patch` sees its end.
    let ended = |name: &str| {
        if name.contains(' ') && !name.starts_with('"') {
            format!("{name}\t")
        } else {
            name.to_owned()
        }
    };
    put(format!(
        "--- {}\n+++ {}\n",
        ended(&old_name),
        ended(&new_name)
    ));
    put(body(&lines(&old), &lines(&new), &hunks, style));
    Ok(())
}

fn name(repository: &Repository, prefix: &str, path: &[u8]) -> String {
    let ascii = repository.quotes_bytes();
    match paths::needs_quotes(path, ascii) {
        true => format!("\"{prefix}{}\"", paths::escaped(path, ascii)),
        false => format!("{prefix}{}", String::from_utf8_lossy(path)),
    }
}

fn names(repository: &Repository, change: &Change, style: &Style) -> (String, String) {
    let named = |side: &Option<Side>, prefix: &str| match side {
        Some(side) => name(repository, prefix, &side.path),
        None => "/dev/null".to_owned(),
    };
    (
        named(&change.old, &style.prefixes.0),
        named(&change.new, &style.prefixes.1),
    )
}

fn head(repository: &Repository, change: &Change, style: &Style, changed: bool) -> String {
    let (old_name, new_name) = (
        name(repository, &style.prefixes.0, change.old_path()),
        name(repository, &style.prefixes.1, change.path()),
    );
    let mut out = format!("diff --git {old_name} {new_name}\n");
    let mode = |side: &Option<Side>| side.as_ref().map_or(0, |side| side.mode);
    let (old_mode, new_mode) = (mode(&change.old), mode(&change.new));
    match (&change.old, &change.new) {
        (None, _) => out += &format!("new file mode {new_mode:o}\n"),
        (_, None) => out += &format!("deleted file mode {old_mode:o}\n"),
        _ if old_mode != new_mode => {
            out += &format!("old mode {old_mode:o}\nnew mode {new_mode:o}\n")
        }
        _ => {}
    }
    let (old_path, new_path) = (change.old_path(), change.path());
    if old_path != new_path {
        let word = if change.copied { "copy" } else { "rename" };
        out += &format!("similarity index {}%\n", change.percent());
        out += &format!(
            "{word} from {}\n{word} to {}\n",
            repository.shown(old_path),
            repository.shown(new_path)
        );
    } else if change.rewritten {
        out += &format!("dissimilarity index {}%\n", change.percent());
    }
    let id = |side: &Option<Side>| side.as_ref().map_or(objects::null(), |side| side.id);
    let (old_id, new_id) = (id(&change.old), id(&change.new));
    if old_id != new_id {
        let _ = changed;
        let short = |id| match style.full_index {
            true => format!("{id}"),
            false => crate::revision::short(repository, id),
        };
        out += &format!("index {}..{}", short(old_id), short(new_id));
        if old_mode == new_mode {
            out += &format!(" {new_mode:o}");
        }
        out.push('\n');
    }
    out
}

/// Hunks with their surroundings.
pub fn body(old: &[&[u8]], new: &[&[u8]], hunks: &[Hunk], style: &Style) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < hunks.len() {
        let rest = hunks.get(at..).unwrap_or_default();
        let joined = rest.windows(2).take_while(|pair| match pair {
            [one, other] => {
                (other.before.start - one.before.end) as usize
                    <= 2 * style.context + style.between_hunks
            }
            _ => false,
        });
        let count = joined.count() + 1;
        group(
            old,
            new,
            rest.get(..count).unwrap_or_default(),
            style,
            &mut out,
        );
        at += count;
    }
    out
}

fn group(old: &[&[u8]], new: &[&[u8]], hunks: &[Hunk], style: &Style, out: &mut Vec<u8>) {
    let (Some(first), Some(last)) = (hunks.first(), hunks.last()) else {
        return;
    };
    let before = style
        .context
        .min(first.before.start as usize)
        .min(first.after.start as usize);
    let start = first.before.start as usize - before;
    let new_start = first.after.start as usize - before;
    let after = style
        .context
        .min(old.len() - last.before.end as usize)
        .min(new.len() - last.after.end as usize);
    let (end, new_end) = (
        last.before.end as usize + after,
        last.after.end as usize + after,
    );
    let range = |start: usize, end: usize| match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    };
    out.extend(
        format!(
            "@@ -{} +{} @@",
            range(start, end),
            range(new_start, new_end)
        )
        .bytes(),
    );
    if let Some(function) = function(old, start) {
        out.push(b' ');
        out.extend(function);
    }
    out.push(b'\n');
    let mut at = start;
    for hunk in hunks {
        let (from, to) = (hunk.before.start as usize, hunk.before.end as usize);
        old.get(at..from)
            .into_iter()
            .flatten()
            .for_each(|line| push(out, b' ', line));
        old.get(from..to)
            .into_iter()
            .flatten()
            .for_each(|line| push(out, b'-', line));
        let added = new.get(hunk.after.start as usize..hunk.after.end as usize);
        added
            .into_iter()
            .flatten()
            .for_each(|line| push(out, b'+', line));
        at = to;
    }
    // With space ignored, lines around may differ: the new ones are shown.
    let tail = new.get(last.after.end as usize..new_end);
    tail.into_iter()
        .flatten()
        .for_each(|line| push(out, b' ', line));
}

fn push(out: &mut Vec<u8>, mark: u8, line: &[u8]) {
    out.push(mark);
    out.extend(line);
    if line.last() != Some(&b'\n') {
        out.extend(b"\n\\ No newline at end of file\n");
    }
}

/// The last line before that looks like the head of a function.
fn function<'a>(old: &[&'a [u8]], start: usize) -> Option<&'a [u8]> {
    let above = old.get(..start)?.iter().rev();
    let is_head = |line: &&&[u8]| {
        line.first()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || b"_$".contains(byte))
    };
    let line = above.into_iter().find(is_head)?;
    let line = line.get(..80.min(line.len()))?;
    Some(line.trim_ascii_end())
}
