//! `mkdir`, `touch`, `mktemp`.

use super::paths::{self, Written, failed};
use crate::commands::ours::{Ours, error};
use crate::environment;
use chrono::{DateTime, FixedOffset};
use nu_engine::command_prelude::*;
use nu_protocol::ast;
use nu_protocol::shell_error::generic::GenericError;
use std::fs::{File, FileTimes, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "mkdir",
            Category::FileSystem,
            "Create directories, with intermediary directories if required.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Nothing),
                        (Type::Nothing, Type::table()),
                    ])
                    .rest(
                        "rest",
                        SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::Directory]),
                        "The name(s) of the path(s) to create.",
                    )
                    .switch("verbose", "Print a message for each created directory.", Some('v'))
            },
            mkdir,
        )
        .terms(&["directory", "folder", "create", "make_dirs", "coreutils", "md"])
        .examples(&[("Make a directory named foo.", "mkdir foo")]),
        Ours::new(
            "touch",
            Category::FileSystem,
            "Creates one or more files.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::Nothing)])
                    .rest(
                        "files",
                        SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::Filepath]),
                        "The file(s) to create.",
                    )
                    .named("reference", SyntaxShape::Filepath, "Use the access and modification times of the reference file/directory instead of the current time.", Some('r'))
                    .named("timestamp", SyntaxShape::DateTime, "Use the given timestamp instead of the current time.", Some('t'))
                    .named("date", SyntaxShape::String, "Use the given time instead of the current time. This can be a full timestamp or it can be relative to the current time.", Some('d'))
                    .switch("modified", "Change only the modification time (if used with -a, access time is changed too).", Some('m'))
                    .switch("access", "Change only the access time (if used with -m, modification time is changed too).", Some('a'))
                    .switch("no-create", "Don't create the file if it doesn't exist.", Some('c'))
                    .switch("no-deref", "Affect each symbolic link instead of any referenced file: WASI cannot, so links are left alone.", Some('s'))
            },
            touch,
        )
        .terms(&["create", "file", "coreutils"])
        .examples(&[("Creates \"fixture.json\".", "touch fixture.json")]),
        Ours::new(
            "mktemp",
            Category::FileSystem,
            "Create temporary files or directories.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::String)])
                    .optional("template", SyntaxShape::String, "Optional pattern from which the name of the file or directory is derived. Must contain at least three 'X's in last component.")
                    .named("suffix", SyntaxShape::String, "Append suffix to template; must not contain a slash.", None)
                    .named("tmpdir-path", SyntaxShape::Filepath, "Interpret TEMPLATE relative to tmpdir-path. If tmpdir-path is not set use $TMPDIR.", Some('p'))
                    .switch("tmpdir", "Interpret TEMPLATE relative to the system temporary directory. It is implied if template is not provided.", Some('t'))
                    .switch("directory", "Create a directory instead of a file.", Some('d'))
                    .switch("dry", "Don't create a file and just return the path that would have been created.", None)
            },
            mktemp,
        )
        .terms(&["create", "directory", "file", "folder", "temporary", "coreutils"]),
    ]
}

fn mkdir(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let verbose = call.has_flag(engine, stack, "verbose")?;
    let current = paths::current(engine, stack)?;
    let written = paths::arguments(engine, stack, call, 0)?;
    if written.is_empty() {
        return Err(ShellError::MissingParameter {
            param_name: "requires directory paths".to_owned(),
            span: call.head,
        });
    }
    let mut rows = Vec::new();
    for written in &written {
        let path = paths::absolute(written, &current);
        let made = std::fs::create_dir_all(&path);
        let problem = made
            .err()
            .map(|problem| failed(problem, written.span, &path));
        if !verbose && let Some(problem) = problem {
            return Err(problem);
        }
        let row = record! {
            "path" => Value::string(path.to_string_lossy(), call.head),
            "created" => Value::bool(problem.is_none(), call.head),
            "error" => problem.map_or_else(|| Value::nothing(call.head), |problem| Value::string(problem.to_string(), call.head)),
        };
        rows.push(Value::record(row, call.head));
    }
    if verbose {
        return Ok(Value::list(rows, call.head).into_pipeline_data());
    }
    Ok(PipelineData::empty())
}

fn touch(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let modified = call.has_flag(engine, stack, "modified")?;
    let access = call.has_flag(engine, stack, "access")?;
    let no_create = call.has_flag(engine, stack, "no-create")?;
    let no_deref = call.has_flag(engine, stack, "no-deref")?;
    let current = paths::current(engine, stack)?;
    let written = paths::arguments(engine, stack, call, 0)?;
    if written.is_empty() {
        return Err(ShellError::MissingParameter {
            param_name: "requires file paths".to_owned(),
            span: call.head,
        });
    }
    let (accessed_at, modified_at) = moments(engine, stack, call, &current)?;
    let mut times = FileTimes::new();
    if access || !modified {
        times = times.set_accessed(accessed_at);
    }
    if modified || !access {
        times = times.set_modified(modified_at);
    }
    for written in &written {
        for path in touched(engine, written, &current)? {
            if !path.exists() && no_create || path.is_symlink() && no_deref {
                continue;
            }
            set_times(&path, times).map_err(|problem| failed(problem, written.span, &path))?;
        }
    }
    Ok(PipelineData::empty())
}

