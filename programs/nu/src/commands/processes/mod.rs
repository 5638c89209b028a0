//! Other programs: external commands, and what tells about them.

mod command;
mod complete;
mod find;
mod pipe;
mod running;

use super::ours::Ours;

pub use pipe::{failure, of};

pub fn commands() -> Vec<Ours> {
    let parts = [command::commands(), complete::commands(), find::commands()];
    parts.into_iter().flatten().collect()
}
