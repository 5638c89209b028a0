//! `tail`: upstream's, which would take standard input for a file in which it can go back if it came by its name.

use super::{Call, upstream};

pub fn main(call: &Call) -> i32 {
    let named = |argument: &String| match argument.as_str() {
        "/dev/stdin" => "-".to_owned(),
        other => other.to_owned(),
    };
    let arguments: Vec<String> = call.arguments.iter().map(named).collect();
    upstream("tail", &arguments)
}
