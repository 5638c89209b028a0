//! Standard output in large pieces.

use std::cell::RefCell;
use std::io::{self, BufWriter, Stdout, Write};

thread_local! {
    static OUT: RefCell<BufWriter<Stdout>> = RefCell::new(BufWriter::with_capacity(1 << 16, io::stdout()));
}

/// What a program is told that writes to a pipe without a reader.
const PIPE_CLOSED: i32 = 141;

pub fn put(bytes: impl AsRef<[u8]>) {
    OUT.with(|out| checked(out.borrow_mut().write_all(bytes.as_ref())));
}

pub fn flush() {
    OUT.with(|out| checked(out.borrow_mut().flush()));
}

/// Writes to standard error, behind what was written to standard output.
pub fn warn(text: impl AsRef<str>) {
    flush();
    eprintln!("{}", text.as_ref());
}

fn checked(result: io::Result<()>) {
    if let Err(error) = result {
        match error.kind() {
            io::ErrorKind::BrokenPipe => swarm_flow_process::exit(PIPE_CLOSED),
            _ => {
                eprintln!(
                    "fatal: write failure on standard output: {}",
                    swarm_flow_posix::reason(&error)
                );
                swarm_flow_process::exit(128)
            }
        }
    }
}

/// `println!` into the buffer.
macro_rules! say {
    ($($argument:tt)*) => {{
        let mut line = format!($($argument)*);
        line.push('\n');
        $crate::out::put(line)
    }};
}

pub(crate) use say;
