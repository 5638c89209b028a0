//! `tac`: lines from the last to the first. `rev`: the characters of each line.

use super::Call;
use std::io::{Read, Write};
use swarm_flow_posix::reason;

pub fn main(call: &Call) -> i32 {
    let (mut files, mut code) = (Vec::new(), 0);
    let mut separator = b'\n';
    let mut rest = call.arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-s" => {
                separator = rest
                    .next()
                    .and_then(|text| text.bytes().next())
                    .unwrap_or(separator)
            }
            "--" => files.extend(rest.by_ref().cloned()),
            option if option.len() > 1 && option.starts_with('-') => {
                call.complain(&format!("unrecognized option '{option}'"));
                return 1;
            }
            file => files.push(file.to_owned()),
        }
    }
    if files.is_empty() {
        files.push("-".to_owned());
    }
    for file in files {
        let mut bytes = Vec::new();
        let read = match file.as_str() {
            "-" => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
            path => std::fs::read(path).map(|read| bytes = read),
        };
        if let Err(error) = read {
            let what = if call.name == "tac" {
                "failed to open"
            } else {
                "cannot open"
            };
            call.complain(&format!("{what} '{file}' for reading: {}", reason(&error)));
            code = 1;
            continue;
        }
        let out = match call.name.as_str() {
            "tac" => lines_reversed(&bytes, separator),
            _ => characters_reversed(&bytes),
        };
        // A reader that left wants no more.
        if std::io::stdout().write_all(&out).is_err() {
            return code;
        }
    }
    code
}

fn lines_reversed(bytes: &[u8], separator: u8) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == separator).collect();
    lines.into_iter().rev().flatten().copied().collect()
}

fn characters_reversed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n');
        out.extend(bare.unwrap_or(line).chars().rev());
        out.extend(bare.map(|_| '\n'));
    }
    out.into_bytes()
}
