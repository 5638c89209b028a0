//! `swarm-flow:core/model` for an agent: the operator's models, under the workspace's policy and the run's budget.
//!
//! The answer is in the task's journal before the agent sees it, so it is never paid for twice. What is in the messages is in
//! the journal alone; the audit log has the model's name, a trace has numbers, and no log has either.

mod caller;
mod convert;
mod deltas;

pub use deltas::Delta;
pub(crate) use deltas::Deltas;

use crate::agent::bindings::swarm_flow::core::model;
use crate::journal::Call;
use crate::tools::Tools;
use crate::traced;
use caller::TaskCaller;
use serde::Deserialize;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use swarm_flow_model::{ModelError, Models, Request, Response};
use swarm_flow_policy::{Action, Decision, Invalid, Policy, Surroundings, explain};
use swarm_flow_protocol::Usage;

/// Whether agents of a workspace may use a model.
fn decision(policy: &Policy, model: &str) -> Result<Decision, Invalid> {
    let action = Action::Model {
        name: model.to_owned(),
    };
    explain(policy, &action, &Surroundings::default())
}

/// What came of a call, as the journal keeps it.
#[derive(Deserialize)]
struct Chatted {
    result: Result<Response, ModelError>,
    /// By all attempts together.
    spent: Usage,
}

impl Tools {
    fn models(&self) -> Arc<Models> {
        self.runner.shared.config.models.clone()
    }

    /// For whom a model is asked in the call of this name.
    fn model_caller(&self, call: String) -> TaskCaller {
        TaskCaller {
            policy: self.policy(),
            recording: self.recording.clone(),
            deltas: self.runner.shared.deltas.clone(),
            call,
            leased: self.leased.clone(),
            spending: self.spending.clone(),
            account: Mutex::default(),
            is_lost: AtomicBool::new(false),
        }
    }

    async fn chat(&mut self, request: &Request) -> wasmtime::Result<Result<Response, ModelError>> {
        let Some(journal) = self.journal.clone() else {
            // It says what it is: that costs nobody anything.
            return Ok(Err(ModelError::NotConfigured {
                message: "a model is asked for a task; outside of one there is none".to_owned(),
            }));
        };
        let pending = match journal.call("model.chat", request)? {
            Call::Recorded(chatted) => {
                let Chatted { result, spent } = serde_json::from_value(chatted)?;
                self.spending.add(spent);
                return Ok(result);
            }
            Call::New(pending) => pending,
        };
        let call = journal.key(&pending);
        let caller = self.model_caller(call.clone());
        let span = traced::chat(&journal.header, call, request);
        let asked = self.models().chat(request, &caller).await;
        if caller.is_lost.load(Ordering::Acquire) {
            return Err(self.park());
        }
        let chatted = json!({"result": asked.result, "spent": caller.spent()});
        journal.record(pending, &chatted)?;
        traced::chatted(span, request, &asked);
        Ok(asked.result)
    }
}

impl model::Host for Tools {
    async fn chat(
        &mut self,
        request: model::Request,
    ) -> wasmtime::Result<Result<model::Response, model::ModelError>> {
        let request = request.into();
        let answered = Tools::chat(self, &request).await?;
        Ok(answered.map(Into::into).map_err(Into::into))
    }

    async fn models(&mut self) -> wasmtime::Result<Vec<model::ModelInfo>> {
        let listed = crate::tools::journaled(self, "model.models", (), async |tools| {
            let (models, policy) = (Tools::models(tools), tools.policy());
            let granted =
                |name: &str| decision(&policy, name).is_ok_and(|decision| decision.is_allow());
            let mut listed = models.list();
            listed.retain(|model| granted(&model.name));
            listed
        });
        Ok(listed.await?.into_iter().map(Into::into).collect())
    }
}
