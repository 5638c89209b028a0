//! `git add`, `git rm`, `git mv`.

use crate::arguments::{parse, unknown};
use crate::fail::{Fail, Result, error, fatal};
use crate::ignore::Ignored;
use crate::index::{Entry, Index};
use crate::objects::{self, MODE_EXECUTABLE, MODE_FILE};
use crate::out::{say, warn};
use crate::pathspec::Pathspec;
use crate::repository::Repository;
use crate::worktree::{self, Difference, Found, Untracked};
use gix_object::Kind;

pub fn add(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["chmod", "pathspec-from-file"], &[])?;
    let (mut all, mut update, mut force, mut dry, mut verbose, mut intent) =
        (false, false, false, false, false, false);
    let (mut no_removal, mut chmod, mut ignore_errors) = (false, None, false);
    for (name, value) in parsed.options() {
        match name {
            "A" | "all" | "no-ignore-removal" => all = true,
            "u" | "update" => update = true,
            "f" | "force" => force = true,
            "n" | "dry-run" => dry = true,
            "v" | "verbose" => verbose = true,
            "N" | "intent-to-add" => intent = true,
            "no-all" | "ignore-removal" => no_removal = true,
            "chmod" => chmod = value.map(str::to_owned),
            "ignore-errors" => ignore_errors = true,
            "renormalize" | "refresh" | "sparse" => {}
            "p" | "patch" | "i" | "interactive" | "e" | "edit" => {
                return Err(fatal(format!(
                    "'git add -{name}' asks questions, which a sandbox cannot\nhint: name the files, or apply a patch with 'git apply --cached'"
                )));
            }
            _ => return Err(unknown("add", name)),
        }
    }
    let free = parsed.free();
    if free.is_empty() && !all && !update {
        warn(
            "Nothing specified, nothing added.\nhint: Maybe you wanted to say 'git add .'?\nhint: Disable this message with \"git config advice.addEmptyPathspec false\"",
        );
        return Ok(0);
    }
    let root = repository.root()?.to_owned();
    let specs = match free.is_empty() {
        true => Pathspec::parse(repository, &[":/".to_owned()])?,
        false => Pathspec::parse(repository, &free)?,
    };
    let mut index = repository.index()?;
    let found = match update {
        true => Vec::new(),
        false => {
            worktree::walk(repository, &index, &specs, Untracked::All, force)?.untracked_and(force)
        }
    };
    check_specs(repository, &index, &specs, &found, update, force)?;
    let refused = if update || force {
        Vec::new()
    } else {
        refused(repository, &index, &specs)?
    };
    let mut paths: Vec<Vec<u8>> = index
        .paths()
        .into_iter()
        .filter(|path| specs.matches(path))
        .collect();
    paths.extend(found);
    paths.sort();
    for path in paths {
        let path = path.as_slice();
        if path.last() == Some(&b'/') {
            let name = repository.shown_here(path);
            return Err(fatal(format!(
                "adding embedded git repository: {name}\nhint: repositories in a repository (submodules) are not supported here"
            )));
        }
        let present = matches!(
            worktree::look(&root.join(crate::paths::to_path(path))),
            Found::File(_)
        );
        if !present && no_removal {
            continue;
        }
        let changed = changed(repository, &mut index, path)?;
        if changed && (verbose || dry) {
            let word = if present { "add" } else { "remove" };
            say!("{word} '{}'", repository.shown(path));
        }
        if dry {
            continue;
        }
        if intent && index.get(path).is_none() && present {
            let mut entry = Entry::new(MODE_FILE, objects::hash(Kind::Blob, b"")?);
            entry.intent = true;
            index.put(path, entry);
            continue;
        }
        if changed || index.get(path).is_none() {
            let added = worktree::add(repository, &mut index, path);
            match added {
                Err(reason) if ignore_errors => warn(reason.text),
                added => added?,
            }
        }
        if let (Some(sign), Some(entry)) = (&chmod, index.entries.get_mut(&(path.to_vec(), 0))) {
            entry.mode = if sign == "+x" {
                MODE_EXECUTABLE
            } else {
                MODE_FILE
            };
        }
    }
    if !dry {
        index.save()?;
    }
    if !refused.is_empty() {
        let names: Vec<String> = refused.iter().map(|path| repository.shown(path)).collect();
        return Err(Fail {
            code: 1,
            text: format!(
                "The following paths are ignored by one of your .gitignore files:\n{}\nhint: Use -f if you really want to add them.\nhint: Disable this message with \"git config advice.addIgnoredFile false\"",
                names.join("\n")
            ),
        });
    }
    Ok(0)
}

