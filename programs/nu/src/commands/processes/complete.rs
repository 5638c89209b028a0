//! `complete`.

use super::pipe;
use crate::commands::ours::{Ours, error};
use nu_engine::command_prelude::*;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "complete",
            Category::System,
            "Capture the outputs and exit code from an external piped in command in a nushell table.",
            |signature| signature.input_output_types(vec![(Type::Any, Type::record())]),
            complete,
        )
        .examples(&[(
            "Run the external command to completion, capturing stdout, stderr, and exit_code",
            "^external arg1 | complete",
        )])
        .takes_outputs(),
    ]
}

fn complete(
    _: &EngineState,
    _: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let head = call.head;
    let not_external = || {
        error(
            "Complete only works with external commands",
            "complete only works on external commands",
            head,
        )
    };
    let stream = match input {
        PipelineData::ByteStream(stream, _) => stream,
        PipelineData::Value(Value::Error { error, .. }, _) => return Err(*error),
        _ => return Err(not_external()),
    };
    let running = pipe::of(&stream).and_then(|behind| behind.take());
    let mut running = running.ok_or_else(not_external)?;
    let stdout = running
        .finish()
        .map_err(|error| ShellError::from(IoError::new(error, head, None)))?;
    let stderr = running
        .programs
        .last_mut()
        .map(|program| std::mem::take(&mut program.kept));
    let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => Value::string(text, head),
        Err(error) => Value::binary(error.into_bytes(), head),
    };
    let record = record! {
        "stdout" => text(stdout),
        "stderr" => text(stderr.unwrap_or_default()),
        "exit_code" => Value::int(running.code().into(), head),
    };
    Ok(Value::record(record, head).into_pipeline_data())
}
