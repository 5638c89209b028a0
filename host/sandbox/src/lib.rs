//! A sandbox: one WebAssembly program, run under one policy.
//!
//! Three lifetimes: the [`Engine`] once per process, a [`Program`] once per component, a sandbox once per
//! run. What a policy does not grant is not there: a guest sees the directories that were opened for it, no
//! sockets unless they are granted by themselves, and of HTTP what the policy's network part allows. What a sandbox
//! uses is metered as it runs and ends it at the limit.
//!
//! This crate does not know workspaces, HTTP routes or agents.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod body;
mod compiled;
mod componentized;
mod decisions;
mod description;
mod determined;
mod devices;
mod dial;
mod disk;
mod egress;
mod engine;
mod family;
mod filesystem;
mod guest;
mod idempotency;
mod input;
mod live;
mod lookup;
mod mask;
mod meter;
mod open_sockets;
mod opened;
mod output;
mod outside;
mod owners;
mod pipe;
mod process;
mod program;
mod reached;
mod revocable;
mod run;
mod secrets;
mod service;
mod shared;
mod sockets;
mod streams;
mod threads;
mod ticker;
mod tls;
pub mod undo;
mod wanted;
mod wasm;
mod watch;

pub use compiled::CompiledCache;
pub use decisions::{DENIALS_MAX, Decided, Decisions, Denial, Denials, Observed, Recorder};
pub use description::{Description, Entry, describe, examine, examine_with};
pub use determined::{Clock, Determined};
pub use disk::{DEPTH_MAX, Disk, NoRoom, Occupied, occupied};
pub use egress::Egress;
pub use engine::{APP_INSTANCES_IDLE_MAX, Engine};
pub use family::{Child, ChildEnd, ChildOutcome, Family, SpawnError, Spawner, Start};
pub use guest::{Guest, GuestView};
pub use input::Input;
pub use live::Live;
pub use meter::Usage;
pub use output::{Output, OutputChunk, OutputCloser, Stream};
pub use outside::{Answer, Outside};
pub use owners::{NotHad, Owners};
pub use program::{Program, linker};
pub use run::{Directory, End, Ended, Grants, HOST_CALL_BYTES_MAX, run};
pub use secrets::{Placement, Secret, Secrets, Unusable};
pub use service::{Service, Unanswered};
pub use sockets::Sockets;
pub use threads::{Spawned, Threads, Unfinished};
pub use wasm::{WasmKind, component_of};
