//! The engine: made once, when the snapshot is taken, and taken out once, by the run.

use crate::commands;
use nu_protocol::engine::{EngineState, StateWorkingSet};
use nu_protocol::{IntoValue, Record, Span, Value};
use std::sync::Mutex;

static PREPARED: Mutex<Option<EngineState>> = Mutex::new(None);

pub fn prepare() {
    let engine = make();
    if let Ok(mut prepared) = PREPARED.lock() {
        *prepared = Some(engine);
    }
}

/// The prepared engine; a new one where no snapshot was taken.
pub fn take() -> EngineState {
    let prepared = PREPARED.lock().ok().and_then(|mut engine| engine.take());
    prepared.unwrap_or_else(make)
}

fn make() -> EngineState {
    let engine = nu_cmd_lang::create_default_context();
    let engine = nu_command::add_shell_command_context(engine);
    let engine = nu_cmd_extra::add_extra_command_context(engine);
    let mut engine = commands::add(engine);
    engine.table_decl_id = engine.find_decl(b"table", &[]);
    engine.history_enabled = false;
    let span = Span::unknown();
    let config = engine.config.as_ref().clone().into_value(span);
    engine.add_env_var("config".to_owned(), config);
    engine.add_env_var(
        "ENV_CONVERSIONS".to_owned(),
        Value::record(Record::new(), span),
    );
    engine.add_env_var("NU_VERSION".to_owned(), Value::string(VERSION, span));
    if let Err(error) = nu_std::load_standard_library(&mut engine) {
        eprintln!("Error: the standard library is not there: {error}");
    }
    warm(&mut engine);
    engine
}

pub const VERSION: &str = "0.115.1";

/// Parses and evaluates a little, so that what is made at first use is in the snapshot.
fn warm(engine: &mut EngineState) {
    let mut working_set = StateWorkingSet::new(engine);
    let block = nu_parser::parse(
        &mut working_set,
        None,
        b"[[a]; [1]] | where a == 1 | table | str length",
        false,
    );
    let mut stack = nu_protocol::engine::Stack::new().collect_value();
    // Evaluated apart from the engine that is kept: its ids would be taken otherwise.
    let mut apart = engine.clone();
    if apart.merge_delta(working_set.render()).is_ok() {
        let _ = nu_engine::eval_block::<nu_protocol::debugger::WithoutDebug>(
            &apart,
            &mut stack,
            &block,
            nu_protocol::PipelineData::empty(),
        );
    }
}
