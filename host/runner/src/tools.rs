//! `swarm-flow:core/tools` for an agent: exec and files of the workspace that its task is about, under that
//! workspace's policy.

use crate::agent::bindings::swarm_flow::core::{inputs, tools, types};
use crate::{Runner, files};
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
}

impl Tools {
    /// An agent's own file tools do no more than a program of the workspace could.
    fn granted(&self, path: &str, wanted: Access) -> Result<(), types::Error> {
        let decided = protocol::tool_decision(&self.policy(), path, wanted)?;
        if let Some(recording) = &self.recording {
            recording.record("filesystem", &decided.resource, &decided.decision);
        }
        Ok(decided.granted()?)
    }

    /// The workspace's: it may have been changed since the lease.
    fn policy(&self) -> Policy {
        let known = self.runner.workspaces().running.policy(&self.workspace);
        known.unwrap_or_else(|| self.policy.clone())
    }
}

impl types::Host for Tools {}

impl inputs::Host for Tools {
    async fn get(&mut self) -> Vec<inputs::Input> {
        self.inputs.iter().cloned().map(Into::into).collect()
    }
}

impl tools::Host for Tools {
    async fn exec(&mut self, command: types::Command) -> Result<types::ExecResult, types::Error> {
        let request = protocol::ExecRequest {
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
            stream: false,
            stdin_stream: false,
        };
        let result = self.runner.exec(&self.workspace, request, None).await;
        Ok(result?.into())
    }

    async fn read_file(&mut self, path: String) -> Result<Vec<u8>, types::Error> {
        self.granted(&path, Access::Read)?;
        let (_, bytes) = files::read(self.runner.workspaces(), &self.workspace, &path, 0, None)?;
        Ok(bytes.into())
    }

    async fn write_file(&mut self, path: String, bytes: Vec<u8>) -> Result<(), types::Error> {
        self.granted(&path, Access::ReadWrite)?;
        let disk_bytes_max = self.policy().limits.disk_bytes;
        let workspaces = self.runner.workspaces();
        files::write(workspaces, &self.workspace, &path, &bytes, disk_bytes_max)?;
        Ok(())
    }

    async fn list_files(
        &mut self,
        path: String,
        recursive: bool,
    ) -> Result<Vec<types::FileInfo>, types::Error> {
        self.granted(&path, Access::Read)?;
        let page = files::list(
            self.runner.workspaces(),
            &self.workspace,
            &path,
            recursive,
            None,
            usize::MAX / 2,
        )?;
        Ok(page.items.into_iter().map(Into::into).collect())
    }
}
