//! `git branch`, `git tag`, `git for-each-ref`, `git show-ref`.

use crate::arguments::{parse, unknown};
use crate::fail::{Fail, Result, error, fatal};
use crate::out::{say, warn};
use crate::refs::{self, Update};
use crate::repository::Repository;
use crate::revision;
use crate::walk;
use gix_hash::ObjectId;
use gix_object::Kind;
use swarm_flow_posix::glob;

#[derive(Default)]
struct Options {
    all: bool,
    remotes: bool,
    verbose: usize,
    delete: Option<bool>,
    rename: Option<bool>,
    copy: bool,
    force: bool,
    list: bool,
    quiet: bool,
    upstream: Option<String>,
    merged: Option<(String, bool)>,
    contains: Option<(String, bool)>,
    points_at: Option<String>,
    sort: Option<String>,
    format: Option<String>,
    track: bool,
}

pub fn branch(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &["u", "set-upstream-to", "sort", "format", "points-at"],
        &[],
    )?;
    let mut options = Options::default();
    let commit = |value: Option<&str>| value.unwrap_or("HEAD").to_owned();
    for (name, value) in parsed.options() {
        match name {
            "a" | "all" => options.all = true,
            "r" | "remotes" => options.remotes = true,
            "v" | "verbose" => options.verbose += 1,
            "vv" => options.verbose = 2,
            "d" | "delete" => options.delete = Some(options.force),
            "D" => options.delete = Some(true),
            "m" | "move" => options.rename = Some(false),
            "M" => options.rename = Some(true),
            "c" | "copy" | "C" => options.copy = true,
            "f" | "force" => options.force = true,
            "l" | "list" => options.list = true,
            "q" | "quiet" => options.quiet = true,
            "show-current" => {
                if let Some(name) = repository.refs.head_name() {
                    say!("{}", name.strip_prefix("refs/heads/").unwrap_or(&name));
                }
                return Ok(0);
            }
            "u" | "set-upstream-to" => options.upstream = value.map(str::to_owned),
            "unset-upstream" => options.upstream = Some(String::new()),
            "merged" => options.merged = Some((commit(value), true)),
            "no-merged" => options.merged = Some((commit(value), false)),
            "contains" | "with" => options.contains = Some((commit(value), true)),
            "no-contains" => options.contains = Some((commit(value), false)),
            "points-at" => options.points_at = value.map(str::to_owned),
            "sort" => options.sort = value.map(str::to_owned),
            "format" => options.format = value.map(str::to_owned),
            "t" | "track" => options.track = true,
            "no-track" | "no-color" | "color" | "no-column" | "column" | "i" | "ignore-case"
            | "no-abbrev" | "abbrev" | "create-reflog" => {}
            _ => return Err(unknown("branch", name)),
        }
    }
    let mut free = parsed.free();
    if let Some(upstream) = &options.upstream {
        let own = repository.refs.head_name();
        let branch = free
            .first()
            .cloned()
            .or_else(|| own.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)));
        let branch = branch.ok_or_else(|| {
            fatal("could not set upstream of HEAD when it does not point to any branch")
        })?;
        if upstream.is_empty() {
            return unset_upstream(repository, &branch);
        }
        let full = repository.refs.expand(upstream);
        let full = full.ok_or_else(|| {
            fatal(format!(
                "the requested upstream branch '{upstream}' does not exist"
            ))
        })?;
        set_upstream(repository, &branch, &full, options.quiet)?;
        return Ok(0);
    }
    if let Some(force) = options.delete {
        return delete(
            repository,
            &free,
            force || options.force,
            options.remotes,
            options.quiet,
        );
    }
    if let Some(force) = options.rename {
        return rename(repository, &free, force || options.force);
    }
    // `--merged main` has its commit as a word of its own.
    for slot in [&mut options.merged, &mut options.contains] {
        if let Some((name, _)) = slot
            && name == "HEAD"
            && let Some(first) = free.first()
            && !options.list
            && revision::find_commit(repository, first)?.is_some()
        {
            *name = free.remove(0);
        }
    }
    let listing = options.list
        || free.is_empty()
        || options.all
        || options.remotes
        || options.merged.is_some()
        || options.contains.is_some();
    if listing {
        return list(repository, &options, &free);
    }
    let name = free.first().cloned().unwrap_or_default();
    let start = free.get(1).map_or("HEAD", String::as_str);
    if options.copy {
        let (from, to) = match free.as_slice() {
            [from, to] => (from.clone(), to.clone()),
            _ => (
                repository
                    .refs
                    .head_name()
                    .unwrap_or_default()
                    .replace("refs/heads/", ""),
                name,
            ),
        };
        let id = repository
            .refs
            .resolve(&format!("refs/heads/{from}"))
            .ok_or_else(|| fatal(format!("no branch named '{from}'")))?;
        return create(repository, &to, id, &from, options.force);
    }
    if !refs::valid_branch(&name) {
        return Err(fatal(format!(
            "'{name}' is not a valid branch name\nhint: See `man git check-ref-format`\nhint: Disable this message with \"git config advice.refSyntax false\""
        )));
    }
    let id = revision::find_commit(repository, start)?;
    let id = id.ok_or_else(|| {
        fatal(format!(
            "not a valid object name: '{}'",
            if start == "HEAD" {
                repository
                    .refs
                    .head_name()
                    .unwrap_or_default()
                    .replace("refs/heads/", "")
            } else {
                start.to_owned()
            }
        ))
    })?;
    create(repository, &name, id, start, options.force)?;
    let full = repository
        .refs
        .expand(start)
        .filter(|full| options.track || full.starts_with("refs/remotes/"));
    if let Some(full) = full.filter(|full| full != "HEAD") {
        set_upstream(repository, &name, &full, options.quiet)?;
    }
    Ok(0)
}

