//! Commands for scripts: `rev-parse`, `ls-files`, `cat-file` and the like.

use crate::arguments::{number, parse, unknown};
use crate::fail::{Fail, Result, error, fatal, quiet};
use crate::ignore::Ignored;
use crate::objects::{self, MODE_COMMIT, MODE_TREE};
use crate::out::{put, say};
use crate::pathspec::Pathspec;
use crate::query::{self, Query};
use crate::refs::{Target, Update};
use crate::repository::Repository;
use crate::revision;
use crate::worktree::{self, Difference, Untracked};
use gix_object::Kind;
use std::collections::BTreeMap;
use std::io::Read as _;

pub fn rev_parse(arguments: &[String], repository: &Repository) -> Result<i32> {
    let (mut short, mut abbrev_ref, mut verify, mut quiet_mode, mut symbolic) =
        (None, false, false, false, false);
    let relative = |path: &std::path::Path| path.display().to_string();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .map_or((argument.as_str(), None), |(name, value)| {
                (name, Some(value))
            });
        match name {
            "--show-toplevel" => say!("{}", repository.root()?.display()),
            "--git-dir" | "--absolute-git-dir" => {
                let inside = repository
                    .root()
                    .is_ok_and(|root| repository.git_dir == root.join(".git"));
                match name == "--git-dir" && inside && repository.prefix.is_empty() {
                    true => say!(".git"),
                    false => say!("{}", relative(&repository.git_dir)),
                }
            }
            "--git-common-dir" => {
                let inside = repository
                    .root()
                    .is_ok_and(|root| repository.common == root.join(".git"));
                match inside {
                    true => say!(
                        "{}.git",
                        "../".repeat(
                            repository
                                .prefix
                                .iter()
                                .filter(|byte| **byte == b'/')
                                .count()
                        )
                    ),
                    false => say!("{}", relative(&repository.common)),
                }
            }
            "--git-path" => {}
            "--is-inside-work-tree" => say!("{}", repository.has_root()),
            "--is-inside-git-dir" => say!(
                "{}",
                crate::paths::absolute(std::path::Path::new(".")).starts_with(&repository.git_dir)
            ),
            "--is-bare-repository" => say!("{}", !repository.has_root()),
            "--is-shallow-repository" => say!("{}", repository.common.join("shallow").is_file()),
            "--show-prefix" => say!("{}", String::from_utf8_lossy(&repository.prefix)),
            "--show-cdup" => say!(
                "{}",
                "../".repeat(
                    repository
                        .prefix
                        .iter()
                        .filter(|byte| **byte == b'/')
                        .count()
                )
            ),
            "--show-object-format" => say!("sha1"),
            "--abbrev-ref" => abbrev_ref = true,
            "--symbolic-full-name" | "--symbolic" => symbolic = true,
            "--short" => short = Some(value.and_then(|value| value.parse().ok())),
            "--verify" => verify = true,
            "-q" | "--quiet" => quiet_mode = true,
            "--all" => repository
                .refs
                .list("refs/")
                .iter()
                .for_each(|(_, id)| say!("{id}")),
            "--branches" => repository
                .refs
                .list("refs/heads/")
                .iter()
                .for_each(|(_, id)| say!("{id}")),
            "--tags" => repository
                .refs
                .list("refs/tags/")
                .iter()
                .for_each(|(_, id)| say!("{id}")),
            "--revs-only" | "--no-revs" | "--flags" | "--no-flags" | "--sq" | "--"
            | "--path-format" | "--default" | "--end-of-options" => {}
            name if name.starts_with("--") => say!("{name}"),
            _ => rev_parse_word(
                repository, argument, short, abbrev_ref, verify, quiet_mode, symbolic,
            )?,
        }
    }
    Ok(0)
}

