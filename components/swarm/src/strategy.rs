//! How the tasks of a run follow from the tasks that a user gave. No I/O, no clock: a planner is asked once for
//! the tasks of a run, and after each end of a task whether the run goes on. It leases nothing and skips nothing.
//!
//! | strategy | tasks of the run | a need of one's own | items | ends |
//! |---|---|---|---|---|
//! | `sequential` | each needs the one before | yes | no | when all have ended |
//! | `parallel` | as given | yes | no | when all have ended |
//! | `pipeline` | stages; each item goes through all of them | no | yes | when all have ended |
//! | `map_reduce` | all map, for each item; the last reduces | yes | yes | when all have ended |
//! | `hierarchical` | the first plans, the others need it | yes | no | when all have ended |
//! | `consensus` | voters; one task is asked of every agent | no | no | when no vote can change the decision |
//! | `race` | all at once | no | no | with the first that is done |
//! | `debate` | sides in rounds; the last task is the judge | no | no | when all have ended |
//!
//! A need is satisfied when its task is done, or is optional and has ended in another way. What needs a task that
//! ended otherwise is skipped.

mod accepts;
mod consensus;
mod debate;
mod hierarchical;
mod item;
mod map_reduce;
mod needs;
mod parallel;
mod pipeline;
mod race;
mod sequential;

pub use item::substitute;

use serde::{Deserialize, Serialize};

/// The most tasks that a plan may have.
pub const STEPS_MAX: usize = 2048;

/// How tasks follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Sequential,
    Parallel,
    Pipeline,
    MapReduce,
    Hierarchical,
    Consensus,
    Race,
    Debate,
}

impl Strategy {
    /// As a user writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Pipeline => "pipeline",
            Self::MapReduce => "map_reduce",
            Self::Hierarchical => "hierarchical",
            Self::Consensus => "consensus",
            Self::Race => "race",
            Self::Debate => "debate",
        }
    }
}

/// What a user may say about a run beside its tasks. A strategy refuses what it has no use for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// `pipeline` and `map_reduce` do their tasks once for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Of a `debate`, 1 to 10; 2 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Of a `consensus`; simple when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Quorum>,
    /// An agent that is so sure of an answer need not ask a person. 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_percent: Option<u8>,
}

/// The share of all voters' weight that an answer needs. Who abstains counts as a voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// More than 1/2; each voter weighs 1.
    Simple,
    /// At least 2/3; each voter weighs 1.
    SuperMajority,
    /// All; each voter weighs 1.
    Unanimous,
    /// More than 1/2 of the weights that were given.
    Weighted,
}

/// A task as the user gave it, as far as planning needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub id: String,
    /// Ids of other tasks.
    pub needs: Vec<String>,
    /// The run goes on when it fails.
    pub optional: bool,
    /// As a voter.
    pub weight: Option<u32>,
}

/// A task of the run that is made of a given one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The place of the given one.
    pub given: usize,
    pub id: String,
    /// Places of other steps, ascending, each once.
    pub needs: Vec<u32>,
    /// The place of its item in the options.
    pub item: Option<usize>,
    /// From 1, of a debate's side.
    pub round: Option<u32>,
    pub optional: bool,
    pub weight: u32,
}

/// Why there can be no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `tasks[2].needs[0]`, `rounds`.
    pub field: String,
    pub message: String,
}

impl Refusal {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// A run under way.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub options: &'a Options,
    /// The steps of the plan in their order; of `hierarchical` also what was made while it runs. What a task
    /// delegates otherwise is not among them: a delegate does not vote.
    pub tasks: &'a [Seen],
}

/// A task of a run under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// None as long as it is open.
    pub end: Option<End>,
    pub optional: bool,
    pub weight: u32,
    /// Its output.
    pub answer: Option<String>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Done,
    Failed,
    Skipped,
    Cancelled,
}

/// Whether a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// What is still open is not needed any more.
    Done {
        outcome: Option<Outcome>,
    },
    Failed {
        code: &'static str,
        message: String,
        outcome: Option<Outcome>,
    },
}

/// What a race, consensus or debate came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The task that won a race.
    pub winner: Option<u32>,
    /// Of the winner, the quorum or the judge.
    pub answer: Option<String>,
    /// The heaviest first.
    pub votes: Vec<Votes>,
    /// Voters that have ended without a vote.
    pub abstained: Vec<u32>,
}

/// The tasks that gave one answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    pub answer: String,
    pub weight: u64,
    pub tasks: Vec<u32>,
}

/// One way to coordinate.
pub trait Planner: Sync {
    /// The tasks of a run. `size` is how many agents the swarm has.
    fn plan(&self, given: &[Given], options: &Options, size: u32) -> Result<Vec<Step>, Refusal>;

    /// A task has ended: does the run go on? The engine cancels what is open when it does not.
    /// To be asked after each end, so that of two ends one comes first.
    fn next(&self, run: &View<'_>) -> Next {
        all_ended(run)
    }
}

pub fn planner(strategy: Strategy) -> &'static dyn Planner {
    match strategy {
        Strategy::Sequential => &sequential::Sequential,
        Strategy::Parallel => &parallel::Parallel,
        Strategy::Pipeline => &pipeline::Pipeline,
        Strategy::MapReduce => &map_reduce::MapReduce,
        Strategy::Hierarchical => &hierarchical::Hierarchical,
        Strategy::Consensus => &consensus::Consensus,
        Strategy::Race => &race::Race,
        Strategy::Debate => &debate::Debate,
    }
}

/// Goes on until every task has ended. Then a task that had to be done and was not makes the run fail.
fn all_ended(run: &View<'_>) -> Next {
    // Looked for from behind: the last tasks of a run are mostly the last to end.
    if run.tasks.iter().rev().any(|task| task.end.is_none()) {
        return Next::GoOn;
    }
    // What failed is the cause of what was skipped.
    for (end, code, word) in [
        (End::Failed, "task_failed", "failed"),
        (End::Cancelled, "task_cancelled", "was cancelled"),
        (End::Skipped, "task_skipped", "was skipped"),
    ] {
        let mut such = (0..)
            .zip(run.tasks)
            .filter(|(_, task)| !task.optional && task.end == Some(end));
        if let Some((first, _)) = such.next() {
            let message = match such.count() {
                0 => format!("task {first} {word}"),
                more => format!("task {first} {word}, and {more} more"),
            };
            return Next::Failed {
                code,
                message,
                outcome: None,
            };
        }
    }
    Next::Done { outcome: None }
}

#[cfg(test)]
mod tests;
