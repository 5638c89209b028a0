//! Runs the examples that commands document with a result. Built for tests alone.

use crate::{constant, engine, environment};
use nu_engine::eval_block;
use nu_protocol::debugger::WithoutDebug;
use nu_protocol::engine::{EngineState, Stack, StateWorkingSet};
use nu_protocol::{PipelineData, Span, Value};

/// Prints a line for each example: `ok`, or `no` with what came instead. The command's name is the one argument;
/// without it, the names of all commands that have such examples are printed.
pub fn check(name: Option<&str>) -> i32 {
    let mut engine = engine::take();
    constant::set(&mut engine);
    let directory = Value::string(environment::working_directory(), Span::unknown());
    engine.add_env_var("PWD".to_owned(), directory);
    for (bytes, id) in engine.get_decls_sorted(true) {
        let known = String::from_utf8_lossy(&bytes).into_owned();
        let examples = engine.get_decl(id).examples();
        let examples = examples
            .into_iter()
            .filter_map(|example| Some((example.example.to_owned(), example.result?)))
            .collect::<Vec<_>>();
        match name {
            None if !examples.is_empty() => println!("{known}"),
            Some(name) if name == known => {
                for (code, expected) in examples {
                    match evaluate(&engine, &code) {
                        Ok(value) if value == expected => println!("ok {known}: {code}"),
                        Ok(value) => println!("no {known}: {code}\n   {value:?}"),
                        Err(error) => println!("no {known}: {code}\n   {error}"),
                    }
                }
            }
            _ => {}
        }
    }
    0
}

fn evaluate(engine: &EngineState, code: &str) -> Result<Value, String> {
    let mut engine = engine.clone();
    let mut working_set = StateWorkingSet::new(&engine);
    let block = nu_parser::parse(&mut working_set, None, code.as_bytes(), false);
    if let Some(error) = working_set.parse_errors.first() {
        return Err(error.to_string());
    }
    if let Some(error) = working_set.compile_errors.first() {
        return Err(error.to_string());
    }
    let delta = working_set.render();
    engine
        .merge_delta(delta)
        .map_err(|error| error.to_string())?;
    let mut stack = Stack::new().collect_value();
    let data = eval_block::<WithoutDebug>(&engine, &mut stack, &block, PipelineData::empty());
    let value = data.and_then(|data| data.body.into_value(Span::unknown()));
    match value.map_err(|error| error.to_string())? {
        Value::Error { error, .. } => Err(error.to_string()),
        value => Ok(value),
    }
}
