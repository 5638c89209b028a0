//! The tree, without recursion: a guest can make one that is deeper than a stack.

use crate::evaluate::Evaluation;
use crate::expression::{Follow, Search};
use std::fs::{self, Metadata, ReadDir};
use swarm_flow_posix::reason;

/// A file that was met.
pub struct Entry {
    pub path: String,
    /// What was given on the command line.
    pub root: String,
    pub depth: usize,
    pub metadata: Metadata,
}

impl Entry {
    /// The last part of the path.
    pub fn name(&self) -> &str {
        let path = self.path.trim_end_matches('/');
        match path.rsplit('/').next() {
            Some(name) if !name.is_empty() => name,
            _ => "/",
        }
    }
}

/// A folder that is being read; the entry is judged behind its contents if depth comes first.
struct Level {
    entry: Entry,
    names: ReadDir,
}

/// Gives the exit code.
pub fn walk(mut search: Search) -> i32 {
    let roots = std::mem::take(&mut search.roots);
    let mut evaluation = Evaluation::new(search);
    for root in roots {
        if evaluation.quit {
            break;
        }
        tree(&mut evaluation, root);
    }
    evaluation.finish()
}

fn tree(evaluation: &mut Evaluation, root: String) {
    let mut levels: Vec<Level> = Vec::new();
    let first = look(evaluation, root.clone(), &root, 0);
    if let Some(entry) = first {
        meet(evaluation, &mut levels, entry);
    }
    while let Some(level) = levels.last_mut() {
        if evaluation.quit {
            return;
        }
        match level.names.next() {
            Some(Ok(found)) => {
                let name = found.file_name().to_string_lossy().into_owned();
                let folder = &level.entry.path;
                let slash = if folder.ends_with('/') { "" } else { "/" };
                let path = format!("{folder}{slash}{name}");
                let depth = level.entry.depth + 1;
                if let Some(entry) = look(evaluation, path, &root, depth) {
                    meet(evaluation, &mut levels, entry);
                }
            }
            Some(Err(error)) => {
                let path = level.entry.path.clone();
                evaluation.complain(&path, &reason(&error));
            }
            None => {
                let done = levels.pop();
                if let Some(level) = done
                    && evaluation.search.depth_first
                    && level.entry.depth >= evaluation.search.minimum_depth
                {
                    evaluation.entry(&level.entry);
                }
            }
        }
    }
}

fn meet(evaluation: &mut Evaluation, levels: &mut Vec<Level>, entry: Entry) {
    let within = entry.depth >= evaluation.search.minimum_depth;
    let first = evaluation.search.depth_first;
    let mut go_down = entry.metadata.is_dir() && entry.depth < evaluation.search.maximum_depth;
    if !first && within {
        go_down &= !evaluation.entry(&entry).pruned;
    }
    if evaluation.quit {
        return;
    }
    if !go_down {
        if first && within {
            evaluation.entry(&entry);
        }
        return;
    }
    match fs::read_dir(&entry.path) {
        Ok(names) => levels.push(Level { entry, names }),
        Err(error) => {
            evaluation.complain(&entry.path, &reason(&error));
            if first && within {
                evaluation.entry(&entry);
            }
        }
    }
}

fn look(evaluation: &mut Evaluation, path: String, root: &str, depth: usize) -> Option<Entry> {
    let follow = match evaluation.search.follow {
        Follow::Never => false,
        Follow::Arguments => depth == 0,
        Follow::Always => true,
    };
    let followed = if follow {
        fs::metadata(&path).ok()
    } else {
        None
    };
    let found = match followed {
        Some(metadata) => Ok(metadata),
        None => fs::symlink_metadata(&path),
    };
    match found {
        Ok(metadata) => Some(Entry {
            path,
            root: root.to_owned(),
            depth,
            metadata,
        }),
        Err(error) => {
            evaluation.complain(&path, &reason(&error));
            None
        }
    }
}