fn create(
    repository: &Repository,
    name: &str,
    id: ObjectId,
    start: &str,
    force: bool,
) -> Result<i32> {
    let full = format!("refs/heads/{name}");
    let exists = repository.refs.resolve(&full).is_some();
    if exists && !force {
        return Err(fatal(format!("a branch named '{name}' already exists")));
    }
    if exists && repository.refs.head_name().as_ref() == Some(&full) {
        return Err(fatal(format!(
            "cannot force update the branch '{name}' used by worktree at '{}'",
            repository.root()?.display()
        )));
    }
    let message = match exists {
        true => format!("branch: Reset to {start}"),
        false => format!("branch: Created from {start}"),
    };
    repository.refs.update(&Update {
        name: &full,
        new: id,
        who: &repository.logger(),
        message: &message,
    })?;
    Ok(0)
}

fn delete(
    repository: &Repository,
    names: &[String],
    force: bool,
    remotes: bool,
    quiet: bool,
) -> Result<i32> {
    if names.is_empty() {
        return Err(fatal("branch name required"));
    }
    let mut code = 0;
    for name in names {
        let previous = if name == "-" {
            revision::previous_branch(repository, 1)
        } else {
            None
        };
        let name = previous.as_ref().unwrap_or(name);
        let (full, kind) = match remotes {
            true => (format!("refs/remotes/{name}"), "remote-tracking branch"),
            false => (format!("refs/heads/{name}"), "branch"),
        };
        let problem = match repository.refs.resolve(&full) {
            _ if repository.refs.head_name().as_ref() == Some(&full) => Some(format!(
                "error: cannot delete branch '{name}' used by worktree at '{}'",
                repository.root()?.display()
            )),
            None => Some(format!("error: {kind} '{name}' not found")),
            Some(id) if !force && !remotes && !is_merged(repository, &full, id)? => Some(format!(
                "error: the branch '{name}' is not fully merged\nhint: If you are sure you want to delete it, run 'git branch -D {name}'\nhint: Disable this message with \"git config set advice.forceDeleteBranch false\""
            )),
            Some(id) => {
                repository.refs.remove(&full)?;
                super::config::remove_section(repository, &format!("branch.{name}"))?;
                if !quiet {
                    say!(
                        "Deleted {kind} {name} (was {}).",
                        revision::short(repository, id)
                    );
                }
                None
            }
        };
        if let Some(problem) = problem {
            warn(problem);
            code = 1;
        }
    }
    Ok(code)
}

fn is_merged(repository: &Repository, full: &str, id: ObjectId) -> Result<bool> {
    let upstream =
        revision::upstream(repository, full).and_then(|name| repository.refs.resolve(&name));
    match upstream.or_else(|| repository.refs.resolve("HEAD")) {
        Some(head) => walk::is_ancestor(repository, id, head),
        None => Ok(false),
    }
}

