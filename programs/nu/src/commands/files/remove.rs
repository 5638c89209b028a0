//! `rm`.

use super::paths::{self, failed};
use crate::commands::ours::{Ours, error};
use crate::environment;
use nu_engine::command_prelude::*;
use nu_protocol::report_shell_error;
use std::path::Path;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "rm",
            Category::FileSystem,
            "Remove files and directories.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Nothing),
                        (Type::Nothing, Type::table()),
                    ])
                    .rest(
                        "paths",
                        SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::String]),
                        "The file paths(s) to remove.",
                    )
                    .switch(
                        "trash",
                        "Move to the platform's trash: there is none, so this is an error.",
                        Some('t'),
                    )
                    .switch("permanent", "Delete permanently; always so.", Some('p'))
                    .switch("recursive", "Delete subdirectories recursively.", Some('r'))
                    .switch("force", "Suppress error when no file.", Some('f'))
                    .switch(
                        "verbose",
                        "Return a table for each processed path.",
                        Some('v'),
                    )
                    .switch(
                        "interactive",
                        "Ask user to confirm action: there is no terminal, so this is an error.",
                        Some('i'),
                    )
                    .switch(
                        "interactive-once",
                        "Ask user to confirm action only once: likewise.",
                        Some('I'),
                    )
                    .switch("all", "Remove hidden files if '*' is provided.", Some('a'))
            },
            rm,
        )
        .terms(&["delete", "remove", "del", "erase"])
        .examples(&[
            ("Delete a file.", "rm file.txt"),
            (
                "Delete a file, ignoring 'file not found' errors.",
                "rm --force file.txt",
            ),
        ]),
    ]
}

fn rm(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let recursive = call.has_flag(engine, stack, "recursive")?;
    let force = call.has_flag(engine, stack, "force")?;
    let verbose = call.has_flag(engine, stack, "verbose")?;
    let all = call.has_flag(engine, stack, "all")?;
    for (flag, missing) in [
        ("trash", "there is no trash"),
        ("interactive", "there is no terminal to ask on"),
        ("interactive-once", "there is no terminal to ask on"),
    ] {
        if call.has_flag(engine, stack, flag)? {
            let title = format!("Cannot execute `rm` with option `--{flag}`");
            return Err(error(title, missing, call.head));
        }
    }
    let current = paths::current(engine, stack)?;
    let written = paths::arguments(engine, stack, call, 0)?;
    if written.is_empty() {
        return Err(ShellError::MissingParameter {
            param_name: "requires file paths".to_owned(),
            span: call.head,
        });
    }
    let home = environment::home();
    let mut results = Vec::new();
    for written in &written {
        let path = paths::absolute(written, &current);
        let shown = path.to_string_lossy().into_owned();
        if current.starts_with(&path) {
            let problem = "Cannot remove any parent directory";
            results.push((
                shown,
                Err(error(
                    problem,
                    "it is the current directory or above it",
                    written.span,
                )),
            ));
            continue;
        }
        if home.as_deref() == Some(shown.as_str()) {
            return Err(error(
                "You are trying to remove your home dir",
                "this is it",
                written.span,
            ));
        }
        match paths::matches(engine, written, &current, all) {
            Ok(found) if found.is_empty() && !force => results.push((
                shown,
                Err(error(
                    "File(s) not found",
                    "File(s) not found",
                    written.span,
                )),
            )),
            Ok(found) => {
                for path in found {
                    engine.signals().check(&call.head)?;
                    let result = remove(&path, recursive, written.span);
                    results.push((path.to_string_lossy().into_owned(), result));
                }
            }
            Err(_) if force && !path.exists() => {}
            Err(problem) => results.push((shown, Err(problem))),
        }
    }
    if verbose {
        let rows = results.into_iter().map(|(path, result)| {
            let problem = result.as_ref().err().map(ToString::to_string);
            let row = record! {
                "path" => Value::string(path, call.head),
                "deleted" => Value::bool(result.is_ok(), call.head),
                "error" => problem.map_or_else(|| Value::nothing(call.head), |problem| Value::string(problem, call.head)),
            };
            Value::record(row, call.head)
        });
        return Ok(Value::list(rows.collect(), call.head).into_pipeline_data());
    }
    let mut problems = results.into_iter().filter_map(|(_, result)| result.err());
    let first = problems.next();
    for problem in problems {
        report_shell_error(Some(stack), engine, &problem);
    }
    first.map_or_else(|| Ok(PipelineData::empty()), Err)
}

fn remove(path: &Path, recursive: bool, span: Span) -> Result<(), ShellError> {
    let io = |problem| failed(problem, span, path);
    let metadata = std::fs::symlink_metadata(path).map_err(io)?;
    if !metadata.is_dir() {
        return std::fs::remove_file(path).map_err(io);
    }
    if recursive {
        return std::fs::remove_dir_all(path).map_err(io);
    }
    let empty = std::fs::read_dir(path).map_err(io)?.next().is_none();
    if !empty {
        return Err(error(
            format!("Cannot remove {}. try --recursive", path.display()),
            "cannot remove non-empty directory",
            span,
        ));
    }
    std::fs::remove_dir(path).map_err(io)
}
