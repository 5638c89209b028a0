//! The index: what the next commit will have.

use crate::fail::{Result, fatal};
use crate::objects::{MODE_COMMIT, Objects, SHA1, TreeEntry};
use crate::refs;
use filetime::FileTime;
use gix_hash::ObjectId;
use gix_index::entry::{Flags, Mode, Stage, Stat, stat};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What stands in the index for a path and a stage: 0, or 1 to 3 where a merge left a conflict.
#[derive(Clone, Debug)]
pub struct Entry {
    pub mode: u32,
    pub id: ObjectId,
    pub stat: Stat,
    /// `git add -N`: to be added later.
    pub intent: bool,
    flags: Flags,
}

#[derive(Default, Clone)]
pub struct Index {
    path: PathBuf,
    pub entries: BTreeMap<(Vec<u8>, u8), Entry>,
}

impl Entry {
    pub fn new(mode: u32, id: ObjectId) -> Self {
        Entry {
            mode,
            id,
            stat: Stat::default(),
            intent: false,
            flags: Flags::empty(),
        }
    }

    /// Whether a file in the worktree is as it was when it was last looked at.
    pub fn is_fresh(&self, metadata: &std::fs::Metadata) -> bool {
        let now = stat_of(metadata);
        self.stat.mtime == now.mtime
            && self.stat.size == now.size
            && self.stat.size != 0
            && self.stat.mtime.secs != 0
    }

    /// The user promised that it does not change, or that it need not be there.
    pub fn is_skipped(&self) -> bool {
        self.flags
            .intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE)
    }
}

/// Only what WASI knows of a file. Native git looks at the content where it misses the rest.
pub fn stat_of(metadata: &std::fs::Metadata) -> Stat {
    let modified = metadata.modified().ok();
    let since = modified
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    Stat {
        mtime: stat::Time {
            secs: since.as_secs() as u32,
            nsecs: since.subsec_nanos(),
        },
        size: metadata.len() as u32,
        ..Stat::default()
    }
}

impl Index {
    pub fn load(path: PathBuf) -> Result<Self> {
        let mut index = Index {
            path,
            entries: BTreeMap::new(),
        };
        let Ok(bytes) = std::fs::read(&index.path) else {
            return Ok(index);
        };
        let written = std::fs::metadata(&index.path).map(|metadata| stat_of(&metadata).mtime);
        let written = written.unwrap_or_default();
        let options = gix_index::decode::Options {
            thread_limit: Some(1),
            ..Default::default()
        };
        let state = gix_index::State::from_bytes(&bytes, FileTime::zero(), SHA1, options);
        let (state, _) = state.map_err(|reason| fatal(format!("index file corrupt: {reason}")))?;
        if state.link().is_some() {
            return Err(fatal(
                "a split index is not supported here\nhint: run 'git update-index --no-split-index' with native git",
            ));
        }
        for entry in state.entries() {
            let mut stat = entry.stat;
            // A file that changed when the index was written may have changed behind it in the same tick.
            let racy = (stat.mtime.secs, stat.mtime.nsecs) >= (written.secs, written.nsecs);
            if racy {
                stat.size = 0;
            }
            let kept = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE;
            let new = Entry {
                mode: entry.mode.bits(),
                id: entry.id,
                stat,
                intent: entry.flags.contains(Flags::INTENT_TO_ADD),
                flags: entry.flags & kept,
            };
            let key = (entry.path(&state).to_vec(), entry.stage_raw() as u8);
            index.entries.insert(key, new);
        }
        Ok(index)
    }

    pub fn save(&self) -> Result<()> {
        let mut state = gix_index::State::new(SHA1);
        for ((path, stage), entry) in &self.entries {
            let stage = match stage {
                1 => Stage::Base,
                2 => Stage::Ours,
                3 => Stage::Theirs,
                _ => Stage::Unconflicted,
            };
            let mut flags = entry.flags | Flags::from_stage(stage);
            if entry.intent {
                flags |= Flags::INTENT_TO_ADD | Flags::EXTENDED;
            }
            if flags.contains(Flags::SKIP_WORKTREE) {
                flags |= Flags::EXTENDED;
            }
            let mode = Mode::from_bits_truncate(entry.mode);
            state.dangerously_push_entry(entry.stat, entry.id, flags, mode, path.as_slice().into());
        }
        let mut bytes = Vec::new();
        let file = gix_index::File::from_state(state, &self.path);
        let written = file.write_to(&mut bytes, gix_index::write::Options::default());
        written.map_err(|reason| fatal(format!("could not write index: {reason}")))?;
        refs::locked(&self.path, &bytes)
    }

