//! `tar`: makes, lists and unpacks archives. Compression is found by itself when reading. Times are kept; modes and
//! owners are not, because a sandbox has none.

mod options;

use crate::codec::Codec;
use crate::files;
use ::tar::{Archive, Builder, EntryType, Header};
use chrono::DateTime;
use options::{Mode, Options};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use swarm_flow_posix::{glob, reason};

pub fn main(arguments: &[String]) -> Result<i32, String> {
    let options = options::parse(arguments)?;
    match options.mode {
        Mode::Create => create(&options),
        Mode::List | Mode::Extract => read(&options),
    }
}

fn create(options: &Options) -> Result<i32, String> {
    let paths = options.members.clone();
    if paths.is_empty() {
        return Err("Cowardly refusing to create an empty archive".to_owned());
    }
    let start = std::env::current_dir().unwrap_or_default();
    let (mut archive, mut code, mut told) = (Builder::new(Vec::new()), 0, false);
    for (folder, path) in &paths {
        let folder = start.join(folder);
        std::env::set_current_dir(&folder)
            .map_err(|error| format!("{}: Cannot open: {}", folder.display(), reason(&error)))?;
        if let Err(error) = fs::symlink_metadata(path) {
            eprintln!("tar: {path}: Cannot stat: {}", reason(&error));
            code = 2;
            continue;
        }
        if path.starts_with('/') && !told {
            told = true;
            eprintln!("tar: Removing leading `/' from member names");
        }
        for file in files::tree(path) {
            if excluded(options, &file) {
                continue;
            }
            add(options, &mut archive, &file)
                .map_err(|error| format!("{}: {}", file.display(), reason(&error)))?;
        }
    }
    // A path that was left is gone when the archive is written.
    std::env::set_current_dir(&start).map_err(|error| reason(&error))?;
    let bytes = archive.into_inner().map_err(|error| reason(&error))?;
    let codec = options.codec.unwrap_or_else(|| match options.by_name {
        true => Codec::of_name(options.file.as_deref().unwrap_or_default()),
        false => Codec::Plain,
    });
    let mut out = Vec::new();
    codec
        .compress(&bytes, 6, &mut out)
        .map_err(|error| reason(&error))?;
    let written = match options.file.as_deref() {
        None | Some("-") => io::stdout().write_all(&out),
        Some(path) => fs::write(path, &out),
    };
    written.map_err(|error| {
        format!(
            "{}: Cannot write: {}",
            options.file.as_deref().unwrap_or("-"),
            reason(&error)
        )
    })?;
    if code != 0 {
        eprintln!("tar: Exiting with failure status due to previous errors");
    }
    Ok(code)
}

fn add(options: &Options, archive: &mut Builder<Vec<u8>>, path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let mut name = path.to_string_lossy().trim_start_matches('/').to_owned();
    if name.is_empty() {
        return Ok(());
    }
    let mut header = Header::new_gnu();
    header.set_mtime(files::modified(&found).as_secs());
    header.set_uid(1_000);
    header.set_gid(1_000);
    header.set_username("user")?;
    header.set_groupname("user")?;
    if options.verbose {
        let mark = if found.is_dir() && !name.ends_with('/') {
            "/"
        } else {
            ""
        };
        say(options, &format!("{name}{mark}"));
    }
    if found.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        let target = fs::read_link(path)?;
        return archive.append_link(&mut header, name, target);
    }
    if found.is_dir() {
        name.push('/');
        header.set_entry_type(EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        return archive.append_data(&mut header, name, io::empty());
    }
    header.set_mode(0o644);
    let bytes = fs::read(path)?;
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, name, bytes.as_slice())
}

/// Where the archive goes to standard output, what is said about it does not.
fn say(options: &Options, line: &str) {
    match options.mode == Mode::Create && matches!(options.file.as_deref(), None | Some("-")) {
        true => eprintln!("{line}"),
        false => println!("{line}"),
    }
}

