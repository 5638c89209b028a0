//! The body of an answer, which may not be silent for long and repeats no secret.

use crate::dial::of_hyper;
use crate::mask::Mask;
use crate::secrets::SandboxSecrets;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

pub(crate) struct Timed {
    inner: Incoming,
    limit: Duration,
    /// While it is waited for.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// `limit` is between two pieces that are waited for. What the guest takes its time with does not count.
    pub(crate) fn new(inner: Incoming, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            silence: None,
        }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            self.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(of_hyper)));
        }
        let limit = self.limit;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(silence.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// As long as the body that it masks.
pub(crate) struct Masked {
    inner: WasiBody,
    secrets: SandboxSecrets,
    mask: Mask,
    ended: bool,
    /// They came while something was held back.
    trailers: Option<HeaderMap>,
}

impl Masked {
    pub(crate) fn new(inner: WasiBody, secrets: SandboxSecrets, mask: Mask) -> Self {
        Self {
            inner,
            secrets,
            mask,
            ended: false,
            trailers: None,
        }
    }

    /// What is still to come once the body has no more.
    fn last(&mut self) -> Option<Frame<Bytes>> {
        let rest = self.mask.rest();
        if !rest.is_empty() {
            return Some(Frame::data(rest));
        }
        self.trailers.take().map(Frame::trailers)
    }
}

impl Body for Masked {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        while !this.ended {
            let frame = match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.ended = true;
                    break;
                }
            };
            match frame.into_data() {
                Ok(bytes) => {
                    let passed = this.mask.pass(bytes);
                    if !passed.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(passed))));
                    }
                }
                Err(other) => {
                    if let Ok(mut trailers) = other.into_trailers() {
                        this.secrets.mask_fields(&mut trailers);
                        this.trailers = Some(trailers);
                    }
                }
            }
        }
        Poll::Ready(this.last().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.mask.held_bytes() == 0
            && self.trailers.is_none()
            && (self.ended || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.mask.held_bytes() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}
