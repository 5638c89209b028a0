//! What asks about the system, and a few commands that upstream builds for an operating system alone.

use super::files::with_home;
use super::ours::{Ours, error};
use nu_engine::{command_prelude::*, find_builtin_decl, get_full_help};
use nu_protocol::{ParseError, ir};
use std::path::PathBuf;
use std::time::Duration;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "sys",
            Category::System,
            "View information about the system.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::record())]),
            |engine, stack, call, _| {
                let command = engine.find_decl(b"sys", &[]);
                let help =
                    command.map(|id| get_full_help(engine.get_decl(id), engine, stack, call.head));
                Ok(Value::string(help.unwrap_or_default(), call.head).into_pipeline_data())
            },
        ),
        Ours::new(
            "sys host",
            Category::System,
            "View information about the system host: of the sandbox, that is.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::record())]),
            |_, _, call, _| {
                let text = |text| Value::string(text, call.head);
                let host = record! {
                    "name" => text("WASI"),
                    "os_version" => text("0.2"),
                    "long_os_version" => text("WASI 0.2"),
                    "kernel_version" => text("0.2"),
                    "hostname" => text("sandbox"),
                };
                Ok(Value::record(host, call.head).into_pipeline_data())
            },
        ),
        Ours::new(
            "uname",
            Category::System,
            "Print certain system information.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::record())]),
            |_, _, call, _| {
                let text = |text| Value::string(text, call.head);
                let names = record! {
                    "kernel-name" => text("WASI"),
                    "nodename" => text("sandbox"),
                    "kernel-release" => text("0.2"),
                    "kernel-version" => text("0.2"),
                    "machine" => text("wasm32"),
                    "operating-system" => text("WASI"),
                };
                Ok(Value::record(names, call.head).into_pipeline_data())
            },
        )
        .terms(&["system", "coreutils"]),
        Ours::new(
            "whoami",
            Category::Platform,
            "Get the current username: what `$env.USER` says, for a sandbox has no users.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::String)]),
            whoami,
        )
        .terms(&["username", "coreutils"]),
        Ours::new(
            "sleep",
            Category::Platform,
            "Delay for a specified amount of time.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::Nothing)])
                    .required("duration", SyntaxShape::Duration, "Time to sleep.")
                    .rest(
                        "rest",
                        SyntaxShape::Duration,
                        "Additional time duration to sleep.",
                    )
            },
            sleep,
        )
        .terms(&["delay", "wait", "timer"])
        .examples(&[("Sleep for 1 second.", "sleep 1sec")]),
        Ours::new(
            "nu-check",
            Category::Strings,
            "Validate and parse Nushell input content.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Bool),
                        (Type::String, Type::Bool),
                        (Type::List(Box::new(Type::Any)), Type::Bool),
                        (Type::Any, Type::Bool),
                    ])
                    .optional("path", SyntaxShape::String, "File path to parse.")
                    .switch("as-module", "Parse content as module.", Some('m'))
                    .switch("debug", "Show error messages.", Some('d'))
            },
            nu_check,
        )
        .terms(&["syntax", "parse", "debug"]),
        Ours::new(
            "run-internal",
            Category::Core,
            "Run a built-in command by name. Used internally by `%($cmd)` dynamic dispatch.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Any, Type::Any)])
                    .required(
                        "name",
                        SyntaxShape::String,
                        "The name of the built-in command to run.",
                    )
                    .rest(
                        "args",
                        SyntaxShape::Any,
                        "Arguments to pass to the built-in command.",
                    )
            },
            run_internal,
        ),
    ]
}

fn whoami(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| stack.get_env_var(engine, name).cloned());
    named
        .map(IntoPipelineData::into_pipeline_data)
        .ok_or_else(|| {
            error(
                "A sandbox has no users",
                "neither `$env.USER` nor `$env.LOGNAME` is set",
                call.head,
            )
        })
}

/// The runner ends a sandbox that sleeps too long, so nothing needs to look now and then.
fn sleep(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let first: i64 = call.req(engine, stack, 0)?;
    let rest: Vec<i64> = call.rest(engine, stack, 1)?;
    let nanoseconds = rest
        .into_iter()
        .chain([first])
        .filter_map(|part| u64::try_from(part).ok());
    std::thread::sleep(Duration::from_nanos(nanoseconds.sum()));
    Ok(Value::nothing(call.head).into_pipeline_data())
}

fn nu_check(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let path: Option<Spanned<String>> = call.opt(engine, stack, 0)?;
    let as_module = call.has_flag(engine, stack, "as-module")?;
    let debug = call.has_flag(engine, stack, "debug")?;
    let given = match input {
        PipelineData::Empty | PipelineData::Value(Value::Nothing { .. }, _) => None,
        PipelineData::ByteStream(stream, _) => Some(stream.into_bytes()?),
        input => Some(
            input
                .collect_string("\n", &stack.get_config(engine))?
                .into_bytes(),
        ),
    };
    let (source, folder) = match (given, path) {
        (Some(source), _) => (source, false),
        (None, Some(path)) => {
            let place = nu_path::expand_path_with(
                with_home(path.item.clone()),
                engine.cwd_as_string(Some(stack))?,
                true,
            );
            let folder = place.is_dir();
            let file = if folder { place.join("mod.nu") } else { place };
            let read = std::fs::read(&file);
            let source = read.map_err(|problem| {
                IoError::new(
                    problem.not_found_as(NotFound::File),
                    path.span,
                    PathBuf::from(path.item),
                )
            })?;
            (source, folder)
        }
        (None, None) => {
            return Err(error(
                "Failed to execute command",
                "Requires path argument if ran without pipeline input",
                call.head,
            ));
        }
    };
    // Nothing of it is kept.
    let mut working_set = StateWorkingSet::new(engine);
    let mut problems = if as_module || folder {
        let start = working_set.add_file("nu-check", &source);
        let span = working_set.get_span_for_file(start);
        nu_parser::parse_module_block(&mut working_set, span, b"nu-check");
        working_set.parse_errors.clone()
    } else {
        nu_parser::parse(&mut working_set, None, &source, false);
        working_set.parse_errors.clone()
    };
    let first: Option<ParseError> = (!problems.is_empty()).then(|| problems.remove(0));
    match first {
        Some(problem) if debug => Err(error(
            "Failed to parse content",
            format!("Found : {problem}"),
            call.head,
        )),
        problem => Ok(Value::bool(problem.is_none(), call.head).into_pipeline_data()),
    }
}

fn run_internal(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let name: String = call.req(engine, stack, 0)?;
    let id =
        find_builtin_decl(engine, &name).ok_or(ShellError::CommandNotFound { span: call.head })?;
    let mut inner = ir::Call::build(id, call.head);
    for (value, spread) in call.rest_preserving_spreads(engine, stack, 1)? {
        let nothing = match &value {
            Value::List { vals, .. } => vals.is_empty(),
            value => value.is_nothing(),
        };
        match spread {
            true if nothing => {}
            true => {
                inner.add_spread(stack, call.head, value);
            }
            false => {
                inner.add_positional(stack, call.head, value);
            }
        }
    }
    let command = engine.get_decl(id);
    inner.with(stack, |stack, inner| {
        command.run(engine, stack, inner, input)
    })
}
