//! `git commit`.

use crate::arguments::{parse, unknown};
use crate::change;
use crate::commit::{Commit, Person, encode, subject};
use crate::fail::{Fail, Result, error, fatal, quiet};
use crate::hooks;
use crate::index::Index;
use crate::out::{put, say, warn};
use crate::pathspec::Pathspec;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::revision;
use crate::stat;
use crate::worktree::{self, Untracked};
use gix_hash::ObjectId;
use gix_object::Kind;
use std::io::Read as _;

#[derive(Default)]
struct Options {
    messages: Vec<String>,
    file: Option<String>,
    all: bool,
    amend: bool,
    edit: Option<bool>,
    reuse: Option<String>,
    fixup: Option<String>,
    allow_empty: bool,
    allow_empty_message: bool,
    quiet: bool,
    signoff: bool,
    author: Option<String>,
    date: Option<String>,
    reset_author: bool,
    no_verify: bool,
    dry_run: bool,
    include: bool,
    cleanup: Option<String>,
    trailers: Vec<String>,
    dry: Vec<String>,
}

fn options(arguments: &[String]) -> Result<(Options, Vec<String>)> {
    let valued = [
        "m",
        "message",
        "F",
        "file",
        "C",
        "reuse-message",
        "c",
        "reedit-message",
        "author",
        "date",
        "fixup",
        "squash",
        "cleanup",
        "t",
        "template",
        "trailer",
    ];
    let parsed = parse(arguments, &valued, &["u", "S"])?;
    let mut options = Options::default();
    for (name, value) in parsed.options() {
        let text = value.map(str::to_owned);
        match name {
            "m" | "message" => options.messages.extend(text),
            "F" | "file" => options.file = text,
            "a" | "all" => options.all = true,
            "amend" => options.amend = true,
            "no-edit" => options.edit = Some(false),
            "e" | "edit" => options.edit = Some(true),
            "C" | "reuse-message" => options.reuse = text,
            "c" | "reedit-message" => {
                options.reuse = text;
                options.edit = Some(true);
            }
            "fixup" | "squash" => options.fixup = text.map(|text| format!("{name}! {text}")),
            "allow-empty" => options.allow_empty = true,
            "allow-empty-message" => options.allow_empty_message = true,
            "q" | "quiet" => options.quiet = true,
            "s" | "signoff" => options.signoff = true,
            "author" => options.author = text,
            "date" => options.date = text,
            "reset-author" => options.reset_author = true,
            "n" | "no-verify" => options.no_verify = true,
            "i" | "include" => options.include = true,
            "cleanup" => options.cleanup = text,
            "trailer" => options.trailers.extend(text),
            "dry-run" => options.dry_run = true,
            "short" | "porcelain" | "long" | "branch" | "z" => {
                options.dry_run = true;
                options.dry.push(format!("--{name}"));
            }
            "o" | "only" | "v" | "verbose" | "status" | "no-status" | "no-gpg-sign"
            | "no-signoff" | "verify" | "no-verbose" | "no-post-rewrite" | "u"
            | "untracked-files" | "no-allow-empty" => {}
            "S" | "gpg-sign" => {
                return Err(fatal(
                    "commits cannot be signed here\nhint: leave out -S, or sign with native git",
                ));
            }
            "p" | "patch" | "interactive" => {
                return Err(fatal(format!(
                    "'git commit --{name}' asks questions, which a sandbox cannot\nhint: add what you want with 'git add' first"
                )));
            }
            _ => return Err(unknown("commit", name)),
        }
    }
    Ok((options, parsed.free()))
}

