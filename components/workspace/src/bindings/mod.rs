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
use crate::{command, files, input, lifecycle, runners, store};
use generated::Component;
use generated::exports::swarm_flow::core::{
    events, runners as wit_runners, types, workspace as wit,
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

    fn exec(id: String, command: types::Command) -> Result<types::ExecResult, types::Error> {
        Ok(command::exec(&Spin, &Http, &id, command.into())?.into())
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
