//! Which commits `log`, `rev-list` and `shortlog` show, and in which order.

use crate::arguments::number;
use crate::change;
use crate::commit::Commit;
use crate::date;
use crate::fail::{Result, fatal};
use crate::pathspec::Pathspec;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::revision::{self, Range};
use crate::walk::Walk;
use gix_object::Kind;
use regex::{Regex, RegexBuilder};
use std::rc::Rc;

#[derive(Default)]
pub struct Query {
    pub count: Option<usize>,
    pub skip: usize,
    pub range: Range,
    pub all: bool,
    pub reverse: bool,
    pub follow: bool,
    pub first_parent: bool,
    topological: bool,
    date_order: bool,
    full_history: bool,
    since: Option<i64>,
    until: Option<i64>,
    authors: Vec<String>,
    committers: Vec<String>,
    messages: Vec<String>,
    ignore_case: bool,
    fixed: bool,
    extended: bool,
    all_match: bool,
    invert: bool,
    parents_min: usize,
    parents_max: Option<usize>,
}

pub const VALUED: [&str; 16] = [
    "n",
    "max-count",
    "skip",
    "since",
    "after",
    "until",
    "before",
    "author",
    "committer",
    "grep",
    "min-parents",
    "max-parents",
    "date",
    "branches-like",
    "exclude",
    "decorate-refs",
];

/// Tests made ready of the patterns.
struct Filter {
    authors: Vec<Regex>,
    committers: Vec<Regex>,
    messages: Vec<Regex>,
}

