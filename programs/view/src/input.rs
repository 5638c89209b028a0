//! Files and standard input.

use std::fs::File;
use std::io::{self, BufReader, Read};
use swarm_flow_posix::reason;

pub type Input = BufReader<Box<dyn Read>>;

/// `-` is standard input.
pub fn open(path: &str) -> Result<Input, String> {
    let from: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin()),
        path => {
            let failed = |error| format!("{path}: {}", reason(&error));
            let file = File::open(path).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(format!("{path}: Is a directory"));
            }
            Box::new(file)
        }
    };
    Ok(BufReader::with_capacity(1 << 16, from))
}

/// All of them behind each other; without one, standard input.
pub fn all(paths: &[String]) -> Result<Box<dyn Read>, String> {
    let mut whole: Box<dyn Read> = match paths.is_empty() {
        true => Box::new(io::stdin()),
        false => Box::new(io::empty()),
    };
    for path in paths {
        whole = Box::new(whole.chain(open(path)?));
    }
    Ok(whole)
}

/// As many bytes as there is room for, or as there are.
pub fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, String> {
    let mut at = 0;
    while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) => return Err(format!("read error: {}", reason(&error))),
        }
    }
    Ok(at)
}

/// `16`, `0x10`, `1k`.
pub fn number(text: &str) -> Result<u64, String> {
    let invalid = || format!("invalid number: {text}");
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1 << 10),
        None => (text, 1),
    };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.map(|number| number * factor).map_err(|_| invalid())
}
