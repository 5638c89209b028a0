//! From source to an exit code, as upstream's `nu` does it: for commands, a file, or what standard input says.

use crate::arguments::{Arguments, Source};
use crate::commands::{failure, standard_input};
use crate::{constant, engine, environment};
use nu_engine::{convert_env_values, eval_block, eval_block_with_early_return};
use nu_parser::parse;
use nu_protocol::ast::Block;
use nu_protocol::debugger::WithoutDebug;
use nu_protocol::engine::{EngineState, Stack, StateWorkingSet};
use nu_protocol::ir::Instruction;
use nu_protocol::report_error::report_compile_error;
use nu_protocol::shell_error::generic::GenericError;
use nu_protocol::shell_error::io::{IoError, IoErrorExt, NotFound};
use nu_protocol::{
    Config, PipelineData, ShellError, Span, Value, report_parse_error, report_parse_warning,
    report_shell_error,
};
use std::io::Read;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What ends an evaluation: an error to report, or an exit code, when all is said.
enum Stop {
    Error(Box<ShellError>),
    Exit(i32),
}

impl<T: Into<ShellError>> From<T> for Stop {
    fn from(error: T) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

pub fn evaluate(arguments: Arguments, start: Instant) -> i32 {
    // The program is about to end, and taking the engine apart would touch all of its memory.
    let mut shell = ManuallyDrop::new(Shell {
        engine: engine::take(),
        stack: Stack::new(),
    });
    match shell.run(&arguments, start) {
        Ok(()) => 0,
        Err(Stop::Exit(code)) => code,
        Err(Stop::Error(error)) => match *error {
            ShellError::Exit { code, .. } => code,
            error => {
                let error = failure(&error).unwrap_or(error);
                report_shell_error(Some(&shell.stack), &shell.engine, &error);
                error.exit_code().unwrap_or(0)
            }
        },
    }
}

struct Shell {
    engine: EngineState,
    stack: Stack,
}

impl Shell {
    fn run(&mut self, arguments: &Arguments, start: Instant) -> Result<(), Stop> {
        self.set_up(arguments, start)?;
        let files = [&arguments.env_file, &arguments.config_file];
        for file in files.into_iter().flatten() {
            self.configure(file)?;
        }
        let input = if arguments.stdin {
            standard_input(Span::unknown())
        } else {
            PipelineData::empty()
        };
        match &arguments.source {
            Source::Commands(commands) => {
                self.commands(commands, &arguments.rest, input, arguments.no_newline)
            }
            Source::File(file) => self.file(file, &arguments.rest, input),
            Source::Stdin => {
                let mut script = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut script)
                    .map_err(|error| IoError::new_internal(error, "could not read the script"))?;
                let script = without_mark(script);
                let script = String::from_utf8_lossy(&script).into_owned();
                self.commands(&script, &arguments.rest, input, arguments.no_newline)
            }
        }
    }

