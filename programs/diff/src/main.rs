//! `diff`, `cmp` and `patch`, in GNU's forms.

mod compare;
mod folders;
mod options;
mod patch;
mod print;

use swarm_flow_process::exit;

fn main() {
    let (name, arguments) = swarm_flow_posix::start();
    if swarm_flow_posix::says_version(&name, &arguments) {
        return;
    }
    let arguments: Vec<String> = arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    exit(match name.as_str() {
        "cmp" => compare::main(&arguments),
        "patch" => patch::main(&arguments),
        _ => diff(&arguments),
    })
}

fn diff(arguments: &[String]) -> i32 {
    match options::parse(arguments) {
        Ok(options) => folders::compare(&options),
        Err(error) => {
            eprintln!("diff: {error}\ndiff: Try 'diff --help' for more information.");
            2
        }
    }
}