fn changed(repository: &Repository, index: &mut Index, path: &[u8]) -> Result<bool> {
    match index.entries.get_mut(&(path.to_vec(), 0)) {
        Some(entry) => Ok(!matches!(
            worktree::compare(repository, path, entry)?,
            Difference::None
        )),
        None => Ok(true),
    }
}

impl worktree::Walked {
    fn untracked_and(self, ignored: bool) -> Vec<Vec<u8>> {
        let mut out = self.untracked;
        if ignored {
            out.extend(
                self.ignored
                    .into_iter()
                    .filter(|path| path.last() != Some(&b'/')),
            );
        }
        out
    }
}

fn check_specs(
    repository: &Repository,
    index: &Index,
    specs: &Pathspec,
    found: &[Vec<u8>],
    update: bool,
    force: bool,
) -> Result<()> {
    let tracked = index.paths();
    let missing = specs.unmatched(|item| {
        let here = !update
            && !item.is_pattern()
            && repository
                .file(&item.path)
                .is_ok_and(|file| file.exists() || std::fs::symlink_metadata(&file).is_ok());
        item.path.is_empty() || here || tracked.iter().chain(found).any(|path| item.matches(path))
    });
    let _ = force;
    match missing {
        Some(item) => Err(fatal(format!(
            "pathspec '{}' did not match any files",
            item.text
        ))),
        None => Ok(()),
    }
}

/// What was named but is ignored: the name, or the ignored folder above it.
fn refused(repository: &Repository, index: &Index, specs: &Pathspec) -> Result<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    for item in specs
        .items
        .iter()
        .filter(|item| !item.is_pattern() && !item.path.is_empty())
    {
        if index.has_path(&item.path) || index.has_folder(&item.path) {
            continue;
        }
        let is_folder = repository.file(&item.path)?.is_dir();
        let rule = Ignored::decide(repository, &item.path, is_folder)?;
        if rule.is_some_and(|rule| rule.ignored) {
            out.push(ignored_part(repository, &item.path)?);
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

fn ignored_part(repository: &Repository, path: &[u8]) -> Result<Vec<u8>> {
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let folder = path.get(..at).unwrap_or_default();
        if Ignored::decide(repository, folder, true)?.is_some_and(|rule| rule.ignored) {
            return Ok(folder.to_vec());
        }
    }
    Ok(path.to_vec())
}

pub fn rm(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &["pathspec-from-file"], &[])?;
    let (mut cached, mut force, mut recursive, mut quiet, mut dry, mut lenient) =
        (false, false, false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "cached" => cached = true,
            "f" | "force" => force = true,
            "r" => recursive = true,
            "q" | "quiet" => quiet = true,
            "n" | "dry-run" => dry = true,
            "ignore-unmatch" => lenient = true,
            _ => return Err(unknown("rm", name)),
        }
    }
    let free = parsed.free();
    if free.is_empty() {
        return Err(fatal("No pathspec was given. Which files should I remove?"));
    }
    let specs = Pathspec::parse(repository, &free)?;
    let mut index = repository.index()?;
    let paths = index.paths();
    let missing = specs.unmatched(|item| paths.iter().any(|path| item.matches(path)));
    if let Some(item) = missing.filter(|_| !lenient) {
        return Err(fatal(format!(
            "pathspec '{}' did not match any files",
            item.text
        )));
    }
    if !recursive {
        let folder = specs.items.iter().find(|item| {
            !item.is_pattern()
                && !index.has_path(&item.path)
                && paths.iter().any(|path| item.matches(path))
        });
        if let Some(item) = folder {
            return Err(fatal(format!(
                "not removing '{}' recursively without -r",
                item.text
            )));
        }
    }
    let paths: Vec<Vec<u8>> = paths
        .into_iter()
        .filter(|path| specs.matches(path))
        .collect();
    if !force {
        refuse_changed(repository, &mut index, &paths, cached)?;
    }
    for path in &paths {
        if !quiet {
            say!("rm '{}'", repository.shown(path));
        }
        if dry {
            continue;
        }
        index.remove(path);
        if !cached {
            worktree::remove(repository, path)?;
        }
    }
    if !dry {
        index.save()?;
    }
    Ok(0)
}

