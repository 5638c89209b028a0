//! From what a user asks of a swarm to the tasks of a run. Everything is refused here that could never work.
//!
//! | what | how much |
//! |---|---|
//! | tasks of a run | 1 to 2048, each with an id of its own, 4 MiB together |
//! | items | 0 to 2048, 64 KiB each |
//! | priority | -1000 to 1000 |
//! | time-out | 1 ms to a day |

mod delegated;

pub use delegated::{Delegated, Parent};

use crate::bindings::swarm::{PlannedTask, RunConfig};
use crate::bindings::types::Error;
use crate::budget::{self, Budget, TIME_MS_MAX};
use crate::config::retry;
use crate::convert;
use crate::error::{invalid, too_large};
use crate::event::{Retry, RunSubmitted, SubmittedTask, Task};
use crate::store::StoredSwarm;
use crate::strategy::{self, Given, Options, Strategy};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

const TASKS_MAX: usize = 2048;
const TASKS_BYTES_MAX: usize = 4 << 20;
const ITEM_BYTES_MAX: usize = 64 << 10;
const TASK_ID_LENGTH_MAX: usize = 128;
const PRIORITY_MAX: i32 = 1000;
const TIMEOUT_MS_MAX: u64 = 24 * 60 * 60 * 1000;
const WEIGHT_MAX: u32 = 1000;

/// One attempt.
const ONCE: Retry = Retry {
    max_attempts: 1,
    initial_interval_ms: 0,
    max_interval_ms: 0,
};

/// What was asked, checked as far as that is possible without the swarm.
#[derive(Serialize)]
pub struct Asked {
    pub swarm: String,
    strategy: Option<Strategy>,
    options: Options,
    budget: Budget,
    tasks: Vec<AskedTask>,
}

#[derive(Serialize)]
struct AskedTask {
    task: Task,
    needs: Vec<String>,
    agent: Option<String>,
    workspace: Option<String>,
    priority: Option<i32>,
    timeout_ms: Option<u64>,
    cpu_time_ms: Option<u64>,
    retry: Option<Retry>,
    optional: bool,
    weight: Option<u32>,
}

impl Asked {
    pub fn new(swarm: &str, config: RunConfig) -> Result<Self, Error> {
        let options = Options {
            items: config.items,
            rounds: config.rounds,
            quorum: config.quorum.map(convert::stored_quorum),
            trust_percent: config.trust.map(percent).transpose()?,
        };
        if options.items.len() > TASKS_MAX {
            let message = format!("has {} items, may have {TASKS_MAX}", options.items.len());
            return Err(invalid("items", message));
        }
        if options.items.iter().any(|item| item.len() > ITEM_BYTES_MAX) {
            return Err(too_large("item_bytes", ITEM_BYTES_MAX as u64));
        }
        Ok(Self {
            swarm: swarm.to_owned(),
            strategy: config.strategy.map(convert::stored_strategy),
            options,
            budget: budget::check(config.budget)?,
            tasks: tasks(config.tasks)?,
        })
    }

    /// The same for the same request.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        format!("{:x}", Sha256::digest(&text))
    }

    /// The run of a swarm whose kinds of agents have these capabilities.
    pub fn plan(
        self,
        swarm: &StoredSwarm,
        capabilities: &HashMap<String, Vec<String>>,
    ) -> Result<RunSubmitted, Error> {
        let request = self.digest();
        let budget = budget::within(&self.budget, &swarm.budget)?;
        let strategy = self.strategy.unwrap_or(swarm.strategy);
        let given: Vec<Given> = self
            .tasks
            .iter()
            .map(|asked| Given {
                id: asked.task.id.clone(),
                needs: asked.needs.clone(),
                optional: asked.optional,
                weight: asked.weight,
            })
            .collect();
        let size = swarm.agents.iter().map(|group| group.count).sum();
        let steps = strategy::planner(strategy)
            .plan(&given, &self.options, size)
            .map_err(|refusal| invalid(refusal.field, refusal.message))?;
        let mut members = Members::new(swarm, capabilities);
        for (index, asked) in self.tasks.iter().enumerate() {
            members.check(index, asked)?;
        }
        let mut tasks = Vec::with_capacity(steps.len());
        for step in steps {
            let Some(asked) = self.tasks.get(step.given) else {
                continue;
            };
            let item = step.item.and_then(|item| self.options.items.get(item));
            let agent = members.next(asked);
            let of_kind = swarm.agents.iter().find(|group| group.kind == agent);
            tasks.push(SubmittedTask {
                task: Task {
                    id: step.id,
                    ..for_item(&asked.task, item)
                },
                retry: asked
                    .retry
                    .or(of_kind.and_then(|group| group.retry))
                    .unwrap_or(ONCE),
                agent,
                workspace: asked.workspace.clone(),
                needs: step.needs,
                priority: asked.priority.unwrap_or_default(),
                timeout_ms: asked.timeout_ms,
                cpu_time_ms: asked.cpu_time_ms,
                optional: step.optional,
                weight: step.weight,
            });
        }
        bytes(tasks.iter().map(|task| &task.task))?;
        if let Some(tasks_max) = budget.tasks.filter(|max| tasks.len() > *max as usize) {
            let message = format!("is {tasks_max}, and the run has {} tasks", tasks.len());
            return Err(invalid("budget.tasks", message));
        }
        Ok(RunSubmitted {
            swarm: self.swarm,
            strategy,
            options: self.options,
            budget,
            request,
            tasks,
        })
    }
}

