//! `git status`: long, short and for scripts.

use crate::arguments::{parse, unknown};
use crate::change::{self, Change};
use crate::fail::Result;
use crate::index::Index;
use crate::out::{put, say};
use crate::paths;
use crate::pathspec::Pathspec;
use crate::rename::{self, Search};
use crate::repository::Repository;
use crate::revision;
use crate::walk;
use crate::worktree::{self, Untracked, Walked};
use std::collections::BTreeMap;

/// All that a status is about.
pub struct Status {
    pub staged: Vec<Change>,
    pub unstaged: Vec<Change>,
    pub walked: Walked,
    untracked: Untracked,
    with_ignored: bool,
}

/// By path: the letters for the index and the worktree, and the old name.
type Marks = BTreeMap<Vec<u8>, (char, char, Option<Vec<u8>>)>;

/// What a branch follows; how far it is ahead and behind, if that is there.
type Tracking = (String, Option<(usize, usize)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Long,
    Short,
    Porcelain,
    PorcelainTwo,
}

pub fn run(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &["u", "M"])?;
    let truth = |key: &str| repository.config.boolean(key).unwrap_or(false);
    let mut form = if truth("status.short") {
        Form::Short
    } else {
        Form::Long
    };
    let (mut branch, mut null, mut with_ignored) = (truth("status.branch"), false, false);
    let mut untracked = untracked(repository.config.get("status.showuntrackedfiles"));
    let mut renames = Some(Search::default());
    let (mut ahead_behind, mut verbose) = (true, false);
    for (name, value) in parsed.options() {
        match name {
            "s" | "short" => form = Form::Short,
            "long" => form = Form::Long,
            "porcelain" if value == Some("v2") || value == Some("2") => form = Form::PorcelainTwo,
            "porcelain" => form = Form::Porcelain,
            "b" | "branch" => branch = true,
            "no-branch" => branch = false,
            "z" => {
                null = true;
                if form == Form::Long {
                    form = Form::Porcelain;
                }
            }
            "u" | "untracked-files" => untracked = self::untracked(Some(value.unwrap_or("all"))),
            "ignored" => with_ignored = true,
            "no-renames" => renames = None,
            "renames" | "M" | "find-renames" | "ignore-submodules" | "column" | "no-column"
            | "show-stash" | "no-lock-index" => {}
            "ahead-behind" => ahead_behind = true,
            "no-ahead-behind" => ahead_behind = false,
            "v" | "verbose" => verbose = true,
            _ => return Err(unknown("status", name)),
        }
    }
    repository.root()?;
    let specs = Pathspec::parse(repository, &parsed.free())?;
    let mut index = repository.index()?;
    let before: Vec<_> = index.entries.values().map(|entry| entry.stat).collect();
    let status = collect(
        repository,
        &mut index,
        &specs,
        untracked,
        with_ignored,
        renames,
    )?;
    if index.entries.values().map(|entry| entry.stat).ne(before) {
        // What was learnt of unchanged files spares the next command a look. Without it all is the same.
        let _ = index.save();
    }
    let _ = ahead_behind;
    match form {
        Form::Long => {
            put(long(repository, &index, &status, false)?);
            if verbose && !status.staged.is_empty() {
                let mut output = crate::output::Output::new(repository);
                output.add(crate::output::Part::Patch);
                output.print(repository, &status.staged)?;
            }
        }
        Form::PorcelainTwo => porcelain_two(repository, &index, &status, branch, null)?,
        _ => short(repository, &index, &status, form, branch, null)?,
    }
    Ok(0)
}

fn untracked(text: Option<&str>) -> Untracked {
    match text {
        Some("no" | "false") => Untracked::No,
        Some("all") => Untracked::All,
        _ => Untracked::Folders,
    }
}

pub fn collect(
    repository: &Repository,
    index: &mut Index,
    specs: &Pathspec,
    untracked: Untracked,
    with_ignored: bool,
    renames: Option<Search>,
) -> Result<Status> {
    let tree = super::head_tree(repository)?;
    let mut staged = change::tree_to_index(&repository.objects, tree, index, specs)?;
    let unstaged = change::index_to_worktree(repository, index, specs)?;
    if let Some(search) = renames {
        staged = rename::detect(repository, staged, search)?;
    }
    let walked = worktree::walk(repository, index, specs, untracked, with_ignored)?;
    Ok(Status {
        staged,
        unstaged,
        walked,
        untracked,
        with_ignored,
    })
}

