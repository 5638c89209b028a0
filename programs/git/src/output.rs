//! How `diff`, `log` and `show` print changes, and their common options.

use crate::arguments::number;
use crate::change::Change;
use crate::fail::{Result, usage};
use crate::out::say;
use crate::patch::{self, Space, Style};
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::stat::{self, Width};

/// What is printed, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Raw,
    NameStatus,
    NameOnly,
    Numbers,
    Table,
    Short,
    Summary,
    Patch,
    None,
}

pub struct Output {
    pub parts: Vec<Part>,
    pub style: Style,
    pub width: Width,
    pub renames: Option<Search>,
    pub rewrites: bool,
    pub null: bool,
    pub exit_code: bool,
    pub quiet: bool,
    /// Letters of `--diff-filter`.
    pub filter: Option<String>,
    pub search: Option<Pickaxe>,
    /// `-R`
    pub reverse: bool,
    pub check: bool,
    pub relative: bool,
}

/// `-S` and `-G`: only changes that touch this text.
pub enum Pickaxe {
    Count(regex::bytes::Regex),
    Lines(regex::bytes::Regex),
}

/// The options that take a value in the next word.
pub const VALUED: [&str; 11] = [
    "S",
    "G",
    "diff-filter",
    "diff-algorithm",
    "stat-width",
    "U",
    "unified",
    "inter-hunk-context",
    "src-prefix",
    "dst-prefix",
    "O",
];
/// Those with a value only directly behind the letter.
pub const GLUED: [&str; 4] = ["M", "C", "B", "l"];

impl Output {
    pub fn new(repository: &Repository) -> Self {
        let renames = match repository.config.get("diff.renames") {
            Some("false" | "no" | "off" | "0") => None,
            Some("copies" | "copy") => Some(Search {
                copies: true,
                ..Search::default()
            }),
            _ => Some(Search::default()),
        };
        Output {
            parts: Vec::new(),
            style: Style::new(repository),
            width: Width::default(),
            renames,
            rewrites: false,
            null: false,
            exit_code: false,
            quiet: false,
            filter: None,
            search: None,
            reverse: false,
            check: false,
            relative: false,
        }
    }

