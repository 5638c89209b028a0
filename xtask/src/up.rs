//! From a checkout to a running server.

use crate::build;
use crate::project::{Profile, Project};
use anyhow::Result;
use std::process::Command;

pub fn up(project: &Project, arguments: &[String]) -> Result<()> {
    eprintln!("the first time, building takes some minutes; after that, seconds");
    build::everything(project, Profile::Release)?;
    let mut command = Command::new(project.binary(Profile::Release, "swarm-flow"));
    command.current_dir(&project.root).arg("up").args(arguments);
    become_it(&mut command)
}

/// The server takes our place, so that Ctrl-C reaches it and nothing stands in between.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(anyhow::Error::new(command.exec())
        .context(format!("start {}", command.get_program().to_string_lossy())))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<()> {
    crate::step::run(command)
}
