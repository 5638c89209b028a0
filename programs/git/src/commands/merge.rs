//! `git merge`, `git cherry-pick`, `git revert`, `git rebase`.

use crate::arguments::{parse, unknown};
use crate::change;
use crate::commit::{Person, encode, subject};
use crate::fail::{Fail, Result, error, fatal, quiet};
use crate::merge::{self, Favor, Sides};
use crate::out::{put, say, warn};
use crate::pathspec::Pathspec;
use crate::refs::Update;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::revision;
use crate::stat;
use crate::transition::{self, Cause};
use crate::walk;
use gix_hash::ObjectId;
use gix_object::Kind;

#[derive(Default)]
struct Options {
    messages: Vec<String>,
    no_ff: bool,
    ff_only: bool,
    squash: bool,
    no_commit: bool,
    quiet: bool,
    no_stat: bool,
    favor: Option<Favor>,
}

pub fn clear(repository: &Repository) {
    for name in [
        "MERGE_HEAD",
        "MERGE_MSG",
        "MERGE_MODE",
        "CHERRY_PICK_HEAD",
        "REVERT_HEAD",
        "AUTO_MERGE",
        "SQUASH_MSG",
    ] {
        // Most of them are not there.
        let _ = std::fs::remove_file(repository.refs.state(name));
    }
}

fn head(repository: &Repository) -> Result<ObjectId> {
    repository
        .refs
        .resolve("HEAD")
        .ok_or_else(|| fatal("your current branch does not have any commits yet"))
}