fn rev_parse_word(
    repository: &Repository,
    word: &str,
    short: Option<Option<usize>>,
    abbrev_ref: bool,
    verify: bool,
    is_quiet: bool,
    symbolic: bool,
) -> Result<()> {
    if abbrev_ref || symbolic {
        let upstream = ["@{u}", "@{upstream}"]
            .iter()
            .find_map(|suffix| word.strip_suffix(suffix));
        let head = || repository.refs.head_name();
        let full =
            match upstream {
                Some(branch) => {
                    let own = if branch.is_empty() {
                        head()
                    } else {
                        Some(format!("refs/heads/{branch}"))
                    };
                    let own = own.unwrap_or_default();
                    let shown = own.replace("refs/heads/", "");
                    Some(revision::upstream(repository, &own).ok_or_else(|| {
                        fatal(format!("no upstream configured for branch '{shown}'"))
                    })?)
                }
                None if word == "HEAD" || word == "@" => {
                    Some(head().unwrap_or_else(|| "HEAD".to_owned()))
                        .filter(|_| repository.refs.resolve("HEAD").is_some())
                }
                None => repository.refs.expand(word),
            };
        if let Some(full) = full {
            let groups = ["refs/heads/", "refs/remotes/", "refs/tags/"];
            let shown = groups
                .iter()
                .find_map(|group| full.strip_prefix(group))
                .filter(|_| abbrev_ref);
            say!("{}", shown.unwrap_or(&full));
            return Ok(());
        }
        if word == "HEAD" {
            say!("HEAD");
        }
    }
    if let Some((left, right)) = word
        .split_once("..")
        .filter(|(_, right)| !right.starts_with('.'))
    {
        let side =
            |text: &str| revision::get(repository, if text.is_empty() { "HEAD" } else { text });
        say!("{}\n^{}", side(right)?, side(left)?);
        return Ok(());
    }
    let negated = word.strip_prefix('^');
    let found = revision::find(repository, negated.unwrap_or(word));
    let found = match found {
        Err(_) if is_quiet => None,
        found => found?,
    };
    let Some(id) = found else {
        return Err(match (verify, is_quiet) {
            (_, true) => quiet(1),
            (true, false) => fatal("Needed a single revision"),
            (false, false) => {
                say!("{word}");
                revision::ambiguous(word)
            }
        });
    };
    let sign = if negated.is_some() { "^" } else { "" };
    match short {
        Some(Some(length)) => say!("{sign}{}", revision::short_of(repository, id, length)),
        Some(None) => say!("{sign}{}", revision::short(repository, id)),
        None => say!("{sign}{id}"),
    }
    Ok(())
}

pub fn ls_files(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["x", "exclude", "X", "exclude-from"], &[])?;
    let (mut cached, mut others, mut deleted, mut modified, mut stage, mut unmerged) =
        (false, false, false, false, false, false);
    let (mut ignored, mut standard, mut null, mut strict, mut folders, mut full) =
        (false, false, false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "c" | "cached" => cached = true,
            "o" | "others" => others = true,
            "d" | "deleted" => deleted = true,
            "m" | "modified" => modified = true,
            "s" | "stage" => stage = true,
            "u" | "unmerged" => {
                unmerged = true;
                stage = true;
            }
            "i" | "ignored" => ignored = true,
            "exclude-standard" => standard = true,
            "z" => null = true,
            "error-unmatch" => strict = true,
            "directory" => folders = true,
            "full-name" => full = true,
            "t" | "v" | "k" | "killed" | "no-empty-directory" | "deduplicate" | "eol" | "x"
            | "exclude" | "X" | "exclude-from" | "sparse" | "recurse-submodules" => {}
            _ => return Err(unknown("ls-files", name)),
        }
    }
    let free = parsed.free();
    let specs = match free.is_empty() && !repository.prefix.is_empty() {
        true => Pathspec::parse(repository, &[".".to_owned()])?,
        false => Pathspec::parse(repository, &free)?,
    };
    let mut index = repository.index()?;
    let end = if null { '\0' } else { '\n' };
    let named = |path: &[u8]| {
        let path = if full {
            path.to_vec()
        } else {
            crate::paths::relative(path, &repository.prefix)
        };
        if null {
            String::from_utf8_lossy(&path).into_owned()
        } else {
            repository.shown(&path)
        }
    };
    let mut found = Vec::new();
    if others {
        let style = if folders {
            Untracked::Folders
        } else {
            Untracked::All
        };
        let walked = worktree::walk(repository, &index, &specs, style, !standard || ignored)?;
        let mut paths = if ignored {
            Vec::new()
        } else {
            walked.untracked
        };
        if ignored || !standard {
            for path in walked.ignored {
                match path.last() == Some(&b'/') && !folders {
                    true => below(repository, &path, &mut paths)?,
                    false => paths.push(path),
                }
            }
        }
        paths.sort();
        for path in &paths {
            put(format!("{}{end}", named(path)));
        }
        found.extend(paths);
    }
    let plain = cached || stage || !(others || deleted || modified || unmerged || ignored);
    for ((path, at), entry) in &mut index.entries {
        if !specs.matches(path) || unmerged && *at == 0 {
            continue;
        }
        if ignored
            && !others
            && !Ignored::decide(repository, path, false)?.is_some_and(|rule| rule.ignored)
        {
            continue;
        }
        found.push(path.clone());
        let head = if stage {
            format!("{:06o} {} {at}\t", entry.mode, entry.id)
        } else {
            String::new()
        };
        if plain || ignored && !others {
            put(format!("{head}{}{end}", named(path)));
        }
        if deleted || modified {
            let difference = worktree::compare(repository, path, entry)?;
            if deleted && matches!(difference, Difference::Gone) {
                put(format!("{head}{}{end}", named(path)));
            }
            if modified && !matches!(difference, Difference::None) {
                put(format!("{head}{}{end}", named(path)));
            }
        }
    }
    if strict
        && let Some(item) = specs.unmatched(|item| found.iter().any(|path| item.matches(path)))
    {
        return Err(Fail {
            code: 1,
            text: format!(
                "error: pathspec '{}' did not match any file(s) known to git\nDid you forget to 'git add'?",
                item.text
            ),
        });
    }
    Ok(0)
}

