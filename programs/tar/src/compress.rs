//! `gzip`, `gunzip`, `zcat`, `zstd` and its kin.

use crate::codec::Codec;
use crate::files;
use std::fs;
use std::io::{self, BufWriter, Read, Write};
use swarm_flow_posix::reason;

struct Options {
    codec: Codec,
    decompress: bool,
    to_stdout: bool,
    keep: bool,
    force: bool,
    quiet: bool,
    test: bool,
    list: bool,
    level: u32,
    output: Option<String>,
    files: Vec<String>,
}

pub fn main(name: &str, arguments: &[String]) -> Result<i32, String> {
    let mut options = parse(name, arguments)?;
    if options.files.is_empty() {
        options.files.push("-".to_owned());
    }
    let mut code = 0;
    for file in &options.files {
        if let Err(error) = one(&options, file) {
            if error == io::ErrorKind::BrokenPipe.to_string() {
                return Ok(0);
            }
            // What was left as it is counts as a warning, or as nothing.
            if options.codec == Codec::Gzip && error.ends_with("suffix -- unchanged") {
                eprintln!("{name}: {file} {error}");
                continue;
            }
            eprintln!("{name}: {file}: {error}");
            let warned = options.codec == Codec::Gzip && error.ends_with("suffix -- ignored");
            code = if code == 1 || !warned { 1 } else { 2 };
        }
    }
    Ok(code)
}

fn one(options: &Options, file: &str) -> Result<(), String> {
    let mut bytes = Vec::new();
    let standard = file == "-";
    let read = match standard {
        true => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => fs::read(file).map(|read| bytes = read),
    };
    read.map_err(|error| reason(&error))?;
    if options.test || options.list {
        return check(options, file, &bytes);
    }
    let to_stdout = options.to_stdout || standard && options.output.is_none();
    if to_stdout {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
        let done = convert(options, &bytes, &mut out);
        return done.and_then(|()| out.flush().map_err(|error| error.kind().to_string()));
    }
    let to = target(options, file)?;
    if fs::symlink_metadata(&to).is_ok() && !options.force {
        return Err(format!("{to} already exists; use -f to overwrite it"));
    }
    let mut out = Vec::new();
    convert(options, &bytes, &mut out)?;
    fs::write(&to, out).map_err(|error| format!("{to}: {}", reason(&error)))?;
    if let Ok(found) = fs::metadata(file) {
        files::set_modified(to.as_ref(), files::modified(&found));
    }
    match options.keep || standard {
        true => Ok(()),
        false => fs::remove_file(file).map_err(|error| reason(&error)),
    }
}

fn convert(options: &Options, bytes: &[u8], out: &mut impl Write) -> Result<(), String> {
    if !options.decompress {
        return options
            .codec
            .compress(bytes, options.level, out)
            .map_err(|error| reason(&error));
    }
    let codec = Codec::of_bytes(bytes);
    if codec == Codec::Plain && !(options.force && options.to_stdout) {
        let what = options.codec.ending().trim_start_matches('.');
        return Err(match bytes.is_empty() {
            true => "unexpected end of file".to_owned(),
            false => format!("not in {what} format"),
        });
    }
    codec
        .decompress(bytes, out)
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => error.kind().to_string(),
            io::ErrorKind::UnexpectedEof => "unexpected end of file".to_owned(),
            _ => format!("invalid compressed data: {}", reason(&error)),
        })
}

fn check(options: &Options, file: &str, bytes: &[u8]) -> Result<(), String> {
    let mut plain = Vec::new();
    let read = Options {
        decompress: true,
        ..copy(options)
    };
    convert(&read, bytes, &mut plain)?;
    if options.list {
        let around = match options.codec {
            Codec::Gzip => gzip_header(bytes) + GZIP_TRAILER,
            _ => 0,
        };
        let body = bytes.len().saturating_sub(around);
        let ratio = 100.0 - 100.0 * body as f64 / plain.len().max(1) as f64;
        println!("         compressed        uncompressed  ratio uncompressed_name");
        let name = file.strip_suffix(options.codec.ending()).unwrap_or(file);
        println!(
            "{:>19} {:>19} {ratio:>5.1}% {name}",
            bytes.len(),
            plain.len()
        );
    }
    Ok(())
}

