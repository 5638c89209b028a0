//! Who asks: the era, and what the client can do.

use crate::version::Era;
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Client {
    pub era: Era,
    pub version: &'static str,
    /// `ClientCapabilities`, of this request or of its session.
    pub capabilities: Value,
    /// Whether an answer may be a stream.
    pub streams: bool,
}

/// The extension by which a call becomes a task.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

impl Client {
    /// Whether a form may be shown to a person.
    pub fn elicits(&self) -> bool {
        let Some(elicitation) = self.capabilities.get("elicitation") else {
            return false;
        };
        // An empty object stands for forms alone.
        let modes = elicitation.as_object();
        modes.is_some_and(|modes| modes.is_empty() || modes.contains_key("form"))
    }

    /// Whether it knows tasks.
    pub fn has_tasks(&self) -> bool {
        self.capabilities
            .get("extensions")
            .is_some_and(|extensions| extensions.get(TASKS).is_some())
    }
}
