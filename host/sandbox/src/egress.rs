//! The one way out of a sandbox: outgoing HTTP, decided by the policy before a name is looked up and again for
//! each address that it resolved to. The connection goes to an address that was checked.
//!
//! No redirects are followed, no connection is shared or used twice, the host's proxy variables are ignored.

use crate::body::Masked;
use crate::decisions::{Decided, Decisions, observe, record};
use crate::dial::{self, Route, Sent, Timeouts};
use crate::idempotency::Keys;
use crate::live::{Latest, Live, both, latest};
use crate::mask::Mask;
use crate::outside::{Machine, Outside, resolve};
use crate::revocable::Exchange;
use crate::secrets::{SandboxSecrets, readable};
use crate::tls::Trust;
use crate::wanted::{Unread, Wanted};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use rustls::pki_types::CertificateDer;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use swarm_flow_policy::{CompiledNetwork, Decision, Invalid, Network, Reason, Rule};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p3::bindings::http::types as p3;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What a sandbox may reach by HTTP. Cheap to clone; what it grants is compiled at the first request.
#[derive(Clone)]
pub struct Egress {
    granted: Arc<Granted>,
    outside: Arc<dyn Outside>,
    trust: Trust,
    decisions: Option<Decisions>,
    secrets: SandboxSecrets,
    keys: Option<Keys>,
    live: Option<Live>,
}

struct Granted {
    network: Network,
    registries: Arc<[String]>,
    compiled: OnceLock<Result<CompiledNetwork, Invalid>>,
}

/// What a body that a guest writes may hold back in one piece, in bytes. There are two pieces at most.
const BODY_CHUNK_BYTES: usize = 64 << 10;

impl Egress {
    /// `registries` are the patterns that `@package-registries` stands for. A network that is none grants nothing, and
    /// each denial says why.
    pub fn new(network: Network, registries: Arc<[String]>) -> Self {
        Self {
            granted: Arc::new(Granted {
                network,
                registries,
                compiled: OnceLock::new(),
            }),
            outside: Arc::new(Machine),
            trust: Trust::default(),
            decisions: None,
            secrets: SandboxSecrets::default(),
            keys: None,
            live: None,
        }
    }

    /// By another way than the machine's resolver and sockets.
    #[must_use]
    pub fn by(mut self, outside: impl Outside) -> Self {
        self.outside = Arc::new(outside);
        self
    }

    /// Trusts certificates of these authorities too.
    pub fn trusting(mut self, roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        self.trust = Trust::and(roots)?;
        Ok(self)
    }

    /// Tells these of every decision.
    pub(crate) fn recording(mut self, decisions: Option<Decisions>) -> Self {
        self.decisions = decisions;
        self
    }

