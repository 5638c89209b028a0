//! `git stash`.

use crate::arguments::{Arguments, parse, unknown};
use crate::change;
use crate::commit::encode;
use crate::fail::{Fail, Result, error, fatal, quiet};
use crate::merge::{self, Favor, Sides};
use crate::objects::TreeEntry;
use crate::out::{say, warn};
use crate::output::{self, Output, Part};
use crate::pathspec::Pathspec;
use crate::refs::Update;
use crate::repository::Repository;
use crate::revision;
use crate::worktree::{self, Untracked};
use gix_hash::ObjectId;
use gix_object::Kind;

const NAME: &str = "refs/stash";

pub fn run(arguments: &[String], repository: &Repository) -> Result<i32> {
    repository.root()?;
    let (word, rest) = match arguments.split_first() {
        Some((word, rest)) if !word.starts_with('-') => (word.as_str(), rest),
        _ => ("push", arguments),
    };
    match word {
        "push" => push(rest, repository, false),
        "save" => push(rest, repository, true),
        "list" => list(rest, repository),
        "show" => show(rest, repository),
        "pop" => restore(rest, repository, true),
        "apply" => restore(rest, repository, false),
        "drop" => {
            let parsed = parse(rest, &[], &[])?;
            let at = number(&parsed)?;
            let id = entry(repository, at)?;
            remove(repository, at)?;
            if !is_quiet(&parsed) {
                say!("Dropped {} ({id})", shown(&parsed, at));
            }
            Ok(0)
        }
        "clear" => {
            if repository.refs.resolve(NAME).is_some() {
                repository.refs.remove(NAME)?;
            }
            Ok(0)
        }
        "branch" => {
            let (name, rest) = rest
                .split_first()
                .ok_or_else(|| fatal("No branch name specified"))?;
            let parsed = parse(rest, &[], &[])?;
            let base = repository
                .objects
                .commit(&entry(repository, number(&parsed)?)?)?
                .parents
                .first()
                .copied();
            let base = base.ok_or_else(|| error("not a stash-like commit"))?;
            super::switch::checkout(
                &["-b".to_owned(), name.clone(), base.to_string()],
                repository,
            )?;
            let mut arguments = rest.to_vec();
            arguments.push("--index".to_owned());
            restore(&arguments, repository, true)
        }
        _ => Err(Fail {
            code: 1,
            text: format!(
                "fatal: subcommand wasn't specified; 'push' can't be assumed due to unexpected token '{word}'"
            ),
        }),
    }
}

fn is_quiet(parsed: &Arguments) -> bool {
    parsed
        .options()
        .any(|(name, _)| matches!(name, "q" | "quiet"))
}

/// `stash@{1}` or `1`.
fn number(parsed: &Arguments) -> Result<usize> {
    let free = parsed.free();
    let Some(text) = free.first() else {
        return Ok(0);
    };
    let inner = text.strip_prefix("refs/").unwrap_or(text);
    let inner = inner
        .strip_prefix("stash@{")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(inner);
    match inner {
        "stash" => Ok(0),
        _ => inner
            .parse()
            .map_err(|_| error(format!("'{text}' is not a stash reference"))),
    }
}

fn shown(parsed: &Arguments, at: usize) -> String {
    match parsed.free().first() {
        Some(text) if text.starts_with("stash@") => text.clone(),
        _ => format!("refs/stash@{{{at}}}"),
    }
}

fn entry(repository: &Repository, at: usize) -> Result<ObjectId> {
    let log = repository.refs.read_log(NAME);
    if repository.refs.resolve(NAME).is_none() || log.is_empty() {
        return Err(Fail {
            code: 1,
            text: "No stash entries found.".to_owned(),
        });
    }
    let line = log.iter().rev().nth(at);
    line.map(|line| line.new)
        .ok_or_else(|| error(format!("stash@{{{at}}} is not a valid reference")))
}