pub fn run(arguments: &[String], repository: &Repository) -> Result<i32> {
    let (options, free) = options(arguments)?;
    repository.root()?;
    let head = repository.refs.resolve("HEAD");
    let mut index = repository.index()?;
    if options.dry_run {
        return super::status::run(&options.dry, repository);
    }
    if options.amend && head.is_none() {
        return Err(fatal("You have nothing to amend."));
    }
    let merging = repository.refs.state("MERGE_HEAD").is_file();
    if options.amend && merging {
        return Err(fatal("You are in the middle of a merge -- cannot amend."));
    }
    if options.all && !free.is_empty() {
        return Err(fatal(format!(
            "paths '{} ...' with -a does not make sense",
            free.first().map_or("", String::as_str)
        )));
    }
    let specs = Pathspec::parse(repository, &free)?;
    if merging && !free.is_empty() && !options.include {
        return Err(fatal("cannot do a partial commit during a merge."));
    }
    // Only the named paths: the commit gets them over what `HEAD` has, the index keeps the rest.
    let mut partial = None;
    if options.all || !free.is_empty() {
        let paths = index.paths();
        if let Some(item) = specs.unmatched(|item| paths.iter().any(|path| item.matches(path))) {
            return Err(error(format!(
                "pathspec '{}' did not match any file(s) known to git",
                item.text
            )));
        }
        let mut only = index.clone();
        if !free.is_empty() && !options.include {
            let files = super::head_tree(repository)?
                .map_or(Ok(Vec::new()), |tree| repository.objects.files(&tree))?;
            only.reset_to(&files);
        }
        for path in paths.iter().filter(|path| specs.matches(path)) {
            worktree::add(repository, &mut index, path)?;
            match index.get(path) {
                Some(entry) => only.put(path, entry.clone()),
                None => only.remove(path),
            }
        }
        if !free.is_empty() && !options.include {
            partial = Some(only);
        }
    }
    refuse_conflicts(repository, &index)?;
    if !options.no_verify && hooks::run(repository, "pre-commit", &[])? != 0 {
        return Err(quiet(1));
    }
    if !options.no_verify
        && hooks::exists(repository, "pre-commit")
        && partial.is_none()
        && !options.all
    {
        index = repository.index()?;
    }
    let tree = partial
        .as_ref()
        .unwrap_or(&index)
        .write_tree(&repository.objects)?;
    let old = head.map(|id| repository.objects.commit(&id)).transpose()?;
    let mut parents: Vec<ObjectId> = match (&old, options.amend) {
        (Some(old), true) => old.parents.clone(),
        _ => head.into_iter().collect(),
    };
    if merging {
        parents.extend(heads(repository, "MERGE_HEAD"));
    }
    let picked = heads(repository, "CHERRY_PICK_HEAD").first().copied();
    let base = match parents.first() {
        Some(parent) => repository.objects.commit(parent)?.tree,
        None => crate::objects::empty_tree(),
    };
    let unchanged =
        tree == base && !options.allow_empty && !merging && (!options.amend || !parents.is_empty());
    if unchanged {
        index.save()?;
        if options.amend {
            put("On branch ");
        }
        return nothing(repository, &mut index, options.amend);
    }
    let author = author(repository, &options, old.as_deref(), picked)?;
    let committer = repository.committer()?;
    let message = message(
        repository,
        &options,
        old.as_deref(),
        merging,
        picked.is_some(),
        &committer,
    )?;
    if message.trim().is_empty() && !options.allow_empty_message {
        return Err(Fail {
            code: 1,
            text: "Aborting commit due to empty commit message.".to_owned(),
        });
    }
    let id = repository.objects.write(
        Kind::Commit,
        &encode(tree, &parents, &author, &committer, message.as_bytes()),
    )?;
    index.save()?;
    let kind = match (&old, options.amend, merging, picked.is_some()) {
        (None, ..) => "commit (initial)",
        (_, true, ..) => "commit (amend)",
        (_, _, true, _) => "commit (merge)",
        (_, _, _, true) => "commit (cherry-pick)",
        _ => "commit",
    };
    let log = format!("{kind}: {}", subject(&message));
    repository.refs.update(&crate::refs::Update {
        name: "HEAD",
        new: id,
        who: &committer,
        message: &log,
    })?;
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
    hooks::run(repository, "post-commit", &[])?;
    if !options.quiet {
        let dated =
            options.amend || options.date.is_some() || options.reuse.is_some() || picked.is_some();
        summary(repository, &*repository.objects.commit(&id)?, dated)?;
    }
    Ok(0)
}

/// The ids in a file like `MERGE_HEAD`.
pub fn heads(repository: &Repository, name: &str) -> Vec<ObjectId> {
    let text = std::fs::read_to_string(repository.refs.state(name)).unwrap_or_default();
    text.lines()
        .filter_map(|line| ObjectId::from_hex(line.get(..40)?.as_bytes()).ok())
        .collect()
}

