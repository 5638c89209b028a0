//! What a command names by a path: a WebAssembly file of the workspace, or a script that says which program runs it.

use crate::Runner;
use crate::catalog::{Runnable, in_a_program_folder};
use crate::directories::{Opened, beneath};
use crate::files;
use cap_std::fs::File;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use swarm_flow_protocol::{Error, PROGRAM_BYTES_MAX};
use swarm_flow_sandbox::Program;

/// What runs, and with which arguments.
pub(crate) struct Executable<'a> {
    pub(crate) program: Program,
    /// Variables that it gets unless the command says otherwise.
    pub(crate) env: Option<&'a BTreeMap<String, String>>,
    pub(crate) ends_with_reader: bool,
    pub(crate) argv: Vec<String>,
}

/// How long the first line of a script may be, as on Linux.
const LINE_BYTES_MAX: u64 = 256;

impl Runner {
    /// Finds what `argv[0]` names: a program of the environment, or a file beneath a directory that is opened.
    pub(crate) async fn executable<'a>(
        &'a self,
        environment: &str,
        argv: Vec<String>,
        cwd: &str,
        opened: &[Opened<'_>],
    ) -> Result<Executable<'a>, Error> {
        let name = argv.first().map_or("", String::as_str);
        if !name.contains('/') || in_a_program_folder(name).is_some() {
            return self.named(environment, argv).await;
        }
        let file = find(name, cwd, opened)?;
        match read(file).map_err(|error| not_executable(name, &error.to_string()))? {
            Content::Wasm(bytes) => {
                let program = self.catalog().own(bytes).await;
                let program =
                    program.map_err(|error| not_executable(name, &format!("{error:#}")))?;
                Ok(Executable {
                    program,
                    env: None,
                    ends_with_reader: false,
                    argv,
                })
            }
            Content::Script(line) => {
                let argv = interpreted(&line, &argv)
                    .ok_or_else(|| not_executable(name, "its first line names no program"))?;
                self.named(environment, argv).await
            }
            Content::TooLarge => Err(not_executable(
                name,
                &format!("it is larger than {PROGRAM_BYTES_MAX} bytes"),
            )),
            Content::Other => Err(not_executable(
                name,
                "it is neither WebAssembly nor a script that begins with `#!`",
            )),
        }
    }

    async fn named(&self, environment: &str, argv: Vec<String>) -> Result<Executable<'_>, Error> {
        let name = argv.first().map_or("", String::as_str);
        let Runnable {
            program,
            env,
            ends_with_reader,
        } = self.catalog().program(environment, name).await?;
        Ok(Executable {
            program,
            env: Some(env),
            ends_with_reader,
            argv,
        })
    }
}

/// The field by which a caller knows that the file is there and is no program.
pub(crate) const FIELD: &str = "command[0]";

fn not_executable(name: &str, why: &str) -> Error {
    Error::Invalid {
        field: FIELD.to_owned(),
        message: format!("`{name}` cannot be run: {why}"),
    }
}

fn find(name: &str, cwd: &str, opened: &[Opened<'_>]) -> Result<File, Error> {
    let path = absolute(cwd, name);
    let missing = || Error::NotFound {
        kind: "program".to_owned(),
        id: name.to_owned(),
        known: Vec::new(),
    };
    let (host, relative) = opened
        .iter()
        .find_map(|(directory, host, _)| Some((host, beneath(&path, directory)?)))
        .ok_or_else(missing)?;
    match files::open(host, relative) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(missing()),
        Err(error) => Err(not_executable(name, &error.to_string())),
    }
}

/// Without `.` and `..`, which do not lead above the root.
fn absolute(cwd: &str, path: &str) -> String {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{cwd}/{path}")
    };
    let mut parts = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What a file begins with.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Wasm(Vec<u8>),
    /// What stands behind `#!` in the first line.
    Script(String),
    TooLarge,
    Other,
}

fn read(file: File) -> io::Result<Content> {
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    let mut reader = file;
    reader
        .by_ref()
        .take(LINE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    if let Some(rest) = bytes.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Ok(Content::Script(
            String::from_utf8_lossy(line).trim().to_owned(),
        ));
    }
    if !bytes.starts_with(b"\0asm") {
        return Ok(Content::Other);
    }
    if length > PROGRAM_BYTES_MAX {
        return Ok(Content::TooLarge);
    }
    // It may grow meanwhile.
    reader.take(PROGRAM_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Content::Wasm(bytes))
}

/// The arguments of the program that runs a script: its own one from the script's first line, the script, the rest.
fn interpreted(line: &str, argv: &[String]) -> Option<Vec<String>> {
    let (program, argument) = match line.split_once(char::is_whitespace) {
        Some((program, argument)) => (program, argument.trim()),
        None => (line, ""),
    };
    let name = program.rsplit('/').next().filter(|name| !name.is_empty())?;
    let mut all: Vec<String> = if name == "env" {
        // With `-S` it takes several; without, the kernel would hand over all as one.
        let words = argument.strip_prefix("-S").unwrap_or(argument);
        words.split_whitespace().map(str::to_owned).collect()
    } else {
        let argument = Some(argument).filter(|argument| !argument.is_empty());
        [name]
            .into_iter()
            .chain(argument)
            .map(str::to_owned)
            .collect()
    };
    if all.is_empty() {
        return None;
    }
    all.extend(argv.iter().cloned());
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_way_above_the_root() {
        for (cwd, path, expected) in [
            ("/workspace", "./a", "/workspace/a"),
            ("/workspace/b", "../a//c", "/workspace/a/c"),
            ("/workspace", "/tmp/./a", "/tmp/a"),
            ("/workspace", "../../../a", "/a"),
            ("/", "a/", "/a"),
        ] {
            assert_eq!(absolute(cwd, path), expected);
        }
    }

    #[test]
    fn a_script_names_its_program_as_scripts_do() {
        let run = |line: &str| {
            let argv = ["./s", "x"].map(str::to_owned);
            interpreted(line, &argv).map(|argv| argv.join("|"))
        };
        for (line, expected) in [
            ("/bin/sh", Some("sh|./s|x")),
            ("/bin/sh -e -u", Some("sh|-e -u|./s|x")),
            ("/usr/bin/env python3", Some("python3|./s|x")),
            ("/usr/bin/env -S python3 -I -u", Some("python3|-I|-u|./s|x")),
            ("/usr/bin/env", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(run(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_file_is_known_by_how_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let content = |bytes: &[u8]| {
            std::fs::write(folder.path().join("file"), bytes).unwrap();
            read(files::open(folder.path(), "file").unwrap().unwrap()).unwrap()
        };
        let script = |line: &str| Content::Script(line.to_owned());
        assert_eq!(content(b"#!/bin/sh\r\necho"), script("/bin/sh"));
        assert_eq!(content(b"#! /bin/sh -e"), script("/bin/sh -e"));
        assert_eq!(content(b"\0asm\x01"), Content::Wasm(b"\0asm\x01".to_vec()));
        for other in [&b""[..], b"#", b"\x7fELF"] {
            assert_eq!(content(other), Content::Other);
        }
        assert!(files::open(folder.path(), "missing").unwrap().is_none());
        assert!(files::open(folder.path(), ".").unwrap().is_none());
        assert!(files::open(folder.path(), "../etc/passwd").is_err());
    }
}
