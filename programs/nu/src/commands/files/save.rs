//! `save`.

use super::paths::{self, failed};
use crate::commands::ours::{Ours, error};
use crate::commands::processes;
use nu_engine::{command_prelude::*, get_eval_block};
use nu_protocol::byte_stream::copy_with_signals;
use nu_protocol::shell_error::generic::GenericError;
use nu_protocol::{DataSource, PipelineMetadata, ast};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "save",
            Category::FileSystem,
            "Save a file.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Any, Type::Nothing)])
                    .required("filename", SyntaxShape::Filepath, "The filename to use.")
                    .named(
                        "stderr",
                        SyntaxShape::Filepath,
                        "The filename used to save stderr, only works with `-r` flag.",
                        Some('e'),
                    )
                    .switch("raw", "Save file as raw binary.", Some('r'))
                    .switch("append", "Append input to the end of the file.", Some('a'))
                    .switch("force", "Overwrite the destination.", Some('f'))
                    .switch(
                        "progress",
                        "Accepted; there is no terminal to show it on.",
                        Some('p'),
                    )
            },
            save,
        )
        .terms(&[
            "write",
            "write_file",
            "append",
            "redirection",
            "file",
            "io",
            ">",
            ">>",
        ])
        .examples(&[
            (
                "Save a string to foo.txt in the current directory.",
                "'save me' | save foo.txt",
            ),
            (
                "Append a string to the end of foo.txt.",
                "'append me' | save --append foo.txt",
            ),
            (
                "Save a record to foo.json in the current directory.",
                "{ a: 1, b: 2 } | save foo.json",
            ),
        ])
        .takes_outputs(),
    ]
}

struct Target<'a> {
    engine: &'a EngineState,
    path: Spanned<PathBuf>,
    stderr: Option<Spanned<PathBuf>>,
    append: bool,
    force: bool,
    head: Span,
}

fn save(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let raw = call.has_flag(engine, stack, "raw")?;
    let current = paths::current(engine, stack)?;
    let path = call.req::<Spanned<PathBuf>>(engine, stack, 0)?;
    let stderr = call.get_flag::<Spanned<PathBuf>>(engine, stack, "stderr")?;
    let target = Target {
        engine,
        path: paths::plain(path, &current),
        stderr: stderr.map(|path| paths::plain(path, &current)),
        append: call.has_flag(engine, stack, "append")?,
        force: call.has_flag(engine, stack, "force")?,
        head: call.head,
    };
    let extension = target.path.item.extension();
    let extension = extension.map(|extension| extension.to_string_lossy().into_owned());
    match input {
        PipelineData::ByteStream(stream, metadata) => target.stream(stream, metadata.as_ref())?,
        PipelineData::ListStream(list, metadata) if raw || extension.is_none() => {
            target.check_source(metadata.as_ref())?;
            let mut lines = Vec::new();
            for value in list {
                lines.append(&mut bytes(value, call.head)?);
                lines.push(b'\n');
            }
            target.write(&lines)?;
        }
        input => {
            if matches!(input, PipelineData::ListStream(..)) {
                target.check_source(input.metadata_ref())?;
            }
            let is_text = matches!(&input, PipelineData::Value(Value::String { .. }, ..));
            let converted = match extension.filter(|_| !raw && !is_text) {
                Some(extension) => convert(engine, stack, &extension, input, call.head)?,
                None => input,
            };
            match converted {
                PipelineData::Value(value @ Value::Custom { .. }, ..) => {
                    let span = value.span();
                    let value = value.into_custom_value()?;
                    value.save(target.path.as_deref(), span, call.head)?;
                }
                PipelineData::ByteStream(stream, metadata) => {
                    target.stream(stream, metadata.as_ref())?;
                }
                data => target.write(&bytes(data.into_value(call.head)?, call.head)?)?,
            }
        }
    }
    Ok(PipelineData::empty())
}

