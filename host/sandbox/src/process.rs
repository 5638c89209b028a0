//! `swarm-flow:core/process` for a guest: pipes, and programs that it starts.

use crate::family::{Child, ChildEnd, ChildOutcome, Family, SpawnError, Start};
use crate::guest::Guest;
use crate::input::Input;
use crate::live::Bounds;
use crate::meter::Meter;
use crate::output::Output;
use crate::pipe::{PIPE_BYTES, pipe};
use crate::shared::{SharedInput, SharedOutput};
use bindings::swarm_flow::core::{process, types};
use bytes::Bytes;
use std::sync::Arc;
use swarm_flow_policy::Limit;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime::{Result, bail};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{StdinStream as _, StdoutStream as _};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, subscribe};

mod bindings {
    //! What the WIT interface `process` is in Rust.

    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package swarm-flow:sandbox;
            world processes {
                import swarm-flow:core/process@2.0.0;
            }
        ",
        imports: {
            "swarm-flow:core/process.spawn": async | trappable,
            default: trappable,
        },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "swarm-flow:core/process.reader": crate::input::Input,
            "swarm-flow:core/process.writer": crate::output::Output,
            "swarm-flow:core/process.child": crate::family::Child,
        },
        require_store_data_send: true,
    });
}

/// A guest's own place among the programs of its command.
pub(crate) struct Processes {
    pub(crate) stdin: Input,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    /// Nothing can be started without one.
    pub(crate) family: Option<Family>,
}

/// What a program may be started with, arguments and variables.
const ARGUMENTS_MAX: usize = 4_096;
const ARGUMENT_BYTES_MAX: usize = 1 << 20;

pub(crate) fn add_to_linker<T: Send + 'static>(linker: &mut Linker<Guest<T>>) -> Result<()> {
    process::add_to_linker::<Guest<T>, View>(linker, view)?;
    types::add_to_linker::<Guest<T>, View>(linker, view)
}

fn view<T: Send>(guest: &mut Guest<T>) -> ProcessView<'_> {
    ProcessView {
        table: guest.wasi.ctx().table,
        processes: &guest.processes,
        meter: &guest.meter,
        bounds: &guest.bounds,
    }
}

struct View;

impl HasData for View {
    type Data<'a> = ProcessView<'a>;
}

struct ProcessView<'a> {
    table: &'a mut ResourceTable,
    processes: &'a Processes,
    meter: &'a Arc<Meter>,
    bounds: &'a Bounds,
}

impl types::Host for ProcessView<'_> {}

impl ProcessView<'_> {
    fn reader(&mut self, input: Input) -> Result<Resource<Input>> {
        Ok(self.table.push(input)?)
    }

    fn writer(&mut self, output: Output) -> Result<Resource<Output>> {
        Ok(self.table.push(output)?)
    }

    fn output(&self, writer: Option<Resource<Output>>) -> Result<Output> {
        match writer {
            Some(writer) => Ok(self.table.get(&writer)?.clone()),
            None => Ok(Output::nowhere()),
        }
    }
}

impl process::HostReader for ProcessView<'_> {
    fn from_stream(&mut self, stream: Resource<DynInputStream>) -> Result<Resource<Input>> {
        let stream = self.table.delete(stream)?;
        self.reader(Input::shared(SharedInput::new(stream)))
    }

    fn copy(&mut self, reader: Resource<Input>) -> Result<Resource<Input>> {
        let copy = self.table.get(&reader)?.clone();
        self.reader(copy)
    }

    fn stream(&mut self, reader: Resource<Input>) -> Result<Resource<DynInputStream>> {
        let stream: DynInputStream = self.table.get(&reader)?.p2_stream();
        Ok(self.table.push(stream)?)
    }

    fn drop(&mut self, reader: Resource<Input>) -> Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl process::HostWriter for ProcessView<'_> {
    fn from_stream(&mut self, stream: Resource<DynOutputStream>) -> Result<Resource<Output>> {
        let stream = self.table.delete(stream)?;
        self.writer(Output::shared(SharedOutput::new(stream)))
    }

    fn copy(&mut self, writer: Resource<Output>) -> Result<Resource<Output>> {
        let copy = self.table.get(&writer)?.clone();
        self.writer(copy)
    }

    fn stream(&mut self, writer: Resource<Output>) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = self.table.get(&writer)?.p2_stream();
        Ok(self.table.push(stream)?)
    }

    fn drop(&mut self, writer: Resource<Output>) -> Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}

