//! `git diff`.

use crate::arguments::{parse, unknown};
use crate::change::{self, Change, Side};
use crate::fail::{Result, fatal};
use crate::objects::MODE_FILE;
use crate::output::{GLUED, Output, Part, VALUED};
use crate::pathspec::Pathspec;
use crate::repository::Repository;
use crate::revision::{self, Range};
use gix_hash::ObjectId;
use gix_object::Kind;

pub fn run(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &VALUED, &GLUED)?;
    let mut output = Output::new(repository);
    let (mut cached, mut merge_base) = (false, false);
    for (name, value) in parsed.options() {
        match name {
            "cached" | "staged" => cached = true,
            "merge-base" => merge_base = true,
            "no-index" => {
                return Err(fatal(
                    "'git diff --no-index' is not supported here\nhint: use 'diff -u'",
                ));
            }
            "number" => {}
            _ if output.option(name, value)? => {}
            _ => return Err(unknown("diff", name)),
        }
    }
    if output.parts.is_empty() {
        output.add(Part::Patch);
    }
    let free = parsed.words();
    let (revisions, mut paths) = split(repository, &free, parsed.behind.is_some())?;
    paths.extend(parsed.behind.clone().unwrap_or_default());
    let specs = Pathspec::parse(repository, &paths)?;
    let changes = changes(repository, &revisions, cached, merge_base, &specs)?;
    let changes = output.refine(repository, changes)?;
    if output.check {
        return check(repository, &changes, &output);
    }
    output.print(repository, &changes)?;
    Ok(i32::from(output.exit_code && !changes.is_empty()))
}

/// Words before the first path are revisions; the rest must be paths that are there.
pub fn split(
    repository: &Repository,
    free: &[String],
    dashes: bool,
) -> Result<(Vec<String>, Vec<String>)> {
    let mut revisions = Vec::new();
    let mut at = 0;
    while let Some(word) = free.get(at) {
        let known = is_revision(repository, word)?;
        if !known && dashes {
            return Err(fatal(format!("bad revision '{word}'")));
        }
        if !known {
            break;
        }
        if !dashes && revision_is_path(repository, word)? {
            return Err(fatal(format!(
                "ambiguous argument '{word}': both revision and filename\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'"
            )));
        }
        revisions.push(word.clone());
        at += 1;
    }
    let paths = free.get(at..).unwrap_or_default().to_vec();
    for path in &paths {
        let magic = path.starts_with(':') || path.contains(['*', '?', '[']);
        let file = crate::paths::absolute(std::path::Path::new(path));
        if !magic && std::fs::symlink_metadata(file).is_err() {
            return Err(revision::ambiguous(path));
        }
    }
    Ok((revisions, paths))
}

fn revision_is_path(repository: &Repository, word: &str) -> Result<bool> {
    let plain =
        !word.contains(['^', '~', ':', '@']) && !word.contains("..") && repository.has_root();
    Ok(plain
        && word.len() < 40
        && std::fs::symlink_metadata(crate::paths::absolute(std::path::Path::new(word))).is_ok())
}

fn is_revision(repository: &Repository, word: &str) -> Result<bool> {
    let mut range = Range::default();
    if word.contains("..") || word.starts_with('^') || word.ends_with("^!") || word.ends_with("^@")
    {
        return revision::add_range(repository, word, &mut range);
    }
    Ok(revision::find(repository, word)?.is_some())
}