/// All files in an ignored folder.
fn below(repository: &Repository, folder: &[u8], out: &mut Vec<Vec<u8>>) -> Result<()> {
    for entry in std::fs::read_dir(repository.file(folder)?)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = [folder, name.as_bytes()].concat();
        match entry.path().is_dir() {
            true => below(repository, &[path.as_slice(), b"/"].concat(), out)?,
            false => out.push(path),
        }
    }
    Ok(())
}

fn kind_of(mode: u32) -> Kind {
    match mode {
        MODE_TREE => Kind::Tree,
        MODE_COMMIT => Kind::Commit,
        _ => Kind::Blob,
    }
}

pub fn ls_tree(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["format"], &[])?;
    let (mut recursive, mut names, mut only_trees, mut long, mut with_trees, mut null, mut full) =
        (false, false, false, false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "r" => recursive = true,
            "name-only" | "name-status" => names = true,
            "d" => only_trees = true,
            "l" | "long" => long = true,
            "t" => with_trees = true,
            "z" => null = true,
            "full-tree" | "full-name" => full = true,
            "abbrev" | "object-only" => {}
            _ => return Err(unknown("ls-tree", name)),
        }
    }
    let free = parsed.free();
    let (name, paths) = free
        .split_first()
        .ok_or_else(|| super::switch::nothing_given("ls-tree"))?;
    let id = revision::find(repository, name)?
        .ok_or_else(|| fatal(format!("Not a valid object name {name}")))?;
    let tree =
        revision::peel(repository, id, Kind::Tree)?.ok_or_else(|| fatal("not a tree object"))?;
    let prefix = if full {
        Vec::new()
    } else {
        repository.prefix.clone()
    };
    let wanted: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| {
            [
                prefix.as_slice(),
                path.trim_end_matches('/').as_bytes(),
                if path.ends_with('/') { b"/" } else { b"" },
            ]
            .concat()
        })
        .collect();
    let mut rows = Vec::new();
    list_tree(
        repository,
        &tree,
        &[],
        &wanted,
        recursive,
        with_trees,
        &mut rows,
    )?;
    for entry in rows {
        let is_tree = entry.mode == MODE_TREE;
        if only_trees && !is_tree || wanted.is_empty() && !entry.name.starts_with(&prefix) {
            continue;
        }
        let path = crate::paths::relative(&entry.name, &prefix);
        let shown = if null {
            String::from_utf8_lossy(&path).into_owned()
        } else {
            repository.shown(&path)
        };
        let end = if null { '\0' } else { '\n' };
        let kind = kind_of(entry.mode);
        let size = match (long, is_tree) {
            (false, _) => String::new(),
            (true, true) => format!(" {:>7}", "-"),
            (true, false) => format!(" {:>7}", repository.objects.blob(&entry.id)?.len()),
        };
        match names {
            true => put(format!("{shown}{end}")),
            false => put(format!(
                "{:06o} {kind} {}{size}\t{shown}{end}",
                entry.mode, entry.id
            )),
        }
    }
    Ok(0)
}

