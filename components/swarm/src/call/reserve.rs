//! What is put aside before a model is called.

use super::{Called, Decided};
use crate::bindings::types::Error;
use crate::bindings::work::{Reserve, TaskAnswer};
use crate::budget;
use crate::event::{Change, TaskReserved};
use swarm_flow_state::Database;

impl<D: Database> Called<'_, D> {
    pub(super) fn reserve(&self, asked: &Reserve) -> Result<Decided, Error> {
        let accounts = self.run.accounts(self.index, |accounts| {
            accounts.tell(self.usage);
            accounts.reserve_model(self.step, asked.tokens, asked.cost_microusd, asked.settled);
        });
        let Some(accounts) = accounts else {
            return Ok(Decided::known(TaskAnswer::Made));
        };
        let refused = budget::refuses(
            &self.run.budget,
            &accounts.run,
            asked.tokens,
            asked.cost_microusd,
        );
        if let Some(refused) = refused {
            return Err(Error::Conflict(format!("budget-exceeded: {refused}")));
        }
        let reserved = TaskReserved {
            index: self.index,
            step: self.step.to_owned(),
            accounts,
        };
        Ok(Decided {
            answer: Ok(TaskAnswer::Made),
            changes: vec![Change::TaskReserved(reserved)],
            wakes: false,
        })
    }
}
