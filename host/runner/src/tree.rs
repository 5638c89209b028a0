//! Trees that a guest made: as deep as it liked, with links to anywhere.
//!
//! Walking one by recursion, or with a descriptor open for each level, would let a guest exhaust the runner. A tree is
//! removed in steps instead: directories in directories are moved up beside the first one, which is one level at a
//! time whatever the depth. No link is followed.

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use std::io;

use crate::workspace::fresh_name;

/// How often a directory is emptied again because a guest that still has it open put something there.
const AGAIN_MAX: u32 = 10_000;

/// Removes `name`, with all that is in it, from a directory that is nobody else's. What is in it may be: a guest that
/// opened a directory of the tree goes on making and moving things there until it ends.
pub(crate) fn remove(parent: &Dir, name: &str) -> io::Result<()> {
    let mut waiting = vec![name.to_owned()];
    let mut again = 0;
    while let Some(name) = waiting.pop() {
        let Some(directory) = directory(parent, &name)? else {
            parent.remove_file(&name)?;
            continue;
        };
        waiting.extend(take_out(&directory, parent)?);
        match parent.remove_dir(&name) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && again < AGAIN_MAX => {
                again += 1;
                waiting.push(name);
            }
            removed => removed?,
        }
    }
    Ok(())
}

/// Opens a directory; none if it is something else, a link to a directory for one.
fn directory(parent: &Dir, name: &str) -> io::Result<Option<Dir>> {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    match parent.open_with(name, &options) {
        Ok(opened) => Ok(Some(Dir::from_std_file(opened.into_std()))),
        // What the kernel says of a link, and of all else.
        Err(error)
            if error.kind() == io::ErrorKind::NotADirectory
                || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Removes the files of a directory and moves its directories up into `parent`: the names that they have there.
fn take_out(directory: &Dir, parent: &Dir) -> io::Result<Vec<String>> {
    let mut moved = Vec::new();
    for entry in directory.entries()? {
        let entry = entry?;
        let taken = if entry.file_type()?.is_dir() {
            let name = fresh_name();
            let renamed = directory.rename(entry.file_name(), parent, &name);
            renamed.map(|()| moved.push(name))
        } else {
            entry.remove_file()
        };
        match taken {
            // A guest removed it since, or put something else in its place, which the next look finds.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
                ) => {}
            taken => taken?,
        }
    }
    Ok(moved)
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

    #[test]
    fn a_link_in_the_place_of_a_directory_is_removed_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("other")).unwrap();
        std::fs::write(folder.path().join("other/kept"), "").unwrap();
        std::os::unix::fs::symlink("other", folder.path().join("link")).unwrap();
        let parent = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        remove(&parent, "link").unwrap();
        assert!(!folder.path().join("link").exists());
        assert!(folder.path().join("other/kept").exists());
        remove(&parent, "other").unwrap();
        assert_eq!(parent.entries().unwrap().count(), 0);
    }

    #[test]
    fn a_tree_goes_while_someone_adds_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let parent = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        parent.create_dir_all("tree/in/side").unwrap();
        let open = parent.open_dir("tree/in").unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // What of this is there already fails; once the directory is gone, nothing can be made in it.
                let gone = |made: io::Result<()>| {
                    made.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
                };
                while !gone(open.write("file", "")) {
                    _ = open.create_dir("side");
                    _ = open.symlink("..", "link");
                }
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            remove(&parent, "tree").unwrap();
        });
        assert_eq!(parent.entries().unwrap().count(), 0);
    }
}
