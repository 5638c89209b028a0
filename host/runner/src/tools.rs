//! `swarm-flow:core/tools` for an agent: exec and files of the workspace that its task is about, under that
//! workspace's policy.

use crate::agent::bindings::swarm_flow::core::{inputs, tools, types};
use crate::approvals::Asked;
use crate::atomic::Atomic;
use crate::calls::{Parked, Reporter};
use crate::journal::{Call, Journal, Pending};
use crate::lease::Held;
use crate::spending::Spending;
use crate::{Runner, files};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use swarm_flow_audit::Recording;
use swarm_flow_policy::{Access, Policy};
use swarm_flow_protocol as protocol;

protocol::convert_types!(types);
protocol::convert_inputs!(inputs);

/// What an agent's tools work on.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) runner: Runner,
    pub(crate) workspace: String,
    pub(crate) environment: String,
    pub(crate) policy: Policy,
    /// Who asks, for the audit log: `agent:script`.
    pub(crate) actor: String,
    /// What came of the tasks that the agent's task needs.
    pub(crate) inputs: Vec<protocol::Input>,
    /// Takes what is decided about the tools themselves.
    pub(crate) recording: Option<Recording>,
    /// Of a task's attempt.
    pub(crate) journal: Option<Arc<Journal>>,
    /// Who knows of the other tasks of the run, and the lease by which it is asked.
    pub(crate) leased: Option<Held>,
    pub(crate) parked: Parked,
    pub(crate) reporter: Option<Reporter>,
    pub(crate) spending: Spending,
}

impl Tools {
    /// An agent's own file tools do no more than a program of the workspace could.
    pub(crate) fn granted(&self, path: &str, wanted: Access) -> Result<(), protocol::Error> {
        let decided = protocol::tool_decision(&self.policy(), path, wanted)?;
        if let Some(recording) = &self.recording {
            recording.record("filesystem", &decided.resource, &decided.decision);
        }
        decided.granted()
    }

    /// The workspace's: it may have been changed since the lease.
    pub(crate) fn policy(&self) -> Policy {
        let known = self.runner.workspaces().running.policy(&self.workspace);
        known.unwrap_or_else(|| self.policy.clone())
    }
}

impl types::Host for Tools {}

/// Makes a call, or gives what came of it before. An error ends the agent.
pub(crate) async fn journaled<R: Serialize + DeserializeOwned>(
    tools: &mut Tools,
    call: &'static str,
    request: impl Serialize,
    make: impl AsyncFnOnce(&mut Tools) -> R,
) -> wasmtime::Result<R> {
    let Some(journal) = tools.journal.clone() else {
        return Ok(make(tools).await);
    };
    match journal.call(call, &request)? {
        Call::Recorded(result) => Ok(serde_json::from_value(result)?),
        Call::New(pending) => {
            let result = make(tools).await;
            journal.record(pending, &result)?;
            Ok(result)
        }
    }
}

impl inputs::Host for Tools {
    async fn get(&mut self) -> wasmtime::Result<Vec<inputs::Input>> {
        let inputs = journaled(self, "inputs.get", (), async |tools| tools.inputs.clone()).await?;
        Ok(inputs.into_iter().map(Into::into).collect())
    }
}

