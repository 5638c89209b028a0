//! From what a task makes while it runs to tasks of its run.

use super::{AskedTask, Members, ONCE, bytes, tasks};
use crate::bindings::agent;
use crate::bindings::delegation::{Child, Place};
use crate::bindings::swarm::PlannedTask;
use crate::bindings::types::{Error, InvalidInput};
use crate::error::invalid;
use crate::event::{SubmittedTask, Task};
use crate::store::StoredSwarm;
use crate::strategy::{self, Given, Options, Strategy};
use std::collections::HashMap;

/// Who makes them.
pub struct Parent<'a> {
    pub id: &'a str,
    pub workspace: &'a str,
    pub priority: i32,
}

/// Children as they would be, checked by themselves. Their ids are those in the run.
pub struct Delegated {
    asked: Vec<AskedTask>,
    given: Vec<Given>,
}

impl Delegated {
    pub fn new(parent: &Parent<'_>, children: Vec<Child>) -> Result<Self, Error> {
        let mut needs = Vec::with_capacity(children.len());
        let planned = children.into_iter().enumerate().map(|(index, mut child)| {
            if child.id.is_empty() {
                child.id = format!("task-{}", index + 1);
            }
            let full = |id: &String| format!("{}/{id}", parent.id);
            needs.push(child.needs.iter().map(full).collect::<Vec<_>>());
            PlannedTask {
                task: agent::Task {
                    id: full(&child.id),
                    description: child.description,
                    requirements: child.requirements,
                    context: child.context,
                },
                needs: Vec::new(),
                agent: child.agent,
                workspace: match child.place {
                    Place::Same => Some(parent.workspace.to_owned()),
                    Place::Any => None,
                    Place::Named(workspace) => Some(workspace),
                },
                priority: Some(child.priority.unwrap_or(parent.priority)),
                timeout_ms: child.timeout_ms,
                cpu_time_ms: None,
                retry: None,
                optional: child.optional,
                weight: None,
            }
        });
        let planned = planned.collect();
        let asked = tasks(planned).map_err(as_children)?;
        let given = asked.iter().zip(needs).map(|(asked, needs)| Given {
            id: asked.task.id.clone(),
            needs,
            optional: asked.optional,
            weight: None,
        });
        let given = given.collect();
        Ok(Self { asked, given })
    }

    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.asked.iter().map(|asked| &asked.task)
    }

    /// All ids that are named: of the children, and of what they need.
    pub fn named(&self) -> Vec<String> {
        let of = |given: &Given| {
            let mut ids = given.needs.clone();
            ids.push(given.id.clone());
            ids
        };
        self.given.iter().flat_map(of).collect()
    }

    /// Leaves out those that `known` has, and gives the rest with indexes from `first` on. What they need is one of them,
    /// or known.
    pub fn plan(
        mut self,
        swarm: &StoredSwarm,
        capabilities: &HashMap<String, Vec<String>>,
        known: &HashMap<String, u32>,
        first: u32,
    ) -> Result<Vec<SubmittedTask>, Error> {
        self.asked
            .retain(|asked| !known.contains_key(&asked.task.id));
        self.given.retain(|given| !known.contains_key(&given.id));
        if self.asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut outside = Vec::with_capacity(self.given.len());
        for given in &mut self.given {
            let needs: Vec<u32> = given
                .needs
                .iter()
                .filter_map(|need| known.get(need).copied())
                .collect();
            given.needs.retain(|need| !known.contains_key(need));
            outside.push(needs);
        }
        let steps = strategy::planner(Strategy::Parallel)
            .plan(&self.given, &Options::default(), 1)
            .map_err(|refusal| as_children(invalid(refusal.field, refusal.message)))?;
        let mut members = Members::new(swarm, capabilities);
        let mut made = Vec::with_capacity(steps.len());
        for (index, ((asked, step), mut needs)) in
            self.asked.into_iter().zip(steps).zip(outside).enumerate()
        {
            members.check(index, &asked).map_err(as_children)?;
            let agent = members.next(&asked);
            let of_kind = swarm.agents.iter().find(|group| group.kind == agent);
            needs.extend(step.needs.iter().map(|need| first.saturating_add(*need)));
            made.push(SubmittedTask {
                retry: of_kind.and_then(|group| group.retry).unwrap_or(ONCE),
                agent,
                task: asked.task,
                workspace: asked.workspace,
                needs,
                priority: asked.priority.unwrap_or_default(),
                timeout_ms: asked.timeout_ms,
                cpu_time_ms: asked.cpu_time_ms,
                optional: asked.optional,
                weight: 1,
            });
        }
        bytes(made.iter().map(|made| &made.task))?;
        Ok(made)
    }
}

/// What a run calls `tasks`, an agent calls `children`.
fn as_children(error: Error) -> Error {
    match error {
        Error::Invalid(InvalidInput { field, message }) => {
            let field = field.replacen("tasks", "children", 1);
            Error::Invalid(InvalidInput { field, message })
        }
        other => other,
    }
}
