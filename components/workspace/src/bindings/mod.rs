//! What the world `workspace-component` wants, and nothing of our own: each function turns WIT's words into ours,
//! calls the module that does it, and turns the result back.

#[allow(
    clippy::all,
    missing_docs,
    unsafe_op_in_unsafe_fn,
    reason = "generated code"
)]
mod generated {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "swarm-flow:core/workspace-component@2.0.0",
        generate_all,
    });
    export!(Component with_types_in self);
    pub struct Component;
}

mod convert;

use crate::execution::Execution;
use crate::{audit, command, files, input, lifecycle, policies, programs, runners, secrets, store};
use generated::Component;
use generated::exports::swarm_flow::core::{
    audit as wit_audit, events, policies as wit_policies, policy, programs as wit_programs,
    runners as wit_runners, secrets as wit_secrets, types, workspace as wit,
};
use std::cell::RefCell;
use swarm_flow_state::{Spin, events_after, now_ms};
use swarm_flow_wire::{Body, Http};

impl wit::Guest for Component {
    type Execution = Running;

    fn create(config: wit::WorkspaceConfig) -> Result<wit::Workspace, types::Error> {
        Ok(lifecycle::create(&Spin, &Http, config.into())?.into())
    }

    fn get(id: String) -> Result<wit::Workspace, types::Error> {
        Ok(lifecycle::get(&Spin, &id)?.into())
    }

    fn list(page: types::PageRequest) -> Result<wit::WorkspacePage, types::Error> {
        let page = store::list(&Spin, &page.into())?;
        Ok(wit::WorkspacePage {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next,
        })
    }

    fn start(id: String) -> Result<wit::Workspace, types::Error> {
        Ok(lifecycle::start(&Spin, &id)?.into())
    }

    fn stop(id: String) -> Result<wit::Workspace, types::Error> {
        Ok(lifecycle::stop(&Spin, &Http, &id)?.into())
    }

    fn delete(id: String) -> Result<(), types::Error> {
        Ok(lifecycle::delete(&Spin, &Http, &id)?)
    }

    fn set_policy(id: String, change: wit::PolicyChange) -> Result<wit::Workspace, types::Error> {
        Ok(lifecycle::set_policy(&Spin, &Http, &id, change.into())?.into())
    }

    fn exec(id: String, command: types::Command) -> Result<types::ExecResult, types::Error> {
        Ok(command::exec(&Spin, &Http, &id, command.into())?.into())
    }

    fn exec_for_agent(
        id: String,
        command: types::Command,
    ) -> Result<types::ExecResult, types::Error> {
        Ok(command::exec_for_agent(&Spin, &Http, &id, command.into())?.into())
    }

    fn exec_stream(
        id: String,
        command: types::Command,
        stdin_stream: bool,
    ) -> Result<wit::Execution, types::Error> {
        let (pieces, runner) = command::open(&Spin, &Http, &id, command.into(), stdin_stream)?;
        Ok(wit::Execution::new(Running(RefCell::new(Execution::new(
            pieces, runner,
        )))))
    }

    fn write_stdin(
        id: String,
        exec_id: String,
        piece: wit::StdinPiece,
    ) -> Result<u64, types::Error> {
        let piece = input::Piece {
            bytes: piece.bytes,
            last: piece.last,
            offset: piece.offset,
            wait_ms: piece.wait_ms,
        };
        Ok(input::write(&Spin, &Http, &id, &exec_id, piece)?)
    }

    fn read_file(
        id: String,
        path: String,
        range: Option<wit::ByteRange>,
    ) -> Result<wit::FileContent, types::Error> {
        let range = range.map(|range| files::ByteRange {
            offset: range.offset,
            length: range.length,
        });
        let content = files::read(&Spin, &Http, &id, &path, range)?;
        Ok(wit::FileContent {
            info: content.info.into(),
            offset: content.offset,
            bytes: content.bytes,
        })
    }

    fn write_file(
        id: String,
        path: String,
        bytes: Vec<u8>,
    ) -> Result<(types::FileInfo, bool), types::Error> {
        let written = files::write(&Spin, &Http, &id, &path, bytes)?;
        Ok((written.file.into(), written.created))
    }

    fn delete_file(id: String, path: String) -> Result<(), types::Error> {
        Ok(files::delete(&Spin, &Http, &id, &path)?)
    }

    fn list_files(
        id: String,
        path: String,
        recursive: bool,
        page: types::PageRequest,
    ) -> Result<wit::FilePage, types::Error> {
        let page = files::list(&Spin, &Http, &id, &path, recursive, &page.into())?;
        Ok(wit::FilePage {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next,
        })
    }
}

/// A command that runs, as the resource `execution`.
pub struct Running(RefCell<Execution<Body>>);

impl wit::GuestExecution for Running {
    fn next(&self) -> Result<Option<wit::ExecEvent>, types::Error> {
        Ok(self.0.borrow_mut().next()?.map(Into::into))
    }
}

