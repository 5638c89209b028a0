//! `file`: what kind of file it is, by its first bytes.

use crate::{Failed, input};
use std::fs;
use std::io::Write;

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let (mut brief, mut mime, mut follow) = (false, None, false);
    let mut files: Vec<&String> = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "-b" | "--brief" => brief = true,
            "-i" | "--mime" => mime = Some(true),
            "--mime-type" => mime = Some(false),
            "-bi" | "-ib" => (brief, mime) = (true, Some(true)),
            "-L" | "--dereference" => follow = true,
            "-h" | "-s" | "-z" | "-k" | "-n" | "-N" | "--" => {}
            other if other.starts_with('-') && other.len() > 1 => {
                return Err(format!("unrecognized option '{other}'").into());
            }
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        return Err("usage: file [-b] [-i] [--mime-type] [-L] FILE..."
            .to_owned()
            .into());
    }
    let width = files
        .iter()
        .map(|file| file.chars().count())
        .max()
        .unwrap_or(0)
        + 1;
    for file in files {
        let kind = kind(file, follow);
        let text = match (mime, &kind) {
            (Some(_), Kind { mime: "", text }) | (None, Kind { text, .. }) => text.clone(),
            (Some(false), kind) => kind.mime.to_owned(),
            (Some(true), kind) => format!("{}; charset={}", kind.mime, charset(kind)),
        };
        match brief {
            true => writeln!(out, "{text}")?,
            false => {
                let name = format!("{file}:");
                writeln!(out, "{name:<width$} {text}")?;
            }
        }
    }
    // A file that is not there is an answer too.
    Ok(0)
}

struct Kind {
    mime: &'static str,
    text: String,
}

impl Kind {
    fn new(mime: &'static str, text: impl Into<String>) -> Self {
        Self {
            mime,
            text: text.into(),
        }
    }
}

fn charset(kind: &Kind) -> &'static str {
    match () {
        () if kind.text.contains("UTF-8") => "utf-8",
        () if kind.text.contains("ASCII") => "us-ascii",
        () if kind.mime.starts_with("text/") || kind.mime == "application/json" => "us-ascii",
        () => "binary",
    }
}

/// Enough for what is recognised, and to tell text.
const HEAD_BYTES: usize = 64 << 10;

fn kind(path: &str, follow: bool) -> Kind {
    if path != "-" {
        let found = match follow {
            true => fs::metadata(path),
            false => fs::symlink_metadata(path),
        };
        match found {
            Err(error) => {
                let why = swarm_flow_posix::reason(&error);
                return Kind::new("", format!("cannot open `{path}' ({why})"));
            }
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(path).unwrap_or_default();
                let text = format!("symbolic link to {}", target.display());
                return Kind::new("inode/symlink", text);
            }
            Ok(found) if found.is_dir() => return Kind::new("inode/directory", "directory"),
            Ok(_) => {}
        }
    }
    let mut head = vec![0; HEAD_BYTES];
    let read = input::open(path).and_then(|mut from| input::fill(&mut from, &mut head));
    match read {
        Ok(0) => Kind::new("inode/x-empty", "empty"),
        Ok(read) => of_bytes(head.get(..read).unwrap_or_default()),
        Err(why) => Kind::new("", format!("cannot open `{path}' ({why})")),
    }
}

fn of_bytes(head: &[u8]) -> Kind {
    if let Some(kind) = marked(head) {
        return kind;
    }
    if let Some(found) = infer::get(head).filter(|found| !found.mime_type().starts_with("text/")) {
        let name = found.extension().to_ascii_uppercase();
        let what = match found.matcher_type() {
            infer::MatcherType::Image => format!("{name} image data"),
            infer::MatcherType::Archive => format!("{name} archive data"),
            infer::MatcherType::Audio => format!("{name} audio data"),
            infer::MatcherType::Video => format!("{name} video data"),
            infer::MatcherType::Font => format!("{name} font data"),
            _ => format!("{name} data"),
        };
        return Kind::new(found.mime_type(), what);
    }
    text(head)
}

