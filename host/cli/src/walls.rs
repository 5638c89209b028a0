//! The second wall: what this process may do at all, should a guest ever leave its sandbox.
//!
//! Raised once, before the first thread starts, by the server and by the runner:
//!
//! | wall | what is left |
//! |---|---|
//! | `landlock` | the state folder, what compiles into it and the operator's roots for writing; components, programs and what name resolution and TLS need for reading |
//! | `seccomp` | every system call but those that start programs, trace, mount, or reach into the kernel |
//! | `capabilities` | none; `CAP_NET_BIND_SERVICE` for a port below 1024, and the right to a state folder of another user |
//!
//! With any of them, nobody else's process sees this one's memory, where secrets are: there is no core dump, and no debugger.
//!
//! A kernel that lacks one of them is no reason not to start, unless the operator says `--walls required`.

use crate::roots::Roots;
use crate::state::folder;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use swarm_flow_runner::Root;

#[cfg(target_os = "linux")]
mod linux;

/// How much of it there has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// As much as the kernel offers
    #[default]
    BestEffort,
    /// All of it, or no start
    Required,
    /// None, to look at the process with a debugger for one
    Off,
}

/// What the process still needs.
pub struct Needs {
    /// For reading and writing. They are there.
    pub folders: Vec<PathBuf>,
    /// For reading.
    pub sources: Vec<PathBuf>,
    /// What the operator grants to sandboxes.
    pub roots: Vec<Root>,
    pub low_port: bool,
}

impl Needs {
    /// Makes the folders that are written into. `sources` are read, as are the programs. Refuses roots that would give
    /// away any of it.
    pub fn new(
        state: &Path,
        compiled: Option<&Path>,
        mut sources: Vec<PathBuf>,
        programs: &[(String, String)],
        roots: &Roots,
        listen: SocketAddr,
    ) -> Result<Self> {
        let mut folders = vec![folder(state)?];
        if let Some(compiled) = compiled {
            std::fs::create_dir_all(compiled)
                .with_context(|| format!("cannot make the folder {}", compiled.display()))?;
            folders.push(compiled.to_owned());
        }
        sources.extend(programs.iter().map(|(_, path)| path.into()));
        Ok(Self {
            roots: roots.checked(&folders, &sources)?,
            folders,
            sources,
            low_port: (1..1024).contains(&listen.port()),
        })
    }
}

/// Which walls stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walls {
    pub landlock: Wall,
    pub seccomp: Wall,
    pub capabilities: Wall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    Stands,
    /// The kernel knows a part of what was asked for.
    Partly,
    Missing,
}

impl Walls {
    fn all(self) -> [(&'static str, Wall); 3] {
        [
            ("landlock", self.landlock),
            ("seccomp", self.seccomp),
            ("capabilities", self.capabilities),
        ]
    }

    /// As the runner tells them to its app.
    pub fn told(self) -> Vec<swarm_flow_protocol::Wall> {
        let told = |(name, wall): (&str, Wall)| swarm_flow_protocol::Wall {
            name: name.to_owned(),
            state: match wall {
                Wall::Stands => "stands",
                Wall::Partly => "partly",
                Wall::Missing => "missing",
            }
            .to_owned(),
        };
        self.all().into_iter().map(told).collect()
    }
}

impl Display for Walls {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, (name, wall)) in self.all().into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let state = match wall {
                Wall::Stands => "stands",
                Wall::Partly => "stands in part",
                Wall::Missing => "missing",
            };
            write!(formatter, "{comma}{name} {state}")?;
        }
        Ok(())
    }
}

/// Raises what there is, for this thread and all that it starts. It cannot be undone.
pub fn raise(mode: Mode, needs: &Needs) -> Result<Walls> {
    let walls = match mode {
        Mode::Off => NONE,
        Mode::BestEffort | Mode::Required => build(needs),
    };
    let stands = |(_, wall): (_, Wall)| wall == Wall::Stands;
    if mode == Mode::Required && !walls.all().into_iter().all(stands) {
        bail!(
            "not every wall can be raised here ({walls}); start with `--walls best-effort` to go on without"
        );
    }
    Ok(walls)
}

const NONE: Walls = Walls {
    landlock: Wall::Missing,
    seccomp: Wall::Missing,
    capabilities: Wall::Missing,
};

#[cfg(not(target_os = "linux"))]
fn build(_: &Needs) -> Walls {
    NONE
}

#[cfg(target_os = "linux")]
fn build(needs: &Needs) -> Walls {
    if let Err(error) = linux::keep_memory_private() {
        tracing::warn!("secrets in memory may get into a core dump: {error:#}");
    }
    Walls {
        capabilities: or_missing("capabilities", linux::drop_capabilities(needs)),
        landlock: or_missing("landlock", linux::restrict_files(needs)),
        seccomp: or_missing("seccomp", linux::deny_calls()),
    }
}

#[cfg(target_os = "linux")]
fn or_missing(name: &str, raised: Result<Wall>) -> Wall {
    raised.unwrap_or_else(|error| {
        tracing::warn!("cannot raise the wall {name}: {error:#}");
        Wall::Missing
    })
}
