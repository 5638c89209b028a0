//! The utilities that are ours: those that upstream builds only on Unix, and those whose threads, times or modes a
//! sandbox lacks.

mod cat;
mod copy;
mod dd;
mod du;
mod file;
mod identity;
mod launch;
mod ls;
mod modes;
mod reverse;
mod sort;
mod stat;
mod tail;

use std::ffi::OsString;

/// What a utility gets: its name, and its arguments as text.
pub struct Call {
    pub name: String,
    pub arguments: Vec<String>,
}

impl Call {
    /// Says what is wrong, as the utility.
    pub fn complain(&self, text: &str) {
        eprintln!("{}: {text}", self.name);
    }
}

pub fn find(name: &str) -> Option<fn(&Call) -> i32> {
    Some(match name {
        "cat" => cat::main,
        "cp" => copy::main,
        "dd" => dd::main,
        "du" => du::main,
        "whoami" | "id" | "groups" | "logname" | "hostname" | "uname" | "arch" => identity::main,
        "env" | "timeout" | "nice" | "nohup" | "time" | "which" | "command" => launch::main,
        "chmod" | "chown" | "chgrp" | "sync" => modes::main,
        "tac" | "rev" => reverse::main,
        "ls" | "vdir" => ls::main,
        "sort" => sort::main,
        "stat" => stat::main,
        "tail" => tail::main,
        _ => return None,
    })
}

/// The rest of a call is upstream's.
pub fn upstream(name: &str, arguments: &[String]) -> i32 {
    let all = std::iter::once(name).chain(arguments.iter().map(String::as_str));
    let all: Vec<OsString> = all.map(OsString::from).collect();
    crate::upstream_main(name, all)
}
