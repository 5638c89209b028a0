//! Outgoing HTTP of components: who may be reached, and how.
//!
//! A request leaves only if `allowed_outbound_hosts` of its component allows its destination; the empty list
//! allows nothing. The decision comes first, whatever then answers: an origin inside this process (the
//! runner, without a socket), a kept connection, or a new one.

mod allowed;
mod client;
mod hooks;
mod internal;

pub(crate) use allowed::AllowedHosts;
pub(crate) use client::Client;
pub(crate) use hooks::OutboundHooks;
pub use internal::{InternalOrigin, InternalService};
