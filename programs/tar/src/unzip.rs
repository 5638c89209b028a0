//! `unzip`: lists, tests and unpacks archives.

use crate::files;
use ::zip::ZipArchive;
use chrono::NaiveDate;
use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::time::Duration;
use swarm_flow_posix::{glob, reason};

#[derive(Default)]
struct Options {
    list: bool,
    names_only: bool,
    pipe: bool,
    test: bool,
    overwrite: bool,
    keep_old: bool,
    quiet: bool,
    junk: bool,
    folder: Option<String>,
    archive: String,
    members: Vec<String>,
    exclude: Vec<String>,
}

pub fn main(arguments: &[String]) -> Result<i32, String> {
    let options = parse(arguments)?;
    let candidates = [options.archive.clone(), format!("{}.zip", options.archive)];
    let found = candidates
        .iter()
        .find(|path| Path::new(path.as_str()).is_file());
    let Some(path) = found else {
        eprintln!(
            "unzip:  cannot find or open {0}, {0}.zip or {0}.ZIP.",
            options.archive
        );
        return Ok(9);
    };
    let bytes = fs::read(path).map_err(|error| format!("{path}: {}", reason(&error)))?;
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("{path}: {error}"))?;
    if !options.quiet && !options.pipe && !options.names_only {
        println!("Archive:  {path}");
    }
    if options.list {
        return list(&options, &mut archive);
    }
    let (mut code, mut tested) = (0, 0);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|error| error.to_string())?;
        let name = entry.name().to_owned();
        if !wanted(&options, &name) {
            continue;
        }
        let result = match () {
            () if options.pipe => io::copy(&mut entry, &mut io::stdout().lock())
                .map(drop)
                .map_err(|error| reason(&error)),
            () if options.test => {
                tested += 1;
                test(&options, &name, &mut entry)
            }
            () => unpack(&options, &name, &mut entry),
        };
        if let Err(error) = result {
            eprintln!("unzip: {name}: {error}");
            code = 3;
        }
    }
    if tested > 0 {
        let plural = if tested == 1 { "file" } else { "files" };
        match code {
            0 if options.members.is_empty() => {
                println!("No errors detected in compressed data of {path}.");
            }
            0 => println!("No errors detected in {path} for the {tested} {plural} tested."),
            _ => println!("At least one error was detected in {path}."),
        }
    }
    Ok(code)
}

fn test(options: &Options, name: &str, entry: &mut impl io::Read) -> Result<(), String> {
    let read = io::copy(entry, &mut io::sink());
    if !options.quiet && read.is_ok() {
        println!("    testing: {name:<22}   OK");
    }
    read.map(drop).map_err(|error| reason(&error))
}

fn unpack(
    options: &Options,
    name: &str,
    entry: &mut ::zip::read::ZipFile<'_, Cursor<Vec<u8>>>,
) -> Result<(), String> {
    let Some(mut path) = files::place(name)? else {
        return Ok(());
    };
    if options.junk {
        path = path.file_name().map(Into::into).unwrap_or(path);
    }
    if let Some(folder) = &options.folder {
        path = Path::new(folder).join(path);
    }
    let failed = |error: io::Error| reason(&error);
    if entry.is_dir() {
        if options.junk {
            return Ok(());
        }
        if !options.quiet && !path.is_dir() {
            println!("   creating: {}/", path.display());
        }
        return fs::create_dir_all(&path).map_err(failed);
    }
    files::make_parents(&path).map_err(failed)?;
    if fs::symlink_metadata(&path).is_ok() && !options.overwrite {
        if options.keep_old {
            return Ok(());
        }
        return Err("it is already there; use -o to overwrite or -n to keep it".to_owned());
    }
    if !options.quiet {
        let verb = if entry.compression() == ::zip::CompressionMethod::Stored {
            "extracting"
        } else {
            " inflating"
        };
        println!(" {verb}: {}  ", path.display());
    }
    let time = entry.last_modified();
    let mut file = fs::File::create(&path).map_err(failed)?;
    io::copy(entry, &mut file).map_err(failed)?;
    drop(file);
    if let Some(seconds) = time.and_then(seconds) {
        files::set_modified(&path, Duration::from_secs(seconds));
    }
    Ok(())
}

fn list(options: &Options, archive: &mut ZipArchive<Cursor<Vec<u8>>>) -> Result<i32, String> {
    let (mut total, mut count) = (0, 0);
    if !options.names_only {
        println!("  Length      Date    Time    Name\n---------  ---------- -----   ----");
    }
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| error.to_string())?;
        if !wanted(options, entry.name()) {
            continue;
        }
        (total, count) = (total + entry.size(), count + 1);
        if options.names_only {
            println!("{}", entry.name());
            continue;
        }
        let when = entry.last_modified().map_or_else(String::new, |when| {
            let (year, month, day) = (when.year(), when.month(), when.day());
            format!(
                "{year:04}-{month:02}-{day:02} {:02}:{:02}",
                when.hour(),
                when.minute()
            )
        });
        println!("{:>9}  {when:<16}   {}", entry.size(), entry.name());
    }
    if !options.names_only {
        let plural = if count == 1 { "file" } else { "files" };
        println!(
            "---------                     -------\n{total:>9}                     {count} {plural}"
        );
    }
    Ok(0)
}

fn wanted(options: &Options, name: &str) -> bool {
    let fits = |pattern: &String| glob::matches(pattern, name, glob::Options::default());
    (options.members.is_empty() || options.members.iter().any(fits))
        && !options.exclude.iter().any(fits)
}

fn seconds(when: ::zip::DateTime) -> Option<u64> {
    let date = NaiveDate::from_ymd_opt(
        i32::from(when.year()),
        u32::from(when.month()),
        u32::from(when.day()),
    )?;
    let time = date.and_hms_opt(
        u32::from(when.hour()),
        u32::from(when.minute()),
        u32::from(when.second()),
    )?;
    u64::try_from(time.and_utc().timestamp()).ok()
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut names = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-d" => options.folder = rest.next().cloned(),
            "-x" => options.exclude.extend(rest.by_ref().cloned()),
            short if short.len() > 1 && short.starts_with('-') => {
                for letter in short.chars().skip(1) {
                    match letter {
                        'l' | 'v' => options.list = true,
                        'Z' => options.list = true,
                        '1' => (options.list, options.names_only) = (true, true),
                        'p' | 'c' => options.pipe = true,
                        't' => options.test = true,
                        'o' => options.overwrite = true,
                        'n' => options.keep_old = true,
                        'q' => options.quiet = true,
                        'j' => options.junk = true,
                        'u' | 'f' | 'a' | 'b' => {}
                        _ => return Err(format!("invalid option -- '{letter}'")),
                    }
                }
            }
            name => names.push(name.to_owned()),
        }
    }
    if names.is_empty() {
        return Err("which archive?".to_owned());
    }
    options.archive = names.remove(0);
    options.members = names;
    Ok(options)
}
