//! `dd`, whose upstream counts in a thread.

use super::Call;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Instant;
use swarm_flow_posix::reason;

struct Options {
    input: Option<String>,
    output: Option<String>,
    input_block: usize,
    output_block: usize,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    truncate: bool,
    status: String,
}

pub fn main(call: &Call) -> i32 {
    let result = parse(&call.arguments).and_then(|options| copy(&options));
    match result {
        Ok(()) => 0,
        Err(error) => {
            call.complain(&error);
            1
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        input: None,
        output: None,
        input_block: 512,
        output_block: 512,
        count: None,
        skip: 0,
        seek: 0,
        truncate: true,
        status: String::new(),
    };
    for argument in arguments {
        let unknown = || format!("unrecognized operand '{argument}'");
        let (name, value) = argument.split_once('=').ok_or_else(unknown)?;
        match name {
            "if" => options.input = Some(value.to_owned()),
            "of" => options.output = Some(value.to_owned()),
            "bs" => {
                options.input_block = block(value)?;
                options.output_block = options.input_block;
            }
            "ibs" => options.input_block = block(value)?,
            "obs" => options.output_block = block(value)?,
            "count" => options.count = Some(number(value)?),
            "skip" | "iseek" => options.skip = number(value)?,
            "seek" | "oseek" => options.seek = number(value)?,
            "status" => options.status = value.to_owned(),
            "conv" => {
                for word in value.split(',') {
                    match word {
                        "notrunc" => options.truncate = false,
                        "fsync" | "fdatasync" | "noerror" => {}
                        _ => return Err(format!("conv={word} is not supported")),
                    }
                }
            }
            "iflag" | "oflag" => {}
            _ => return Err(unknown()),
        }
    }
    Ok(options)
}

fn copy(options: &Options) -> Result<(), String> {
    let start = Instant::now();
    let mut input: Box<dyn Read> = match &options.input {
        Some(path) => {
            Box::new(std::fs::File::open(path).map_err(|error| failed("open", path, &error))?)
        }
        None => Box::new(std::io::stdin().lock()),
    };
    let mut output: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(open(options, path).map_err(|error| failed("open", path, &error))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let before = options.skip.saturating_mul(options.input_block as u64);
    let skipped = std::io::copy(&mut input.by_ref().take(before), &mut std::io::sink());
    skipped.map_err(|error| failed("skip", "standard input", &error))?;
    let (mut full, mut part, mut bytes) = (0u64, 0u64, 0u64);
    let mut buffer = vec![0; options.input_block];
    while options.count.is_none_or(|count| full + part < count) {
        let read =
            fill(&mut input, &mut buffer).map_err(|error| failed("read", "the input", &error))?;
        if read == 0 {
            break;
        }
        match read == buffer.len() {
            true => full += 1,
            false => part += 1,
        }
        bytes += read as u64;
        let piece = buffer.get(..read).unwrap_or_default();
        output
            .write_all(piece)
            .map_err(|error| failed("write", "the output", &error))?;
    }
    output
        .flush()
        .map_err(|error| failed("write", "the output", &error))?;
    if options.status != "none" {
        eprintln!("{full}+{part} records in\n{full}+{part} records out");
        if options.status != "noxfer" {
            eprintln!(
                "{bytes} bytes copied, {:.6} s",
                start.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

fn open(options: &Options, path: &str) -> std::io::Result<std::fs::File> {
    let truncate = options.truncate && options.seek == 0;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(truncate)
        .open(path)?;
    let place = options.seek.saturating_mul(options.output_block as u64);
    if options.truncate && options.seek > 0 {
        file.set_len(place)?;
    }
    file.seek(SeekFrom::Start(place))?;
    Ok(file)
}

fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match input.read(rest)? {
            0 => break,
            read => at += read,
        }
    }
    Ok(at)
}

/// A block lies in memory whole.
const BLOCK_BYTES_MAX: u64 = 256 << 20;

fn block(value: &str) -> Result<usize, String> {
    let bytes = number(value)?;
    if bytes == 0 || bytes > BLOCK_BYTES_MAX {
        return Err(format!(
            "invalid number: '{value}': a block has 1 byte to 256 MiB"
        ));
    }
    Ok(bytes as usize)
}

fn number(value: &str) -> Result<u64, String> {
    let invalid = || format!("invalid number: '{value}'");
    let digits = value
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let factor = match unit {
        "" | "c" | "B" => 1,
        "w" => 2,
        "b" => 512,
        "k" | "K" | "KiB" => 1 << 10,
        "kB" | "KB" => 1_000,
        "M" | "MiB" => 1 << 20,
        "MB" => 1_000_000,
        "G" | "GiB" => 1 << 30,
        "GB" => 1_000_000_000,
        _ => return Err(invalid()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(invalid)
}

fn failed(what: &str, path: &str, error: &std::io::Error) -> String {
    format!("failed to {what} '{path}': {}", reason(error))
}
