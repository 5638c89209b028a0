//! `cp` and `mv`.

use super::paths::{self, failed};
use crate::commands::ours::{Ours, error};
use nu_engine::command_prelude::*;
use nu_protocol::shell_error::generic::GenericError;
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};

fn operands(signature: Signature) -> Signature {
    signature
        .switch("verbose", "Explain what is being done.", Some('v'))
        .switch("force", "Overwrite; done without.", Some('f'))
        .switch("interactive", "Ask before overwriting: there is no terminal, so this is an error.", Some('i'))
        .switch("update", "Only when the source is newer than the destination or when the destination is missing.", Some('u'))
        .switch("progress", "Accepted; there is no terminal to show it on.", Some('p'))
        .switch("no-clobber", "Do not overwrite an existing file.", Some('n'))
        .switch("all", "Hidden files too if '*' is provided.", Some('a'))
        .rest(
            "paths",
            SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::String]),
            "What there is, and where it goes.",
        )
}

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "cp",
            Category::FileSystem,
            "Copy files.",
            |signature| {
                operands(signature)
                    .input_output_types(vec![(Type::Nothing, Type::Nothing)])
                    .switch("recursive", "Copy directories recursively.", Some('r'))
                    .switch(
                        "no-dereference",
                        "Copy symbolic links as symbolic links instead of their targets.",
                        Some('P'),
                    )
                    .named(
                        "preserve",
                        SyntaxShape::List(Box::new(SyntaxShape::String)),
                        "Preserve attributes: `timestamps` is the one there is.",
                        None,
                    )
                    .switch("debug", "Explain how a file is copied. Implies -v.", None)
            },
            cp,
        )
        .terms(&["copy", "file", "files", "coreutils"])
        .examples(&[
            ("Copy myfile to dir_b.", "cp myfile dir_b"),
            ("Recursively copy dir_a to dir_b.", "cp -r dir_a dir_b"),
            ("Move many files into a directory.", "cp *.txt dir_a"),
        ]),
        Ours::new(
            "mv",
            Category::FileSystem,
            "Move files or directories.",
            |signature| {
                operands(signature).input_output_types(vec![
                    (Type::Nothing, Type::table()),
                    (Type::Nothing, Type::Nothing),
                ])
            },
            mv,
        )
        .terms(&["move", "file", "files", "coreutils", "rename", "ren"])
        .examples(&[
            ("Rename a file.", "mv before.txt after.txt"),
            (
                "Move a file into a directory.",
                "mv test.txt my/subdirectory",
            ),
        ]),
    ]
}

struct Transfer {
    /// Where each comes from and goes to.
    steps: Vec<(PathBuf, PathBuf, Span)>,
    verbose: bool,
    update: bool,
    no_clobber: bool,
}

impl Transfer {
    fn of(engine: &EngineState, stack: &mut Stack, call: &Call) -> Result<Self, ShellError> {
        if call.has_flag(engine, stack, "interactive")? {
            return Err(error(
                "Cannot ask before overwriting",
                "there is no terminal to ask on",
                call.head,
            ));
        }
        let current = paths::current(engine, stack)?;
        let hidden = call.has_flag(engine, stack, "all")?;
        let mut written = paths::arguments(engine, stack, call, 0)?;
        let Some(target) = written.pop() else {
            return Err(ShellError::Generic(
                GenericError::new("Missing file operand", "Missing file operand", call.head)
                    .with_help("Please provide source and destination paths"),
            ));
        };
        if written.is_empty() {
            return Err(error(
                "Missing destination path",
                format!(
                    "Missing destination path operand after {}",
                    target.item.as_ref()
                ),
                target.span,
            ));
        }
        let place = paths::absolute(&target, &current);
        let folder = place.is_dir();
        if target.item.as_ref().ends_with('/') && !folder {
            return Err(error(
                "is not a directory",
                "is not a directory",
                target.span,
            ));
        }
        let mut found = Vec::new();
        for written in &written {
            let matches = paths::matches(engine, written, &current, hidden)?;
            if matches.is_empty() {
                let missing = PathBuf::from(written.item.as_ref());
                return Err(IoError::new(ErrorKind::FileNotFound, written.span, missing).into());
            }
            found.extend(matches.into_iter().map(|path| (path, written.span)));
        }
        if found.len() > 1 && !folder {
            return Err(error(
                format!("target '{}' is not a directory", place.display()),
                "more than one source needs a directory",
                target.span,
            ));
        }
        let step = |(from, span): (PathBuf, Span)| match from.file_name() {
            Some(name) if folder => (from.clone(), place.join(name), span),
            _ => (from, place.clone(), span),
        };
        Ok(Self {
            steps: found.into_iter().map(step).collect(),
            verbose: call.has_flag(engine, stack, "verbose")?,
            update: call.has_flag(engine, stack, "update")?,
            no_clobber: call.has_flag(engine, stack, "no-clobber")?,
        })
    }

    /// What is there stays as it is.
    fn keeps(&self, from: &Path, to: &Path) -> bool {
        let Ok(there) = std::fs::symlink_metadata(to) else {
            return false;
        };
        if there.is_dir() {
            return false;
        }
        let modified = |path| {
            std::fs::metadata(path)
                .and_then(|metadata| metadata.modified())
                .ok()
        };
        self.no_clobber || self.update && modified(from) <= modified(to)
    }
}

