//! What a run may use, what it has used, and what is put aside for what goes on. No I/O.
//!
//! Who is about to use something puts it aside first, in the same statement that lets him: so the tasks of a run cannot use more
//! together than one after another. What was told as used is taken from that, and the rest is given back. An attempt tells all
//! that it used from its start on, also under earlier leases, so that telling it twice counts once.
//!
//! What an attempt used that was cancelled, or whose runner is gone for good, is not known: it counts as all that was put aside
//! for it.

use crate::bindings::swarm;
use crate::bindings::types::Error;
use crate::error::invalid;
use serde::{Deserialize, Serialize};
pub use swarm_flow_protocol::{Budget, Usage};

pub const TIME_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;
/// Bounds that hold without a budget too.
pub const TASKS_MAX: u32 = 10_000;
pub const DEPTH_MAX: u32 = 16;

/// What is put aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Reserved {
    #[serde(skip_serializing_if = "is_zero")]
    pub cpu_time_us: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub cost_microusd: u64,
}

/// Of a run, or of a task in all its attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    pub spent: Usage,
    #[serde(skip_serializing_if = "is_default")]
    pub reserved: Reserved,
}

/// Of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskAccount {
    #[serde(flatten)]
    pub account: Account,
    /// What the attempt that goes on has told.
    #[serde(skip_serializing_if = "is_default")]
    pub told: Usage,
    /// The call of a model that something is put aside for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// As they are after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    pub run: Account,
    pub task: TaskAccount,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Reserved {
    fn minus(self, other: Self) -> Self {
        Self {
            cpu_time_us: self.cpu_time_us.saturating_sub(other.cpu_time_us),
            tokens: self.tokens.saturating_sub(other.tokens),
            cost_microusd: self.cost_microusd.saturating_sub(other.cost_microusd),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            cpu_time_us: self.cpu_time_us.saturating_add(other.cpu_time_us),
            tokens: self.tokens.saturating_add(other.tokens),
            cost_microusd: self.cost_microusd.saturating_add(other.cost_microusd),
        }
    }

    /// All of it, as used. What was to be read and what to be written is not known apart.
    fn as_used(self) -> Usage {
        Usage {
            cpu_time_us: self.cpu_time_us,
            input_tokens: self.tokens,
            output_tokens: 0,
            cost_microusd: self.cost_microusd,
        }
    }
}

impl Account {
    fn spend(&mut self, used: Usage) {
        self.spent = self.spent.plus(used);
    }
}

impl Accounts {
    /// What the attempt has used so far, all in all.
    pub fn tell(&mut self, usage: Usage) {
        let more = usage.minus(self.task.told);
        self.task.told = self.task.told.plus(more);
        self.task.account.spend(more);
        self.run.spend(more);
    }

    /// Other than before: what it was is given back.
    fn set_aside(&mut self, reserved: Reserved) {
        let before = self.task.account.reserved;
        self.task.account.reserved = reserved;
        self.run.reserved = self.run.reserved.minus(before).plus(reserved);
    }

    /// Puts aside what an attempt may still use.
    pub fn reserve_cpu(&mut self, cpu_time_us: u64) {
        self.set_aside(Reserved {
            cpu_time_us,
            ..self.task.account.reserved
        });
    }

    /// Puts aside what a call of a model may use. Where it is not known what came of the same call before, it was cut off: then it
    /// has used all that was put aside.
    pub fn reserve_model(&mut self, step: &str, tokens: u64, cost_microusd: u64, settled: bool) {
        let before = self.task.account.reserved;
        if !settled && self.task.step.as_deref() == Some(step) {
            self.spend_unknown(Reserved {
                cpu_time_us: 0,
                ..before
            });
        }
        self.set_aside(Reserved {
            tokens,
            cost_microusd,
            ..before
        });
        self.task.step = Some(step.to_owned());
    }

    /// The agent works no more for now: nothing is put aside for it.
    pub fn release(&mut self) {
        self.set_aside(Reserved::default());
        self.task.step = None;
    }

    /// The attempt is over: the next one tells from nothing.
    pub fn begin_anew(&mut self) {
        self.task.told = Usage::default();
    }

    /// What it used is not known.
    pub fn write_off(&mut self) {
        self.spend_unknown(self.task.account.reserved);
        self.release();
    }

