//! The files that are searched, in order, and their bytes.

use crate::options::Options;
use std::io::Read;
use swarm_flow_posix::{glob, reason};
use walkdir::WalkDir;

type File = Result<(String, Vec<u8>), String>;

/// Calls back for each file until it is told false.
pub fn each(options: &Options, back: &mut dyn FnMut(File) -> bool) {
    let standard = ["-".to_owned()];
    let here = ["".to_owned()];
    let files: &[String] = match (options.files.is_empty(), options.recursive) {
        (false, _) => &options.files,
        (true, true) => &here,
        (true, false) => &standard,
    };
    for file in files {
        if !one(options, file, back) {
            return;
        }
    }
}

fn one(options: &Options, file: &str, back: &mut dyn FnMut(File) -> bool) -> bool {
    if file == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        let label = options.label.clone();
        return back(
            read.map(|_| (label, bytes))
                .map_err(|error| format!("(standard input): {}", reason(&error))),
        );
    }
    let folder = file.is_empty() || std::fs::metadata(file).is_ok_and(|found| found.is_dir());
    match (folder, options.recursive) {
        (true, true) => walk(options, file, back),
        (true, false) if options.skip_folders => true,
        // It is as empty as it is no file.
        (true, false) => {
            back(Err(format!("{file}: Is a directory"))) && back(Ok((file.to_owned(), Vec::new())))
        }
        (false, _) if !taken(options, file) => true,
        (false, _) => back(read(file)),
    }
}

/// Links to files are followed only by `-R`.
fn walk(options: &Options, folder: &str, back: &mut dyn FnMut(File) -> bool) -> bool {
    let root = if folder.is_empty() { "." } else { folder };
    let mut walk = WalkDir::new(root).follow_links(options.follow).into_iter();
    loop {
        let entry = match walk.next() {
            None => return true,
            Some(Ok(entry)) => entry,
            Some(Err(error)) => {
                let path = error
                    .path()
                    .map(|path| path.display().to_string())
                    .unwrap_or_default();
                let why = error
                    .io_error()
                    .map_or_else(|| "recursive directory loop".to_owned(), reason);
                if !back(Err(format!("{path}: {why}"))) {
                    return false;
                }
                continue;
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_dir() {
            if entry.depth() > 0 && excluded(options, &name) {
                walk.skip_current_dir();
            }
            continue;
        }
        let path = entry.path().to_string_lossy().into_owned();
        let shown = match folder.is_empty() {
            true => path.strip_prefix("./").unwrap_or(&path).to_owned(),
            false => path,
        };
        if entry.file_type().is_file() && taken(options, &name) && !back(read(&shown)) {
            return false;
        }
    }
}

fn read(path: &str) -> File {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {}", reason(&error)))?;
    Ok((path.to_owned(), bytes))
}

fn excluded(options: &Options, name: &str) -> bool {
    options
        .exclude_folders
        .iter()
        .any(|pattern| fits(pattern, name))
}

/// With `--include` only what it names; `--exclude` takes away.
fn taken(options: &Options, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let last = options
        .globs
        .iter()
        .rev()
        .find(|(_, pattern)| fits(pattern, name) || fits(pattern, path));
    match last {
        Some((include, _)) => *include,
        None => options.globs.first().is_none_or(|(include, _)| !include),
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    glob::matches(pattern, name, glob::Options::default())
}