pub fn merge(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &[
            "m",
            "message",
            "F",
            "file",
            "s",
            "strategy",
            "X",
            "strategy-option",
            "into-name",
        ],
        &["S"],
    )?;
    let mut options = Options::default();
    for (name, value) in parsed.options() {
        match name {
            "m" | "message" => options.messages.extend(value.map(str::to_owned)),
            "F" | "file" => options
                .messages
                .push(super::commit::read_message(value.unwrap_or_default())?),
            "no-ff" => options.no_ff = true,
            "ff-only" => options.ff_only = true,
            "squash" => options.squash = true,
            "no-commit" => options.no_commit = true,
            "q" | "quiet" => options.quiet = true,
            "n" | "no-stat" => options.no_stat = true,
            "X" | "strategy-option" => options.favor = favor(value),
            "abort" => return abort(repository, "MERGE_HEAD", "merge"),
            "continue" => {
                if !repository.refs.state("MERGE_HEAD").is_file() {
                    return Err(fatal("There is no merge in progress (MERGE_HEAD missing)."));
                }
                return super::commit::run(&["--no-edit".to_owned()], repository);
            }
            "quit" => {
                clear(repository);
                return Ok(0);
            }
            "ff"
            | "edit"
            | "e"
            | "no-edit"
            | "commit"
            | "no-squash"
            | "stat"
            | "s"
            | "strategy"
            | "no-verify"
            | "verify"
            | "no-gpg-sign"
            | "progress"
            | "no-progress"
            | "allow-unrelated-histories"
            | "no-log"
            | "autostash"
            | "no-autostash"
            | "into-name"
            | "v"
            | "verbose" => {}
            _ => return Err(unknown("merge", name)),
        }
    }
    repository.root()?;
    let free = parsed.free();
    if repository.refs.state("MERGE_HEAD").is_file() {
        return Err(fatal(
            "You have not concluded your merge (MERGE_HEAD exists).\nPlease, commit your changes before you merge.",
        ));
    }
    let mut index = repository.index()?;
    if !index.unmerged().is_empty() {
        return Err(Fail {
            code: 128,
            text: "error: Merging is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.".to_owned(),
        });
    }
    let name = match free.as_slice() {
        [name] => name.clone(),
        [] => match repository
            .refs
            .head_name()
            .and_then(|name| revision::upstream(repository, &name))
        {
            Some(full) => full
                .strip_prefix("refs/remotes/")
                .unwrap_or(&full)
                .to_owned(),
            None => return Err(fatal("No remote for the current branch.")),
        },
        _ => {
            return Err(fatal(
                "merging more than one branch at once is not supported here\nhint: merge them one by one",
            ));
        }
    };
    let theirs = revision::find_commit(repository, &name)?;
    let theirs = theirs.ok_or_else(|| Fail {
        code: 1,
        text: format!("merge: {name} - not something we can merge"),
    })?;
    let Some(ours) = repository.refs.resolve("HEAD") else {
        let files = repository
            .objects
            .files(&repository.objects.commit(&theirs)?.tree)?;
        transition::run(repository, &mut index, &[], &files, Cause::Merge)?;
        index.save()?;
        repository.refs.update(&Update {
            name: "HEAD",
            new: theirs,
            who: &repository.logger(),
            message: "initial pull",
        })?;
        return Ok(0);
    };
    let bases = revision::merge_bases(repository, ours, theirs)?;
    if bases.contains(&theirs) {
        if !options.quiet {
            let tail = if options.squash {
                " (nothing to squash)"
            } else {
                ""
            };
            say!("Already up to date.{tail}");
        }
        return Ok(0);
    }
    repository.refs.write("ORIG_HEAD", &format!("{ours}\n"))?;
    let (our_tree, their_tree) = (
        repository.objects.commit(&ours)?.tree,
        repository.objects.commit(&theirs)?.tree,
    );
    if bases.contains(&ours) && !options.no_ff {
        if !options.quiet {
            say!(
                "Updating {}..{}",
                revision::short(repository, ours),
                revision::short(repository, theirs)
            );
        }
        let (old, new) = (
            repository.objects.files(&our_tree)?,
            repository.objects.files(&their_tree)?,
        );
        transition::run(repository, &mut index, &old, &new, Cause::Merge)?;
        index.save()?;
        if options.squash {
            say!("Fast-forward");
            squash(repository, ours, theirs, true)?;
            show(repository, our_tree, their_tree, &options)?;
            return Ok(0);
        }
        repository.refs.update(&Update {
            name: "HEAD",
            new: theirs,
            who: &repository.logger(),
            message: &format!("merge {name}: Fast-forward"),
        })?;
        if !options.quiet {
            say!("Fast-forward");
            show(repository, our_tree, their_tree, &options)?;
        }
        return Ok(0);
    }
    if options.ff_only {
        return Err(fatal("Not possible to fast-forward, aborting."));
    }
    if bases.is_empty()
        && !parsed
            .options()
            .any(|(name, _)| name == "allow-unrelated-histories")
    {
        return Err(fatal("refusing to merge unrelated histories"));
    }
    let staged = change::tree_to_index(
        &repository.objects,
        Some(our_tree),
        &index,
        &Pathspec::default(),
    )?;
    if !staged.is_empty() {
        let names: String = staged
            .iter()
            .map(|change| format!("\t{}\n", repository.shown(change.path())))
            .collect();
        return Err(Fail {
            code: 2,
            text: format!(
                "error: Your local changes to the following files would be overwritten by merge:\n{}Merge with strategy ort failed.",
                names.replace('\t', "  ")
            ),
        });
    }
    let base = bases
        .first()
        .map(|base| repository.objects.commit(base))
        .transpose()?
        .map(|base| base.tree);
    let base_name = bases
        .first()
        .map_or(String::new(), |base| revision::short(repository, *base));
    let sides = Sides {
        ours: "HEAD",
        theirs: &name,
        base: &base_name,
    };
    let merged = merge::trees(
        repository,
        base,
        our_tree,
        their_tree,
        &sides,
        options.favor.unwrap_or(Favor::Neither),
    )?;
    let applied = merge::apply(repository, &mut index, our_tree, &merged);
    applied.map_err(|Fail { text, .. }| Fail {
        code: 2,
        text: format!("{text}\nMerge with strategy ort failed."),
    })?;
    index.save()?;
    merged
        .messages
        .iter()
        .filter(|_| !options.quiet)
        .for_each(|message| say!("{message}"));
    let text = match options.messages.is_empty() {
        true => merge_message(repository, &name),
        false => options.messages.join("\n\n") + "\n",
    };
    let conflicts: String = merged
        .conflicts
        .keys()
        .map(|path| format!("#\t{}\n", repository.shown(path)))
        .collect();
    if options.squash {
        let code = squash(repository, ours, theirs, false)?;
        if conflicts.is_empty() {
            return Ok(code);
        }
    } else if !conflicts.is_empty() || options.no_commit {
        let tail = if conflicts.is_empty() {
            String::new()
        } else {
            format!("\n# Conflicts:\n{conflicts}")
        };
        std::fs::write(repository.refs.state("MERGE_HEAD"), format!("{theirs}\n"))?;
        std::fs::write(
            repository.refs.state("MERGE_MODE"),
            if options.no_ff { "no-ff" } else { "" },
        )?;
        std::fs::write(repository.refs.state("MERGE_MSG"), format!("{text}{tail}"))?;
    }
    if !conflicts.is_empty() {
        say!("Automatic merge failed; fix conflicts and then commit the result.");
        return Err(quiet(1));
    }
    if options.no_commit {
        say!("Automatic merge went well; stopped before committing as requested");
        return Ok(0);
    }
    let tree = index.write_tree(&repository.objects)?;
    let text = super::commit::clean(&text, None, false);
    let (author, committer) = (repository.author()?, repository.committer()?);
    let id = repository.objects.write(
        Kind::Commit,
        &encode(tree, &[ours, theirs], &author, &committer, text.as_bytes()),
    )?;
    repository.refs.update(&Update {
        name: "HEAD",
        new: id,
        who: &committer,
        message: &format!("merge {name}: Merge made by the 'ort' strategy."),
    })?;
    if !options.quiet {
        say!("Merge made by the 'ort' strategy.");
        show(repository, our_tree, tree, &options)?;
    }
    Ok(0)
}

