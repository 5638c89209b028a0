//! `open`.

use super::paths::{self, failed};
use crate::commands::ours::Ours;
use nu_engine::{command_prelude::*, eval_call};
use nu_protocol::debugger::WithoutDebug;
use nu_protocol::shell_error::generic::GenericError;
use nu_protocol::{DataSource, NuGlob, PipelineMetadata, ast};
use std::fs::File;
use std::path::Path;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "open",
            Category::FileSystem,
            "Load a file into a cell, converting to table if possible (avoid by appending '--raw').",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Any),
                        (Type::String, Type::Any),
                        (Type::Any, Type::Any),
                    ])
                    .rest(
                        "files",
                        SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::String]),
                        "The file(s) to open.",
                    )
                    .switch("raw", "Open file as raw binary.", Some('r'))
            },
            open,
        )
        .terms(&["load", "read", "load_file", "read_file", "cat", "get-content"])
        .examples(&[
            ("Open a file, with structure (based on file extension).", "open myfile.json"),
            ("Open a file, as raw bytes.", "open myfile.json --raw"),
            ("Open a file, using the input to get filename.", "'myfile.txt' | open"),
            ("Open a file, and decode it by the specified encoding.", "open myfile.txt --raw | decode utf-8"),
        ]),
    ]
}

fn open(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let raw = call.has_flag(engine, stack, "raw")?;
    let current = paths::current(engine, stack)?;
    let mut written = paths::arguments(engine, stack, call, 0)?;
    if written.is_empty() && !call.has_positional_args(stack, 0) {
        let PipelineData::Value(value, ..) = input else {
            return Err(ShellError::MissingParameter {
                param_name: "needs filename".to_owned(),
                span: call.head,
            });
        };
        let span = value.span();
        let name = NuGlob::Expand(value.coerce_into_string()?);
        written.push(paths::clean(name.into_spanned(span)));
    }
    let mut opened = Vec::new();
    for written in &written {
        let found =
            paths::matches(engine, written, &current, true).map_err(|error| match error {
                ShellError::Io(mut error) => {
                    error.kind = error.kind.not_found_as(NotFound::File);
                    error.span = written.span;
                    error.into()
                }
                error => error,
            })?;
        for path in found {
            opened.push(open_one(
                engine,
                stack,
                call.head,
                &path,
                written.span,
                raw,
            )?);
        }
    }
    if opened.len() < 2 {
        return Ok(opened.pop().unwrap_or_else(PipelineData::empty));
    }
    let values = opened.into_iter().flatten();
    Ok(values.into_pipeline_data(call.head, engine.signals().clone()))
}

/// The whole file converted as its name says, or its bytes as they are read.
fn open_one(
    engine: &EngineState,
    stack: &mut Stack,
    head: Span,
    path: &Path,
    span: Span,
    raw: bool,
) -> Result<PipelineData, ShellError> {
    if path.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into(), span, path));
    }
    let file = File::open(path).map_err(|error| failed(error, span, path))?;
    let stream = ByteStream::file(file, head, engine.signals().clone());
    let source = |content_type| {
        Some(PipelineMetadata {
            data_source: DataSource::FilePath(path.to_owned()),
            content_type,
            ..PipelineMetadata::default()
        })
    };
    let converter = extensions(path)
        .filter(|_| !raw)
        .into_iter()
        .flatten()
        .find_map(|extension| {
            let name = format!("from {extension}");
            Some((engine.find_decl(name.as_bytes(), &[])?, extension))
        });
    let Some((converter, extension)) = converter else {
        let stream = PipelineData::byte_stream(stream, source(content_type(path)));
        return Ok(stream);
    };
    let conversion = ast::Call {
        decl_id: converter,
        head,
        arguments: vec![],
        parser_info: std::collections::HashMap::new(),
    };
    let input = PipelineData::byte_stream(stream, source(None));
    eval_call::<WithoutDebug>(engine, stack, &conversion, input).map_err(|inner| {
        let shown = path.display();
        let error = GenericError::new(
            format!("Error while parsing as {extension}"),
            format!("Could not parse '{shown}' with `from {extension}`"),
            span,
        );
        let help = format!(
            "Check out `help from {extension}` or `help from` for more options or open raw data with `open --raw '{shown}'`"
        );
        ShellError::Generic(error.with_help(help).with_inner([inner]))
    })
}

/// Of `a.tar.gz`, `tar.gz` and `gz`.
fn extensions(path: &Path) -> Option<Vec<String>> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let dots = name.match_indices('.');
    Some(dots.map(|(at, _)| name[at + 1..].to_owned()).collect())
}

fn content_type(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_string_lossy();
    let known = match extension.as_ref() {
        "yaml" | "yml" => "application/yaml",
        "nu" => "application/x-nuscript",
        "json" | "jsonl" | "ndjson" => "application/json",
        "nuon" => "application/x-nuon",
        other => {
            let guess = mime_guess::from_ext(other).first();
            return guess.map(|mime| mime.to_string());
        }
    };
    Some(known.to_owned())
}