fn cp(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let recursive = call.has_flag(engine, stack, "recursive")?;
    let debug = call.has_flag(engine, stack, "debug")?;
    let no_dereference = call.has_flag(engine, stack, "no-dereference")?;
    let preserve: Option<Vec<String>> = call.get_flag(engine, stack, "preserve")?;
    let transfer = Transfer::of(engine, stack, call)?;
    let copy = Copy {
        links: recursive || no_dereference,
        times: preserve.is_some_and(|kept| kept.iter().any(|kept| kept == "timestamps")),
        transfer: &transfer,
    };
    for (from, to, span) in &transfer.steps {
        engine.signals().check(&call.head)?;
        let folder = if copy.links {
            std::fs::symlink_metadata(from).is_ok_and(|metadata| metadata.is_dir())
        } else {
            from.is_dir()
        };
        if folder && !recursive {
            return Err(ShellError::Generic(
                GenericError::new(
                    "could_not_copy_directory",
                    "resolves to a directory (not copied)",
                    *span,
                )
                .with_help("Directories must be copied using \"--recursive\""),
            ));
        }
        if to.starts_with(from) {
            let title = if to == from {
                format!(
                    "'{}' and '{}' are the same file",
                    from.display(),
                    to.display()
                )
            } else {
                format!("cannot copy '{}' into itself", from.display())
            };
            return Err(error(title, "it is its own destination", *span));
        }
        copy.tree(from, to)
            .map_err(|problem| failed(problem, *span, from))?;
        if transfer.verbose || debug {
            println!("'{}' -> '{}'", from.display(), to.display());
        }
    }
    Ok(PipelineData::empty())
}

struct Copy<'a> {
    /// Links are copied as links.
    links: bool,
    times: bool,
    transfer: &'a Transfer,
}

impl Copy<'_> {
    fn tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut waiting = vec![(from.to_owned(), to.to_owned())];
        while let Some((from, to)) = waiting.pop() {
            let metadata = if self.links {
                std::fs::symlink_metadata(&from)?
            } else {
                std::fs::metadata(&from)?
            };
            if metadata.is_dir() {
                if !to.is_dir() {
                    std::fs::create_dir(&to)?;
                }
                for entry in std::fs::read_dir(&from)? {
                    let name = entry?.file_name();
                    waiting.push((from.join(&name), to.join(name)));
                }
            } else if !self.transfer.keeps(&from, &to) {
                self.file(&from, &to, &metadata)?;
            }
        }
        Ok(())
    }

    fn file(&self, from: &Path, to: &Path, metadata: &std::fs::Metadata) -> io::Result<()> {
        if metadata.is_symlink() {
            if to.symlink_metadata().is_ok() {
                std::fs::remove_file(to)?;
            }
            return link(&std::fs::read_link(from)?, to);
        }
        let mut source = std::fs::File::open(from)?;
        let mut copy = std::fs::File::create(to)?;
        io::copy(&mut source, &mut copy)?;
        if self.times {
            let times = std::fs::FileTimes::new()
                .set_modified(metadata.modified()?)
                .set_accessed(metadata.accessed()?);
            copy.set_times(times)?;
        }
        Ok(())
    }
}

/// What the standard library has for it is not stable on WASI.
fn link(target: &Path, at: &Path) -> io::Result<()> {
    let text = |path: &Path| CString::new(path.as_os_str().as_encoded_bytes());
    let (target, at) = (text(target)?, text(at)?);
    // SAFETY: both are strings that end with a zero and outlive the call.
    match unsafe { libc::symlink(target.as_ptr(), at.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn mv(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let transfer = Transfer::of(engine, stack, call)?;
    let mut rows = Vec::new();
    for (from, to, span) in &transfer.steps {
        engine.signals().check(&call.head)?;
        if to.starts_with(from) && to != from {
            let title = format!("cannot move '{}' into itself", from.display());
            return Err(error(title, "it is its own destination", *span));
        }
        if transfer.keeps(from, to) {
            continue;
        }
        move_one(from, to, &transfer).map_err(|problem| failed(problem, *span, from))?;
        let message = format!("renamed {} -> {}", from.display(), to.display());
        let row = record! {
            "source" => Value::string(from.to_string_lossy(), call.head),
            "destination" => Value::string(to.to_string_lossy(), call.head),
            "message" => Value::string(message, call.head),
        };
        rows.push(Value::record(row, call.head));
    }
    if transfer.verbose {
        return Ok(Value::list(rows, call.head).into_pipeline_data());
    }
    Ok(PipelineData::empty())
}

/// Between two opened directories there is no renaming, so it is copied and removed.
fn move_one(from: &Path, to: &Path, transfer: &Transfer) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(problem) if problem.kind() == io::ErrorKind::CrossesDevices => {
            let copy = Copy {
                links: true,
                times: true,
                transfer,
            };
            copy.tree(from, to)?;
            if std::fs::symlink_metadata(from)?.is_dir() {
                std::fs::remove_dir_all(from)
            } else {
                std::fs::remove_file(from)
            }
        }
        result => result,
    }
}