fn rename(repository: &Repository, names: &[String], force: bool) -> Result<i32> {
    let head = repository.refs.head_name();
    let own = head
        .as_deref()
        .and_then(|name| name.strip_prefix("refs/heads/"))
        .map(str::to_owned);
    let (old, new) = match names {
        [new] => (
            own.clone()
                .ok_or_else(|| fatal("cannot rename the current branch while not on any"))?,
            new.clone(),
        ),
        [old, new] => (old.clone(), new.clone()),
        _ => return Err(fatal("branch name required")),
    };
    if !refs::valid_branch(&new) {
        return Err(fatal(format!("'{new}' is not a valid branch name")));
    }
    let (old_full, new_full) = (format!("refs/heads/{old}"), format!("refs/heads/{new}"));
    if repository.refs.resolve(&new_full).is_some() && !force && old != new {
        return Err(fatal(format!("a branch named '{new}' already exists")));
    }
    let id = repository.refs.resolve(&old_full);
    match id {
        Some(id) => {
            if old != new {
                repository.refs.rename(&old_full, &new_full)?;
            }
            let who = repository.logger();
            let message = format!("Branch: renamed {old_full} to {new_full}");
            repository.refs.update(&Update {
                name: &new_full,
                new: id,
                who: &who,
                message: &message,
            })?;
            if own.as_ref() == Some(&old) {
                repository.refs.set_head(
                    &refs::Target::Name(new_full),
                    &who,
                    Some(id),
                    &message,
                )?;
            }
        }
        None if own.as_ref() == Some(&old) => repository
            .refs
            .write("HEAD", &format!("ref: {new_full}\n"))?,
        None => return Err(fatal(format!("no branch named '{old}'"))),
    }
    super::config::rename_section(
        repository,
        &format!("branch.{old}"),
        &format!("branch.{new}"),
    )?;
    Ok(0)
}

pub fn set_upstream(repository: &Repository, branch: &str, full: &str, quiet: bool) -> Result<()> {
    let (remote, merge, shown) = match full
        .strip_prefix("refs/remotes/")
        .and_then(|rest| rest.split_once('/'))
    {
        Some((remote, name)) => (
            remote.to_owned(),
            format!("refs/heads/{name}"),
            format!("{remote}/{name}"),
        ),
        None => (
            ".".to_owned(),
            full.to_owned(),
            full.replace("refs/heads/", ""),
        ),
    };
    super::config::set(repository, &format!("branch.{branch}.remote"), &remote)?;
    super::config::set(repository, &format!("branch.{branch}.merge"), &merge)?;
    if !quiet {
        say!("branch '{branch}' set up to track '{shown}'.");
    }
    Ok(())
}

fn unset_upstream(repository: &Repository, branch: &str) -> Result<i32> {
    if repository
        .config
        .get(&format!("branch.{branch}.merge"))
        .is_none()
    {
        return Err(fatal(format!(
            "branch '{branch}' has no upstream information"
        )));
    }
    super::config::remove_section(repository, &format!("branch.{branch}"))?;
    Ok(0)
}

