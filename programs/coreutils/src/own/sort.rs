//! `sort`: upstream's, whose `-c` and `-m` need threads. What is merged is sorted, which gives the same; what is
//! checked is compared with what it is when sorted.

use super::{Call, upstream};
use std::io::Read;

pub fn main(call: &Call) -> i32 {
    let mut arguments = Vec::new();
    let (mut check, mut quiet, mut merge) = (false, false, false);
    for (at, argument) in call.arguments.iter().enumerate() {
        match argument.as_str() {
            "-c" | "--check" | "--check=diagnose-first" => check = true,
            "-C" | "--check=quiet" | "--check=silent" => (check, quiet) = (true, true),
            "-m" | "--merge" => merge = true,
            "--" => {
                arguments.extend(call.arguments.iter().skip(at).cloned());
                break;
            }
            // Letters together: `-cu`, `-nc`. A value that is attached begins with `k`, `t`, `o`, `S` or `T`.
            letters if is_letters(letters) => {
                check |= letters.contains(['c', 'C']);
                quiet |= letters.contains('C');
                merge |= letters.contains('m');
                let rest = letters.replace(['c', 'C', 'm'], "");
                if rest != "-" {
                    arguments.push(rest);
                }
            }
            other => arguments.push(other.to_owned()),
        }
    }
    if merge {
        // Equal lines stay in the order of their files.
        arguments.insert(0, "-s".to_owned());
    }
    match check {
        true => checked(call, &arguments, quiet),
        false => upstream("sort", &arguments),
    }
}

fn is_letters(argument: &str) -> bool {
    let letters = argument.strip_prefix('-').unwrap_or_default();
    !letters.is_empty()
        && letters
            .chars()
            .all(|letter| "bdfghinMRrsuVzcCm".contains(letter))
}

fn checked(call: &Call, arguments: &[String], quiet: bool) -> i32 {
    let file = arguments
        .iter()
        .rfind(|argument| !argument.starts_with('-') && std::path::Path::new(argument).exists());
    let mut input = Vec::new();
    let read = match file {
        Some(path) => std::fs::read(path).map(|bytes| input = bytes),
        None => std::io::stdin().lock().read_to_end(&mut input).map(drop),
    };
    if let Err(error) = read {
        call.complain(&swarm_flow_posix::reason(&error));
        return 2;
    }
    let given = format!(
        ".sort-{}",
        std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| since.as_nanos())
    );
    let sorted = format!("{given}.sorted");
    let mut again: Vec<String> = arguments
        .iter()
        .filter(|argument| Some(*argument) != file)
        .cloned()
        .collect();
    again.extend([
        "-s".to_owned(),
        "-o".to_owned(),
        sorted.clone(),
        given.clone(),
    ]);
    let outcome = std::fs::write(&given, &input).map(|()| upstream("sort", &again));
    let result = std::fs::read(&sorted);
    // Nothing of this is left, whatever happened.
    let _ = std::fs::remove_file(&given);
    let _ = std::fs::remove_file(&sorted);
    match (outcome, result) {
        (Ok(0), Ok(result)) if result == input => 0,
        (Ok(0), Ok(result)) => {
            if !quiet {
                let pairs = input
                    .split(|byte| *byte == b'\n')
                    .zip(result.split(|byte| *byte == b'\n'));
                let line = pairs.take_while(|(one, other)| one == other).count() + 1;
                let name = file.map_or("-", String::as_str);
                call.complain(&format!("{name}: disorder at or behind line {line}"));
            }
            1
        }
        (Ok(code), _) if code != 0 => code,
        _ => {
            call.complain("-c needs a folder in which a file can be made");
            2
        }
    }
}
