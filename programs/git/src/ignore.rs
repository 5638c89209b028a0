//! What `.gitignore` and its kin say.

use crate::config::expanded;
use crate::fail::Result;
use crate::repository::Repository;
use gix_glob::pattern::Case;
use gix_ignore::Search;
use gix_ignore::search::Ignore;
use std::path::{Path, PathBuf};

/// The patterns for a folder and all above it. Folders are entered and left in turn.
pub struct Ignored {
    search: Search,
    root: PathBuf,
    /// How many lists were there before each folder was entered.
    depths: Vec<usize>,
}

/// The rule that decided.
pub struct Rule {
    pub source: String,
    pub line: usize,
    pub pattern: String,
    pub ignored: bool,
}

const PLAIN: Ignore = Ignore {
    support_precious: false,
};

impl Ignored {
    pub fn new(repository: &Repository) -> Result<Self> {
        let user = match repository.config.get("core.excludesfile") {
            Some(path) => Some(expanded(path)),
            None => {
                std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/git/ignore"))
            }
        };
        let mut search = Search::default();
        let own = repository.common.join("info/exclude");
        for path in user.into_iter().chain([own]) {
            if let Ok(bytes) = std::fs::read(&path) {
                search.add_patterns_buffer(&bytes, path, None, PLAIN)?;
            }
        }
        Ok(Ignored {
            search,
            root: repository.root()?.to_owned(),
            depths: Vec::new(),
        })
    }

    /// `folder` is from the root, with a slash behind it or empty.
    pub fn enter(&mut self, folder: &[u8]) -> Result<()> {
        self.depths.push(self.search.patterns.len());
        let relative = crate::paths::to_path(folder).join(".gitignore");
        if let Ok(bytes) = std::fs::read(self.root.join(&relative)) {
            self.search
                .add_patterns_buffer(&bytes, relative, Some(Path::new("")), PLAIN)?;
        }
        Ok(())
    }

    pub fn leave(&mut self) {
        if let Some(depth) = self.depths.pop() {
            self.search.patterns.truncate(depth);
        }
    }

    /// Adds patterns of a command line: `git clean -e`.
    pub fn add(&mut self, pattern: &str) -> Result<()> {
        self.search
            .add_patterns_buffer(pattern.as_bytes(), "command line", None, PLAIN)?;
        Ok(())
    }

    pub fn rule(&self, path: &[u8], is_folder: bool) -> Option<Rule> {
        let found = self.search.pattern_matching_relative_path(
            path.into(),
            Some(is_folder),
            Case::Sensitive,
        )?;
        let source = found
            .source
            .map(|source| source.to_string_lossy().into_owned());
        Some(Rule {
            source: source.unwrap_or_default(),
            line: found.sequence_number,
            pattern: found.pattern.to_string(),
            ignored: !found.pattern.is_negative(),
        })
    }

    pub fn matches(&self, path: &[u8], is_folder: bool) -> bool {
        let found = self.search.pattern_matching_relative_path(
            path.into(),
            Some(is_folder),
            Case::Sensitive,
        );
        found.is_some_and(|found| !found.pattern.is_negative())
    }

    /// Asks for a path anywhere, folder by folder: what is in an ignored folder is ignored.
    pub fn decide(repository: &Repository, path: &[u8], is_folder: bool) -> Result<Option<Rule>> {
        let mut ignored = Ignored::new(repository)?;
        ignored.enter(b"")?;
        for (at, byte) in path.iter().enumerate() {
            if *byte != b'/' {
                continue;
            }
            let folder = path.get(..at).unwrap_or_default();
            if let Some(rule) = ignored.rule(folder, true).filter(|rule| rule.ignored) {
                return Ok(Some(rule));
            }
            ignored.enter(path.get(..=at).unwrap_or_default())?;
        }
        Ok(ignored.rule(path, is_folder))
    }
}