    pub fn add(&mut self, part: Part) {
        if !self.parts.contains(&part) {
            self.parts.push(part);
            self.parts.sort();
        }
    }

    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Takes an option if it is one of these.
    pub fn option(&mut self, name: &str, value: Option<&str>) -> Result<bool> {
        match name {
            "p" | "u" | "patch" => self.add(Part::Patch),
            "s" | "no-patch" => self.parts = vec![Part::None],
            "U" | "unified" => {
                self.style.context = number(name, value)?;
                self.add(Part::Patch);
            }
            "stat" => {
                self.add(Part::Table);
                let mut numbers = value
                    .unwrap_or_default()
                    .split(',')
                    .map(|text| text.parse().ok());
                if let Some(width) = numbers.next().flatten() {
                    self.width.all = width;
                }
                self.width.name = numbers.next().flatten();
                self.width.count = numbers.next().flatten();
            }
            "stat-width" => self.width.all = number(name, value)?,
            "stat-name-width" => self.width.name = Some(number(name, value)?),
            "stat-graph-width" => self.width.graph = Some(number(name, value)?),
            "stat-count" => self.width.count = Some(number(name, value)?),
            "compact-summary" => self.add(Part::Table),
            "numstat" => self.add(Part::Numbers),
            "shortstat" => self.add(Part::Short),
            "summary" => self.add(Part::Summary),
            "name-only" => self.add(Part::NameOnly),
            "name-status" => self.add(Part::NameStatus),
            "raw" => self.add(Part::Raw),
            "patch-with-stat" => {
                self.add(Part::Table);
                self.add(Part::Patch);
            }
            "patch-with-raw" => {
                self.add(Part::Raw);
                self.add(Part::Patch);
            }
            "check" => self.check = true,
            "z" => self.null = true,
            "M" | "find-renames" => {
                self.renames = Some(Search {
                    copies: self.renames.is_some_and(|search| search.copies),
                    minimum: similarity(value),
                })
            }
            "C" | "find-copies" => {
                self.renames = Some(Search {
                    copies: true,
                    minimum: similarity(value),
                })
            }
            "find-copies-harder" => {
                self.renames = Some(Search {
                    copies: true,
                    ..Search::default()
                })
            }
            "no-renames" => self.renames = None,
            "B" | "break-rewrites" => self.rewrites = true,
            "w" | "ignore-all-space" => self.style.space = Space::None,
            "b" | "ignore-space-change" => self.style.space = Space::Amount,
            "ignore-space-at-eol" | "ignore-cr-at-eol" => self.style.space = Space::AtEnd,
            "a" | "text" => self.style.text = true,
            "full-index" => self.style.full_index = true,
            "no-prefix" => self.style.prefixes = (String::new(), String::new()),
            "default-prefix" => self.style.prefixes = ("a/".to_owned(), "b/".to_owned()),
            "src-prefix" => self.style.prefixes.0 = value.unwrap_or_default().to_owned(),
            "dst-prefix" => self.style.prefixes.1 = value.unwrap_or_default().to_owned(),
            "inter-hunk-context" => self.style.between_hunks = number(name, value)?,
            "minimal" => self.style.algorithm = gix_imara_diff::Algorithm::MyersMinimal,
            "histogram" | "patience" => self.style.algorithm = gix_imara_diff::Algorithm::Histogram,
            "diff-algorithm" => {
                let algorithm = patch::algorithm(value.unwrap_or_default());
                self.style.algorithm = algorithm.ok_or_else(|| usage("option diff-algorithm accepts \"myers\", \"minimal\", \"patience\" and \"histogram\""))?;
            }
            "D" | "irreversible-delete" => self.style.irreversible_delete = true,
            "R" => self.reverse = true,
            "relative" => self.relative = true,
            "exit-code" => self.exit_code = true,
            "quiet" => {
                self.quiet = true;
                self.exit_code = true;
            }
            "diff-filter" => self.filter = value.map(str::to_owned),
            "S" => {
                self.search = Some(Pickaxe::Count(pattern(&regex::escape(
                    value.unwrap_or_default(),
                ))?))
            }
            "G" => self.search = Some(Pickaxe::Lines(pattern(value.unwrap_or_default())?)),
            "color"
            | "no-color"
            | "no-ext-diff"
            | "ext-diff"
            | "no-textconv"
            | "textconv"
            | "indent-heuristic"
            | "no-indent-heuristic"
            | "no-relative"
            | "pickaxe-all"
            | "no-color-moved"
            | "color-moved"
            | "ignore-submodules"
            | "submodule"
            | "binary"
            | "l"
            | "abbrev"
            | "ita-invisible-in-index"
            | "ita-visible-in-index" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Renames, rewrites and filters, in the order in which git applies them.
    pub fn refine(&self, repository: &Repository, mut changes: Vec<Change>) -> Result<Vec<Change>> {
        if self.reverse {
            changes = changes.into_iter().map(Change::reversed).collect();
        }
        if self.relative {
            changes.retain(|change| change.path().starts_with(&repository.prefix));
        }
        if self.rewrites {
            rename::mark_rewrites(repository, &mut changes)?;
        }
        if let Some(search) = self.renames {
            changes = rename::detect(repository, changes, search)?;
        }
        if let Some(search) = &self.search {
            let mut kept = Vec::new();
            for change in changes {
                if self.touches(repository, &change, search)? {
                    kept.push(change);
                }
            }
            changes = kept;
        }
        if let Some(filter) = &self.filter {
            let without =
                filter.chars().any(char::is_lowercase) && !filter.chars().any(char::is_uppercase);
            changes.retain(|change| match without {
                true => !filter.contains(change.letter().to_ascii_lowercase()),
                false => filter.contains(change.letter()),
            });
        }
        Ok(changes)
    }

    fn touches(&self, repository: &Repository, change: &Change, search: &Pickaxe) -> Result<bool> {
        if change.unmerged {
            return Ok(false);
        }
        let (old, new) = patch::contents(repository, change)?;
        Ok(match search {
            Pickaxe::Count(regex) => regex.find_iter(&old).count() != regex.find_iter(&new).count(),
            Pickaxe::Lines(regex) => {
                let (old_lines, new_lines) = (patch::lines(&old), patch::lines(&new));
                patch::hunks(&old, &new, &self.style).iter().any(|hunk| {
                    let gone = old_lines.get(hunk.before.start as usize..hunk.before.end as usize);
                    let come = new_lines.get(hunk.after.start as usize..hunk.after.end as usize);
                    gone.into_iter()
                        .chain(come)
                        .flatten()
                        .any(|line| regex.is_match(line))
                })
            }
        })
    }

    /// Prints refined changes.
    pub fn print(&self, repository: &Repository, changes: &[Change]) -> Result<()> {
        if changes.is_empty() || self.quiet {
            return Ok(());
        }
        for part in &self.parts {
            match part {
                Part::Raw => stat::raw(repository, changes, self.style.full_index, self.null),
                Part::NameStatus => stat::names(repository, changes, true, self.null),
                Part::NameOnly => stat::names(repository, changes, false, self.null),
                Part::Numbers => stat::numbers(repository, changes, &self.style, self.null)?,
                Part::Table => stat::table(repository, changes, &self.style, self.width)?,
                Part::Short => stat::short(repository, changes, &self.style)?,
                Part::Summary => stat::summary(repository, changes),
                Part::Patch => {
                    if self.parts.len() > 1 {
                        say!("");
                    }
                    for change in changes {
                        patch::print(repository, change, &self.style)?;
                    }
                }
                Part::None => {}
            }
        }
        Ok(())
    }
}

fn pattern(text: &str) -> Result<regex::bytes::Regex> {
    regex::bytes::RegexBuilder::new(text)
        .multi_line(true)
        .build()
        .map_err(|_| crate::fail::fatal(format!("invalid regex: {text}")))
}

/// `50%`, `5` (which is 0.5).
fn similarity(value: Option<&str>) -> u64 {
    let Some(text) = value else {
        return Search::default().minimum;
    };
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|number: f64| number / 100.0),
        None => format!("0.{text}").parse(),
    };
    let share = share.unwrap_or(0.5).clamp(0.0, 1.0);
    (share * rename::SCORE_MAX as f64) as u64
}
