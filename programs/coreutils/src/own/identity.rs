//! Who and where: fixed answers, because a sandbox has neither users nor a host.

use super::Call;
use super::file::{USER, USER_ID};

const HOST: &str = "sandbox";

pub fn main(call: &Call) -> i32 {
    match call.name.as_str() {
        "whoami" | "logname" | "groups" => println!("{USER}"),
        "hostname" => println!("{HOST}"),
        "arch" => println!("wasm32"),
        "id" => return id(call),
        _ => return uname(call),
    }
    0
}

fn id(call: &Call) -> i32 {
    let letters: String = call
        .arguments
        .iter()
        .filter_map(|argument| argument.strip_prefix('-'))
        .collect();
    let names = letters.contains('n');
    match letters.chars().find(|letter| "ugG".contains(*letter)) {
        Some(_) if names => println!("{USER}"),
        Some(_) => println!("{USER_ID}"),
        None => println!("uid={USER_ID}({USER}) gid={USER_ID}({USER}) groups={USER_ID}({USER})"),
    }
    0
}

/// Scripts ask whether this is Linux or macOS; what they do next fits Linux best. The machine says what it is.
fn uname(call: &Call) -> i32 {
    const PARTS: [(char, &str, &str); 6] = [
        ('s', "kernel-name", "Linux"),
        ('n', "nodename", HOST),
        ('r', "kernel-release", "0.2-wasi"),
        ('v', "kernel-version", "#1 WASI"),
        ('m', "machine", "wasm32"),
        ('o', "operating-system", "GNU/Linux"),
    ];
    let mut wanted = String::new();
    for argument in &call.arguments {
        match argument.strip_prefix("--") {
            Some("all") => wanted.push('a'),
            Some(long) => match PARTS.iter().find(|(_, name, _)| *name == long) {
                Some((letter, _, _)) => wanted.push(*letter),
                None => {
                    call.complain(&format!("unrecognized option '--{long}'"));
                    return 1;
                }
            },
            None => wanted.extend(argument.chars().filter(|letter| *letter != '-')),
        }
    }
    if let Some(letter) = wanted.chars().find(|letter| !"asnrvmopi".contains(*letter)) {
        call.complain(&format!("invalid option -- '{letter}'"));
        return 1;
    }
    if wanted.is_empty() {
        wanted.push('s');
    }
    let all = wanted.contains('a');
    let shown = PARTS
        .iter()
        .filter(|(letter, _, _)| all || wanted.contains(*letter));
    println!(
        "{}",
        shown
            .map(|(_, _, value)| *value)
            .collect::<Vec<_>>()
            .join(" ")
    );
    0
}
