//! `less` and `more` where there is no terminal: everything at once.

use crate::{Failed, input};
use std::io::Write;

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let mut code = 0;
    let mut files: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| *argument == "-" || !argument.starts_with(['-', '+']))
        .collect();
    if files.is_empty() {
        files.push("-");
    }
    for file in files {
        match input::open(file) {
            Ok(mut from) => _ = std::io::copy(&mut from, out)?,
            Err(why) => {
                out.flush()?;
                eprintln!("{why}");
                code = 1;
            }
        }
    }
    Ok(code)
}
