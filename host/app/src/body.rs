//! The body type that requests and responses have on their way through this crate.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

/// Why a body ended early.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A stream of bytes.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Puts any body into the common type.
pub fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    body.map_err(Into::into).boxed_unsync()
}

pub(crate) fn full(content: impl Into<Bytes>) -> Body {
    boxed(Full::new(content.into()))
}

/// Into what a guest reads.
pub(crate) fn for_guest(body: Body) -> WasiBody {
    body.map_err(|error| match error.downcast::<WasiError>() {
        Ok(error) => *error,
        Err(error) => WasiError::InternalError(Some(error.to_string())),
    })
    .boxed_unsync()
}
