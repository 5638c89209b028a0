//! Files that are written only when they change, and whole or not at all.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("make folder {}", path.display()))
}

/// Writes `bytes`, unless they are there already. Says which of the two it was.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    let size_kib = bytes.len().div_ceil(1024);
    if fs::read(path).is_ok_and(|old| old == bytes) {
        eprintln!("    unchanged: {} ({size_kib} KiB)", path.display());
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    // The process id keeps two builds of one checkout out of each other's way.
    let partial = path.with_added_extension(format!("{}.part", std::process::id()));
    fs::write(&partial, bytes).with_context(|| format!("write {}", partial.display()))?;
    fs::rename(&partial, path)
        .with_context(|| format!("rename {} to {}", partial.display(), path.display()))?;
    eprintln!("    wrote {} ({size_kib} KiB)", path.display());
    Ok(())
}

/// Every file below a folder, in order, but for what Python leaves behind when it runs.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

/// SHA-256 over the paths and contents of the files below a folder, hexadecimal; but for entries of these names in it.
pub fn digest(folder: &Path, but: &[&str]) -> Result<String> {
    let files = list(folder)?;
    let mut hash = Sha256::new();
    for file in &files {
        let name = file.strip_prefix(folder).unwrap_or(file);
        if but.iter().any(|but| name.starts_with(but)) {
            continue;
        }
        let name = name.to_string_lossy();
        let bytes = read(file)?;
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    Ok(format!("{:x}", hash.finalize()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        let kind = entry
            .file_type()
            .with_context(|| format!("look at {}", entry.path().display()))?;
        if matches!(entry.file_name().to_str(), Some("__pycache__" | ".venv")) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
