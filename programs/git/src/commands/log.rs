//! `git log`, `git show`, `git reflog`.

use crate::arguments::{number, parse, unknown};
use crate::change;
use crate::commit::Commit;
use crate::fail::{Result, fatal};
use crate::objects::{MODE_TREE, Object};
use crate::out::{put, say};
use crate::output::{self, Output, Part};
use crate::pathspec::Pathspec;
use crate::pretty::{self, Format, Pretty};
use crate::query::{self, Query};
use crate::repository::Repository;
use crate::revision;
use gix_object::Kind;

/// What `log` and `show` have in common.
struct Printer<'a> {
    repository: &'a Repository,
    output: Output,
    pretty: Pretty,
    /// Merges are compared with their first parent.
    merges: bool,
    first_parent: bool,
    shown_one: bool,
}

fn valued() -> Vec<&'static str> {
    output::VALUED.into_iter().chain(query::VALUED).collect()
}

impl<'a> Printer<'a> {
    fn new(repository: &'a Repository) -> Self {
        Printer {
            repository,
            output: Output::new(repository),
            pretty: Pretty::new(repository),
            merges: false,
            first_parent: false,
            shown_one: false,
        }
    }

    fn option(&mut self, name: &str, value: Option<&str>) -> Result<bool> {
        match name {
            "oneline" => {
                self.pretty.format = Format::Oneline;
                self.pretty.short_ids = true;
            }
            "pretty" | "format" => {
                let text = value.unwrap_or("medium");
                let alias = self
                    .repository
                    .config
                    .get(&format!("pretty.{text}"))
                    .map(str::to_owned);
                self.pretty.format = match text {
                    "" => Format::Custom(String::new(), true),
                    _ => pretty::format(alias.as_deref().unwrap_or(text))?,
                };
            }
            "abbrev-commit" => self.pretty.short_ids = true,
            "no-abbrev-commit" | "no-abbrev" => self.pretty.short_ids = false,
            "abbrev" => self.pretty.length = Some(number(name, value)?),
            "date" => self.pretty.date = value.unwrap_or("default").to_owned(),
            "relative-date" => self.pretty.date = "relative".to_owned(),
            "decorate" => self.pretty.decorate = !matches!(value, Some("no" | "auto")),
            "no-decorate" => self.pretty.decorate = false,
            "m" | "dd" => (self.merges, self.first_parent) = (true, true),
            "diff-merges" => {
                (self.merges, self.first_parent) = (true, value != Some("cc") && value != Some("c"))
            }
            "c" | "cc" => self.merges = true,
            "no-diff-merges" => self.merges = false,
            "root" | "no-notes" | "notes" | "show-notes" | "show-signature"
            | "no-show-signature" | "source" | "no-mailmap" | "mailmap" | "use-mailmap"
            | "no-use-mailmap" | "encoding" | "no-graph" | "expand-tabs" | "no-expand-tabs"
            | "clear-decorations" | "t" | "log-size" => {}
            _ => return self.output.option(name, value),
        }
        Ok(true)
    }

    fn ready(&mut self) -> Result<()> {
        let wanted = match &self.pretty.format {
            Format::Custom(text, _) => text.contains("%d") || text.contains("%D"),
            _ => self.pretty.decorate,
        };
        if wanted {
            self.pretty.decorations = pretty::decorations(self.repository, false)?;
        }
        Ok(())
    }

    fn commit(&mut self, commit: &Commit, specs: &Pathspec, mark: &str) -> Result<()> {
        let ended = match self.pretty.format {
            Format::Oneline | Format::Reference => true,
            Format::Custom(_, ended) => ended,
            _ => false,
        };
        let empty = matches!(&self.pretty.format, Format::Custom(text, _) if text.is_empty());
        if self.shown_one && !ended {
            put("\n");
        }
        self.shown_one = true;
        put(self.pretty.show(self.repository, commit, mark));
        if ended && !empty {
            put("\n");
        }
        self.changes(commit, specs, empty)
    }

