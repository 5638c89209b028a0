//! What comes back from a workspace.

use super::{CONCURRENCY, progress};
use crate::client::{Client, FileInfo};
use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was written here.
#[derive(Debug, Default, Serialize)]
pub struct Downloaded {
    pub files: u64,
    pub bytes: u64,
    /// Links and the like, which stay there.
    pub left_out: u64,
}

/// Fetches the file at `path` as `destination`, or all below the directory `path` into the folder `destination`.
pub async fn download(
    client: &Client,
    id: &str,
    path: &str,
    destination: &Path,
) -> Result<Downloaded> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    if !path.is_empty() {
        let beside = client.list_files(id, parent, false).await?;
        let found = beside.into_iter().find(|entry| entry.path == path);
        match found.as_ref().map(|entry| entry.kind.as_str()) {
            Some("directory") => {}
            Some("file") => {
                let target = if is_folder(destination) {
                    destination.join(name)
                } else {
                    destination.to_owned()
                };
                return one(client, id, path, &target)
                    .await
                    .map(|bytes| Downloaded {
                        files: 1,
                        bytes,
                        left_out: 0,
                    });
            }
            Some(kind) => bail!("`{path}` is a {kind}; only files and directories are fetched"),
            None => bail!("there is no `{path}` in the workspace"),
        }
    }
    folder(client, id, path, destination).await
}

/// Whether a file keeps its name in it: a folder that is there, or a path that ends like one.
fn is_folder(destination: &Path) -> bool {
    destination.is_dir()
        || destination
            .as_os_str()
            .to_string_lossy()
            .ends_with(['/', std::path::MAIN_SEPARATOR])
}

async fn folder(client: &Client, id: &str, path: &str, destination: &Path) -> Result<Downloaded> {
    let entries = client.list_files(id, path, true).await?;
    let (files, others): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.kind == "file");
    let left_out = others
        .iter()
        .filter(|entry| entry.kind != "directory")
        .count() as u64;
    let targets = files
        .iter()
        .map(|file| Ok((file, target(path, file, destination)?)));
    let targets = targets.collect::<Result<Vec<_>>>()?;
    let bar = progress("downloading", targets.len() as u64);
    let sizes = stream::iter(targets).map(|(file, target)| {
        let bar = bar.clone();
        async move {
            let bytes = one(client, id, &file.path, &target).await?;
            bar.inc(1);
            anyhow::Ok(bytes)
        }
    });
    let bytes = sizes
        .buffer_unordered(CONCURRENCY)
        .try_fold(0, |sum, size| async move { Ok(sum + size) })
        .await;
    bar.finish_and_clear();
    Ok(Downloaded {
        files: files.len() as u64,
        bytes: bytes?,
        left_out,
    })
}

/// Where a file below the directory `base` goes. Untrusted code chose its name.
fn target(base: &str, file: &FileInfo, destination: &Path) -> Result<PathBuf> {
    let below = if base.is_empty() {
        Some(file.path.as_str())
    } else {
        file.path
            .strip_prefix(base)
            .and_then(|rest| rest.strip_prefix('/'))
    };
    let below = below.with_context(|| {
        format!(
            "the server lists `{}`, which is not below `{base}`",
            file.path
        )
    })?;
    let mut target = destination.to_owned();
    for part in below.split('/') {
        let plain = Path::new(part).components().collect::<Vec<_>>();
        if !matches!(plain.as_slice(), [std::path::Component::Normal(name)] if *name == part) {
            bail!(
                "`{}` cannot be written here",
                crate::output::harmless(&file.path)
            );
        }
        target.push(part);
    }
    Ok(target)
}

/// Writes beside the target first, so that a download which breaks off leaves the old file.
async fn one(client: &Client, id: &str, path: &str, target: &Path) -> Result<u64> {
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("make folder {}", folder.display()))?;
    let mut partial = tempfile::Builder::new()
        .prefix(".swarm-flow-")
        .permissions(permissions())
        .tempfile_in(folder)
        .with_context(|| format!("write into {}", folder.display()))?;
    let bytes = client
        .read_file(id, path, |piece| {
            partial
                .write_all(piece)
                .with_context(|| format!("write {}", target.display()))
        })
        .await?;
    partial
        .persist(target)
        .with_context(|| format!("write {}", target.display()))?;
    Ok(bytes)
}

/// As any new file; the process's mask still applies.
#[cfg(unix)]
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(base: &str, path: &str) -> Option<PathBuf> {
        let file = FileInfo {
            path: path.to_owned(),
            kind: "file".to_owned(),
            size_bytes: 0,
            modified_at: String::new(),
        };
        target(base, &file, Path::new("out")).ok()
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        assert_eq!(target_of("", "a/b"), Some("out/a/b".into()));
        assert_eq!(target_of("a", "a/b c"), Some("out/b c".into()));
        for (base, path) in [
            ("", "../x"),
            ("", "/etc/passwd"),
            ("", "a/../../x"),
            ("", "a//b"),
            ("", "."),
            ("a", "ab/c"),
            ("a", "a"),
        ] {
            assert_eq!(target_of(base, path), None, "{path}");
        }
    }
}
