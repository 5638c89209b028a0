//! The object database: loose objects and packs, read into memory because a sandbox cannot map files.

use crate::fail::{Fail, Result, fatal};
use crate::paths;
use gix_hash::{ObjectId, oid};
use gix_object::Kind;
use gix_pack::cache::lru::MemoryCappedHashmap;
use gix_pack::data::decode::entry::ResolvedBase;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub const SHA1: gix_hash::Kind = gix_hash::Kind::Sha1;

/// Bases of deltas that are kept.
const CACHE_BYTES: usize = 16 << 20;

#[derive(Clone)]
pub struct Object {
    pub kind: Kind,
    pub data: Vec<u8>,
}

struct Pack {
    index: gix_pack::index::File<Vec<u8>>,
    path: PathBuf,
    data: OnceCell<Option<gix_pack::data::File<Vec<u8>>>>,
}

pub struct Objects {
    /// The repository's folder, then those that it borrows from.
    folders: Vec<PathBuf>,
    packs: OnceCell<Vec<Pack>>,
    bases: RefCell<MemoryCappedHashmap>,
    commits: RefCell<HashMap<ObjectId, Rc<crate::commit::Commit>>>,
}

impl Objects {
    pub fn open(folder: PathBuf) -> Self {
        let mut folders = vec![folder];
        let mut at = 0;
        while let Some(folder) = folders.get(at).cloned() {
            let list = std::fs::read_to_string(folder.join("info/alternates")).unwrap_or_default();
            for line in list
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                let other = folder.join(line);
                if !folders.contains(&other) {
                    folders.push(other);
                }
            }
            at += 1;
        }
        Objects {
            folders,
            packs: OnceCell::new(),
            bases: RefCell::new(MemoryCappedHashmap::new(CACHE_BYTES)),
            commits: RefCell::default(),
        }
    }

    pub fn find(&self, id: &oid) -> Result<Option<Object>> {
        if let Some(object) = self.loose(id)? {
            return Ok(Some(object));
        }
        if let Some(object) = self.packed(id)? {
            return Ok(Some(object));
        }
        let empty = id == empty_tree();
        Ok(empty.then(|| Object {
            kind: Kind::Tree,
            data: Vec::new(),
        }))
    }

    pub fn get(&self, id: &oid) -> Result<Object> {
        self.find(id)?
            .ok_or_else(|| fatal(format!("bad object {id}")))
    }

    pub fn get_kind(&self, id: &oid, kind: Kind) -> Result<Vec<u8>> {
        match self.find(id)? {
            Some(object) if object.kind == kind => Ok(object.data),
            Some(_) => Err(fatal(format!("object {id} is not a {kind}"))),
            None => Err(fatal(format!("unable to read {kind} {id}", kind = kind))),
        }
    }

    pub fn blob(&self, id: &oid) -> Result<Vec<u8>> {
        self.get_kind(id, Kind::Blob)
    }

    pub fn commit(&self, id: &oid) -> Result<Rc<crate::commit::Commit>> {
        if let Some(commit) = self.commits.borrow().get(id) {
            return Ok(commit.clone());
        }
        let data = self.get_kind(id, Kind::Commit)?;
        let commit = Rc::new(crate::commit::Commit::parse(id.to_owned(), data)?);
        self.commits
            .borrow_mut()
            .insert(id.to_owned(), commit.clone());
        Ok(commit)
    }

    pub fn contains(&self, id: &oid) -> bool {
        self.folders
            .iter()
            .any(|folder| folder.join(loose_path(id)).is_file())
            || self
                .packs()
                .iter()
                .any(|pack| pack.index.lookup(id).is_some())
            || id == empty_tree()
    }

    fn loose(&self, id: &oid) -> Result<Option<Object>> {
        let name = loose_path(id);
        for folder in &self.folders {
            let Ok(bytes) = std::fs::read(folder.join(&name)) else {
                continue;
            };
            let object = inflate_loose(&bytes);
            return object
                .map(Some)
                .ok_or_else(|| fatal(format!("loose object {id} is corrupt")));
        }
        Ok(None)
    }

    fn packs(&self) -> &[Pack] {
        self.packs.get_or_init(|| {
            let folders = self.folders.iter().map(|folder| folder.join("pack"));
            let files = folders.filter_map(|folder| std::fs::read_dir(folder).ok());
            let files = files.flatten().flatten().map(|entry| entry.path());
            let mut packs: Vec<Pack> = files.filter_map(|path| open_pack(&path)).collect();
            packs.sort_by(|one, other| one.path.cmp(&other.path));
            packs
        })
    }

    fn packed(&self, id: &oid) -> Result<Option<Object>> {
        for pack in self.packs() {
            if let Some(entry) = pack.index.lookup(id) {
                let offset = pack.index.pack_offset_at_index(entry);
                return self.unpack(pack, offset, id).map(Some);
            }
        }
        Ok(None)
    }

    fn unpack(&self, pack: &Pack, offset: u64, id: &oid) -> Result<Object> {
        let bad = || {
            fatal(format!(
                "packed object {id} (stored in {}) is corrupt",
                pack.path.display()
            ))
        };
        let data = pack.data().ok_or_else(bad)?;
        let entry = data.entry(offset).map_err(|_| bad())?;
        let resolve = |base: &oid, out: &mut Vec<u8>| {
            if let Some(entry) = pack.index.lookup(base) {
                let offset = pack.index.pack_offset_at_index(entry);
                return Ok(Some(ResolvedBase::InPack(data.entry(offset)?)));
            }
            Ok(self.find(base).ok().flatten().map(|object| {
                out.clear();
                out.extend(&object.data);
                ResolvedBase::OutOfPack {
                    kind: object.kind,
                    end: object.data.len(),
                }
            }))
        };
        let mut out = Vec::new();
        let mut inflate = gix_zlib::Inflate::default();
        let cache: &mut MemoryCappedHashmap = &mut self.bases.borrow_mut();
        let outcome = data.decode_entry(entry, &mut out, &mut inflate, &resolve, cache);
        let outcome = outcome.map_err(|_| bad())?;
        Ok(Object {
            kind: outcome.kind,
            data: out,
        })
    }

    /// All ids that begin with these digits; git wants at least four.
    pub fn with_prefix(&self, digits: &str) -> Vec<ObjectId> {
        let mut found = Vec::new();
        let Some((folder_name, rest)) = digits.split_at_checked(2) else {
            return found;
        };
        for folder in &self.folders {
            let Ok(files) = std::fs::read_dir(folder.join(folder_name)) else {
                continue;
            };
            for file in files.flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if name.starts_with(rest) {
                    found.extend(ObjectId::from_hex(
                        format!("{folder_name}{name}").as_bytes(),
                    ));
                }
            }
        }
        if let Ok(prefix) = gix_hash::Prefix::from_hex(digits) {
            for pack in self.packs() {
                let mut range = 0..0;
                _ = pack.index.lookup_prefix(prefix, Some(&mut range));
                found.extend(range.map(|at| pack.index.oid_at_index(at).to_owned()));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// How many objects the packs have: from it follows how long short ids are.
    pub fn packed_count(&self) -> u64 {
        self.packs()
            .iter()
            .map(|pack| u64::from(pack.index.num_objects()))
            .sum()
    }

    /// All ids, in order.
    pub fn all(&self) -> Vec<ObjectId> {
        let mut found: Vec<ObjectId> = (0..=255u8)
            .flat_map(|byte| self.with_prefix(&format!("{byte:02x}")))
            .collect();
        for pack in self.packs() {
            found.extend(pack.index.iter().map(|entry| entry.oid));
        }
        found.sort();
        found.dedup();
        found
    }

    pub fn write(&self, kind: Kind, data: &[u8]) -> Result<ObjectId> {
        let id = hash(kind, data)?;
        if self.contains(&id) {
            return Ok(id);
        }
        let Some(folder) = self.folders.first() else {
            return Ok(id);
        };
        let path = folder.join(loose_path(&id));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut packer =
            gix_zlib::stream::deflate::Write::new(Vec::new(), gix_zlib::Compression::BEST_SPEED);
        packer.write_all(&gix_object::encode::loose_header(kind, data.len() as u64))?;
        packer.write_all(data)?;
        packer.flush()?;
        // Written beside it first: a command that is ended must not leave half an object.
        let beside = path.with_extension("tmp");
        std::fs::write(&beside, packer.into_inner())?;
        std::fs::rename(&beside, &path)?;
        Ok(id)
    }
}

impl Pack {
    fn data(&self) -> Option<&gix_pack::data::File<Vec<u8>>> {
        let read = || {
            let bytes = std::fs::read(&self.path).ok()?;
            gix_pack::data::File::from_data(bytes, self.path.clone(), SHA1).ok()
        };
        self.data.get_or_init(read).as_ref()
    }
}

fn open_pack(path: &Path) -> Option<Pack> {
    if path.extension()? != "idx" {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let index = gix_pack::index::File::from_data(bytes, path.to_owned(), SHA1).ok()?;
    Some(Pack {
        index,
        path: path.with_extension("pack"),
        data: OnceCell::new(),
    })
}

fn inflate_loose(bytes: &[u8]) -> Option<Object> {
    let mut inflate = gix_zlib::Inflate::default();
    let mut head = [0; 64];
    let (_, _, written) = inflate.prefix(bytes, &mut head).ok()?;
    let (kind, size, consumed) = gix_object::decode::loose_header(head.get(..written)?).ok()?;
    let mut all = vec![0; consumed.checked_add(usize::try_from(size).ok()?)?];
    inflate.reset();
    let (_, _, written) = inflate.once(bytes, &mut all).ok()?;
    if written != all.len() {
        return None;
    }
    all.drain(..consumed);
    Some(Object { kind, data: all })
}

fn loose_path(id: &oid) -> PathBuf {
    let hex = id.to_string();
    let (folder, file) = hex.split_at(2);
    Path::new(folder).join(file)
}

pub fn hash(kind: Kind, data: &[u8]) -> Result<ObjectId> {
    gix_object::compute_hash(SHA1, kind, data).map_err(|error| fatal(error.to_string()))
}

/// What git calls 4b825dc: a tree that need not be written to be there.
pub fn empty_tree() -> ObjectId {
    ObjectId::empty_tree(SHA1)
}

pub fn null() -> ObjectId {
    ObjectId::null(SHA1)
}

/// For the algorithms of the libraries.
impl gix_object::Find for Objects {
    fn try_find<'a>(
        &self,
        id: &oid,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Option<gix_object::Data<'a>>, gix_error::Error> {
        let found = self
            .find(id)
            .map_err(|Fail { text, .. }| gix_error::Error::from(gix_error::message!("{text}")))?;
        Ok(found.map(|object| {
            *buffer = object.data;
            gix_object::Data {
                kind: object.kind,
                object_hash: SHA1,
                data: buffer,
            }
        }))
    }
}

/// A name in the tree, its mode and id.
#[derive(Clone)]
pub struct TreeEntry {
    pub name: Vec<u8>,
    pub mode: u32,
    pub id: ObjectId,
}

pub const MODE_TREE: u32 = 0o040000;
pub const MODE_FILE: u32 = 0o100644;
pub const MODE_EXECUTABLE: u32 = 0o100755;
pub const MODE_LINK: u32 = 0o120000;
pub const MODE_COMMIT: u32 = 0o160000;

impl Objects {
    pub fn tree(&self, id: &oid) -> Result<Vec<TreeEntry>> {
        let data = self.get_kind(id, Kind::Tree)?;
        let entries = gix_object::TreeRefIter::from_bytes(&data, SHA1);
        entries
            .map(|entry| {
                let entry = entry.map_err(|_| fatal(format!("tree {id} is corrupt")))?;
                Ok(TreeEntry {
                    name: entry.filename.to_vec(),
                    mode: u32::from(entry.mode.value()),
                    id: entry.oid.to_owned(),
                })
            })
            .collect()
    }

    /// All files below a tree, in the order of the index.
    pub fn files(&self, tree: &oid) -> Result<Vec<TreeEntry>> {
        let mut out = Vec::new();
        self.files_below(tree, &[], &mut out)?;
        Ok(out)
    }

    fn files_below(&self, tree: &oid, prefix: &[u8], out: &mut Vec<TreeEntry>) -> Result<()> {
        for mut entry in self.tree(tree)? {
            entry.name = [prefix, &entry.name].concat();
            if entry.mode == MODE_TREE {
                entry.name.push(b'/');
                self.files_below(&entry.id, &entry.name, out)?;
            } else {
                out.push(entry);
            }
        }
        Ok(())
    }

    pub fn tree_entry(&self, tree: &oid, path: &[u8]) -> Result<Option<TreeEntry>> {
        let mut at = TreeEntry {
            name: Vec::new(),
            mode: MODE_TREE,
            id: tree.to_owned(),
        };
        for part in path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
        {
            if at.mode != MODE_TREE {
                return Ok(None);
            }
            let found = self
                .tree(&at.id)?
                .into_iter()
                .find(|entry| entry.name == part);
            match found {
                Some(entry) => at = entry,
                None => return Ok(None),
            }
        }
        at.name = path.to_vec();
        Ok(Some(at))
    }

    /// Writes the trees for these files, which are in the order of the index.
    pub fn write_tree(&self, files: &[TreeEntry]) -> Result<ObjectId> {
        self.write_tree_at(files, 0)
    }

    fn write_tree_at(&self, files: &[TreeEntry], depth: usize) -> Result<ObjectId> {
        let mut entries: Vec<TreeEntry> = Vec::new();
        let mut at = 0;
        while let Some(file) = files.get(at) {
            let rest = file.name.get(depth..).unwrap_or_default();
            let Some(slash) = rest.iter().position(|byte| *byte == b'/') else {
                entries.push(TreeEntry {
                    name: rest.to_vec(),
                    ..file.clone()
                });
                at += 1;
                continue;
            };
            let folder = file.name.get(..depth + slash + 1).unwrap_or_default();
            let tail = files.get(at..).unwrap_or_default();
            let count = tail
                .iter()
                .take_while(|file| file.name.starts_with(folder))
                .count();
            let inside = tail.get(..count).unwrap_or_default();
            entries.push(TreeEntry {
                name: rest.get(..slash).unwrap_or_default().to_vec(),
                mode: MODE_TREE,
                id: self.write_tree_at(inside, depth + slash + 1)?,
            });
            at += count;
        }
        self.write_tree_entries(entries)
    }

    pub fn write_tree_entries(&self, mut entries: Vec<TreeEntry>) -> Result<ObjectId> {
        let is_tree = |entry: &TreeEntry| entry.mode == MODE_TREE;
        entries.sort_by(|one, other| {
            gix_object::tree::name_order(&one.name, is_tree(one), &other.name, is_tree(other))
        });
        let mut data = Vec::new();
        for entry in &entries {
            data.extend(format!("{:o} ", entry.mode).bytes());
            data.extend(&entry.name);
            data.push(0);
            data.extend(entry.id.as_slice());
        }
        self.write(Kind::Tree, &data)
    }
}

/// What a link points to, as bytes.
pub fn link_bytes(path: &Path) -> Result<Vec<u8>> {
    Ok(paths::to_bytes(&std::fs::read_link(path)?))
}