    fn changes(&self, commit: &Commit, specs: &Pathspec, empty: bool) -> Result<()> {
        let is_merge = commit.parents.len() > 1;
        let mut output = &self.output;
        let without_patch;
        if output.parts.is_empty() || output.has(Part::None) || is_merge && !self.merges {
            return Ok(());
        }
        // A combined patch shows only what no parent has; for most merges that is nothing.
        if is_merge && output.has(Part::Patch) && !self.first_parent {
            let mut copy = Output::new(self.repository);
            copy.parts = output
                .parts
                .iter()
                .copied()
                .filter(|part| *part != Part::Patch)
                .collect();
            if copy.parts.is_empty() {
                put("\n");
                return Ok(());
            }
            without_patch = copy;
            output = &without_patch;
        }
        let objects = &self.repository.objects;
        let old = commit
            .parents
            .first()
            .map(|parent| objects.commit(parent))
            .transpose()?;
        let changes = change::trees(objects, old.map(|old| old.tree), Some(commit.tree), specs)?;
        let changes = output.refine(self.repository, changes)?;
        if changes.is_empty() {
            return Ok(());
        }
        if self.pretty.format != Format::Oneline && !empty {
            let both = output.has(Part::Table) && output.has(Part::Patch);
            put(if both { "---\n" } else { "\n" });
        }
        output.print(self.repository, &changes)
    }
}

pub fn log(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &valued(), &output::GLUED)?;
    let mut printer = Printer::new(repository);
    let mut query = Query::default();
    let mut reflog = false;
    let mut graph = false;
    for (name, value) in parsed.options() {
        match name {
            "g" | "walk-reflogs" => reflog = true,
            "L" => {
                return Err(fatal(
                    "'git log -L' is not supported here\nhint: use 'git blame' or 'git log -p -- <path>'",
                ));
            }
            "graph" => graph = true,
            _ => {
                let taken = query.option(repository, name, value)? | printer.option(name, value)?;
                if !taken {
                    return Err(unknown("log", name));
                }
            }
        }
    }
    printer.merges |= query.first_parent;
    printer.first_parent |= query.first_parent;
    if reflog {
        return show_reflog(repository, &mut printer, &parsed.words(), query.count);
    }
    let (words, mut paths) =
        super::diff::split(repository, &parsed.words(), parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    query.revisions(repository, &words)?;
    let specs = Pathspec::parse(repository, &paths)?;
    printer.ready()?;
    if graph {
        let mut commits = Vec::new();
        query.option(repository, "topo-order", None)?;
        query.each(repository, specs, |commit, _| {
            commits.push(commit.clone());
            Ok(true)
        })?;
        let separated = !matches!(
            printer.pretty.format,
            Format::Oneline | Format::Reference | Format::Custom(..)
        );
        crate::graph::print(&commits, separated, query.count.is_none(), |commit| {
            printer.pretty.show(repository, commit, "")
        });
        return Ok(0);
    }
    let searching = printer.output.search.is_some() || printer.output.filter.is_some();
    query.each(repository, specs, |commit, specs| {
        if searching {
            let old = commit
                .parents
                .first()
                .map(|parent| repository.objects.commit(parent))
                .transpose()?;
            let changes = change::trees(
                &repository.objects,
                old.map(|old| old.tree),
                Some(commit.tree),
                specs,
            )?;
            if commit.parents.len() > 1 || printer.output.refine(repository, changes)?.is_empty() {
                return Ok(true);
            }
        }
        printer.commit(commit, specs, "")?;
        Ok(true)
    })?;
    Ok(0)
}

pub fn show(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &valued(), &output::GLUED)?;
    let mut printer = Printer::new(repository);
    printer.merges = true;
    let mut query = Query::default();
    for (name, value) in parsed.options() {
        let taken = printer.option(name, value)? || query.option(repository, name, value)?;
        if !taken {
            return Err(unknown("show", name));
        }
    }
    if printer.output.parts.is_empty() {
        printer.output.add(Part::Patch);
    }
    printer.ready()?;
    let (mut words, mut paths) =
        super::diff::split(repository, &parsed.words(), parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    let specs = Pathspec::parse(repository, &paths)?;
    if words.is_empty() {
        if repository.refs.resolve("HEAD").is_none() {
            query.revisions(repository, &[])?;
        }
        words.push("HEAD".to_owned());
    }
    for word in words {
        if word.contains("..") {
            let mut query = Query::default();
            query.revisions(repository, &[word])?;
            query.each(repository, specs.copied(), |commit, specs| {
                printer.commit(commit, specs, "")?;
                Ok(true)
            })?;
            continue;
        }
        let id = revision::get(repository, &word)?;
        let object = repository.objects.get(&id)?;
        show_object(&mut printer, &word, id, &object, &specs)?;
    }
    Ok(0)
}

