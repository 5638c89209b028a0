//! A service: a component that answers HTTP requests, each in a sandbox of its own.
//!
//! The sandbox lives until its work is done, which may be after the answer; a client that goes away before the end of
//! the answer ends it at once. An answer that the sandbox could not complete does not look complete.

use crate::engine::Engine;
use crate::guest::Guest;
use crate::program::{has_export, linker};
use crate::run::{Ended, Grants, run};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Component;
use wasmtime::{Result, Store, error::Context as _};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView as _, p2, p3};

/// Ready to be instantiated for each request.
#[derive(Clone)]
pub struct Service {
    engine: Engine,
    linked: Linked,
}

#[derive(Clone)]
enum Linked {
    Preview2(p2::bindings::ProxyPre<Guest<Alive>>),
    Preview3(p3::bindings::ServicePre<Guest<Alive>>),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The component chose to fail.
    #[error("the component failed the request: {0}")]
    Failed(Error),
    /// The sandbox ended before it answered.
    #[error("the sandbox ended without an answer")]
    Ended,
    /// It could not be made.
    #[error("cannot run the sandbox")]
    Internal,
}

type Answer = std::result::Result<http::Response<WasiBody>, Error>;

impl Service {
    /// A component that exports `wasi:http/incoming-handler` of preview 2, or `wasi:http/handler` of preview 3 where
    /// the engine has that.
    pub fn new(engine: &Engine, component: &Component) -> Result<Self> {
        let pre = linker(engine)?
            .instantiate_pre(component)
            .context("the component asks for an import that a sandbox does not have")?;
        let linked = if has_export(engine, component, "wasi:http/handler@0.3.") {
            p3::bindings::ServicePre::new(pre).map(Linked::Preview3)
        } else {
            p2::bindings::ProxyPre::new(pre).map(Linked::Preview2)
        };
        Ok(Self {
            engine: engine.clone(),
            linked: linked.context("the component does not export `wasi:http/incoming-handler`")?,
        })
    }

    /// Answers a request. `report` is told how the sandbox ended, unless the client went away before that.
    pub async fn answer<B>(
        &self,
        request: http::Request<B>,
        grants: Grants,
        report: impl FnOnce(Result<Ended<()>>) + Send + 'static,
    ) -> std::result::Result<http::Response<WasiBody>, Unanswered>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let request = request.map(|body| {
            body.map_err(|error| Error::InternalError(Some(error.to_string())))
                .boxed_unsync()
        });
        let (sender, receiver) = oneshot::channel();
        let state = Arc::new(AtomicU8::new(RUNNING));
        let (engine, linked) = (self.engine.clone(), self.linked.clone());
        let alive = Alive(state.clone());
        let task = tokio::spawn(async move {
            let ended = run(&engine, grants, alive, async |store| {
                linked.call(store, request, sender).await?;
                store.data().imports.finish();
                Ok(())
            })
            .await;
            let started = ended.is_ok();
            report(ended);
            started
        });
        let sandbox = AbortOnDropHandle::new(task);
        match receiver.await {
            Ok(Ok(response)) => Ok(response.map(|inner| {
                AnswerBody {
                    inner,
                    sandbox: Some(sandbox),
                    state,
                }
                .boxed_unsync()
            })),
            Ok(Err(error)) => {
                // It may have something to say or to write still.
                sandbox.detach();
                Err(Unanswered::Failed(error))
            }
            Err(_) => match sandbox.await {
                Ok(true) => Err(Unanswered::Ended),
                _ => Err(Unanswered::Internal),
            },
        }
    }
}

impl Linked {
    async fn call(
        &self,
        store: &mut Store<Guest<Alive>>,
        request: http::Request<WasiBody>,
        sender: oneshot::Sender<Answer>,
    ) -> Result<()> {
        match self {
            Self::Preview2(service) => preview2(service, store, request, sender).await,
            Self::Preview3(service) => preview3(service, store, request, sender).await,
        }
    }
}

async fn preview2(
    service: &p2::bindings::ProxyPre<Guest<Alive>>,
    store: &mut Store<Guest<Alive>>,
    request: http::Request<WasiBody>,
    sender: oneshot::Sender<Answer>,
) -> Result<()> {
    let service = service.instantiate_async(&mut *store).await?;
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let answer = http.new_response_outparam_from_callback(move |answer| {
        // Whoever waited for it may have gone.
        _ = sender.send(answer.map_err(Error::from));
    })?;
    let handler = service.wasi_http_incoming_handler();
    handler.call_handle(store, request, answer).await
}

async fn preview3(
    service: &p3::bindings::ServicePre<Guest<Alive>>,
    store: &mut Store<Guest<Alive>>,
    request: http::Request<WasiBody>,
    sender: oneshot::Sender<Answer>,
) -> Result<()> {
    let service = service.instantiate_async(&mut *store).await?;
    let (request, sent) = p3::Request::from_http(store.data_mut().http().hooks, request);
    store
        .run_concurrent(async |accessor| {
            let answer = match service.handle(accessor, request).await? {
                Ok(response) => {
                    let response = accessor.with(|access| response.into_http(access, sent));
                    response.map_err(wasmtime::Error::downcast)
                }
                Err(code) => Err(Ok(Error::from(code))),
            };
            // What is no error of HTTP is one of ours.
            let answer = match answer {
                Ok(response) => Ok(response),
                Err(Ok(error)) => Err(error),
                Err(Err(error)) => return Err(error),
            };
            _ = sender.send(answer);
            // What the guest does after its answer, and the answer's body, which it writes then.
            poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
            Ok(())
        })
        .await?
}

const RUNNING: u8 = 0;
const FINISHED: u8 = 1;
const BROKEN: u8 = 2;

/// Lies in the store as the first of what is dropped with it: before any end of a body is, so that whoever reads the
/// body to its end knows whether that was the end.
struct Alive(Arc<AtomicU8>);

impl Alive {
    fn finish(&self) {
        self.0.store(FINISHED, Ordering::Release);
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // Fails if it has finished.
        _ = self
            .0
            .compare_exchange(RUNNING, BROKEN, Ordering::AcqRel, Ordering::Acquire);
    }
}

struct AnswerBody {
    inner: WasiBody,
    /// Ended when the body is dropped before its end.
    sandbox: Option<AbortOnDropHandle<bool>>,
    state: Arc<AtomicU8>,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if frame.is_none() {
            if let Some(sandbox) = self.sandbox.take() {
                sandbox.detach();
            }
            if self.state.load(Ordering::Acquire) == BROKEN {
                return Poll::Ready(Some(Err(Error::HttpProtocolError)));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // A body of a known length is not asked for its end.
        let complete = self.inner.is_end_stream() || self.inner.size_hint().exact() == Some(0);
        if complete && let Some(sandbox) = self.sandbox.take() {
            sandbox.detach();
        }
    }
}
