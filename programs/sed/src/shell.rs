//! Commands that a script runs.

use crate::Failed;
use std::io::Read;
use swarm_flow_process::{Command, SpawnError, pipe, read};

pub fn output(command: &str) -> Result<Vec<u8>, Failed> {
    let (reader, writer) = pipe();
    let child = Command::new(["sh", "-c", command])
        .stdout(Some(&writer))
        .spawn()
        .map_err(|error| Failed::new(4, format!("cannot run `{command}`: {}", why(error))))?;
    drop(writer);
    let mut output = Vec::new();
    read(&reader).read_to_end(&mut output)?;
    child.wait();
    Ok(output)
}

fn why(error: SpawnError) -> String {
    match error {
        SpawnError::NotFound(_) => "there is no program `sh`".to_owned(),
        SpawnError::NotExecutable(why)
        | SpawnError::NoRoom(why)
        | SpawnError::Invalid(why)
        | SpawnError::Failed(why) => why,
    }
}
