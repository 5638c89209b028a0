//! `cat`: upstream's, which outside Unix knows files and folders only. What is read of a device is passed on here.

use super::file::is_device;
use super::{Call, upstream};
use std::fs::File;
use std::io::{self, Write as _};
use swarm_flow_posix::reason;

pub fn main(call: &Call) -> i32 {
    let begin = call.arguments.iter().position(|argument| argument == "--");
    let is_operand = |(at, argument): (usize, &String)| {
        let after = begin.is_some_and(|begin| at > begin);
        after || !argument.starts_with('-') || argument == "-"
    };
    let (operands, options): (Vec<_>, Vec<_>) = call
        .arguments
        .iter()
        .enumerate()
        .partition(|(at, argument)| is_operand((*at, argument)));
    if !operands.iter().any(|(_, file)| is_device(file)) {
        return upstream("cat", &call.arguments);
    }
    let options: Vec<String> = options
        .into_iter()
        .map(|(_, option)| option.clone())
        .filter(|option| option != "--")
        .collect();
    let mut code = 0;
    let mut files = Vec::new();
    for (_, file) in operands {
        match file.as_str() {
            "/dev/null" => {}
            "/dev/stdin" => files.push("-".to_owned()),
            endless if is_device(endless) => {
                code |= show(&options, &std::mem::take(&mut files));
                code |= pass_on(call, endless, &options);
            }
            file => files.push(file.to_owned()),
        }
    }
    code | show(&options, &files)
}

fn show(options: &[String], files: &[String]) -> i32 {
    if files.is_empty() {
        return 0;
    }
    let mut arguments = options.to_vec();
    arguments.push("--".to_owned());
    arguments.extend_from_slice(files);
    upstream("cat", &arguments)
}

fn pass_on(call: &Call, device: &str, options: &[String]) -> i32 {
    if let Some(option) = options.iter().find(|option| *option != "-u") {
        call.complain(&format!(
            "{device}: has no end, so it is not shown with {option}"
        ));
        return 1;
    }
    let passed = File::open(device).and_then(|mut device| {
        let mut out = io::stdout().lock();
        io::copy(&mut device, &mut out)?;
        out.flush()
    });
    match passed {
        Ok(()) => 0,
        // Who read it has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 1,
        Err(error) => {
            call.complain(&format!("{device}: {}", reason(&error)));
            1
        }
    }
}