impl Target<'_> {
    fn write(&self, bytes: &[u8]) -> Result<(), ShellError> {
        let (mut file, _) = self.open()?;
        file.write_all(bytes)
            .map_err(|error| failed(error, self.head, &self.path.item))
    }

    fn stream(
        &self,
        stream: ByteStream,
        metadata: Option<&PipelineMetadata>,
    ) -> Result<(), ShellError> {
        self.check_source(metadata)?;
        let (file, stderr) = self.open()?;
        if let Some(program) = processes::of(&stream) {
            program.send_errors(stderr);
        }
        let span = stream.span();
        match stream.reader() {
            Some(reader) => {
                copy_with_signals(reader, file, span, self.engine.signals()).map(|_| ())
            }
            None => Ok(()),
        }
    }

    /// A file cannot be written while it is still being read.
    fn check_source(&self, metadata: Option<&PipelineMetadata>) -> Result<(), ShellError> {
        let Some(DataSource::FilePath(source)) = metadata.map(|metadata| &metadata.data_source)
        else {
            return Ok(());
        };
        let same = [Some(&self.path), self.stderr.as_ref()];
        match same.into_iter().flatten().find(|path| &path.item == source) {
            None => Ok(()),
            Some(path) => Err(ShellError::Generic(
                GenericError::new(
                    "pipeline input and output are the same file",
                    format!(
                        "can't save output to '{}' while it's being read",
                        path.item.display()
                    ),
                    path.span,
                )
                .with_help(
                    "insert a `collect` command in the pipeline before `save` (see `help collect`).",
                ),
            )),
        }
    }

    /// Both files are checked before one is opened.
    fn open(&self) -> Result<(File, Option<File>), ShellError> {
        for path in [Some(&self.path), self.stderr.as_ref()]
            .into_iter()
            .flatten()
        {
            if !self.force && !self.append && path.item.exists() {
                return Err(ShellError::Generic(
                    GenericError::new(
                        "Destination file already exists",
                        format!("Destination file '{}' already exists", path.item.display()),
                        path.span,
                    )
                    .with_help("you can use -f, --force to force overwriting the destination"),
                ));
            }
        }
        if let Some(stderr) = self
            .stderr
            .as_ref()
            .filter(|stderr| stderr.item == self.path.item)
        {
            return Err(error(
                "input and stderr input to same file",
                "can't save both input and stderr input to the same file",
                stderr.span,
            ));
        }
        let stderr = self.stderr.as_ref().map(|path| self.open_one(path));
        Ok((self.open_one(&self.path)?, stderr.transpose()?))
    }

    fn open_one(&self, path: &Spanned<PathBuf>) -> Result<File, ShellError> {
        let file = if self.append {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path.item)
        } else {
            File::create(&path.item)
        };
        file.map_err(|problem| match missing_folder(&path.item) {
            Some(folder) if problem.kind() == std::io::ErrorKind::NotFound => {
                let rest = path.item.strip_prefix(&folder).unwrap_or(&path.item);
                let rest = rest.as_os_str().as_encoded_bytes();
                let written = self.engine.span_match_postfix(path.span, rest);
                let span = written.map_or(path.span, |(folder, _)| folder);
                IoError::new(ErrorKind::DirectoryNotFound, span, folder).into()
            }
            _ => failed(problem, path.span, &path.item),
        })
    }
}

/// The outermost directory of a path that is not there.
fn missing_folder(path: &Path) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1);
    folders
        .filter(|folder| !folder.exists())
        .last()
        .map(Path::to_owned)
}

fn convert(
    engine: &EngineState,
    stack: &mut Stack,
    extension: &str,
    input: PipelineData,
    span: Span,
) -> Result<PipelineData, ShellError> {
    let Some(id) = engine.find_decl(format!("to {extension}").as_bytes(), &[]) else {
        return Ok(input);
    };
    let command = engine.get_decl(id);
    if let Some(block) = command.block_id() {
        let evaluate = get_eval_block(engine);
        return evaluate(engine, stack, engine.get_block(block), input).map(|data| data.body);
    }
    command.run(engine, stack, &(&ast::Call::new(span)).into(), input)
}

fn bytes(value: Value, head: Span) -> Result<Vec<u8>, ShellError> {
    let text = |value: Value| {
        let (kind, span) = (value.get_type(), value.span());
        value.coerce_into_string().map_err(|_| ShellError::UnsupportedInput {
            msg: format!(
                "cannot save {kind} to this file: no `to` converter matches the file's extension. Serialize it first, e.g. `... | to json | save <file>`, or save the rendered table with ansi escape sequences with `... | table | save <file>`"
            ),
            input: "value originates from here".into(),
            msg_span: head,
            input_span: span,
        })
    };
    match value {
        Value::String { val, .. } => Ok(val.into_bytes()),
        Value::Binary { val, .. } => Ok(val.into_owned()),
        Value::List { vals, .. } => {
            let lines = vals.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
            Ok((lines.join("\n") + "\n").into_bytes())
        }
        Value::Error { error, .. } => Err(*error),
        other => text(other).map(String::into_bytes),
    }
}