fn list_tree(
    repository: &Repository,
    tree: &gix_hash::oid,
    prefix: &[u8],
    wanted: &[Vec<u8>],
    recursive: bool,
    with_trees: bool,
    out: &mut Vec<objects::TreeEntry>,
) -> Result<()> {
    for mut entry in repository.objects.tree(tree)? {
        entry.name = [prefix, &entry.name].concat();
        let below = [entry.name.as_slice(), b"/"].concat();
        let chosen = wanted.is_empty()
            || wanted.iter().any(|path| {
                entry.name == *path
                    || path.ends_with(b"/") && below.starts_with(path) && below != *path
                    || !path.ends_with(b"/")
                        && below.starts_with(path)
                        && below.get(path.len()) == Some(&b'/')
            });
        let leads = wanted.iter().any(|path| path.starts_with(&below));
        let is_tree = entry.mode == MODE_TREE;
        if is_tree && (leads || recursive && chosen) {
            if with_trees && chosen {
                out.push(entry.clone());
            }
            list_tree(
                repository, &entry.id, &below, wanted, recursive, with_trees, out,
            )?;
        } else if chosen {
            out.push(entry);
        }
    }
    Ok(())
}

pub fn cat_file(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let mut action = "";
    for (name, value) in parsed.options() {
        match name {
            "p" | "t" | "s" | "e" => action = name,
            "batch" | "batch-check" => return batch(repository, name == "batch", value),
            _ => return Err(unknown("cat-file", name)),
        }
    }
    let free = parsed.free();
    let (kind, name) = match (action, free.as_slice()) {
        ("", [kind, name]) => (Some(kind.as_str()), name),
        (_, [name]) if !action.is_empty() => (None, name),
        _ => return Err(super::switch::nothing_given("cat-file")),
    };
    let found = revision::find(repository, name)?;
    let id = match (found, action) {
        (Some(id), _) => id,
        (None, "e") => return Err(quiet(1)),
        (None, _) => return Err(fatal(format!("Not a valid object name {name}"))),
    };
    let object = match repository.objects.find(&id)? {
        Some(object) => object,
        None if action == "e" => return Err(quiet(1)),
        None => {
            return Err(fatal(format!(
                "git cat-file: could not get object info\nhint: there is no object {id}"
            )));
        }
    };
    match (action, kind) {
        ("t", _) => say!("{}", object.kind),
        ("s", _) => say!("{}", object.data.len()),
        ("e", _) => {}
        ("p", _) if object.kind == Kind::Tree => {
            return ls_tree(&[id.to_string(), "--full-tree".to_owned()], repository);
        }
        ("p", _) => put(&object.data),
        (_, Some(kind)) => {
            let kind = Kind::from_bytes(kind.as_bytes())
                .map_err(|_| fatal(format!("invalid object type \"{kind}\"")))?;
            let target = revision::peel(repository, id, kind)?
                .ok_or_else(|| fatal(format!("git cat-file {name}: bad file")))?;
            put(&repository.objects.get(&target)?.data);
        }
        _ => {}
    }
    Ok(0)
}

fn batch(repository: &Repository, content: bool, format: Option<&str>) -> Result<i32> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    for line in text.lines() {
        let Some(id) = revision::find(repository, line)? else {
            say!("{line} missing");
            continue;
        };
        let object = repository.objects.get(&id)?;
        let format = format.unwrap_or("%(objectname) %(objecttype) %(objectsize)");
        let shown = format
            .replace("%(objectname)", &id.to_string())
            .replace("%(objecttype)", &object.kind.to_string());
        say!(
            "{}",
            shown.replace("%(objectsize)", &object.data.len().to_string())
        );
        if content {
            put(&object.data);
            put("\n");
        }
    }
    Ok(0)
}

