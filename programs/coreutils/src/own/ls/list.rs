//! Which files are shown, folder by folder.

use super::line;
use super::options::{Hidden, Options};
use super::order;
use crate::own::{Call, file};
use std::collections::VecDeque;
use std::fs::{self, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use swarm_flow_posix::{glob, reason};

/// A file to show.
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
    /// None if it could not be asked for.
    pub found: Option<Metadata>,
    /// Of a link that is shown as one.
    pub target: Option<String>,
}

/// Nothing can be done about an operand that is not there.
const TROUBLE: i32 = 2;
/// Something within a folder could not be read.
const MINOR: i32 = 1;

pub fn run(call: &Call, options: &Options) -> i32 {
    let mut code = 0;
    let mut out = std::io::stdout().lock();
    let here = [".".to_owned()];
    let paths = match options.paths.is_empty() {
        true => &here,
        false => options.paths.as_slice(),
    };
    let follow = options.follow || options.follow_operands;
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in paths {
        let entry = Entry::new(path.clone(), PathBuf::from(path), follow);
        match &entry.found {
            Some(found) if inside(options, &entry, found) => folders.push(entry),
            Some(_) => files.push(entry),
            None => {
                let error = fs::symlink_metadata(path).err();
                let why = error.map_or_else(String::new, |error| reason(&error));
                call.complain(&format!("cannot access '{path}': {why}"));
                code = TROUBLE;
            }
        }
    }
    order::sort(options, &mut files);
    order::sort(options, &mut folders);
    let mut text = String::new();
    line::lines(options, &files, &folders)
        .iter()
        .for_each(|line| text.extend([line, "\n"]));
    let named = options.recursive || paths.len() > 1;
    let mut open: VecDeque<PathBuf> = folders.into_iter().map(|folder| folder.path).collect();
    let mut first = files.is_empty();
    loop {
        // A reader that has left wants no more.
        if out.write_all(text.as_bytes()).is_err() {
            return code;
        }
        text.clear();
        let Some(path) = open.pop_front() else {
            return code;
        };
        let mut entries = match read(options, &path) {
            Ok(entries) => entries,
            Err(error) => {
                let (path, why) = (path.display(), reason(&error));
                call.complain(&format!("cannot open directory '{path}': {why}"));
                code = code.max(match named {
                    true => MINOR,
                    false => TROUBLE,
                });
                continue;
            }
        };
        order::sort(options, &mut entries);
        if !first {
            text.push('\n');
        }
        first = false;
        if named {
            text.push_str(&format!("{}:\n", path.display()));
        }
        let founds = entries.iter().filter_map(|entry| entry.found.as_ref());
        let total = founds.map(file::allocated).sum();
        text.push_str(&format!("total {}\n", line::blocks(options, total)));
        line::lines(options, &entries, &[])
            .iter()
            .for_each(|line| text.extend([line, "\n"]));
        if options.recursive {
            let below = entries.into_iter().rev();
            let below = below.filter(|entry| entry.is_folder() && !entry.is_dots());
            below.for_each(|entry| open.push_front(entry.path));
        }
    }
}

/// Whether what is in an operand is shown, not itself.
fn inside(options: &Options, entry: &Entry, found: &Metadata) -> bool {
    // The long form shows a link to a folder as a link.
    !options.folder_itself && (found.is_dir() || !options.long && entry.leads_to_folder())
}

fn read(options: &Options, folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if options.hidden == Hidden::All {
        let here = fs::metadata(folder).ok();
        // The folder above can be out of reach; there is nothing to say of it then but that it is a folder.
        let above = fs::metadata(folder.join(".."))
            .ok()
            .or_else(|| here.clone());
        for (name, found) in [(".", here), ("..", above)] {
            entries.push(Entry {
                name: name.to_owned(),
                path: folder.join(name),
                found,
                target: None,
            });
        }
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = options.hidden == Hidden::Left && name.starts_with('.');
        let ignored = |pattern: &String| glob::matches(pattern, &name, glob::Options::default());
        if hidden || options.ignore.iter().any(ignored) {
            continue;
        }
        entries.push(Entry::new(name, entry.path(), options.follow));
    }
    Ok(entries)
}

impl Entry {
    fn new(name: String, path: PathBuf, follow: bool) -> Self {
        let mut found = fs::symlink_metadata(&path).ok();
        if follow && found.as_ref().is_some_and(Metadata::is_symlink) {
            // A link to nothing is shown as a link.
            found = fs::metadata(&path).ok().or(found);
        }
        let link = found.as_ref().is_some_and(Metadata::is_symlink);
        let target = link.then(|| fs::read_link(&path).unwrap_or_default());
        Self {
            name,
            path,
            found,
            target: target.map(|target| target.to_string_lossy().into_owned()),
        }
    }

    pub fn is_folder(&self) -> bool {
        self.found.as_ref().is_some_and(Metadata::is_dir)
    }

    /// It is a folder or a link to one.
    pub fn leads_to_folder(&self) -> bool {
        self.is_folder() || self.target.is_some() && self.path.is_dir()
    }

    pub fn size(&self) -> u64 {
        self.found.as_ref().map_or(0, Metadata::len)
    }

    pub fn time(&self, options: &Options) -> SystemTime {
        let time = self.found.as_ref().map(|found| match options.accessed {
            true => found.accessed(),
            false => found.modified(),
        });
        match time {
            Some(Ok(time)) => time,
            _ => SystemTime::UNIX_EPOCH,
        }
    }

    fn is_dots(&self) -> bool {
        self.name == "." || self.name == ".."
    }
}
