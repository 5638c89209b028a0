//! `hexdump`: canonical by `-C`, else words of two bytes.

use crate::Failed;
use crate::input::{all, fill, number};
use crate::xxd::shown;
use std::io::{Read, Write};

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let (mut canonical, mut squeeze) = (false, true);
    let (mut length, mut skip) = (u64::MAX, 0);
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            let missing = || format!("option requires an argument -- {argument}");
            rest.next()
                .ok_or_else(missing)
                .and_then(|text| number(text))
        };
        match argument.as_str() {
            "-C" | "--canonical" => canonical = true,
            "-v" | "--no-squeezing" => squeeze = false,
            "-Cv" | "-vC" => (canonical, squeeze) = (true, false),
            "-x" => {}
            "-n" => length = value()?,
            "-s" => skip = value()?,
            "-Cn" => {
                canonical = true;
                length = value()?;
            }
            other => match other.strip_prefix("-n").map(number) {
                Some(number) => length = number?,
                None if other.starts_with('-') && other.len() > 1 => {
                    return Err(
                        format!("invalid option -- '{other}'; there are -C -v -n -s").into(),
                    );
                }
                None => files.push(other.to_owned()),
            },
        }
    }
    let mut from = all(&files)?;
    std::io::copy(&mut from.by_ref().take(skip), &mut std::io::sink())?;
    let mut from = from.take(length);
    let mut buffer = [0; 16];
    let mut last: Option<Vec<u8>> = None;
    let mut starred = false;
    let mut offset = skip;
    let width = if canonical { 8 } else { 7 };
    loop {
        let read = fill(&mut from, &mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if read == 0 {
            break;
        }
        if squeeze && last.as_deref() == Some(bytes) {
            if !starred {
                writeln!(out, "*")?;
            }
            starred = true;
        } else {
            starred = false;
            write!(out, "{offset:0width$x}")?;
            match canonical {
                true => canonical_line(bytes, out)?,
                false => words(bytes, out)?,
            }
            last = Some(bytes.to_vec());
        }
        offset += read as u64;
    }
    if offset > skip {
        writeln!(out, "{offset:0width$x}")?;
    }
    Ok(0)
}

fn canonical_line(bytes: &[u8], out: &mut dyn Write) -> Result<(), Failed> {
    let mut digits = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let before = if index % 8 == 0 { "  " } else { " " };
        digits.push_str(&format!("{before}{byte:02x}"));
    }
    let text: String = bytes.iter().map(|byte| shown(*byte)).collect();
    writeln!(out, "{digits:<50}  |{text}|")?;
    Ok(())
}

fn words(bytes: &[u8], out: &mut dyn Write) -> Result<(), Failed> {
    let mut line = String::new();
    for pair in bytes.chunks(2) {
        let low = pair.first().copied().unwrap_or(0);
        let high = pair.get(1).copied().unwrap_or(0);
        line.push_str(&format!(" {:04x}", u16::from_le_bytes([low, high])));
    }
    writeln!(out, "{line:<40}")?;
    Ok(())
}
