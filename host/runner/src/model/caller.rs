//! For whom a model is asked: a task, with its workspace's policy, its audit trail, and its run's budget.

use super::deltas::{Delta, Deltas};
use crate::calls::is_lost;
use crate::lease::Held;
use crate::spending::Spending;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use swarm_flow_audit::Recording;
use swarm_flow_model::{Bound, Caller, Denied, Exceeded, Open, Spent};
use swarm_flow_policy::Policy;
use swarm_flow_protocol::{CallRequest, Error, TaskAnswer, TaskCall, Usage};

pub(super) struct TaskCaller {
    pub(super) policy: Policy,
    pub(super) recording: Option<Recording>,
    pub(super) deltas: Deltas,
    /// The call's name in the journal: the same when it is made again after a crash.
    pub(super) call: String,
    /// Who keeps the run's accounts.
    pub(super) leased: Option<Held>,
    pub(super) spending: Spending,
    pub(super) account: Mutex<Account>,
    /// Somebody else has the task.
    pub(super) is_lost: AtomicBool,
}

/// Of one call.
#[derive(Default)]
pub(super) struct Account {
    /// All of its attempts.
    pub(super) spent: Usage,
    /// What this process put aside for it is settled.
    is_settled: bool,
    /// Put aside, and nothing of it was used.
    unused: Option<Bound>,
}

impl TaskCaller {
    pub(super) fn spent(&self) -> Usage {
        let account = self.account.lock();
        account.unwrap_or_else(PoisonError::into_inner).spent
    }

    /// Whether something is to be put aside, and whether this process knows what came of what was put aside before.
    fn begin(&self, bound: Bound) -> Option<bool> {
        let account = self.account.lock();
        let mut account = account.unwrap_or_else(PoisonError::into_inner);
        if account.unused.take() == Some(bound) {
            return None;
        }
        Some(std::mem::replace(&mut account.is_settled, true))
    }

    async fn put_aside(&self, bound: Bound) -> Result<(), Exceeded> {
        let Some(held) = &self.leased else {
            return Ok(());
        };
        let Some(settled) = self.begin(bound) else {
            return Ok(());
        };
        let (app, lease) = held.asking().await;
        let request = CallRequest {
            lease: lease.clone(),
            step: self.call.clone(),
            usage: self.spending.usage(),
            call: TaskCall::Reserve {
                tokens: bound.input_tokens.saturating_add(bound.output_tokens),
                cost_microusd: bound.cost_microusd.unwrap_or(0),
                settled,
            },
        };
        let answer: Result<TaskAnswer, Error> = app.ask("/calls", &request).await;
        if is_lost(&answer) {
            self.is_lost.store(true, Ordering::Release);
        }
        match answer {
            Ok(_) => Ok(()),
            Err(Error::Conflict { message }) => Err(Exceeded {
                message: message.trim_start_matches("budget-exceeded: ").to_owned(),
            }),
            Err(error) => Err(Exceeded {
                message: format!("nothing could be put aside for the call: {error:?}"),
            }),
        }
    }
}

impl Caller for TaskCaller {
    fn may_use(&self, model: &str) -> Result<(), Denied> {
        let denied = |rule| Denied {
            model: model.to_owned(),
            rule,
        };
        let decision = super::decision(&self.policy, model)
            .map_err(|invalid| denied(format!("a policy that is none: {invalid}")))?;
        if let Some(recording) = &self.recording {
            recording.record("model", &model, &decision);
        }
        if decision.is_allow() {
            return Ok(());
        }
        Err(denied(decision.rule().into_owned()))
    }

    fn reserve<'a>(&'a self, open: &'a Open) -> BoxFuture<'a, Result<(), Exceeded>> {
        self.put_aside(open.bound).boxed()
    }

    fn settle<'a>(&'a self, open: &'a Open, spent: Spent) -> BoxFuture<'a, ()> {
        let used = used(open.bound, spent);
        self.spending.add(used);
        let account = self.account.lock();
        let mut account = account.unwrap_or_else(PoisonError::into_inner);
        account.spent = account.spent.plus(used);
        account.unused = (spent == Spent::Nothing).then_some(open.bound);
        std::future::ready(()).boxed()
    }

    fn delta(&self, text: &str) {
        self.deltas.tell(|| Delta {
            call: self.call.clone(),
            text: text.to_owned(),
        });
    }
}

fn used(bound: Bound, spent: Spent) -> Usage {
    let (input_tokens, output_tokens, cost_microusd) = match spent {
        Spent::Nothing => (0, 0, None),
        Spent::Used {
            usage,
            cost_microusd,
        } => (usage.input, usage.output, cost_microusd),
        Spent::Bound => (bound.input_tokens, bound.output_tokens, bound.cost_microusd),
    };
    Usage {
        input_tokens,
        output_tokens,
        cost_microusd: cost_microusd.unwrap_or(0),
        ..Usage::default()
    }
}
