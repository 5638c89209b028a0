//! `bc`: numbers of any length.

mod library;
mod machine;
mod number;
mod parse;
mod syntax;

use machine::{Flow, Machine};
use parse::Parser;
use std::io::{self, BufWriter, Write};

fn main() {
    let (name, arguments) = swarm_flow_posix::start();
    if swarm_flow_posix::says_version(&name, &arguments) {
        return;
    }
    let mut library = false;
    let mut files = Vec::new();
    for argument in &arguments {
        match &*argument.to_string_lossy() {
            "-l" | "--mathlib" => library = true,
            "-lq" | "-ql" => library = true,
            "-q" | "--quiet" | "-s" | "--standard" | "-w" | "-i" => {}
            "-h" | "--help" => {
                println!("usage: bc [-l] [FILE...]");
                swarm_flow_process::exit(0);
            }
            other if other.starts_with('-') && other.len() > 1 => {
                eprintln!("bc: unknown option {other}");
                swarm_flow_process::exit(1);
            }
            file => files.push(file.to_owned()),
        }
    }
    files.push("-".to_owned());
    let mut machine = Machine::new(library, BufWriter::new(io::stdout()));
    let mut code = 0;
    for file in &files {
        match source(file) {
            Ok(text) => {
                if run(&mut machine, &text) {
                    break;
                }
            }
            Err(error) => {
                eprintln!("bc: {file}: {}", swarm_flow_posix::reason(&error));
                code = 1;
                break;
            }
        }
    }
    machine.flush();
    swarm_flow_process::exit(code)
}

fn source(file: &str) -> io::Result<String> {
    let bytes = match file {
        "-" => {
            let mut bytes = Vec::new();
            io::copy(&mut io::stdin(), &mut bytes)?;
            bytes
        }
        file => std::fs::read(file)?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether it said to quit.
fn run<W: Write>(machine: &mut Machine<W>, text: &str) -> bool {
    let mut parser = match Parser::new(text) {
        Ok(parser) => parser,
        Err(error) => {
            eprintln!("bc: {error}");
            return false;
        }
    };
    while let Some(statement) = parser.next() {
        let result = statement.and_then(|statement| machine.run(&statement));
        match result {
            Ok(Flow::Quit) => return true,
            Ok(_) => {}
            Err(error) => {
                machine.flush();
                eprintln!("bc: {error}");
            }
        }
    }
    false
}
