//! Trees that a guest made: as deep as it liked, with links to anywhere.
//!
//! Walking one by recursion, or with a descriptor open for each level, would let a guest exhaust the runner. A tree is
//! removed in steps instead: directories in directories are moved up beside the first one, which is one level at a
//! time whatever the depth. No link is followed.

use cap_std::fs::Dir;
use std::io;

use crate::workspace::fresh_name;

/// Removes `name`, with all that is in it, from a directory that is nobody else's.
pub(crate) fn remove(parent: &Dir, name: &str) -> io::Result<()> {
    if !parent.symlink_metadata(name)?.is_dir() {
        return parent.remove_file(name);
    }
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let directory = parent.open_dir(&name)?;
        for entry in directory.entries()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let moved = fresh_name();
                directory.rename(entry.file_name(), parent, &moved)?;
                waiting.push(moved);
            } else {
                entry.remove_file()?;
            }
        }
        parent.remove_dir(&name)?;
    }
    Ok(())
}

/// Removes what is in a directory that is nobody else's.
pub(crate) fn empty(directory: &Dir) -> io::Result<()> {
    for entry in directory.entries()? {
        match entry?.file_name().to_str() {
            Some(name) => match remove(directory, name) {
                // It was moved up and removed with another.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            },
            None => tracing::warn!("a name in the state folder is not UTF-8; it is left there"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    #[test]
    fn a_tree_is_removed_however_deep_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("kept"), "").unwrap();
        let parent = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        parent.create_dir("tree").unwrap();
        let mut deepest = parent.open_dir("tree").unwrap();
        for _ in 0..5_000 {
            deepest.write("file", "").unwrap();
            deepest.create_dir("d").unwrap();
            deepest = deepest.open_dir("d").unwrap();
        }
        deepest.symlink_contents(outside.path(), "link").unwrap();
        remove(&parent, "tree").unwrap();
        assert_eq!(parent.entries().unwrap().count(), 0);
        assert!(outside.path().join("kept").exists());
    }

    #[test]
    fn what_was_left_over_goes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let parent = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        empty(&parent).unwrap();
        assert_eq!(parent.entries().unwrap().count(), 0);
    }
}