fn show_object(
    printer: &mut Printer<'_>,
    word: &str,
    id: gix_hash::ObjectId,
    object: &Object,
    specs: &Pathspec,
) -> Result<()> {
    let repository = printer.repository;
    match object.kind {
        Kind::Blob => put(&object.data),
        Kind::Tree => {
            if printer.shown_one {
                put("\n");
            }
            printer.shown_one = true;
            say!("tree {word}\n");
            for entry in repository.objects.tree(&id)? {
                let slash = if entry.mode == MODE_TREE { "/" } else { "" };
                say!("{}{slash}", String::from_utf8_lossy(&entry.name));
            }
        }
        Kind::Commit => printer.commit(&*repository.objects.commit(&id)?, specs, "")?,
        Kind::Tag => {
            if printer.shown_one {
                put("\n");
            }
            let text = String::from_utf8_lossy(&object.data).into_owned();
            let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
            let line = |key: &str| {
                head.lines()
                    .find_map(|line| line.strip_prefix(key))
                    .unwrap_or_default()
                    .to_owned()
            };
            say!("tag {}", line("tag "));
            if let Some(tagger) = crate::refs::person(&line("tagger ")) {
                say!(
                    "Tagger: {} <{}>\nDate:   {}",
                    tagger.name,
                    tagger.email,
                    crate::date::show(&tagger, &printer.pretty.date)
                );
            }
            put(format!("\n{message}"));
            printer.shown_one = true;
            let target = revision::tag_target(object)?;
            show_object(
                printer,
                word,
                target,
                &repository.objects.get(&target)?,
                specs,
            )?;
        }
    }
    Ok(())
}

pub fn reflog(arguments: &[String], repository: &Repository) -> Result<i32> {
    let rest = match arguments.first().map(String::as_str) {
        Some("show") => arguments.get(1..).unwrap_or_default(),
        Some("expire" | "delete") => {
            return Err(fatal(
                "'git reflog' only shows here\nhint: use native git to remove entries",
            ));
        }
        Some("exists") => {
            let name = arguments.get(1).cloned().unwrap_or_default();
            return Ok(i32::from(repository.refs.read_log(&name).is_empty()));
        }
        _ => arguments,
    };
    let parsed = parse(rest, &valued(), &output::GLUED)?;
    let mut printer = Printer::new(repository);
    printer.option("oneline", None)?;
    let mut query = Query::default();
    for (name, value) in parsed.options() {
        if !(query.option(repository, name, value)? || printer.option(name, value)?) {
            return Err(unknown("reflog", name));
        }
    }
    show_reflog(repository, &mut printer, &parsed.words(), query.count)
}

fn show_reflog(
    repository: &Repository,
    printer: &mut Printer<'_>,
    words: &[String],
    count: Option<usize>,
) -> Result<i32> {
    let word = words.first().map_or("HEAD", String::as_str);
    let full = repository
        .refs
        .expand(word)
        .ok_or_else(|| revision::ambiguous(word))?;
    let lines = repository.refs.read_log(&full);
    for (at, line) in lines
        .iter()
        .rev()
        .enumerate()
        .take(count.unwrap_or(usize::MAX))
    {
        let selector = format!("{word}@{{{at}}}");
        match &printer.pretty.format {
            Format::Oneline => {
                let id = if printer.pretty.short_ids {
                    printer.pretty.id(repository, line.new)
                } else {
                    line.new.to_string()
                };
                say!("{id} {selector}: {}", line.message);
            }
            Format::Custom(text, _) => {
                let text = text
                    .replace("%gd", &selector)
                    .replace("%gD", &selector)
                    .replace("%gs", &line.message);
                let text = text
                    .replace("%gn", &line.who.name)
                    .replace("%ge", &line.who.email);
                say!(
                    "{}",
                    printer.pretty.custom(
                        repository,
                        &*repository.objects.commit(&line.new)?,
                        &text
                    )
                );
            }
            _ => {
                let commit = repository.objects.commit(&line.new)?;
                let shown = printer.pretty.show(repository, &commit, "");
                let (first, rest) = shown.split_once('\n').unwrap_or((&shown, ""));
                if at > 0 {
                    put("\n");
                }
                put(format!(
                    "{first}\nReflog: {selector} ({} <{}>)\nReflog message: {}\n{rest}",
                    line.who.name, line.who.email, line.message
                ));
            }
        }
    }
    Ok(0)
}
