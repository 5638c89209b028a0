//! The Model Context Protocol over Streamable HTTP, as an answer to one request: a library for components.
//!
//! Both eras are spoken. In the one of 2026-07-28 each request says all that is needed to answer it. In the one of
//! 2025-11-25 a session is begun first; its id says what was agreed and is signed, so that any instance can answer and
//! nothing is kept. What a server has, tools and resources and prompts, is behind [`Server`].
//!
//! It does no I/O: bytes come in, and an answer or a stream goes out through [`Out`].

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod channel;
mod client;
mod dispatch;
mod endpoint;
mod fault;
mod header;
mod listen;
mod message;
pub mod seal;
mod server;
mod session;
mod version;

pub use channel::{Channel, Out, Sending};
pub use client::Client;
pub use endpoint::{Answer, Http, Whole, delete, get, post};
pub use fault::Fault;
pub use header::{Headers, accepts};
pub use message::parse;
pub use server::{
    Call, Description, Feed, Inputs, List, Listed, Notice, Outcome, Server, Streamed, TaskCall,
};
pub use version::{Era, LEGACY, MODERN};
