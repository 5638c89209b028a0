//! Files that a sandbox may reach and those that it tries to: guests of preview 2 and of preview 1, and callers of the files
//! API, in directories that a guest or the host's owner made as nasty as can be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "files/api.rs"]
mod api;
#[path = "files/devices.rs"]
mod devices;
#[path = "files/grant.rs"]
mod grant;
#[path = "files/link.rs"]
mod link;
#[path = "files/module.rs"]
mod module;
#[path = "files/path.rs"]
mod path;
#[path = "files/race.rs"]
mod race;
#[path = "files/special.rs"]
mod special;
#[path = "files/world.rs"]
mod world;
