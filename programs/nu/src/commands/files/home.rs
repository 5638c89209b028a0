//! `path expand` with `~` in place, which upstream's own leaves alone on this system.

use super::paths::with_home;
use nu_command::PathExpand;
use nu_engine::command_prelude::*;

#[derive(Clone)]
pub struct Expand;

impl Command for Expand {
    fn name(&self) -> &str {
        PathExpand.name()
    }

    fn description(&self) -> &str {
        PathExpand.description()
    }

    fn signature(&self) -> Signature {
        PathExpand.signature()
    }

    fn examples(&self) -> Vec<Example<'_>> {
        PathExpand.examples()
    }

    fn is_const(&self) -> bool {
        true
    }

    fn run(
        &self,
        engine: &EngineState,
        stack: &mut Stack,
        call: &Call,
        input: PipelineData,
    ) -> Result<PipelineData, ShellError> {
        let input = input.map(in_place, engine.signals())?;
        PathExpand.run(engine, stack, call, input)
    }

    fn run_const(
        &self,
        working_set: &StateWorkingSet,
        call: &Call,
        input: PipelineData,
    ) -> Result<PipelineData, ShellError> {
        let input = input.map(in_place, working_set.permanent().signals())?;
        PathExpand.run_const(working_set, call, input)
    }
}

fn in_place(value: Value) -> Value {
    let span = value.span();
    match value {
        Value::String { val, .. } => Value::string(with_home(val), span),
        value => value,
    }
}