    /// What each run has of its own.
    fn set_up(&mut self, arguments: &Arguments, start: Instant) -> Result<(), Stop> {
        let span = Span::unknown();
        let engine = &mut self.engine;
        engine.is_login = arguments.login;
        for (name, value) in std::env::vars() {
            engine.add_env_var(name, Value::string(value, span));
        }
        let directory = environment::working_directory();
        engine.add_env_var("PWD".to_owned(), Value::string(directory, span));
        let started = i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX);
        engine.set_startup_time(started);
        constant::set(engine);
        self.set_library_directories(&arguments.include)?;
        if std::env::var_os("PATH").is_some() {
            convert_env_values(&mut self.engine, &mut self.stack)?;
        }
        if let Some(style) = &arguments.error_style {
            let style = style.parse().map_err(|error: &'static str| {
                GenericError::new_internal("Invalid value for `--error-style`", error)
            });
            let style = style.map_err(ShellError::Generic)?;
            self.config().error_style = style;
        }
        if let Some(mode) = &arguments.table_mode {
            self.config().table.mode = mode.parse().unwrap_or_default();
        }
        Ok(())
    }

    fn config(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.engine.config)
    }

    /// Where `use` and `source` look beside the current directory.
    fn set_library_directories(&mut self, include: &[String]) -> Result<(), Stop> {
        let span = Span::unknown();
        let config = &self.engine.config_dirs;
        let mut directories = include.to_vec();
        directories.push(
            config
                .config_home
                .join("scripts")
                .to_string_lossy()
                .into_owned(),
        );
        directories.push(
            config
                .data_home
                .join("completions")
                .to_string_lossy()
                .into_owned(),
        );
        let directories = directories
            .into_iter()
            .map(|path| Value::string(path, span));
        let directories = Value::list(directories.collect(), span);
        let mut working_set = StateWorkingSet::new(&self.engine);
        let variable = working_set.add_variable(
            b"$NU_LIB_DIRS".into(),
            span,
            nu_protocol::Type::List(Box::new(nu_protocol::Type::String)),
            false,
        );
        working_set.set_variable_const_val(variable, directories);
        let delta = working_set.render();
        Ok(self.engine.merge_delta(delta)?)
    }

    /// A file whose definitions and variables stay.
    fn configure(&mut self, file: &str) -> Result<(), Stop> {
        let path = self.absolute(file)?;
        let source = self.read(file, &path)?;
        let block = self.parse(&source, Some(&path.to_string_lossy()))?;
        let data = eval_block::<WithoutDebug>(
            &self.engine,
            &mut self.stack,
            &block,
            PipelineData::empty(),
        )?;
        self.print(data.body, false)?;
        Ok(self.engine.merge_env(&mut self.stack)?)
    }

    fn commands(
        &mut self,
        source: &str,
        arguments: &[String],
        input: PipelineData,
        no_newline: bool,
    ) -> Result<(), Stop> {
        let mut working_set = StateWorkingSet::new(&self.engine);
        let mut block = parse(&mut working_set, None, source.as_bytes(), false);
        check(&self.stack, &working_set)?;
        if nu_parser::find_main_block_id_in_script(&working_set, &block).is_some() {
            let call = format!("main {}", arguments.join(" "));
            block = parse(&mut working_set, None, call.as_bytes(), false);
            check(&self.stack, &working_set)?;
        }
        allow_errors_in_pipes(&mut block, &mut working_set);
        let delta = working_set.render();
        self.engine.merge_delta(delta)?;
        let data = eval_block::<WithoutDebug>(&self.engine, &mut self.stack, &block, input)?;
        if let PipelineData::Value(Value::Error { error, .. }, ..) = data.body {
            return Err((*error).into());
        }
        self.print(data.body, no_newline)
    }

    fn file(&mut self, file: &str, arguments: &[String], input: PipelineData) -> Result<(), Stop> {
        let path = self.absolute(file)?;
        let source = self.read(file, &path)?;
        self.name_file(file, &path);
        let mut working_set = StateWorkingSet::new(&self.engine);
        let mut block = parse(
            &mut working_set,
            Some(&path.to_string_lossy()),
            &source,
            false,
        );
        check(&self.stack, &working_set)?;
        allow_errors_in_pipes(&mut block, &mut working_set);
        let script = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let has_main = rename_main(&mut working_set, &script);
        self.engine.merge_delta(working_set.delta)?;
        if !has_main {
            let data = eval_block_with_early_return::<WithoutDebug>(
                &self.engine,
                &mut self.stack,
                &block,
                input,
            )?;
            return self.print(data.body, false);
        }
        let data = eval_block::<WithoutDebug>(
            &self.engine,
            &mut self.stack,
            &block,
            PipelineData::empty(),
        )?;
        if data.early_return {
            return Ok(());
        }
        self.print(data.body, true)?;
        let call = format!("main {}", arguments.join(" "));
        let block = self.parse(call.as_bytes(), Some("<commandline>"))?;
        let data = eval_block_with_early_return::<WithoutDebug>(
            &self.engine,
            &mut self.stack,
            &block,
            input,
        )?;
        self.print(data.body, false)
    }

    /// What a script may ask about itself.
    fn name_file(&mut self, file: &str, path: &Path) {
        let span = Span::unknown();
        let folder = path.parent().unwrap_or(path).to_string_lossy().into_owned();
        let whole = path.to_string_lossy().into_owned();
        self.engine.file = Some(path.to_owned());
        for (name, value) in [
            ("FILE_PWD", folder),
            ("CURRENT_FILE", whole),
            ("PROCESS_PATH", file.to_owned()),
        ] {
            self.stack
                .add_env_var(name.to_owned(), Value::string(value, span));
        }
    }

    fn absolute(&self, file: &str) -> Result<PathBuf, Stop> {
        let directory = self.engine.cwd_as_string(Some(&self.stack))?;
        let path = nu_path::absolute_with(file, directory).map_err(|error| {
            IoError::new_internal_with_path(error, "Invalid path", PathBuf::from(file))
        })?;
        Ok(path)
    }

    /// Its error points into a command line made for it.
    fn read(&mut self, file: &str, path: &Path) -> Result<Vec<u8>, Stop> {
        let error = match std::fs::read(path) {
            Ok(source) => return Ok(without_mark(source)),
            Err(error) => error,
        };
        let mut working_set = StateWorkingSet::new(&self.engine);
        let line = working_set.add_file("<commandline>", format!("nu {file}").as_bytes());
        let span = working_set.get_span_for_file(line);
        let span = Span::new(span.start + "nu ".len(), span.end);
        let delta = working_set.render();
        self.engine.merge_delta(delta)?;
        Err(IoError::new(
            error.not_found_as(NotFound::File),
            span,
            PathBuf::from(file),
        )
        .into())
    }

    fn parse(&mut self, source: &[u8], name: Option<&str>) -> Result<Arc<Block>, Stop> {
        let mut working_set = StateWorkingSet::new(&self.engine);
        let mut block = parse(&mut working_set, name, source, false);
        check(&self.stack, &working_set)?;
        allow_errors_in_pipes(&mut block, &mut working_set);
        let delta = working_set.render();
        self.engine.merge_delta(delta)?;
        Ok(block)
    }

    /// As the hook `display_output` says. What it says unless it was set is done without evaluating it.
    fn print(&mut self, data: PipelineData, no_newline: bool) -> Result<(), Stop> {
        let hook = self
            .stack
            .get_config(&self.engine)
            .hooks
            .display_output
            .clone();
        match hook {
            Some(hook) if Some(&hook) != Config::default().hooks.display_output.as_ref() => {
                let data = nu_cmd_base::hook::eval_hook(
                    &mut self.engine,
                    &mut self.stack,
                    Some(data),
                    vec![],
                    &hook,
                    "display_output",
                )?;
                data.print_raw(&self.engine, no_newline, false)?;
            }
            _ => data.print_table(&self.engine, &mut self.stack, no_newline, false)?,
        }
        Ok(())
    }
}