impl tools::Host for Tools {
    async fn exec(
        &mut self,
        command: types::Command,
    ) -> wasmtime::Result<Result<types::ExecResult, types::Error>> {
        let mut request = protocol::ExecRequest {
            limits: (&command).into(),
            command: command.argv,
            stdin: command.stdin,
            env: command.env,
            cwd: command.cwd,
            environment: self.environment.clone(),
            policy: self.policy.clone(),
            policy_name: String::new(),
            revision: 0,
            actor: self.actor.clone(),
            approved: Some(Vec::new()),
            stream: false,
            stdin_stream: false,
        };
        match self.approved(&Asked::Exec(&request)).await? {
            Ok(approved) => request.approved = Some(approved),
            Err(error) => return Ok(Err(error.into())),
        }
        // What the platform adds to it may be another the next time, and says nothing of the agent.
        let asked = json!({
            "command": request.command, "stdin": digest(&request.stdin), "env": request.env,
            "cwd": request.cwd, "limits": request.limits,
        });
        let Some(journal) = self.journal.clone() else {
            let result = self.runner.exec(&self.workspace, request, None, None);
            return Ok(result.await.map(Into::into).map_err(Into::into));
        };
        let pending = match journal.call("tools.exec", &asked)? {
            Call::New(pending) => pending,
            Call::Recorded(result) => {
                let result: Result<protocol::ExecResult, protocol::Error> =
                    serde_json::from_value(result)?;
                if let Ok(result) = &result {
                    self.spending.add_cpu(result.cpu_ms);
                }
                return Ok(result.map(Into::into).map_err(Into::into));
            }
        };
        let cpu_ms_left = self.spending.cpu_ms_left();
        if cpu_ms_left == Some(0) {
            return Err(self.spending.exceed());
        }
        let asked_cpu_ms = request.limits.cpu_time_ms;
        request.limits.cpu_time_ms = least(asked_cpu_ms, cpu_ms_left);
        let key = journal.key(&pending);
        // Taken by the command when it is done; when it is never done, its error is what came of the call.
        let pending = Arc::new(Mutex::new(Some(pending)));
        let take = |pending: &Mutex<Option<Pending>>| {
            pending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
        };
        let commit = {
            let (journal, pending) = (journal.clone(), pending.clone());
            move |result: &protocol::ExecResult| match take(&pending) {
                Some(pending) => journal.record(pending, &Ok::<_, protocol::Error>(result)),
                None => Err(std::io::Error::other("the call was recorded before")),
            }
        };
        let atomic = Atomic {
            key,
            commit: Box::new(commit),
        };
        let exec = self
            .runner
            .exec(&self.workspace, request, None, Some(atomic));
        let result = exec.await;
        match (&result, take(&pending)) {
            (Err(_), Some(pending)) => journal.record(pending, &result)?,
            (Err(error), None) => wasmtime::bail!("the command could not be recorded: {error:?}"),
            (Ok(_), _) => {}
        }
        if let Ok(result) = &result {
            self.spending.add_cpu(result.cpu_ms);
            // Cut short by the budget and not by a limit of its own: what it would have come to is not known.
            if is_out_of_cpu(result) && self.spending.cpu_ms_left() == Some(0) {
                return Err(self.spending.exceed());
            }
        }
        Ok(result.map(Into::into).map_err(Into::into))
    }

    async fn read_file(&mut self, path: String) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        let read = journaled(self, "tools.read-file", &path, async |tools| {
            tools.granted(&path, Access::Read)?;
            let workspaces = tools.runner.workspaces();
            let (_, bytes) = files::read(workspaces, &tools.workspace, &path, 0, None)?;
            Ok::<_, protocol::Error>(BASE64.encode(&bytes))
        });
        // It was encoded by us, here or before a restart.
        let decoded = read.await?.map(|text| BASE64.decode(text));
        Ok(match decoded {
            Ok(bytes) => Ok(bytes?),
            Err(error) => Err(error.into()),
        })
    }

    async fn write_file(
        &mut self,
        path: String,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), types::Error>> {
        let wanted = Asked::WriteFile {
            path: &path,
            bytes: &bytes,
        };
        let approved = match self.approved(&wanted).await? {
            Ok(approved) => approved,
            Err(error) => return Ok(Err(error.into())),
        };
        let asked = json!({"path": path, "bytes": digest(&bytes)});
        let written = journaled(self, "tools.write-file", asked, async |tools| {
            tools.granted(&path, Access::ReadWrite)?;
            let disk_bytes_max = tools.policy().limits.disk_bytes;
            let workspaces = tools.runner.workspaces();
            let _changing = files::changing(workspaces, &tools.workspace, &path).await?;
            // A line may have come since, or a link.
            let paths = tools.paths(&path);
            protocol::write_approved(&tools.policy(), &paths, &approved)?.granted()?;
            files::write(workspaces, &tools.workspace, &path, &bytes, disk_bytes_max)?;
            Ok::<_, protocol::Error>(())
        });
        Ok(written.await?.map_err(Into::into))
    }

    async fn list_files(
        &mut self,
        path: String,
        recursive: bool,
    ) -> wasmtime::Result<Result<Vec<types::FileInfo>, types::Error>> {
        let asked = json!({"path": path, "recursive": recursive});
        let listed = journaled(self, "tools.list-files", asked, async |tools| {
            tools.granted(&path, Access::Read)?;
            let workspaces = tools.runner.workspaces();
            let workspace = &tools.workspace;
            let page = files::list(
                workspaces,
                workspace,
                &path,
                recursive,
                None,
                usize::MAX / 2,
            )?;
            Ok::<_, protocol::Error>(page.items)
        });
        let items = listed.await?;
        Ok(items
            .map(|items| items.into_iter().map(Into::into).collect())
            .map_err(Into::into))
    }
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

fn is_out_of_cpu(result: &protocol::ExecResult) -> bool {
    matches!(&result.outcome, protocol::Outcome::Limit { name, .. } if name == "cpu_time")
}

/// In a journal's request, where only equality matters.
fn digest(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| blake3::hash(bytes).to_hex().to_string())
}
