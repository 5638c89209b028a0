//! `zip`: makes archives.

use crate::files;
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use chrono::{DateTime, Datelike, Timelike};
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use swarm_flow_posix::{glob, reason};

pub fn main(arguments: &[String]) -> Result<i32, String> {
    let (mut recursive, mut quiet, mut junk) = (false, false, false);
    let (mut names, mut exclude) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-x" => exclude.extend(rest.by_ref().cloned()),
            "--exclude" => exclude.extend(rest.next().cloned()),
            short if short.len() > 1 && short.starts_with('-') => {
                for letter in short.chars().skip(1) {
                    match letter {
                        'r' => recursive = true,
                        'q' => quiet = true,
                        'j' => junk = true,
                        'X' | 'y' | 'D' | '0'..='9' => {}
                        _ => return Err(format!("invalid option -- '{letter}'")),
                    }
                }
            }
            name => names.push(name.to_owned()),
        }
    }
    if names.len() < 2 {
        return Err("an archive and what goes into it are needed".to_owned());
    }
    let mut archive = names.remove(0);
    if !archive.contains('.') {
        archive.push_str(".zip");
    }
    let mut writer = match fs::read(&archive) {
        Ok(bytes) => ZipWriter::new_append(Cursor::new(bytes))
            .map_err(|error| format!("{archive}: {error}"))?,
        Err(_) => ZipWriter::new(Cursor::new(Vec::new())),
    };
    for name in &names {
        if fs::symlink_metadata(name).is_err() {
            eprintln!("\tzip warning: name not matched: {name}");
            continue;
        }
        let all = if recursive {
            files::tree(name)
        } else {
            vec![name.into()]
        };
        for path in all {
            let shown = path.to_string_lossy();
            let skip = exclude
                .iter()
                .any(|pattern| glob::matches(pattern, &shown, glob::Options::default()));
            if !skip && path != Path::new(&archive) {
                add(&mut writer, &path, junk, quiet)?;
            }
        }
    }
    let bytes = writer
        .finish()
        .map_err(|error| error.to_string())?
        .into_inner();
    fs::write(&archive, bytes).map_err(|error| format!("{archive}: {}", reason(&error)))?;
    Ok(0)
}

fn add(
    writer: &mut ZipWriter<Cursor<Vec<u8>>>,
    path: &Path,
    junk: bool,
    quiet: bool,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {}", path.display(), reason(&error));
    let Some(place) = files::place(&path.to_string_lossy())? else {
        return Ok(());
    };
    let found = fs::metadata(path).map_err(failed)?;
    let name = match (junk, place.file_name()) {
        (true, Some(name)) => name.to_string_lossy().into_owned(),
        _ => place.to_string_lossy().into_owned(),
    };
    let mut options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o644);
    if let Some(time) = time(files::modified(&found).as_secs()) {
        options = options.last_modified_time(time);
    }
    if found.is_dir() {
        if junk {
            return Ok(());
        }
        if !quiet {
            println!("  adding: {name}/");
        }
        return writer
            .add_directory(name, options)
            .map_err(|error| error.to_string());
    }
    if !quiet {
        println!("  adding: {name}");
    }
    writer
        .start_file(name, options)
        .map_err(|error| error.to_string())?;
    writer
        .write_all(&fs::read(path).map_err(failed)?)
        .map_err(failed)
}

fn time(seconds: u64) -> Option<::zip::DateTime> {
    let when = DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
    let part = |value: u32| u8::try_from(value).ok();
    ::zip::DateTime::from_date_and_time(
        u16::try_from(when.year()).ok()?,
        part(when.month())?,
        part(when.day())?,
        part(when.hour())?,
        part(when.minute())?,
        part(when.second())?,
    )
    .ok()
}
