//! `xxd`: bytes as hexadecimal digits, and back.

use crate::Failed;
use crate::input::{fill, number, open};
use std::io::{BufRead, Read, Write};

struct Options {
    columns: usize,
    group: usize,
    plain: bool,
    bits: bool,
    reverse: bool,
    include: bool,
    upper: bool,
    length: u64,
    seek: u64,
    files: Vec<String>,
}

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let options = parse(arguments)?;
    let name = options.files.first().map_or("-", String::as_str);
    let mut from = open(name)?;
    let mut file;
    let out: &mut dyn Write = match options.files.get(1) {
        Some(path) => {
            file = std::fs::File::create(path)
                .map_err(|error| format!("{path}: {}", swarm_flow_posix::reason(&error)))?;
            &mut file
        }
        None => out,
    };
    if options.reverse {
        return reverse(&options, &mut from, out);
    }
    std::io::copy(&mut from.by_ref().take(options.seek), &mut std::io::sink())?;
    let mut from = from.take(options.length);
    match () {
        () if options.include => include(&options, &mut from, name, out),
        () if options.plain => plain(&options, &mut from, out),
        () => dump(&options, &mut from, out),
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let (mut columns, mut group) = (None, None);
    let mut options = Options {
        columns: 0,
        group: 0,
        plain: false,
        bits: false,
        reverse: false,
        include: false,
        upper: false,
        length: u64::MAX,
        seek: 0,
        files: Vec::new(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let Some(name) = argument.strip_prefix('-').filter(|name| !name.is_empty()) else {
            options.files.push(argument.clone());
            continue;
        };
        match name.trim_start_matches('-') {
            "p" | "ps" | "plain" | "postscript" => options.plain = true,
            "b" | "bits" => options.bits = true,
            "r" | "revert" => options.reverse = true,
            "rp" => (options.reverse, options.plain) = (true, true),
            "i" | "include" => options.include = true,
            "u" => options.upper = true,
            "a" | "autoskip" => {}
            other => {
                let at = usize::from(!other.is_empty());
                let (letter, attached) = other.split_at_checked(at).unwrap_or((other, ""));
                let value = match attached {
                    "" | "ols" | "en" | "eek" | "roupsize" => rest.next().cloned(),
                    attached => Some(attached.to_owned()),
                };
                let value = value.ok_or_else(|| format!("option -{name} needs a number"))?;
                let value = number(value.trim_start_matches('+'))?;
                match letter {
                    "c" => columns = Some(value as usize),
                    "g" => group = Some(value as usize),
                    "l" => options.length = value,
                    "s" => options.seek = value,
                    _ => return Err(format!("unknown option {argument}")),
                }
            }
        }
    }
    let usual = match () {
        () if options.plain => 30,
        () if options.include => 12,
        () if options.bits => 6,
        () => 16,
    };
    options.columns = columns
        .filter(|columns| *columns > 0)
        .unwrap_or(usual)
        .min(256);
    let usual = match options.bits {
        true => 1,
        false => 2,
    };
    options.group = match group.unwrap_or(usual) {
        0 => options.columns,
        group => group,
    };
    Ok(options)
}

fn digits(options: &Options, byte: u8) -> String {
    match () {
        () if options.bits => format!("{byte:08b}"),
        () if options.upper => format!("{byte:02X}"),
        () => format!("{byte:02x}"),
    }
}

fn dump(options: &Options, from: &mut dyn Read, out: &mut dyn Write) -> Result<i32, Failed> {
    let mut buffer = vec![0; options.columns];
    let each = if options.bits { 8 } else { 2 };
    let width = options.columns * each + options.columns.div_ceil(options.group);
    let mut offset = options.seek;
    loop {
        let read = fill(from, &mut buffer)?;
        if read == 0 {
            return Ok(0);
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let groups: Vec<String> = bytes
            .chunks(options.group)
            .map(|group| group.iter().map(|byte| digits(options, *byte)).collect())
            .collect();
        let text: String = bytes.iter().map(|byte| shown(*byte)).collect();
        writeln!(out, "{offset:08x}: {:<width$} {text}", groups.join(" "))?;
        offset += read as u64;
    }
}

pub fn shown(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

fn plain(options: &Options, from: &mut dyn Read, out: &mut dyn Write) -> Result<i32, Failed> {
    let mut buffer = vec![0; options.columns];
    loop {
        let read = fill(from, &mut buffer)?;
        if read == 0 {
            return Ok(0);
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let line: String = bytes.iter().map(|byte| digits(options, *byte)).collect();
        writeln!(out, "{line}")?;
    }
}

fn include(
    options: &Options,
    from: &mut dyn Read,
    name: &str,
    out: &mut dyn Write,
) -> Result<i32, Failed> {
    let name: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let named = name != "_";
    if named {
        writeln!(out, "unsigned char {name}[] = {{")?;
    }
    let mut buffer = vec![0; options.columns];
    let mut length = 0;
    loop {
        let read = fill(from, &mut buffer)?;
        if read == 0 {
            break;
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        let line: Vec<String> = bytes
            .iter()
            .map(|byte| format!("0x{}", digits(options, *byte)))
            .collect();
        let between = if length > 0 { ",\n" } else { "" };
        write!(out, "{between}  {}", line.join(", "))?;
        length += read;
    }
    if length > 0 {
        writeln!(out)?;
    }
    if named {
        writeln!(out, "}};\nunsigned int {name}_len = {length};")?;
    }
    Ok(0)
}

fn reverse(options: &Options, from: &mut dyn BufRead, out: &mut dyn Write) -> Result<i32, Failed> {
    let mut line = Vec::new();
    let mut at = 0;
    loop {
        line.clear();
        let read = from.read_until(b'\n', &mut line);
        let read =
            read.map_err(|error| format!("read error: {}", swarm_flow_posix::reason(&error)))?;
        if read == 0 {
            return Ok(0);
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let hexadecimal = match (options.plain, text.split_once(':')) {
            (true, _) => text.as_str(),
            (false, Some((offset, rest))) => {
                let offset = u64::from_str_radix(offset.trim(), 16).unwrap_or(at);
                for _ in at..offset {
                    out.write_all(&[0])?;
                }
                at = at.max(offset);
                // Two blanks stand before the text.
                rest.trim_start().split("  ").next().unwrap_or_default()
            }
            (false, None) => continue,
        };
        let digits: Vec<u32> = hexadecimal
            .chars()
            .filter_map(|letter| letter.to_digit(16))
            .collect();
        for pair in digits.chunks_exact(2) {
            if let &[high, low] = pair {
                out.write_all(&[(high * 16 + low) as u8])?;
                at += 1;
            }
        }
    }
}
