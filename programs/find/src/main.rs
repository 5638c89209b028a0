//! `find` and `xargs`, with GNU's options.

mod evaluate;
mod expression;
mod format;
mod mode;
mod parse;
mod run;
mod walk;
mod xargs;

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
        "xargs" => xargs::main(&arguments),
        _ => find(&arguments),
    })
}

fn find(arguments: &[String]) -> i32 {
    match parse::parse(arguments) {
        Ok(search) => walk::walk(search),
        Err(error) => {
            eprintln!("find: {error}");
            1
        }
    }
}
