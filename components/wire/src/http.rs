//! Answers, over wasi:http.

use crate::send::{failure, send};
use crate::{Answer, Call, Failure, Pieces, Wire};
use swarm_flow_protocol::FILE_HEADER;
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::types::{IncomingBody, IncomingResponse};
use wasi::io::poll;
use wasi::io::streams::{InputStream, StreamError};

/// HTTP by way of the host, with the runner token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Wire for Http {
    type Pieces = Body;

    fn call(&self, call: Call) -> Result<Answer, Failure> {
        read_whole(answer(&call)?)
    }

    fn open(&self, call: Call) -> Result<Result<Body, Answer>, Failure> {
        let response = answer(&call)?;
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

fn answer(call: &Call) -> Result<IncomingResponse, Failure> {
    let pending = send(call)?;
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
