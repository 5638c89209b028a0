//! The small tools of a Unix machine, as one program with many names.

mod upstream;

use std::ffi::OsString;
use swarm_flow_process::exit;
use upstream::Arguments;

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (name, arguments) = invocation(arguments);
    exit(run(&name, arguments.into_iter()))
}

fn run(name: &str, arguments: Arguments) -> i32 {
    let Some(entry) = upstream::find(name) else {
        eprintln!("coreutils: {name}: no such utility");
        return 127;
    };
    if let Err(error) = uucore::locale::setup_localization(name) {
        eprintln!("{name}: messages: {error}");
    }
    entry(arguments)
}

/// The utility that is meant: the name of the file, or the first argument of `coreutils`.
fn invocation(mut arguments: Vec<OsString>) -> (String, Vec<OsString>) {
    let mut name = file_name(arguments.first());
    if name == "coreutils" && arguments.len() > 1 {
        arguments.remove(0);
        name = file_name(arguments.first());
    }
    (name, arguments)
}

fn file_name(argument: Option<&OsString>) -> String {
    let text = argument.map(|argument| argument.to_string_lossy().into_owned());
    let text = text.unwrap_or_default();
    let name = text.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".wasm").unwrap_or(name).to_owned()
}