fn label(letter: char) -> &'static str {
    match letter {
        'A' => "new file:",
        'D' => "deleted:",
        'R' => "renamed:",
        'C' => "copied:",
        'T' => "typechange:",
        _ => "modified:",
    }
}

/// Which stages a path in conflict has.
fn conflict(index: &Index, path: &[u8]) -> (&'static str, &'static str) {
    let has = |stage: u8| index.entries.contains_key(&(path.to_vec(), stage));
    match (has(1), has(2), has(3)) {
        (true, false, false) => ("both deleted:", "DD"),
        (false, true, false) => ("added by us:", "AU"),
        (true, true, false) => ("deleted by them:", "UD"),
        (false, false, true) => ("added by them:", "UA"),
        (true, false, true) => ("deleted by us:", "DU"),
        (false, true, true) => ("both added:", "AA"),
        _ => ("both modified:", "UU"),
    }
}

/// What `git commit` prints too if there is nothing to commit.
pub fn long(
    repository: &Repository,
    index: &Index,
    status: &Status,
    for_commit: bool,
) -> Result<String> {
    let hints = repository
        .config
        .boolean("advice.statushints")
        .unwrap_or(true);
    let mut out = head_line(repository)?;
    out += &tracking(repository)?;
    let initial = repository.refs.resolve("HEAD").is_none();
    out += &in_progress(repository, index)?;
    if initial {
        let text = if for_commit {
            "Initial commit"
        } else {
            "No commits yet"
        };
        out += &format!("\n{text}\n\n");
    }
    let merging = ["MERGE_HEAD", "CHERRY_PICK_HEAD"]
        .iter()
        .any(|name| repository.git_dir.join(name).is_file());
    let hint = |out: &mut String, text: &str| {
        if hints {
            *out += &format!("  ({text})\n");
        }
    };
    let unstage = if initial {
        "use \"git rm --cached <file>...\" to unstage"
    } else {
        "use \"git restore --staged <file>...\" to unstage"
    };
    let staged: Vec<&Change> = status
        .staged
        .iter()
        .filter(|change| !change.unmerged)
        .collect();
    if !staged.is_empty() {
        out += "Changes to be committed:\n";
        if !merging {
            hint(&mut out, unstage);
        }
        for change in &staged {
            out += &line(repository, change);
        }
        out.push('\n');
    }
    let unmerged = index.unmerged();
    if !unmerged.is_empty() {
        out += "Unmerged paths:\n";
        if !merging {
            hint(&mut out, unstage);
        }
        let deleted = unmerged
            .iter()
            .map(|path| conflict(index, path).1)
            .collect::<Vec<_>>();
        let any_deleted = deleted
            .iter()
            .any(|mark| mark.contains('D') || matches!(*mark, "AU" | "UA"));
        let all_deleted = deleted.iter().all(|mark| *mark == "DD");
        hint(
            &mut out,
            match (all_deleted, any_deleted) {
                (true, _) => "use \"git rm <file>...\" to mark resolution",
                (_, true) => "use \"git add/rm <file>...\" as appropriate to mark resolution",
                _ => "use \"git add <file>...\" to mark resolution",
            },
        );
        for path in &unmerged {
            out += &format!(
                "\t{:<17}{}\n",
                conflict(index, path).0,
                repository.shown_here(path)
            );
        }
        out.push('\n');
    }
    let unstaged: Vec<&Change> = status
        .unstaged
        .iter()
        .filter(|change| !change.unmerged)
        .collect();
    if !unstaged.is_empty() {
        out += "Changes not staged for commit:\n";
        let gone = unstaged.iter().any(|change| change.new.is_none());
        let add = if gone { "add/rm" } else { "add" };
        hint(
            &mut out,
            &format!("use \"git {add} <file>...\" to update what will be committed"),
        );
        hint(
            &mut out,
            "use \"git restore <file>...\" to discard changes in working directory",
        );
        for change in &unstaged {
            out += &line(repository, change);
        }
        out.push('\n');
    }
    for (paths, title, verb) in [
        (
            &status.walked.untracked,
            "Untracked files:",
            "use \"git add <file>...\" to include in what will be committed",
        ),
        (
            &status.walked.ignored,
            "Ignored files:",
            "use \"git add -f <file>...\" to include in what will be committed",
        ),
    ] {
        if paths.is_empty() {
            continue;
        }
        out += &format!("{title}\n");
        hint(&mut out, verb);
        for path in paths {
            out += &format!("\t{}\n", repository.shown_here(path));
        }
        out.push('\n');
    }
    if status.untracked == Untracked::No && !staged.is_empty() {
        out += "Untracked files not listed";
        out += if hints {
            " (use -u option to show untracked files)\n"
        } else {
            "\n"
        };
    }
    let tail = match (
        staged.is_empty(),
        unstaged.is_empty() && unmerged.is_empty(),
    ) {
        (false, _) => return Ok(out),
        (true, false) if hints => {
            "no changes added to commit (use \"git add\" and/or \"git commit -a\")\n"
        }
        (true, false) => "no changes added to commit\n",
        _ if !status.walked.untracked.is_empty() && hints => {
            "nothing added to commit but untracked files present (use \"git add\" to track)\n"
        }
        _ if !status.walked.untracked.is_empty() => {
            "nothing added to commit but untracked files present\n"
        }
        _ if initial && hints => {
            "nothing to commit (create/copy files and use \"git add\" to track)\n"
        }
        _ if status.untracked == Untracked::No && hints => {
            "nothing to commit (use -u to show untracked files)\n"
        }
        _ if initial || status.untracked == Untracked::No => "nothing to commit\n",
        _ => "nothing to commit, working tree clean\n",
    };
    Ok(out + tail)
}

