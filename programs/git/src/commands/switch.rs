//! `git checkout`, `git switch`, `git restore`, `git reset`.

use crate::arguments::{parse, unknown};
use crate::change;
use crate::fail::{Fail, Result, error, fatal, usage};
use crate::index::{Entry, Index};
use crate::out::{put, say, warn};
use crate::pathspec::Pathspec;
use crate::refs::{self, Target, Update};
use crate::repository::Repository;
use crate::revision;
use crate::transition::{self, Cause};
use crate::walk;
use crate::worktree;
use gix_hash::ObjectId;

#[derive(Default)]
struct Options {
    /// A branch to be made, and whether an old one may be replaced.
    create: Option<(String, bool)>,
    orphan: Option<String>,
    detach: bool,
    force: bool,
    quiet: bool,
    track: Option<bool>,
    no_guess: bool,
    merge: bool,
    side: Option<u8>,
}

pub fn checkout(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["b", "B", "orphan", "conflict", "pathspec-from-file"],
        &[],
    )?;
    let mut options = Options::default();
    for (name, value) in parsed.options() {
        match name {
            "b" | "B" => options.create = value.map(|value| (value.to_owned(), name == "B")),
            "orphan" => options.orphan = value.map(str::to_owned),
            "d" | "detach" => options.detach = true,
            "f" | "force" => options.force = true,
            "q" | "quiet" => options.quiet = true,
            "t" | "track" => options.track = Some(true),
            "no-track" => options.track = Some(false),
            "no-guess" => options.no_guess = true,
            "m" | "merge" => options.merge = true,
            "ours" => options.side = Some(2),
            "theirs" => options.side = Some(3),
            "guess"
            | "progress"
            | "no-progress"
            | "overlay"
            | "no-overlay"
            | "conflict"
            | "ignore-skip-worktree-bits"
            | "l"
            | "overwrite-ignore" => {}
            "p" | "patch" => {
                return Err(fatal(
                    "'git checkout -p' asks questions, which a sandbox cannot\nhint: name the files",
                ));
            }
            _ => return Err(unknown("checkout", name)),
        }
    }
    let free = parsed.words();
    repository.root()?;
    // With `--` what stands before it is a revision, without it may be a file.
    if let Some(paths) = &parsed.behind {
        if free.len() > 1 {
            return Err(fatal("only one reference expected, 2 given."));
        }
        if !paths.is_empty() {
            // Git counts only what it had to guess to be paths.
            options.quiet = true;
            return checkout_paths(
                repository,
                free.first().map(String::as_str),
                paths,
                &options,
            );
        }
        return go(
            repository,
            free.first().map(String::as_str),
            &options,
            false,
        );
    }
    let Some((first, rest)) = free.split_first() else {
        return go(repository, None, &options, false);
    };
    let is_branch = options.create.is_some()
        || options.orphan.is_some()
        || revision::find_commit(repository, first)?.is_some();
    let dwim = !is_branch && remote_branch(repository, first).is_some() && !options.no_guess;
    if is_branch && rest.is_empty()
        || dwim && rest.is_empty() && !crate::paths::absolute(std::path::Path::new(first)).exists()
    {
        return go(repository, Some(first), &options, false);
    }
    if is_branch && options.create.is_none() {
        return checkout_paths(repository, Some(first), rest, &options);
    }
    if revision::find(repository, first)?.is_some() && !rest.is_empty() {
        return checkout_paths(repository, Some(first), rest, &options);
    }
    checkout_paths(repository, None, &free, &options)
}