fn favor(value: Option<&str>) -> Option<Favor> {
    match value {
        Some("ours") => Some(Favor::Ours),
        Some("theirs") => Some(Favor::Theirs),
        _ => None,
    }
}

fn merge_message(repository: &Repository, name: &str) -> String {
    let kind = match repository.refs.expand(name) {
        Some(full) if full.starts_with("refs/heads/") => "branch",
        Some(full) if full.starts_with("refs/remotes/") => "remote-tracking branch",
        Some(full) if full.starts_with("refs/tags/") => "tag",
        _ => "commit",
    };
    let own = repository
        .refs
        .head_name()
        .map(|name| name.replace("refs/heads/", ""));
    let into = match own.as_deref() {
        Some("main" | "master") => String::new(),
        Some(own) => format!(" into {own}"),
        None => " into HEAD".to_owned(),
    };
    format!("Merge {kind} '{name}'{into}\n")
}

fn show(repository: &Repository, old: ObjectId, new: ObjectId, options: &Options) -> Result<()> {
    if options.no_stat {
        return Ok(());
    }
    let changes = change::trees(
        &repository.objects,
        Some(old),
        Some(new),
        &Pathspec::default(),
    )?;
    let changes = rename::detect(repository, changes, Search::default())?;
    stat::table(
        repository,
        &changes,
        &crate::patch::Style::new(repository),
        stat::Width::default(),
    )?;
    stat::summary(repository, &changes);
    Ok(())
}

fn squash(repository: &Repository, ours: ObjectId, theirs: ObjectId, forward: bool) -> Result<i32> {
    let mut text = "Squashed commit of the following:\n".to_owned();
    let mut walk = walk::Walk::new(repository, vec![theirs], &[ours])?;
    let pretty = crate::pretty::Pretty::new(repository);
    while let Some(commit) = walk.next_commit()? {
        text += &format!("\n{}", pretty.show(repository, &commit, ""));
    }
    std::fs::write(repository.refs.state("SQUASH_MSG"), text)?;
    say!("Squash commit -- not updating HEAD");
    if !forward {
        say!("Automatic merge went well; stopped before committing as requested");
    }
    Ok(0)
}

fn abort(repository: &Repository, name: &str, command: &str) -> Result<i32> {
    if !repository.refs.state(name).is_file() {
        return Err(match command {
            "merge" => fatal("There is no merge to abort (MERGE_HEAD missing)."),
            _ => Fail {
                code: 128,
                text: format!(
                    "error: no cherry-pick or revert in progress\nfatal: {command} failed"
                ),
            },
        });
    }
    super::switch::reset(&["--merge".to_owned(), "-q".to_owned()], repository)?;
    clear(repository);
    Ok(0)
}

