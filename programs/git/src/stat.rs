//! What changed in short: `--stat`, `--numstat`, `--shortstat`, `--summary`, `--name-status`, `--raw`.

use crate::change::{Change, Side};
use crate::fail::Result;
use crate::out::{put, say};
use crate::patch::{self, Style};
use crate::repository::Repository;
use crate::{objects, revision};

/// How wide the table may be.
#[derive(Clone, Copy)]
pub struct Width {
    pub all: usize,
    pub name: Option<usize>,
    pub graph: Option<usize>,
    pub count: Option<usize>,
}

impl Default for Width {
    fn default() -> Self {
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        Width {
            all: columns.filter(|columns| *columns > 0).unwrap_or(80),
            name: None,
            graph: None,
            count: None,
        }
    }
}

struct Row {
    name: String,
    /// Lines that came and went.
    lines: Option<(usize, usize)>,
    /// For binary files.
    bytes: (usize, usize),
    unmerged: bool,
}

fn rows(repository: &Repository, changes: &[Change], style: &Style) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for change in changes {
        let lines = if change.unmerged {
            Some((0, 0))
        } else {
            patch::count(repository, change, style)?
        };
        let bytes = match lines {
            Some(_) => (0, 0),
            None => {
                let (old, new) = patch::contents(repository, change)?;
                (old.len(), new.len())
            }
        };
        rows.push(Row {
            name: pretty_name(repository, change),
            lines,
            bytes,
            unmerged: change.unmerged,
        });
    }
    Ok(rows)
}

/// `a/{b => c}/d` for a rename.
pub fn pretty_name(repository: &Repository, change: &Change) -> String {
    let (old, new) = (change.old_path(), change.path());
    if old == new {
        return repository.shown(new);
    }
    let ascii = repository.quotes_bytes();
    if crate::paths::needs_quotes(old, ascii) || crate::paths::needs_quotes(new, ascii) {
        return format!("{} => {}", repository.shown(old), repository.shown(new));
    }
    let same = old
        .iter()
        .zip(new)
        .take_while(|(one, other)| one == other)
        .count();
    let shared = old.get(..same).unwrap_or_default();
    let head = shared
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    // The slash that ends the head may be the one that begins the tail.
    let mut tail = 0;
    let room = old.len().min(new.len()) - head.saturating_sub(1).min(head);
    for length in 1..=room {
        let (one, other) = (old.get(old.len() - length), new.get(new.len() - length));
        if one != other {
            break;
        }
        if one == Some(&b'/') {
            tail = length;
        }
    }
    let cut = |path: &[u8]| {
        let end = path.len().saturating_sub(tail).max(head);
        String::from_utf8_lossy(path.get(head..end).unwrap_or_default()).into_owned()
    };
    if head == 0 && tail == 0 {
        return format!("{} => {}", cut(old), cut(new));
    }
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    format!(
        "{}{{{} => {}}}{}",
        text(old.get(..head)),
        cut(old),
        cut(new),
        text(old.get(old.len() - tail..))
    )
}

pub fn table(
    repository: &Repository,
    changes: &[Change],
    style: &Style,
    width: Width,
) -> Result<()> {
    let rows = rows(repository, changes, style)?;
    if rows.is_empty() {
        return Ok(());
    }
    let shown_count = width.count.unwrap_or(rows.len()).min(rows.len());
    let shown = rows.get(..shown_count).unwrap_or_default();
    let total = |row: &Row| row.lines.map_or(0, |(added, removed)| added + removed);
    let digits = |number: usize| number.to_string().len();
    let change_max = shown.iter().map(total).max().unwrap_or(0);
    let name_max = shown
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    let binary = shown.iter().filter(|row| row.lines.is_none());
    let binary_width = binary
        .map(|row| 14 + digits(row.bytes.0) + digits(row.bytes.1))
        .max()
        .unwrap_or(0);
    let number_width = digits(change_max).max(if binary_width > 0 { 3 } else { 0 });
    let unmerged_width = if shown.iter().any(|row| row.unmerged) {
        8
    } else {
        0
    };
    let binary_width = binary_width.max(unmerged_width);
    let all = width.all.max(16 + 6 + number_width);
    let mut graph_width = if change_max + 4 > binary_width {
        change_max
    } else {
        binary_width - 4
    };
    if let Some(most) = width.graph {
        graph_width = graph_width.min(most);
    }
    let mut name_width = width
        .name
        .filter(|most| *most > 0)
        .map_or(name_max, |most| most.min(name_max));
    if name_width + number_width + 6 + graph_width > all {
        let most = (all * 3 / 8).saturating_sub(number_width + 6);
        if graph_width > most {
            graph_width = most.max(6);
        }
        let most = all.saturating_sub(number_width + 6 + graph_width);
        match name_width > most {
            true => name_width = most,
            false => graph_width = all - number_width - 6 - name_width,
        }
    }
    for row in shown {
        let (dots, name) = shortened(&row.name, name_width);
        let padding = " ".repeat(name_width.saturating_sub(dots.len() + name.chars().count()));
        let head = format!(" {dots}{name}{padding} |");
        match row.lines {
            _ if row.unmerged => say!("{head} {:>number_width$}", "Unmerged"),
            None if row.bytes == (0, 0) => say!("{head} {:>number_width$}", "Bin"),
            None => say!(
                "{head} {:>number_width$} {} -> {} bytes",
                "Bin",
                row.bytes.0,
                row.bytes.1
            ),
            Some((added, removed)) => {
                let (plus, minus) = scaled(added, removed, graph_width, change_max);
                let graph = format!("{}{}", "+".repeat(plus), "-".repeat(minus));
                let space = if graph.is_empty() { "" } else { " " };
                say!("{head} {:>number_width$}{space}{graph}", added + removed);
            }
        }
    }
    if shown_count < rows.len() {
        say!(" ...");
    }
    put(totals(&rows));
    Ok(())
}

