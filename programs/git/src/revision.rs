//! Names of revisions: `HEAD~2`, `main@{1}`, `v1^{tree}`, `HEAD:src/main.rs`, `a..b`.

use crate::fail::{Fail, Result, fatal};
use crate::objects::Object;
use crate::repository::Repository;
use gix_hash::ObjectId;
use gix_object::Kind;

const SHORT_MIN: usize = 7;

/// The shortest form of an id that no other object has, at least as long as git makes it.
pub fn short(repository: &Repository, id: ObjectId) -> String {
    let configured = repository
        .config
        .get("core.abbrev")
        .and_then(|text| text.parse().ok());
    let length = configured.unwrap_or_else(|| {
        // A repository of 2^n objects needs n/2 bits more than it has for a collision to be unlikely.
        let bits = u64::BITS - repository.objects.packed_count().leading_zeros();
        SHORT_MIN.max(bits.div_ceil(2) as usize)
    });
    short_of(repository, id, length)
}

pub fn short_of(repository: &Repository, id: ObjectId, length: usize) -> String {
    let hex = id.to_string();
    let mut length = length.clamp(4, hex.len());
    if id.is_null() {
        return hex.get(..length).unwrap_or(&hex).to_owned();
    }
    while length < hex.len() {
        let digits = hex.get(..length).unwrap_or(&hex);
        if repository
            .objects
            .with_prefix(digits)
            .iter()
            .all(|other| *other == id)
        {
            break;
        }
        length += 1;
    }
    hex.get(..length).unwrap_or(&hex).to_owned()
}

/// What git says of a word that is neither a revision nor a file.
pub fn ambiguous(text: &str) -> Fail {
    fatal(format!(
        "ambiguous argument '{text}': unknown revision or path not in the working tree.\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'"
    ))
}

pub fn get(repository: &Repository, text: &str) -> Result<ObjectId> {
    find(repository, text)?.ok_or_else(|| ambiguous(text))
}

pub fn commit(repository: &Repository, text: &str) -> Result<ObjectId> {
    let id = get(repository, text)?;
    peel(repository, id, Kind::Commit)?.ok_or_else(|| fatal(format!("{text}: not a commit")))
}

pub fn tree(repository: &Repository, text: &str) -> Result<ObjectId> {
    let id = get(repository, text)?;
    peel(repository, id, Kind::Tree)?.ok_or_else(|| fatal(format!("{text}: not a tree")))
}

/// The commit if it is one.
pub fn find_commit(repository: &Repository, text: &str) -> Result<Option<ObjectId>> {
    match find(repository, text)? {
        Some(id) => peel(repository, id, Kind::Commit),
        None => Ok(None),
    }
}

/// Follows tags, and a commit to its tree.
pub fn peel(repository: &Repository, id: ObjectId, kind: Kind) -> Result<Option<ObjectId>> {
    let mut id = id;
    loop {
        let object = repository.objects.get(&id)?;
        if object.kind == kind {
            return Ok(Some(id));
        }
        id = match object.kind {
            Kind::Tag => tag_target(&object)?,
            Kind::Commit if kind == Kind::Tree => repository.objects.commit(&id)?.tree,
            _ => return Ok(None),
        };
    }
}

pub fn tag_target(object: &Object) -> Result<ObjectId> {
    let line = object
        .data
        .strip_prefix(b"object ")
        .and_then(|rest| rest.get(..40));
    line.and_then(|hex| ObjectId::from_hex(hex).ok())
        .ok_or_else(|| fatal("corrupt tag object"))
}

