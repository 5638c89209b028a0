//! `run-external`, by which every external command runs, and `exec`.

use super::find::not_found;
use super::pipe::{self, LastLine};
use super::running::{Errors, ErrorsTo, Input, Output, Program, Running};
use crate::commands::files;
use crate::commands::ours::Ours;
use nu_engine::{command_prelude::*, env_to_strings};
use nu_path::dots::expand_ndots_safe;
use nu_protocol::{NuGlob, OutDest, UseAnsiColoring, ast};
use pathdiff::diff_paths;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use swarm_flow_process::bindings::process;
use swarm_flow_process::{Reader, SpawnError, Writer, pipe as make_pipe};

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "run-external",
            Category::System,
            "Runs external command.",
            |signature| operands(signature).input_output_types(vec![(Type::Any, Type::Any)]),
            run_external,
        ),
        Ours::new(
            "exec",
            Category::System,
            "Execute a command, and end with its exit code.",
            |signature| {
                operands(signature)
                    .input_output_types(vec![(Type::Nothing, Type::Any)])
                    .allows_unknown_args()
            },
            exec,
        ),
    ]
}

fn operands(signature: Signature) -> Signature {
    signature.rest(
        "command",
        SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::Any]),
        "External command to run, with arguments.",
    )
}

fn run_external(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let stdout = stack.stdout().clone();
    let stderr = stack.stderr().clone();
    let argv = argv(engine, stack, call)?;
    let (mut programs, source) = source(engine, stack, input)?;
    let (place, target) = Place::of(&stdout, &stderr);
    let (program, output) = start(engine, stack, call, argv, source, place)?;
    programs.push(program);
    let mut running = Running { programs, output };
    let Some(last_line) = target.stream() else {
        target.write(&mut running, call.head)?;
        stack.set_last_exit_code(running.code(), call.head);
        running.check()?;
        return Ok(PipelineData::empty());
    };
    stack.set_last_exit_code(0, call.head);
    let stream = pipe::stream(running, last_line, call.head);
    Ok(PipelineData::byte_stream(stream, None))
}

fn exec(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let argv = argv(engine, stack, call)?;
    let (place, _) = Place::of(&OutDest::Inherit, &OutDest::Inherit);
    let (program, output) = start(engine, stack, call, argv, Source::Inherited, place)?;
    let mut running = Running {
        programs: vec![program],
        output,
    };
    finish(&mut running, call.head)?;
    Err(ShellError::Exit {
        code: running.code(),
        abort: true,
    })
}

fn finish(running: &mut Running, span: Span) -> Result<Vec<u8>, ShellError> {
    running
        .finish()
        .map_err(|error| IoError::new(error, span, None).into())
}

/// Name and arguments, wildcards expanded.
fn argv(engine: &EngineState, stack: &mut Stack, call: &Call) -> Result<Vec<String>, ShellError> {
    let words: Vec<Value> = call.rest(engine, stack, 0)?;
    let mut words = words.into_iter();
    let missing = |what: &str| ShellError::MissingParameter {
        param_name: what.to_owned(),
        span: call.head,
    };
    let mut argv = Vec::new();
    match words.next().ok_or_else(|| missing("no command given"))? {
        Value::List { vals, .. } => {
            let mut values = vals.into_iter();
            let name = values
                .next()
                .ok_or_else(|| missing("external command given as list empty"))?;
            argv.push(name.coerce_into_string()?);
            for value in values {
                argv.push(text(engine, value)?);
            }
        }
        Value::Glob { val, no_expand, .. } if !no_expand => argv.push(expanded(val)),
        name => argv.push(name.coerce_into_string()?),
    }
    for word in words {
        match word {
            Value::Glob {
                val,
                no_expand: false,
                internal_span,
                ..
            } => argv.append(&mut glob(engine, stack, val, internal_span)?),
            word => argv.push(text(engine, word)?),
        }
    }
    Ok(argv)
}

fn text(engine: &EngineState, value: Value) -> Result<String, ShellError> {
    match value {
        Value::List { .. } => Err(ShellError::CannotPassListToExternal {
            arg: String::from_utf8_lossy(engine.get_span_contents(value.span())).into_owned(),
            span: value.span(),
        }),
        Value::Glob { val, .. } => Ok(val),
        value => value.coerce_into_string(),
    }
}

fn expanded(word: String) -> String {
    let word = expand_ndots_safe(files::with_home(word));
    word.to_string_lossy().into_owned()
}