/// What has a name of its own.
fn marked(head: &[u8]) -> Option<Kind> {
    let number = |at: usize| {
        let bytes = head.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    Some(match head {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Kind::new(
            "application/wasm",
            "WebAssembly (wasm) binary module version 0x1 (MVP)",
        ),
        [0, b'a', b's', b'm', ..] => Kind::new("application/wasm", "WebAssembly (wasm) component"),
        [0x89, b'P', b'N', b'G', ..] => {
            let (width, height) = (number(16)?, number(20)?);
            Kind::new("image/png", format!("PNG image data, {width} x {height}"))
        }
        [b'G', b'I', b'F', b'8', version, b'a', w1, w2, h1, h2, ..] => {
            let (width, height) = (
                u16::from_le_bytes([*w1, *w2]),
                u16::from_le_bytes([*h1, *h2]),
            );
            let version = char::from(*version);
            Kind::new(
                "image/gif",
                format!("GIF image data, version 8{version}a, {width} x {height}"),
            )
        }
        [0xff, 0xd8, 0xff, ..] => Kind::new("image/jpeg", "JPEG image data"),
        [0x1f, 0x8b, ..] => Kind::new("application/gzip", "gzip compressed data"),
        [b'B', b'Z', b'h', ..] => Kind::new("application/x-bzip2", "bzip2 compressed data"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Kind::new("application/x-xz", "XZ compressed data"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::new("application/zstd", "Zstandard compressed data"),
        [b'P', b'K', 3, 4, ..] => Kind::new("application/zip", "Zip archive data"),
        [b'%', b'P', b'D', b'F', b'-', rest @ ..] => {
            let version: String = rest.iter().take(3).map(|byte| char::from(*byte)).collect();
            Kind::new(
                "application/pdf",
                format!("PDF document, version {version}"),
            )
        }
        [0x7f, b'E', b'L', b'F', class, ..] => {
            let bits = if *class == 2 { 64 } else { 32 };
            Kind::new("application/x-executable", format!("ELF {bits}-bit"))
        }
        _ if head.starts_with(b"SQLite format 3\0") => {
            Kind::new("application/vnd.sqlite3", "SQLite 3.x database")
        }
        _ if head.get(257..262) == Some(b"ustar") => {
            Kind::new("application/x-tar", "POSIX tar archive")
        }
        _ => return None,
    })
}

fn text(head: &[u8]) -> Kind {
    let control =
        |byte: &u8| *byte < b' ' && !b"\n\r\t\x0c\x1b\x08".contains(byte) || *byte == 0x7f;
    if head.iter().any(control) {
        return Kind::new("application/octet-stream", "data");
    }
    let encoding = match std::str::from_utf8(head) {
        _ if head.is_ascii() => "ASCII text",
        _ if head.starts_with(b"\xef\xbb\xbf") => "Unicode text, UTF-8 (with BOM) text",
        Ok(_) => "Unicode text, UTF-8 text",
        // The last letter may lie across the end of what was read.
        Err(error) if head.len() == HEAD_BYTES && error.valid_up_to() + 4 > head.len() => {
            "Unicode text, UTF-8 text"
        }
        Err(_) => "ISO-8859 text",
    };
    let mut ends = String::new();
    if head.windows(2).any(|pair| pair == b"\r\n") {
        ends.push_str(", with CRLF line terminators");
    } else if !head.contains(&b'\n') {
        ends.push_str(", with no line terminators");
    }
    let start = String::from_utf8_lossy(head.get(..512.min(head.len())).unwrap_or_default());
    let start = start.trim_start_matches('\u{feff}');
    let (mime, what) = match () {
        () if start.starts_with("#!") => {
            let line = start.lines().next().unwrap_or_default();
            let what = script(line);
            return Kind::new(what.0, format!("{}, {encoding} executable{ends}", what.1));
        }
        () if start.trim_start().starts_with(['{', '['])
            && head.len() < HEAD_BYTES
            && is_json(head) =>
        {
            return Kind::new("application/json", "JSON text data");
        }
        () if start.trim_start().starts_with("<?xml") => ("text/xml", "XML 1.0 document, "),
        () if starts_html(start) => ("text/html", "HTML document, "),
        () => ("text/plain", ""),
    };
    Kind::new(mime, format!("{what}{encoding}{ends}"))
}

fn starts_html(start: &str) -> bool {
    let start = start.trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn script(line: &str) -> (&'static str, String) {
    let mut words = line.trim_start_matches("#!").split_whitespace();
    let mut program = words.next().unwrap_or_default();
    if program.ends_with("/env") {
        program = words.next().unwrap_or_default();
    }
    let name = program.rsplit('/').next().unwrap_or_default();
    match name {
        "sh" | "dash" => ("text/x-shellscript", "POSIX shell script".to_owned()),
        "bash" => ("text/x-shellscript", "Bourne-Again shell script".to_owned()),
        "perl" => ("text/x-perl", "Perl script".to_owned()),
        "node" => ("application/javascript", "Node.js script".to_owned()),
        name if name.starts_with("python") => ("text/x-script.python", "Python script".to_owned()),
        other => ("text/plain", format!("a {other} script")),
    }
}

/// Brackets and quotes close where they should; not more is asked of it.
fn is_json(text: &[u8]) -> bool {
    let mut open = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' if open.pop() != Some(*byte) => return false,
            b';' | b'(' | b'=' | b'#' | b'\'' => return false,
            _ => {}
        }
    }
    open.is_empty() && !quoted
}