impl process::HostChild for ProcessView<'_> {
    fn id(&mut self, child: Resource<Child>) -> Result<u32> {
        Ok(self.table.get(&child)?.id)
    }

    fn subscribe(&mut self, child: Resource<Child>) -> Result<Resource<DynPollable>> {
        subscribe(self.table, child)
    }

    fn end(&mut self, child: Resource<Child>) -> Result<Option<process::End>> {
        Ok(self.table.get(&child)?.end().map(end))
    }

    fn kill(&mut self, child: Resource<Child>) -> Result<()> {
        self.table.get(&child)?.kill();
        Ok(())
    }

    fn drop(&mut self, child: Resource<Child>) -> Result<()> {
        self.table.delete(child)?;
        Ok(())
    }
}

impl process::Host for ProcessView<'_> {
    fn stdin(&mut self) -> Result<Resource<Input>> {
        self.reader(self.processes.stdin.clone())
    }

    fn stdout(&mut self) -> Result<Resource<Output>> {
        self.writer(self.processes.stdout.clone())
    }

    fn stderr(&mut self) -> Result<Resource<Output>> {
        self.writer(self.processes.stderr.clone())
    }

    fn pipe(&mut self) -> Result<(Resource<Input>, Resource<Output>)> {
        let memory_bytes_max = self.bounds.of(Limit::MemoryBytes);
        let Some(charge) = self.meter.charge(PIPE_BYTES as u64, memory_bytes_max) else {
            bail!("there is no memory for another pipe");
        };
        let (input, output) = pipe(charge);
        Ok((self.reader(input)?, self.writer(output)?))
    }

    async fn spawn(
        &mut self,
        command: process::Command,
    ) -> Result<Result<Resource<Child>, process::SpawnError>> {
        if let Err(message) = check(&command) {
            return Ok(Err(process::SpawnError::Invalid(message)));
        }
        let Some(family) = &self.processes.family else {
            let message = "this sandbox has no other programs".to_owned();
            return Ok(Err(process::SpawnError::NotFound(message)));
        };
        let start = Start {
            family: family.child(),
            stdin: match command.stdin {
                Some(reader) => self.table.get(&reader)?.clone(),
                None => Input::bytes(Bytes::new()),
            },
            stdout: self.output(command.stdout)?,
            stderr: self.output(command.stderr)?,
            argv: command.argv,
            env: command.env,
            cwd: command.cwd,
        };
        match family.spawner().spawn(start).await {
            Ok(child) => Ok(Ok(self.table.push(child)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn id(&mut self) -> Result<u32> {
        Ok(self.processes.family.as_ref().map_or(1, Family::id))
    }

    fn programs(&mut self) -> Result<Vec<String>> {
        let family = self.processes.family.as_ref();
        Ok(family.map_or_else(Vec::new, |family| family.spawner().programs()))
    }
}

/// What is wrong with a command, for people.
fn check(command: &process::Command) -> Result<(), String> {
    let variables = command.env.iter();
    let bytes = command.argv.iter().map(String::len).sum::<usize>()
        + variables
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
    let has_nul = |text: &String| text.contains('\0');
    if command.argv.first().is_none_or(String::is_empty) {
        return Err("argv[0] names no program".to_owned());
    }
    if command.argv.len() > ARGUMENTS_MAX {
        return Err(format!(
            "{} arguments; a program takes {ARGUMENTS_MAX} at most",
            command.argv.len()
        ));
    }
    if bytes > ARGUMENT_BYTES_MAX {
        return Err(format!(
            "arguments and variables of {bytes} bytes; a program takes {ARGUMENT_BYTES_MAX} at most"
        ));
    }
    if command.argv.iter().any(has_nul) {
        return Err("an argument has a zero byte".to_owned());
    }
    let named = |(name, value): &(String, String)| {
        !name.is_empty() && !name.contains('=') && !has_nul(name) && !has_nul(value)
    };
    if !command.env.iter().all(named) {
        return Err("a variable has no name, or `=` or a zero byte where it may not be".to_owned());
    }
    if !command.cwd.starts_with('/') {
        return Err(format!("cwd `{}` is not an absolute path", command.cwd));
    }
    Ok(())
}

impl From<SpawnError> for process::SpawnError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NotFound(message) => Self::NotFound(message),
            SpawnError::NotExecutable(message) => Self::NotExecutable(message),
            SpawnError::NoRoom(message) => Self::NoRoom(message),
            SpawnError::Invalid(message) => Self::Invalid(message),
            SpawnError::Failed(message) => Self::Failed(message),
        }
    }
}

fn end(end: ChildEnd) -> process::End {
    let outcome = match end.outcome {
        ChildOutcome::Exited => types::Outcome::Exited,
        ChildOutcome::Trapped(message) => types::Outcome::Trapped(message),
        ChildOutcome::Limit {
            name,
            used,
            allowed,
        } => types::Outcome::Limit(types::LimitHit {
            name: name.to_owned(),
            used,
            allowed,
        }),
        ChildOutcome::Cancelled => types::Outcome::Cancelled,
    };
    process::End {
        exit_code: end.exit_code,
        outcome,
    }
}