fn line(repository: &Repository, change: &Change) -> String {
    let name = match change.old_path() == change.path() {
        true => repository.shown_here(change.path()),
        false => format!(
            "{} -> {}",
            repository.shown_here(change.old_path()),
            repository.shown_here(change.path())
        ),
    };
    format!("\t{:<12}{name}\n", label(change.letter()))
}

pub fn head_line(repository: &Repository) -> Result<String> {
    if let Some(name) = repository.refs.head_name() {
        let branch = name.strip_prefix("refs/heads/").unwrap_or(&name);
        return Ok(format!("On branch {branch}\n"));
    }
    let (from, at) = detached(repository)?;
    Ok(match from {
        Some(from) => format!("HEAD detached {} {from}\n", if at { "at" } else { "from" }),
        None => "Not currently on any branch.\n".to_owned(),
    })
}

/// What was checked out, and whether that is still so.
pub fn detached(repository: &Repository) -> Result<(Option<String>, bool)> {
    let log = repository.refs.read_log("HEAD");
    let moved = log.iter().rev().find_map(|line| {
        let rest = line.message.strip_prefix("checkout: moving from ")?;
        rest.split_once(" to ")
            .map(|(_, to)| (to.to_owned(), line.new))
    });
    let head = repository.refs.resolve("HEAD");
    let Some((to, id)) = moved else {
        return Ok((head.map(|id| revision::short(repository, id)), true));
    };
    let named = repository
        .refs
        .expand(&to)
        .filter(|name| !name.starts_with("refs/heads/") && name != "HEAD");
    let shown = match named {
        Some(name) => name
            .strip_prefix("refs/tags/")
            .or(name.strip_prefix("refs/remotes/"))
            .unwrap_or(&name)
            .to_owned(),
        None => revision::short(repository, id),
    };
    Ok((Some(shown), head == Some(id)))
}

/// How many commits a branch and what it follows have for themselves.
pub fn ahead_behind(repository: &Repository, branch: &str) -> Result<Option<Tracking>> {
    let Some(upstream) = revision::upstream(repository, branch) else {
        return Ok(None);
    };
    let short = upstream
        .strip_prefix("refs/remotes/")
        .or(upstream.strip_prefix("refs/heads/"))
        .unwrap_or(&upstream)
        .to_owned();
    let (Some(own), Some(other)) = (
        repository.refs.resolve(branch),
        repository.refs.resolve(&upstream),
    ) else {
        return Ok(Some((short, None)));
    };
    let (mine, theirs) = (
        walk::reachable(repository, &[own])?,
        walk::reachable(repository, &[other])?,
    );
    Ok(Some((
        short,
        Some((
            mine.difference(&theirs).count(),
            theirs.difference(&mine).count(),
        )),
    )))
}

pub fn tracking(repository: &Repository) -> Result<String> {
    let Some(branch) = repository.refs.head_name() else {
        return Ok(String::new());
    };
    if repository.refs.resolve("HEAD").is_none() {
        return Ok(String::new());
    }
    let Some((upstream, counts)) = ahead_behind(repository, &branch)? else {
        return Ok(String::new());
    };
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    Ok(match counts {
        None => format!(
            "Your branch is based on '{upstream}', but the upstream is gone.\n  (use \"git branch --unset-upstream\" to fixup)\n\n"
        ),
        Some((0, 0)) => format!("Your branch is up to date with '{upstream}'.\n\n"),
        Some((ahead, 0)) => format!(
            "Your branch is ahead of '{upstream}' by {ahead} commit{}.\n  (use \"git push\" to publish your local commits)\n\n",
            plural(ahead)
        ),
        Some((0, behind)) => format!(
            "Your branch is behind '{upstream}' by {behind} commit{}, and can be fast-forwarded.\n  (use \"git pull\" to update your local branch)\n\n",
            plural(behind)
        ),
        Some((ahead, behind)) => format!(
            "Your branch and '{upstream}' have diverged,\nand have {ahead} and {behind} different commits each, respectively.\n  (use \"git pull\" if you want to integrate the remote branch with yours)\n\n"
        ),
    })
}

