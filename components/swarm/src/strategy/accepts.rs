//! What each strategy can be given. What it has no use for is refused by name: an option that does nothing would
//! look as if it did.

use super::needs::Explicit;
use super::{Given, Options, Refusal, STEPS_MAX, Step, Strategy};
use std::collections::HashMap;

/// What one strategy can be given.
pub struct Accepts {
    pub strategy: Strategy,
    pub tasks_min: usize,
    pub items: bool,
    pub rounds: bool,
    pub quorum: bool,
    pub weights: bool,
    pub needs: Needs,
}

/// Whether a user may say which task needs which.
pub enum Needs {
    Yes,
    /// Because the strategy says so itself.
    No(&'static str),
}

impl Accepts {
    /// A strategy that takes only tasks and their needs.
    pub const fn plain(strategy: Strategy) -> Self {
        Self {
            strategy,
            tasks_min: 1,
            items: false,
            rounds: false,
            quorum: false,
            weights: false,
            needs: Needs::Yes,
        }
    }

    /// The explicit needs, as places, when all that was given can be used.
    pub fn check(&self, given: &[Given], options: &Options) -> Result<Explicit, Refusal> {
        self.options(options)?;
        if given.len() < self.tasks_min {
            return Err(Refusal::new(
                "tasks",
                format!(
                    "has {} items, `{}` must have at least {}",
                    given.len(),
                    self.strategy.name(),
                    self.tasks_min
                ),
            ));
        }
        room("tasks", given.len())?;
        for (index, task) in given.iter().enumerate() {
            self.task(index, task)?;
        }
        Explicit::of(given)
    }

    fn options(&self, options: &Options) -> Result<(), Refusal> {
        for (field, given, used, users) in [
            (
                "items",
                !options.items.is_empty(),
                self.items,
                "`pipeline` or `map_reduce`",
            ),
            ("rounds", options.rounds.is_some(), self.rounds, "`debate`"),
            (
                "quorum",
                options.quorum.is_some(),
                self.quorum,
                "`consensus`",
            ),
        ] {
            if given && !used {
                return Err(self.unused(field.to_owned(), users));
            }
        }
        Ok(())
    }

    fn task(&self, index: usize, task: &Given) -> Result<(), Refusal> {
        match task.weight {
            Some(_) if !self.weights => {
                return Err(self.unused(format!("tasks[{index}].weight"), "`consensus`"));
            }
            Some(0) => {
                let message = "is 0, must be at least 1; leave out who has no vote";
                return Err(Refusal::new(format!("tasks[{index}].weight"), message));
            }
            _ => {}
        }
        match &self.needs {
            Needs::No(reason) if !task.needs.is_empty() => Err(Refusal::new(
                format!("tasks[{index}].needs"),
                format!(
                    "cannot be given with `{}`: {reason}; leave it out",
                    self.strategy.name()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn unused(&self, field: String, users: &str) -> Refusal {
        Refusal::new(
            field,
            format!(
                "is not used by `{}`; leave it out, or take {users}",
                self.strategy.name()
            ),
        )
    }
}

/// Refuses a plan of too many steps before it is made. `field` is what to give less of.
pub fn room(field: &str, steps: usize) -> Result<(), Refusal> {
    if steps <= STEPS_MAX {
        return Ok(());
    }
    let message = format!("makes {steps} tasks, at most {STEPS_MAX} are a run; give less");
    Err(Refusal::new(field, message))
}

/// The ids that a plan makes must differ: `a/0` may be given, and be item 0 of `a` too.
pub fn distinct(given: &[Given], steps: &[Step]) -> Result<(), Refusal> {
    let mut seen = HashMap::with_capacity(steps.len());
    for step in steps {
        if let Some(other) = seen.insert(step.id.as_str(), step.given) {
            let other = given.get(other).map_or("", |task| task.id.as_str());
            return Err(Refusal::new(
                format!("tasks[{}].id", step.given),
                format!(
                    "makes the id `{}`, which `{other}` makes too; take another",
                    step.id
                ),
            ));
        }
    }
    Ok(())
}