fn read(options: &Options) -> Result<i32, String> {
    let bytes = input(options)?;
    let codec = Codec::of_bytes(&bytes);
    let mut plain = Vec::new();
    codec
        .decompress(&bytes, &mut plain)
        .map_err(|error| format!("This does not look like a tar archive: {}", reason(&error)))?;
    if let Some((folder, _)) = options
        .members
        .first()
        .filter(|_| options.mode == Mode::Extract)
    {
        enter(folder)?;
    } else if options.mode == Mode::Extract {
        enter(&options.folder)?;
    }
    let mut archive = Archive::new(plain.as_slice());
    let entries = archive.entries().map_err(|error| reason(&error))?;
    let mut used = vec![false; options.members.len()];
    let mut folders: Vec<(PathBuf, Duration)> = Vec::new();
    let mut code = 0;
    for entry in entries {
        let mut entry = entry.map_err(|_| "This does not look like a tar archive".to_owned())?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !wanted(options, &name, &mut used) || excluded(options, Path::new(&name)) {
            continue;
        }
        match options.mode {
            Mode::List => println!("{}", listed(options, &name, &entry)),
            _ => {
                if let Err(error) = unpack(options, &name, &mut entry, &mut folders) {
                    eprintln!("tar: {error}");
                    code = 2;
                }
            }
        }
    }
    // What is written into a folder changes its time.
    if !options.touch {
        let last_first = folders.iter().rev();
        last_first.for_each(|(path, time)| files::set_modified(path, *time));
    }
    for ((_, member), _) in options
        .members
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
    {
        eprintln!("tar: {member}: Not found in archive");
        code = 2;
    }
    if code != 0 {
        eprintln!("tar: Exiting with failure status due to previous errors");
    }
    Ok(code)
}

fn enter(folder: &str) -> Result<(), String> {
    std::env::set_current_dir(folder)
        .map_err(|error| format!("{folder}: Cannot open: {}", reason(&error)))
}

fn input(options: &Options) -> Result<Vec<u8>, String> {
    match options.file.as_deref() {
        None | Some("-") => {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| reason(&error))?;
            Ok(bytes)
        }
        Some(path) => fs::read(path).map_err(|error| {
            format!(
                "{path}: Cannot open: {}\ntar: Error is not recoverable: exiting now",
                reason(&error)
            )
        }),
    }
}

fn unpack(
    options: &Options,
    name: &str,
    entry: &mut ::tar::Entry<'_, &[u8]>,
    folders: &mut Vec<(PathBuf, Duration)>,
) -> Result<(), String> {
    let stripped: Vec<&str> = name
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .skip(options.strip)
        .collect();
    let Some(path) = files::place(&stripped.join("/"))? else {
        if stripped.is_empty() && options.strip == 0 && !options.to_stdout {
            folders.push((PathBuf::from("."), modified(entry)));
        }
        return Ok(());
    };
    let failed = |error: io::Error| format!("{name}: Cannot open: {}", reason(&error));
    if options.verbose {
        println!("{name}");
    }
    if options.to_stdout {
        return io::copy(entry, &mut io::stdout().lock())
            .map(drop)
            .map_err(failed);
    }
    let time = modified(entry);
    let kind = entry.header().entry_type();
    if kind.is_dir() {
        fs::create_dir_all(&path).map_err(failed)?;
        folders.push((path, time));
        return Ok(());
    }
    files::make_parents(&path).map_err(failed)?;
    if options.keep_old && fs::symlink_metadata(&path).is_ok() {
        return Ok(());
    }
    let link = entry
        .link_name_bytes()
        .map(|link| String::from_utf8_lossy(&link).into_owned());
    match (kind, link) {
        (EntryType::Symlink, Some(target)) => {
            let _ = fs::remove_file(&path);
            files::symlink(&target, &path).map_err(failed)?;
            if !options.touch {
                files::set_modified(&path, time);
            }
            Ok(())
        }
        (EntryType::Link, Some(target)) => {
            let target =
                files::place(&target)?.ok_or_else(|| format!("{name}: a link to nothing"))?;
            fs::copy(target, &path).map(drop).map_err(failed)
        }
        (EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse, _) => {
            // A link of that name must not lead the bytes elsewhere.
            let _ = fs::remove_file(&path);
            let mut file = fs::File::create(&path).map_err(failed)?;
            io::copy(entry, &mut file).map_err(failed)?;
            drop(file);
            if !options.touch {
                files::set_modified(&path, time);
            }
            Ok(())
        }
        _ => Err(format!(
            "{name}: a sandbox has no devices and no pipes with names"
        )),
    }
}