pub fn switch(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["c", "create", "C", "force-create", "orphan", "conflict"],
        &[],
    )?;
    let mut options = Options::default();
    for (name, value) in parsed.options() {
        match name {
            "c" | "create" => options.create = value.map(|value| (value.to_owned(), false)),
            "C" | "force-create" => options.create = value.map(|value| (value.to_owned(), true)),
            "orphan" => options.orphan = value.map(str::to_owned),
            "d" | "detach" => options.detach = true,
            "f" | "force" | "discard-changes" => options.force = true,
            "q" | "quiet" => options.quiet = true,
            "t" | "track" => options.track = Some(true),
            "no-track" => options.track = Some(false),
            "no-guess" => options.no_guess = true,
            "guess" | "progress" | "no-progress" | "conflict" | "ignore-other-worktrees" => {}
            "m" | "merge" => options.merge = true,
            _ => return Err(unknown("switch", name)),
        }
    }
    let free = parsed.free();
    if free.is_empty() && options.create.is_none() && options.orphan.is_none() && !options.detach {
        return Err(fatal("missing branch or commit argument"));
    }
    go(repository, free.first().map(String::as_str), &options, true)
}

/// The one remote branch of this name.
fn remote_branch(repository: &Repository, name: &str) -> Option<String> {
    let all = repository.refs.list("refs/remotes/");
    let mut found = all.into_iter().filter(|(full, _)| {
        let rest = full
            .strip_prefix("refs/remotes/")
            .and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(_, branch)| branch == name)
    });
    let (first, _) = found.next()?;
    found.next().is_none().then_some(first)
}

