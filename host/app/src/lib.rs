//! The host of the Spin app: loads a manifest, composes and compiles its components, serves them over HTTP.
//!
//! Three lifetimes: the engine is the caller's, an [`App`] is made once per manifest, an instance once per
//! request. What a component is not granted by its manifest it does not have: no environment, no files, no
//! sockets, and of HTTP what `allowed_outbound_hosts` says.
//!
//! This crate does not run untrusted code: a component of the app has no limit of time of its own and shares the
//! app's pool. It does not know runners either; one in this process is an [`InternalOrigin`] like any other.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod app;
mod bindings;
mod body;
mod composition;
mod config;
mod files;
mod guest_body;
mod handle;
mod idle;
mod instance;
mod key_value;
mod lingering;
mod load;
mod log;
mod manifest;
mod outbound;
mod problem;
mod routes;
mod running;
mod server;
mod sqlite;
mod variables;

pub use app::App;
pub use body::{Body, BodyError, boxed};
pub use config::{Admission, AppConfig, Place};
pub use manifest::{Manifest, ManifestError};
pub use outbound::{InternalOrigin, InternalService};