/// One commit's changes brought to another tree, or taken back.
struct Pick<'a> {
    repository: &'a Repository,
    no_commit: bool,
    revert: bool,
    source_line: bool,
    allow_empty: bool,
    favor: Favor,
    mainline: Option<usize>,
    edit: bool,
    signoff: bool,
}

pub fn cherry_pick(arguments: &[String], repository: &Repository) -> Result<i32> {
    pick(arguments, repository, false)
}

pub fn revert(arguments: &[String], repository: &Repository) -> Result<i32> {
    pick(arguments, repository, true)
}

fn pick(arguments: &[String], repository: &Repository, revert: bool) -> Result<i32> {
    let parsed = parse(
        arguments,
        &[
            "m",
            "mainline",
            "X",
            "strategy-option",
            "s-strategy",
            "strategy",
        ],
        &["S"],
    )?;
    let mut pick = Pick {
        repository,
        no_commit: false,
        revert,
        source_line: false,
        allow_empty: false,
        favor: Favor::Neither,
        mainline: None,
        edit: false,
        signoff: false,
    };
    let (command, state) = if revert {
        ("revert", "REVERT_HEAD")
    } else {
        ("cherry-pick", "CHERRY_PICK_HEAD")
    };
    for (name, value) in parsed.options() {
        match name {
            "n" | "no-commit" => pick.no_commit = true,
            "x" => pick.source_line = true,
            "s" | "signoff" => pick.signoff = true,
            "allow-empty" | "keep-redundant-commits" | "allow-empty-message" => {
                pick.allow_empty = true
            }
            "m" | "mainline" => pick.mainline = Some(crate::arguments::number(name, value)?),
            "X" | "strategy-option" => pick.favor = favor(value).unwrap_or(Favor::Neither),
            "abort" => return abort(repository, state, command),
            "skip" => return abort(repository, state, command),
            "quit" => {
                clear(repository);
                return Ok(0);
            }
            "continue" => {
                if !repository.refs.state(state).is_file() {
                    return Err(Fail {
                        code: 128,
                        text: format!(
                            "error: no cherry-pick or revert in progress\nfatal: {command} failed"
                        ),
                    });
                }
                return super::commit::run(&["--no-edit".to_owned()], repository);
            }
            "e" | "edit" => pick.edit = true,
            "no-edit" | "ff" | "no-gpg-sign" | "strategy" | "empty" => {}
            _ => return Err(unknown(command, name)),
        }
    }
    let mut commits = Vec::new();
    for word in parsed.free() {
        if word.contains("..") {
            let mut query = crate::query::Query::default();
            query.revisions(repository, &[word])?;
            query.option(repository, "reverse", None)?;
            query.each(repository, Pathspec::default(), |commit, _| {
                commits.push(commit.id);
                Ok(true)
            })?;
            continue;
        }
        let id = revision::find_commit(repository, &word)?;
        commits.push(id.ok_or_else(|| fatal(format!("bad revision '{word}'")))?);
    }
    if commits.is_empty() {
        return Err(super::switch::nothing_given(command));
    }
    for id in commits {
        pick.one(id)?;
    }
    Ok(0)
}

