//! `print`, which upstream keeps beside its line editor, and what asks about a terminal, which there is none of.

use super::ours::{Ours, error};
use nu_engine::command_prelude::*;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "print",
            Category::Strings,
            "Print the given values to stdout.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Nothing),
                        (Type::Any, Type::Nothing),
                    ])
                    .rest("rest", SyntaxShape::Any, "The values to print.")
                    .switch(
                        "no-newline",
                        "Print without inserting a newline for the line ending.",
                        Some('n'),
                    )
                    .switch("stderr", "Print to stderr instead of stdout.", Some('e'))
                    .switch(
                        "raw",
                        "Print without formatting (including binary data).",
                        Some('r'),
                    )
            },
            print,
        )
        .terms(&["display"])
        .examples(&[
            ("Print 'hello world'", r#"print "hello world""#),
            ("Print the sum of 2 and 3", "print (2 + 3)"),
        ]),
        Ours::new(
            "term size",
            Category::Platform,
            "Returns a record containing the number of columns (width) and rows (height) of the terminal; zeros, for there is none.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::record())]),
            |_, _, call, _| {
                let size = record! {
                    "columns" => Value::int(0, call.head),
                    "rows" => Value::int(0, call.head),
                };
                Ok(Value::record(size, call.head).into_pipeline_data())
            },
        ),
        Ours::new(
            "is-terminal",
            Category::Platform,
            "Check if stdin, stdout, or stderr is a terminal.",
            |signature| {
                signature
                    .input_output_type(Type::Nothing, Type::Bool)
                    .switch("stdin", "Check if stdin is a terminal.", Some('i'))
                    .switch("stdout", "Check if stdout is a terminal.", Some('o'))
                    .switch("stderr", "Check if stderr is a terminal.", Some('e'))
            },
            is_terminal,
        ),
        Ours::new(
            "is-redirected",
            Category::Platform,
            "Check if the current custom command's return value is redirected away from display.",
            |signature| signature.input_output_type(Type::Nothing, Type::Bool),
            |_, stack, call, _| {
                let redirected = stack.is_stdout_redirected();
                Ok(Value::bool(redirected, call.head).into_pipeline_data())
            },
        ),
        Ours::new(
            "clear",
            Category::Platform,
            "Clear the terminal; without one it does nothing.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::Nothing)])
                    .switch(
                        "keep-scrollback",
                        "Do not clear the scrollback history.",
                        Some('k'),
                    )
            },
            |_, _, _, _| Ok(PipelineData::empty()),
        ),
        Ours::new(
            "input",
            Category::Platform,
            "Get a line of input from standard input.",
            |signature| {
                signature
                    .input_output_types(vec![
                        (Type::Nothing, Type::Any),
                        (Type::List(Box::new(Type::String)), Type::Any),
                    ])
                    .optional("prompt", SyntaxShape::String, "Prompt to show the user.")
                    .named(
                        "bytes-until-any",
                        SyntaxShape::String,
                        "Read bytes until any of the given stop bytes.",
                        Some('u'),
                    )
                    .named(
                        "numchar",
                        SyntaxShape::Int,
                        "Number of characters to read; suppresses output.",
                        Some('n'),
                    )
                    .named(
                        "default",
                        SyntaxShape::String,
                        "Default value if no input is provided.",
                        Some('d'),
                    )
                    .switch(
                        "suppress-output",
                        "Don't print keystroke values.",
                        Some('s'),
                    )
                    .switch("reedline", "Accepted; there is no line editor.", None)
            },
            input,
        )
        .terms(&["prompt", "interactive"]),
    ]
}

fn print(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<PipelineData, ShellError> {
    let values: Vec<Value> = call.rest(engine, stack, 0)?;
    let no_newline = call.has_flag(engine, stack, "no-newline")?;
    let raw = call.has_flag(engine, stack, "raw")?;
    let to_stderr = call.has_flag(engine, stack, "stderr")?;
    let mut print = |data: PipelineData| {
        if raw {
            data.print_raw(engine, no_newline, to_stderr)
        } else {
            data.print_table(engine, stack, no_newline, to_stderr)
        }
    };
    if values.is_empty() && !input.is_nothing() {
        print(input)?;
    }
    for value in values {
        print(value.into_pipeline_data())?;
    }
    Ok(PipelineData::empty())
}

fn is_terminal(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    use std::io::IsTerminal;
    let stdin = call.has_flag(engine, stack, "stdin")?;
    let stdout = call.has_flag(engine, stack, "stdout")?;
    let stderr = call.has_flag(engine, stack, "stderr")?;
    let is = match (stdin, stdout, stderr) {
        (true, false, false) => std::io::stdin().is_terminal(),
        (false, false, true) => std::io::stderr().is_terminal(),
        (false, _, false) => std::io::stdout().is_terminal(),
        _ => {
            return Err(ShellError::IncompatibleParametersSingle {
                msg: "Only one stream may be checked".into(),
                span: call.arguments_span(),
            });
        }
    };
    Ok(Value::bool(is, call.head).into_pipeline_data())
}

fn input(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    use std::io::{Read, Write};
    let prompt: Option<String> = call.opt(engine, stack, 0)?;
    let stops: Option<String> = call.get_flag(engine, stack, "bytes-until-any")?;
    let count: Option<Spanned<i64>> = call.get_flag(engine, stack, "numchar")?;
    let default: Option<String> = call.get_flag(engine, stack, "default")?;
    let failed = |error| ShellError::from(IoError::new(error, call.head, None));
    if let Some(prompt) = &prompt {
        let mut stdout = std::io::stdout();
        let written = write!(stdout, "{prompt}").and_then(|()| stdout.flush());
        written.map_err(failed)?;
    }
    if count.as_ref().is_some_and(|count| count.item < 1) {
        return Err(error(
            "Number of characters to read has to be positive",
            "not positive",
            call.head,
        ));
    }
    let stops = stops.unwrap_or_else(|| "\n".to_owned()).into_bytes();
    let mut line = Vec::new();
    let mut characters = 0;
    let mut any = false;
    // Byte by byte, for what follows belongs to who reads next.
    let mut byte = [0];
    while std::io::stdin().lock().read(&mut byte).map_err(failed)? == 1 {
        any = true;
        if count.is_none() && stops.contains(&byte[0]) {
            break;
        }
        line.push(byte[0]);
        let whole = std::str::from_utf8(&line).is_ok();
        characters += i64::from(whole);
        if count.as_ref().is_some_and(|count| characters >= count.item) {
            break;
        }
    }
    if line.last() == Some(&b'\r') && stops == b"\n" {
        line.pop();
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    match default {
        Some(default) if text.is_empty() => {
            Ok(Value::string(default, call.head).into_pipeline_data())
        }
        _ if !any => Err(error(
            "There is no more input",
            "standard input has ended",
            call.head,
        )),
        _ => Ok(Value::string(text, call.head).into_pipeline_data()),
    }
}