/// What matches, or the word itself if nothing does.
fn glob(
    engine: &EngineState,
    stack: &Stack,
    word: String,
    span: Span,
) -> Result<Vec<String>, ShellError> {
    if !nu_glob::is_glob(&word) {
        return Ok(vec![expanded(word)]);
    }
    let current = engine.cwd(Some(stack))?.into_std_path_buf();
    let pattern = NuGlob::Expand(files::with_home(word.clone())).into_spanned(span);
    let signals = engine.signals().clone();
    let Ok((prefix, paths)) = nu_engine::glob_from(&pattern, &current, span, None, signals) else {
        return Ok(vec![word]);
    };
    let mut words = Vec::new();
    for path in paths {
        engine.signals().check(&span)?;
        let Ok(path) = path else { continue };
        words.push(relative(&path, prefix.as_deref(), &current));
    }
    if words.is_empty() {
        words.push(word);
    }
    Ok(words)
}

fn relative(path: &Path, prefix: Option<&Path>, current: &Path) -> String {
    let beneath = prefix.and_then(|prefix| Some((prefix, path.strip_prefix(prefix).ok()?)));
    let shown = beneath.map(|(prefix, rest)| {
        let prefix = diff_paths(prefix, current).unwrap_or_else(|| prefix.to_owned());
        prefix.join(rest)
    });
    let shown = shown.unwrap_or_else(|| path.to_owned());
    shown.to_string_lossy().into_owned()
}

/// What a program reads.
enum Source {
    Inherited,
    /// The output of the programs before it.
    Program(Reader),
    Data(Box<dyn Read + Send>),
}

/// The programs that already run for this one, and what it reads.
fn source(
    engine: &EngineState,
    stack: &mut Stack,
    input: PipelineData,
) -> Result<(Vec<Program>, Source), ShellError> {
    let data = |data: Vec<u8>| Source::Data(Box::new(Cursor::new(data)));
    let source = match input {
        PipelineData::Empty => Source::Inherited,
        PipelineData::ByteStream(stream, _) => {
            let running = pipe::of(&stream).and_then(|behind| behind.take());
            match running {
                Some(Running {
                    mut programs,
                    output: Output::Whole(reader),
                }) => {
                    for program in &mut programs {
                        if let Some(errors) = &mut program.errors {
                            errors.to = ErrorsTo::Stderr;
                        }
                    }
                    return Ok((programs, Source::Program(reader)));
                }
                _ => match stream.reader() {
                    Some(reader) => Source::Data(Box::new(reader)),
                    None => data(Vec::new()),
                },
            }
        }
        PipelineData::Value(Value::String { val, .. }, _) => data(val.into_bytes()),
        PipelineData::Value(Value::Binary { val, .. }, _) => data(val.into_owned()),
        PipelineData::Value(Value::Error { error, .. }, _) => return Err(*error),
        value => data(table(engine, stack, value)?),
    };
    Ok((Vec::new(), source))
}

/// Other data as it is shown, without colours.
fn table(
    engine: &EngineState,
    stack: &mut Stack,
    data: PipelineData,
) -> Result<Vec<u8>, ShellError> {
    let mut engine = engine.clone();
    Arc::make_mut(&mut engine.config).use_ansi_coloring = UseAnsiColoring::False;
    let mut stack = stack.start_collect_value();
    let call = ast::Call::new(Span::unknown());
    let shown = nu_command::Table.run(&engine, &mut stack, &(&call).into(), data)?;
    let mut bytes = Vec::new();
    for value in shown {
        match value {
            Value::Binary { .. } | Value::String { .. } | Value::Error { .. } => {
                bytes.extend(value.coerce_into_binary()?);
            }
            // A number is no table: it is shown as it is.
            value => bytes.extend(value.to_expanded_string(", ", &engine.config).into_bytes()),
        }
    }
    Ok(bytes)
}

/// Where a program's outputs are to be connected.
struct Place {
    stdout: End,
    stderr: End,
    /// What goes on in the pipeline is the errors.
    errors_alone: bool,
}

#[derive(PartialEq, Eq)]
enum End {
    Inherited,
    Nowhere,
    /// A pipe that we read.
    Pipe,
    /// The pipe of the other output.
    Other,
}

/// Who gets what is read.
enum Target {
    Stream(LastLine),
    File(Arc<File>, ErrorsTo),
    Nobody(ErrorsTo),
}

