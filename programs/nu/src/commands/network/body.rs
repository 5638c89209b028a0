//! What a request carries: a value as its content type says.

use crate::commands::ours::error;
use nu_engine::command_prelude::*;
use nu_protocol::ast;
use url::form_urlencoded;

pub struct Content {
    pub bytes: Vec<u8>,
    pub kind: Option<String>,
}

/// Text and bytes are sent as they are, other values as JSON unless the content type says otherwise.
pub fn content(
    engine: &EngineState,
    stack: &mut Stack,
    value: Value,
    kind: Option<String>,
    head: Span,
) -> Result<Content, ShellError> {
    let essence = kind
        .as_deref()
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let span = value.span();
    match (essence, value) {
        (
            Some("application/x-www-form-urlencoded"),
            value @ (Value::Record { .. } | Value::List { .. }),
        ) => Ok(Content {
            bytes: form(value)?,
            kind,
        }),
        (Some("multipart/form-data"), Value::Record { val, .. }) => multipart(val.into_owned()),
        (Some("application/json"), value) => Ok(Content {
            bytes: json(engine, stack, value, head)?,
            kind,
        }),
        (_, Value::String { val, .. }) => Ok(Content {
            bytes: val.into_bytes(),
            kind,
        }),
        (_, Value::Binary { val, .. }) => Ok(Content {
            bytes: val.into_owned(),
            kind,
        }),
        (_, Value::Nothing { .. }) => Ok(Content {
            bytes: Vec::new(),
            kind,
        }),
        (_, Value::Error { error, .. }) => Err(*error),
        (None, value @ (Value::Record { .. } | Value::List { .. })) => Ok(Content {
            bytes: json(engine, stack, value, head)?,
            kind: Some("application/json".to_owned()),
        }),
        (Some(other), Value::Record { .. } | Value::List { .. }) => Err(error(
            format!("a record or list cannot be sent as `{other}`"),
            "convert it to text before",
            span,
        )),
        (_, value) => Ok(Content {
            bytes: value.coerce_into_string()?.into_bytes(),
            kind,
        }),
    }
}

/// As `to json` writes it. Text is taken for JSON already.
fn json(
    engine: &EngineState,
    stack: &mut Stack,
    value: Value,
    head: Span,
) -> Result<Vec<u8>, ShellError> {
    if let Value::String { val, .. } = value {
        return Ok(val.into_bytes());
    }
    let Some(id) = engine.find_decl(b"to json", &[]) else {
        return Err(ShellError::CommandNotFound { span: head });
    };
    let mut call = ast::Call::new(head);
    call.add_named(("raw".to_owned().into_spanned(head), None, None));
    let data =
        engine
            .get_decl(id)
            .run(engine, stack, &(&call).into(), value.into_pipeline_data())?;
    Ok(data.into_value(head)?.coerce_into_string()?.into_bytes())
}

/// Of a record, or of a list of names and values.
fn form(value: Value) -> Result<Vec<u8>, ShellError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match value {
        Value::Record { val, .. } => {
            for (name, value) in val.into_owned() {
                match value {
                    Value::List { vals, .. } => {
                        for value in vals {
                            form.append_pair(&name, &value.coerce_into_string()?);
                        }
                    }
                    value => {
                        form.append_pair(&name, &value.coerce_into_string()?);
                    }
                }
            }
        }
        Value::List {
            vals,
            internal_span,
            ..
        } => {
            let words = vals.into_iter().map(Value::coerce_into_string);
            let words = words.collect::<Result<Vec<_>, _>>()?;
            let (pairs, rest) = words.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(error(
                    "a form needs a value for each name",
                    "one is missing",
                    internal_span,
                ));
            }
            for [name, value] in pairs {
                form.append_pair(name, value);
            }
        }
        _ => {}
    }
    Ok(form.finish().into_bytes())
}

/// Bytes become a file, other values text.
fn multipart(record: Record) -> Result<Content, ShellError> {
    let random = swarm_flow_process::bindings::wasi::random::random::get_random_u64();
    let boundary = format!("----nu-{random:016x}");
    let mut bytes = Vec::new();
    for (name, value) in record {
        let name = name.replace('"', "%22").replace(['\r', '\n'], " ");
        bytes.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes(),
        );
        match value {
            Value::Binary { val, .. } => {
                bytes.extend(
                    format!(
                        "; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    )
                    .bytes(),
                );
                bytes.extend(val.iter());
            }
            value => {
                bytes.extend(b"\r\n\r\n");
                bytes.extend(value.coerce_into_string()?.bytes());
            }
        }
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("--{boundary}--\r\n").bytes());
    Ok(Content {
        bytes,
        kind: Some(format!("multipart/form-data; boundary={boundary}")),
    })
}