pub fn hash_object(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["t", "path"], &[])?;
    let (mut write, mut stdin, mut kind) = (false, false, Kind::Blob);
    for (name, value) in parsed.options() {
        match name {
            "w" => write = true,
            "stdin" => stdin = true,
            "t" => {
                kind = Kind::from_bytes(value.unwrap_or_default().as_bytes())
                    .map_err(|_| fatal("invalid object type"))?
            }
            "no-filters" | "path" | "literally" => {}
            _ => return Err(unknown("hash-object", name)),
        }
    }
    let mut all = Vec::new();
    if stdin {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        all.push(bytes);
    }
    for name in parsed.free() {
        all.push(std::fs::read(&name).map_err(|reason| {
            fatal(format!(
                "could not open '{name}' for reading: {}",
                swarm_flow_posix::reason(&reason)
            ))
        })?);
    }
    for bytes in all {
        let id = if write {
            repository.objects.write(kind, &bytes)?
        } else {
            objects::hash(kind, &bytes)?
        };
        say!("{id}");
    }
    Ok(0)
}

pub fn rev_list(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &query::VALUED, &[])?;
    let mut query = Query::default();
    let (mut count, mut oneline, mut short, mut parents) = (false, false, false, false);
    for (name, value) in parsed.options() {
        match name {
            "count" => count = true,
            "oneline" => oneline = true,
            "abbrev-commit" => short = true,
            "parents" => parents = true,
            _ if query.option(repository, name, value)? => {}
            _ => return Err(unknown("rev-list", name)),
        }
    }
    let words = parsed.words();
    let (words, mut paths) = super::diff::split(repository, &words, parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    query.revisions(repository, &words)?;
    let mut total = 0usize;
    query.each(
        repository,
        Pathspec::parse(repository, &paths)?,
        |commit, _| {
            total += 1;
            let id = if oneline || short {
                revision::short(repository, commit.id)
            } else {
                commit.id.to_string()
            };
            let more: String = commit
                .parents
                .iter()
                .filter(|_| parents)
                .map(|parent| format!(" {parent}"))
                .collect();
            match (count, oneline) {
                (true, _) => {}
                (false, true) => say!("{id} {}", commit.subject()),
                (false, false) => say!("{id}{more}"),
            }
            Ok(true)
        },
    )?;
    if count {
        say!("{total}");
    }
    Ok(0)
}

pub fn symbolic_ref(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["m"], &[])?;
    let short = parsed.options().any(|(name, _)| name == "short");
    let is_quiet = parsed
        .options()
        .any(|(name, _)| matches!(name, "q" | "quiet"));
    let free = parsed.free();
    match free.as_slice() {
        [name] => match repository.refs.read(name) {
            Some(Target::Name(target)) => {
                let shown = target
                    .strip_prefix("refs/heads/")
                    .filter(|_| short)
                    .unwrap_or(&target);
                say!("{shown}");
                Ok(0)
            }
            _ if is_quiet => Err(quiet(1)),
            _ => Err(fatal(format!("ref {name} is not a symbolic ref"))),
        },
        [name, target] => {
            repository.refs.write(name, &format!("ref: {target}\n"))?;
            Ok(0)
        }
        _ => Err(super::switch::nothing_given("symbolic-ref")),
    }
}

pub fn update_ref(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["m"], &[])?;
    let message = parsed
        .options()
        .find(|(name, _)| *name == "m")
        .and_then(|(_, value)| value)
        .unwrap_or_default()
        .to_owned();
    let free = parsed.free();
    if parsed.options().any(|(name, _)| name == "d") {
        let name = free
            .first()
            .ok_or_else(|| super::switch::nothing_given("update-ref"))?;
        repository.refs.remove(name)?;
        return Ok(0);
    }
    let (Some(name), Some(value)) = (free.first(), free.get(1)) else {
        return Err(super::switch::nothing_given("update-ref"));
    };
    let new = revision::find(repository, value)?
        .ok_or_else(|| fatal(format!("{value}: not a valid SHA1")))?;
    repository.refs.update(&Update {
        name,
        new,
        who: &repository.logger(),
        message: &message,
    })?;
    Ok(0)
}