/// Access and modification times, as the flags say.
fn moments(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    current: &Path,
) -> Result<(SystemTime, SystemTime), ShellError> {
    let reference: Option<Spanned<PathBuf>> = call.get_flag(engine, stack, "reference")?;
    let timestamp: Option<Spanned<DateTime<FixedOffset>>> =
        call.get_flag(engine, stack, "timestamp")?;
    let date: Option<Spanned<String>> = call.get_flag(engine, stack, "date")?;
    let others = [
        reference
            .as_ref()
            .map(|given| ("reference given", given.span)),
        date.as_ref().map(|given| ("date given", given.span)),
    ];
    let other = others.into_iter().flatten().next();
    if let (Some(timestamp), Some((message, span))) = (&timestamp, other) {
        return Err(ShellError::IncompatibleParameters {
            left_message: "timestamp given".to_owned(),
            left_span: timestamp.span,
            right_message: message.to_owned(),
            right_span: span,
        });
    }
    if let Some(timestamp) = timestamp {
        let moment = SystemTime::from(timestamp.item);
        return Ok((moment, moment));
    }
    if let Some(date) = date {
        let moment = human_date(engine, stack, &date)?;
        return Ok((moment, moment));
    }
    if let Some(reference) = reference {
        let reference = paths::plain(reference, current);
        let io = |problem| failed(problem, reference.span, &reference.item);
        let metadata = std::fs::metadata(&reference.item).map_err(io)?;
        return Ok((
            metadata.accessed().map_err(io)?,
            metadata.modified().map_err(io)?,
        ));
    }
    let now = SystemTime::now();
    Ok((now, now))
}

/// As `date from-human` understands it.
fn human_date(
    engine: &EngineState,
    stack: &mut Stack,
    date: &Spanned<String>,
) -> Result<SystemTime, ShellError> {
    let invalid = || ShellError::IncorrectValue {
        msg: format!("Invalid date: {}", date.item),
        val_span: date.span,
        call_span: date.span,
    };
    let id = engine
        .find_decl(b"date from-human", &[])
        .ok_or_else(invalid)?;
    let input = Value::string(&date.item, date.span).into_pipeline_data();
    let call = ast::Call::new(date.span);
    let command = engine.get_decl(id);
    let value = command.run(engine, stack, &(&call).into(), input);
    match value.and_then(|data| data.into_value(date.span)) {
        Ok(Value::Date { val, .. }) => Ok(val.into()),
        _ => Err(invalid()),
    }
}

/// What is there, or the one file that may be made.
fn touched(
    engine: &EngineState,
    written: &Written,
    current: &Path,
) -> Result<Vec<PathBuf>, ShellError> {
    let path = paths::absolute(written, current);
    let wild = written.item.is_expand() && nu_glob::is_glob(written.item.as_ref());
    if !wild {
        return Ok(vec![path]);
    }
    let found = paths::matches(engine, written, current, false)?;
    if found.is_empty() {
        let shown = written.item.as_ref();
        let problem = GenericError::new(
            format!("No matches found for glob {shown}"),
            "No matches found for glob",
            written.span,
        );
        let help = format!("Use quotes if you want to create a file named {shown}");
        return Err(ShellError::Generic(problem.with_help(help)));
    }
    Ok(found)
}

fn set_times(path: &Path, times: FileTimes) -> std::io::Result<()> {
    let file = if path.is_dir() {
        File::open(path)?
    } else {
        OpenOptions::new().create(true).append(true).open(path)?
    };
    file.set_times(times)
}

fn mktemp(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let template: Option<Spanned<String>> = call.opt(engine, stack, 0)?;
    let suffix: Option<String> = call.get_flag(engine, stack, "suffix")?;
    let folder: Option<Spanned<PathBuf>> = call.get_flag(engine, stack, "tmpdir-path")?;
    let temporary = call.has_flag(engine, stack, "tmpdir")? || template.is_none();
    let directory = call.has_flag(engine, stack, "directory")?;
    let dry = call.has_flag(engine, stack, "dry")?;
    let current = paths::current(engine, stack)?;
    let span = template
        .as_ref()
        .map_or(call.head, |template| template.span);
    let template = template.map_or_else(|| "tmp.XXXXXXXXXX".to_owned(), |template| template.item);
    let suffix = suffix.unwrap_or_default();
    let folder = match folder {
        Some(folder) => paths::plain(folder, &current).item,
        None if temporary || directory => PathBuf::from(environment::temporary_directory()),
        None => current,
    };
    let end = template.rfind('X').map_or(0, |at| at + 1);
    let (head, tail) = template.split_at(end);
    let stem = head.trim_end_matches('X');
    let count = head.len() - stem.len();
    if count < 3 {
        return Err(error(
            format!("too few X's in template '{template}'"),
            "there must be three in a row",
            span,
        ));
    }
    for _ in 0..ATTEMPTS_MAX {
        let path = folder.join(format!("{stem}{}{tail}{suffix}", random_name(count)));
        let made = if dry {
            Ok(())
        } else if directory {
            std::fs::create_dir(&path)
        } else {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
                .map(drop)
        };
        match made {
            Ok(()) => {
                return Ok(Value::string(path.to_string_lossy(), call.head).into_pipeline_data());
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(problem) => return Err(failed(problem, call.head, &path)),
        }
    }
    Err(error(
        format!("no name of the form '{template}' is free"),
        "use more X's",
        span,
    ))
}

/// Of three letters there are a quarter of a million names.
const ATTEMPTS_MAX: usize = 1_000;

fn random_name(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let bytes = swarm_flow_process::bindings::wasi::random::random::get_random_bytes(length as u64);
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied();
    bytes.iter().filter_map(letter).map(char::from).collect()
}