fn for_item(task: &Task, item: Option<&String>) -> Task {
    let Some(item) = item else {
        return task.clone();
    };
    Task {
        id: task.id.clone(),
        description: task.description.replace("{{item}}", item),
        requirements: task.requirements.clone(),
        context: task
            .context
            .as_deref()
            .map(|context| strategy::substitute(context, item)),
    }
}

fn percent(trust: f32) -> Result<u8, Error> {
    if !(0.0..=1.0).contains(&trust) {
        return Err(invalid("trust", format!("is {trust}, must be 0.0 to 1.0")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 100"
    )]
    Ok((trust * 100.0).round() as u8)
}

/// Each with an id.
fn tasks(planned: Vec<PlannedTask>) -> Result<Vec<AskedTask>, Error> {
    if !(1..=TASKS_MAX).contains(&planned.len()) {
        let message = format!("has {} items, must have 1 to {TASKS_MAX}", planned.len());
        return Err(invalid("tasks", message));
    }
    let mut ids = HashSet::new();
    let mut checked = Vec::with_capacity(planned.len());
    for (index, planned) in planned.into_iter().enumerate() {
        let field = |name: &str| format!("tasks[{index}].{name}");
        let mut task = convert::stored_task(planned.task);
        if task.id.is_empty() {
            task.id = format!("task-{}", index + 1);
        }
        let id = &task.id;
        if id.chars().count() > TASK_ID_LENGTH_MAX || id.chars().any(char::is_control) {
            let message = format!(
                "must be at most {TASK_ID_LENGTH_MAX} characters, without control characters"
            );
            return Err(invalid(field("id"), message));
        }
        if !ids.insert(id.clone()) {
            let message = format!("`{id}` is the id of another task too");
            return Err(invalid(field("id"), message));
        }
        let priority = planned.priority.unwrap_or_default();
        if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&priority) {
            let message = format!("is {priority}, must be -{PRIORITY_MAX} to {PRIORITY_MAX}");
            return Err(invalid(field("priority"), message));
        }
        if let Some(timeout_ms) = planned.timeout_ms
            && !(1..=TIMEOUT_MS_MAX).contains(&timeout_ms)
        {
            let message = format!("is {timeout_ms}, must be 1 to {TIMEOUT_MS_MAX}");
            return Err(invalid(field("timeout_ms"), message));
        }
        if let Some(cpu_time_ms) = planned.cpu_time_ms
            && !(1..=TIME_MS_MAX).contains(&cpu_time_ms)
        {
            let message = format!("is {cpu_time_ms}, must be 1 to {TIME_MS_MAX}");
            return Err(invalid(field("cpu_time_ms"), message));
        }
        if let Some(weight) = planned.weight
            && !(1..=WEIGHT_MAX).contains(&weight)
        {
            let message = format!("is {weight}, must be 1 to {WEIGHT_MAX}");
            return Err(invalid(field("weight"), message));
        }
        let policy = planned.retry.map(|policy| retry(&field("retry"), policy));
        checked.push(AskedTask {
            task,
            needs: planned.needs,
            agent: planned.agent,
            workspace: planned.workspace,
            priority: planned.priority,
            timeout_ms: planned.timeout_ms,
            cpu_time_ms: planned.cpu_time_ms,
            retry: policy.transpose()?,
            optional: planned.optional,
            weight: planned.weight,
        });
    }
    bytes(checked.iter().map(|asked| &asked.task))?;
    Ok(checked)
}

