//! One request and its answer, over `wasi:http`.

use crate::bindings::http::outgoing_handler::handle;
use crate::bindings::http::types::{
    Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use crate::bindings::io::streams::{InputStream, StreamError};
use crate::data::Body;
use crate::problem::{self, Problem};
use crate::wait::Deadline;
use std::io::Read;
use std::time::Duration;
use url::Url;

pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a Url,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a Body>,
    pub connect_time_max: Option<Duration>,
    pub deadline: Deadline,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content: Content,
}

impl Request<'_> {
    pub fn send(&self) -> Result<Answer, Problem> {
        let of = |error| Problem::of(&error, self.method, self.url);
        let internal = |what: &str| Problem::new(problem::RECEIVE, what.to_owned());
        let request = self.head()?;
        // A body that is not asked for does not count as one of unknown length.
        let body = self.body.map(|content| match request.body() {
            Ok(body) => Ok((body, content)),
            Err(()) => Err(internal("the request cannot have a body")),
        });
        let body = body.transpose()?;
        let options = RequestOptions::new();
        if let Some(limit) = self.connect_time_max {
            let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            // Without it the deadline of the whole still holds.
            let _ = options.set_connect_timeout(Some(limit));
        }
        let answer = handle(request, Some(options)).map_err(of)?;
        let mut finished = Ok(());
        if let Some((body, content)) = body {
            self.write(&body, content)?;
            // The answer may say more of it.
            finished = OutgoingBody::finish(body, None);
        }
        self.deadline.wait(&answer.subscribe())?;
        let answer = match answer.get() {
            Some(Ok(answer)) => answer.map_err(of)?,
            Some(Err(())) | None => return Err(internal("the answer was taken twice")),
        };
        finished.map_err(of)?;
        let headers = answer.headers().entries();
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        let body = answer
            .consume()
            .map_err(|()| internal("the answer was taken twice"))?;
        let stream = body
            .stream()
            .map_err(|()| internal("the answer was taken twice"))?;
        Ok(Answer {
            status: answer.status(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
            content: Content {
                stream,
                _body: body,
                deadline: self.deadline,
                problem: None,
            },
        })
    }

    fn head(&self) -> Result<OutgoingRequest, Problem> {
        let list: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
            .collect();
        let headers = Fields::from_list(&list).map_err(|error| {
            let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            Problem::new(
                problem::USAGE,
                format!("one of the headers {names} cannot be sent: {error:?}"),
            )
        })?;
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
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        let host = self.url.host_str().unwrap_or_default();
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
        set.map_err(|()| {
            Problem::new(
                problem::MALFORMED_URL,
                format!("URL using bad/illegal format: {}", self.url),
            )
        })?;
        Ok(request)
    }

    fn write(&self, to: &OutgoingBody, content: &Body) -> Result<(), Problem> {
        let send = |why: String| Problem::new(problem::RECEIVE, format!("Send failure: {why}"));
        let stream = to
            .write()
            .map_err(|()| send("the body cannot be written".to_owned()))?;
        let ready = stream.subscribe();
        let mut source = content.open()?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            self.deadline.wait(&ready)?;
            let room = match stream.check_write() {
                Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
                // The answer says why.
                Err(StreamError::Closed) => return Ok(()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(send(error.to_debug_string()));
                }
            };
            if room == 0 {
                continue;
            }
            let room = room.min(buffer.len());
            let read = source
                .read(buffer.get_mut(..room).unwrap_or_default())
                .map_err(|error| Problem::new(problem::READ, error.to_string()))?;
            if read == 0 {
                return Ok(());
            }
            match stream.write(buffer.get(..read).unwrap_or_default()) {
                Ok(()) => {}
                Err(StreamError::Closed) => return Ok(()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(send(error.to_debug_string()));
                }
            }
        }
    }
}

/// The body of an answer as it comes.
pub struct Content {
    stream: InputStream,
    /// Outlives the stream, which is declared before it.
    _body: IncomingBody,
    deadline: Deadline,
    /// Why reading ended too early.
    pub problem: Option<Problem>,
}

impl Content {
    fn fail(&mut self, problem: Problem) -> std::io::Error {
        let error = std::io::Error::other(problem.text.clone());
        self.problem = Some(problem);
        error
    }
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let waited = self.deadline.wait(&self.stream.subscribe());
            if let Err(problem) = waited {
                return Err(self.fail(problem));
            }
            match self.stream.read(into.len() as u64) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    let pairs = into.iter_mut().zip(&bytes);
                    pairs.for_each(|(to, from)| *to = *from);
                    return Ok(bytes.len());
                }
                Err(StreamError::Closed) => return Ok(0),
                Err(StreamError::LastOperationFailed(error)) => {
                    let why = error.to_debug_string();
                    let why =
                        format!("transfer closed with outstanding read data remaining: {why}");
                    return Err(self.fail(Problem::new(problem::PARTIAL, why)));
                }
            }
        }
    }
}

impl Answer {
    /// The first field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}