fn go(repository: &Repository, word: Option<&str>, options: &Options, strict: bool) -> Result<i32> {
    if let Some(branch) = &options.orphan {
        return orphan(repository, branch, word, strict);
    }
    let previous = if word == Some("-") {
        revision::previous_branch(repository, 1)
    } else {
        None
    };
    if word == Some("-") && previous.is_none() {
        return Err(fatal("invalid reference: -"));
    }
    let word = previous.as_deref().or(word);
    let name = word.unwrap_or("HEAD");
    let mut create = options.create.clone();
    let mut upstream = None;
    let mut id = match revision::find_commit(repository, name) {
        Ok(id) => id,
        Err(_) if strict => None,
        Err(reason) => return Err(reason),
    };
    let unborn = repository.refs.resolve("HEAD").is_none();
    if id.is_none()
        && create.is_none()
        && !options.no_guess
        && !options.detach
        && let Some(remote) = remote_branch(repository, name)
    {
        id = repository.refs.resolve(&remote);
        create = Some((name.to_owned(), false));
        upstream = Some(remote);
    }
    if id.is_none() && unborn && name == "HEAD" {
        if let Some((branch, _)) = create {
            check_name(&branch)?;
            repository
                .refs
                .write("HEAD", &format!("ref: refs/heads/{branch}\n"))?;
            if !options.quiet {
                warn(format!("Switched to a new branch '{branch}'"));
            }
            return Ok(0);
        }
        return Err(fatal("You are on a branch yet to be born"));
    }
    let Some(id) = id else {
        return Err(match (strict, &create) {
            (_, Some((branch, _))) => fatal(format!(
                "'{name}' is not a commit and a branch '{branch}' cannot be created from it"
            )),
            (true, _) => fatal(format!("invalid reference: {name}")),
            (false, _) => error(format!(
                "pathspec '{name}' did not match any file(s) known to git"
            )),
        });
    };
    let branch = format!("refs/heads/{name}");
    let is_branch = repository.refs.resolve(&branch).is_some();
    if strict && create.is_none() && !options.detach && !is_branch && word.is_some() {
        let kind = match repository.refs.expand(name) {
            Some(full) if full.starts_with("refs/tags/") => "tag",
            Some(full) if full.starts_with("refs/remotes/") => "remote branch",
            _ => "commit",
        };
        return Err(fatal(format!(
            "a branch is expected, got {kind} '{name}'\nhint: If you want to detach HEAD at the commit, try again with the --detach option."
        )));
    }
    if let Some((branch, force)) = &create {
        check_name(branch)?;
        if repository
            .refs
            .resolve(&format!("refs/heads/{branch}"))
            .is_some()
            && !force
        {
            return Err(fatal(format!("a branch named '{branch}' already exists")));
        }
    }
    for (name, doing, command) in [
        ("MERGE_HEAD", "merging", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-picking", "cherry-pick"),
        ("REVERT_HEAD", "reverting", "revert"),
    ] {
        if strict && !options.force && repository.refs.state(name).is_file() {
            return Err(fatal(format!(
                "cannot switch branch while {doing}\nConsider \"git {command} --quit\" or \"git worktree add\"."
            )));
        }
    }
    let mut index = repository.index()?;
    if !index.unmerged().is_empty() && !options.force {
        let text = index
            .unmerged()
            .iter()
            .map(|path| format!("{}: needs merge\n", repository.shown(path)))
            .collect::<String>();
        return Err(Fail {
            code: 1,
            text: format!("{text}error: you need to resolve your current index first"),
        });
    }
    let old_id = repository.refs.resolve("HEAD");
    let old = old_id
        .map(|id| repository.objects.commit(&id))
        .transpose()?;
    let old_files = old
        .as_ref()
        .map_or(Ok(Vec::new()), |old| repository.objects.files(&old.tree))?;
    let commit = repository.objects.commit(&id)?;
    let new_files = repository.objects.files(&commit.tree)?;
    match options.force {
        true => hard(repository, &mut index, &new_files)?,
        false => transition::run(
            repository,
            &mut index,
            &old_files,
            &new_files,
            Cause::Checkout,
        )?,
    }
    index.save()?;
    let head = repository.refs.head_name();
    let from = match &head {
        Some(name) => name.strip_prefix("refs/heads/").unwrap_or(name).to_owned(),
        None => old_id.map(|id| id.to_string()).unwrap_or_default(),
    };
    let who = repository.logger();
    let target = match &create {
        Some((branch, _)) => {
            let full = format!("refs/heads/{branch}");
            let message = format!("branch: Created from {}", word.unwrap_or("HEAD"));
            repository.refs.update(&Update {
                name: &full,
                new: id,
                who: &who,
                message: &message,
            })?;
            Target::Name(full)
        }
        None if is_branch && !options.detach => Target::Name(branch),
        None => Target::Id(id),
    };
    if word.is_none() && create.is_none() && !options.detach {
        show_changes(repository, &mut index, &commit.tree, options.quiet)?;
        put(super::status::tracking(repository)?.trim_end_matches('\n'));
        return Ok(0);
    }
    let to = match &target {
        Target::Name(full) => full.strip_prefix("refs/heads/").unwrap_or(full).to_owned(),
        Target::Id(_) => name.to_owned(),
    };
    let same = matches!((&target, &head), (Target::Name(one), Some(other)) if one == other);
    if !options.quiet && old_id.is_some() {
        show_changes(repository, &mut index, &commit.tree, false)?;
    }
    if let (Some(old), None, false) = (&old, &head, options.quiet) {
        let still = target == Target::Id(old.id);
        if !still {
            leave(repository, old.id, id, &target)?;
        }
    }
    super::merge::clear(repository);
    repository.refs.set_head(
        &target,
        &who,
        Some(id),
        &format!("checkout: moving from {from} to {to}"),
    )?;
    if let Some(remote) =
        upstream.or_else(|| word.and_then(|word| tracked(repository, word, options, &create)))
        && let Some((branch, _)) = &create
    {
        super::branch::set_upstream(repository, branch, &remote, options.quiet)?;
    }
    if options.quiet {
        return Ok(0);
    }
    match (&target, &create) {
        (Target::Name(_), Some((branch, true))) if same => warn(format!("Reset branch '{branch}'")),
        (Target::Name(_), Some((branch, _))) => {
            warn(format!("Switched to a new branch '{branch}'"))
        }
        (Target::Name(_), None) if same => warn(format!("Already on '{to}'")),
        (Target::Name(_), None) => warn(format!("Switched to branch '{to}'")),
        (Target::Id(_), _) => {
            if head.is_some()
                && repository.config.boolean("advice.detachedhead") != Some(false)
                && !options.detach
            {
                warn(detached_advice(name));
            }
            warn(format!(
                "HEAD is now at {} {}",
                revision::short(repository, id),
                commit.subject()
            ));
        }
    }
    put(super::status::tracking(repository)?
        .strip_suffix('\n')
        .unwrap_or_default());
    Ok(0)
}

/// A branch made from a remote one follows it.
fn tracked(
    repository: &Repository,
    word: &str,
    options: &Options,
    create: &Option<(String, bool)>,
) -> Option<String> {
    let full = repository.refs.expand(word)?;
    let wanted = options.track.unwrap_or(full.starts_with("refs/remotes/"));
    (create.is_some() && wanted).then_some(full)
}

fn check_name(branch: &str) -> Result<()> {
    match refs::valid_branch(branch) {
        true => Ok(()),
        false => Err(fatal(format!(
            "'{branch}' is not a valid branch name\nhint: See `man git check-ref-format`\nhint: Disable this message with \"git config advice.refSyntax false\""
        ))),
    }
}

fn orphan(repository: &Repository, branch: &str, word: Option<&str>, strict: bool) -> Result<i32> {
    check_name(branch)?;
    if repository
        .refs
        .resolve(&format!("refs/heads/{branch}"))
        .is_some()
    {
        return Err(fatal(format!("a branch named '{branch}' already exists")));
    }
    let mut index = repository.index()?;
    let old = super::head_tree(repository)?
        .map_or(Ok(Vec::new()), |tree| repository.objects.files(&tree))?;
    if strict {
        transition::run(repository, &mut index, &old, &[], Cause::Checkout)?;
    } else if let Some(word) = word {
        let new = repository
            .objects
            .files(&revision::tree(repository, word)?)?;
        transition::run(repository, &mut index, &old, &new, Cause::Checkout)?;
    }
    if !strict && let Some(tree) = super::head_tree(repository)? {
        show_changes(repository, &mut index, &tree, false)?;
    }
    index.save()?;
    repository
        .refs
        .write("HEAD", &format!("ref: refs/heads/{branch}\n"))?;
    warn(format!("Switched to a new branch '{branch}'"));
    Ok(0)
}

/// `M` and the like for what stays changed.
fn show_changes(
    repository: &Repository,
    index: &mut Index,
    tree: &ObjectId,
    quiet: bool,
) -> Result<()> {
    if quiet {
        return Ok(());
    }
    for change in change::tree_to_worktree(repository, *tree, index, &Pathspec::default())? {
        say!("{}\t{}", change.letter(), repository.shown(change.path()));
    }
    Ok(())
}

/// What is said when `HEAD` was on no branch.
fn leave(repository: &Repository, old: ObjectId, new: ObjectId, target: &Target) -> Result<()> {
    let mut others: Vec<ObjectId> = Vec::new();
    for (_, id) in repository.refs.list("refs/") {
        others.extend(revision::peel(repository, id, gix_object::Kind::Commit)?);
    }
    others.push(new);
    let mut walk = walk::Walk::new(repository, vec![old], &others)?;
    let mut lost = Vec::new();
    while let Some(commit) = walk.next_commit()? {
        lost.push(commit);
    }
    let _ = target;
    if lost.is_empty() {
        warn(format!(
            "Previous HEAD position was {} {}",
            revision::short(repository, old),
            repository.objects.commit(&old)?.subject()
        ));
        return Ok(());
    }
    let (count, it) = if lost.len() == 1 {
        ("1 commit".to_owned(), "it")
    } else {
        (format!("{} commits", lost.len()), "them")
    };
    let mut text = format!(
        "Warning: you are leaving {count} behind, not connected to\nany of your branches:\n\n"
    );
    for commit in lost.iter().take(4) {
        text += &format!(
            "  {} {}\n",
            revision::short(repository, commit.id),
            commit.subject()
        );
    }
    if lost.len() > 4 {
        text += &format!(" ... and {} more.\n", lost.len() - 4);
    }
    text += &format!(
        "\nIf you want to keep {it} by creating a new branch, this may be a good time\nto do so with:\n\n git branch <new-branch-name> {}\n",
        revision::short(repository, old)
    );
    warn(text);
    Ok(())
}

fn detached_advice(name: &str) -> String {
    format!(
        "Note: switching to '{name}'.\n\nYou are in 'detached HEAD' state. You can look around, make experimental\nchanges and commit them, and you can discard any commits you make in this\nstate without impacting any branches by switching back to a branch.\n\nIf you want to create a new branch to retain commits you create, you may\ndo so (now or later) by using -c with the switch command. Example:\n\n  git switch -c <new-branch-name>\n\nOr undo this operation with:\n\n  git switch -\n\nTurn off this advice by setting config variable advice.detachedHead to false\n"
    )
}

/// Index and worktree as these files, whatever was there.
pub fn hard(
    repository: &Repository,
    index: &mut Index,
    files: &[crate::objects::TreeEntry],
) -> Result<()> {
    let old = index.clone();
    index.reset_to(files);
    for path in old.paths() {
        if index.get(&path).is_none() {
            worktree::remove(repository, &path)?;
        }
    }
    for ((path, _), entry) in &mut index.entries {
        if !matches!(
            worktree::compare(repository, path, entry)?,
            worktree::Difference::None
        ) {
            worktree::write(repository, path, entry)?;
        }
    }
    Ok(())
}

fn checkout_paths(
    repository: &Repository,
    source: Option<&str>,
    paths: &[String],
    options: &Options,
) -> Result<i32> {
    let specs = Pathspec::parse(repository, paths)?;
    let mut index = repository.index()?;
    let count = restore_paths(
        repository,
        &mut index,
        source,
        &specs,
        true,
        true,
        options.side,
        false,
    )?;
    index.save()?;
    if !options.quiet {
        let plural = if count == 1 { "" } else { "s" };
        let from = match source {
            Some(source) => revision::short(repository, revision::tree(repository, source)?),
            None => "the index".to_owned(),
        };
        warn(format!("Updated {count} path{plural} from {from}"));
    }
    Ok(0)
}

/// Takes paths from a tree or the index; how many were changed.
#[allow(
    clippy::too_many_arguments,
    reason = "checkout and restore differ in all of these"
)]
fn restore_paths(
    repository: &Repository,
    index: &mut Index,
    source: Option<&str>,
    specs: &Pathspec,
    to_index: bool,
    to_worktree: bool,
    side: Option<u8>,
    remove: bool,
) -> Result<usize> {
    let files = match source {
        Some(source) => repository
            .objects
            .files(&revision::tree(repository, source)?)?,
        None => Vec::new(),
    };
    let mut known: Vec<Vec<u8>> = files.iter().map(|file| file.name.clone()).collect();
    if source.is_none() || remove {
        known.extend(index.paths());
        known.sort();
        known.dedup();
    }
    let missing = specs.unmatched(|item| known.iter().any(|path| item.matches(path)));
    if let Some(item) = missing {
        return Err(error(format!(
            "pathspec '{}' did not match any file(s) known to git",
            item.text
        )));
    }
    let mut count = 0;
    for path in known.into_iter().filter(|path| specs.matches(path)) {
        let mut entry = match source {
            Some(_) => files
                .iter()
                .find(|file| file.name == path)
                .map(|file| Entry::new(file.mode, file.id)),
            None => match side {
                Some(side) => index
                    .entries
                    .get(&(path.clone(), side))
                    .or(index.get(&path))
                    .cloned(),
                None => index.get(&path).cloned(),
            },
        };
        if entry.is_none() && source.is_none() {
            return Err(error(format!(
                "path '{}' is unmerged",
                repository.shown(&path)
            )));
        }
        match &mut entry {
            Some(entry) => {
                let before =
                    index.get(&path).map(|old| (old.mode, old.id)) == Some((entry.mode, entry.id));
                if let Some(old) = index.get(&path).filter(|_| before) {
                    entry.stat = old.stat;
                }
                let differs = !matches!(
                    worktree::compare(repository, &path, entry)?,
                    worktree::Difference::None
                );
                if to_worktree && differs {
                    worktree::write(repository, &path, entry)?;
                }
                count += usize::from(to_worktree && differs || to_index && !before);
                if to_index && side.is_none() || source.is_none() && index.get(&path).is_some() {
                    index.put(&path, entry.clone());
                }
            }
            None => {
                count += 1;
                if to_worktree {
                    worktree::remove(repository, &path)?;
                }
                if to_index {
                    index.remove(&path);
                }
            }
        }
    }
    Ok(count)
}

