//! What an agent does with other tasks of its run and with people: `swarm-flow:core/{locks,messages,delegation,human,progress}`.
//! The app knows of all of it and takes a call once.
//!
//! A call that has to wait parks the task: its sandbox ends in the middle of the call, nothing of it is written down, and the
//! lease is over. When it can go on, whoever has its workspace leases it, feeds the agent from the journal up to here, and the
//! agent makes the call again.

use crate::Runner;
use crate::agent::bindings::swarm_flow::core::{
    delegation, human, inputs, locks, messages, progress, types,
};
use crate::journal::Call;
use crate::lease::Held;
use crate::tools::Tools;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::{CallRequest, TaskAnswer, TaskCall, Usage};
use tokio::sync::watch;

protocol::convert_calls!(locks, messages, delegation, human);

/// A run's events are many without those of agents that report each line.
const PROGRESS_PAUSE: Duration = Duration::from_secs(1);

/// Who waits longer is found in time by the runner's own looking around.
const PATIENCE_MAX: Duration = Duration::from_secs(600);
/// The app counts from when it got the call.
const A_MOMENT: Duration = Duration::from_millis(5);

/// Set when a task's sandbox was ended because the task goes on later, or by somebody else.
#[derive(Clone, Default)]
pub(crate) struct Parked(Arc<AtomicBool>);

impl Parked {
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Says how far a task is.
#[derive(Clone)]
pub(crate) struct Reporter(watch::Sender<Option<(String, Option<f32>)>>);

impl Reporter {
    fn start(held: Held) -> Self {
        let (sender, mut last) = watch::channel(None::<(String, Option<f32>)>);
        tokio::spawn(async move {
            while last.changed().await.is_ok() {
                let Some((message, done)) = last.borrow_and_update().clone() else {
                    continue;
                };
                let (app, lease) = held.asking().await;
                let request = CallRequest {
                    lease: lease.clone(),
                    step: "progress".to_owned(),
                    usage: Usage::default(),
                    call: TaskCall::Progress { message, done },
                };
                let sent: anyhow::Result<TaskAnswer> =
                    app.send(Method::POST, "/calls", &request).await;
                if let Err(error) = sent {
                    tracing::debug!("the progress of a task was not told: {error:#}");
                }
                tokio::time::sleep(PROGRESS_PAUSE).await;
            }
        });
        Self(sender)
    }
}

type Answer = Result<TaskAnswer, protocol::Error>;

impl Tools {
    /// Ends the sandbox: the task goes on later, or with somebody else.
    pub(crate) fn park(&self) -> wasmtime::Error {
        self.parked.0.store(true, Ordering::Release);
        wasmtime::format_err!("the task waits, and goes on later")
    }

    /// Makes a call of the app, or gives what came of it before. `alone` says why there is nobody to call; what `waits` is no
    /// answer yet.
    pub(crate) async fn call_app<C: Serialize, A: Serialize + DeserializeOwned>(
        &mut self,
        name: &'static str,
        path: &str,
        call: C,
        alone: impl Fn() -> protocol::Error,
        waits: impl FnOnce(&A) -> bool,
    ) -> wasmtime::Result<Result<A, protocol::Error>> {
        let Some(journal) = self.journal.clone() else {
            return Ok(Err(alone()));
        };
        let pending = match journal.call(name, &call)? {
            Call::Recorded(answer) => return Ok(serde_json::from_value(answer)?),
            Call::New(pending) => pending,
        };
        let answer = match &self.leased {
            None => Err(alone()),
            Some(held) => {
                let (app, lease) = held.asking().await;
                let request = CallRequest {
                    lease: lease.clone(),
                    step: journal.key(&pending),
                    usage: self.spending.usage(),
                    call,
                };
                app.ask(path, &request).await
            }
        };
        if is_lost(&answer) || answer.as_ref().is_ok_and(waits) {
            return Err(self.park());
        }
        journal.record(pending, &answer)?;
        Ok(answer)
    }

    async fn ask(&mut self, name: &'static str, call: TaskCall) -> wasmtime::Result<Answer> {
        let no_run = || {
            protocol::Error::Conflict {
            message: "no-run: the task belongs to no run, and so it can neither wait nor reach other tasks".to_owned(),
        }
        };
        let (runner, patience_ms) = (self.runner.clone(), call.timeout_ms());
        let waits = |answer: &TaskAnswer| {
            let waits = *answer == TaskAnswer::Waits;
            if waits {
                look_again(runner, patience_ms);
            }
            waits
        };
        self.call_app(name, "/calls", call, no_run, waits).await
    }

