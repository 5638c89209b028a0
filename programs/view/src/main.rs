//! The small tools by which files are looked at, as one program with many names.

mod column;
mod file;
mod hexdump;
mod input;
mod pager;
mod tree;
mod xxd;

use std::io::{self, BufWriter, Write};

/// What a tool gets, and what it says at its end: an exit code, or why it failed.
type Tool = fn(&[String], &mut dyn Write) -> Result<i32, Failed>;

pub enum Failed {
    /// For people.
    Because(String),
    /// Who read the output needs no more.
    ReaderLeft,
}

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Self::Because(text)
    }
}

/// Of the output: inputs name their file.
impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderLeft,
            _ => Self::Because(format!("write error: {}", swarm_flow_posix::reason(&error))),
        }
    }
}

fn main() {
    let (mut name, arguments) = swarm_flow_posix::start();
    if swarm_flow_posix::says_version(&name, &arguments) {
        return;
    }
    let mut arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if name == "view" && !arguments.is_empty() {
        name = arguments.remove(0);
    }
    let tool: Tool = match name.as_str() {
        "column" => column::run,
        "file" => file::run,
        "hexdump" => hexdump::run,
        "hd" => |arguments, out| {
            let mut all = vec!["-C".to_owned()];
            all.extend(arguments.iter().cloned());
            hexdump::run(&all, out)
        },
        "tree" => tree::run,
        "xxd" => xxd::run,
        _ => pager::run,
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    let result = tool(&arguments, &mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    let code = match result {
        Ok(code) => code,
        Err(Failed::ReaderLeft) => 0,
        Err(Failed::Because(text)) => {
            // What came before the failure is of use.
            _ = out.flush();
            eprintln!("{name}: {text}");
            1
        }
    };
    swarm_flow_process::exit(code)
}
