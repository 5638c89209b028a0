//! Files for a model: text where it is text, and a piece at a time.

use super::arguments::{self, Inner};
use super::call::structured;
use crate::problem::Problem;
use crate::respond::{Reply, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

const FILE: &str = "/workspaces/{id}/files/{path}";

/// So much a model reads when it does not say how much.
const PIECE_BYTES: u64 = 65_536;
const PIECE_BYTES_MAX: u64 = 1 << 20;

pub fn read(id: &str, arguments: &Map<String, Value>) -> Result<Value, Problem> {
    arguments::only(arguments, &["workspace", "path", "offset", "length"])?;
    let workspace = arguments::text(arguments, "workspace")?;
    let path = arguments::text(arguments, "path")?;
    let offset = arguments::number(arguments, "offset", 0, 0, u64::MAX >> 1)?;
    let length = arguments::number(arguments, "length", PIECE_BYTES, 1, PIECE_BYTES_MAX)?;
    let (bytes, size) = piece(id, workspace, path, offset, length)?;
    let mut read = json!({"path": path, "size_bytes": size, "offset": offset});
    match text(bytes) {
        Ok(text) => read["text"] = text.into(),
        Err(bytes) => read["base64"] = STANDARD.encode(bytes).into(),
    }
    Ok(read)
}

pub fn write(id: &str, arguments: &Map<String, Value>) -> Result<Value, Problem> {
    arguments::only(arguments, &["workspace", "path", "text", "base64"])?;
    let workspace = arguments::text(arguments, "workspace")?;
    let path = arguments::text(arguments, "path")?;
    let bytes = match (arguments.get("text"), arguments.get("base64")) {
        (Some(Value::String(text)), None) => text.clone().into_bytes(),
        (None, Some(Value::String(text))) => STANDARD
            .decode(text)
            .map_err(|error| Problem::invalid("base64", &format!("is not base64: {error}")))?,
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(
                "base64",
                "is given with `text`; give one of them",
            ));
        }
        _ => {
            return Err(Problem::invalid(
                "text",
                "must be a string, or `base64` be one",
            ));
        }
    };
    let mut inner = Inner::new(id, "PUT", FILE, &[workspace, path]);
    inner.body = bytes;
    structured(inner, None)
}

/// A piece of a file, and how large all of it is.
pub fn piece(
    id: &str,
    workspace: &str,
    path: &str,
    offset: u64,
    length: u64,
) -> Result<(Vec<u8>, u64), Problem> {
    let mut inner = Inner::new(id, "GET", FILE, &[workspace, path]);
    let last = offset.saturating_add(length) - 1;
    inner
        .headers
        .push(("range", format!("bytes={offset}-{last}")));
    match inner.answer() {
        Ok(Reply::Whole(response)) => {
            let size = size(&response);
            Ok((response.body.into_owned(), size))
        }
        Ok(_) => Err(Problem::internal("a file is a stream".to_owned())),
        // Of what is empty there is no range, which is no fault of a reader's who began at its beginning.
        Err(problem) if offset == 0 && problem.member("size_bytes") == Some(&0.into()) => {
            Ok((Vec::new(), 0))
        }
        Err(problem) => Err(problem),
    }
}

/// What stands behind `/` in `Content-Range`.
fn size(response: &Response) -> u64 {
    let range = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-range");
    let size = range.and_then(|(_, value)| value.rsplit('/').next()?.parse().ok());
    size.unwrap_or(response.body.len() as u64)
}

/// Bytes as text. A character that a piece cuts in two at its end does not make it bytes: it is left for the next piece.
fn text(mut bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    let valid = match std::str::from_utf8(&bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        Err(_) => return Err(bytes),
    };
    bytes.truncate(valid);
    String::from_utf8(bytes).map_err(|error| error.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_is_left_for_the_next_piece() {
        assert_eq!(text("aü".as_bytes().to_vec()), Ok("aü".to_owned()));
        assert_eq!(text("aü".as_bytes()[..2].to_vec()), Ok("a".to_owned()));
        assert_eq!(text(vec![b'a', 0xff, b'b']), Err(vec![b'a', 0xff, b'b']));
        assert_eq!(text(Vec::new()), Ok(String::new()));
    }
}
