//! Where `print` writes: standard output, files, commands.

use crate::syntax::Redirect;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use swarm_flow_process::{Child, Command, SpawnError};

enum Target {
    File(BufWriter<File>),
    Standard(io::Stderr),
    Command(Box<dyn Write>, Child),
}

pub struct Outputs {
    pub standard: BufWriter<io::Stdout>,
    open: HashMap<String, Target>,
}

impl Outputs {
    pub fn new() -> Self {
        Self {
            standard: BufWriter::with_capacity(1 << 16, io::stdout()),
            open: HashMap::new(),
        }
    }

    pub fn write(&mut self, to: Option<(Redirect, &str)>, text: &str) -> Result<(), String> {
        let Some((redirect, name)) = to.filter(|(_, name)| !matches!(*name, "/dev/stdout" | "-"))
        else {
            return self.standard.write_all(text.as_bytes()).map_err(said);
        };
        if !self.open.contains_key(name) {
            self.standard.flush().map_err(said)?;
            let target = open(redirect, name)?;
            self.open.insert(name.to_owned(), target);
        }
        let written = match self.open.get_mut(name) {
            Some(Target::File(file)) => file.write_all(text.as_bytes()),
            Some(Target::Standard(stderr)) => stderr.write_all(text.as_bytes()),
            Some(Target::Command(pipe, _)) => pipe.write_all(text.as_bytes()),
            None => Ok(()),
        };
        match written {
            // The command needs no more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(said),
        }
    }

    pub fn flush(&mut self) -> Result<(), String> {
        self.standard.flush().map_err(said)?;
        for target in self.open.values_mut() {
            if let Target::File(file) = target {
                file.flush().map_err(said)?;
            }
        }
        Ok(())
    }

    /// None if nothing of that name is open.
    pub fn close(&mut self, name: &str) -> Option<i32> {
        self.open.remove(name).map(end)
    }

    pub fn close_all(&mut self) -> Result<(), String> {
        let flushed = self.flush();
        self.open.drain().for_each(|(_, target)| {
            end(target);
        });
        flushed
    }
}

fn end(target: Target) -> i32 {
    match target {
        Target::File(mut file) => file.flush().map_or(-1, |()| 0),
        Target::Standard(_) => 0,
        Target::Command(pipe, child) => {
            drop(pipe);
            i32::from(child.wait().exit_code)
        }
    }
}

fn open(redirect: Redirect, name: &str) -> Result<Target, String> {
    if redirect == Redirect::Pipe {
        let (reader, writer) = swarm_flow_process::pipe();
        let child = Command::new(["sh", "-c", name])
            .stdin(Some(&reader))
            .spawn()
            .map_err(spawn_error)?;
        let pipe = swarm_flow_process::write(&writer);
        return Ok(Target::Command(Box::new(pipe), child));
    }
    if name == "/dev/stderr" {
        return Ok(Target::Standard(io::stderr()));
    }
    let append = redirect == Redirect::Append;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .append(append)
        .truncate(!append)
        .open(name);
    let file = file.map_err(|error| {
        format!(
            "can't redirect to {name}: {}",
            swarm_flow_posix::reason(&error)
        )
    })?;
    Ok(Target::File(BufWriter::new(file)))
}

pub fn spawn_error(error: SpawnError) -> String {
    match error {
        SpawnError::NotFound(_) => "no shell: there is no program `sh`".to_owned(),
        SpawnError::NotExecutable(why)
        | SpawnError::NoRoom(why)
        | SpawnError::Invalid(why)
        | SpawnError::Failed(why) => {
            format!("cannot start a shell: {why}")
        }
    }
}

/// The name of the error by which a reader that left is known.
pub const READER_LEFT: &str = "the reader left";

fn said(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::BrokenPipe => READER_LEFT.to_owned(),
        _ => format!("write error: {}", swarm_flow_posix::reason(&error)),
    }
}