fn bytes<'a>(tasks: impl Iterator<Item = &'a Task>) -> Result<(), Error> {
    let of = |task: &Task| {
        let requirements = task.requirements.iter().map(String::len);
        let context = task.context.as_ref().map_or(0, String::len);
        task.description.len() + context + requirements.sum::<usize>()
    };
    if tasks.map(of).sum::<usize>() > TASKS_BYTES_MAX {
        return Err(too_large("tasks_bytes", TASKS_BYTES_MAX as u64));
    }
    Ok(())
}

/// Who does the tasks.
struct Members<'a> {
    swarm: &'a StoredSwarm,
    capabilities: &'a HashMap<String, Vec<String>>,
    /// How many tasks each group was given.
    given: Vec<u64>,
}

impl<'a> Members<'a> {
    fn new(swarm: &'a StoredSwarm, capabilities: &'a HashMap<String, Vec<String>>) -> Self {
        Self {
            swarm,
            capabilities,
            given: vec![0; swarm.agents.len()],
        }
    }

    /// Whether there is anybody for the task, and the place that it names.
    fn check(&self, index: usize, asked: &AskedTask) -> Result<(), Error> {
        if let Some(workspace) = &asked.workspace
            && !self.swarm.workspaces.contains(workspace)
        {
            let message = format!(
                "`{workspace}` is not a workspace of the swarm; it has `{}`",
                self.swarm.workspaces.join("`, `")
            );
            return Err(invalid(format!("tasks[{index}].workspace"), message));
        }
        if let Some(agent) = &asked.agent
            && !self.swarm.agents.iter().any(|group| group.kind == *agent)
        {
            let kinds = self.swarm.agents.iter().map(|group| group.kind.as_str());
            let message = format!(
                "`{agent}` is not an agent of the swarm; it has `{}`",
                kinds.collect::<Vec<_>>().join("`, `")
            );
            return Err(invalid(format!("tasks[{index}].agent"), message));
        }
        if (0..self.swarm.agents.len()).any(|group| self.fits(group, asked)) {
            return Ok(());
        }
        Err(invalid(
            format!("tasks[{index}].requirements"),
            self.nearest(asked),
        ))
    }

    /// The agents that have most of what the task requires, and what they lack.
    fn nearest(&self, asked: &AskedTask) -> String {
        let lacks = |kind: &str| -> Vec<&str> {
            let has = self.capabilities.get(kind);
            let lacks = |name: &&String| !has.is_some_and(|has| has.contains(name));
            let required = asked.task.requirements.iter();
            required.filter(lacks).map(String::as_str).collect()
        };
        let groups = self.swarm.agents.iter();
        let groups = groups.filter(|group| {
            asked
                .agent
                .as_ref()
                .is_none_or(|agent| group.kind == *agent)
        });
        let nearest = groups.min_by_key(|group| lacks(&group.kind).len());
        nearest.map_or_else(String::new, |group| {
            let has = self.capabilities.get(&group.kind).map(|has| has.join("`, `"));
            format!(
                "no agent of the swarm has all of this; nearest is `{}`, which lacks `{}` and has `{}`",
                group.kind,
                lacks(&group.kind).join("`, `"),
                has.unwrap_or_default()
            )
        })
    }

    fn fits(&self, group: usize, asked: &AskedTask) -> bool {
        let Some(group) = self.swarm.agents.get(group) else {
            return false;
        };
        let has = self.capabilities.get(&group.kind);
        let mut required = asked.task.requirements.iter();
        asked
            .agent
            .as_ref()
            .is_none_or(|agent| group.kind == *agent)
            && required.all(|name| has.is_some_and(|has| has.contains(name)))
    }

    /// The kind that has had the smallest share of its number, the first of equals.
    fn next(&mut self, asked: &AskedTask) -> String {
        let fitting = (0..self.swarm.agents.len()).filter(|group| self.fits(*group, asked));
        let share = |group: &usize| {
            let count = self.swarm.agents.get(*group).map_or(1, |group| group.count);
            // In whole numbers: twelve digits are more than tasks times agents.
            self.given.get(*group).copied().unwrap_or_default() * 1_000_000_000_000
                / u64::from(count.max(1))
        };
        let next = fitting.min_by_key(share).unwrap_or_default();
        if let Some(given) = self.given.get_mut(next) {
            *given += 1;
        }
        let group = self.swarm.agents.get(next);
        group.map_or_else(String::new, |group| group.kind.clone())
    }
}

#[cfg(test)]
mod tests;
