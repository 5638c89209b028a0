//! The wire over wasi:http.
//!
//! It uses WASI directly instead of `spin_sdk::http::send`, which cannot set timeouts: a command may be silent
//! for longer than a host's default of ten minutes. The request goes to the address with which the runner
//! joined, so Spin's `allowed_outbound_hosts` decides once more.

use super::{Answer, Call, Failure, Method, Pieces, Wire};
use swarm_flow_protocol::FILE_HEADER;
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

/// HTTP by way of the host, with the runner token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Wire for Http {
    type Pieces = Body;

    fn call(&self, call: Call) -> Result<Answer, Failure> {
        read_whole(send(call)?)
    }

    fn open(&self, call: Call) -> Result<Result<Body, Answer>, Failure> {
        let response = send(call)?;
        if response.status() == 200 {
            Body::of(response).map(Ok)
        } else {
            read_whole(response).map(Err)
        }
    }
}

/// The body of an answer. The fields are dropped in this order, as WASI wants it.
pub struct Body {
    stream: InputStream,
    _body: IncomingBody,
    _response: IncomingResponse,
}

/// How long [`Pieces::next`] waits before it says that nothing came.
const PATIENCE_NS: u64 = 1_000_000_000;
const READ_BYTES_MAX: u64 = 1 << 20;

impl Body {
    fn of(response: IncomingResponse) -> Result<Self, Failure> {
        let taken = || Failure::BrokeOff("the answer has no body".to_owned());
        let body = response.consume().map_err(|()| taken())?;
        let stream = body.stream().map_err(|()| taken())?;
        Ok(Self {
            stream,
            _body: body,
            _response: response,
        })
    }

    fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        match self.stream.read(READ_BYTES_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StreamError::Closed) => Ok(None),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(Failure::BrokeOff(error.to_debug_string()))
            }
        }
    }
}

impl Pieces for Body {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self.read()? {
            Some(bytes) if bytes.is_empty() => {
                let readable = self.stream.subscribe();
                let timer = subscribe_duration(PATIENCE_NS);
                poll::poll(&[&readable, &timer]);
                self.read()
            }
            other => Ok(other),
        }
    }
}

fn send(call: Call) -> Result<IncomingResponse, Failure> {
    let token = spin_sdk::variables::get("runner_token")
        .map_err(|error| unsent(format!("variable runner_token: {error}")))?;
    let (request, body) = request(&call, &token).map_err(unsent)?;
    let options = RequestOptions::new();
    // A host that does not know an option keeps its default.
    _ = options.set_connect_timeout(Some(CONNECT_NS_MAX));
    _ = options.set_first_byte_timeout(Some(call.silence_ms_max.saturating_mul(1_000_000)));
    _ = options.set_between_bytes_timeout(Some(call.silence_ms_max.saturating_mul(1_000_000)));
    let pending = outgoing_handler::handle(request, Some(options)).map_err(failure)?;
    if let Some(body) = body {
        write(
            body,
            call.body
                .as_ref()
                .map_or(&[], |(_, bytes)| bytes.as_slice()),
        );
    }
    loop {
        match pending.get() {
            Some(Ok(answer)) => return answer.map_err(failure),
            Some(Err(())) => {
                return Err(Failure::BrokeOff("the answer was taken twice".to_owned()));
            }
            None => pending.subscribe().block(),
        }
    }
}

const CONNECT_NS_MAX: u64 = 5_000_000_000;

fn request(call: &Call, token: &str) -> Result<(OutgoingRequest, Option<OutgoingBody>), String> {
    let (scheme, rest) = call
        .url
        .split_once("://")
        .ok_or_else(|| format!("`{}` has no scheme", call.url))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let length = call.body.as_ref().map_or(0, |(_, bytes)| bytes.len());
    let mut headers = vec![
        (
            "authorization".to_owned(),
            format!("Bearer {token}").into_bytes(),
        ),
        ("content-length".to_owned(), length.to_string().into_bytes()),
    ];
    if let Some((content_type, _)) = &call.body {
        headers.push(("content-type".to_owned(), content_type.as_bytes().to_vec()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| format!("headers: {error:?}"))?;
    let request = OutgoingRequest::new(headers);
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => return Err(format!("`{other}` is neither http nor https")),
    };
    let set = |done: Result<(), ()>, what: &str| {
        done.map_err(|()| format!("`{}` has a bad {what}", call.url))
    };
    set(request.set_method(&method(call.method)), "method")?;
    set(request.set_scheme(Some(&scheme)), "scheme")?;
    set(request.set_authority(Some(authority)), "authority")?;
    set(request.set_path_with_query(Some(path)), "path")?;
    let body = request
        .body()
        .map_err(|()| "the request has no body".to_owned())?;
    Ok((request, Some(body)))
}

fn method(method: Method) -> WasiMethod {
    match method {
        Method::Get => WasiMethod::Get,
        Method::Put => WasiMethod::Put,
        Method::Post => WasiMethod::Post,
        Method::Delete => WasiMethod::Delete,
    }
}

/// A runner may answer before it has read everything, so a failed write is no failure of the call: the
/// answer, or its absence, tells.
fn write(body: OutgoingBody, bytes: &[u8]) {
    if !bytes.is_empty()
        && let Ok(stream) = body.write()
    {
        _ = write_all(&stream, bytes);
    }
    _ = OutgoingBody::finish(body, None);
}

fn write_all(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    Ok(())
}

fn read_whole(response: IncomingResponse) -> Result<Answer, Failure> {
    let status = response.status();
    let header = response
        .headers()
        .get(&FILE_HEADER.to_owned())
        .into_iter()
        .next();
    let body = Body::of(response)?;
    let mut bytes = Vec::new();
    while let Some(mut piece) = body.read()? {
        if piece.is_empty() {
            body.stream.subscribe().block();
        } else if bytes.is_empty() {
            bytes = piece;
        } else {
            bytes.append(&mut piece);
        }
    }
    let file_header = header.and_then(|header| String::from_utf8(header).ok());
    Ok(Answer {
        status,
        file_header,
        body: bytes,
    })
}

fn unsent(message: String) -> Failure {
    Failure::Unreachable(message)
}

/// These say that nothing was sent; after any other the runner may have done what was asked.
fn failure(error: ErrorCode) -> Failure {
    match error {
        ErrorCode::HttpRequestDenied => unsent(
            "the app may not call this host; add it to the variable `runner_hosts`".to_owned(),
        ),
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => unsent(format!("{error:?}")),
        other => Failure::BrokeOff(format!("{other:?}")),
    }
}
