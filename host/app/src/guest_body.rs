//! The body of a response, tied to the instance that writes it.
//!
//! A client that goes away drops the body before its end, and with it the instance: an endless stream of events
//! stops at once. A body that was read to its end leaves the instance to finish what it has to do.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::body::{Body, BodyError, boxed};
use crate::running::Running;

pub(crate) struct GuestBody {
    inner: HyperOutgoingBody,
    running: Option<Running>,
    /// Bytes still to come, if the response said how many there are: nobody asks for more than those.
    remaining: Option<u64>,
}

impl GuestBody {
    pub fn boxed(inner: HyperOutgoingBody, running: Running, length: Option<u64>) -> Body {
        boxed(Self {
            remaining: length.or(inner.size_hint().exact()),
            inner,
            running: Some(running),
        })
    }

    fn count(&mut self, bytes: usize) {
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(bytes as u64);
        }
    }

    /// The end as the body tells it is that of the instance too: one that trapped left the answer incomplete.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        let running = self.running.take()?;
        if running.has_trapped() {
            return Some(Err(
                "the component trapped before the end of its answer".into()
            ));
        }
        running.detach();
        None
    }
}

impl http_body::Body for GuestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                self.count(frame.data_ref().map_or(0, Bytes::len));
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(error.into())),
            None => self.end(),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for GuestBody {
    fn drop(&mut self) {
        let complete = self.remaining == Some(0) || self.inner.is_end_stream();
        if complete && let Some(running) = self.running.take() {
            running.detach();
        }
    }
}