fn remove(repository: &Repository, at: usize) -> Result<()> {
    let mut log = repository.refs.read_log(NAME);
    let place = log.len() - 1 - at;
    let gone = log.remove(place);
    if let Some(next) = log.get_mut(place) {
        next.old = gone.old;
    }
    match log.last() {
        None => repository.refs.remove(NAME),
        Some(last) => {
            let id = last.new;
            repository.refs.write_log(NAME, &log)?;
            repository.refs.write(NAME, &format!("{id}\n"))
        }
    }
}

fn push(arguments: &[String], repository: &Repository, save: bool) -> Result<i32> {
    let parsed = parse(arguments, &["m", "message"], &[])?;
    let (mut message, mut untracked, mut all, mut keep, mut only_staged) =
        (None, false, false, false, false);
    for (name, value) in parsed.options() {
        match name {
            "m" | "message" => message = value.map(str::to_owned),
            "u" | "include-untracked" => untracked = true,
            "a" | "all" => all = true,
            "k" | "keep-index" => keep = true,
            "S" | "staged" => only_staged = true,
            "q" | "quiet" | "no-keep-index" | "no-include-untracked" => {}
            "p" | "patch" => {
                return Err(fatal(
                    "'git stash -p' asks questions, which a sandbox cannot\nhint: name the files",
                ));
            }
            _ => return Err(unknown("stash", name)),
        }
    }
    let mut free = parsed.free();
    if save {
        message = Some(free.join(" "))
            .filter(|text| !text.is_empty())
            .or(message);
        free.clear();
    }
    let Some(head) = repository.refs.resolve("HEAD") else {
        return Err(Fail {
            code: 1,
            text: "You do not have the initial commit yet".to_owned(),
        });
    };
    let specs = Pathspec::parse(repository, &free)?;
    let mut index = repository.index()?;
    let paths = index.paths();
    if let Some(item) =
        specs.unmatched(|item| untracked || paths.iter().any(|path| item.matches(path)))
    {
        return Err(Fail {
            code: 1,
            text: format!(
                "error: pathspec ':(,prefix:0){}' did not match any file(s) known to git\nDid you forget to 'git add'?",
                item.text
            ),
        });
    }
    if !index.unmerged().is_empty() {
        let text: String = index
            .unmerged()
            .iter()
            .map(|path| format!("{}: needs merge\n", repository.shown(path)))
            .collect();
        return Err(Fail {
            code: 1,
            text: text.trim_end().to_owned(),
        });
    }
    let head_commit = repository.objects.commit(&head)?;
    let staged =
        change::tree_to_index(&repository.objects, Some(head_commit.tree), &index, &specs)?;
    let unstaged = change::index_to_worktree(repository, &mut index, &specs)?;
    let walked = match untracked || all {
        true => worktree::walk(repository, &index, &specs, Untracked::All, all)?,
        false => worktree::Walked::default(),
    };
    let mut others = walked.untracked;
    others.extend(
        walked
            .ignored
            .into_iter()
            .filter(|path| path.last() != Some(&b'/')),
    );
    if staged.is_empty() && unstaged.is_empty() && others.is_empty()
        || only_staged && staged.is_empty()
    {
        if !is_quiet(&parsed) {
            say!("No local changes to save");
        }
        return Ok(0);
    }
    let branch = repository
        .refs
        .head_name()
        .map(|name| name.replace("refs/heads/", ""));
    let branch = branch.unwrap_or_else(|| "(no branch)".to_owned());
    let about = format!(
        "{} {}",
        revision::short(repository, head),
        head_commit.subject()
    );
    let (author, committer) = (repository.author()?, repository.committer()?);
    let write = |tree: ObjectId, parents: &[ObjectId], text: String| {
        repository.objects.write(
            Kind::Commit,
            &encode(tree, parents, &author, &committer, text.as_bytes()),
        )
    };
    let index_tree = index.write_tree(&repository.objects)?;
    let index_commit = write(index_tree, &[head], format!("index on {branch}: {about}\n"))?;
    let mut parents = vec![head, index_commit];
    if !others.is_empty() {
        let mut files = Vec::new();
        for path in &others {
            let file = repository.file(path)?;
            let metadata = std::fs::symlink_metadata(&file)?;
            let mode = worktree::mode_of(&metadata, None);
            let id = repository
                .objects
                .write(Kind::Blob, &worktree::content(&file, mode)?)?;
            files.push(TreeEntry {
                name: path.clone(),
                mode,
                id,
            });
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        parents.push(write(
            repository.objects.write_tree(&files)?,
            &[],
            format!("untracked files on {branch}: {about}\n"),
        )?);
    }
    let mut full = index.clone();
    if !specs.is_empty() {
        full.reset_to(&repository.objects.files(&head_commit.tree)?);
    }
    if !only_staged {
        for path in paths.iter().filter(|path| specs.matches(path)) {
            worktree::add(repository, &mut index, path)?;
            match index.get(path) {
                Some(entry) => full.put(path, entry.clone()),
                None => full.remove(path),
            }
        }
    }
    let text = match &message {
        Some(message) => format!("On {branch}: {message}"),
        None => format!("WIP on {branch}: {about}"),
    };
    let stash = write(
        full.write_tree(&repository.objects)?,
        &parents,
        text.clone(),
    )?;
    let log = repository.refs.state("logs/refs/stash");
    if !log.exists() {
        if let Some(parent) = log.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&log, "")?;
    }
    repository.refs.update(&Update {
        name: NAME,
        new: stash,
        who: &committer,
        message: &text,
    })?;
    for path in &others {
        worktree::remove(repository, path)?;
    }
    let target = repository
        .objects
        .files(&if keep { index_tree } else { head_commit.tree })?;
    let mut index = repository.index()?;
    match specs.is_empty() {
        true => super::switch::hard(repository, &mut index, &target)?,
        false => {
            let mut new = index.files();
            new.retain(|file| !specs.matches(&file.name));
            new.extend(target.into_iter().filter(|file| specs.matches(&file.name)));
            new.sort_by(|one, other| one.name.cmp(&other.name));
            let kept: Vec<Vec<u8>> = index
                .paths()
                .into_iter()
                .filter(|path| !specs.matches(path))
                .collect();
            let before = index.clone();
            index.reset_to(&new);
            for path in before.paths() {
                if index.get(&path).is_none() {
                    worktree::remove(repository, &path)?;
                }
            }
            for ((path, _), entry) in &mut index.entries {
                if !kept.contains(path)
                    && !matches!(
                        worktree::compare(repository, path, entry)?,
                        worktree::Difference::None
                    )
                {
                    worktree::write(repository, path, entry)?;
                }
            }
        }
    }
    index.save()?;
    if !is_quiet(&parsed) {
        say!("Saved working directory and index state {text}");
    }
    Ok(0)
}