const GZIP_TRAILER: usize = 8;

/// How long the header is, with the name that it may hold.
fn gzip_header(bytes: &[u8]) -> usize {
    const FIXED: usize = 10;
    const NAME: u8 = 1 << 3;
    let flags = bytes.get(3).copied().unwrap_or_default();
    let name = bytes.get(FIXED..).unwrap_or_default();
    let length = name
        .iter()
        .position(|byte| *byte == 0)
        .map_or(0, |end| end + 1);
    FIXED + if flags & NAME == 0 { 0 } else { length }
}

fn copy(options: &Options) -> Options {
    Options {
        output: None,
        files: Vec::new(),
        ..*options
    }
}

fn target(options: &Options, file: &str) -> Result<String, String> {
    if let Some(output) = &options.output {
        return Ok(output.clone());
    }
    let ending = options.codec.ending();
    if !options.decompress {
        return match file.ends_with(ending) && !options.force {
            true => Err(format!("already has {ending} suffix -- unchanged")),
            false => Ok(format!("{file}{ending}")),
        };
    }
    if let Some(archive) = file.strip_suffix(".tgz") {
        return Ok(format!("{archive}.tar"));
    }
    file.strip_suffix(ending)
        .map(str::to_owned)
        .ok_or_else(|| "unknown suffix -- ignored".to_owned())
}

fn parse(name: &str, arguments: &[String]) -> Result<Options, String> {
    let codec = match name {
        "gzip" | "gunzip" | "zcat" => Codec::Gzip,
        "xzcat" | "unxz" => Codec::Xz,
        _ => Codec::Zstd,
    };
    let mut options = Options {
        codec,
        decompress: matches!(
            name,
            "gunzip" | "zcat" | "unzstd" | "zstdcat" | "xzcat" | "unxz"
        ),
        to_stdout: name.ends_with("cat"),
        // zstd leaves its input; gzip does not.
        keep: codec == Codec::Zstd,
        force: false,
        quiet: false,
        test: false,
        list: false,
        level: 6,
        output: None,
        files: Vec::new(),
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--" => options.files.extend(rest.by_ref().cloned()),
            "--decompress" | "--uncompress" => options.decompress = true,
            "--stdout" | "--to-stdout" => options.to_stdout = true,
            "--keep" => options.keep = true,
            "--rm" => options.keep = false,
            "--force" => options.force = true,
            "--quiet" => options.quiet = true,
            "--test" => options.test = true,
            "--list" => options.list = true,
            "--best" => options.level = 9,
            "--fast" => options.level = 1,
            "--no-name" | "--name" | "--verbose" | "--ultra" => {}
            long if long.starts_with("--") => return Err(format!("unrecognized option '{long}'")),
            short if short.len() > 1 && short.starts_with('-') => {
                let mut letters = short.chars().skip(1);
                while let Some(letter) = letters.next() {
                    match letter {
                        'd' => options.decompress = true,
                        'c' => options.to_stdout = true,
                        'k' => options.keep = true,
                        'f' => options.force = true,
                        'q' => options.quiet = true,
                        't' => options.test = true,
                        'l' => options.list = true,
                        // Threads, names and words of progress change nothing here.
                        'n' | 'N' | 'v' | 'T' | 'z' => {}
                        'o' => {
                            let attached: String = letters.by_ref().collect();
                            options.output = if attached.is_empty() {
                                rest.next().cloned()
                            } else {
                                Some(attached)
                            };
                        }
                        digit if digit.is_ascii_digit() => {
                            options.level = digit.to_digit(10).unwrap_or(6).max(1)
                        }
                        _ => return Err(format!("invalid option -- '{letter}'")),
                    }
                }
            }
            file => options.files.push(file.to_owned()),
        }
    }
    Ok(options)
}