pub fn check_ignore(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let (mut verbose, mut is_quiet, mut stdin, mut non_matching) = (false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "v" | "verbose" => verbose = true,
            "q" | "quiet" => is_quiet = true,
            "stdin" => stdin = true,
            "n" | "non-matching" => non_matching = true,
            "no-index" => {}
            _ => return Err(unknown("check-ignore", name)),
        }
    }
    let mut names = parsed.free();
    if stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        names.extend(text.lines().map(str::to_owned));
    }
    if names.is_empty() {
        return Err(fatal("no path specified"));
    }
    let index = repository.index()?;
    let mut any = false;
    for name in names {
        let path = repository.inside(&name)?;
        let is_folder = name.ends_with('/') || repository.file(&path)?.is_dir();
        let rule = match index.has_path(&path) {
            true => None,
            false => Ignored::decide(repository, &path, is_folder)?,
        };
        let shown = repository.shown(name.as_bytes());
        match rule.filter(|rule| rule.ignored || verbose) {
            Some(rule) => {
                any |= rule.ignored || verbose;
                match (is_quiet, verbose) {
                    (true, _) => {}
                    (_, true) => say!("{}:{}:{}\t{shown}", rule.source, rule.line, rule.pattern),
                    (_, false) => say!("{shown}"),
                }
            }
            None if verbose && non_matching => say!("::\t{shown}"),
            None => {}
        }
    }
    Ok(i32::from(!any))
}

pub fn write_tree(arguments: &[String], repository: &Repository) -> Result<i32> {
    let _ = arguments;
    say!("{}", repository.index()?.write_tree(&repository.objects)?);
    Ok(0)
}

pub fn read_tree(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let mut index = repository.index()?;
    let files = match parsed.free().as_slice() {
        [] => Vec::new(),
        [name] => repository
            .objects
            .files(&revision::tree(repository, name)?)?,
        _ => {
            return Err(fatal(
                "'git read-tree' takes one tree here\nhint: use 'git merge'",
            ));
        }
    };
    index.reset_to(&files);
    if parsed.options().any(|(name, _)| name == "u") {
        super::switch::hard(repository, &mut index, &files)?;
    }
    index.save()?;
    Ok(0)
}

pub fn commit_tree(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["p", "m", "F"], &["S"])?;
    let (mut parents, mut messages) = (Vec::new(), Vec::new());
    for (name, value) in parsed.options() {
        let value = value.unwrap_or_default();
        match name {
            "p" => parents.push(revision::commit(repository, value)?),
            "m" => messages.push(value.to_owned()),
            "F" => messages.push(super::commit::read_message(value)?),
            _ => return Err(unknown("commit-tree", name)),
        }
    }
    let free = parsed.free();
    let name = free
        .first()
        .ok_or_else(|| super::switch::nothing_given("commit-tree"))?;
    let tree = revision::tree(repository, name)?;
    let text = match messages.is_empty() {
        true => super::commit::read_message("-")?,
        false => super::commit::clean(&messages.join("\n\n"), None, false),
    };
    let data = crate::commit::encode(
        tree,
        &parents,
        &repository.author()?,
        &repository.committer()?,
        text.as_bytes(),
    );
    say!("{}", repository.objects.write(Kind::Commit, &data)?);
    Ok(0)
}

pub fn count_objects(arguments: &[String], repository: &Repository) -> Result<i32> {
    let _ = arguments;
    let loose = repository.objects.all().len() as u64;
    say!(
        "{} objects, 0 kilobytes",
        loose.saturating_sub(repository.objects.packed_count())
    );
    Ok(0)
}

/// Packing saves room only; whoever calls it goes on.
pub fn gc(arguments: &[String], repository: &Repository) -> Result<i32> {
    let _ = (arguments, repository);
    Ok(0)
}

