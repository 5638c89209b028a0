//! File names that a pattern stands for.

use crate::files;
use crate::pattern::{self, Pattern};
use crate::shell::Shell;
use swarm_flow_process::bindings::wasi::filesystem::types::DescriptorType;

/// How deep `**` goes: links may lead in circles.
const DEPTH_MAX: u32 = 64;

struct Search<'a> {
    shell: &'a Shell,
    dots: bool,
    ignore_case: bool,
    everywhere: bool,
    names: Vec<String>,
}

/// The names, in order. A pattern that fits none gives none.
pub fn expand(shell: &Shell, pattern: &str) -> Vec<String> {
    let mut search = Search {
        shell,
        dots: shell.options.has("dotglob"),
        ignore_case: shell.options.has("nocaseglob"),
        everywhere: shell.options.has("globstar"),
        names: Vec::new(),
    };
    let start = pattern.len() - pattern.trim_start_matches('/').len();
    let (root, rest) = pattern.split_at(start);
    let parts: Vec<&str> = split(rest);
    search.walk(root.to_owned(), &parts, 0);
    // By bytes, as in the C locale.
    search.names.sort();
    search.names.dedup();
    search.names
}

/// At slashes, save those between the parentheses of `@(a/b)`.
fn split(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_u32;
    let mut from = 0;
    let mut escaped = false;
    for (at, character) in pattern.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                parts.push(pattern.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(pattern.get(from..).unwrap_or_default());
    parts
}

impl Search<'_> {
    /// `base` ends in a slash or is empty.
    fn walk(&mut self, base: String, parts: &[&str], depth: u32) {
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        if depth > DEPTH_MAX {
            return;
        }
        if part.is_empty() {
            // `a//b`, or the slash at the end: directories only.
            if rest.is_empty() {
                if files::is_directory(&self.shell.path(&base)) {
                    self.names.push(base);
                }
            } else {
                self.walk(format!("{base}/"), rest, depth + 1);
            }
            return;
        }
        if self.everywhere && *part == "**" {
            return self.walk_everywhere(&base, rest, depth);
        }
        if !pattern::is_special(part) {
            let name = unescape(part);
            let path = format!("{base}{name}");
            if rest.is_empty() {
                if files::exists(&self.shell.path(&path)) {
                    self.names.push(path);
                }
            } else {
                self.walk(format!("{path}/"), rest, depth + 1);
            }
            return;
        }
        let pattern = Pattern::with_case(part, self.ignore_case);
        let dots = self.dots || pattern.begins_with_dot();
        for (name, kind) in self.list(&base) {
            if name.starts_with('.') && !dots || !pattern.matches(&name) {
                continue;
            }
            let path = format!("{base}{name}");
            if rest.is_empty() {
                self.names.push(path);
            } else if self.is_directory(&path, kind) {
                self.walk(format!("{path}/"), rest, depth + 1);
            }
        }
    }

    /// `**`: here and in every directory below; links are not followed.
    fn walk_everywhere(&mut self, base: &str, rest: &[&str], depth: u32) {
        if depth > DEPTH_MAX {
            return;
        }
        match rest {
            [] if !base.is_empty() && depth == 0 => self.names.push(base.to_owned()),
            // Between slashes: nothing, or what follows.
            [""] if base.is_empty() => {}
            [] => {}
            _ => self.walk(base.to_owned(), rest, depth + 1),
        }
        for (name, kind) in self.list(base) {
            if name.starts_with('.') && !self.dots {
                continue;
            }
            let path = format!("{base}{name}");
            if rest.is_empty() {
                self.names.push(path.clone());
            }
            if kind == DescriptorType::Directory {
                self.walk_everywhere(&format!("{path}/"), rest, depth + 1);
            }
        }
    }

    fn list(&self, base: &str) -> Vec<(String, DescriptorType)> {
        files::list(&self.shell.path(base)).unwrap_or_default()
    }

    fn is_directory(&self, path: &str, kind: DescriptorType) -> bool {
        match kind {
            DescriptorType::Directory => true,
            DescriptorType::SymbolicLink | DescriptorType::Unknown => {
                files::is_directory(&self.shell.path(path))
            }
            _ => false,
        }
    }
}

fn unescape(part: &str) -> String {
    let mut name = String::with_capacity(part.len());
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => name.extend(characters.next()),
            character => name.push(character),
        }
    }
    name
}