fn refuse_conflicts(repository: &Repository, index: &Index) -> Result<()> {
    let unmerged = index.unmerged();
    if unmerged.is_empty() {
        return Ok(());
    }
    for path in unmerged {
        say!("U\t{}", repository.shown(&path));
    }
    Err(Fail {
        code: 128,
        text: "error: Committing is not possible because you have unmerged files.\nhint: Fix them up in the work tree, and then use 'git add/rm <file>'\nhint: as appropriate to mark resolution and make a commit.\nfatal: Exiting because of an unresolved conflict.".to_owned(),
    })
}

fn nothing(repository: &Repository, index: &mut Index, amend: bool) -> Result<i32> {
    if amend {
        warn(
            "You asked to amend the most recent commit, but doing so would make\nit empty. You can repeat your command with --allow-empty, or you can\nremove the commit entirely with \"git reset HEAD^\".",
        );
    }
    let status = super::status::collect(
        repository,
        index,
        &Pathspec::default(),
        Untracked::Folders,
        false,
        Some(Search::default()),
    )?;
    let text = super::status::long(repository, index, &status, true)?;
    put(if amend {
        text.strip_prefix("On branch ").unwrap_or(&text)
    } else {
        &text
    });
    Err(quiet(1))
}

fn author(
    repository: &Repository,
    options: &Options,
    old: Option<&Commit>,
    picked: Option<ObjectId>,
) -> Result<Person> {
    let reused = match (&options.reuse, picked) {
        (Some(name), _) => Some(
            repository
                .objects
                .commit(&revision::commit(repository, name)?)?,
        ),
        (None, Some(picked)) => Some(repository.objects.commit(&picked)?),
        _ => None,
    };
    let kept = match (&reused, old) {
        _ if options.reset_author => None,
        (Some(reused), _) => Some(reused.author.clone()),
        (None, Some(old)) if options.amend => Some(old.author.clone()),
        _ => None,
    };
    let mut author = match kept {
        Some(kept) => kept,
        None if options.author.is_some() => {
            repository.author().or_else(|_| repository.committer())?
        }
        None => repository.author()?,
    };
    if let Some(text) = &options.author {
        let person = crate::refs::person(text).filter(|_| text.contains('<'));
        let person = person.ok_or_else(|| {
            fatal(format!(
                "--author '{text}' is not 'Name <email>' and matches no existing author"
            ))
        })?;
        (author.name, author.email) = (person.name, person.email);
    }
    if let Some(text) = &options.date {
        let time = crate::date::parse(text)
            .ok_or_else(|| fatal(format!("invalid date format: {text}")))?;
        (author.seconds, author.offset_seconds) = (time.seconds, time.offset);
    }
    Ok(author)
}

fn message(
    repository: &Repository,
    options: &Options,
    old: Option<&Commit>,
    merging: bool,
    picking: bool,
    committer: &Person,
) -> Result<String> {
    let prepared = || std::fs::read_to_string(repository.refs.state("MERGE_MSG")).ok();
    let squashed = || std::fs::read_to_string(repository.refs.state("SQUASH_MSG")).ok();
    let mut edit = false;
    let mut text = if let Some(fixup) = &options.fixup {
        let (kind, name) = fixup.split_once(' ').unwrap_or((fixup, "HEAD"));
        let commit = repository
            .objects
            .commit(&revision::commit(repository, name)?)?;
        let more = options.messages.join("\n\n");
        let more = if more.is_empty() {
            more
        } else {
            format!("\n\n{more}")
        };
        format!("{kind} {}{more}", commit.subject())
    } else if !options.messages.is_empty() {
        options.messages.join("\n\n")
    } else if let Some(file) = &options.file {
        read_message(file)?
    } else if let Some(name) = &options.reuse {
        repository
            .objects
            .commit(&revision::commit(repository, name)?)?
            .text()
    } else if let (Some(old), true) = (old, options.amend) {
        edit = options.edit != Some(false);
        old.text()
    } else if let Some(text) = prepared()
        .filter(|_| merging || picking)
        .or_else(squashed)
        .or_else(prepared)
    {
        edit = options.edit != Some(false);
        text
    } else {
        edit = true;
        String::new()
    };
    edit = options.edit.unwrap_or(edit);
    if options.signoff {
        let line = format!("Signed-off-by: {} <{}>", committer.name, committer.email);
        add_trailer(&mut text, &line);
    }
    for trailer in &options.trailers {
        let line = match trailer.split_once(['=', ':']) {
            Some((key, value)) => format!("{}: {}", key.trim(), value.trim()),
            None => format!("{trailer}: "),
        };
        add_trailer(&mut text, &line);
    }
    if edit {
        match hooks::editor(repository) {
            Some(editor) => text = hooks::edit(repository, &editor, &text)?,
            // Whoever has a message already can go on without an editor.
            None if !text.trim().is_empty() => {}
            None => {
                return Err(error(
                    "Terminal is dumb, but EDITOR unset\nPlease supply the message using either -m or -F option.",
                ));
            }
        }
    }
    let path = repository.refs.state("COMMIT_EDITMSG");
    let comments = edit;
    let mut text = clean(&text, options.cleanup.as_deref(), comments);
    std::fs::write(&path, &text)?;
    if !options.no_verify && hooks::exists(repository, "commit-msg") {
        let file = path.to_string_lossy().into_owned();
        if hooks::run(repository, "commit-msg", &[&file])? != 0 {
            return Err(quiet(1));
        }
        text = clean(
            &std::fs::read_to_string(&path)?,
            options.cleanup.as_deref(),
            comments,
        );
    }
    Ok(text)
}