impl Pick<'_> {
    fn one(&self, id: ObjectId) -> Result<()> {
        let repository = self.repository;
        let commit = repository.objects.commit(&id)?;
        let command = if self.revert { "revert" } else { "cherry-pick" };
        let number = self.mainline.unwrap_or(1);
        if commit.parents.len() > 1 && self.mainline.is_none() {
            return Err(Fail {
                code: 128,
                text: format!(
                    "error: commit {id} is a merge but no -m option was given.\nfatal: {command} failed"
                ),
            });
        }
        let parent = commit.parents.get(number - 1).copied();
        let parent_tree = match parent {
            Some(parent) => repository.objects.commit(&parent)?.tree,
            None => crate::objects::empty_tree(),
        };
        let mut index = repository.index()?;
        let head_id = head(repository)?;
        let head_tree = repository.objects.commit(&head_id)?.tree;
        let staged = change::tree_to_index(
            &repository.objects,
            Some(head_tree),
            &index,
            &Pathspec::default(),
        )?;
        if !staged.is_empty() && !self.no_commit {
            return Err(Fail {
                code: 128,
                text: format!(
                    "error: your local changes would be overwritten by {command}.\nhint: commit your changes or stash them to proceed.\nfatal: {command} failed"
                ),
            });
        }
        let short = revision::short(repository, id);
        let label = match self.revert {
            true => format!("parent of {short} ({})", commit.subject()),
            false => format!("{short} ({})", commit.subject()),
        };
        let other = match self.revert {
            true => format!("{short} ({})", commit.subject()),
            false => format!("parent of {short} ({})", commit.subject()),
        };
        let (base, theirs) = if self.revert {
            (commit.tree, parent_tree)
        } else {
            (parent_tree, commit.tree)
        };
        let sides = Sides {
            ours: "HEAD",
            theirs: &label,
            base: &other,
        };
        let ours = if self.no_commit {
            index.write_tree(&repository.objects)?
        } else {
            head_tree
        };
        let merged = merge::trees(repository, Some(base), ours, theirs, &sides, self.favor)?;
        let applied = merge::apply(repository, &mut index, ours, &merged);
        applied.map_err(|Fail { text, .. }| Fail {
            code: 1,
            text: format!("{text}\nfatal: {command} failed"),
        })?;
        index.save()?;
        merged.messages.iter().for_each(|message| say!("{message}"));
        let mut message = match self.revert {
            true => {
                let what = match commit
                    .subject()
                    .strip_prefix("Revert \"")
                    .and_then(|rest| rest.strip_suffix('"'))
                {
                    Some(inner) => format!("Reapply \"{inner}\""),
                    None => format!("Revert \"{}\"", commit.subject()),
                };
                let reversing = parent
                    .filter(|_| self.mainline.is_some())
                    .map(|parent| format!(", reversing\nchanges made to {parent}"))
                    .unwrap_or_default();
                format!("{what}\n\nThis reverts commit {id}{reversing}.\n")
            }
            false => commit.text(),
        };
        if self.source_line {
            message = format!(
                "{}\n\n(cherry picked from commit {id})\n",
                message.trim_end()
            );
        }
        if self.signoff {
            let who = repository.committer()?;
            message = format!(
                "{}\n\nSigned-off-by: {} <{}>\n",
                message.trim_end(),
                who.name,
                who.email
            );
        }
        if !merged.conflicts.is_empty() {
            let paths: String = merged
                .conflicts
                .keys()
                .map(|path| format!("#\t{}\n", repository.shown(path)))
                .collect();
            let state = if self.revert {
                "REVERT_HEAD"
            } else {
                "CHERRY_PICK_HEAD"
            };
            std::fs::write(repository.refs.state(state), format!("{id}\n"))?;
            std::fs::write(
                repository.refs.state("MERGE_MSG"),
                format!("{message}\n# Conflicts:\n{paths}"),
            )?;
            let verb = if self.revert { "revert" } else { "apply" };
            return Err(Fail {
                code: 1,
                text: format!(
                    "error: could not {verb} {short}... {}\nhint: After resolving the conflicts, mark them with\nhint: \"git add/rm <pathspec>\", then run\nhint: \"git {command} --continue\".\nhint: You can instead skip this commit with \"git {command} --skip\".\nhint: To abort and get back to the state before \"git {command}\",\nhint: run \"git {command} --abort\".\nhint: Disable this message with \"git config advice.mergeConflict false\"",
                    commit.subject()
                ),
            });
        }
        if self.no_commit {
            return Ok(());
        }
        let tree = index.write_tree(&repository.objects)?;
        if tree == head_tree && !self.allow_empty {
            if !self.revert {
                std::fs::write(repository.refs.state("CHERRY_PICK_HEAD"), format!("{id}\n"))?;
            }
            warn(format!(
                "The previous {command} is now empty, possibly due to conflict resolution.\nIf you wish to commit it anyway, use:\n\n    git commit --allow-empty\n\nOtherwise, please use 'git {command} --skip'"
            ));
            super::status::run(&[], repository)?;
            return Err(quiet(1));
        }
        let committer = repository.committer()?;
        let author = if self.revert {
            repository.author()?
        } else {
            commit.author.clone()
        };
        let new = commit_on(
            repository, tree, head_id, &author, &committer, &message, command,
        )?;
        super::commit::summary(repository, &*repository.objects.commit(&new)?, true)
    }
}

