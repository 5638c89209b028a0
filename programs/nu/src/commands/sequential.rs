//! Commands for which upstream starts threads. There is one thread, so they do one thing after the other.

use super::ours::Ours;
use nu_engine::{ClosureEval, ClosureEvalOnce, command_prelude::*};
use nu_protocol::engine::Closure;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "par-each",
            Category::Filters,
            "Run a closure on each row of the input list, creating a new list with the results; one after the other, for there is one thread.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::List(Box::new(Type::Any)), Type::List(Box::new(Type::Any))),
                        (Type::table(), Type::List(Box::new(Type::Any))),
                        (Type::Any, Type::Any),
                    ])
                    .named("threads", SyntaxShape::Int, "Accepted; there is one.", Some('t'))
                    .switch("keep-order", "Keep sequence of output same as the order of input.", Some('k'))
                    .required(
                        "closure",
                        SyntaxShape::Closure(Some(vec![SyntaxShape::Any])),
                        "The closure to run.",
                    )
            },
            par_each,
        )
        .examples(&[(
            "Multiplies each number, keeping an original order.",
            "[1 2 3] | par-each --keep-order {|e| $e * 2 }",
        )]),
        Ours::new(
            "tee",
            Category::Filters,
            "Copy a stream to another command. The other one has ended when the pipeline goes on.",
            |signature| {
                signature
                    .input_output_type(Type::Any, Type::Any)
                    .switch("stderr", "For external commands: copy the standard error stream instead.", Some('e'))
                    .required("closure", SyntaxShape::Closure(None), "The other command to send the stream to.")
            },
            tee,
        )
        .examples(&[(
            "Do something with a value, while also passing through the value.",
            "10000 | tee { 1..$in | print } | $in * 5",
        )]),
        Ours::new(
            "interleave",
            Category::Filters,
            "Read multiple streams, and combine them into one stream: one after the other, for there is one thread.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::List(Box::new(Type::Any)), Type::List(Box::new(Type::Any))),
                        (Type::Nothing, Type::List(Box::new(Type::Any))),
                    ])
                    .named("buffer-size", SyntaxShape::Int, "Accepted; there is nothing to buffer.", Some('b'))
                    .rest("closures", SyntaxShape::Closure(None), "The closures that will generate streams to be combined.")
            },
            interleave,
        ),
    ]
}

fn par_each(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let closure: Closure = call.req(engine, stack, 0)?;
    let head = call.head;
    let input = match input {
        PipelineData::Empty => return Ok(PipelineData::empty()),
        PipelineData::Value(value, _)
            if !matches!(value, Value::List { .. } | Value::Range { .. }) =>
        {
            return ClosureEvalOnce::new(engine, stack, closure).run_with_value(value);
        }
        input => input,
    };
    let mut closure = ClosureEval::new(engine, stack, closure);
    let each = move |value: Value| {
        let span = value.span();
        let result = closure.run_with_value(value);
        result
            .and_then(|data| data.into_value(head))
            .unwrap_or_else(|error| {
                let error = ShellError::EvalBlockWithInput {
                    span,
                    sources: vec![error],
                };
                Value::error(error, span)
            })
    };
    let values = input.into_iter().map(each);
    Ok(values.into_pipeline_data(head, engine.signals().clone()))
}

fn tee(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let closure: Closure = call.req(engine, stack, 0)?;
    if call.has_flag(engine, stack, "stderr")? {
        return Err(super::ours::error(
            "`tee --stderr` is not there",
            "use `complete`, which gives both outputs",
            call.head,
        ));
    }
    let metadata = input.metadata_ref().cloned();
    let value = input.into_value(call.head)?;
    let mut copy = ClosureEval::new_preserve_out_dest(engine, stack, closure);
    copy.run_with_value(value.clone())?.drain()?;
    Ok(PipelineData::value(value, metadata))
}

fn interleave(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let closures: Vec<Closure> = call.rest(engine, stack, 0)?;
    let mut streams = Vec::new();
    if !input.is_nothing() {
        streams.push(input);
    }
    for closure in closures {
        let closure = ClosureEvalOnce::new(engine, stack, closure);
        streams.push(closure.run_with_input(PipelineData::empty())?);
    }
    let values = streams.into_iter().flatten();
    Ok(values.into_pipeline_data(call.head, engine.signals().clone()))
}
