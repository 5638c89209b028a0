//! `vpath`: folders in which prerequisites are looked for.

use crate::assignment::first_word;
use crate::stem::Pattern;

#[derive(Default)]
pub struct SearchPath(Vec<(String, Vec<String>)>);

impl SearchPath {
    /// `PATTERN FOLDERS`; without folders it takes the pattern back, without a pattern all.
    pub fn add(&mut self, text: &str) {
        let (pattern, folders) = first_word(text.trim());
        if pattern.is_empty() {
            self.0.clear();
            return;
        }
        let folders: Vec<String> = list(folders);
        match folders.is_empty() {
            true => self.0.retain(|(other, _)| other != pattern),
            false => self.0.push((pattern.to_owned(), folders)),
        }
    }

    /// Where a name is looked for; `general` is `VPATH`.
    pub fn folders(&self, name: &str, general: &str) -> Vec<String> {
        if name.starts_with('/') {
            return Vec::new();
        }
        let matching = self
            .0
            .iter()
            .filter(|(pattern, _)| Pattern::new(pattern).matches(name));
        let mut folders: Vec<String> = matching.flat_map(|(_, folders)| folders.clone()).collect();
        folders.extend(list(general));
        folders
    }
}

fn list(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c == ':' || c.is_ascii_whitespace());
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