/// None if there is no such revision.
pub fn find(repository: &Repository, text: &str) -> Result<Option<ObjectId>> {
    if let Some(path) = text.strip_prefix(':') {
        return in_index(repository, path);
    }
    let end = text.char_indices().find(|(at, character)| {
        matches!(character, '^' | '~' | ':')
            || *character == '@' && text.get(*at..).is_some_and(|rest| rest.starts_with("@{"))
    });
    let (base, mut rest) = text.split_at(end.map_or(text.len(), |(at, _)| at));
    let mut name = None;
    let mut id = None;
    if !(base.is_empty() && rest.starts_with("@{")) {
        let Some((found, full)) = base_of(repository, base)? else {
            return Ok(None);
        };
        (id, name) = (Some(found), full);
    }
    while let Some(first) = rest.chars().next() {
        let behind = rest.get(1..).unwrap_or_default();
        match first {
            '@' => {
                let Some((inner, tail)) = behind
                    .strip_prefix('{')
                    .and_then(|inner| inner.split_once('}'))
                else {
                    return Ok(None);
                };
                rest = tail;
                match at_brace(repository, name.as_deref(), inner)? {
                    Some((found, full)) => (id, name) = (Some(found), full),
                    None => return Ok(None),
                }
            }
            '~' => {
                let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
                let (number, tail) = behind.split_at(digits);
                rest = tail;
                let count = if number.is_empty() {
                    1
                } else {
                    number.parse().unwrap_or(usize::MAX)
                };
                for _ in 0..count {
                    id = parent(repository, id, 1)?;
                    if id.is_none() {
                        return Ok(None);
                    }
                }
            }
            '^' if behind.starts_with('{') => {
                let Some((inner, tail)) = behind.get(1..).and_then(|inner| inner.split_once('}'))
                else {
                    return Ok(None);
                };
                rest = tail;
                id = match id {
                    Some(id) => caret_brace(repository, id, inner)?,
                    None => None,
                };
            }
            '^' => {
                let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
                let (number, tail) = behind.split_at(digits);
                rest = tail;
                let number = if number.is_empty() {
                    1
                } else {
                    number.parse().unwrap_or(usize::MAX)
                };
                id = parent(repository, id, number)?;
            }
            ':' => {
                let Some(tree) = id.map_or(Ok(None), |id| peel(repository, id, Kind::Tree))? else {
                    return Ok(None);
                };
                return in_tree(repository, base, tree, behind);
            }
            _ => return Ok(None),
        }
        if id.is_none() {
            return Ok(None);
        }
    }
    Ok(id)
}

fn in_tree(
    repository: &Repository,
    base: &str,
    tree: ObjectId,
    path: &str,
) -> Result<Option<ObjectId>> {
    let full = match path.strip_prefix("./") {
        Some(path) => [repository.prefix.as_slice(), path.as_bytes()].concat(),
        None => path.as_bytes().to_vec(),
    };
    if let Some(entry) = repository.objects.tree_entry(&tree, &full)? {
        return Ok(Some(entry.id));
    }
    let in_worktree = repository.has_root() && repository.file(&full)?.exists();
    let text = match in_worktree {
        true => format!("path '{path}' exists on disk, but not in '{base}'"),
        false => format!("path '{path}' does not exist in '{base}'"),
    };
    Err(fatal(text))
}

fn in_index(repository: &Repository, text: &str) -> Result<Option<ObjectId>> {
    if let Some(pattern) = text.strip_prefix('/') {
        return by_message(repository, repository.refs.resolve("HEAD"), pattern);
    }
    let (stage, path) = match text.split_once(':') {
        Some((stage, path)) if matches!(stage, "0" | "1" | "2" | "3") => {
            (stage.parse().unwrap_or(0), path)
        }
        _ => (0, text),
    };
    let full = match path.strip_prefix("./") {
        Some(path) => [repository.prefix.as_slice(), path.as_bytes()].concat(),
        None => path.as_bytes().to_vec(),
    };
    let index = repository.index()?;
    Ok(index.entries.get(&(full, stage)).map(|entry| entry.id))
}

/// The youngest commit from here whose message matches.
fn by_message(
    repository: &Repository,
    from: Option<ObjectId>,
    pattern: &str,
) -> Result<Option<ObjectId>> {
    let regex =
        regex::Regex::new(pattern).map_err(|_| fatal(format!("invalid regex: {pattern}")))?;
    let mut walk = crate::walk::Walk::new(repository, from.into_iter().collect(), &[])?;
    while let Some(commit) = walk.next_commit()? {
        if regex.is_match(&commit.text()) {
            return Ok(Some(commit.id));
        }
    }
    Ok(None)
}

