//! `swarm-flow:core/delegation`.

use super::{Called, Decided, WAIT_MS_MAX, check_timeout, timed_out};
use crate::bindings::delegation::Child;
use crate::bindings::types::Error;
use crate::bindings::work::{Join, TaskAnswer};
use crate::budget::{DEPTH_MAX, TASKS_MAX};
use crate::convert;
use crate::error::{internal, invalid, missing, too_large};
use crate::event::{Change, Delegated, Wait};
use crate::plan;
use crate::run::capabilities;
use crate::store;
use crate::strategy::Strategy;
use std::collections::HashMap;
use swarm_flow_state::{Database, Kind};

const CHILDREN_MAX: usize = 1000;

impl<D: Database> Called<'_, D> {
    pub(super) fn delegate(&self, children: &[Child]) -> Result<Decided, Error> {
        if !(1..=CHILDREN_MAX).contains(&children.len()) {
            let message = format!(
                "has {} items, must have 1 to {CHILDREN_MAX}",
                children.len()
            );
            return Err(invalid("children", message));
        }
        let budget = &self.run.budget;
        let depth_max = budget.depth.unwrap_or(DEPTH_MAX);
        if self.caller.depth >= depth_max {
            return Err(too_large("budget.depth", depth_max.into()));
        }
        let parent = plan::Parent {
            id: &self.caller.id,
            workspace: &self.caller.workspace,
            priority: self.caller.priority,
        };
        let delegated = plan::Delegated::new(&parent, children.to_vec())?;
        let ids: Vec<String> = delegated.tasks().map(|task| task.id.clone()).collect();
        let known = store::named(self.database, self.run_id, &delegated.named());
        let known = known.map_err(internal)?;
        for task in delegated.tasks() {
            if let Some(known) = known.iter().find(|known| known.id == task.id)
                && (known.task != *task || known.parent != Some(self.index))
            {
                return Err(Error::Conflict(format!(
                    "idempotency-conflict: there is another task `{}` in the run",
                    task.id
                )));
            }
        }
        let known: HashMap<String, u32> = known
            .into_iter()
            .map(|known| (known.id, known.index))
            .collect();
        let swarm = store::swarm(self.database, &self.caller.swarm).map_err(internal)?;
        let Some(swarm) = swarm else {
            return Err(missing(Kind::Swarm.name(), self.caller.swarm.clone()));
        };
        let first = store::tasks_of(self.database, self.run_id).map_err(internal)?;
        let capabilities = capabilities(self.database, &swarm)?;
        let tasks = delegated.plan(&swarm, &capabilities, &known, first)?;
        if tasks.is_empty() {
            return Ok(Decided::known(TaskAnswer::Tasks(ids)));
        }
        let all = first.saturating_add(u32::try_from(tasks.len()).unwrap_or(u32::MAX));
        let tasks_max = budget.tasks.unwrap_or(TASKS_MAX);
        if all > tasks_max {
            return Err(too_large("budget.tasks", tasks_max.into()));
        }
        let needing = self.run.open.iter();
        let needing = needing.filter(|task| task.needs.contains(&self.index));
        let needed_by = match self.run.strategy {
            Strategy::Hierarchical => needing.map(|task| task.index).collect(),
            _ => Vec::new(),
        };
        let made = Change::TaskDelegated(Delegated {
            index: self.index,
            step: self.step.to_owned(),
            first,
            tasks,
            needed_by,
        });
        Ok(Decided::made(TaskAnswer::Tasks(ids), vec![made]))
    }

    pub(super) fn join(&self, asked: &Join) -> Result<Decided, Error> {
        check_timeout(asked.timeout_ms, 1, WAIT_MS_MAX)?;
        let tasks = self.tasks("tasks", &asked.tasks)?;
        let indexes: Vec<u32> = tasks.iter().map(|task| task.index).collect();
        if tasks.iter().all(|task| task.ended) {
            let results = store::results(self.database, self.run_id, &indexes);
            let inputs = convert::inputs(results.map_err(internal)?);
            return Ok(Decided::known(TaskAnswer::Inputs(inputs)));
        }
        if self.late() {
            return Err(timed_out("not all of the tasks have ended in time"));
        }
        Ok(self.wait(Vec::new(), Wait::Tasks { tasks: indexes }, asked.timeout_ms))
    }
}