fn list(repository: &Repository, options: &Options, patterns: &[String]) -> Result<i32> {
    let head = repository.refs.head_name();
    let mut rows: Vec<(String, String, ObjectId)> = Vec::new();
    if head.is_none()
        && !options.remotes
        && patterns.is_empty()
        && let Some(id) = repository.refs.resolve("HEAD")
    {
        let (from, at) = super::status::detached(repository)?;
        let word = if at { "at" } else { "from" };
        rows.push((
            "HEAD".to_owned(),
            format!("(HEAD detached {word} {})", from.unwrap_or_default()),
            id,
        ));
    }
    let mut found = Vec::new();
    if !options.remotes {
        found.extend(repository.refs.list("refs/heads/"));
    }
    if options.remotes || options.all {
        found.extend(repository.refs.list("refs/remotes/"));
    }
    sort(repository, &mut found, options.sort.as_deref())?;
    for (full, id) in found {
        let short = full
            .strip_prefix("refs/heads/")
            .or(full.strip_prefix("refs/remotes/"))
            .unwrap_or(&full)
            .to_owned();
        let fits = patterns.is_empty()
            || patterns
                .iter()
                .any(|pattern| glob::matches(pattern, &short, glob::Options::default()));
        if fits && wanted(repository, options, id)? {
            let shown = match options.all && full.starts_with("refs/remotes/") {
                true => format!("remotes/{short}"),
                false => short,
            };
            rows.push((full, shown, id));
        }
    }
    if let Some(format) = &options.format {
        for (full, _, id) in &rows {
            say!("{}", expand(repository, format, full, *id)?);
        }
        return Ok(0);
    }
    let width = rows
        .iter()
        .map(|(_, shown, _)| shown.chars().count())
        .max()
        .unwrap_or(0);
    for (full, shown, id) in &rows {
        let current = head.as_ref() == Some(full) || full == "HEAD";
        let mark = if current { '*' } else { ' ' };
        if let Some(refs::Target::Name(target)) =
            repository.refs.read(full).filter(|_| full != "HEAD")
        {
            let target = target
                .strip_prefix("refs/remotes/")
                .or(target.strip_prefix("refs/heads/"))
                .unwrap_or(&target)
                .to_owned();
            match options.verbose {
                0 => say!("{mark} {shown} -> {target}"),
                _ => say!("{mark} {shown:<width$} -> {target}"),
            }
            continue;
        }
        if options.verbose == 0 {
            say!("{mark} {shown}");
            continue;
        }
        let commit = repository.objects.commit(id)?;
        let track = track(repository, full, options.verbose > 1)?;
        say!(
            "{mark} {shown:<width$} {} {track}{}",
            revision::short(repository, *id),
            commit.subject()
        );
    }
    Ok(0)
}

fn track(repository: &Repository, full: &str, named: bool) -> Result<String> {
    let Some((upstream, counts)) = super::status::ahead_behind(repository, full)? else {
        return Ok(String::new());
    };
    let counts = match counts {
        None => "gone".to_owned(),
        Some((0, 0)) => String::new(),
        Some((ahead, 0)) => format!("ahead {ahead}"),
        Some((0, behind)) => format!("behind {behind}"),
        Some((ahead, behind)) => format!("ahead {ahead}, behind {behind}"),
    };
    Ok(match (named, counts.is_empty()) {
        (true, true) => format!("[{upstream}] "),
        (true, false) => format!("[{upstream}: {counts}] "),
        (false, true) => String::new(),
        (false, false) => format!("[{counts}] "),
    })
}

fn wanted(repository: &Repository, options: &Options, id: ObjectId) -> Result<bool> {
    let id = revision::peel(repository, id, Kind::Commit)?.unwrap_or(id);
    if let Some((name, yes)) = &options.merged {
        let commit = revision::find_commit(repository, name)?
            .ok_or_else(|| error(format!("malformed object name {name}")))?;
        if walk::is_ancestor(repository, id, commit)? != *yes {
            return Ok(false);
        }
    }
    if let Some((name, yes)) = &options.contains {
        let commit = revision::find_commit(repository, name)?
            .ok_or_else(|| error(format!("malformed object name {name}")))?;
        if walk::is_ancestor(repository, commit, id)? != *yes {
            return Ok(false);
        }
    }
    if let Some(name) = &options.points_at {
        return Ok(revision::find_commit(repository, name)? == Some(id));
    }
    Ok(true)
}

fn sort(
    repository: &Repository,
    found: &mut [(String, ObjectId)],
    key: Option<&str>,
) -> Result<()> {
    let Some(key) = key else {
        return Ok(());
    };
    let (key, reverse) = key
        .strip_prefix('-')
        .map_or((key, false), |key| (key, true));
    let mut keyed = Vec::new();
    for (name, id) in found.iter() {
        let order = match key {
            "committerdate" | "creatordate" | "authordate" | "taggerdate" => {
                let commit = revision::peel(repository, *id, Kind::Commit)?;
                let seconds = commit
                    .map(|id| repository.objects.commit(&id))
                    .transpose()?
                    .map_or(0, |commit| commit.committer.seconds);
                format!("{seconds:020}")
            }
            "version:refname" | "v:refname" => {
                let digits = name
                    .split(|letter: char| !letter.is_ascii_digit())
                    .filter(|part| !part.is_empty());
                digits.map(|part| format!("{part:0>12}.")).collect()
            }
            _ => name.clone(),
        };
        keyed.push((order, name.clone(), *id));
    }
    keyed.sort_by(|one, other| {
        let order = one.0.cmp(&other.0);
        let order = if reverse { order.reverse() } else { order };
        order.then_with(|| one.1.cmp(&other.1))
    });
    for (slot, (_, name, id)) in found.iter_mut().zip(keyed) {
        *slot = (name, id);
    }
    Ok(())
}

