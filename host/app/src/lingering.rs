//! The body of a request that its reader may leave unread.
//!
//! An answer may come before the request was read to its end: the body is too large, the token is wrong. A
//! connection that is closed then loses the answer for a client that is still sending. So what is left is read
//! and thrown away, up to a limit; the connection stays usable.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// What is read at most for a client that does not listen.
const UNREAD_BYTES_MAX: usize = 256 << 20;
const UNREAD_TIME_MAX: Duration = Duration::from_secs(30);

pub(crate) struct LingeringBody {
    inner: Option<Incoming>,
}

impl LingeringBody {
    pub(crate) fn new(inner: Incoming) -> Self {
        Self { inner: Some(inner) }
    }
}

impl Body for LingeringBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for LingeringBody {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take().filter(|inner| !inner.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(UNREAD_TIME_MAX, discard(inner)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > UNREAD_BYTES_MAX {
            return;
        }
    }
}
