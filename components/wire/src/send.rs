//! Requests on their way, over wasi:http.
//!
//! It uses WASI directly instead of `spin_sdk::http::send`, which cannot set timeouts: a command may be silent
//! for longer than a host's default of ten minutes. The request goes to the address with which the runner
//! joined, so Spin's `allowed_outbound_hosts` decides once more.

use crate::{Call, Failure, Method, write_all};
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::outgoing_handler::{self, FutureIncomingResponse};
use wasi::http::types::{
    ErrorCode, Fields, Method as WasiMethod, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll::poll;

const CONNECT_MS_MAX: u64 = 5_000;
const NS_PER_MS: u64 = 1_000_000;

/// Posts to all at once and ignores what they say, but waits for it a moment: a request that is dropped may never be
/// sent.
pub fn post_all(urls: &[String], patience_ms: u64) {
    let mut open: Vec<FutureIncomingResponse> = urls
        .iter()
        .filter_map(|url| {
            let call = Call {
                method: Method::Post,
                url: url.clone(),
                body: None,
                silence_ms_max: patience_ms,
            };
            send(&call).ok()
        })
        .collect();
    let timer = subscribe_duration(patience_ms.saturating_mul(NS_PER_MS));
    while !open.is_empty() {
        let answers: Vec<_> = open.iter().map(FutureIncomingResponse::subscribe).collect();
        let mut waited: Vec<_> = answers.iter().collect();
        waited.push(&timer);
        let ready = poll(&waited);
        drop(waited);
        drop(answers);
        if ready.iter().any(|index| *index as usize == open.len()) {
            return;
        }
        let mut index = 0;
        open.retain(|_| {
            index += 1;
            !ready.contains(&(index - 1))
        });
    }
}

/// Sends a request with the runner token.
pub(crate) fn send(call: &Call) -> Result<FutureIncomingResponse, Failure> {
    let token = spin_sdk::variables::get("runner_token")
        .map_err(|error| Failure::Unreachable(format!("variable runner_token: {error}")))?;
    let (request, body) = request(call, &token).map_err(Failure::Unreachable)?;
    let options = RequestOptions::new();
    let silence_ns_max = call.silence_ms_max.saturating_mul(NS_PER_MS);
    let connect_ns_max = call.silence_ms_max.min(CONNECT_MS_MAX) * NS_PER_MS;
    // A host that does not know an option keeps its default.
    _ = options.set_connect_timeout(Some(connect_ns_max));
    _ = options.set_first_byte_timeout(Some(silence_ns_max));
    _ = options.set_between_bytes_timeout(Some(silence_ns_max));
    let pending = outgoing_handler::handle(request, Some(options)).map_err(failure)?;
    write(body, call.body.as_ref().map_or(&[], |(_, bytes)| bytes));
    Ok(pending)
}

fn request(call: &Call, token: &str) -> Result<(OutgoingRequest, OutgoingBody), String> {
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
    Ok((request, body))
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

/// These say that nothing was sent; after any other the runner may have done what was asked.
pub(crate) fn failure(error: ErrorCode) -> Failure {
    match error {
        ErrorCode::HttpRequestDenied => Failure::Unreachable(
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
        | ErrorCode::TlsAlertReceived(_) => Failure::Unreachable(format!("{error:?}")),
        other => Failure::BrokeOff(format!("{other:?}")),
    }
}