pub fn shortlog(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &query::VALUED, &[])?;
    let mut query = Query::default();
    let (mut summary, mut numbered, mut email) = (false, false, false);
    for (name, value) in parsed.options() {
        match name {
            "s" | "summary" => summary = true,
            "n" | "numbered" => numbered = true,
            "e" | "email" => email = true,
            _ if query.option(repository, name, value)? => {}
            _ => return Err(unknown("shortlog", name)),
        }
    }
    let (words, mut paths) =
        super::diff::split(repository, &parsed.free(), parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    query.revisions(repository, &words)?;
    let mut authors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    query.each(
        repository,
        Pathspec::parse(repository, &paths)?,
        |commit, _| {
            let name = match email {
                true => format!("{} <{}>", commit.author.name, commit.author.email),
                false => commit.author.name.clone(),
            };
            authors.entry(name).or_default().insert(0, commit.subject());
            Ok(true)
        },
    )?;
    let mut rows: Vec<(String, Vec<String>)> = authors.into_iter().collect();
    if numbered {
        rows.sort_by_key(|(_, subjects)| std::cmp::Reverse(subjects.len()));
    }
    for (name, subjects) in rows {
        if summary {
            say!("{:>6}\t{name}", subjects.len());
            continue;
        }
        say!("{name} ({}):", subjects.len());
        subjects.iter().for_each(|subject| say!("      {subject}"));
        say!("");
    }
    Ok(0)
}

pub fn describe(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["match", "exclude", "candidates"], &[])?;
    let (mut tags, mut all, mut long, mut always, mut dirty, mut length, mut pattern, mut exact) =
        (false, false, false, false, None, None, None, false);
    for (name, value) in parsed.options() {
        match name {
            "tags" => tags = true,
            "all" => all = true,
            "long" => long = true,
            "always" => always = true,
            "dirty" | "broken" => dirty = Some(value.unwrap_or("-dirty").to_owned()),
            "abbrev" => length = Some(number(name, value)?),
            "match" => pattern = value.map(str::to_owned),
            "exact-match" => exact = true,
            "first-parent" | "candidates" | "exclude" => {}
            _ => return Err(unknown("describe", name)),
        }
    }
    let free = parsed.free();
    let word = free.first().map_or("HEAD", String::as_str);
    let id = revision::find_commit(repository, word)?
        .ok_or_else(|| fatal(format!("Not a valid object name {word}")))?;
    let mut names: BTreeMap<gix_hash::ObjectId, (u8, String)> = BTreeMap::new();
    let mut unannotated = false;
    for (full, target) in repository.refs.list("refs/") {
        let is_tag = full.starts_with("refs/tags/");
        let annotated = is_tag && repository.objects.get(&target)?.kind == Kind::Tag;
        let priority = if annotated { 2 } else { u8::from(is_tag) };
        unannotated |= priority == 1;
        let short = full.strip_prefix("refs/tags/").unwrap_or(&full);
        let fits = pattern.as_ref().is_none_or(|pattern| {
            swarm_flow_posix::glob::matches(
                pattern,
                short,
                swarm_flow_posix::glob::Options::default(),
            )
        });
        if priority < 2 && !(tags && priority == 1 || all) || !fits {
            continue;
        }
        let name = if all {
            full.strip_prefix("refs/").unwrap_or(&full).to_owned()
        } else {
            short.to_owned()
        };
        if let Some(commit) = revision::peel(repository, target, Kind::Commit)?
            && names.get(&commit).is_none_or(|(old, _)| *old < priority)
        {
            names.insert(commit, (priority, name));
        }
    }
    let mut walk = crate::walk::Walk::new(repository, vec![id], &[])?;
    let mut best: Option<(usize, String)> = None;
    let mut candidates = 0;
    while let Some(commit) = walk.next_commit()? {
        if exact && commit.id != id {
            break;
        }
        if let Some((_, name)) = names.get(&commit.id) {
            let theirs = crate::walk::reachable(repository, &[commit.id])?;
            let depth = crate::walk::reachable(repository, &[id])?
                .difference(&theirs)
                .count();
            if best.as_ref().is_none_or(|(old, _)| depth < *old) {
                best = Some((depth, name.clone()));
            }
            candidates += 1;
            if candidates == 10 || depth == 0 {
                break;
            }
        }
    }
    let short = |length: Option<usize>| match length {
        Some(length) => revision::short_of(repository, id, length),
        None => revision::short(repository, id),
    };
    let suffix = match dirty {
        Some(suffix) => {
            let mut index = repository.index()?;
            let tree = super::head_tree(repository)?.unwrap_or_else(objects::empty_tree);
            let changes = crate::change::tree_to_worktree(
                repository,
                tree,
                &mut index,
                &Pathspec::default(),
            )?;
            if changes.is_empty() {
                String::new()
            } else {
                suffix
            }
        }
        None => String::new(),
    };
    match best {
        Some((0, name)) if !long => say!("{name}{suffix}"),
        Some((_, name)) if length == Some(0) => say!("{name}{suffix}"),
        Some((depth, name)) => say!("{name}-{depth}-g{}{suffix}", short(length)),
        None if always => say!("{}{suffix}", short(length)),
        None if exact => return Err(fatal(format!("no tag exactly matches '{id}'"))),
        None if names.is_empty() && !unannotated => {
            return Err(fatal("No names found, cannot describe anything."));
        }
        None if unannotated && !tags => {
            return Err(fatal(format!(
                "No annotated tags can describe '{id}'.\nHowever, there were unannotated tags: try --tags."
            )));
        }
        None => {
            return Err(fatal(format!(
                "No tags can describe '{id}'.\nTry --always, or create some tags."
            )));
        }
    }
    Ok(0)
}

