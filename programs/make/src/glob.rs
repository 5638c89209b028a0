//! File names for patterns with `*`, `?` and `[ ]`.

use std::fs;
use std::path::Path;

pub fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?', '['])
}

/// The files that a word stands for: those that are like it if it is a pattern, the file itself if it is there.
pub fn existing(word: &str) -> Vec<String> {
    if !is_pattern(word) {
        let there = fs::symlink_metadata(word).is_ok();
        return if there {
            vec![word.to_owned()]
        } else {
            Vec::new()
        };
    }
    let (start, rest) = match word.strip_prefix('/') {
        Some(rest) => ("/".to_owned(), rest),
        None => (String::new(), word),
    };
    let mut found = vec![start];
    let mut parts = rest.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let next = found.iter().flat_map(|folder| step(folder, part, last));
        found = next.collect();
    }
    found.sort();
    found
}

/// What lies in a folder and is like one part of a path.
fn step(folder: &str, part: &str, last: bool) -> Vec<String> {
    let end = if last { "" } else { "/" };
    if !is_pattern(part) {
        let path = format!("{folder}{part}{end}");
        let there = part.is_empty() || fs::symlink_metadata(&path).is_ok();
        return if there { vec![path] } else { Vec::new() };
    }
    let place = if folder.is_empty() { "." } else { folder };
    let Ok(entries) = fs::read_dir(place) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && !part.starts_with('.');
        let matches = !hidden && swarm_flow_posix::glob::matches(part, &name, Default::default());
        let path = format!("{folder}{name}");
        if matches && (last || Path::new(&path).is_dir()) {
            found.push(format!("{path}{end}"));
        }
    }
    found
}

/// The words of a rule as file names: patterns in place of which there are files become these, `./` is left off.
pub fn files(words: &str) -> Vec<String> {
    let mut all = Vec::new();
    for word in words.split_ascii_whitespace() {
        match is_pattern(word).then(|| existing(word)) {
            Some(found) if !found.is_empty() => all.extend(found.iter().map(|name| plain(name))),
            _ => all.push(plain(word)),
        }
    }
    all
}

/// A name without `./` before it.
pub fn plain(name: &str) -> String {
    let mut rest = name;
    while let Some(behind) = rest.strip_prefix("./") {
        rest = behind.trim_start_matches('/');
    }
    match rest {
        "" if !name.is_empty() => "./".to_owned(),
        rest => rest.to_owned(),
    }
}
