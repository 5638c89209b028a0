//! The loop of an agent that thinks: a model says what it wants done, its tools do it in the task's workspace, and the
//! model hears what came of it, until it stops or a rule ends it.
//!
//! Everything here is decided without I/O, over two traits: [`Model`] is asked, [`Workspace`] is touched. [`Platform`] is both
//! in a runner. What an agent is beyond the loop is its [`Role`]: tools of its own, and what happens when the model stops.
//!
//! | rule | number |
//! |---|---|
//! | turns | 50, unless the task says otherwise |
//! | the same call with the same result, running | 3 |
//! | answers that cannot be used, running | 3 |
//! | result of a tool | 30 000 characters, cut in the middle |
//! | use of the model's window before something is left out | 70 % |
//! | results of tools that are kept whole then | the last 6 |
//!
//! What tools give is material and no instruction: a text can try what it wants, and gets what the workspace's policy grants. What was
//! denied is in the result.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod answer;
mod before;
mod changes;
mod command;
mod context;
mod conversation;
mod cut;
mod denial;
mod end;
mod platform;
mod prompt;
mod report;
mod run;
pub mod schema;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
mod tools;
mod window;
mod work;

pub use answer::Answer;
pub use before::before;
pub use changes::{Files, changed};
pub use command::{Check, Checked, Line};
pub use context::{Common, asked, read};
pub use cut::{OUTPUT_CHARS_MAX, cut};
pub use denial::{Denials, denied_words};
pub use end::{End, Ended, Spent};
pub use platform::{Model, Platform, Request, Workspace};
pub use prompt::Prompt;
pub use report::Report;
pub use run::{Called, Next, Role, Settings, run};
pub use tools::{ALL, EDIT, READ, Tool, select};
pub use work::{Trouble, Work};