/// `%(refname:short)` and its kin.
fn expand(repository: &Repository, format: &str, full: &str, id: ObjectId) -> Result<String> {
    let mut out = String::new();
    let mut rest = format;
    let object = repository.objects.get(&id)?;
    let commit = revision::peel(repository, id, Kind::Commit)?
        .map(|id| repository.objects.commit(&id))
        .transpose()?;
    let tag =
        (object.kind == Kind::Tag).then(|| String::from_utf8_lossy(&object.data).into_owned());
    while let Some(at) = rest.find('%') {
        out += rest.get(..at).unwrap_or_default();
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some((field, tail)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        else {
            let code = rest
                .get(..2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            match (rest.strip_prefix('%'), code) {
                (Some(tail), _) => {
                    out.push('%');
                    rest = tail;
                }
                (None, Some(code)) => {
                    out.push(char::from(code));
                    rest = rest.get(2..).unwrap_or_default();
                }
                _ => out.push('%'),
            }
            continue;
        };
        rest = tail;
        let (name, option) = field.split_once(':').unwrap_or((field, ""));
        let (name, peeled) = name
            .strip_prefix('*')
            .map_or((name, false), |name| (name, true));
        let short = |name: &str| {
            ["refs/heads/", "refs/tags/", "refs/remotes/"]
                .iter()
                .find_map(|group| name.strip_prefix(group))
                .unwrap_or(name)
                .to_owned()
        };
        let tagger = tag
            .as_ref()
            .and_then(|text| text.lines().find_map(|line| line.strip_prefix("tagger ")))
            .and_then(refs::person);
        let message = match (&tag, &commit, peeled) {
            (Some(text), _, false) => text
                .split_once("\n\n")
                .map(|(_, text)| text.to_owned())
                .unwrap_or_default(),
            (_, Some(commit), _) => commit.text(),
            _ => String::new(),
        };
        let dated = |person: Option<&crate::commit::Person>| {
            person
                .map(|person| crate::date::show(person, option))
                .unwrap_or_default()
        };
        let author = commit
            .as_ref()
            .map(|commit| &commit.author)
            .filter(|_| tag.is_none() || peeled);
        let committer = commit
            .as_ref()
            .map(|commit| &commit.committer)
            .filter(|_| tag.is_none() || peeled);
        out += &match name {
            "refname" if option == "short" => short(full),
            "refname" if option.starts_with("lstrip=") || option.starts_with("strip=") => {
                let count: usize = option
                    .rsplit('=')
                    .next()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(0);
                full.split('/').skip(count).collect::<Vec<_>>().join("/")
            }
            "refname" => full.to_owned(),
            "objectname" => {
                let id = if peeled {
                    commit
                        .as_ref()
                        .filter(|_| tag.is_some())
                        .map(|commit| commit.id)
                } else {
                    Some(id)
                };
                match (id, option) {
                    (None, _) => String::new(),
                    (Some(id), "") => id.to_string(),
                    (Some(id), _) => revision::short(repository, id),
                }
            }
            "objecttype" => object.kind.to_string(),
            "tree" => commit
                .as_ref()
                .map(|commit| commit.tree.to_string())
                .unwrap_or_default(),
            "subject" => crate::commit::subject(&message),
            "body" => crate::commit::body(&message),
            "contents" if option == "subject" => crate::commit::subject(&message),
            "contents" => message,
            "authorname" => author.map(|person| person.name.clone()).unwrap_or_default(),
            "authoremail" => author
                .map(|person| format!("<{}>", person.email))
                .unwrap_or_default(),
            "committername" => committer
                .map(|person| person.name.clone())
                .unwrap_or_default(),
            "committeremail" => committer
                .map(|person| format!("<{}>", person.email))
                .unwrap_or_default(),
            "authordate" => dated(author),
            "committerdate" => dated(committer),
            "taggerdate" => dated(tagger.as_ref()),
            "taggername" => tagger.map(|person| person.name).unwrap_or_default(),
            "creatordate" => dated(
                tagger
                    .as_ref()
                    .or(commit.as_ref().map(|commit| &commit.committer)),
            ),
            "HEAD" => if repository.refs.head_name().as_deref() == Some(full) {
                "*"
            } else {
                " "
            }
            .to_owned(),
            "upstream" => match (revision::upstream(repository, full), option) {
                (None, _) => String::new(),
                (Some(_), "track") => track(repository, full, false)?.trim_end().to_owned(),
                (Some(name), "short") => short(&name),
                (Some(name), _) => name,
            },
            "symref" | "worktreepath" | "if" | "then" | "else" | "end" | "align" => String::new(),
            _ => return Err(fatal(format!("unknown field name: {field}"))),
        };
    }
    Ok(out + rest)
}

pub fn for_each_ref(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["sort", "format", "count", "points-at"], &[])?;
    let mut format = "%(objectname) %(objecttype)\t%(refname)".to_owned();
    let mut options = Options::default();
    let mut count = usize::MAX;
    for (name, value) in parsed.options() {
        let text = value.unwrap_or("HEAD").to_owned();
        match name {
            "sort" => options.sort = Some(text),
            "format" => format = text,
            "count" => count = crate::arguments::number(name, value)?,
            "merged" => options.merged = Some((text, true)),
            "no-merged" => options.merged = Some((text, false)),
            "contains" => options.contains = Some((text, true)),
            "no-contains" => options.contains = Some((text, false)),
            "points-at" => options.points_at = Some(text),
            _ => return Err(unknown("for-each-ref", name)),
        }
    }
    let patterns = parsed.free();
    let mut found = repository.refs.list("refs/");
    found.retain(|(name, _)| {
        patterns.is_empty()
            || patterns.iter().any(|pattern| {
                let folder = pattern.trim_end_matches('/');
                name == folder
                    || name.starts_with(&format!("{folder}/"))
                    || glob::matches(pattern, name, glob::Options::default())
            })
    });
    sort(repository, &mut found, options.sort.as_deref())?;
    for (name, id) in found {
        if count == 0 {
            break;
        }
        if wanted(repository, &options, id)? {
            count -= 1;
            say!("{}", expand(repository, &format, &name, id)?);
        }
    }
    Ok(0)
}

pub fn show_ref(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &["s"])?;
    let (mut heads, mut tags, mut head, mut quiet, mut verify, mut hash) =
        (false, false, false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "heads" | "branches" => heads = true,
            "tags" => tags = true,
            "head" => head = true,
            "q" | "quiet" => quiet = true,
            "verify" | "exists" => verify = true,
            "s" | "hash" => hash = true,
            "d" | "dereference" | "abbrev" => {}
            _ => return Err(unknown("show-ref", name)),
        }
    }
    let free = parsed.free();
    let mut found = false;
    let mut show = |name: &str, id: ObjectId| {
        found = true;
        if !quiet {
            match hash {
                true => say!("{id}"),
                false => say!("{id} {name}"),
            }
        }
    };
    if verify {
        for name in &free {
            match repository.refs.resolve(name) {
                Some(id) => show(name, id),
                None if quiet => return Err(crate::fail::quiet(1)),
                None => return Err(fatal(format!("'{name}' - not a valid ref"))),
            }
        }
        return Ok(0);
    }
    if let Some(id) = repository.refs.resolve("HEAD").filter(|_| head) {
        show("HEAD", id);
    }
    for (name, id) in repository.refs.list("refs/") {
        let group = !heads && !tags
            || heads && name.starts_with("refs/heads/")
            || tags && name.starts_with("refs/tags/");
        let fits = free.is_empty()
            || free
                .iter()
                .any(|pattern| name == *pattern || name.ends_with(&format!("/{pattern}")));
        if group && fits {
            show(&name, id);
        }
    }
    Ok(i32::from(!found))
}

