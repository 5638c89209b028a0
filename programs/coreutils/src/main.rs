//! The small tools of a Unix machine, as one program with many names.

mod own;
mod upstream;

use std::ffi::OsString;
use swarm_flow_process::exit;

fn main() {
    let (mut name, mut arguments) = swarm_flow_posix::start();
    if name == "coreutils" && !arguments.is_empty() {
        name = swarm_flow_posix::name_of(&arguments.remove(0));
    }
    exit(match own::find(&name) {
        Some(entry) => entry(&own::Call {
            arguments: texts(&arguments),
            name,
        }),
        None => {
            let first = std::iter::once(OsString::from(&name));
            upstream_main(&name, first.chain(arguments).collect())
        }
    })
}

/// Runs a utility of upstream's; its name comes first.
fn upstream_main(name: &str, arguments: Vec<OsString>) -> i32 {
    let Some(entry) = upstream::find(name) else {
        eprintln!("coreutils: {name}: no such utility");
        return 127;
    };
    // `[` and the kin of `ls` speak by their family's messages.
    let messages = match name {
        "[" => "test",
        "dir" | "vdir" => "ls",
        other => other,
    };
    if let Err(error) = uucore::locale::setup_localization(messages) {
        eprintln!("{name}: messages: {error}");
    }
    entry(arguments.into_iter())
}

fn texts(arguments: &[OsString]) -> Vec<String> {
    arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect()
}
