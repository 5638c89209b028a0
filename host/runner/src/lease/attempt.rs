//! One attempt of a leased task, from its journal on to what came of it.

use super::chain::Held;
use crate::agent::failure;
use crate::calls::Parked;
use crate::spending::Spending;
use crate::tools::Tools;
use crate::traced;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use swarm_flow_protocol::{AgentError, Lease, Report};
use swarm_flow_sandbox::Unfinished;
use swarm_flow_telemetry::AttemptSpan;

/// None when the task goes on later, or the runner stops.
pub(super) async fn perform(lease: Lease, held: Held) -> Option<Report> {
    let id = lease.id.clone();
    let (timeout, late) = patience(&lease);
    let spending = Spending::of(&lease);
    let mut span = traced::attempt(&lease);
    let done = attempt(lease, held, spending.clone(), &mut span);
    let outcome = match timeout {
        None => done.await?,
        Some(timeout) => match tokio::time::timeout(timeout, done).await {
            Ok(outcome) => outcome?,
            Err(_) => Err(late),
        },
    };
    traced::attempted(span, &outcome);
    Some(Report {
        lease: id,
        outcome,
        usage: spending.usage(),
        next: None,
    })
}

/// How long an attempt may take, and what it comes to if it takes longer.
fn patience(lease: &Lease) -> (Option<Duration>, AgentError) {
    let of_run = lease.ends_at_ms.map(|ends_at_ms| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Duration::from_millis(ends_at_ms).saturating_sub(now.unwrap_or_default())
    });
    let of_task = lease.timeout_ms.map(Duration::from_millis);
    match (of_run, of_task) {
        (Some(of_run), of_task) if of_task.is_none_or(|of_task| of_run < of_task) => {
            let message = "the run's `budget.wall_time_ms` is over".to_owned();
            (Some(of_run), failure("budget_exceeded", message))
        }
        (_, of_task) => {
            let left = of_task.unwrap_or_default().as_millis();
            let message = format!("the attempt took longer than the {left} ms that it had left");
            (of_task, failure("timeout", message))
        }
    }
}

type Outcome = Result<swarm_flow_protocol::TaskResult, swarm_flow_protocol::AgentError>;

async fn attempt(
    lease: Lease,
    held: Held,
    spending: Spending,
    span: &mut Option<AttemptSpan>,
) -> Option<Outcome> {
    let runner = held.runner().clone();
    let agent = match runner.catalog().agent(&lease.agent).await {
        None => {
            let message = format!("this runner has no agent `{}`", lease.agent);
            return Some(Err(failure("unknown_agent", message)));
        }
        Some(Err(error)) => {
            let message = format!("agent `{}` cannot be loaded: {error:#}", lease.agent);
            return Some(Err(failure("unknown_agent", message)));
        }
        Some(Ok(agent)) => agent,
    };
    let journal = match runner.journal(&lease, &agent).await {
        Ok(journal) => Arc::new(journal),
        Err(error) => {
            let message = format!("the task's journal cannot be opened: {error}");
            return Some(Err(failure("unavailable", message)));
        }
    };
    if let Some(span) = span {
        span.began(journal.header.started_at_ms, &journal.header.digest);
    }
    // What began with another version of the agent ends with it.
    let agent = match runner
        .catalog()
        .agent_of(&lease.agent, &journal.header.digest)
        .await
    {
        Ok(agent) => agent,
        Err(error) => return Some(Err(failure("agent_replaced", format!("{error:#}")))),
    };
    let parked = Parked::default();
    let tools = Tools {
        runner: runner.clone(),
        workspace: lease.workspace,
        environment: lease.environment,
        policy: lease.policy,
        actor: format!("agent:{}", lease.agent),
        inputs: lease.inputs,
        recording: None,
        journal: Some(journal.clone()),
        leased: Some(held),
        parked: parked.clone(),
        reporter: None,
        spending: spending.clone(),
    };
    let trail = match runner.record_agent(&lease.agent, &tools) {
        Ok(trail) => trail,
        Err(closed) => return Some(Err(failure("unavailable", closed.to_string()))),
    };
    let (task, workspace) = (lease.task, tools.workspace.clone());
    let execution = async move { agent.execute(&task, tools, trail).await };
    let execution = runner.shared.threads.spawn(&workspace, execution);
    match execution.await {
        Ok(_) if parked.is() => None,
        // What it was at was not ended by itself, and so its journal has no end.
        Ok(_) if spending.exceeded().is_some() => spending.exceeded().map(Err),
        Ok(outcome) => {
            if let Err(error) = journal.end(&outcome) {
                tracing::warn!("cannot write the end of a task's journal: {error}");
            }
            Some(outcome)
        }
        Err(Unfinished::Stopping) => None,
        Err(panic) => Some(Err(failure(
            "trapped",
            format!("the runner failed: {panic}"),
        ))),
    }
}
