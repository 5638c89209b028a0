//! `chmod`, `chown`, `chgrp`, `sync`. A sandbox's files have no modes and no owners: any program may be run, whatever
//! its file's mode, so there is nothing to change. A file that is not there is still an error.

use super::Call;
use swarm_flow_posix::reason;

pub fn main(call: &Call) -> i32 {
    if call.name == "sync" {
        return 0;
    }
    let mut quiet = false;
    let mut reference = false;
    let mut operands = Vec::new();
    for argument in &call.arguments {
        match argument.as_str() {
            "-f" | "--silent" | "--quiet" => quiet = true,
            "-R" | "-v" | "-c" | "-h" | "--recursive" | "--verbose" | "--changes" | "--"
            | "--no-dereference" => {}
            option if option.starts_with("--reference=") => reference = true,
            // `-x` and `-rw` are modes.
            other => operands.push(other),
        }
    }
    if !reference && !operands.is_empty() {
        operands.remove(0);
    }
    if operands.is_empty() {
        call.complain("missing operand");
        return 1;
    }
    let mut code = 0;
    for path in operands {
        if let Err(error) = std::fs::symlink_metadata(path) {
            code = 1;
            if !quiet {
                call.complain(&format!("cannot access '{path}': {}", reason(&error)));
            }
        }
    }
    code
}
