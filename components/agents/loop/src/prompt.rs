//! What an agent is told before its task: a file with a version, or the one that the task gives instead, and the workspace's `AGENTS.md`.

use crate::context::Common;
use crate::cut::cut;
use crate::tools::path;
use crate::work::{Trouble, Work};
use swarm_flow_agent::AgentError;

/// A prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// `coder 1`; `of the task`; `of docs/prompt.md`.
    pub name: String,
    pub text: String,
}

/// What the workspace says to agents.
const AGENTS: &str = "AGENTS.md";
const AGENTS_CHARS_MAX: usize = 32_000;
const PROMPT_BYTES_MAX: usize = 64 << 10;

impl Prompt {
    /// One that comes with an agent. Its first line is `version: N`.
    #[must_use]
    pub fn shipped(name: &str, file: &str) -> Self {
        let (first, text) = file.split_once('\n').unwrap_or((file, ""));
        let version = first.strip_prefix("version: ").unwrap_or("0");
        Self {
            name: format!("{name} {version}"),
            text: text.trim().to_owned(),
        }
    }

    /// The one that the task gives, or else this one.
    pub fn or_of_task(self, work: &mut Work<'_>, common: &Common) -> Result<Self, AgentError> {
        common.check()?;
        if let Some(text) = &common.prompt {
            let name = "of the task".to_owned();
            return Ok(Self {
                name,
                text: text.clone(),
            });
        }
        let Some(file) = &common.prompt_file else {
            return Ok(self);
        };
        let refused = |why: &str| AgentError::InvalidTask(format!("`context.prompt_file`: {why}"));
        let read = path::file(file).and_then(|path| work.read(&path));
        let bytes = read.map_err(|trouble| match trouble {
            Trouble::Said(said) => refused(&said),
            Trouble::Broken(error) => error.into(),
        })?;
        if bytes.len() > PROMPT_BYTES_MAX {
            return Err(refused(&format!(
                "`{file}` has {} bytes, may have {PROMPT_BYTES_MAX}",
                bytes.len()
            )));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| refused(&format!("`{file}` is no UTF-8")))?;
        Ok(Self {
            name: format!("of {file}"),
            text,
        })
    }

    /// With what the workspace says to agents, where it does.
    #[must_use]
    pub fn with_agents(&self, work: &mut Work<'_>) -> String {
        let Ok(bytes) = work.workspace.read(AGENTS) else {
            return self.text.clone();
        };
        let said = String::from_utf8_lossy(&bytes);
        let said = cut(said.trim(), AGENTS_CHARS_MAX);
        if said.is_empty() {
            return self.text.clone();
        }
        format!("{}\n\nThe workspace's {AGENTS} says:\n\n{said}", self.text)
    }
}