    /// Puts these into requests as they leave.
    pub(crate) fn with_secrets(mut self, secrets: SandboxSecrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Names requests that may change something.
    pub(crate) fn with_keys(mut self, keys: Option<Keys>) -> Self {
        self.keys = keys;
        self
    }

    /// Grants no more than the latest policy does.
    pub(crate) fn following(mut self, live: Option<Live>) -> Self {
        self.live = live;
        self
    }

    pub(crate) fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    pub(crate) fn outside(&self) -> &Arc<dyn Outside> {
        &self.outside
    }

    async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Sent, Error> {
        let timeouts = Timeouts::of(&options);
        let (mut parts, body) = request.into_parts();
        // Before anything is waited for: in the order in which the guest sends.
        if let Some(keys) = &self.keys {
            keys.put(&mut parts);
        }
        let wanted = Wanted::of(&parts).map_err(|refused| {
            self.refuse(&Unread(&parts), &refused);
            refused.code()
        })?;
        let generation = self.live.as_ref().map(Live::generation);
        let addresses = self.decide(&wanted, timeouts.connect).await?;
        let exchange =
            generation.map(|seen| Exchange::new(self, wanted.clone(), addresses.clone(), seen));
        let route = Route {
            outside: self.outside.as_ref(),
            tls: self.trust.client(wanted.scheme, &wanted.host)?,
            addresses,
        };
        let carries = self.put_secrets(&wanted, &mut parts.headers)?;
        wanted.put(&mut parts)?;
        let request = http::Request::from_parts(parts, body);
        let sent = match exchange {
            Some(exchange) => {
                exchange
                    .hold(request, |request| dial::send(request, &route, timeouts))
                    .await?
            }
            None => dial::send(request, &route, timeouts).await?,
        };
        self.hide_secrets(sent, carries)
    }

    /// Whether there were any for where the request goes.
    fn put_secrets(&self, wanted: &Wanted, headers: &mut HeaderMap) -> Result<bool, Error> {
        let request = wanted.request();
        let put = self.secrets.put(&request, headers)?;
        for name in &put {
            let decided = Decided {
                capability: "secret",
                resource: &request,
                decision: &Decision::Allow {
                    rule: Rule::secret(name),
                },
            };
            record(self.decisions.as_ref(), &decided);
        }
        Ok(!put.is_empty())
    }

    fn hide_secrets(&self, (mut answer, ended): Sent, carried: bool) -> Result<Sent, Error> {
        if carried {
            readable(answer.headers())?;
        }
        let mask = Mask::new(&self.secrets);
        if mask.is_empty() {
            return Ok((answer, ended));
        }
        self.secrets.mask_fields(answer.headers_mut());
        let secrets = self.secrets.clone();
        let answer = answer.map(|body| Masked::new(body, secrets, mask).boxed_unsync());
        Ok((answer, ended))
    }

    /// The addresses to connect to, in their order, or why there is none.
    async fn decide(&self, wanted: &Wanted, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let request = wanted.request();
        let network = self.granted.compiled().map_err(|invalid| {
            self.refuse(&request, invalid);
            Error::HttpRequestDenied
        })?;
        let latest = latest(self.live.as_ref());
        let later = |latest: &Arc<Latest>| latest.policy.network.http(&request);
        let decision = both(network.http(&request), latest.as_ref().map(later), &request);
        self.record(&request, &decision);
        if let Decision::Deny { reason, .. } = decision {
            return Err(code(reason));
        }
        observe(self.decisions.as_ref(), |uses| uses.request(&request));
        let found = resolve(self.outside.as_ref(), &wanted.host, limit).await?;
        if found.is_empty() {
            return Err(Error::DestinationNotFound);
        }
        let mut allowed = Vec::with_capacity(found.len());
        for address in found {
            let later = |latest: &Arc<Latest>| latest.policy.network.address_for(&request, address);
            let start = network.address_for(&request, address);
            match both(start, latest.as_ref().map(later), &address) {
                Decision::Allow { .. } => allowed.push(SocketAddr::new(address, wanted.port)),
                Decision::Deny {
                    reason,
                    message,
                    grants,
                } => {
                    let message = format!("{request} is not sent there: {message}");
                    let decision = Decision::Deny {
                        reason,
                        message,
                        grants,
                    };
                    self.record(&request, &decision);
                }
            }
        }
        if allowed.is_empty() {
            return Err(Error::DestinationIpProhibited);
        }
        observe(self.decisions.as_ref(), |uses| {
            uses.resolved(&wanted.host, allowed.iter().map(SocketAddr::ip));
        });
        Ok(allowed)
    }

    /// The latest policy's denial of a request that was granted before, and went to one of these addresses.
    pub(crate) fn denied_by_now(
        &self,
        wanted: &Wanted,
        addresses: &[SocketAddr],
    ) -> Option<Decision> {
        let latest = latest(self.live.as_ref())?;
        let (network, request) = (&latest.policy.network, wanted.request());
        let each = addresses
            .iter()
            .map(|address| network.address_for(&request, address.ip()));
        std::iter::once(network.http(&request))
            .chain(each)
            .find(|decision| !decision.is_allow())
    }

    /// Denied, and no policy would allow it.
    fn refuse(&self, resource: &dyn fmt::Display, why: &dyn fmt::Display) {
        let decision = Decision::Deny {
            reason: Reason::Invalid,
            message: format!("{resource} is refused: {why}"),
            grants: Vec::new(),
        };
        self.record(resource, &decision);
    }

    pub(crate) fn record(&self, resource: &dyn fmt::Display, decision: &Decision) {
        let decided = Decided {
            capability: "http",
            resource,
            decision,
        };
        record(self.decisions.as_ref(), &decided);
    }
}

impl Granted {
    fn compiled(&self) -> Result<&CompiledNetwork, &Invalid> {
        self.compiled
            .get_or_init(|| CompiledNetwork::new(&self.network, &self.registries))
            .as_ref()
    }
}

/// What the guest is told.
fn code(reason: Reason) -> Error {
    match reason {
        Reason::AddressNotGranted | Reason::NeverGranted => Error::DestinationIpProhibited,
        Reason::Invalid => Error::HttpRequestUriInvalid,
        _ => Error::HttpRequestDenied,
    }
}

/// What the guest brings about is not for the operator's log: the usual hooks warn.
impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let egress = self.clone();
        let mut sent =
            Box::pin(async move { egress.send(request, options.unwrap_or_default()).await });
        // Begun here, on the account of the guest: a denial needs nobody else. What has to wait is polled again by a task,
        // which then says whom to wake.
        match sent.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => Box::new(std::future::ready(sent)),
            Poll::Pending => Box::new(sent),
        }
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> p2::ErrorCode {
        tracing::debug!(%error, "a request of a guest failed");
        p2::ErrorCode::HttpProtocolError
    }

    fn p3_error_from_hyper(&mut self, error: &hyper::Error) -> p3::ErrorCode {
        tracing::debug!(%error, "a request of a guest failed");
        p3::ErrorCode::HttpProtocolError
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::Recorder;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<String>>>);

    impl Recorder for Said {
        fn record(&self, decided: &Decided<'_>) {
            let rule = decided.rule().unwrap_or("denied");
            let line = format!("{} {} {rule}", decided.capability, decided.resource);
            self.0.lock().unwrap().push(line);
        }
    }

    #[tokio::test]
    async fn what_is_allowed_is_recorded_with_its_rule() {
        let said = Said::default();
        let network = Network::Public(vec!["http://93.184.216.34".to_owned()]);
        let egress = Egress::new(network, [].into()).recording(Some(Decisions::new(said.clone())));
        for (uri, allowed) in [
            ("http://93.184.216.34/a?key=secret", true),
            ("http://93.184.216.35/", false),
        ] {
            let (parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
            let wanted = Wanted::of(&parts).unwrap();
            let decided = egress.decide(&wanted, Duration::from_secs(1)).await;
            assert_eq!(decided.is_ok(), allowed, "{uri}");
        }
        assert_eq!(
            *said.0.lock().unwrap(),
            [
                "http GET http://93.184.216.34/a network.public[0] = \"http://93.184.216.34\"",
                "http GET http://93.184.216.35/ denied",
            ]
        );
    }

    #[test]
    fn a_body_holds_little_of_the_hosts_memory() {
        let mut egress = Egress::new(Network::None, [].into());
        assert_eq!(egress.p2_outgoing_body_chunk_size(), 64 << 10);
        assert_eq!(egress.p3_outgoing_body_chunk_size(), 64 << 10);
    }
}