/// What is only in the index or the worktree would be lost.
fn refuse_changed(
    repository: &Repository,
    index: &mut Index,
    paths: &[Vec<u8>],
    cached: bool,
) -> Result<()> {
    let head = super::head_tree(repository)?;
    let (mut both, mut staged, mut local) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let Some(entry) = index.entries.get_mut(&(path.clone(), 0)) else {
            continue;
        };
        let changed = matches!(
            worktree::compare(repository, path, entry)?,
            Difference::Changed(..)
        );
        let committed = head.map_or(Ok(None), |tree| repository.objects.tree_entry(&tree, path))?;
        let new = committed
            .is_none_or(|committed| committed.id != entry.id || committed.mode != entry.mode)
            && !entry.intent;
        match (new, changed) {
            (true, true) => both.push(path),
            (true, false) if !cached => staged.push(path),
            (false, true) if !cached => local.push(path),
            _ => {}
        }
    }
    let mut text = Vec::new();
    let groups = [
        (
            both,
            "staged content different from both the\nfile and the HEAD",
            "(use -f to force removal)",
        ),
        (
            staged,
            "changes staged in the index",
            "(use --cached to keep the file, or -f to force removal)",
        ),
        (
            local,
            "local modifications",
            "(use --cached to keep the file, or -f to force removal)",
        ),
    ];
    for (paths, what, hint) in groups {
        if paths.is_empty() {
            continue;
        }
        let (file, has) = if paths.len() == 1 {
            ("file", "has")
        } else {
            ("files", "have")
        };
        let mut part = format!("error: the following {file} {has} {what}:");
        paths
            .iter()
            .for_each(|path| part += &format!("\n    {}", repository.shown(path)));
        text.push(format!("{part}\n{hint}"));
    }
    match text.is_empty() {
        true => Ok(()),
        false => Err(Fail {
            code: 1,
            text: text.join("\n"),
        }),
    }
}

pub fn mv(arguments: &[String], repository: &Repository) -> Result<i32> {
    let parsed = parse(arguments, &[], &[])?;
    let (mut force, mut skip, mut dry, mut verbose) = (false, false, false, false);
    for (name, _) in parsed.options() {
        match name {
            "f" | "force" => force = true,
            "k" => skip = true,
            "n" | "dry-run" => dry = true,
            "v" | "verbose" => verbose = true,
            _ => return Err(unknown("mv", name)),
        }
    }
    let free = parsed.free();
    let (Some((target, sources)), true) = (free.split_last(), free.len() > 1) else {
        return Err(crate::fail::usage(
            "git mv needs a source and a destination\nusage: git mv [-v] [-f] [-n] [-k] <source> <destination>",
        ));
    };
    let mut index = repository.index()?;
    let target_path = repository.inside(target)?;
    let into_folder = repository.file(&target_path)?.is_dir();
    if sources.len() > 1 && !into_folder {
        return Err(fatal(format!("destination '{target}' is not a directory")));
    }
    for source in sources {
        let from = repository.inside(source)?;
        let name = from.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let to = match (into_folder, target_path.is_empty()) {
            (true, true) => name.to_vec(),
            (true, false) => [target_path.as_slice(), b"/", name].concat(),
            (false, _) => target_path.clone(),
        };
        let problem = problem(repository, &index, &from, &to, force)?;
        if let Some(problem) = problem {
            if skip {
                continue;
            }
            let shown = (
                String::from_utf8_lossy(&from).into_owned(),
                String::from_utf8_lossy(&to).into_owned(),
            );
            return Err(fatal(format!(
                "{problem}, source={}, destination={}",
                shown.0, shown.1
            )));
        }
        if verbose || dry {
            say!(
                "Renaming {} to {}",
                repository.shown(&from),
                repository.shown(&to)
            );
        }
        if dry {
            continue;
        }
        let (old, new) = (repository.file(&from)?, repository.file(&to)?);
        std::fs::rename(&old, &new).map_err(|reason| {
            fatal(format!(
                "renaming '{source}' failed: {}",
                swarm_flow_posix::reason(&reason)
            ))
        })?;
        let below = [from.as_slice(), b"/"].concat();
        let keys: Vec<(Vec<u8>, u8)> = index
            .entries
            .keys()
            .filter(|(path, _)| *path == from || path.starts_with(&below))
            .cloned()
            .collect();
        for key in keys {
            if let Some(entry) = index.entries.remove(&key) {
                let tail = key.0.get(from.len()..).unwrap_or_default();
                index.put(&[to.as_slice(), tail].concat(), entry);
            }
        }
    }
    if !dry {
        index.save()?;
    }
    Ok(0)
}

