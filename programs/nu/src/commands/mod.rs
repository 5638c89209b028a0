//! Our commands: in place of those of upstream that need an operating system.

mod absent;
mod files;
mod network;
mod ours;
mod output;
mod processes;
mod sequential;
mod system;

pub use processes::failure;

use nu_protocol::engine::{EngineState, StateWorkingSet};
use nu_protocol::{ByteStream, ByteStreamType, PipelineData, Signals, Span};

pub fn add(mut engine: EngineState) -> EngineState {
    let mut working_set = StateWorkingSet::new(&engine);
    let commands = [
        files::commands(),
        processes::commands(),
        network::commands(),
        output::commands(),
        sequential::commands(),
        system::commands(),
        absent::commands(),
    ];
    for command in commands.into_iter().flatten() {
        working_set.add_decl(Box::new(command));
    }
    working_set.add_decl(Box::new(files::Expand));
    let delta = working_set.render();
    if let Err(error) = engine.merge_delta(delta) {
        eprintln!("Error: commands are missing: {error}");
    }
    engine
}

/// What is read from standard input, as it comes.
pub fn standard_input(span: Span) -> PipelineData {
    let stream = ByteStream::read(
        std::io::stdin(),
        span,
        Signals::empty(),
        ByteStreamType::Unknown,
    );
    PipelineData::byte_stream(stream, None)
}