/// With its fraction, if the archive has it.
fn modified(entry: &mut ::tar::Entry<'_, &[u8]>) -> Duration {
    let whole = Duration::from_secs(entry.header().mtime().unwrap_or(0));
    let Ok(Some(mut records)) = entry.pax_extensions() else {
        return whole;
    };
    let exact = records.find_map(|record| {
        let record = record.ok()?;
        (record.key() == Ok("mtime")).then(|| seconds(record.value().ok()?))?
    });
    exact.unwrap_or(whole)
}

/// `1714979289.5`, without what floating point would do to it.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some(Duration::new(whole.parse().ok()?, digits.parse().ok()?))
}

fn wanted(options: &Options, name: &str, used: &mut [bool]) -> bool {
    if options.members.is_empty() {
        return true;
    }
    let bare = name.trim_end_matches('/');
    let mut found = false;
    for ((_, member), used) in options.members.iter().zip(used) {
        let member = member.trim_end_matches('/');
        let beneath = bare
            .strip_prefix(member)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if beneath || options.wildcards && glob::matches(member, bare, glob::Options::default()) {
            (found, *used) = (true, true);
        }
    }
    found
}

/// A pattern fits a whole name, or any of the parts at which it could begin, and all beneath it.
fn excluded(options: &Options, path: &Path) -> bool {
    let name = path.to_string_lossy();
    let name = name.trim_end_matches('/');
    let parts: Vec<&str> = name.split('/').collect();
    options.exclude.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        (0..parts.len()).any(|from| {
            (from + 1..=parts.len()).any(|to| {
                let piece = parts.get(from..to).unwrap_or_default().join("/");
                glob::matches(pattern, &piece, glob::Options::default())
            })
        })
    })
}

fn listed(options: &Options, name: &str, entry: &::tar::Entry<'_, &[u8]>) -> String {
    if !options.verbose {
        return name.to_owned();
    }
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Directory => 'd',
        EntryType::Symlink => 'l',
        EntryType::Link => 'h',
        _ => '-',
    };
    let mode = header.mode().unwrap_or(0);
    let bits = (0..9).rev().map(|bit| match mode >> bit & 1 {
        0 => '-',
        _ => ['x', 'w', 'r'].get(bit % 3).copied().unwrap_or('-'),
    });
    let bits: String = bits.collect();
    let text = |found: Result<Option<&str>, std::str::Utf8Error>| {
        found.ok().flatten().unwrap_or("").to_owned()
    };
    let owner = format!("{}/{}", text(header.username()), text(header.groupname()));
    let seconds = i64::try_from(header.mtime().unwrap_or(0)).unwrap_or(0);
    let when = DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .format("%Y-%m-%d %H:%M");
    let size = header.size().unwrap_or(0).to_string();
    let width = 18usize.saturating_sub(owner.len());
    let link = entry
        .link_name_bytes()
        .map(|link| String::from_utf8_lossy(&link).into_owned());
    let link = link.map(|link| {
        if kind == 'h' {
            format!(" link to {link}")
        } else {
            format!(" -> {link}")
        }
    });
    format!(
        "{kind}{bits} {owner} {size:>width$} {when} {name}{}",
        link.unwrap_or_default()
    )
}
