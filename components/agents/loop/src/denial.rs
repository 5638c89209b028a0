//! What the policy denied, for the model in words and for the user in the result.

use swarm_flow_agent::tools::Denial;

/// Each once, in their order.
#[derive(Debug, Default)]
pub struct Denials(Vec<Denial>);

/// More than these are not listed: a text that tries a thousand hosts must not fill the result.
const LISTED_MAX: usize = 50;

impl Denials {
    pub fn add(&mut self, denial: &Denial) {
        if self.0.len() < LISTED_MAX && !self.0.contains(denial) {
            self.0.push(denial.clone());
        }
    }

    /// `http on `evil.example`: add …`, one for each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(short).collect()
    }
}

fn short(denial: &Denial) -> String {
    format!(
        "{} on `{}`: {}",
        denial.capability, denial.resource, denial.rule
    )
}

/// For the model.
#[must_use]
pub fn denied_words(denial: &Denial) -> String {
    format!(
        "denied by the policy of the workspace: {} on `{}`. Only the user can allow it, by this change: {}. Go on without it.",
        denial.capability, denial.resource, denial.rule
    )
}
