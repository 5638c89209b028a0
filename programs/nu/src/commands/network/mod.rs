//! HTTP, by WASI's own: the runner decides each request under the workspace's policy.

mod body;
mod command;
mod request;
mod response;

pub use command::commands;