/// The id for a plain name, and the name of the reference if it is one.
fn base_of(repository: &Repository, text: &str) -> Result<Option<(ObjectId, Option<String>)>> {
    let text = if text == "@" { "HEAD" } else { text };
    if text.len() == 40
        && let Ok(id) = ObjectId::from_hex(text.as_bytes())
    {
        return Ok(Some((id, None)));
    }
    if text == "-" {
        return at_brace(repository, None, "-1");
    }
    if let Some(full) = repository.refs.expand(text)
        && let Some(id) = repository.refs.resolve(&full)
    {
        return Ok(Some((id, Some(full))));
    }
    let described = text.rsplit_once("-g").map(|(_, digits)| digits);
    let digits = described.filter(|digits| is_hex(digits)).unwrap_or(text);
    if !is_hex(digits) {
        return Ok(None);
    }
    let mut found = repository.objects.with_prefix(&digits.to_ascii_lowercase());
    if found.len() > 1 {
        // A revision is a commit more likely than something else.
        let is_commit = |id: &ObjectId| {
            matches!(
                repository.objects.find(id),
                Ok(Some(Object {
                    kind: Kind::Commit | Kind::Tag,
                    ..
                }))
            )
        };
        let commits: Vec<ObjectId> = found.iter().copied().filter(is_commit).collect();
        if commits.len() != 1 {
            crate::out::warn(format!("error: short object ID {digits} is ambiguous"));
            return Ok(None);
        }
        found = commits;
    }
    Ok(found.first().map(|id| (*id, None)))
}

