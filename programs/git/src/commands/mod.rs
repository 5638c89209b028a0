//! The commands.

mod add;
mod apply;
mod blame;
mod branch;
mod commit;
mod config;
mod diff;
mod init;
mod log;
mod merge;
mod plumbing;
mod stash;
mod status;
mod switch;

use crate::fail::{Fail, Result, fatal};
use crate::out::{put, say};
use crate::repository::{Globals, Repository};
use gix_hash::ObjectId;

/// The tree of `HEAD`, if there is a commit.
pub fn head_tree(repository: &Repository) -> Result<Option<ObjectId>> {
    let head = repository.refs.resolve("HEAD");
    head.map(|id| repository.objects.commit(&id).map(|commit| commit.tree))
        .transpose()
}

/// Splits an alias into words, with quotes as in a shell.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            ('\\', _) => word.get_or_insert_default().extend(letters.next()),
            (' ' | '\t', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

type Command = fn(&[String], &Repository) -> Result<i32>;

const COMMANDS: [(&str, Command); 52] = [
    ("add", add::add),
    ("annotate", blame::blame),
    ("apply", apply::run),
    ("blame", blame::blame),
    ("branch", branch::branch),
    ("cat-file", plumbing::cat_file),
    ("check-ignore", plumbing::check_ignore),
    ("checkout", switch::checkout),
    ("cherry-pick", merge::cherry_pick),
    ("clean", switch::clean),
    ("commit", commit::run),
    ("commit-tree", plumbing::commit_tree),
    ("count-objects", plumbing::count_objects),
    ("describe", plumbing::describe),
    ("diff", diff::run),
    ("diff-files", plumbing::diff_index),
    ("diff-index", plumbing::diff_index),
    ("diff-tree", plumbing::diff_tree),
    ("for-each-ref", branch::for_each_ref),
    ("gc", plumbing::gc),
    ("grep", blame::grep),
    ("hash-object", plumbing::hash_object),
    ("log", log::log),
    ("ls-files", plumbing::ls_files),
    ("ls-tree", plumbing::ls_tree),
    ("merge", merge::merge),
    ("merge-base", merge::merge_base),
    ("mv", add::mv),
    ("read-tree", plumbing::read_tree),
    ("rebase", merge::rebase),
    ("reflog", log::reflog),
    ("remote", config::remote),
    ("reset", switch::reset),
    ("restore", switch::restore),
    ("rev-list", plumbing::rev_list),
    ("rev-parse", plumbing::rev_parse),
    ("revert", merge::revert),
    ("rm", add::rm),
    ("shortlog", plumbing::shortlog),
    ("show", log::show),
    ("show-ref", branch::show_ref),
    ("stage", add::add),
    ("stash", stash::run),
    ("status", status::run),
    ("switch", switch::switch),
    ("symbolic-ref", plumbing::symbolic_ref),
    ("tag", branch::tag),
    ("update-index", add::update_index),
    ("update-ref", plumbing::update_ref),
    ("var", plumbing::var),
    ("worktree", plumbing::worktree_list),
    ("write-tree", plumbing::write_tree),
];

/// What this git does not do, and what helps.
const REFUSED: [(&str, &str); 24] = [
    (
        "clone",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "fetch",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "pull",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "push",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "ls-remote",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "submodule",
        "repositories in repositories are left out\nhint: copy the files, or use native git",
    ),
    (
        "bisect",
        "it keeps a state that only native git has\nhint: check commits out one by one with 'git checkout <commit>'",
    ),
    ("am", "mailboxes are not read\nhint: use 'git apply'"),
    (
        "format-patch",
        "mails are not written\nhint: use 'git show <commit> > file.patch'",
    ),
    ("gui", "it has no window"),
    ("svn", "only git's own repositories are read"),
    (
        "lfs",
        "it needs a network\nhint: fetch the files outside of the workspace",
    ),
    ("difftool", "it starts other programs\nhint: use 'git diff'"),
    (
        "mergetool",
        "it starts other programs\nhint: edit the files, then 'git add' them",
    ),
    (
        "filter-branch",
        "rewriting a history is left out\nhint: use native git",
    ),
    ("notes", "notes are left out\nhint: use native git"),
    ("archive", "archives are left out\nhint: use 'tar'"),
    ("bundle", "bundles are left out\nhint: use native git"),
    (
        "fsck",
        "checking a repository is left out\nhint: use native git",
    ),
    ("repack", "packs are only read\nhint: use native git"),
    ("pack-refs", "packs are only read\nhint: use native git"),
    (
        "daemon",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "send-email",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
    (
        "request-pull",
        "there is no network for git here\nhint: fetch and push outside of the workspace, or get an archive with curl and tar",
    ),
];

pub fn is_known(name: &str) -> bool {
    matches!(name, "config" | "init" | "version" | "help")
        || COMMANDS.iter().any(|(other, _)| *other == name)
        || REFUSED.iter().any(|(other, _)| *other == name)
}

pub fn run(name: &str, arguments: &[String], globals: &Globals) -> Result<i32> {
    match name {
        "init" => return init::run(arguments, globals),
        "config" => return config::run(arguments, globals),
        "version" => {
            say!("git version {}", crate::VERSION);
            return Ok(0);
        }
        "help" => {
            help();
            return Ok(0);
        }
        _ => {}
    }
    if let Some((_, reason)) = REFUSED.iter().find(|(other, _)| *other == name) {
        return Err(fatal(format!(
            "'git {name}' is not supported in a sandbox: {reason}"
        )));
    }
    let found = COMMANDS.iter().find(|(other, _)| *other == name);
    let (_, command) = found.ok_or_else(|| Fail {
        code: 1,
        text: format!("git: '{name}' is not a git command. See 'git --help'."),
    })?;
    command(arguments, &Repository::discover(globals)?)
}

fn help() {
    put(
        "usage: git [-v | --version] [-h | --help] [-C <path>] [-c <name>=<value>]\n           [--no-pager] [--git-dir=<path>] [--work-tree=<path>]\n           <command> [<args>]\n\nThe commands of this git:\n\n",
    );
    let names: Vec<&str> = std::iter::once("init")
        .chain(COMMANDS.iter().map(|(name, _)| *name))
        .collect();
    for line in names.chunks(8) {
        put(format!("   {}\n", line.join(" ")));
    }
}
