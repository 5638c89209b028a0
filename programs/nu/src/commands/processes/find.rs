//! `which`, and what is said when there is no such command.

use crate::commands::ours::Ours;
use nu_engine::command_prelude::*;
use nu_protocol::did_you_mean;
use nu_protocol::engine::CommandType;
use swarm_flow_process::programs;

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "which",
            Category::System,
            "Finds a program file, alias or custom command. If `application` is not provided, all deduplicated commands will be returned.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::table())])
                    .rest("applications", SyntaxShape::String, "Application(s).")
                    .switch("all", "List all executables.", Some('a'))
            },
            which,
        )
        .terms(&["find", "path", "location", "command", "whereis", "get-command"])
        .examples(&[("Find if the 'myapp' application is available", "which myapp")]),
    ]
}

fn which(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let names: Vec<Spanned<String>> = call.rest(engine, stack, 0)?;
    let all = call.has_flag(engine, stack, "all")?;
    let external = programs();
    let mut rows = Vec::new();
    if names.is_empty() {
        for (name, id) in engine.get_decls_sorted(false) {
            let name = String::from_utf8_lossy(&name).into_owned();
            let kind = engine.get_decl(id).command_type();
            rows.push(row(&name, "", kind, call.head));
        }
        for name in &external {
            rows.push(row(name, &place(name), CommandType::External, call.head));
        }
    }
    for name in &names {
        let (only_external, item) = match name.item.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, name.item.as_str()),
        };
        let declared = engine
            .find_decl(item.as_bytes(), &[])
            .filter(|_| !only_external);
        if let Some(id) = declared {
            rows.push(row(item, "", engine.get_decl(id).command_type(), name.span));
        }
        let there = external.iter().any(|program| program == item);
        if there && (declared.is_none() || all) {
            rows.push(row(item, &place(item), CommandType::External, name.span));
        } else if !there && item.contains('/') {
            let path = nu_path::expand_path_with(item, engine.cwd_as_string(Some(stack))?, true);
            if path.is_file() {
                rows.push(row(
                    item,
                    &path.to_string_lossy(),
                    CommandType::External,
                    name.span,
                ));
            }
        }
    }
    Ok(Value::list(rows, call.head).into_pipeline_data())
}

/// A program is no file, but found beneath this directory too.
fn place(name: &str) -> String {
    format!("/usr/bin/{name}")
}

fn row(name: &str, path: &str, kind: CommandType, span: Span) -> Value {
    let row = record! {
        "command" => Value::string(name, span),
        "path" => Value::string(path, span),
        "type" => Value::string(kind.to_string(), span),
    };
    Value::record(row, span)
}

/// With what may have been meant.
pub fn not_found(engine: &EngineState, name: &str, span: Span) -> ShellError {
    let help = suggestion(engine, name).unwrap_or_else(|| {
        format!("`{name}` is neither a Nushell built-in or a known external command")
    });
    ShellError::ExternalCommand {
        label: format!("Command `{name}` not found"),
        help,
        span,
    }
}

fn suggestion(engine: &EngineState, name: &str) -> Option<String> {
    if let Some(module) = engine.which_module_has_decl(name.as_bytes(), &[]) {
        let module = String::from_utf8_lossy(module);
        let full = format!("{module} {name}");
        return Some(match engine.find_decl(full.as_bytes(), &[]) {
            Some(_) => format!("Did you mean `{full}`?"),
            None => format!(
                "A command with that name exists in module `{module}`. Try importing it with `use`"
            ),
        });
    }
    let commands = engine.get_signatures_and_declids(false);
    let wanted = name.to_lowercase();
    let related = commands
        .iter()
        .map(|(signature, _)| signature)
        .filter(|signature| {
            let mut words = signature.name.split_whitespace();
            words.any(|word| word == wanted)
                || signature
                    .search_terms
                    .iter()
                    .any(|term| term.to_lowercase() == wanted)
        });
    let related = related.map(|signature| format!("`{}`", signature.name));
    let related = related.collect::<Vec<_>>();
    if let Some((last, others)) = related.split_last() {
        let names = if others.is_empty() {
            last.clone()
        } else {
            format!("{} or {last}", others.join(", "))
        };
        return Some(format!("Did you mean {names}?"));
    }
    let external = programs();
    let names = commands
        .iter()
        .map(|(signature, _)| &signature.name)
        .chain(&external);
    let near = did_you_mean(names, name)?;
    Some(if near == name {
        "There is a built-in command with the same name".to_owned()
    } else {
        format!("Did you mean `{near}`?")
    })
}