fn problem(
    repository: &Repository,
    index: &Index,
    from: &[u8],
    to: &[u8],
    force: bool,
) -> Result<Option<&'static str>> {
    let source = worktree::look(&repository.file(from)?);
    let tracked = index.has_path(from) || index.has_folder(from);
    let target = worktree::look(&repository.file(to)?);
    let parent = repository.file(to)?;
    Ok(match (source, target) {
        (Found::Nothing, _) => Some("bad source"),
        _ if from == to => Some("can not move directory into itself"),
        (Found::Folder, _) if !index.has_folder(from) => Some("source directory is empty"),
        (_, _) if !tracked => Some("not under version control"),
        (Found::File(_), Found::File(_)) if !force => Some("destination exists"),
        _ if parent.parent().is_some_and(|parent| !parent.is_dir()) => {
            Some("destination directory does not exist")
        }
        _ => None,
    })
}

pub fn update_index(arguments: &[String], repository: &Repository) -> Result<i32> {
    let mut index = repository.index()?;
    let mut left = arguments.iter();
    let (mut mode, mut add, mut remove) = (None, false, false);
    while let Some(argument) = left.next() {
        match argument.as_str() {
            "--chmod=+x" => mode = Some(MODE_EXECUTABLE),
            "--chmod=-x" => mode = Some(MODE_FILE),
            "--add" => add = true,
            "--remove" => remove = true,
            "-q" | "--refresh" | "--really-refresh" | "--" => {}
            "--cacheinfo" => {
                let text = left.next().cloned().unwrap_or_default();
                let parts: Vec<&str> = text.splitn(3, ',').collect();
                let [bits, id, path] = parts.as_slice() else {
                    return Err(crate::fail::usage(
                        "option 'cacheinfo' expects <mode>,<sha1>,<path>",
                    ));
                };
                let bits = u32::from_str_radix(bits, 8)
                    .map_err(|_| fatal("git update-index: --cacheinfo cannot add"))?;
                let id = crate::revision::get(repository, id)?;
                index.put(path.as_bytes(), Entry::new(bits, id));
            }
            option if option.starts_with('-') => {
                return Err(unknown("update-index", option.trim_start_matches('-')));
            }
            name => {
                let path = repository.inside(name)?;
                if index.get(&path).is_none() && !add && mode.is_none() {
                    return Err(error(format!(
                        "{name}: cannot add to the index - missing --add option?\nfatal: Unable to process path {name}"
                    )));
                }
                let _ = remove;
                worktree::add(repository, &mut index, &path)?;
                if let (Some(mode), Some(entry)) = (mode, index.entries.get_mut(&(path, 0))) {
                    entry.mode = mode;
                }
            }
        }
    }
    for ((path, stage), entry) in &mut index.entries {
        if *stage == 0 {
            worktree::compare(repository, path, entry)?;
        }
    }
    index.save()?;
    Ok(0)
}
