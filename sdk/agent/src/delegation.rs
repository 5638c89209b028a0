//! Tasks that a task makes while it runs. They belong to the run, and end with it.

use crate::bindings::swarm_flow::core::delegation;
use crate::inputs::Input;
use crate::tools::Error;

pub use delegation::Place;

/// A task to be made.
#[must_use = "it is made by `delegate`"]
pub struct Child(delegation::Child);

impl Child {
    /// With an id of its own among the tasks that this one makes: in the run it is `PARENT/ID`.
    pub fn new(id: &str, description: &str) -> Self {
        Self(delegation::Child {
            id: id.to_owned(),
            description: description.to_owned(),
            requirements: Vec::new(),
            context: None,
            needs: Vec::new(),
            agent: None,
            place: Place::Same,
            priority: None,
            timeout_ms: None,
            optional: false,
        })
    }

    /// What its agent is told, in the form that it reads.
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.0.context = Some(context.into());
        self
    }

    /// Capabilities that its agent must have.
    pub fn requires(mut self, capability: &str) -> Self {
        self.0.requirements.push(capability.to_owned());
        self
    }

    /// It starts when that child is done, and is given its result.
    pub fn needs(mut self, child: &str) -> Self {
        self.0.needs.push(child.to_owned());
        self
    }

    /// By this kind of the swarm's agents.
    pub fn agent(mut self, kind: &str) -> Self {
        self.0.agent = Some(kind.to_owned());
        self
    }

    /// Elsewhere than in the workspace of the task that makes it.
    pub fn place(mut self, place: Place) -> Self {
        self.0.place = place;
        self
    }

    /// Its failure neither fails the run nor keeps what needs it from starting.
    pub fn optional(mut self) -> Self {
        self.0.optional = true;
        self
    }
}

/// Makes tasks, and gives their ids. One that the task has made already, also in an earlier attempt, is that one.
///
/// # Errors
///
/// When they make no sense, or there are too many.
pub fn delegate(children: impl IntoIterator<Item = Child>) -> Result<Vec<String>, Error> {
    let children: Vec<_> = children.into_iter().map(|child| child.0).collect();
    delegation::delegate(&children)
}

/// Waits until these have ended, and gives what came of them, in this order.
///
/// # Errors
///
/// When there are no such tasks.
pub fn join(tasks: &[String]) -> Result<Vec<Input>, Error> {
    delegation::join(tasks, None)
}
