//! The directories of a sandbox: which the policy opens, and where a command starts.

use crate::files::is_directory;
use crate::roots::Root;
use crate::workspace::Place;
use std::path::Path;
use swarm_flow_policy::{Access, Filesystem, SANDBOX_DIRECTORIES};
use swarm_flow_protocol::Error;
use swarm_flow_sandbox::Directory;

/// A directory that the policy opens: its path in the sandbox, and on this machine.
pub(crate) type Opened<'a> = (&'a str, &'a Path, Access);

/// Those of the workspace, and all of the operator's where the policy says `full`.
pub(crate) fn opened<'a>(
    filesystem: &'a Filesystem,
    place: &'a Place,
    roots: &'a [Root],
) -> Vec<Opened<'a>> {
    let of_the_workspace = filesystem
        .grants()
        .into_iter()
        .map(|(path, access)| (path, host_path(path, place), access));
    let of_the_operator = roots
        .iter()
        .filter(|_| *filesystem == Filesystem::Full)
        .map(|root| (root.guest.as_str(), root.host.as_path(), root.access));
    of_the_workspace.chain(of_the_operator).collect()
}

fn host_path<'a>(guest: &str, place: &'a Place) -> &'a Path {
    if guest == SANDBOX_DIRECTORIES[0] {
        &place.files
    } else {
        &place.tmp
    }
}

/// Where the command starts: what was asked for, else `/workspace`, else `/` where that is not granted.
pub(crate) fn cwd(asked: Option<&str>, opened: &[Opened<'_>]) -> Result<String, Error> {
    let Some(asked) = asked else {
        let workspace = opened
            .iter()
            .any(|(path, ..)| *path == SANDBOX_DIRECTORIES[0]);
        return Ok(if workspace {
            SANDBOX_DIRECTORIES[0]
        } else {
            "/"
        }
        .to_owned());
    };
    let plain = asked.trim_end_matches('/');
    let found = opened.iter().find_map(|(path, host, _)| {
        let relative = beneath(plain, path)?;
        Some(is_directory(host, relative))
    });
    match found {
        Some(true) => Ok(plain.to_owned()),
        Some(false) => Err(Error::Invalid {
            field: "cwd".to_owned(),
            message: format!("`{asked}` is not a directory"),
        }),
        None => {
            let paths: Vec<String> = opened
                .iter()
                .map(|(path, ..)| format!("`{path}`"))
                .collect();
            let beneath = if paths.is_empty() {
                "anything".to_owned()
            } else {
                paths.join(" or ")
            };
            let message = format!(
                "`{asked}` is not beneath {beneath}, which is what the policy's `filesystem` grants"
            );
            Err(Error::Invalid {
                field: "cwd".to_owned(),
                message,
            })
        }
    }
}

/// The rest of a path, if it is a directory's or beneath it.
pub(crate) fn beneath<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    match path.strip_prefix(directory)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// What the policy grants, and the start directory once more as `.`: a program whose libc does not know a
/// current directory resolves relative paths there.
pub(crate) fn directories(opened: &[Opened<'_>], cwd: &str) -> Vec<Directory> {
    let mut directories: Vec<Directory> = Vec::with_capacity(opened.len() + 1);
    for (path, host, access) in opened {
        if let Some(relative) = beneath(cwd, path) {
            directories.push(Directory {
                host: host.join(relative),
                guest: ".".to_owned(),
                access: *access,
            });
        }
        directories.push(Directory {
            host: (*host).to_owned(),
            guest: (*path).to_owned(),
            access: *access,
        });
    }
    directories
}