pub fn tag(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(
        arguments,
        &[
            "m",
            "message",
            "F",
            "file",
            "sort",
            "format",
            "points-at",
            "u",
            "local-user",
            "cleanup",
        ],
        &["n"],
    )?;
    let (mut annotate, mut messages, mut file, mut delete, mut listing, mut force) =
        (false, Vec::new(), None, false, false, false);
    let mut lines = None;
    let mut options = Options::default();
    for (name, value) in parsed.options() {
        let text = || value.unwrap_or("HEAD").to_owned();
        match name {
            "a" | "annotate" => annotate = true,
            "m" | "message" => messages.extend(value.map(str::to_owned)),
            "F" | "file" => file = value.map(str::to_owned),
            "d" | "delete" => delete = true,
            "l" | "list" => listing = true,
            "f" | "force" => force = true,
            "n" => {
                listing = true;
                lines = Some(value.and_then(|value| value.parse().ok()).unwrap_or(1usize));
            }
            "sort" => options.sort = Some(text()),
            "format" => options.format = Some(text()),
            "contains" => options.contains = Some((text(), true)),
            "no-contains" => options.contains = Some((text(), false)),
            "merged" => options.merged = Some((text(), true)),
            "no-merged" => options.merged = Some((text(), false)),
            "points-at" => options.points_at = Some(text()),
            "s" | "sign" | "u" | "local-user" | "v" | "verify" => {
                return Err(fatal(
                    "tags cannot be signed or verified here\nhint: use -a, or sign with native git",
                ));
            }
            "no-sign" | "column" | "no-column" | "color" | "i" | "ignore-case"
            | "create-reflog" | "cleanup" => {}
            _ => return Err(unknown("tag", name)),
        }
    }
    let free = parsed.free();
    if delete {
        let mut code = 0;
        for name in &free {
            let full = format!("refs/tags/{name}");
            match repository.refs.resolve(&full) {
                Some(id) => {
                    repository.refs.remove(&full)?;
                    say!(
                        "Deleted tag '{name}' (was {})",
                        revision::short(repository, id)
                    );
                }
                None => {
                    warn(format!("error: tag '{name}' not found."));
                    code = 1;
                }
            }
        }
        return Ok(code);
    }
    let filtered =
        options.contains.is_some() || options.merged.is_some() || options.points_at.is_some();
    if listing || free.is_empty() || filtered {
        let mut found = repository.refs.list("refs/tags/");
        let sorted = options
            .sort
            .clone()
            .or_else(|| repository.config.get("tag.sort").map(str::to_owned));
        sort(repository, &mut found, sorted.as_deref())?;
        for (full, id) in found {
            let short = full.strip_prefix("refs/tags/").unwrap_or(&full);
            let fits = free.is_empty()
                || free
                    .iter()
                    .any(|pattern| glob::matches(pattern, short, glob::Options::default()));
            if !fits || !wanted(repository, &options, id)? {
                continue;
            }
            match (&options.format, lines) {
                (Some(format), _) => say!("{}", expand(repository, format, &full, id)?),
                (None, Some(_)) => say!(
                    "{short:<15} {}",
                    expand(repository, "%(contents:subject)", &full, id)?
                ),
                _ => say!("{short}"),
            }
        }
        return Ok(0);
    }
    let name = free.first().cloned().unwrap_or_default();
    let target = free.get(1).map_or("HEAD", String::as_str);
    let full = format!("refs/tags/{name}");
    if !refs::valid(&full) || name.starts_with('-') {
        return Err(fatal(format!("'{name}' is not a valid tag name.")));
    }
    let id = revision::find(repository, target)?
        .ok_or_else(|| fatal(format!("Failed to resolve '{target}' as a valid ref.")))?;
    let old = repository.refs.resolve(&full);
    if old.is_some() && !force {
        return Err(fatal(format!("tag '{name}' already exists")));
    }
    let new = match annotate || !messages.is_empty() || file.is_some() {
        false => id,
        true => {
            let text = match (&file, messages.is_empty()) {
                (Some(file), _) => super::commit::read_message(file)?,
                (None, false) => messages.join("\n\n"),
                (None, true) => {
                    return Err(Fail {
                        code: 128,
                        text: "fatal: no tag message?\nhint: give it with -m or -F".to_owned(),
                    });
                }
            };
            let text = super::commit::clean(&text, None, false);
            let kind = repository.objects.get(&id)?.kind;
            let data = format!(
                "object {id}\ntype {kind}\ntag {name}\ntagger {}\n\n{text}",
                repository.committer()?.line()
            );
            repository.objects.write(Kind::Tag, data.as_bytes())?
        }
    };
    repository.refs.write(&full, &format!("{new}\n"))?;
    if let Some(old) = old.filter(|old| *old != new) {
        say!(
            "Updated tag '{name}' (was {})",
            revision::short(repository, old)
        );
    }
    Ok(0)
}
