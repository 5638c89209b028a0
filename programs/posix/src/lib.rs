//! What several of the command line tools need: how a tool starts, and POSIX regular expressions in the words of Rust's.

pub mod glob;
pub mod pattern;

use std::ffi::OsString;

/// The name by which the tool was called, and its arguments. It moves to the folder in which the caller started it.
pub fn start() -> (String, Vec<OsString>) {
    // A component begins in `/`, whatever folder was asked for.
    if let Some(folder) = std::env::var_os("PWD") {
        // A folder that is gone is noticed by whoever opens something in it.
        let _ = std::env::set_current_dir(folder);
    }
    let mut arguments = std::env::args_os();
    let name = name_of(&arguments.next().unwrap_or_default());
    (name, arguments.collect())
}

/// Answers `--version`, where that is all that is asked.
pub fn says_version(name: &str, arguments: &[OsString]) -> bool {
    let asked = matches!(arguments, [only] if only == "--version");
    if asked {
        println!("{name} (Swarm Flow) {}", env!("CARGO_PKG_VERSION"));
    }
    asked
}

/// `/bin/ls` and `ls.wasm` are both `ls`.
pub fn name_of(argument: &OsString) -> String {
    let text = argument.to_string_lossy();
    let name = text.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".wasm").unwrap_or(name).to_owned()
}

/// What an I/O error is called in C, without Rust's number behind it.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}