/// Some editors begin a file with a byte order mark, which the parser would take for a part of the first word.
fn without_mark(source: Vec<u8>) -> Vec<u8> {
    match source.strip_prefix("\u{feff}".as_bytes()) {
        Some(rest) => rest.to_vec(),
        None => source,
    }
}

/// The first of each kind of complaint; an error ends the run.
fn check(stack: &Stack, working_set: &StateWorkingSet) -> Result<(), Stop> {
    if let Some(warning) = working_set.parse_warnings.first() {
        report_parse_warning(Some(stack), working_set, warning);
    }
    if let Some(error) = working_set.parse_errors.first() {
        report_parse_error(Some(stack), working_set, error);
        return Err(Stop::Exit(1));
    }
    if let Some(error) = working_set.compile_errors.first() {
        report_compile_error(Some(stack), working_set, error);
        return Err(Stop::Exit(1));
    }
    Ok(())
}

/// Without an operating system the engine believes that no command is external, and refuses to send the errors of one
/// down a pipe. This takes the refusal out.
fn allow_errors_in_pipes(block: &mut Arc<Block>, working_set: &mut StateWorkingSet) {
    let blocks = working_set.delta.blocks.iter_mut();
    for block in blocks.chain([block]) {
        let refuses = |instruction: &Instruction| {
            matches!(instruction, Instruction::CheckErrRedirected { .. })
        };
        let code = block.ir_block.as_ref();
        if !code.is_some_and(|code| code.instructions.iter().any(refuses)) {
            continue;
        }
        let Some(code) = &mut Arc::make_mut(block).ir_block else {
            continue;
        };
        for (at, instruction) in code.instructions.iter_mut().enumerate() {
            if refuses(instruction) {
                *instruction = Instruction::Jump { index: at + 1 };
            }
        }
    }
}

/// Gives `main` and its subcommands the script's name, which its help shows, and keeps them callable by their own.
/// Says whether there is one.
fn rename_main(working_set: &mut StateWorkingSet, script: &str) -> bool {
    let mut found = false;
    for block in working_set.delta.blocks.iter_mut().map(Arc::make_mut) {
        let Some(rest) = block.signature.name.strip_prefix("main") else {
            continue;
        };
        if rest.is_empty() || rest.starts_with(' ') {
            block.signature.name = format!("{script}{rest}");
            found = true;
        }
    }
    if !found {
        return false;
    }
    if let Some(overlay) = working_set.delta.last_overlay_mut() {
        let renamed = |name: &[u8]| {
            let rest = name.strip_prefix(b"main")?;
            (rest.is_empty() || rest.starts_with(b" ")).then(|| [script.as_bytes(), rest].concat())
        };
        let declared = overlay.decls.iter();
        let declared = declared.filter_map(|(name, id)| Some((renamed(name)?, *id)));
        let declared = declared.collect::<Vec<_>>();
        overlay.decls.extend(declared);
    }
    true
}
