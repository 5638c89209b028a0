//! One request to one component.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tokio::sync::oneshot;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime::component::Resource;
use wasmtime::error::Context as _;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

use crate::body::{Body, for_guest};
use crate::config::Place;
use crate::guest_body::GuestBody;
use crate::idle::{Idle, Ready};
use crate::instance::{Granted, Instance};
use crate::problem::{self, RequestId};
use crate::running::{Outcome, Running, Trapped};

/// The pool is shared with sandboxes; a request that finds it full looks again.
const POOL_RETRY: Duration = Duration::from_millis(2);
const POOL_RETRIES_MAX: u32 = 2_500;

/// A component that is ready to be instantiated.
pub(crate) struct Loaded {
    pub granted: Granted,
    pub pre: ProxyPre<Instance>,
    pub idle: Idle,
}

/// What a request is given to, before it runs.
enum Candidate {
    Idle(Ready),
    /// Its instance is still to be made.
    New(Box<Instance>),
}

impl Candidate {
    fn instance(&mut self) -> &mut Instance {
        match self {
            Self::Idle(ready) => ready.store.data_mut(),
            Self::New(instance) => instance,
        }
    }
}

type Answer = Result<Response<HyperOutgoingBody>, ErrorCode>;

impl Loaded {
    pub async fn handle(
        self: &Arc<Self>,
        request: Request<Body>,
        place: Place,
        id: RequestId,
    ) -> Response<Body> {
        let bodyless = request.method() == Method::HEAD;
        let (sender, receiver) = oneshot::channel();
        let running = match self.start(request, place, sender, id) {
            Ok(running) => running,
            Err(error) => {
                tracing::error!(request = %id, component = &*self.granted.component, "cannot start: {error:#}");
                return problem::internal(id);
            }
        };
        match receiver.await {
            Ok(Ok(response)) => respond(response, running, bodyless),
            Ok(Err(code)) => {
                tracing::error!(request = %id, component = &*self.granted.component, "the component gave an error as its response: {code}");
                problem::internal(id)
            }
            // The task says in the log what happened.
            Err(_gone) => match running.outcome().await {
                Some(Outcome::NoRoom) => problem::busy(id),
                Some(Outcome::Returned) => {
                    tracing::error!(request = %id, "the component returned without a response");
                    problem::internal(id)
                }
                Some(Outcome::Trapped) | None => problem::internal(id),
            },
        }
    }

    fn start(
        self: &Arc<Self>,
        mut request: Request<Body>,
        place: Place,
        sender: oneshot::Sender<Answer>,
        id: RequestId,
    ) -> anyhow::Result<Running> {
        if request.uri().authority().is_none() && !request.headers().contains_key(HOST) {
            request
                .headers_mut()
                .insert(HOST, HeaderValue::from_static("localhost"));
        }
        let mut candidate = match self.idle.take() {
            Some(ready) => Candidate::Idle(ready),
            None => Candidate::New(Box::new(Instance::new(&self.granted)?)),
        };
        let caller = request.extensions_mut().remove();
        candidate.instance().called_by(caller);
        let mut http = candidate.instance().http();
        let request = http.new_incoming_request(Scheme::Http, request.map(for_guest))?;
        let outparam = http.new_response_outparam(sender)?;
        let loaded = self.clone();
        let span = tracing::info_span!("request", %id);
        Ok(Running::start(span, |trapped| async move {
            let result = loaded.run(candidate, request, outparam, trapped).await;
            drop(place);
            match result {
                Ok(()) => Outcome::Returned,
                Err(error) if error.is::<PoolConcurrencyLimitError>() => Outcome::NoRoom,
                Err(error) => {
                    tracing::error!(component = &*loaded.granted.component, "{error:#}");
                    Outcome::Trapped
                }
            }
        }))
    }

    async fn run(
        &self,
        candidate: Candidate,
        request: Resource<HostIncomingRequest>,
        outparam: Resource<HostResponseOutparam>,
        trapped: Trapped,
    ) -> wasmtime::Result<()> {
        let mut ready = match candidate {
            Candidate::Idle(mut ready) => {
                // While it was idle, epochs may have passed.
                ready.store.set_epoch_deadline(1);
                ready
            }
            Candidate::New(instance) => self.instantiate(*instance).await?,
        };
        let unanswered = Resource::<HostResponseOutparam>::new_borrow(outparam.rep());
        let handler = ready.proxy.wasi_http_incoming_handler();
        let result = handler
            .call_handle(&mut ready.store, request, outparam)
            .await;
        if result.is_err() {
            // Said before the store goes, and the body of the response ends with it.
            trapped.set();
        }
        result.context("the component trapped")?;
        // Who returned without an answer may have forgotten what it answers with, which only ends with the store.
        let table = ready.store.data_mut().http().table;
        if table.get(&unanswered).is_err() {
            self.idle.put(ready);
        }
        Ok(())
    }

    async fn instantiate(&self, mut instance: Instance) -> wasmtime::Result<Ready> {
        let mut retries = 0;
        loop {
            let mut store = instance.into_store(self.pre.engine());
            match self.pre.instantiate_async(&mut store).await {
                Ok(proxy) => return Ok(self.idle.made(store, proxy)),
                Err(error)
                    if error.is::<PoolConcurrencyLimitError>() && retries < POOL_RETRIES_MAX =>
                {
                    // A store gives back what it has of the pool only as a whole.
                    instance = store.into_data();
                    retries += 1;
                    tokio::time::sleep(POOL_RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn respond(
    response: Response<HyperOutgoingBody>,
    running: Running,
    bodyless: bool,
) -> Response<Body> {
    let status = response.status();
    let bodyless =
        bodyless || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let announced = response.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let length = if bodyless { Some(0) } else { announced };
    response.map(|body| GuestBody::boxed(body, running, length))
}