fn is_hex(text: &str) -> bool {
    (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn parent(
    repository: &Repository,
    id: Option<ObjectId>,
    number: usize,
) -> Result<Option<ObjectId>> {
    let Some(id) = id.map_or(Ok(None), |id| peel(repository, id, Kind::Commit))? else {
        return Ok(None);
    };
    match number {
        0 => Ok(Some(id)),
        _ => Ok(repository
            .objects
            .commit(&id)?
            .parents
            .get(number - 1)
            .copied()),
    }
}

fn caret_brace(repository: &Repository, id: ObjectId, inner: &str) -> Result<Option<ObjectId>> {
    if let Some(pattern) = inner.strip_prefix('/') {
        return by_message(repository, Some(id), pattern);
    }
    match inner {
        "commit" => peel(repository, id, Kind::Commit),
        "tree" => peel(repository, id, Kind::Tree),
        "blob" => peel(repository, id, Kind::Blob),
        "tag" => peel(repository, id, Kind::Tag),
        "object" => Ok(Some(id)),
        "" => {
            let object = repository.objects.get(&id)?;
            match object.kind {
                Kind::Tag => caret_brace(repository, tag_target(&object)?, ""),
                _ => Ok(Some(id)),
            }
        }
        _ => Ok(None),
    }
}

/// `@{1}`, `@{-1}`, `@{upstream}`.
fn at_brace(
    repository: &Repository,
    name: Option<&str>,
    inner: &str,
) -> Result<Option<(ObjectId, Option<String>)>> {
    if let Some(number) = inner
        .strip_prefix('-')
        .and_then(|number| number.parse::<usize>().ok())
    {
        let Some(branch) = previous_branch(repository, number) else {
            return Ok(None);
        };
        return base_of(repository, &branch);
    }
    let own = || {
        repository
            .refs
            .head_name()
            .unwrap_or_else(|| "HEAD".to_owned())
    };
    if matches!(inner, "u" | "upstream" | "push") {
        let branch = match name {
            Some("HEAD") | None => own(),
            Some(name) => name.to_owned(),
        };
        let full = upstream(repository, &branch);
        let short = branch.strip_prefix("refs/heads/").unwrap_or(&branch);
        let full =
            full.ok_or_else(|| fatal(format!("no upstream configured for branch '{short}'")))?;
        return Ok(repository.refs.resolve(&full).map(|id| (id, Some(full))));
    }
    let name = name.map_or_else(own, str::to_owned);
    let log = repository.refs.read_log(&name);
    let Ok(number) = inner.parse::<usize>() else {
        let when = crate::date::parse(inner).ok_or_else(|| ambiguous(&format!("@{{{inner}}}")))?;
        let line = log
            .iter()
            .rev()
            .find(|line| line.who.seconds <= when.seconds);
        return Ok(line.or(log.first()).map(|line| (line.new, None)));
    };
    if let Some(line) = log.iter().rev().nth(number) {
        return Ok(Some((line.new, None)));
    }
    // One step before the first line is what that line came from.
    let oldest = log
        .first()
        .filter(|line| number == log.len() && !line.old.is_null());
    if let Some(line) = oldest {
        return Ok(Some((line.old, None)));
    }
    let short = name.strip_prefix("refs/heads/").unwrap_or(&name);
    match number {
        0 => Ok(repository.refs.resolve(&name).map(|id| (id, None))),
        _ => Err(fatal(format!(
            "log for '{short}' only has {} entries",
            log.len()
        ))),
    }
}

/// The branch that was checked out so many switches ago.
pub fn previous_branch(repository: &Repository, number: usize) -> Option<String> {
    let log = repository.refs.read_log("HEAD");
    let moves = log
        .iter()
        .rev()
        .filter_map(|line| line.message.strip_prefix("checkout: moving from "));
    let from = moves.filter_map(|rest| rest.split_once(" to ").map(|(from, _)| from.to_owned()));
    from.into_iter().nth(number.checked_sub(1)?)
}

/// The full name of what a branch follows.
pub fn upstream(repository: &Repository, branch: &str) -> Option<String> {
    let short = branch.strip_prefix("refs/heads/")?;
    let remote = repository.config.get(&format!("branch.{short}.remote"))?;
    let merge = repository.config.get(&format!("branch.{short}.merge"))?;
    match remote {
        "." => Some(merge.to_owned()),
        _ => Some(format!(
            "refs/remotes/{remote}/{}",
            merge.strip_prefix("refs/heads/")?
        )),
    }
}

/// What a command line asks to show: from these commits, without what those reach.
#[derive(Default)]
pub struct Range {
    pub include: Vec<ObjectId>,
    pub exclude: Vec<ObjectId>,
    /// `a...b`
    pub symmetric: bool,
}

/// One word of a command line; false if it is no revision.
pub fn add_range(repository: &Repository, text: &str, range: &mut Range) -> Result<bool> {
    let side = |text: &str| {
        if text.is_empty() {
            "HEAD".to_owned()
        } else {
            text.to_owned()
        }
    };
    if let Some((left, right)) = text.split_once("...") {
        let (left, right) = (
            find_commit(repository, &side(left))?,
            find_commit(repository, &side(right))?,
        );
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(false);
        };
        range.exclude.extend(merge_bases(repository, left, right)?);
        range.include.extend([left, right]);
        range.symmetric = true;
        return Ok(true);
    }
    if let Some((left, right)) = text
        .split_once("..")
        .filter(|_| !text.starts_with("../") && text != "..")
    {
        let (left, right) = (
            find_commit(repository, &side(left))?,
            find_commit(repository, &side(right))?,
        );
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(false);
        };
        range.exclude.push(left);
        range.include.push(right);
        return Ok(true);
    }
    if let Some(excluded) = text.strip_prefix('^') {
        let id = find_commit(repository, excluded)?;
        range.exclude.extend(id);
        return Ok(id.is_some());
    }
    for (suffix, parents_only) in [("^@", true), ("^!", false)] {
        if let Some(base) = text.strip_suffix(suffix) {
            let Some(id) = find_commit(repository, base)? else {
                return Ok(false);
            };
            let parents = repository.objects.commit(&id)?.parents.clone();
            match parents_only {
                true => range.include.extend(parents),
                false => {
                    range.include.push(id);
                    range.exclude.extend(parents);
                }
            }
            return Ok(true);
        }
    }
    let id = find_commit(repository, text)?;
    range.include.extend(id);
    Ok(id.is_some())
}

pub fn merge_bases(
    repository: &Repository,
    one: ObjectId,
    other: ObjectId,
) -> Result<Vec<ObjectId>> {
    let mut graph = gix_revwalk::Graph::new(&repository.objects, None);
    let bases = gix_revision::merge_base(one, &[other], &mut graph);
    let bases = bases.map_err(|reason| fatal(reason.to_string()))?;
    Ok(bases.into_iter().flatten().collect())
}
