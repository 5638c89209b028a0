//! `/runners`: a list for users; all else is for the runners themselves.

use crate::api::no_query;
use crate::bindings::{audit, runners as wit, work};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, no_content, ok};
use crate::shape::runner::Runner;
use crate::shape::work::{
    Lost, Renew, exchanged, memory_answer, memory_call, report, task_answer, task_call,
};
use serde_json::json;
use swarm_flow_protocol::{AuditBatch, AuditHead, CallRequest, Exchange, Registration};

/// Reports carry what their tasks put out.
const REPORTS_BYTES_MAX: u64 = 24 << 20;
/// Children carry what their agents are told.
const CALL_BYTES_MAX: u64 = 8 << 20;
/// As many records as a batch may have, as long as they may be, and escaped.
const AUDIT_BYTES_MAX: u64 = 12 << 20;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(
        wit::list()?.into_iter().map(Runner::from).collect(),
    ))
}

pub fn join(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let joining: Registration = request.json()?;
    ok(&Runner::from(wit::join(&joining.into())?))
}

pub fn heartbeat(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::heartbeat(request.parameter(0))?;
    Ok(no_content())
}

pub fn leave(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::leave(request.parameter(0))?;
    Ok(no_content())
}

/// All ids at once: a runner removes what is not among them, so a page of them would be a disaster.
pub fn workspaces(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&json!({"ids": wit::workspaces(request.parameter(0))?}))
}

pub fn work(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let Exchange {
        session,
        reports,
        most,
    } = request.json_up_to(REPORTS_BYTES_MAX)?;
    let reports: Vec<_> = reports.into_iter().map(report).collect();
    let answer = work::exchange(request.parameter(0), &session, &reports, most)?;
    ok(&exchanged(answer))
}

pub fn memory(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let CallRequest {
        lease, step, call, ..
    } = request.json()?;
    let call = memory_call(call);
    let answer = work::memory(request.parameter(0), &lease.into(), &step, &call)?;
    ok(&memory_answer(answer))
}

pub fn call(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let CallRequest {
        lease,
        step,
        usage,
        call,
    } = request.json_up_to(CALL_BYTES_MAX)?;
    let call = task_call(call);
    let answer = work::call(
        request.parameter(0),
        &lease.into(),
        &step,
        usage.into(),
        &call,
    )?;
    ok(&task_answer(answer))
}

pub fn renew(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let renew: Renew = request.json()?;
    let held: Vec<_> = renew.leases.into_iter().map(Into::into).collect();
    let lost = work::renew(request.parameter(0), &held)?;
    ok(&Lost {
        lost: lost.into_iter().map(Into::into).collect(),
    })
}

pub fn audit_head(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&AuditHead::from(audit::runner_head(request.parameter(0))?))
}

pub fn audit(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let batch: AuditBatch = request.json_up_to(AUDIT_BYTES_MAX)?;
    let entries: Vec<_> = batch.entries.into_iter().map(Into::into).collect();
    let head = audit::append(request.parameter(0), &batch.previous.into(), &entries)?;
    ok(&AuditHead::from(head))
}
