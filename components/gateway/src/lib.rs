//! The component `gateway`: the HTTP API in front of everything.
//!
//! A request is matched (`route`), its caller is known by a token (`auth`), its body is read up to a limit and
//! taken strictly (`json`), one or two calls to the other components do what it asks (`api`), and the answer
//! leaves in one go or as server-sent events (`respond`, `stream`). The gateway decides nothing
//! else and keeps nothing: an instance lives for one request, so nothing is built at its start.
//!
//! `wire` and `bindings` touch the host. All else is plain Rust and tested natively.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod api;
mod auth;
mod bindings;
mod encoding;
mod json;
mod mcp;
mod origin;
mod problem;
mod query;
mod range;
mod request;
mod respond;
mod route;
mod shape;
mod stream;
mod wire;

#[cfg(test)]
mod document;
