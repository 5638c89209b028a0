//! `--root`: directories of this machine that a policy with `filesystem = "full"` opens.
//!
//! | refused | why |
//! |---|---|
//! | what is, holds or lies in `/proc`, `/sys`, `/dev`, `/run` | there is the machine itself |
//! | the same of the state folder and the compiled components | there are tokens, secrets and every workspace; what is compiled is run as it is |
//! | the same of what the server is made of, unless for reading only | who writes components becomes the server |
//! | one of this machine's directories in another | who writes the outer one could put a link in the inner one's place |
//! | in the sandbox, what is not plain and absolute, is `/`, or overlaps `/workspace`, `/tmp` or another | one of the two would be hidden |

use crate::sandbox::{Mount, mount};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use swarm_flow_policy::{Access, SANDBOX_DIRECTORIES};
use swarm_flow_runner::Root;

#[derive(Args)]
pub struct Roots {
    /// Open a directory of this machine to sandboxes whose policy says `filesystem = "full"`, for reading only with `:ro`;
    /// may be given more than once. What is written there does not count for `disk_bytes`
    #[arg(long = "root", value_name = "HOST::GUEST[:ro]", value_parser = mount)]
    mounts: Vec<Mount>,
}

const OF_THE_SYSTEM: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];

impl Roots {
    /// `folders` are what the process writes into, `sources` what it is made of. All paths are resolved: what a symbolic
    /// link leads to is what counts.
    pub fn checked(&self, folders: &[PathBuf], sources: &[PathBuf]) -> Result<Vec<Root>> {
        let mut roots: Vec<Root> = Vec::with_capacity(self.mounts.len());
        for mount in &self.mounts {
            let root = check(mount, folders, sources, &roots)
                .with_context(|| format!("--root {}::{}", mount.host.display(), mount.guest))?;
            roots.push(root);
        }
        Ok(roots)
    }
}

fn check(mount: &Mount, folders: &[PathBuf], sources: &[PathBuf], others: &[Root]) -> Result<Root> {
    let host = mount
        .host
        .canonicalize()
        .context("cannot find the directory")?;
    if !host.is_dir() {
        bail!("{} is not a directory", host.display());
    }
    if host == Path::new("/") {
        bail!("`/` is the whole machine; name a directory in it");
    }
    let overlapping = |paths: &mut dyn Iterator<Item = &Path>| {
        paths
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()))
            .find(|path| overlap(path, &host))
    };
    if let Some(path) = overlapping(&mut OF_THE_SYSTEM.iter().map(Path::new)) {
        bail!(
            "it is, holds or lies in {}, where the machine itself is",
            path.display()
        );
    }
    if let Some(path) = overlapping(&mut folders.iter().map(PathBuf::as_path)) {
        bail!(
            "it is, holds or lies in {}, which the server keeps for itself",
            path.display()
        );
    }
    if mount.access == Access::ReadWrite
        && let Some(path) = overlapping(&mut sources.iter().map(PathBuf::as_path))
    {
        bail!(
            "it is, holds or lies in {}, which the server is made of; grant it with `:ro`",
            path.display()
        );
    }
    if let Some(other) = others.iter().find(|other| overlap(&other.host, &host)) {
        bail!(
            "it is, holds or lies in {}, which is another root",
            other.host.display()
        );
    }
    check_guest(&mount.guest, others)?;
    Ok(Root {
        host,
        guest: mount.guest.clone(),
        access: mount.access,
    })
}

