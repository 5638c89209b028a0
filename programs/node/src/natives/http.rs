//! Requests by `wasi:http`, under the workspace's policy.

use super::bytes::lent;
use super::streams;
use super::table::Table;
use crate::bindings::http::outgoing_handler;
use crate::bindings::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, Scheme,
};
use rquickjs::prelude::{Func, List};
use rquickjs::{Ctx, Exception, IntoJs, Object, Result, TypedArray, Value};

thread_local! {
    static RESPONSES: Table<FutureIncomingResponse> = const { Table::new() };
    /// A body's stream is a child of these.
    static BODIES: Table<(IncomingBody, IncomingResponse)> = const { Table::new() };
}

pub fn install(native: &Object<'_>) -> Result<()> {
    native.set("httpSend", Func::from(send))?;
    native.set(
        "httpPoll",
        Func::from(|id| {
            RESPONSES.with(|all| all.with(id, |response| streams::pollable(response.subscribe())))
        }),
    )?;
    native.set("httpResponse", Func::from(response))?;
    native.set(
        "httpForget",
        Func::from(|id| drop(RESPONSES.with(|all| all.remove(id)))),
    )?;
    native.set(
        "httpClose",
        Func::from(|id| drop(BODIES.with(|all| all.remove(id)))),
    )
}

fn send(
    ctx: Ctx<'_>,
    method: String,
    scheme: String,
    authority: String,
    path: String,
    headers: Vec<Vec<String>>,
    body: TypedArray<'_, u8>,
) -> Result<u32> {
    let refused = |what: &str| Exception::throw_message(&ctx, what);
    let fields = Fields::new();
    for header in headers {
        if let [name, value] = header.as_slice() {
            // What the host sets itself (`host`, `connection`) it refuses here.
            let _ = fields.append(name, value.as_bytes());
        }
    }
    let request = OutgoingRequest::new(fields);
    request
        .set_method(&verb(&method))
        .map_err(|()| refused("the method is not one of HTTP"))?;
    let scheme = if scheme == "http:" {
        Scheme::Http
    } else {
        Scheme::Https
    };
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("the scheme is refused"))?;
    request
        .set_authority(Some(&authority))
        .map_err(|()| refused("the host name is refused"))?;
    request
        .set_path_with_query(Some(&path))
        .map_err(|()| refused("the path is refused"))?;
    let outgoing = request
        .body()
        .map_err(|()| refused("the request has no body"))?;
    let response =
        outgoing_handler::handle(request, None).map_err(|error| refused(&reason(&error)))?;
    if let Ok(stream) = outgoing.write() {
        let id = streams::output(stream);
        // Who answers without reading everything closes the stream; the answer then says why.
        streams::write_all(id, lent(&body));
        streams::close_output(id);
    }
    let _ = OutgoingBody::finish(outgoing, None);
    Ok(RESPONSES.with(|all| all.insert(response)))
}

fn verb(method: &str) -> Method {
    match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn reason(error: &ErrorCode) -> String {
    match error {
        ErrorCode::HttpRequestDenied => {
            "the workspace's policy does not allow this host".to_owned()
        }
        ErrorCode::InternalError(Some(text)) => text.clone(),
        ErrorCode::DnsError(_) => "the name does not resolve".to_owned(),
        ErrorCode::ConnectionRefused => "connection refused".to_owned(),
        other => format!("{other:?}"),
    }
}

type Answer<'js> = List<(u16, Vec<List<(String, String)>>, u32, u32)>;

/// Undefined until it is there; then status, headers, the body's stream and what closes it.
fn response<'js>(ctx: Ctx<'js>, id: u32) -> Result<Value<'js>> {
    let answer = RESPONSES.with(|all| all.with(id, |response| response.get()).flatten());
    let Some(answer) = answer else {
        return Ok(Value::new_undefined(ctx));
    };
    RESPONSES.with(|all| all.remove(id));
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Exception::throw_message(&ctx, &reason(&error))),
        Err(()) => {
            return Err(Exception::throw_message(
                &ctx,
                "the answer was taken already",
            ));
        }
    };
    let status = response.status();
    let headers = response.headers().entries();
    let headers = headers
        .into_iter()
        .map(|(name, value)| List((name, value.iter().map(|byte| char::from(*byte)).collect())))
        .collect();
    let lost = || Exception::throw_message(&ctx, "the answer has no body");
    let body = response.consume().map_err(|()| lost())?;
    let stream = streams::input(body.stream().map_err(|()| lost())?);
    let owner = BODIES.with(|all| all.insert((body, response)));
    let answer: Answer<'js> = List((status, headers, stream, owner));
    answer.into_js(&ctx)
}
