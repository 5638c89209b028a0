//! JSON as the API has it, and WIT's words for the same: one module a noun.

pub mod agent;
pub mod event;
pub mod exec;
pub mod file;
pub mod policy;
pub mod program;
pub mod question;
pub mod runner;
pub mod secret;
pub mod swarm;
pub mod work;
pub mod workspace;
