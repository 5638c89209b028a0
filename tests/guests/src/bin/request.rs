//! Sends one HTTP request as its arguments say, however odd: METHOD SCHEME AUTHORITY PATH, then `NAME=VALUE` for what else
//! there is of it. A name is `body`, `connect`, `first-byte`, `between-bytes` (milliseconds), `show` (a field of the answer,
//! said before its body), `say` (said first), `again` (the same once more after so many milliseconds), or a header field's;
//! `\r`, `\n` and `\0` are what they are in Rust, `$API_KEY` is that variable of the environment, and an empty AUTHORITY is
//! none.
//!
//! Says `granted STATUS BODY`; `refused PART` if the request cannot even be made; `denied CODE` if the sandbox does not
//! send it; `failed CODE` if it was sent and nothing came of it.

use wasi::http::outgoing_handler::handle;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasi::io::streams::StreamError;

fn main() {
    let mut wait = None;
    for argument in std::env::args() {
        match argument.split_once('=') {
            Some(("say", text)) => print!("{text} "),
            Some(("again", milliseconds)) => wait = milliseconds.parse().ok(),
            _ => {}
        }
    }
    println!("{}", said());
    if let Some(milliseconds) = wait {
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        println!("{}", said());
    }
}

fn said() -> String {
    match attempt() {
        Ok((status, body)) => format!("granted {status} {body}"),
        Err(Failure::Refused(part)) => format!("refused {part}"),
        Err(Failure::Code(code)) if is_denial(&code) => format!("denied {}", name(&code)),
        Err(Failure::Code(code)) => format!("failed {}", name(&code)),
        Err(Failure::Stream(text)) => format!("failed stream: {text}"),
    }
}

enum Failure {
    /// By the bindings, before there was a request.
    Refused(&'static str),
    Code(ErrorCode),
    /// In the middle of the answer.
    Stream(String),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

fn is_denial(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::HttpRequestDenied
            | ErrorCode::HttpRequestUriInvalid
            | ErrorCode::DestinationIpProhibited
    )
}

/// Without what it carries.
fn name(code: &ErrorCode) -> String {
    let text = format!("{code:?}");
    let name = text
        .rsplit_once("::")
        .map_or(text.as_str(), |(_, name)| name);
    name.chars()
        .take_while(|char| char.is_alphanumeric())
        .collect()
}

fn attempt() -> Result<(u16, String), Failure> {
    let key = std::env::var("API_KEY").unwrap_or_default();
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.replace("$API_KEY", &key));
    let mut next = || arguments.next().unwrap_or_default();
    let (method, scheme, authority, path) = (next(), next(), next(), next());
    let options = RequestOptions::new();
    let fields = Fields::new();
    let mut body = None;
    let mut shown = None;
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        let value = value
            .replace("\\r", "\r")
            .replace("\\n", "\n")
            .replace("\\0", "\0");
        let nanoseconds = || value.parse::<u64>().ok().map(|ms| ms * 1_000_000);
        let set = match name {
            "body" => {
                body = Some(value);
                Ok(())
            }
            "show" => {
                shown = Some(value);
                Ok(())
            }
            "say" | "again" => Ok(()),
            "connect" => options.set_connect_timeout(nanoseconds()),
            "first-byte" => options.set_first_byte_timeout(nanoseconds()),
            "between-bytes" => options.set_between_bytes_timeout(nanoseconds()),
            _ => fields
                .append(&name.to_owned(), &value.into_bytes())
                .map_err(|_| ()),
        };
        set.map_err(|()| Failure::Refused("field"))?;
    }
    let request = OutgoingRequest::new(fields);
    let refused = |part| move |()| Failure::Refused(part);
    request
        .set_method(&known_method(method))
        .map_err(refused("method"))?;
    request
        .set_scheme(Some(&known_scheme(scheme)))
        .map_err(refused("scheme"))?;
    let authority = (!authority.is_empty()).then_some(authority.as_str());
    request
        .set_authority(authority)
        .map_err(refused("authority"))?;
    request
        .set_path_with_query(Some(&path))
        .map_err(refused("path"))?;
    let outgoing = body
        .is_some()
        .then(|| request.body())
        .transpose()
        .map_err(refused("body"))?;
    let answer = handle(request, Some(options))?;
    if let (Some(outgoing), Some(text)) = (outgoing, body) {
        write(outgoing, text.as_bytes())?;
    }
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => {
            let status = response.status();
            let fields = shown
                .map(|name| field(&response, &name))
                .unwrap_or_default();
            Ok((status, format!("{fields}{}", read(&response)?)))
        }
        Some(Ok(Err(code))) => Err(code.into()),
        _ => Err(Failure::Refused("answer")),
    }
}

/// Every value of a field: `NAME=VALUE `.
fn field(response: &IncomingResponse, name: &str) -> String {
    let values = response.headers().get(&name.to_owned());
    let values = values.iter().map(|value| String::from_utf8_lossy(value));
    values.map(|value| format!("{name}={value} ")).collect()
}

fn known_method(method: String) -> Method {
    match method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        _ => Method::Other(method),
    }
}

fn known_scheme(scheme: String) -> Scheme {
    match scheme.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => Scheme::Other(scheme),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Failure> {
    let stream = body.write().map_err(|()| Failure::Refused("body"))?;
    for piece in bytes.chunks(4096) {
        // What was not taken is missed by the server, and the answer says so.
        if stream.blocking_write_and_flush(piece).is_err() {
            break;
        }
    }
    drop(stream);
    Ok(OutgoingBody::finish(body, None)?)
}

fn read(response: &IncomingResponse) -> Result<String, Failure> {
    let body = response.consume().map_err(|()| Failure::Refused("body"))?;
    let text = read_all(&body);
    drop(body);
    text
}

fn read_all(body: &IncomingBody) -> Result<String, Failure> {
    let stream = body.stream().map_err(|()| Failure::Refused("body"))?;
    let mut text = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => text.extend(bytes),
            Err(StreamError::Closed) => return Ok(String::from_utf8_lossy(&text).into_owned()),
            Err(StreamError::LastOperationFailed(error)) => {
                let text = error.to_debug_string();
                return Err(Failure::Stream(
                    text.lines().next().unwrap_or_default().to_owned(),
                ));
            }
        }
    }
}