    async fn made(
        &mut self,
        name: &'static str,
        call: TaskCall,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        let answer = self.ask(name, call).await?;
        Ok(match answer {
            Ok(TaskAnswer::Made) => Ok(()),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

/// Nobody announces that the time of a wait is over: work is asked for then, and not only when it would be anyway.
pub(crate) fn look_again(runner: Runner, patience_ms: Option<u64>) {
    let patience = patience_ms.map(Duration::from_millis);
    if let Some(patience) = patience.filter(|patience| *patience < PATIENCE_MAX) {
        tokio::spawn(async move {
            tokio::time::sleep(patience + A_MOMENT).await;
            runner.shared.wake.notify_one();
        });
    }
}

/// Somebody else has the task, or it has ended: nothing more is done for it here.
pub(crate) fn is_lost<R>(answer: &Result<R, protocol::Error>) -> bool {
    matches!(answer, Err(protocol::Error::Conflict { message }) if message.starts_with("lease-lost: "))
}

/// The app answered another question.
fn mismatch(answer: &TaskAnswer) -> types::Error {
    types::Error::Internal(format!("the app answered another question: {answer:?}"))
}

impl locks::Host for Tools {
    async fn acquire(
        &mut self,
        name: String,
        mode: locks::LockMode,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        let mode = mode.into();
        let call = TaskCall::Acquire {
            name,
            mode,
            timeout_ms,
        };
        self.made("locks.acquire", call).await
    }

    async fn release(&mut self, name: String) -> wasmtime::Result<Result<(), types::Error>> {
        self.made("locks.release", TaskCall::Release { name }).await
    }
}

impl messages::Host for Tools {
    async fn send(
        &mut self,
        to: Option<String>,
        body: String,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        self.made("messages.send", TaskCall::Send { to, body })
            .await
    }

    async fn receive(
        &mut self,
        senders: Vec<String>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<Option<messages::Message>, types::Error>> {
        let call = TaskCall::Receive {
            senders,
            timeout_ms,
        };
        Ok(match self.ask("messages.receive", call).await? {
            Ok(TaskAnswer::Message(message)) => Ok(message.map(Into::into)),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn request(
        &mut self,
        to: String,
        body: String,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<String, types::Error>> {
        let call = TaskCall::Request {
            to,
            body,
            timeout_ms,
        };
        Ok(match self.ask("messages.request", call).await? {
            Ok(TaskAnswer::Reply(body)) => Ok(body),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn reply(
        &mut self,
        message: u64,
        body: String,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        self.made("messages.reply", TaskCall::Reply { message, body })
            .await
    }
}

impl delegation::Host for Tools {
    async fn delegate(
        &mut self,
        children: Vec<delegation::Child>,
    ) -> wasmtime::Result<Result<Vec<String>, types::Error>> {
        let children = children.into_iter().map(Into::into).collect();
        let call = TaskCall::Delegate { children };
        Ok(match self.ask("delegation.delegate", call).await? {
            Ok(TaskAnswer::Tasks(ids)) => Ok(ids),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn join(
        &mut self,
        tasks: Vec<String>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<Vec<inputs::Input>, types::Error>> {
        let call = TaskCall::Join { tasks, timeout_ms };
        Ok(match self.ask("delegation.join", call).await? {
            Ok(TaskAnswer::Inputs(inputs)) => Ok(inputs.into_iter().map(Into::into).collect()),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

impl human::Host for Tools {
    async fn ask(
        &mut self,
        question: human::Question,
    ) -> wasmtime::Result<Result<human::Answer, types::Error>> {
        let call = TaskCall::Ask(question.into());
        Ok(match Tools::ask(self, "human.ask", call).await? {
            Ok(TaskAnswer::Answer(answer)) => Ok(answer.into()),
            Ok(other) => Err(mismatch(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

impl progress::Host for Tools {
    /// Not written down: it changes nothing for the agent.
    async fn report(&mut self, message: String, done: Option<f32>) -> wasmtime::Result<()> {
        if let Some(held) = &self.leased {
            let reporter = self
                .reporter
                .get_or_insert_with(|| Reporter::start(held.clone()));
            reporter.0.send_replace(Some((message, done)));
        }
        Ok(())
    }
}