impl Place {
    fn of(stdout: &OutDest, stderr: &OutDest) -> (Self, Target) {
        let to = |out: &OutDest| match out {
            OutDest::Inherit | OutDest::Print => End::Inherited,
            OutDest::Null => End::Nowhere,
            OutDest::Pipe | OutDest::PipeSeparate | OutDest::Value | OutDest::File(_) => End::Pipe,
        };
        let merged = match (stdout, stderr) {
            (OutDest::Pipe, OutDest::Pipe) => true,
            (OutDest::File(one), OutDest::File(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        let errors_alone = matches!(stderr, OutDest::Pipe) && !merged;
        let place = Self {
            stdout: to(stdout),
            stderr: if merged { End::Other } else { to(stderr) },
            errors_alone,
        };
        let errors = match stderr {
            OutDest::File(file) => ErrorsTo::File(Arc::clone(file)),
            _ => ErrorsTo::Kept,
        };
        let target = match stdout {
            _ if errors_alone => Target::Stream(LastLine::Trimmed),
            OutDest::Pipe | OutDest::Value => Target::Stream(LastLine::Trimmed),
            OutDest::PipeSeparate => Target::Stream(LastLine::Kept),
            OutDest::File(file) => Target::File(Arc::clone(file), errors),
            OutDest::Inherit | OutDest::Print | OutDest::Null => Target::Nobody(errors),
        };
        (place, target)
    }
}

impl Target {
    fn stream(&self) -> Option<LastLine> {
        match self {
            Self::Stream(last_line) => Some(*last_line),
            Self::File(..) | Self::Nobody(_) => None,
        }
    }

    /// Waits for the end.
    fn write(self, running: &mut Running, span: Span) -> Result<(), ShellError> {
        let io = |error| ShellError::from(IoError::new(error, span, None));
        match self {
            Self::Stream(_) => Ok(()),
            Self::File(file, errors) => {
                running.send_errors(errors);
                while let Some(bytes) = running.next().map_err(io)? {
                    file.as_ref().write_all(&bytes).map_err(io)?;
                }
                Ok(())
            }
            Self::Nobody(errors) => {
                running.send_errors(errors);
                finish(running, span).map(drop)
            }
        }
    }
}

fn start(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    argv: Vec<String>,
    source: Source,
    place: Place,
) -> Result<(Program, Output), ShellError> {
    let cwd = engine.cwd_as_string(Some(stack))?;
    let env = env_to_strings(engine, stack)?;
    // What we have printed comes before what the program prints.
    let _ = std::io::stdout().flush();
    let (stdin, input) = match source {
        Source::Inherited => (Some(process::stdin()), None),
        Source::Program(reader) => (Some(reader), None),
        Source::Data(data) => {
            let (reader, writer) = make_pipe();
            (Some(reader), Some(Input::new(data, writer)))
        }
    };
    let (stdout, output) = end(&place.stdout, process::stdout);
    let (stderr, errors) = match place.stderr {
        End::Other => (stdout.as_ref().map(Writer::copy), None),
        ref stderr => end(stderr, process::stderr),
    };
    let (output, errors) = if place.errors_alone {
        (errors, None)
    } else {
        (output, errors)
    };
    let name = argv.first().cloned().unwrap_or_default();
    let child = process::spawn(&process::Command {
        argv,
        env: env.into_iter().collect(),
        cwd,
        stdin: stdin.as_ref(),
        stdout: stdout.as_ref(),
        stderr: stderr.as_ref(),
    });
    let child = child.map_err(|error| not_started(engine, &name, error, call.head))?;
    let program = Program {
        child,
        span: call.head,
        input,
        errors: errors.map(|errors| Errors {
            stream: errors.stream(),
            to: ErrorsTo::Kept,
        }),
        kept: Vec::new(),
    };
    Ok((program, output.map_or(Output::Ended, Output::Whole)))
}

/// The writer that the program gets, and the reader that we keep.
fn end(end: &End, own: fn() -> Writer) -> (Option<Writer>, Option<Reader>) {
    match end {
        End::Inherited => (Some(own()), None),
        End::Nowhere | End::Other => (None, None),
        End::Pipe => {
            let (reader, writer) = make_pipe();
            (Some(writer), Some(reader))
        }
    }
}

fn not_started(engine: &EngineState, name: &str, error: SpawnError, span: Span) -> ShellError {
    let refused = |label: String, help: String| ShellError::ExternalCommand { label, help, span };
    match error {
        SpawnError::NotFound(_) => not_found(engine, name, span),
        SpawnError::NotExecutable(why) => refused(format!("Command `{name}` cannot be run"), why),
        SpawnError::NoRoom(why) => refused(format!("There is no room to run `{name}`"), why),
        SpawnError::Invalid(why) => refused(format!("`{name}` cannot be called like this"), why),
        SpawnError::Failed(why) => refused(format!("`{name}` could not be started"), why),
    }
}
