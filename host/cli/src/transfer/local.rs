//! What a file or folder of this machine holds.

use super::Upload;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use swarm_flow_protocol::FILE_BYTES_MAX;
use swarm_flow_tasks::workspace_path;

/// Files in order of path, and how many things were left out because they are not files.
#[derive(Debug, Default)]
pub struct Found {
    pub uploads: Vec<Upload>,
    pub left_out: usize,
}

/// Adds the file `source`, as `destination`; or all below the folder `source`, with `destination` before their paths.
/// A destination that ends in `/`, or is `/workspace` itself, is a directory: a file keeps its name in it.
pub fn collect(source: &Path, destination: &str, found: &mut Found) -> Result<()> {
    // The source itself may be a link: someone named it.
    let metadata = fs::metadata(source).with_context(|| format!("look at {}", source.display()))?;
    let base = workspace_path(destination)?;
    if metadata.is_dir() {
        return folder(source, &base, found);
    }
    if !metadata.is_file() {
        bail!("{} is neither a file nor a folder", source.display());
    }
    let path = if base.is_empty() || destination.ends_with('/') {
        join(&base, name(source)?)
    } else {
        base
    };
    file(source, path, metadata.len(), found)
}

fn folder(source: &Path, base: &str, found: &mut Found) -> Result<()> {
    let listing = |error| anyhow::Error::new(error).context(format!("list {}", source.display()));
    let mut entries = fs::read_dir(source)
        .map_err(listing)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(listing)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let metadata = entry
            .metadata()
            .with_context(|| format!("look at {}", path.display()))?;
        let destination = join(base, name(&path)?);
        if metadata.is_dir() {
            folder(&path, &destination, found)?;
        } else if metadata.is_file() {
            file(&path, destination, metadata.len(), found)?;
        } else {
            found.left_out += 1;
        }
    }
    Ok(())
}

fn file(source: &Path, destination: String, size_bytes: u64, found: &mut Found) -> Result<()> {
    if size_bytes > FILE_BYTES_MAX {
        let (size, most) = (
            crate::output::size(size_bytes),
            crate::output::size(FILE_BYTES_MAX),
        );
        bail!("{} has {size}; a file can have {most}", source.display());
    }
    found.uploads.push(Upload {
        source: source.to_owned(),
        destination,
        size_bytes,
    });
    Ok(())
}

fn name(path: &Path) -> Result<&str> {
    let name = path
        .file_name()
        .with_context(|| format!("{} has no name", path.display()))?;
    name.to_str()
        .with_context(|| format!("the name of {} is not UTF-8", path.display()))
}

fn join(base: &str, name: &str) -> String {
    if base.is_empty() {
        name.to_owned()
    } else {
        format!("{base}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/c")).unwrap();
        fs::write(root.path().join("a.py"), "12").unwrap();
        fs::write(root.path().join("b/c/d e"), "").unwrap();
        root
    }

    fn destinations(source: &Path, destination: &str) -> Vec<String> {
        let mut found = Found::default();
        collect(source, destination, &mut found).unwrap();
        found
            .uploads
            .into_iter()
            .map(|upload| upload.destination)
            .collect()
    }

    #[test]
    fn a_folder_gives_what_is_in_it() {
        let root = tree();
        assert_eq!(destinations(root.path(), ""), ["a.py", "b/c/d e"]);
        assert_eq!(
            destinations(root.path(), "/workspace/x/"),
            ["x/a.py", "x/b/c/d e"]
        );
    }

    #[test]
    fn a_file_gets_the_destination_or_keeps_its_name() {
        let file = tree().keep().join("a.py");
        for (destination, expected) in [
            ("", "a.py"),
            ("main.py", "main.py"),
            ("x/", "x/a.py"),
            ("x", "x"),
        ] {
            assert_eq!(destinations(&file, destination), [expected]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_left_out_and_counted() {
        let root = tree();
        std::os::unix::fs::symlink("/etc", root.path().join("link")).unwrap();
        let mut found = Found::default();
        collect(root.path(), "", &mut found).unwrap();
        assert_eq!((found.uploads.len(), found.left_out), (2, 1));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = collect(Path::new("not-there"), "", &mut Found::default()).unwrap_err();
        assert_eq!(error.to_string(), "look at not-there");
    }
}
