//! Files and directories, by what WASI gives.

mod change;
mod copy;
mod home;
mod list;
mod open;
mod paths;
mod remove;
mod save;

use super::ours::Ours;

pub use home::Expand;
pub use paths::with_home;

pub fn commands() -> Vec<Ours> {
    let parts = [
        list::commands(),
        open::commands(),
        save::commands(),
        remove::commands(),
        copy::commands(),
        change::commands(),
    ];
    parts.into_iter().flatten().collect()
}