pub fn worktree_list(arguments: &[String], repository: &Repository) -> Result<i32> {
    if arguments.first().map(String::as_str) != Some("list") {
        return Err(fatal(
            "'git worktree' only lists here\nhint: work in one tree, or copy the folder",
        ));
    }
    let head = repository.refs.resolve("HEAD");
    let id = head.map_or("0000000".to_owned(), |id| revision::short(repository, id));
    match repository.refs.head_name() {
        Some(name) => say!(
            "{}  {id} [{}]",
            repository.root()?.display(),
            name.replace("refs/heads/", "")
        ),
        None => say!("{}  {id} (detached HEAD)", repository.root()?.display()),
    }
    Ok(0)
}

/// `git diff-tree`, `diff-index` and `diff-files` as `git diff` with their defaults.
pub fn diff_tree(arguments: &[String], repository: &Repository) -> Result<i32> {
    let mut list: Vec<String> = arguments
        .iter()
        .filter(|argument| {
            !matches!(
                argument.as_str(),
                "-r" | "--root" | "-t" | "--no-commit-id" | "-m"
            )
        })
        .cloned()
        .collect();
    if !is_styled(&list) && !list.iter().any(|argument| argument == "--raw") {
        list.splice(0..0, ["--raw".to_owned(), "--full-index".to_owned()]);
    }
    list.insert(0, "--no-renames".to_owned());
    let words: Vec<usize> = list
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.starts_with('-'))
        .map(|(at, _)| at)
        .collect();
    if let [only] = words.as_slice()
        && let Some(word) = list.get_mut(*only)
    {
        let id = revision::commit(repository, word)?;
        if !arguments
            .iter()
            .any(|argument| argument == "--no-commit-id")
        {
            say!("{id}");
        }
        word.push_str("^!");
    }
    super::diff::run(&list, repository)
}

/// Whether a form of the differences is asked for.
fn is_styled(list: &[String]) -> bool {
    list.iter().any(|argument| {
        matches!(
            argument.as_str(),
            "-p" | "-u"
                | "--patch"
                | "--stat"
                | "--name-only"
                | "--name-status"
                | "--numstat"
                | "--shortstat"
                | "--quiet"
        )
    })
}

pub fn diff_index(arguments: &[String], repository: &Repository) -> Result<i32> {
    let mut list = arguments.to_vec();
    if !is_styled(&list) {
        list.splice(0..0, ["--raw".to_owned(), "--full-index".to_owned()]);
    }
    list.insert(0, "--no-renames".to_owned());
    super::diff::run(&list, repository)
}

pub fn var(arguments: &[String], repository: &Repository) -> Result<i32> {
    match arguments.first().map(String::as_str) {
        Some("GIT_AUTHOR_IDENT") => say!("{}", repository.author()?.line()),
        Some("GIT_COMMITTER_IDENT") => say!("{}", repository.committer()?.line()),
        Some("GIT_EDITOR") => say!(
            "{}",
            crate::hooks::editor(repository)
                .ok_or_else(|| error("Terminal is dumb, but EDITOR unset"))?
        ),
        Some("GIT_DEFAULT_BRANCH") => say!(
            "{}",
            repository
                .config
                .get("init.defaultbranch")
                .unwrap_or("master")
        ),
        _ => return Err(super::switch::nothing_given("var")),
    }
    Ok(0)
}
