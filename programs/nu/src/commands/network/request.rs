//! One request, and the beginning of its answer.

use crate::bindings::http::outgoing_handler::handle;
use crate::bindings::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use std::io::{self, Read};
use std::time::Duration;
use swarm_flow_process::bindings::wasi::io::streams::{InputStream, StreamError};
use url::Url;

pub struct Request {
    pub method: &'static str,
    pub url: Url,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
    pub time_max: Option<Duration>,
}

pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Body,
}

impl Request {
    /// Sends it; the error is a sentence without its subject.
    pub fn send(&self) -> Result<Response, String> {
        let request = self.head()?;
        let body = request.body().map_err(|()| "it cannot have a body")?;
        let options = RequestOptions::new();
        if let Some(time) = self.time_max {
            let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let set = options
                .set_connect_timeout(Some(time))
                .and(options.set_first_byte_timeout(Some(time)))
                .and(options.set_between_bytes_timeout(Some(time)));
            set.map_err(|()| "a time limit cannot be set")?;
        }
        let answer = handle(request, Some(options)).map_err(|code| explain(&code))?;
        if let Some(bytes) = &self.body {
            write(&body, bytes)?;
        }
        // An answer may come before the body has been taken.
        let finished = OutgoingBody::finish(body, None);
        answer.subscribe().block();
        let response = match answer.get() {
            Some(Ok(response)) => response.map_err(|code| explain(&code))?,
            Some(Err(())) | None => return Err("its answer was taken twice".to_owned()),
        };
        if let (Err(code), true) = (finished, self.body.is_some()) {
            return Err(explain(&code));
        }
        Response::new(&response)
    }

    fn head(&self) -> Result<OutgoingRequest, String> {
        let headers = Fields::from_list(&self.headers)
            .map_err(|problem| format!("a header is not allowed: {problem:?}"))?;
        let request = OutgoingRequest::new(headers);
        let method = match self.method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            "PATCH" => Method::Patch,
            other => Method::Other(other.to_owned()),
        };
        let scheme = match self.url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("`{other}` is no scheme of HTTP")),
        };
        let host = self.url.host_str().ok_or("it has no host")?;
        let authority = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        let set = request
            .set_method(&method)
            .and(request.set_scheme(Some(&scheme)))
            .and(request.set_authority(Some(&authority)))
            .and(request.set_path_with_query(Some(&path)));
        set.map_err(|()| "it is no URL of a request")?;
        Ok(request)
    }
}

/// What a blocking write takes at once.
const WRITE_BYTES_MAX: usize = 4_096;

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    let stream = body.write().map_err(|()| "its body cannot be written")?;
    for piece in bytes.chunks(WRITE_BYTES_MAX) {
        match stream.blocking_write_and_flush(piece) {
            Ok(()) => {}
            // The answer says why.
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(format!(
                    "its body was not taken: {}",
                    error.to_debug_string()
                ));
            }
        }
    }
    Ok(())
}

impl Response {
    fn new(response: &IncomingResponse) -> Result<Self, String> {
        let body = response
            .consume()
            .map_err(|()| "its body was taken twice")?;
        let stream = body.stream().map_err(|()| "its body was taken twice")?;
        Ok(Self {
            status: response.status(),
            headers: response.headers().entries(),
            body: Body {
                stream,
                _body: body,
            },
        })
    }

    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

/// The body as it comes.
pub struct Body {
    stream: InputStream,
    /// Outlives the stream, which is declared before it.
    _body: IncomingBody,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.stream.blocking_read(into.len() as u64) {
            Ok(bytes) => {
                into.iter_mut()
                    .zip(&bytes)
                    .for_each(|(to, from)| *to = *from);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }
}

fn explain(code: &ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => "the workspace's policy does not allow it".to_owned(),
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => "its host's name is unknown".to_owned(),
        ErrorCode::ConnectionRefused => "its host refused the connection".to_owned(),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => "it took too long".to_owned(),
        ErrorCode::TlsCertificateError => "its host's certificate is not trusted".to_owned(),
        ErrorCode::InternalError(Some(why)) => why.clone(),
        other => format!("it failed: {other:?}"),
    }
}
