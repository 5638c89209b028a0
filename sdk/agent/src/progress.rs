//! How far a task is, for those who look on.

use crate::bindings::swarm_flow::core::progress;

/// Says it. Of several within a second only the last is told.
pub fn report(message: &str) {
    progress::report(message, None);
}

/// And how much of all is done, 0.0 to 1.0.
pub fn report_done(message: &str, done: f32) {
    progress::report(message, Some(done));
}