fn in_progress(repository: &Repository, index: &Index) -> Result<String> {
    let clean = index.unmerged().is_empty();
    let head = |name: &str| std::fs::read_to_string(repository.git_dir.join(name)).ok();
    if head("MERGE_HEAD").is_some() {
        return Ok(match clean {
            true => "All conflicts fixed but you are still merging.\n  (use \"git commit\" to conclude merge)\n\n".to_owned(),
            false => "You have unmerged paths.\n  (fix conflicts and run \"git commit\")\n  (use \"git merge --abort\" to abort the merge)\n\n".to_owned(),
        });
    }
    for (name, command, doing) in [
        ("CHERRY_PICK_HEAD", "cherry-pick", "cherry-picking"),
        ("REVERT_HEAD", "revert", "reverting"),
    ] {
        let Some(text) = head(name) else {
            continue;
        };
        let id = gix_hash::ObjectId::from_hex(text.trim().as_bytes())
            .map(|id| revision::short(repository, id));
        let what = if clean {
            "all conflicts fixed: run"
        } else {
            "fix conflicts and run"
        };
        return Ok(format!(
            "You are currently {doing} commit {}.\n  ({what} \"git {command} --continue\")\n  (use \"git {command} --skip\" to skip this patch)\n  (use \"git {command} --abort\" to cancel the {command} operation)\n\n",
            id.unwrap_or_default()
        ));
    }
    Ok(String::new())
}

/// One line for each path: the two letters, and the old name.
fn marks(index: &Index, status: &Status) -> Marks {
    let mut marks: Marks = BTreeMap::new();
    for change in status.staged.iter().filter(|change| !change.unmerged) {
        let old = Some(change.old_path().to_vec()).filter(|old| old != change.path());
        marks.insert(change.path().to_vec(), (change.letter(), ' ', old));
    }
    for change in status.unstaged.iter().filter(|change| !change.unmerged) {
        let entry = marks
            .entry(change.path().to_vec())
            .or_insert((' ', ' ', None));
        entry.1 = change.letter();
    }
    for path in index.unmerged() {
        let mut letters = conflict(index, &path).1.chars();
        let (one, other) = (letters.next().unwrap_or('U'), letters.next().unwrap_or('U'));
        if status
            .unstaged
            .iter()
            .chain(&status.staged)
            .any(|change| change.path() == path)
        {
            marks.insert(path, (one, other, None));
        }
    }
    marks
}

fn short(
    repository: &Repository,
    index: &Index,
    status: &Status,
    form: Form,
    branch: bool,
    null: bool,
) -> Result<()> {
    let end = if null { "\0" } else { "\n" };
    if branch {
        put(format!("{}{end}", branch_line(repository)?));
    }
    let here =
        form == Form::Short && repository.config.boolean("status.relativepaths") != Some(false);
    let named = |path: &[u8]| {
        let path = if here {
            paths::relative(path, &repository.prefix)
        } else {
            path.to_vec()
        };
        let shown = repository.shown(&path);
        // A space is quoted too, because a line may have two names.
        if shown.contains(' ') && !shown.starts_with('"') {
            format!("\"{shown}\"")
        } else {
            shown
        }
    };
    for (path, (one, other, old)) in marks(index, status) {
        match (old, null) {
            (Some(old), true) => put([
                format!("{one}{other} ").as_bytes(),
                &path,
                b"\0",
                &old,
                b"\0",
            ]
            .concat()),
            (None, true) => put([format!("{one}{other} ").as_bytes(), &path, b"\0"].concat()),
            (Some(old), false) => say!("{one}{other} {} -> {}", named(&old), named(&path)),
            (None, false) => say!("{one}{other} {}", named(&path)),
        }
    }
    for (mark, paths) in [
        ("??", &status.walked.untracked),
        ("!!", &status.walked.ignored),
    ] {
        for path in paths {
            match null {
                true => put([mark.as_bytes(), b" ", path, b"\0"].concat()),
                false => say!("{mark} {}", named(path)),
            }
        }
    }
    let _ = status.with_ignored;
    Ok(())
}

