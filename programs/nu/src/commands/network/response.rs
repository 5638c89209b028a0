//! An answer as values: its body converted as its type says, its headers as a table.

use super::request::Response;
use nu_engine::{command_prelude::*, eval_call};
use nu_protocol::debugger::WithoutDebug;
use nu_protocol::{PipelineMetadata, ast};
use url::Url;

pub fn body(
    engine: &EngineState,
    stack: &mut Stack,
    response: Response,
    url: &Url,
    raw: bool,
    head: Span,
) -> Result<PipelineData, ShellError> {
    let kind = response.header("content-type").map(str::to_owned);
    let length = response
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let stream_type = match kind.as_deref() {
        Some(kind) if kind.starts_with("text/") => ByteStreamType::String,
        _ => ByteStreamType::Unknown,
    };
    let stream = ByteStream::read(response.body, head, engine.signals().clone(), stream_type)
        .with_known_size(length);
    let metadata = PipelineMetadata {
        content_type: kind.clone(),
        ..PipelineMetadata::default()
    };
    let data = PipelineData::byte_stream(stream, Some(metadata));
    let converter = extension(kind.as_deref(), url)
        .filter(|_| !raw)
        .and_then(|extension| engine.find_decl(format!("from {extension}").as_bytes(), &[]));
    match converter {
        None => Ok(data),
        Some(decl_id) => {
            let call = ast::Call {
                decl_id,
                head,
                arguments: vec![],
                parser_info: std::collections::HashMap::new(),
            };
            eval_call::<WithoutDebug>(engine, stack, &call, data)
        }
    }
}

/// What `from` is asked for. Plain text is what its name says.
fn extension(kind: Option<&str>, url: &Url) -> Option<String> {
    let essence = kind?.split(';').next()?.trim().to_ascii_lowercase();
    if essence == "text/plain" {
        let name = url.path_segments()?.next_back()?;
        let (_, extension) = name.rsplit_once('.')?;
        return Some(extension.to_owned());
    }
    let (_, subtype) = essence.split_once('/')?;
    let suffix = subtype.rsplit('+').next()?;
    Some(suffix.trim_start_matches("x-").to_owned())
}

pub fn headers(headers: &[(String, Vec<u8>)], head: Span) -> Value {
    let rows = headers.iter().map(|(name, value)| {
        let row = record! {
            "name" => Value::string(name, head),
            "value" => Value::string(String::from_utf8_lossy(value), head),
        };
        Value::record(row, head)
    });
    Value::list(rows.collect(), head)
}
