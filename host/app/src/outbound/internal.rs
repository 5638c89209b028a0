//! Origins that are answered inside this process.

use std::pin::Pin;
use std::sync::Arc;

use http::uri::Scheme;
use http::{Request, Response, Uri};

use crate::body::Body;

/// Answers requests for an internal origin. Both bodies stream. Dropping the future, or the body of the
/// response, says that nobody wants the rest.
pub type InternalService = Arc<
    dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// An authority, reached by `http`, that has no socket.
#[derive(Clone)]
pub struct InternalOrigin {
    /// A host, with a port if it is not 80.
    pub authority: String,
    pub service: InternalService,
}

impl InternalOrigin {
    pub(super) fn answers(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return false;
        };
        *scheme == Scheme::HTTP
            && without_default_port(authority.as_str()).eq_ignore_ascii_case(&self.authority)
    }
}

fn without_default_port(authority: &str) -> &str {
    authority.strip_suffix(":80").unwrap_or(authority)
}
