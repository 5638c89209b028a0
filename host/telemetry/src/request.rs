//! A request that the app answers, and who is told that it is behind another one.
//!
//! A request is named by the route of the API that it is for. Its path is not told: it has ids and names of files in it.

use crate::{Telemetry, names};
use http::{HeaderMap, Method, Request};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::Span;
use std::time::Instant;

/// What runners say to the app every few seconds is measured, and no span.
const OF_RUNNERS: &str = "/api/v1/runners/{id}/";

/// A request that is being answered. Over when it is dropped.
pub struct RequestSpan {
    telemetry: &'static Telemetry,
    span: Option<Span>,
    common: Vec<KeyValue>,
    status: Option<u16>,
    since: Instant,
}

/// The span behind which another one belongs.
#[derive(Clone, Debug)]
pub struct Caller(SpanContext);

/// What a request is behind, if its headers say so.
pub(crate) fn parent(headers: &HeaderMap) -> Context {
    Caller::of(headers).map_or_else(Context::new, |caller| caller.context())
}

impl Telemetry {
    pub fn request<B>(&'static self, request: &Request<B>) -> RequestSpan {
        let method = known(request.method());
        let found = self.routes.at(request.uri().path()).ok();
        let route = found.map(|found| found.value.clone());
        let mut common = vec![
            KeyValue::new(names::METHOD, method),
            KeyValue::new(names::SCHEME, "http"),
        ];
        let name = match &route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        let is_quiet = route
            .as_ref()
            .is_some_and(|route| route.starts_with(OF_RUNNERS));
        common.extend(route.map(|route| KeyValue::new(names::ROUTE, route)));
        let span = (!is_quiet).then(|| {
            let builder = self.tracer.span_builder(name);
            let builder = builder
                .with_kind(SpanKind::Server)
                .with_attributes(common.clone());
            self.tracer
                .build_with_context(builder, &parent(request.headers()))
        });
        RequestSpan {
            telemetry: self,
            span,
            common,
            status: None,
            since: Instant::now(),
        }
    }
}

impl RequestSpan {
    /// As those are told that answer it for us.
    pub fn caller(&self) -> Option<Caller> {
        let span = self.span.as_ref()?;
        Some(Caller(span.span_context().clone()))
    }

    pub fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// Which tool of the MCP server it was for, as the answer says it: so only tools that there are are counted.
    pub fn told(&mut self, headers: &HeaderMap) {
        for (header, name) in [
            ("mcp-method", names::MCP_METHOD),
            ("mcp-name", names::TOOL_NAME),
        ] {
            let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) else {
                continue;
            };
            let said = KeyValue::new(name, value.to_owned());
            if let Some(span) = &mut self.span {
                span.set_attribute(said.clone());
            }
            self.common.push(said);
        }
    }
}

impl Caller {
    /// Whose request it is. What else its headers say of that (`tracestate`) could be anything, and is left out.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let told = TraceContextPropagator::new();
        let told = told.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let caller = told.span().span_context().clone();
        caller.is_valid().then(|| {
            Self(SpanContext::new(
                caller.trace_id(),
                caller.span_id(),
                caller.trace_flags(),
                true,
                TraceState::default(),
            ))
        })
    }

    fn context(&self) -> Context {
        Context::new().with_remote_span_context(self.0.clone())
    }

    /// Into the headers of a request to one of our own.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let mut headers = HeaderInjector(headers);
        TraceContextPropagator::new().inject_context(&self.context(), &mut headers);
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        let mut told = Vec::with_capacity(2);
        told.extend(
            self.status
                .map(|status| KeyValue::new(names::STATUS, i64::from(status))),
        );
        let error = match self.status {
            None => Some("cancelled".to_owned()),
            Some(status) if status >= 500 => Some(status.to_string()),
            Some(_) => None,
        };
        told.extend(
            error
                .clone()
                .map(|code| KeyValue::new(names::ERROR_TYPE, code)),
        );
        if let Some(span) = &mut self.span {
            span.set_attributes(told.iter().cloned());
            if let Some(code) = error {
                span.set_status(Status::error(code));
            }
            span.end();
        }
        self.common.extend(told);
        let took = self.since.elapsed().as_secs_f64();
        self.telemetry
            .instruments
            .request
            .record(took, &self.common);
    }
}

/// Anything can be a method, and each would be a time series.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