fn add_trailer(text: &mut String, line: &str) {
    let kept = text.trim_end().to_owned();
    let last = kept.rsplit("\n\n").next().unwrap_or_default();
    let is_trailers = kept.contains("\n\n")
        && last.lines().all(|line| {
            line.split_once(": ")
                .is_some_and(|(key, _)| !key.contains(' '))
        });
    if last.lines().any(|other| other == line) {
        return;
    }
    let between = if is_trailers { "\n" } else { "\n\n" };
    *text = format!("{kept}{between}{line}\n");
}

pub fn read_message(file: &str) -> Result<String> {
    let failed = |reason: std::io::Error| {
        fatal(format!(
            "could not read log file '{file}': {}",
            swarm_flow_posix::reason(&reason)
        ))
    };
    if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Without white space at the ends of lines, empty lines at both ends and more than one in between, and comments.
pub fn clean(text: &str, mode: Option<&str>, comments: bool) -> String {
    if mode == Some("verbatim") {
        return text.to_owned();
    }
    let strip = mode == Some("strip") || mode.is_none_or(|mode| mode == "default") && comments;
    let mut out = String::new();
    let mut gap = false;
    for line in text.lines() {
        let line = line.trim_end();
        if strip && line.starts_with('#') {
            continue;
        }
        if line.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push('\n');
            gap = false;
        }
        out += line;
        out.push('\n');
    }
    out
}

/// `[main abc1234] subject`, and what changed.
pub fn summary(repository: &Repository, commit: &Commit, dated: bool) -> Result<()> {
    let branch = repository.refs.head_name();
    let branch = branch.as_deref().map_or("detached HEAD", |name| {
        name.strip_prefix("refs/heads/").unwrap_or(name)
    });
    let root = if commit.parents.is_empty() {
        " (root-commit)"
    } else {
        ""
    };
    say!(
        "[{branch}{root} {}] {}",
        revision::short(repository, commit.id),
        commit.subject()
    );
    let (author, committer) = (&commit.author, &commit.committer);
    if (&author.name, &author.email) != (&committer.name, &committer.email) {
        say!(" Author: {} <{}>", author.name, author.email);
    }
    if dated {
        say!(" Date: {}", crate::date::show(author, "default"));
    }
    if commit.parents.len() > 1 {
        return Ok(());
    }
    let old = commit
        .parents
        .first()
        .map(|parent| repository.objects.commit(parent))
        .transpose()?;
    let changes = change::trees(
        &repository.objects,
        old.map(|old| old.tree),
        Some(commit.tree),
        &Pathspec::default(),
    )?;
    let changes = rename::detect(repository, changes, Search::default())?;
    stat::short(repository, &changes, &crate::patch::Style::new(repository))?;
    stat::summary(repository, &changes);
    Ok(())
}