    fn spend_unknown(&mut self, reserved: Reserved) {
        let used = reserved.as_used();
        self.task.account.spend(used);
        self.run.spend(used);
    }
}

/// What of a budget is neither used nor put aside; `others` is what other tasks have put aside and may give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub left: u64,
    pub others: u64,
}

/// Of CPU time, for a task.
pub fn cpu_left(budget: &Budget, run: &Account, task: &TaskAccount) -> Option<Left> {
    let all = budget.cpu_time_ms?.saturating_mul(1000);
    let own = task.account.reserved.cpu_time_us;
    let others = run.reserved.cpu_time_us.saturating_sub(own);
    let used = run.spent.cpu_time_us.saturating_add(others);
    Some(Left {
        left: all.saturating_sub(used),
        others,
    })
}

/// Why a call of a model cannot be made, given the run's account with what was put aside for it.
pub fn refuses(budget: &Budget, run: &Account, tokens: u64, cost_microusd: u64) -> Option<String> {
    let (spent, reserved) = (&run.spent, &run.reserved);
    let tokens_used = spent.tokens().saturating_add(reserved.tokens);
    let cost_used = spent.cost_microusd.saturating_add(reserved.cost_microusd);
    let checks = [
        ("tokens", budget.tokens, tokens_used, tokens),
        (
            "cost_microusd",
            budget.cost_microusd,
            cost_used,
            cost_microusd,
        ),
    ];
    checks.into_iter().find_map(|(name, all, used, wanted)| {
        let all = all.filter(|all| used > *all)?;
        let left = all.saturating_sub(used.saturating_sub(wanted));
        Some(format!(
            "`budget.{name}` is {all}, of which {left} are left, and the call may use {wanted}"
        ))
    })
}

/// What is wrong with what a user asks for.
pub fn check(asked: swarm::Budget) -> Result<Budget, Error> {
    let time = |name: &str, asked: Option<u64>| match asked {
        Some(asked) if !(1..=TIME_MS_MAX).contains(&asked) => Err(invalid(
            format!("budget.{name}"),
            format!("is {asked}, must be 1 to {TIME_MS_MAX}"),
        )),
        asked => Ok(asked),
    };
    let count = |name: &str, asked: Option<u32>, least: u32, most: u32| match asked {
        Some(asked) if !(least..=most).contains(&asked) => Err(invalid(
            format!("budget.{name}"),
            format!("is {asked}, must be {least} to {most}"),
        )),
        asked => Ok(asked),
    };
    Ok(Budget {
        wall_time_ms: time("wall_time_ms", asked.wall_time_ms)?,
        cpu_time_ms: time("cpu_time_ms", asked.cpu_time_ms)?,
        tasks: count("tasks", asked.tasks, 1, TASKS_MAX)?,
        depth: count("depth", asked.depth, 0, DEPTH_MAX)?,
        tokens: asked.tokens,
        cost_microusd: asked.cost_microusd,
    })
}

/// The budget of a run of a swarm that has this one.
pub fn within(run: &Budget, swarm: &Budget) -> Result<Budget, Error> {
    fn one<T: Copy + PartialOrd + std::fmt::Display>(
        name: &str,
        run: Option<T>,
        swarm: Option<T>,
    ) -> Result<Option<T>, Error> {
        match (run, swarm) {
            (Some(run), Some(swarm)) if run > swarm => Err(invalid(
                format!("budget.{name}"),
                format!("is {run}, and the swarm's is {swarm}"),
            )),
            (run, swarm) => Ok(run.or(swarm)),
        }
    }
    Ok(Budget {
        wall_time_ms: one("wall_time_ms", run.wall_time_ms, swarm.wall_time_ms)?,
        cpu_time_ms: one("cpu_time_ms", run.cpu_time_ms, swarm.cpu_time_ms)?,
        tasks: one("tasks", run.tasks, swarm.tasks)?,
        depth: one("depth", run.depth, swarm.depth)?,
        tokens: one("tokens", run.tokens, swarm.tokens)?,
        cost_microusd: one("cost_microusd", run.cost_microusd, swarm.cost_microusd)?,
    })
}

#[cfg(test)]
mod tests;
