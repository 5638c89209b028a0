//! What is sent: `-d` and its kin, `-F`, `-T`.

use crate::problem::{self, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;
use swarm_flow_posix::reason;

/// A body, which can be sent again.
pub enum Body {
    Bytes(Vec<u8>),
    /// A file of that length.
    File(String, u64),
    Stdin,
}

impl Body {
    /// What `-T` names.
    pub fn upload(path: &str) -> Result<Self, Problem> {
        if path == "-" || path == "." {
            return Ok(Self::Stdin);
        }
        let found = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self::File(path.to_owned(), found.len()))
    }

    pub fn open(&self) -> Result<Box<dyn Read + '_>, Problem> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Self::File(path, _) => {
                Box::new(File::open(path).map_err(|error| unreadable(path, &error))?)
            }
            Self::Stdin => Box::new(std::io::stdin().lock()),
        })
    }

    /// None if it is known at the end only.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File(_, length) => Some(*length),
            Self::Stdin => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// `-d`: of a file all but line ends.
    Ascii,
    /// `--data-raw`: `@` means itself.
    Raw,
    Binary,
    Encoded,
    Json,
}

/// Adds what an option gave to what there is.
pub fn add(data: &mut Option<Vec<u8>>, form: Form, value: &str) -> Result<(), Problem> {
    let bytes = match (form, value.strip_prefix('@')) {
        (Form::Raw, _) => value.as_bytes().to_vec(),
        (Form::Encoded, _) => encoded(value)?,
        (_, None) => value.as_bytes().to_vec(),
        (Form::Ascii, Some(path)) => {
            let mut bytes = read(path)?;
            bytes.retain(|byte| !b"\r\n\0".contains(byte));
            bytes
        }
        (_, Some(path)) => read(path)?,
    };
    match data {
        Some(data) => {
            if form != Form::Json {
                data.push(b'&');
            }
            data.extend(bytes);
        }
        None => *data = Some(bytes),
    }
    Ok(())
}

/// Letters, digits and these stay as they are.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// `text`, `=text`, `name=text`, `@file`, `name@file`.
fn encoded(value: &str) -> Result<Vec<u8>, Problem> {
    let (name, content) = match value.find(['=', '@']) {
        None => ("", value.as_bytes().to_vec()),
        Some(at) => {
            let (name, rest) = value.split_at(at);
            let content = rest.get(1..).unwrap_or_default();
            match rest.starts_with('@') {
                true => (name, read(content)?),
                false => (name, content.as_bytes().to_vec()),
            }
        }
    };
    let content = percent_encoding::percent_encode(&content, KEPT).to_string();
    let content = content.replace("%20", "+");
    Ok(match name {
        "" => content.into_bytes(),
        name => format!("{name}={content}").into_bytes(),
    })
}

pub fn read(path: &str) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => std::io::stdin().lock().read_to_end(&mut bytes),
        path => File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    Problem::new(
        problem::READ,
        format!("Failed to open {path}: {}", reason(error)),
    )
}

/// Unlikely to be within a file.
const BOUNDARY: &str = "------------------------7f3cd1a04b9e62d8";

/// The parts of `-F`, and the type that goes with them. `literal`: the option was `--form-string`.
pub fn multipart(parts: &[(String, bool)]) -> Result<(Vec<u8>, String), Problem> {
    let mut body = Vec::new();
    for (part, literal) in parts {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            Problem::new(
                problem::USAGE,
                format!("-F {part}: it has the form name=value"),
            )
        })?;
        let mut pieces = value.split(';');
        let first = pieces.next().unwrap_or_default();
        let (mut content_type, mut file_name) = (None, None);
        let special = !literal && (first.starts_with(['@', '<']) || value.contains(";type="));
        for piece in pieces.filter(|_| special) {
            match piece.trim().split_once('=') {
                Some(("type", text)) => content_type = Some(text.to_owned()),
                Some(("filename", text)) => file_name = Some(text.trim_matches('"').to_owned()),
                _ => {}
            }
        }
        let content = match first.split_at_checked(1) {
            Some(("@", path)) if !literal => {
                let known = Path::new(path).file_name();
                let known = known.map(|name| name.to_string_lossy().into_owned());
                file_name = file_name.or(known);
                content_type = content_type.or_else(|| Some(type_of(path).to_owned()));
                read(path)?
            }
            Some(("<", path)) if !literal => read(path)?,
            _ if special => first.as_bytes().to_vec(),
            _ => value.as_bytes().to_vec(),
        };
        body.extend(format!("--{BOUNDARY}\r\n").bytes());
        body.extend(format!("Content-Disposition: form-data; name=\"{name}\"").bytes());
        if let Some(name) = file_name {
            body.extend(format!("; filename=\"{}\"", name.replace('"', "%22")).bytes());
        }
        if let Some(content_type) = content_type {
            body.extend(format!("\r\nContent-Type: {content_type}").bytes());
        }
        body.extend(b"\r\n\r\n");
        body.extend(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    Ok((body, format!("multipart/form-data; boundary={BOUNDARY}")))
}

/// As curl guesses it.
fn type_of(path: &str) -> &'static str {
    let extension = path.rsplit('.').next().unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "gif" => "image/gif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "htm" | "html" => "text/html",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    }
}