fn commit_on(
    repository: &Repository,
    tree: ObjectId,
    parent: ObjectId,
    author: &Person,
    committer: &Person,
    message: &str,
    command: &str,
) -> Result<ObjectId> {
    let id = repository.objects.write(
        Kind::Commit,
        &encode(tree, &[parent], author, committer, message.as_bytes()),
    )?;
    let log = format!("{command}: {}", subject(message));
    repository.refs.update(&Update {
        name: "HEAD",
        new: id,
        who: committer,
        message: &log,
    })?;
    Ok(id)
}

/// `git rebase <upstream>`, as long as every commit applies. One that does not leaves all as it was.
pub fn rebase(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &[
            "onto",
            "X",
            "strategy-option",
            "s",
            "strategy",
            "x",
            "exec",
            "C",
        ],
        &["S"],
    )?;
    let (mut onto, mut wanted_quiet, mut favored) = (None, false, Favor::Neither);
    for (name, value) in parsed.options() {
        match name {
            "onto" => onto = value.map(str::to_owned),
            "q" | "quiet" => wanted_quiet = true,
            "X" | "strategy-option" => favored = favor(value).unwrap_or(Favor::Neither),
            "abort" | "continue" | "skip" | "quit" => return Err(fatal("no rebase in progress")),
            "i" | "interactive" | "x" | "exec" | "r" | "rebase-merges" | "autosquash" | "root" => {
                return Err(fatal(format!(
                    "'git rebase --{name}' is not supported here\nhint: use 'git reset --soft' and 'git commit', or 'git cherry-pick'"
                )));
            }
            "no-autosquash"
            | "autostash"
            | "no-autostash"
            | "f"
            | "force-rebase"
            | "no-ff"
            | "stat"
            | "n"
            | "no-stat"
            | "m"
            | "merge"
            | "fork-point"
            | "no-fork-point"
            | "keep-empty"
            | "reapply-cherry-picks"
            | "no-reapply-cherry-picks"
            | "empty"
            | "s"
            | "strategy"
            | "no-verify"
            | "v"
            | "verbose" => {}
            _ => return Err(unknown("rebase", name)),
        }
    }
    let free = parsed.free();
    if let Some(branch) = free.get(1) {
        super::switch::checkout(&["-q".to_owned(), branch.clone()], repository)?;
    }
    let name = match free.first() {
        Some(name) => name.clone(),
        None => "@{upstream}".to_owned(),
    };
    let upstream = revision::find_commit(repository, &name)?;
    let upstream = upstream.ok_or_else(|| fatal(format!("invalid upstream '{name}'")))?;
    let target = match &onto {
        Some(onto) => revision::find_commit(repository, onto)?
            .ok_or_else(|| fatal(format!("Does not point to a valid commit: '{onto}'")))?,
        None => upstream,
    };
    let mut index = repository.index()?;
    let old = head(repository)?;
    let old_tree = repository.objects.commit(&old)?.tree;
    let staged = change::tree_to_index(
        &repository.objects,
        Some(old_tree),
        &index,
        &Pathspec::default(),
    )?;
    let unstaged = change::index_to_worktree(repository, &mut index, &Pathspec::default())?;
    if !unstaged.is_empty() || !staged.is_empty() {
        let text = match (unstaged.is_empty(), staged.is_empty()) {
            (false, true) => {
                "error: cannot rebase: You have unstaged changes.\nerror: Please commit or stash them."
            }
            (false, false) => {
                "error: cannot rebase: You have unstaged changes.\nerror: additionally, your index contains uncommitted changes.\nerror: Please commit or stash them."
            }
            _ => {
                "error: cannot rebase: Your index contains uncommitted changes.\nerror: Please commit or stash them."
            }
        };
        return Err(Fail {
            code: 1,
            text: text.to_owned(),
        });
    }
    let branch = repository.refs.head_name();
    let shown = branch.clone().unwrap_or_else(|| "HEAD".to_owned());
    let short = shown.strip_prefix("refs/heads/").unwrap_or(&shown);
    if walk::is_ancestor(repository, target, old)? && onto.is_none() {
        if !wanted_quiet {
            say!("Current branch {short} is up to date.");
        }
        return Ok(0);
    }
    let mut walk = walk::Walk::new(repository, vec![old], &[upstream])?;
    let mut commits = Vec::new();
    while let Some(commit) = walk.next_commit()? {
        if commit.parents.len() < 2 {
            commits.push(commit);
        }
    }
    let commits: Vec<_> = walk::Walk::topological(commits, false)
        .into_iter()
        .rev()
        .collect();
    let committer = repository.committer()?;
    let mut tip = target;
    for (number, commit) in commits.iter().enumerate() {
        if !wanted_quiet {
            eprint!("Rebasing ({}/{})\r", number + 1, commits.len());
        }
        let base = commit
            .parents
            .first()
            .map(|parent| repository.objects.commit(parent))
            .transpose()?
            .map(|parent| parent.tree);
        let tip_tree = repository.objects.commit(&tip)?.tree;
        let label = format!(
            "{} ({})",
            revision::short(repository, commit.id),
            commit.subject()
        );
        let sides = Sides {
            ours: "HEAD",
            theirs: &label,
            base: "",
        };
        let merged = merge::trees(repository, base, tip_tree, commit.tree, &sides, favored)?;
        if !merged.conflicts.is_empty() {
            merged.messages.iter().for_each(|message| say!("{message}"));
            return Err(Fail {
                code: 1,
                text: format!(
                    "error: could not apply {}... {}\nhint: this git cannot stop in the middle of a rebase; nothing was changed\nhint: use 'git merge {name}', or 'git cherry-pick' commit by commit on a new branch",
                    revision::short(repository, commit.id),
                    commit.subject()
                ),
            });
        }
        let tree = repository.objects.write_tree(&merged.entries())?;
        if tree == tip_tree {
            warn(format!(
                "dropping {} {} -- patch contents already upstream",
                commit.id,
                commit.subject()
            ));
            continue;
        }
        tip = repository.objects.write(
            Kind::Commit,
            &encode(tree, &[tip], &commit.author, &committer, &commit.message),
        )?;
    }
    let (from, to) = (
        repository.objects.files(&old_tree)?,
        repository
            .objects
            .files(&repository.objects.commit(&tip)?.tree)?,
    );
    transition::run(repository, &mut index, &from, &to, Cause::Checkout)?;
    index.save()?;
    repository.refs.write("ORIG_HEAD", &format!("{old}\n"))?;
    let message = format!("rebase (finish): {shown} onto {target}");
    repository.refs.update(&Update {
        name: "HEAD",
        new: tip,
        who: &committer,
        message: &message,
    })?;
    if !wanted_quiet {
        warn(format!("Successfully rebased and updated {shown}."));
    }
    Ok(0)
}

pub fn merge_base(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let (mut all, mut ancestor) = (false, false);
    for (name, _) in parsed.options() {
        match name {
            "a" | "all" => all = true,
            "is-ancestor" => ancestor = true,
            "octopus" | "fork-point" | "independent" => {}
            _ => return Err(unknown("merge-base", name)),
        }
    }
    let ids = parsed
        .free()
        .iter()
        .map(|name| {
            revision::find_commit(repository, name)?
                .ok_or_else(|| fatal(format!("Not a valid object name {name}")))
        })
        .collect::<Result<Vec<_>>>()?;
    let [one, other] = ids.as_slice() else {
        return Err(error("two commits are expected"));
    };
    if ancestor {
        return Ok(i32::from(!walk::is_ancestor(repository, *one, *other)?));
    }
    let bases = revision::merge_bases(repository, *one, *other)?;
    for base in bases.iter().take(if all { usize::MAX } else { 1 }) {
        put(format!("{base}\n"));
    }
    Ok(i32::from(bases.is_empty()))
}