    pub fn get(&self, path: &[u8]) -> Option<&Entry> {
        self.entries.get(&(path.to_vec(), 0))
    }

    /// Puts an entry in the place of all stages of the path, of files where its folders are, and of what is below it.
    pub fn put(&mut self, path: &[u8], entry: Entry) {
        self.remove(path);
        let below = [path, b"/"].concat();
        let inside: Vec<_> = self.below(&below).map(|(path, _)| path.clone()).collect();
        inside.iter().for_each(|path| self.remove(path));
        let slashes: Vec<usize> = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at)
            .collect();
        for slash in slashes {
            self.remove(path.get(..slash).unwrap_or_default());
        }
        self.entries.insert((path.to_vec(), 0), entry);
    }

    pub fn remove(&mut self, path: &[u8]) {
        for stage in 0..=3 {
            self.entries.remove(&(path.to_vec(), stage));
        }
    }

    /// What is in a folder, given with its slash.
    pub fn below<'a>(&'a self, folder: &'a [u8]) -> impl Iterator<Item = (&'a Vec<u8>, &'a Entry)> {
        let from = (folder.to_vec(), 0);
        let range = self.entries.range(from..);
        let inside = range.take_while(move |((path, _), _)| path.starts_with(folder));
        inside.map(|((path, _), entry)| (path, entry))
    }

    pub fn has_folder(&self, folder: &[u8]) -> bool {
        self.below(&[folder, b"/"].concat()).next().is_some()
    }

    pub fn has_path(&self, path: &[u8]) -> bool {
        let from = (path.to_vec(), 0);
        let first = self.entries.range(from..).next();
        first.is_some_and(|((found, _), _)| found == path)
    }

    /// The paths in conflict.
    pub fn unmerged(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<Vec<u8>> = self
            .entries
            .keys()
            .filter(|(_, stage)| *stage > 0)
            .map(|(path, _)| path.clone())
            .collect();
        paths.dedup();
        paths
    }

    pub fn paths(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<Vec<u8>> = self.entries.keys().map(|(path, _)| path.clone()).collect();
        paths.dedup();
        paths
    }

    /// As the files of a tree, without those that are only to be added later.
    pub fn files(&self) -> Vec<TreeEntry> {
        let plain = self
            .entries
            .iter()
            .filter(|((_, stage), entry)| *stage == 0 && !entry.intent);
        plain
            .map(|((path, _), entry)| TreeEntry {
                name: path.clone(),
                mode: entry.mode,
                id: entry.id,
            })
            .collect()
    }

    pub fn write_tree(&self, objects: &Objects) -> Result<ObjectId> {
        let files = self.files();
        if let Some(missing) = files
            .iter()
            .find(|file| file.mode != MODE_COMMIT && !objects.contains(&file.id))
        {
            let name = String::from_utf8_lossy(&missing.name).into_owned();
            return Err(fatal(format!(
                "invalid object {:o} {} for '{name}'",
                missing.mode, missing.id
            )));
        }
        objects.write_tree(&files)
    }

    /// Makes it what a tree has, keeping what is known of files that stay the same.
    pub fn reset_to(&mut self, files: &[TreeEntry]) {
        let old = std::mem::take(&mut self.entries);
        for file in files {
            let key = (file.name.clone(), 0);
            let same = old
                .get(&key)
                .filter(|entry| entry.id == file.id && entry.mode == file.mode && !entry.intent);
            let entry = same
                .cloned()
                .unwrap_or_else(|| Entry::new(file.mode, file.id));
            self.entries.insert(key, entry);
        }
    }
}
