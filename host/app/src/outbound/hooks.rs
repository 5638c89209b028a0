//! What happens to a request that a guest sends.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request, Uri};
use swarm_flow_telemetry::Caller;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::client::Answer;
use super::{AllowedHosts, Client, InternalOrigin};
use crate::body::{boxed, for_guest};

/// The outgoing side of one instance.
#[derive(Clone)]
pub(crate) struct OutboundHooks {
    pub allowed: Arc<AllowedHosts>,
    pub internal: Arc<[InternalOrigin]>,
    pub client: Client,
    /// The authorization of requests to our own.
    pub own: Option<HeaderValue>,
    /// The request that the instance answers, where it is traced.
    pub caller: Option<Caller>,
}

type Sent = Box<dyn Future<Output = Result<Answer, Error>> + Send>;

impl WasiHttpHooks for OutboundHooks {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sent {
        if !self.allowed.allow(request.uri()) {
            tracing::warn!("{}", self.allowed.denial(request.uri()));
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let internal = self
            .internal
            .iter()
            .find(|origin| origin.answers(request.uri()));
        if let Some(caller) = &self.caller
            && (internal.is_some() || self.is_own(request.headers()))
        {
            caller.tell(request.headers_mut());
        }
        if let Some(origin) = internal {
            return call(origin.clone(), request);
        }
        let client = self.client.clone();
        Box::new(async move { client.send(request, options).await })
    }
}

impl OutboundHooks {
    fn is_own(&self, headers: &HeaderMap) -> bool {
        self.own.is_some() && self.own.as_ref() == headers.get(AUTHORIZATION)
    }
}

fn call(origin: InternalOrigin, mut request: Request<WasiBody>) -> Sent {
    // As it would arrive over a socket: the path alone.
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    Box::new(async move {
        let response = (origin.service)(request.map(boxed)).await;
        let finished: Box<dyn Future<Output = Result<(), Error>> + Send> =
            Box::new(async { Ok(()) });
        Ok((response.map(for_guest), finished))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::full;
    use http::Response;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const TRACEPARENT: &str = "traceparent";

    fn hooks(internal: &str) -> OutboundHooks {
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(TRACEPARENT),
            HeaderValue::from_static(caller),
        )]);
        let origin = InternalOrigin {
            authority: internal.to_owned(),
            service: Arc::new(|request| {
                let told = request.headers().contains_key(TRACEPARENT);
                Box::pin(async move { Response::new(full(told.to_string())) })
            }),
        };
        OutboundHooks {
            allowed: Arc::new(AllowedHosts::everywhere()),
            internal: [origin].into(),
            client: Client::new(),
            own: Some(HeaderValue::from_static("Bearer ours")),
            caller: Caller::of(&headers),
        }
    }

    /// Answers each request with whether it was told.
    async fn elsewhere() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let told = String::from_utf8(head).unwrap().contains(TRACEPARENT);
                let length = told.to_string().len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{told}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn our_own_are_told_behind_which_request_they_are_and_nobody_else() {
        let elsewhere = elsewhere().await;
        let cases = [
            ("http://runner.internal/", None, true),
            (&elsewhere, Some("Bearer ours"), true),
            (&elsewhere, Some("Bearer other"), false),
            (&elsewhere, None, false),
        ];
        for (url, authorization, told) in cases {
            let mut request = Request::get(url).body(for_guest(full(""))).unwrap();
            if let Some(authorization) = authorization {
                let value = HeaderValue::from_static(authorization);
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            let sent =
                hooks("runner.internal").send_request(request, None, Box::new(async { Ok(()) }));
            let (response, _) = Box::into_pin(sent).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, told.to_string(), "{url} {authorization:?}");
        }
    }
}
