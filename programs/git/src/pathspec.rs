//! Paths and patterns on a command line: `src`, `*.rs`, `:!vendor`, `:(top,icase)README`.

use crate::fail::{Result, fatal};
use crate::repository::Repository;
use gix_glob::wildmatch::Mode;

#[derive(Default)]
pub struct Pathspec {
    pub items: Vec<Item>,
}

#[derive(Clone)]
pub struct Item {
    /// As it was written.
    pub text: String,
    /// From the root, without a slash at its end.
    pub path: Vec<u8>,
    excluded: bool,
    case: bool,
    /// `:(glob)`: a star ends at a slash.
    glob: bool,
    literal: bool,
}

impl Pathspec {
    pub fn parse(repository: &Repository, arguments: &[String]) -> Result<Self> {
        let items = arguments.iter().map(|argument| item(repository, argument));
        let mut items = items.collect::<Result<Vec<_>>>()?;
        if !items.is_empty() && items.iter().all(|item| item.excluded) {
            items.push(item(repository, ":/")?);
        }
        Ok(Pathspec { items })
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn matches(&self, path: &[u8]) -> bool {
        if self.items.is_empty() {
            return true;
        }
        let wanted = self
            .items
            .iter()
            .any(|item| !item.excluded && item.matches(path));
        wanted
            && !self
                .items
                .iter()
                .any(|item| item.excluded && item.matches(path))
    }

    /// Whether something in this folder, given with its slash, may match.
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        let reaches = |item: &Item| {
            let plain = item.plain_part();
            plain.starts_with(folder) || folder.starts_with(plain)
        };
        self.items.is_empty()
            || self
                .items
                .iter()
                .any(|item| !item.excluded && reaches(item))
    }

    pub fn copied(&self) -> Self {
        Pathspec {
            items: self.items.clone(),
        }
    }

    /// Another file in the place of the one that it is about.
    pub fn set_path(&mut self, path: &[u8]) {
        for item in &mut self.items {
            item.path = path.to_vec();
        }
    }

    /// One more file.
    pub fn add_path(&mut self, path: &[u8]) {
        if let Some(mut item) = self.items.first().cloned() {
            item.path = path.to_vec();
            self.items.push(item);
        }
    }

    /// The first that matches none of the paths.
    pub fn unmatched(&self, mut any: impl FnMut(&Item) -> bool) -> Option<&Item> {
        self.items.iter().find(|item| !item.excluded && !any(item))
    }
}

impl Item {
    pub fn matches(&self, path: &[u8]) -> bool {
        let inside =
            path.starts_with(&self.path) && matches!(path.get(self.path.len()), None | Some(b'/'));
        if self.path.is_empty() || inside {
            return true;
        }
        if self.literal {
            return false;
        }
        let mut mode = Mode::empty();
        if self.case {
            mode |= Mode::IGNORE_CASE;
        }
        if self.glob {
            mode |= Mode::NO_MATCH_SLASH_LITERAL;
        }
        gix_glob::wildmatch(self.path.as_slice().into(), path.into(), mode)
    }

    /// What stands before the first character of a pattern.
    fn plain_part(&self) -> &[u8] {
        let special = self.path.iter().position(|byte| b"*?[\\".contains(byte));
        match special {
            Some(at) if !self.literal => self.path.get(..at).unwrap_or_default(),
            _ if self.case => &[],
            _ => &self.path,
        }
    }

    pub fn is_pattern(&self) -> bool {
        !self.literal && self.path.iter().any(|byte| b"*?[".contains(byte))
    }
}

fn item(repository: &Repository, argument: &str) -> Result<Item> {
    let mut item = Item {
        text: argument.to_owned(),
        path: Vec::new(),
        excluded: false,
        case: false,
        glob: false,
        literal: false,
    };
    let mut top = false;
    let mut rest = argument;
    if argument.is_empty() {
        return Err(fatal(
            "empty string is not a valid pathspec. please use . instead if you meant to match all paths",
        ));
    }
    if let Some(magic) = argument.strip_prefix(":(") {
        let (words, path) = magic.split_once(')').ok_or_else(|| {
            fatal(format!(
                "Missing ')' at the end of pathspec magic in '{argument}'"
            ))
        })?;
        for word in words.split(',') {
            match word {
                "exclude" => item.excluded = true,
                "top" => top = true,
                "icase" => item.case = true,
                "glob" => item.glob = true,
                "literal" => item.literal = true,
                "" => {}
                other => {
                    return Err(fatal(format!(
                        "Invalid pathspec magic '{other}' in '{argument}'"
                    )));
                }
            }
        }
        rest = path;
    } else if let Some(mut magic) = argument.strip_prefix(':') {
        while let Some(letter) = magic.chars().next() {
            match letter {
                '!' | '^' => item.excluded = true,
                '/' => top = true,
                ':' => {
                    magic = magic.get(1..).unwrap_or_default();
                    break;
                }
                _ => break,
            }
            magic = magic.get(1..).unwrap_or_default();
        }
        rest = magic;
    }
    let path = match top {
        true => crate::paths::to_bytes(&crate::paths::absolute(
            &repository.root()?.join(rest.trim_start_matches('/')),
        )),
        false => crate::paths::to_bytes(&crate::paths::absolute(std::path::Path::new(rest))),
    };
    let root = match repository.has_root() {
        true => crate::paths::to_bytes(repository.root()?),
        false => crate::paths::to_bytes(&crate::paths::absolute(std::path::Path::new("."))),
    };
    let inside = match path.strip_prefix(root.as_slice()) {
        Some([]) => Some(&[][..]),
        Some([b'/', rest @ ..]) => Some(rest),
        Some(rest) if root == b"/" => Some(rest),
        _ => None,
    };
    let inside = inside.ok_or_else(|| {
        let root = String::from_utf8_lossy(&root).into_owned();
        fatal(format!(
            "{argument}: '{argument}' is outside repository at '{root}'"
        ))
    })?;
    item.path = inside.to_vec();
    Ok(item)
}