fn changes(
    repository: &Repository,
    revisions: &[String],
    cached: bool,
    merge_base: bool,
    specs: &Pathspec,
) -> Result<Vec<Change>> {
    let objects = &repository.objects;
    let tree = |name: &str| revision::tree(repository, name);
    let mut index = repository.index()?;
    let base = |one: &str, other: &str| -> Result<ObjectId> {
        let (one, other) = (
            revision::commit(repository, one)?,
            revision::commit(repository, other)?,
        );
        let bases = revision::merge_bases(repository, one, other)?;
        let base = bases.first().ok_or_else(|| fatal("no merge base found"))?;
        Ok(objects.commit(base)?.tree)
    };
    match revisions {
        [] if cached => {
            change::tree_to_index(objects, super::head_tree(repository)?, &index, specs)
        }
        [] => {
            repository.root()?;
            let changes = change::index_to_worktree(repository, &mut index, specs)?;
            Ok(with_ours(repository, &index, changes))
        }
        [one] if cached => change::tree_to_index(objects, Some(tree(one)?), &index, specs),
        [one] if one.contains("...") => {
            let (left, right) = one.split_once("...").unwrap_or_default();
            let side = |text: &str| {
                if text.is_empty() {
                    "HEAD".to_owned()
                } else {
                    text.to_owned()
                }
            };
            change::trees(
                objects,
                Some(base(&side(left), &side(right))?),
                Some(tree(&side(right))?),
                specs,
            )
        }
        [one] if one.contains("..") => {
            let (left, right) = one.split_once("..").unwrap_or_default();
            let side = |text: &str| {
                if text.is_empty() {
                    "HEAD".to_owned()
                } else {
                    text.to_owned()
                }
            };
            change::trees(
                objects,
                Some(tree(&side(left))?),
                Some(tree(&side(right))?),
                specs,
            )
        }
        [one] if one.ends_with("^!") => {
            let one = one.trim_end_matches("^!");
            let parent = revision::find(repository, &format!("{one}^"))?;
            let parent = parent.map(|parent| objects.commit(&parent)).transpose()?;
            change::trees(
                objects,
                parent.map(|parent| parent.tree),
                Some(tree(one)?),
                specs,
            )
        }
        [one] => {
            repository.root()?;
            let id = revision::get(repository, one)?;
            if objects.get(&id)?.kind == Kind::Blob {
                return Err(fatal(format!(
                    "'git diff {one}' needs a second blob or a commit"
                )));
            }
            let tree = if merge_base {
                base(one, "HEAD")?
            } else {
                tree(one)?
            };
            change::tree_to_worktree(repository, tree, &mut index, specs)
        }
        [one, other] => {
            let (left, right) = (
                revision::get(repository, one)?,
                revision::get(repository, other)?,
            );
            if objects.get(&left)?.kind == Kind::Blob && objects.get(&right)?.kind == Kind::Blob {
                let side = |id, name: &str| {
                    let path = name.split_once(':').map_or(name, |(_, path)| path);
                    Some(Side {
                        path: path.as_bytes().to_vec(),
                        mode: MODE_FILE,
                        id,
                        in_worktree: false,
                    })
                };
                return Ok(vec![Change::new(side(left, one), side(right, other))]
                    .into_iter()
                    .filter(|_| left != right)
                    .collect());
            }
            if let Some(excluded) = one.strip_prefix('^') {
                return change::trees(objects, Some(tree(excluded)?), Some(tree(other)?), specs);
            }
            let old = if merge_base {
                base(one, other)?
            } else {
                tree(one)?
            };
            change::trees(objects, Some(old), Some(tree(other)?), specs)
        }
        _ => Err(fatal(
            "more than two revisions: this git has no combined diffs\nhint: compare two at a time",
        )),
    }
}

/// For a file in conflict git shows how it differs from both sides; here it is compared with ours.
fn with_ours(
    repository: &Repository,
    index: &crate::index::Index,
    changes: Vec<Change>,
) -> Vec<Change> {
    let mut out = Vec::new();
    for change in changes {
        let path = change.path().to_vec();
        let unmerged = change.unmerged;
        out.push(change);
        let (true, Some(ours)) = (unmerged, index.entries.get(&(path.clone(), 2))) else {
            continue;
        };
        let file = repository.file(&path).ok().filter(|file| file.is_file());
        let new = file.and_then(|file| crate::worktree::content(&file, ours.mode).ok());
        let id = new.and_then(|bytes| crate::objects::hash(Kind::Blob, &bytes).ok());
        let side = |id, in_worktree| Side {
            path: path.clone(),
            mode: ours.mode,
            id,
            in_worktree,
        };
        out.push(Change::new(
            Some(side(ours.id, false)),
            id.map(|id| side(id, true)),
        ));
    }
    out
}

/// `--check`: white space at the end of added lines, and marks of conflicts.
fn check(repository: &Repository, changes: &[Change], output: &Output) -> Result<i32> {
    let mut found = false;
    for change in changes
        .iter()
        .filter(|change| change.new.is_some() && !change.unmerged)
    {
        let (old, new) = crate::patch::contents(repository, change)?;
        let lines = crate::patch::lines(&new);
        for hunk in crate::patch::hunks(&old, &new, &output.style) {
            for at in hunk.after {
                let line = lines.get(at as usize).copied().unwrap_or_default();
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                let mut problems = Vec::new();
                if text.ends_with(b" ") || text.ends_with(b"\t") || text.ends_with(b"\r") {
                    problems.push("trailing whitespace.");
                }
                let indent: Vec<u8> = text
                    .iter()
                    .copied()
                    .take_while(|byte| matches!(byte, b' ' | b'\t'))
                    .collect();
                if indent.windows(2).any(|pair| pair == b" \t") {
                    problems.push("space before tab in indent.");
                }
                if [&b"<<<<<<< "[..], b"=======", b">>>>>>> "]
                    .iter()
                    .any(|mark| text.starts_with(mark))
                {
                    problems = vec!["leftover conflict marker"];
                }
                if problems.is_empty() {
                    continue;
                }
                found = true;
                let conflict = problems == ["leftover conflict marker"];
                crate::out::say!(
                    "{}:{}: {}",
                    repository.shown(change.path()),
                    at + 1,
                    problems.join(", ").replace("., ", ", ")
                );
                if !conflict {
                    crate::out::put([b"+", text, b"\n"].concat());
                }
            }
        }
    }
    Ok(if found { 2 } else { 0 })
}
