//! Other programs for programs written in Rust: `swarm-flow:core/process`, which stands for the `std::process` that
//! WASI lacks, and exit codes other than 0 and 1.
//!
//! [`Command`] is shaped like the one of `std`, and blocks. Who waits for several things at once takes the
//! [`bindings`]: there everything has a `pollable`.

#[allow(
    clippy::all,
    missing_docs,
    unsafe_op_in_unsafe_fn,
    reason = "generated code"
)]
mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "swarm-flow:core/program-component@2.0.0",
        generate_all,
        pub_export_macro: true,
    });
}

/// The imports as they are: `process`, and WASI 0.2 with the same types.
pub mod bindings {
    pub use super::generated::swarm_flow::core::{process, types};
    pub use super::generated::wasi;
}

mod command;
mod cwd;
mod exit;
mod stream;

pub use command::{Child, Command};
pub use cwd::start;
pub use exit::exit;
pub use process::{End, SpawnError, pipe, programs, stderr, stdin, stdout};
pub use stream::{read, write};

use bindings::process;
pub use process::{Reader, Writer};