pub fn restore(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["s", "source", "conflict", "pathspec-from-file"],
        &[],
    )?;
    let (mut source, mut staged, mut in_worktree, mut side) = (None, false, false, None);
    for (name, value) in parsed.options() {
        match name {
            "s" | "source" => source = value,
            "S" | "staged" => staged = true,
            "W" | "worktree" => in_worktree = true,
            "ours" => side = Some(2),
            "theirs" => side = Some(3),
            "q" | "quiet" | "progress" | "no-progress" | "overlay" | "no-overlay"
            | "ignore-unmerged" | "conflict" | "m" | "merge" => {}
            "p" | "patch" => {
                return Err(fatal(
                    "'git restore -p' asks questions, which a sandbox cannot\nhint: name the files",
                ));
            }
            _ => return Err(unknown("restore", name)),
        }
    }
    let free = parsed.free();
    if free.is_empty() {
        return Err(fatal("you must specify path(s) to restore"));
    }
    repository.root()?;
    let to_worktree = in_worktree || !staged;
    let specs = Pathspec::parse(repository, &free)?;
    let mut index = repository.index()?;
    let source = match (source, staged) {
        (Some(source), _) => Some(source),
        (None, true) => Some("HEAD"),
        (None, false) => None,
    };
    if let Some(name) = source.filter(|name| *name != "HEAD")
        && revision::find(repository, name)?.is_none()
    {
        return Err(fatal(format!("could not resolve {name}")));
    }
    if source == Some("HEAD") && repository.refs.resolve("HEAD").is_none() {
        return Err(fatal("could not resolve HEAD"));
    }
    restore_paths(
        repository,
        &mut index,
        source,
        &specs,
        staged,
        to_worktree,
        side,
        true,
    )?;
    index.save()?;
    Ok(0)
}