impl Query {
    /// Takes an option if it is one of these.
    pub fn option(
        &mut self,
        repository: &Repository,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool> {
        let text = || value.unwrap_or_default().to_owned();
        let time = |text: &str| date::parse(text).map(|time| time.seconds);
        match name {
            "number" | "n" | "max-count" => {
                self.count = Some(number(name, value)?).filter(|_| value != Some("-1"))
            }
            "skip" => self.skip = number(name, value)?,
            "reverse" => self.reverse = true,
            "all" => self.all = true,
            "branches" => self.add_refs(repository, "refs/heads/", value)?,
            "tags" => self.add_refs(repository, "refs/tags/", value)?,
            "remotes" => self.add_refs(repository, "refs/remotes/", value)?,
            "follow" => self.follow = true,
            "first-parent" => self.first_parent = true,
            "topo-order" | "graph" => self.topological = true,
            "date-order" => self.date_order = true,
            "author-date-order" => self.date_order = true,
            "full-history" => self.full_history = true,
            "since" | "after" => self.since = time(&text()),
            "until" | "before" => self.until = time(&text()),
            "author" => self.authors.push(text()),
            "committer" => self.committers.push(text()),
            "grep" => self.messages.push(text()),
            "i" | "regexp-ignore-case" => self.ignore_case = true,
            "F" | "fixed-strings" => self.fixed = true,
            "E" | "extended-regexp" | "P" | "perl-regexp" => self.extended = true,
            "all-match" => self.all_match = true,
            "invert-grep" => self.invert = true,
            "merges" => self.parents_min = 2,
            "no-merges" => self.parents_max = Some(1),
            "min-parents" => self.parents_min = number(name, value)?,
            "max-parents" => self.parents_max = Some(number(name, value)?),
            "simplify-by-decoration"
            | "dense"
            | "sparse"
            | "no-walk"
            | "parents"
            | "children"
            | "left-right"
            | "cherry-mark"
            | "boundary"
            | "no-merged"
            | "ancestry-path"
            | "exclude"
            | "decorate-refs" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add_refs(
        &mut self,
        repository: &Repository,
        group: &str,
        pattern: Option<&str>,
    ) -> Result<()> {
        for (name, id) in repository.refs.list(group) {
            let short = name.strip_prefix(group).unwrap_or(&name);
            let wanted = pattern.is_none_or(|pattern| {
                let pattern = if pattern.contains(['*', '?', '[']) {
                    pattern.to_owned()
                } else {
                    format!("{pattern}/*")
                };
                swarm_flow_posix::glob::matches(
                    &pattern,
                    short,
                    swarm_flow_posix::glob::Options::default(),
                )
            });
            if wanted {
                self.range
                    .include
                    .extend(revision::peel(repository, id, Kind::Commit)?);
            }
        }
        Ok(())
    }

    /// Reads the revisions; without any it is `HEAD`.
    pub fn revisions(&mut self, repository: &Repository, words: &[String]) -> Result<()> {
        for word in words {
            if !revision::add_range(repository, word, &mut self.range)? {
                return Err(revision::ambiguous(word));
            }
        }
        if self.all {
            self.range.include.extend(repository.refs.resolve("HEAD"));
            self.add_refs(repository, "refs/", None)?;
        } else if self.range.include.is_empty() && words.iter().all(|word| word.starts_with('^')) {
            let head = repository.refs.resolve("HEAD");
            let head = head.ok_or_else(|| match repository.refs.head_name() {
                Some(name) => {
                    let branch = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
                    fatal(format!(
                        "your current branch '{branch}' does not have any commits yet"
                    ))
                }
                None => fatal("bad default revision 'HEAD'"),
            })?;
            self.range.include.push(head);
        }
        Ok(())
    }

    fn filter(&self) -> Result<Filter> {
        let compile = |texts: &[String]| -> Result<Vec<Regex>> {
            let regexes = texts.iter().map(|text| self.regex(text));
            regexes.collect()
        };
        Ok(Filter {
            authors: compile(&self.authors)?,
            committers: compile(&self.committers)?,
            messages: compile(&self.messages)?,
        })
    }

    fn regex(&self, text: &str) -> Result<Regex> {
        let translated = match (self.fixed, self.extended) {
            (true, _) => Ok(swarm_flow_posix::pattern::literal(text)),
            (_, true) => Ok(text.to_owned()),
            _ => {
                swarm_flow_posix::pattern::translate(text, swarm_flow_posix::pattern::Syntax::Basic)
                    .map(|translated| translated.regex)
            }
        };
        let bad = || fatal(format!("invalid regex: {text}"));
        let translated = translated.map_err(|_| bad())?;
        RegexBuilder::new(&translated)
            .case_insensitive(self.ignore_case)
            .multi_line(true)
            .build()
            .map_err(|_| bad())
    }

    fn wants(&self, filter: &Filter, commit: &Commit) -> bool {
        let seconds = commit.committer.seconds;
        let dated = self.since.is_none_or(|since| seconds >= since)
            && self.until.is_none_or(|until| seconds <= until);
        let parents = commit.parents.len();
        let parented =
            parents >= self.parents_min && self.parents_max.is_none_or(|most| parents <= most);
        let person = |regexes: &[Regex], person: &crate::commit::Person| {
            let text = format!("{} <{}>", person.name, person.email);
            regexes.is_empty() || regexes.iter().any(|regex| regex.is_match(&text))
        };
        let persons = person(&filter.authors, &commit.author)
            && person(&filter.committers, &commit.committer);
        let text = commit.text();
        let messages = match filter.messages.as_slice() {
            [] => true,
            messages if self.all_match => {
                messages.iter().all(|regex| regex.is_match(&text)) != self.invert
            }
            messages => messages.iter().any(|regex| regex.is_match(&text)) != self.invert,
        };
        dated && parented && persons && messages
    }

    /// Calls `show` for each commit, with the paths that matter there, until it says that it has enough.
    pub fn each(
        &mut self,
        repository: &Repository,
        specs: Pathspec,
        mut show: impl FnMut(&Rc<Commit>, &Pathspec) -> Result<bool>,
    ) -> Result<()> {
        let filter = self.filter()?;
        let mut walk = Walk::new(
            repository,
            std::mem::take(&mut self.range.include),
            &self.range.exclude,
        )?;
        walk.first_parent = self.first_parent;
        walk.full_history = self.full_history;
        let mut specs = specs;
        let follow = self.follow && specs.items.len() == 1;
        let paths: Vec<String> = specs.items.iter().map(|item| item.text.clone()).collect();
        if !specs.is_empty() && !follow {
            walk.specs = Some(Pathspec::parse(repository, &paths)?);
        }
        let late = self.reverse || self.topological || self.date_order;
        let mut kept = Vec::new();
        let (mut skip, mut left) = (self.skip, self.count.unwrap_or(usize::MAX));
        while left > 0 || self.topological || self.date_order {
            let Some(commit) = walk.next_commit()? else {
                break;
            };
            let here = if follow {
                followed(repository, &commit, &mut specs)?
            } else {
                None
            };
            if follow && here.is_none() || !self.wants(&filter, &commit) {
                continue;
            }
            if late && (self.topological || self.date_order) {
                kept.push(commit);
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            left -= 1;
            match late {
                true => kept.push(commit),
                false if !show(&commit, here.as_ref().unwrap_or(&specs))? => return Ok(()),
                false => {}
            }
        }
        if self.topological || self.date_order {
            kept = Walk::topological(kept, self.date_order);
            kept = kept
                .into_iter()
                .skip(self.skip)
                .take(self.count.unwrap_or(usize::MAX))
                .collect();
        }
        if self.reverse {
            kept.reverse();
        }
        for commit in kept {
            if !show(&commit, &specs)? {
                break;
            }
        }
        Ok(())
    }
}

/// For `--follow`: the paths to show for a commit that touches the file. Behind a rename it is the old name that is
/// looked for.
fn followed(
    repository: &Repository,
    commit: &Commit,
    specs: &mut Pathspec,
) -> Result<Option<Pathspec>> {
    let objects = &repository.objects;
    let old = commit
        .parents
        .first()
        .map(|parent| objects.commit(parent))
        .transpose()?;
    if commit.parents.len() > 1 {
        return Ok(None);
    }
    let old = old.map(|old| old.tree);
    let changes = change::trees(objects, old, Some(commit.tree), specs)?;
    let Some(change) = changes.first() else {
        return Ok(None);
    };
    let mut shown = specs.copied();
    if change.old.is_none() {
        let all = change::trees(objects, old, Some(commit.tree), &Pathspec::default())?;
        let path = change.path().to_vec();
        let found = rename::detect(repository, all, Search::default())?
            .into_iter()
            .find(|change| change.path() == path);
        let from = found
            .map(|change| change.old_path().to_vec())
            .filter(|from| *from != path);
        if let Some(from) = from {
            specs.set_path(&from);
            shown.add_path(&from);
        }
    }
    Ok(Some(shown))
}
