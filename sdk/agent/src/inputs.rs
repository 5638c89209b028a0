//! What came of the tasks that this one needs: empty for a task that needs none, and for one that belongs to no run.

use crate::bindings::swarm_flow::core::inputs;

pub use inputs::Input;

/// In the order of the run.
#[must_use]
pub fn get() -> Vec<Input> {
    inputs::get()
}