pub fn reset(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["pathspec-from-file"], &[])?;
    let (mut mode, mut quiet) = (None, false);
    for (name, _) in parsed.options() {
        match name {
            "hard" | "soft" | "mixed" | "keep" | "merge" => mode = Some(name),
            "q" | "quiet" => quiet = true,
            "no-quiet" | "N" | "intent-to-add" | "refresh" | "no-refresh" => {}
            "p" | "patch" => {
                return Err(fatal(
                    "'git reset -p' asks questions, which a sandbox cannot\nhint: name the files",
                ));
            }
            _ => return Err(unknown("reset", name)),
        }
    }
    let free = parsed.words();
    let (mut name, mut paths) = ("HEAD", parsed.behind.clone().unwrap_or_default());
    if let Some((first, rest)) = free.split_first() {
        match revision::find(repository, first)?.is_some() {
            true => {
                name = first;
                paths.splice(0..0, rest.iter().cloned());
            }
            false if parsed.behind.is_none() => {
                if !crate::paths::absolute(std::path::Path::new(first)).exists()
                    && !repository.index()?.has_path(&repository.inside(first)?)
                {
                    return Err(revision::ambiguous(first));
                }
                paths = free.clone();
            }
            false => return Err(revision::ambiguous(first)),
        }
    }
    let unborn = repository.refs.resolve("HEAD").is_none() && name == "HEAD";
    let tree = if unborn {
        crate::objects::empty_tree()
    } else {
        revision::tree(repository, name)?
    };
    let files = repository.objects.files(&tree)?;
    let mut index = repository.index()?;
    if !paths.is_empty() {
        if let Some(mode) = mode.filter(|mode| *mode != "mixed") {
            return Err(fatal(format!("Cannot do {mode} reset with paths.")));
        }
        let specs = Pathspec::parse(repository, &paths)?;
        for path in index.paths().iter().filter(|path| specs.matches(path)) {
            if !files.iter().any(|file| file.name == *path) {
                index.remove(path);
            }
        }
        for file in files.iter().filter(|file| specs.matches(&file.name)) {
            let same = index.get(&file.name).is_some_and(|entry| {
                entry.id == file.id && entry.mode == file.mode && !entry.intent
            });
            if !same {
                index.put(&file.name, Entry::new(file.mode, file.id));
            }
        }
        return finish_mixed(repository, &mut index, quiet);
    }
    let id = if unborn {
        None
    } else {
        Some(revision::commit(repository, name)?)
    };
    let old = repository.refs.resolve("HEAD");
    match mode.unwrap_or("mixed") {
        "soft" => {
            if !index.unmerged().is_empty() {
                return Err(fatal("Cannot do a soft reset in the middle of a merge."));
            }
        }
        "hard" => hard(repository, &mut index, &files)?,
        "keep" | "merge" => {
            let old = super::head_tree(repository)?
                .map_or(Ok(Vec::new()), |tree| repository.objects.files(&tree))?;
            let unmerged = index.unmerged();
            for path in unmerged {
                index.remove(&path);
                if let Some(file) = old.iter().find(|file| file.name == path) {
                    let mut entry = Entry::new(file.mode, file.id);
                    worktree::write(repository, &path, &mut entry)?;
                    index.put(&path, entry);
                }
            }
            transition::run(repository, &mut index, &old, &files, Cause::Merge)?;
        }
        _ => index.reset_to(&files),
    }
    index.save()?;
    if let Some(id) = id {
        if let Some(old) = old {
            repository.refs.write("ORIG_HEAD", &format!("{old}\n"))?;
        }
        let who = repository.logger();
        repository.refs.update(&Update {
            name: "HEAD",
            new: id,
            who: &who,
            message: &format!("reset: moving to {name}"),
        })?;
    }
    if mode != Some("soft") {
        for name in [
            "MERGE_HEAD",
            "MERGE_MSG",
            "MERGE_MODE",
            "CHERRY_PICK_HEAD",
            "REVERT_HEAD",
            "AUTO_MERGE",
        ] {
            // Most of them are not there.
            let _ = std::fs::remove_file(repository.refs.state(name));
        }
    }
    match (mode.unwrap_or("mixed"), id) {
        ("hard", Some(id)) if !quiet => say!(
            "HEAD is now at {} {}",
            revision::short(repository, id),
            repository.objects.commit(&id)?.subject()
        ),
        ("mixed", _) => return finish_mixed(repository, &mut index, quiet),
        _ => {}
    }
    Ok(0)
}

