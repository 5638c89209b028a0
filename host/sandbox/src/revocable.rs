//! A request that was granted, for as long as it is: when the policy is changed and does not grant it any more, its bodies end
//! in an error and its connection with them, whether or not a piece is under way.

use crate::dial::Sent;
use crate::egress::Egress;
use crate::wanted::Wanted;
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use wasmtime_wasi_http::{Error, WasiBody};

/// What was decided about one request. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exchange(Arc<Inner>);

struct Inner {
    egress: Egress,
    wanted: Wanted,
    /// It went to one of them.
    addresses: Vec<SocketAddr>,
    /// The change of the policy that it was decided after.
    seen: u64,
    /// It is over, and whoever hears of decisions was told.
    revoked: AtomicBool,
}

impl Exchange {
    pub(crate) fn new(
        egress: &Egress,
        wanted: Wanted,
        addresses: Vec<SocketAddr>,
        seen: u64,
    ) -> Self {
        Self(Arc::new(Inner {
            egress: egress.clone(),
            wanted,
            addresses,
            seen,
            revoked: AtomicBool::new(false),
        }))
    }

    /// Sends the request, and holds both bodies and the wait for the answer to the grant.
    pub(crate) async fn hold<F>(
        self,
        request: Request<WasiBody>,
        send: impl FnOnce(Request<WasiBody>) -> F,
    ) -> Result<Sent, Error>
    where
        F: Future<Output = Result<Sent, Error>>,
    {
        let request = request.map(|body| self.body(body));
        let (answer, ended) = tokio::select! {
            biased;
            () = self.clone().revoked() => return Err(Error::HttpRequestDenied),
            sent = send(request) => sent?,
        };
        Ok((answer.map(|body| self.body(body)), ended))
    }

    fn body(&self, inner: WasiBody) -> WasiBody {
        Revocable {
            inner,
            revoked: Some(Box::pin(self.clone().revoked())),
        }
        .boxed_unsync()
    }

    /// Resolves when the request is not granted any more.
    async fn revoked(self) {
        let Inner {
            egress,
            wanted,
            addresses,
            revoked,
            ..
        } = &*self.0;
        let Some(live) = egress.live() else {
            return pending().await;
        };
        let mut seen = self.0.seen;
        while !revoked.load(Ordering::Acquire) {
            seen = live.changed(seen).await;
            let Some(decision) = egress.denied_by_now(wanted, addresses) else {
                continue;
            };
            if !revoked.swap(true, Ordering::AcqRel) {
                egress.record(&wanted.request(), &decision);
            }
        }
    }
}

/// A body that ends when its request is not granted any more.
struct Revocable {
    inner: WasiBody,
    /// None when that has happened.
    revoked: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Body for Revocable {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let granted = match &mut self.revoked {
            Some(revoked) => revoked.as_mut().poll(context).is_pending(),
            None => false,
        };
        if !granted {
            self.revoked = None;
            return Poll::Ready(Some(Err(Error::HttpRequestDenied)));
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
