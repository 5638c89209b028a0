//! What came of a task, put together.

use crate::tools::ExecResult;
use crate::{PerformanceMetrics, TaskResult};

impl TaskResult {
    /// The task did what it should; `output` is what the agent says.
    #[must_use]
    pub fn success(output: impl Into<String>) -> Self {
        Self {
            success: true,
            output: output.into(),
            artifacts: Vec::new(),
            metrics: None,
        }
    }

    /// The task was tried and did not do what it should; `output` says why.
    #[must_use]
    pub fn failure(output: impl Into<String>) -> Self {
        Self {
            success: false,
            ..Self::success(output)
        }
    }

    /// With one more file that was made: its path in the workspace.
    #[must_use]
    pub fn artifact(mut self, path: impl Into<String>) -> Self {
        self.artifacts.push(path.into());
        self
    }

    /// With what a command took as what the task took.
    #[must_use]
    pub fn measured(mut self, command: &ExecResult) -> Self {
        self.metrics = Some(command.metrics());
        self
    }
}

impl ExecResult {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest whole number that there is; times are not negative"
    )]
    /// What the command took.
    #[must_use]
    pub fn metrics(&self) -> PerformanceMetrics {
        let share = if self.wall_ms > 0.0 {
            self.cpu_ms / self.wall_ms
        } else {
            0.0
        };
        PerformanceMetrics {
            execution_time: self.wall_ms.round() as u64,
            memory_usage: self.peak_memory_bytes,
            cpu_usage: share.clamp(0.0, 1.0) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_what_was_put_into_it() {
        let result = TaskResult::failure("no").artifact("a").artifact("b");
        assert!(!result.success);
        assert_eq!(result.output, "no");
        assert_eq!(result.artifacts, ["a", "b"]);
        assert!(TaskResult::success(String::new()).success);
    }
}