fn shortened(name: &str, width: usize) -> (&'static str, &str) {
    let length = name.chars().count();
    if length <= width {
        return ("", name);
    }
    let skip = length - width.saturating_sub(3);
    let from = name
        .char_indices()
        .nth(skip)
        .map_or(name.len(), |(at, _)| at);
    let rest = name.get(from..).unwrap_or_default();
    let from_slash = rest.find('/').and_then(|at| rest.get(at..));
    ("...", from_slash.unwrap_or(rest))
}

fn scaled(added: usize, removed: usize, width: usize, most: usize) -> (usize, usize) {
    let scale = |number: usize| match number {
        0 => 0,
        _ => 1 + number * width.saturating_sub(1) / most.max(1),
    };
    if width > most {
        return (added, removed);
    }
    let mut total = scale(added + removed);
    if total < 2 && added > 0 && removed > 0 {
        total = 2;
    }
    match added < removed {
        true => (scale(added), total.saturating_sub(scale(added))),
        false => (total.saturating_sub(scale(removed)), scale(removed)),
    }
}

fn totals(rows: &[Row]) -> String {
    let counted = rows.iter().filter(|row| !row.unmerged);
    let (mut files, mut added, mut removed) = (0, 0, 0);
    for row in counted {
        let (plus, minus) = row.lines.unwrap_or_default();
        (files, added, removed) = (files + 1, added + plus, removed + minus);
    }
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let mut out = format!(" {files} file{} changed", plural(files));
    if files > 0 && (added > 0 || removed == 0) {
        out += &format!(", {added} insertion{}(+)", plural(added));
    }
    if files > 0 && (removed > 0 || added == 0) {
        out += &format!(", {removed} deletion{}(-)", plural(removed));
    }
    out + "\n"
}

pub fn short(repository: &Repository, changes: &[Change], style: &Style) -> Result<()> {
    let rows = rows(repository, changes, style)?;
    if !rows.is_empty() {
        put(totals(&rows));
    }
    Ok(())
}

pub fn numbers(
    repository: &Repository,
    changes: &[Change],
    style: &Style,
    null: bool,
) -> Result<()> {
    for (row, change) in rows(repository, changes, style)?.iter().zip(changes) {
        let counts = match row.lines {
            Some((added, removed)) => format!("{added}\t{removed}\t"),
            None => "-\t-\t".to_owned(),
        };
        put(counts);
        match null {
            true if change.old_path() != change.path() => {
                put([b"\0", change.old_path(), b"\0", change.path(), b"\0"].concat());
            }
            true => put([change.path(), b"\0"].concat()),
            false => say!("{}", row.name),
        }
    }
    Ok(())
}

/// Files that came, went, moved or changed their mode.
pub fn summary(repository: &Repository, changes: &[Change]) {
    for change in changes {
        let name = repository.shown(change.path());
        match (&change.old, &change.new) {
            _ if change.unmerged => {}
            (None, Some(new)) => say!(" create mode {:o} {name}", new.mode),
            (Some(old), None) => say!(" delete mode {:o} {name}", old.mode),
            (Some(old), Some(new)) if old.path != new.path => {
                let word = if change.copied { "copy" } else { "rename" };
                say!(
                    " {word} {} ({}%)",
                    pretty_name(repository, change),
                    change.percent()
                );
                if old.mode != new.mode {
                    say!(" mode change {:o} => {:o}", old.mode, new.mode);
                }
            }
            (Some(old), Some(new)) => {
                if change.rewritten {
                    say!(" rewrite {name} ({}%)", change.percent());
                }
                if old.mode != new.mode {
                    let name = if change.rewritten {
                        String::new()
                    } else {
                        format!(" {name}")
                    };
                    say!(" mode change {:o} => {:o}{name}", old.mode, new.mode);
                }
            }
            (None, None) => {}
        }
    }
}

pub fn names(repository: &Repository, changes: &[Change], status: bool, null: bool) {
    for change in changes {
        let letter = change.letter();
        let (old, new) = (change.old_path(), change.path());
        let moved = old != new;
        let mark = match letter {
            'R' | 'C' => format!("{letter}{:03}", change.percent()),
            'M' if change.rewritten => format!("{letter}{:03}", change.percent()),
            _ => letter.to_string(),
        };
        match (status, null) {
            (false, false) => say!("{}", repository.shown(new)),
            (false, true) => put([new, b"\0"].concat()),
            (true, false) if moved => say!(
                "{mark}\t{}\t{}",
                repository.shown(old),
                repository.shown(new)
            ),
            (true, false) => say!("{mark}\t{}", repository.shown(new)),
            (true, true) if moved => put([mark.as_bytes(), b"\0", old, b"\0", new, b"\0"].concat()),
            (true, true) => put([mark.as_bytes(), b"\0", new, b"\0"].concat()),
        }
    }
}

pub fn raw(repository: &Repository, changes: &[Change], full: bool, null: bool) {
    for change in changes {
        let mode = |side: &Option<Side>| side.as_ref().map_or(0, |side| side.mode);
        let id = |side: &Option<Side>| {
            let id = side
                .as_ref()
                .filter(|side| !side.in_worktree)
                .map_or(objects::null(), |side| side.id);
            if full {
                id.to_string()
            } else {
                revision::short(repository, id)
            }
        };
        put(format!(
            ":{:06o} {:06o} {} {} ",
            mode(&change.old),
            mode(&change.new),
            id(&change.old),
            id(&change.new)
        ));
        names(repository, std::slice::from_ref(change), true, null);
    }
}