impl wit_runners::Guest for Component {
    fn join(registration: wit_runners::Registration) -> Result<wit_runners::Runner, types::Error> {
        Ok(convert::runner(
            runners::join(&Spin, registration.into())?,
            now_ms(),
        ))
    }

    fn heartbeat(id: String) -> Result<(), types::Error> {
        Ok(runners::heartbeat(&Spin, &id)?)
    }

    fn leave(id: String) -> Result<(), types::Error> {
        Ok(runners::leave(&Spin, &id)?)
    }

    fn list() -> Result<Vec<wit_runners::Runner>, types::Error> {
        let now_ms = now_ms();
        Ok(store::runners(&Spin)?
            .into_iter()
            .map(|runner| convert::runner(runner, now_ms))
            .collect())
    }

    fn workspaces(id: String) -> Result<Vec<String>, types::Error> {
        Ok(store::held(&Spin, &id)?)
    }
}

impl wit_programs::Guest for Component {
    fn add(
        name: String,
        version: Option<String>,
        digest: Option<String>,
        agent: bool,
        bytes: Vec<u8>,
    ) -> Result<wit_programs::Added, types::Error> {
        let new = programs::New {
            name,
            version,
            digest,
            agent,
            bytes,
        };
        Ok(programs::add(&Spin, &Http, new)?.into())
    }

    fn get(name: String) -> Result<wit_programs::Offered, types::Error> {
        Ok(programs::get(&Spin, &Http, &name)?.into())
    }

    fn remove(name: String) -> Result<(), types::Error> {
        Ok(programs::remove(&Spin, &Http, &name)?)
    }
}

impl events::Guest for Component {
    fn after(
        id: u64,
        stream: Option<String>,
        limit: u32,
    ) -> Result<Vec<events::Event>, types::Error> {
        let limit = limit.clamp(1, crate::model::PAGE_ITEMS_MAX);
        let found =
            events_after(&Spin, id, stream.as_deref(), limit).map_err(crate::fault::database)?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

impl wit_policies::Guest for Component {
    fn put(
        name: String,
        policy: policy::Policy,
        expected_version: Option<u32>,
    ) -> Result<(wit_policies::StoredPolicy, bool), types::Error> {
        let (stored, made) = policies::put(&Spin, &name, policy.into(), expected_version)?;
        Ok((stored.into(), made))
    }

    fn get(name: String, version: Option<u32>) -> Result<wit_policies::StoredPolicy, types::Error> {
        Ok(policies::get(&Spin, &name, version)?.into())
    }

    fn list(page: types::PageRequest) -> Result<wit_policies::PolicyPage, types::Error> {
        Ok(policies::list(&Spin, &page.into())?.into())
    }

    fn versions(
        name: String,
        page: types::PageRequest,
    ) -> Result<wit_policies::PolicyPage, types::Error> {
        Ok(policies::versions(&Spin, &name, &page.into())?.into())
    }

    fn delete(name: String) -> Result<(), types::Error> {
        Ok(policies::delete(&Spin, &name)?)
    }
}

impl wit_secrets::Guest for Component {
    fn put(
        workspace: String,
        name: String,
        binding: wit_secrets::Binding,
        value: String,
    ) -> Result<(wit_secrets::Secret, bool), types::Error> {
        let (secret, new) = secrets::put(&Spin, &Http, &workspace, &name, binding.into(), value)?;
        Ok((secret.into(), new))
    }

    fn list(workspace: String) -> Result<Vec<wit_secrets::Secret>, types::Error> {
        let found = secrets::list(&Spin, &workspace)?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    fn delete(workspace: String, name: String) -> Result<(), types::Error> {
        Ok(secrets::delete(&Spin, &Http, &workspace, &name)?)
    }
}

impl wit_audit::Guest for Component {
    fn runner_head(runner: String) -> Result<wit_audit::Head, types::Error> {
        Ok(audit::runner_head(&Spin, &runner)?.into())
    }

    fn append(
        runner: String,
        previous: wit_audit::Head,
        entries: Vec<wit_audit::Entry>,
    ) -> Result<wit_audit::Head, types::Error> {
        let entries = entries.into_iter().map(Into::into).collect();
        Ok(audit::append(&Spin, &runner, &previous.into(), entries)?.into())
    }

    fn query(
        filter: wit_audit::Filter,
        page: types::PageRequest,
    ) -> Result<wit_audit::RecordPage, types::Error> {
        let page = audit::query(&Spin, &filter.into(), &page.into())?;
        Ok(wit_audit::RecordPage {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next,
        })
    }

    fn after(
        id: u64,
        filter: wit_audit::Filter,
        limit: u32,
    ) -> Result<Vec<events::Event>, types::Error> {
        let limit = limit.clamp(1, crate::model::PAGE_ITEMS_MAX);
        let found = audit::after(&Spin, id, &filter.into(), limit)?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}