fn list(arguments: &[String], repository: &Repository) -> Result<i32> {
    let _ = arguments;
    for (at, line) in repository.refs.read_log(NAME).iter().rev().enumerate() {
        say!("stash@{{{at}}}: {}", line.message);
    }
    Ok(0)
}

fn show(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &output::VALUED, &output::GLUED)?;
    let mut output = Output::new(repository);
    for (name, value) in parsed.options() {
        if !output.option(name, value)?
            && !matches!(name, "u" | "include-untracked" | "only-untracked")
        {
            return Err(unknown("stash", name));
        }
    }
    if output.parts.is_empty() {
        output.add(Part::Table);
    }
    let commit = repository
        .objects
        .commit(&entry(repository, number(&parsed)?)?)?;
    let base = commit
        .parents
        .first()
        .map(|base| repository.objects.commit(base))
        .transpose()?;
    let changes = change::trees(
        &repository.objects,
        base.map(|base| base.tree),
        Some(commit.tree),
        &Pathspec::default(),
    )?;
    let changes = output.refine(repository, changes)?;
    output.print(repository, &changes)?;
    Ok(0)
}

fn restore(arguments: &[String], repository: &Repository, drop: bool) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let with_index = parsed.options().any(|(name, _)| name == "index");
    let at = number(&parsed)?;
    let id = entry(repository, at)?;
    let stash = repository.objects.commit(&id)?;
    let tree_of = |number: usize| -> Result<Option<ObjectId>> {
        let parent = stash.parents.get(number);
        Ok(parent
            .map(|parent| repository.objects.commit(parent))
            .transpose()?
            .map(|commit| commit.tree))
    };
    let base = tree_of(0)?.ok_or_else(|| error(format!("'{id}' is not a stash-like commit")))?;
    let mut index = repository.index()?;
    if !index.unmerged().is_empty() {
        return Err(Fail {
            code: 1,
            text: index
                .unmerged()
                .iter()
                .map(|path| format!("{}: needs merge", repository.shown(path)))
                .collect::<Vec<_>>()
                .join("\n"),
        });
    }
    let ours = index.write_tree(&repository.objects)?;
    let others = tree_of(2)?.map_or(Ok(Vec::new()), |tree| repository.objects.files(&tree))?;
    let mut blocked = Vec::new();
    for file in &others {
        if repository.file(&file.name)?.exists() {
            blocked.push(format!(
                "{} already exists, no checkout",
                repository.shown(&file.name)
            ));
        }
    }
    if !blocked.is_empty() {
        return Err(Fail {
            code: 1,
            text: format!(
                "{}\nerror: could not restore untracked files from stash",
                blocked.join("\n")
            ),
        });
    }
    let sides = Sides {
        ours: "Updated upstream",
        theirs: "Stashed changes",
        base: "Stash base",
    };
    let merged = merge::trees(
        repository,
        Some(base),
        ours,
        stash.tree,
        &sides,
        Favor::Neither,
    )?;
    let kept = "The stash entry is kept in case you need it again.";
    let applied = merge::apply(repository, &mut index, ours, &merged);
    applied.map_err(|reason| Fail {
        code: 1,
        text: if drop {
            format!("{}\n{kept}", reason.text)
        } else {
            reason.text
        },
    })?;
    if stash.tree == base && !is_quiet(&parsed) {
        say!("Already up to date.");
    }
    merged.messages.iter().for_each(|message| say!("{message}"));
    if merged.conflicts.is_empty() {
        // What was staged before is staged again; of the stash only new files are, unless its index was asked for.
        let before: Vec<TreeEntry> = match (with_index, tree_of(1)?) {
            (true, Some(staged)) => repository.objects.files(&staged)?,
            _ => repository.objects.files(&ours)?,
        };
        let after = index.clone();
        let old: std::collections::BTreeSet<Vec<u8>> = repository
            .objects
            .files(&ours)?
            .into_iter()
            .map(|file| file.name)
            .collect();
        index.reset_to(&before);
        for ((path, stage), entry) in after.entries {
            if stage == 0 && !old.contains(&path) && index.get(&path).is_none() {
                index.put(&path, entry);
            }
        }
    }
    for file in others {
        let mut entry = crate::index::Entry::new(file.mode, file.id);
        worktree::write(repository, &file.name, &mut entry)?;
    }
    index.save()?;
    if !is_quiet(&parsed) {
        super::status::run(&[], repository)?;
    }
    if !merged.conflicts.is_empty() {
        if drop {
            warn(kept);
        }
        return Err(quiet(1));
    }
    if drop {
        remove(repository, at)?;
        if !is_quiet(&parsed) {
            say!("Dropped {} ({id})", shown(&parsed, at));
        }
    }
    Ok(0)
}