/// What a path in the sandbox may be.
fn check_guest(guest: &str, others: &[Root]) -> Result<()> {
    let is_plain = guest.strip_prefix('/').is_some_and(|rest| {
        rest.split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'))
    });
    if !is_plain {
        bail!(
            "`{guest}` is no path for a sandbox; give an absolute one after `::`, without `.` or `..` and not `/`, such as `/data`"
        );
    }
    let taken = SANDBOX_DIRECTORIES
        .into_iter()
        .chain(others.iter().map(|other| other.guest.as_str()))
        .find(|taken| overlap(Path::new(taken), Path::new(guest)));
    if let Some(taken) = taken {
        bail!(
            "`{guest}` overlaps `{taken}`, which a sandbox has already; choose another path after `::`"
        );
    }
    Ok(())
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine {
        folder: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["state/compiled", "app/target", "data/inner", "more"] {
                std::fs::create_dir_all(folder.path().join(name)).unwrap();
            }
            std::os::unix::fs::symlink("/proc", folder.path().join("link")).unwrap();
            std::os::unix::fs::symlink("state", folder.path().join("renamed")).unwrap();
            std::fs::write(folder.path().join("file"), "").unwrap();
            Self { folder }
        }

        /// `{}` is the folder.
        fn checked(&self, given: &[&str]) -> Result<Vec<Root>, String> {
            let path = self.folder.path();
            let here = |text: &&str| text.replace("{}", path.to_str().unwrap());
            let mounts = given
                .iter()
                .map(|text| mount(&here(text)).unwrap())
                .collect();
            let (folders, sources) = ([path.join("state")], [path.join("app")]);
            Roots { mounts }
                .checked(&folders, &sources)
                .map_err(|error| format!("{error:#}"))
        }
    }

    #[test]
    fn a_root_is_what_its_path_leads_to() {
        let machine = Machine::new();
        let given = [
            "{}/data/../data::/data",
            "{}/more::/mnt/more:ro",
            "{}/app::/app:ro",
        ];
        let roots = machine.checked(&given).unwrap();
        let real = machine.folder.path().canonicalize().unwrap();
        assert_eq!(
            roots[0],
            Root {
                host: real.join("data"),
                guest: "/data".to_owned(),
                access: Access::ReadWrite,
            }
        );
        assert_eq!(roots[1].access, Access::Read);
    }

    #[test]
    fn what_would_give_the_machine_away_is_refused_with_the_reason() {
        let machine = Machine::new();
        for (given, reason) in [
            ("/::/data", "the whole machine"),
            ("/proc::/data", "where the machine itself is"),
            ("/proc/self::/data:ro", "where the machine itself is"),
            ("/sys::/data", "where the machine itself is"),
            ("/dev::/data", "where the machine itself is"),
            ("/run::/data", "where the machine itself is"),
            ("{}/link::/data", "where the machine itself is"),
            ("{}::/data", "the server keeps for itself"),
            ("{}/state::/data:ro", "the server keeps for itself"),
            ("{}/state/compiled::/data", "the server keeps for itself"),
            ("{}/renamed::/data", "the server keeps for itself"),
            ("{}/app::/data", "grant it with `:ro`"),
            ("{}/app/target::/data", "grant it with `:ro`"),
            ("{}/missing::/data", "cannot find"),
            ("{}/file::/data", "is not a directory"),
        ] {
            let error = machine.checked(&[given]).unwrap_err();
            assert!(error.contains(reason), "{given}: {error}");
        }
    }

    #[test]
    fn a_path_in_the_sandbox_is_plain_and_its_own() {
        let machine = Machine::new();
        for guest in ["data", "/", "/data/", "//data", "/data/../x", "/./x", "."] {
            let error = machine.checked(&[&format!("{{}}/data::{guest}")]);
            assert!(
                error.unwrap_err().contains("no path for a sandbox"),
                "{guest}"
            );
        }
        for guest in ["/workspace", "/workspace/data", "/tmp/x", "/tmp"] {
            let error = machine.checked(&[&format!("{{}}/data::{guest}")]);
            assert!(error.unwrap_err().contains("overlaps"), "{guest}");
        }
        assert!(machine.checked(&["{}/data::/workspaces"]).is_ok());
        for (second, reason) in [
            ("{}/more::/data", "overlaps `/data`"),
            ("{}/more::/data/more", "overlaps `/data`"),
            ("{}/data::/other", "another root"),
            ("{}/data/inner::/other:ro", "another root"),
        ] {
            let error = machine.checked(&["{}/data::/data", second]).unwrap_err();
            assert!(error.contains(reason), "{second}: {error}");
        }
    }
}