fn branch_line(repository: &Repository) -> Result<String> {
    let Some(name) = repository.refs.head_name() else {
        return Ok("## HEAD (no branch)".to_owned());
    };
    let branch = name.strip_prefix("refs/heads/").unwrap_or(&name);
    if repository.refs.resolve("HEAD").is_none() {
        return Ok(format!("## No commits yet on {branch}"));
    }
    let counts = match ahead_behind(repository, &name)? {
        None => String::new(),
        Some((upstream, None)) => format!("...{upstream} [gone]"),
        Some((upstream, Some((0, 0)))) => format!("...{upstream}"),
        Some((upstream, Some((ahead, 0)))) => format!("...{upstream} [ahead {ahead}]"),
        Some((upstream, Some((0, behind)))) => format!("...{upstream} [behind {behind}]"),
        Some((upstream, Some((ahead, behind)))) => {
            format!("...{upstream} [ahead {ahead}, behind {behind}]")
        }
    };
    Ok(format!("## {branch}{counts}"))
}

fn porcelain_two(
    repository: &Repository,
    index: &Index,
    status: &Status,
    branch: bool,
    null: bool,
) -> Result<()> {
    let end = if null { "\0" } else { "\n" };
    if branch {
        let id = repository
            .refs
            .resolve("HEAD")
            .map_or("(initial)".to_owned(), |id| id.to_string());
        let name = repository.refs.head_name();
        let shown = name.as_deref().map_or("(detached)", |name| {
            name.strip_prefix("refs/heads/").unwrap_or(name)
        });
        put(format!("# branch.oid {id}{end}# branch.head {shown}{end}"));
        if let Some((upstream, counts)) =
            name.map_or(Ok(None), |name| ahead_behind(repository, &name))?
        {
            put(format!("# branch.upstream {upstream}{end}"));
            if let Some((ahead, behind)) = counts {
                put(format!("# branch.ab +{ahead} -{behind}{end}"));
            }
        }
    }
    let named = |path: &[u8]| {
        if null {
            String::from_utf8_lossy(path).into_owned()
        } else {
            repository.shown(path)
        }
    };
    let dot = |letter: char| if letter == ' ' { '.' } else { letter };
    for (path, (one, other, old)) in marks(index, status) {
        if index.get(&path).is_none() && index.has_path(&path) {
            let side = |stage: u8| {
                index
                    .entries
                    .get(&(path.clone(), stage))
                    .map_or((0, crate::objects::null()), |entry| (entry.mode, entry.id))
            };
            let now = match worktree::look(&repository.file(&path)?) {
                worktree::Found::File(metadata) => worktree::mode_of(&metadata, Some(side(2).0)),
                _ => 0,
            };
            let (base, ours, theirs) = (side(1), side(2), side(3));
            put(format!(
                "u {one}{other} N... {:06o} {:06o} {:06o} {now:06o} {} {} {} {}{end}",
                base.0,
                ours.0,
                theirs.0,
                base.1,
                ours.1,
                theirs.1,
                named(&path)
            ));
            continue;
        }
        let staged = status.staged.iter().find(|change| change.path() == path);
        let unstaged = status.unstaged.iter().find(|change| change.path() == path);
        let entry = index.get(&path).filter(|entry| !entry.intent);
        let now = entry.map_or((0, crate::objects::null()), |entry| (entry.mode, entry.id));
        let head = match staged {
            Some(change) => change
                .old
                .as_ref()
                .map_or((0, crate::objects::null()), |side| (side.mode, side.id)),
            None => now,
        };
        let tree_mode = match unstaged {
            Some(change) => change.new.as_ref().map_or(0, |side| side.mode),
            None => now.0,
        };
        let fields = format!(
            "{}{} N... {:06o} {:06o} {tree_mode:06o} {} {}",
            dot(one),
            dot(other),
            head.0,
            now.0,
            head.1,
            now.1
        );
        match (old, staged) {
            (Some(old), Some(change)) => {
                let between = if null { "\0" } else { "\t" };
                put(format!(
                    "2 {fields} {}{} {}{between}{}{end}",
                    change.letter(),
                    change.percent(),
                    named(&path),
                    named(&old)
                ));
            }
            _ => put(format!("1 {fields} {}{end}", named(&path))),
        }
    }
    for (mark, paths) in [
        ("?", &status.walked.untracked),
        ("!", &status.walked.ignored),
    ] {
        for path in paths {
            put(format!("{mark} {}{end}", named(path)));
        }
    }
    Ok(())
}