fn finish_mixed(repository: &Repository, index: &mut Index, quiet: bool) -> Result<i32> {
    let changes = match repository.has_root() {
        true => change::index_to_worktree(repository, index, &Pathspec::default())?,
        false => Vec::new(),
    };
    index.save()?;
    if !quiet && !changes.is_empty() {
        say!("Unstaged changes after reset:");
        for change in &changes {
            say!("{}\t{}", change.letter(), repository.shown(change.path()));
        }
    }
    Ok(0)
}

pub fn clean(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["e", "exclude"], &[])?;
    let (mut force, mut dry, mut folders, mut quiet, mut all, mut only) =
        (false, false, false, false, false, false);
    let mut kept = Vec::new();
    for (name, value) in parsed.options() {
        match name {
            "f" | "force" => force = true,
            "n" | "dry-run" => dry = true,
            "d" => folders = true,
            "q" | "quiet" => quiet = true,
            "x" => all = true,
            "X" => only = true,
            "e" | "exclude" => kept.extend(value.map(str::to_owned)),
            "i" | "interactive" => {
                return Err(fatal(
                    "'git clean -i' asks questions, which a sandbox cannot\nhint: look with -n, then use -f",
                ));
            }
            _ => return Err(unknown("clean", name)),
        }
    }
    let required = repository.config.boolean("clean.requireforce") != Some(false);
    if !force && !dry && required {
        return Err(fatal(
            "clean.requireForce is true and -f not given: refusing to clean",
        ));
    }
    let index = repository.index()?;
    let free = parsed.free();
    let specs = match (free.is_empty(), repository.prefix.is_empty()) {
        (true, false) => Pathspec::parse(repository, &[".".to_owned()])?,
        _ => Pathspec::parse(repository, &free)?,
    };
    let walked = worktree::walk(
        repository,
        &index,
        &specs,
        worktree::Untracked::Folders,
        true,
    )?;
    let mut own = crate::ignore::Ignored::new(repository)?;
    kept.iter().try_for_each(|pattern| own.add(pattern))?;
    let mut paths: Vec<Vec<u8>> = if only { Vec::new() } else { walked.untracked };
    if all || only {
        paths.extend(walked.ignored);
    } else {
        // A folder with ignored files in it stays with them.
        let keeps = |folder: &Vec<u8>| {
            let inside = |path: &Vec<u8>| folder.ends_with(b"/") && path.starts_with(folder);
            walked.ignored.iter().any(inside)
        };
        let (mixed, whole): (Vec<_>, Vec<_>) = paths.into_iter().partition(keeps);
        paths = whole;
        if folders && !mixed.is_empty() {
            let files =
                worktree::walk(repository, &index, &specs, worktree::Untracked::All, false)?;
            let inside = |path: &Vec<u8>| mixed.iter().any(|folder| path.starts_with(folder));
            paths.extend(files.untracked.into_iter().filter(inside));
        }
    }
    paths.sort();
    // What is in a folder that goes goes with it.
    paths.dedup_by(|path, folder| folder.ends_with(b"/") && path.starts_with(folder));
    let mut failed = false;
    for path in paths {
        let is_folder = path.last() == Some(&b'/');
        let bare = path.strip_suffix(b"/").unwrap_or(&path);
        if is_folder && !folders && specs.is_empty()
            || !kept.is_empty() && own.matches(bare, is_folder)
        {
            continue;
        }
        let file = repository.file(bare)?;
        if file.join(".git").exists() {
            if !quiet {
                say!("Skipping repository {}", repository.shown_here(&path));
            }
            continue;
        }
        // Ignored files in a folder stay unless they were asked for, and so does the folder then.
        let verb = if dry { "Would remove" } else { "Removing" };
        if !quiet || dry {
            say!("{verb} {}", repository.shown_here(&path));
        }
        if dry {
            continue;
        }
        let removed = match is_folder {
            true => std::fs::remove_dir_all(&file),
            false => std::fs::remove_file(&file)
                .map(|()| remove_empty_above(&file, repository.root().ok())),
        };
        if let Err(reason) = removed {
            warn(format!(
                "warning: failed to remove {}: {}",
                repository.shown_here(&path),
                swarm_flow_posix::reason(&reason)
            ));
            failed = true;
        }
    }
    Ok(i32::from(failed))
}

/// Folders that are empty without the file.
fn remove_empty_above(file: &std::path::Path, root: Option<&std::path::Path>) {
    let mut parent = file.parent();
    while let Some(folder) = parent.filter(|folder| Some(*folder) != root) {
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
        parent = folder.parent();
    }
}

/// A command line that lacks what it is about.
pub fn nothing_given(command: &str) -> Fail {
    usage(format!("'git {command}' needs more arguments"))
}
