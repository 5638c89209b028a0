//! Real projects, and how they come into a workspace.

use crate::artefact::root;
use crate::server::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file below a folder, with its path relative to it.
pub fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                    path,
                );
            }
        }
    }
    found
}

/// Puts all of a folder into a workspace.
pub fn upload(server: &Server, workspace: &str, folder: &Path) {
    for (path, source) in files(folder) {
        let (status, body) = server.put(workspace, &path, std::fs::read(source).unwrap());
        assert_eq!(status, 201, "{path}: {body}");
    }
}

/// The source distribution that `cargo xtask test` fetched.
pub fn fixture(file: &str) -> PathBuf {
    let path = root().join("target/fixtures").join(file);
    assert!(
        path.exists(),
        "{} is missing; `cargo xtask test` fetches it",
        path.display()
    );
    path
}

/// The project that lies in it.
pub fn unpacked(file: &str) -> tempfile::TempDir {
    let archive = fixture(file);
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new("tar")
        .args(["--extract", "--gzip", "--strip-components=1", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(done.success());
    folder
}
