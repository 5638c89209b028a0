//! What came of the tasks that a task needs, for its model.

use crate::cut::cut;
use swarm_flow_agent::inputs::Input;

/// Of one of them.
const OUTPUT_CHARS_MAX: usize = 20_000;

/// As a part of what the model is told; empty when there are none.
#[must_use]
pub fn before(inputs: &[Input]) -> String {
    let told = inputs.iter().map(|input| {
        let how = if input.success { "was done" } else { "failed" };
        let files = match input.artifacts.as_slice() {
            [] => String::new(),
            files => format!("\nIts files: {}", files.join(", ")),
        };
        format!(
            "\n\nThe task `{}`, which comes before this one, {how}. It said:\n\n{}{files}",
            input.task,
            cut(&input.output, OUTPUT_CHARS_MAX)
        )
    });
    told.collect()
}
