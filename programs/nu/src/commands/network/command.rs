//! The commands `http`.

use super::body::content;
use super::request::{Request, Response};
use super::response;
use crate::commands::ours::{Ours, error};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use nu_engine::{command_prelude::*, get_full_help};
use std::time::Duration;
use url::Url;

fn common(signature: Signature) -> Signature {
    signature
        .required("URL", SyntaxShape::String, "The URL.")
        .named("user", SyntaxShape::Any, "The username when authenticating.", Some('u'))
        .named("password", SyntaxShape::Any, "The password when authenticating.", Some('p'))
        .named("max-time", SyntaxShape::Duration, "Max duration before timeout occurs.", Some('m'))
        .named("headers", SyntaxShape::Any, "Custom headers you want to add.", Some('H'))
        .named("redirect-mode", SyntaxShape::String, "What to do when encountering redirects. Default: 'follow'. Valid options: 'follow' ('f'), 'manual' ('m'), 'error' ('e').", Some('R'))
        .switch("insecure", "Allow insecure server connections: the runner makes the connection, so this is an error.", Some('k'))
}

fn answer(signature: Signature) -> Signature {
    signature
        .switch("raw", "Return values as a string instead of a table.", Some('r'))
        .switch("full", "Returns the record, containing metainformation about the exchange in addition to the response.", Some('f'))
        .switch("allow-errors", "Do not fail if the server returns an error code.", Some('e'))
}

fn get_like(signature: Signature) -> Signature {
    answer(common(signature)).input_output_types(vec![(Type::Nothing, Type::Any)])
}

fn post_like(signature: Signature) -> Signature {
    answer(common(signature))
        .input_output_types(vec![(Type::Any, Type::Any)])
        .optional(
            "data",
            SyntaxShape::Any,
            "The contents of the body. Required unless part of a pipeline.",
        )
        .named(
            "content-type",
            SyntaxShape::Any,
            "The MIME type of content to send.",
            Some('t'),
        )
}

fn delete_like(signature: Signature) -> Signature {
    answer(common(signature))
        .input_output_types(vec![(Type::Any, Type::Any)])
        .named("data", SyntaxShape::Any, "The content to send.", Some('d'))
        .named(
            "content-type",
            SyntaxShape::Any,
            "The MIME type of content to send.",
            Some('t'),
        )
}

pub fn commands() -> Vec<Ours> {
    let network = |name, description, signature, run| {
        Ours::new(name, Category::Network, description, signature, run)
            .terms(&["network", "request", "pull", "push", "curl", "wget"])
    };
    vec![
        network(
            "http",
            "Various commands for working with http methods.",
            |signature| signature.input_output_types(vec![(Type::Nothing, Type::String)]),
            |engine, stack, call, _| {
                let command = engine.find_decl(b"http", &[]);
                let help =
                    command.map(|id| get_full_help(engine.get_decl(id), engine, stack, call.head));
                Ok(Value::string(help.unwrap_or_default(), call.head).into_pipeline_data())
            },
        ),
        network(
            "http get",
            "Fetch the contents from a URL.",
            get_like,
            |engine, stack, call, input| {
                Exchange::of("GET", engine, stack, call, input)?.run(engine, stack)
            },
        ),
        network(
            "http head",
            "Get the headers from a URL.",
            |signature| common(signature).input_output_types(vec![(Type::Nothing, Type::Any)]),
            |engine, stack, call, input| {
                let exchange = Exchange::of("HEAD", engine, stack, call, input)?;
                let (answer, _) = exchange.exchange()?;
                Ok(response::headers(&answer.headers, call.head).into_pipeline_data())
            },
        ),
        network(
            "http options",
            "Requests permitted communication options for a given URL.",
            get_like,
            |engine, stack, call, input| {
                let exchange = Exchange::of("OPTIONS", engine, stack, call, input)?;
                if exchange.full {
                    return exchange.run(engine, stack);
                }
                let (answer, _) = exchange.exchange()?;
                Ok(response::headers(&answer.headers, call.head).into_pipeline_data())
            },
        ),
        network(
            "http post",
            "Post a body to a URL.",
            post_like,
            |engine, stack, call, input| {
                Exchange::of("POST", engine, stack, call, input)?.run(engine, stack)
            },
        ),
        network(
            "http put",
            "Put a body to a URL.",
            post_like,
            |engine, stack, call, input| {
                Exchange::of("PUT", engine, stack, call, input)?.run(engine, stack)
            },
        ),
        network(
            "http patch",
            "Patch a body to a URL.",
            post_like,
            |engine, stack, call, input| {
                Exchange::of("PATCH", engine, stack, call, input)?.run(engine, stack)
            },
        ),
        network(
            "http delete",
            "Delete the specified resource.",
            delete_like,
            |engine, stack, call, input| {
                Exchange::of("DELETE", engine, stack, call, input)?.run(engine, stack)
            },
        ),
    ]
}

enum Redirects {
    Follow,
    Manual,
    Refuse,
}

struct Exchange {
    request: Request,
    redirects: Redirects,
    raw: bool,
    full: bool,
    allow_errors: bool,
    head: Span,
    span: Span,
}

/// As many as upstream follows.
const REDIRECTS_MAX: usize = 10;

impl Exchange {
    fn of(
        method: &'static str,
        engine: &EngineState,
        stack: &mut Stack,
        call: &Call,
        input: PipelineData,
    ) -> Result<Self, ShellError> {
        let written: Spanned<String> = call.req(engine, stack, 0)?;
        let url = parse(&written)?;
        if call.has_flag(engine, stack, "insecure")? {
            return Err(error(
                "`--insecure` is not there",
                "the runner makes the connection, and checks certificates",
                call.head,
            ));
        }
        let redirects: Option<Spanned<String>> = call.get_flag(engine, stack, "redirect-mode")?;
        let redirects = match &redirects {
            None => Redirects::Follow,
            Some(mode) => match mode.item.as_str() {
                "follow" | "f" => Redirects::Follow,
                "manual" | "m" => Redirects::Manual,
                "error" | "e" => Redirects::Refuse,
                _ => {
                    return Err(error(
                        "Invalid redirect handling mode",
                        "one of `follow`, `manual`, `error`",
                        mode.span,
                    ));
                }
            },
        };
        let time_max: Option<i64> = call.get_flag(engine, stack, "max-time")?;
        let time_max = time_max.and_then(|time| u64::try_from(time).ok());
        let mut headers = headers(engine, stack, call)?;
        let kind: Option<String> = match call.get_flag::<Value>(engine, stack, "content-type") {
            Ok(kind) if method != "GET" => kind.map(Value::coerce_into_string).transpose()?,
            _ => None,
        };
        let data = data(method, engine, stack, call, input)?;
        let body = match data {
            None => None,
            Some(value) => {
                let content = content(engine, stack, value, kind, call.head)?;
                let given = headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                if let Some(kind) = content.kind.filter(|_| !given) {
                    headers.push(("content-type".to_owned(), kind.into_bytes()));
                }
                headers.push((
                    "content-length".to_owned(),
                    content.bytes.len().to_string().into_bytes(),
                ));
                Some(content.bytes)
            }
        };
        let flag = |stack: &mut Stack, name| call.has_flag(engine, stack, name);
        let answers = method != "HEAD";
        Ok(Self {
            request: Request {
                method,
                url,
                headers,
                body,
                time_max: time_max.map(Duration::from_nanos),
            },
            redirects,
            raw: answers && flag(stack, "raw")?,
            full: answers && flag(stack, "full")?,
            allow_errors: answers && flag(stack, "allow-errors")?,
            head: call.head,
            span: written.span,
        })
    }

    fn run(self, engine: &EngineState, stack: &mut Stack) -> Result<PipelineData, ShellError> {
        let (answer, urls) = self.exchange()?;
        let head = self.head;
        let url = urls
            .last()
            .cloned()
            .unwrap_or_else(|| self.request.url.clone());
        if !self.full {
            return response::body(engine, stack, answer, &url, self.raw, head);
        }
        let sent = response::headers(&self.request.headers, head);
        let received = response::headers(&answer.headers, head);
        let status = i64::from(answer.status);
        let urls = urls
            .iter()
            .map(|url| Value::string(url.as_str(), head))
            .collect();
        let body = response::body(engine, stack, answer, &url, self.raw, head)?.into_value(head)?;
        let full = record! {
            "urls" => Value::list(urls, head),
            "headers" => Value::record(record! { "request" => sent, "response" => received }, head),
            "body" => body,
            "status" => Value::int(status, head),
        };
        Ok(Value::record(full, head).into_pipeline_data())
    }

    /// The answer, and the URLs that led to it.
    fn exchange(&self) -> Result<(Response, Vec<Url>), ShellError> {
        let failed = |msg: String| ShellError::NetworkFailure {
            msg,
            span: self.span,
        };
        let mut request = Request {
            method: self.request.method,
            url: self.request.url.clone(),
            headers: self.request.headers.clone(),
            body: self.request.body.clone(),
            time_max: self.request.time_max,
        };
        let mut urls = vec![request.url.clone()];
        loop {
            let answer = request.send().map_err(|why| {
                failed(format!("Cannot make request to `{}`: {why}", request.url))
            })?;
            let target = answer
                .header("location")
                .filter(|_| matches!(answer.status, 301 | 302 | 303 | 307 | 308))
                .and_then(|target| request.url.join(target).ok());
            let Some(target) = target else {
                return match answer.status {
                    400.. if !self.allow_errors => {
                        Err(refusal(answer.status, &request.url, self.span))
                    }
                    _ => Ok((answer, urls)),
                };
            };
            match self.redirects {
                Redirects::Manual => return Ok((answer, urls)),
                Redirects::Refuse => {
                    return Err(failed(format!(
                        "Redirect encountered when redirect handling mode was 'error' ({})",
                        answer.status
                    )));
                }
                Redirects::Follow if urls.len() > REDIRECTS_MAX => {
                    return Err(failed(format!(
                        "`{}` redirects too often",
                        self.request.url
                    )));
                }
                Redirects::Follow => {}
            }
            if !matches!(answer.status, 307 | 308) && request.method != "HEAD" {
                request.method = "GET";
                request.body = None;
                request
                    .headers
                    .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
            }
            if target.origin() != request.url.origin() {
                request
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            }
            request.url = target.clone();
            urls.push(target);
        }
    }
}

fn refusal(status: u16, url: &Url, span: Span) -> ShellError {
    let code = StatusCode::from_u16(status);
    let reason = code.ok().and_then(|code| code.canonical_reason());
    let reason = reason.unwrap_or("Unknown");
    ShellError::HttpError {
        code: status,
        reason,
        url: url.to_string(),
        msg: reason.to_owned(),
        span,
    }
}

fn parse(written: &Spanned<String>) -> Result<Url, ShellError> {
    let wrong = || ShellError::UnsupportedInput {
        msg: "Incomplete or incorrect URL. Expected a full URL, e.g., https://www.example.com"
            .into(),
        input: format!("value: '{:?}'", written.item),
        msg_span: written.span,
        input_span: written.span,
    };
    // A host alone is taken for one.
    let whole = if written.item.contains("://") {
        written.item.clone()
    } else {
        format!("http://{}", written.item)
    };
    Url::parse(&whole).map_err(|_| wrong())
}

/// Of a record, or of a list of names and values, or of a table with one row; and who asks.
fn headers(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
) -> Result<Vec<(String, Vec<u8>)>, ShellError> {
    let user: Option<String> = call.get_flag(engine, stack, "user")?;
    let password: Option<String> = call.get_flag(engine, stack, "password")?;
    let given: Option<Value> = call.get_flag(engine, stack, "headers")?;
    let mut headers = vec![("user-agent".to_owned(), b"nushell".to_vec())];
    let mut add = |name: String, value: Value| {
        let value = value.coerce_into_string()?;
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        headers.push((name, value.into_bytes()));
        Ok::<_, ShellError>(())
    };
    match given {
        Some(Value::Record { val, .. }) => {
            for (name, value) in val.into_owned() {
                add(name, value)?;
            }
        }
        Some(Value::List { vals, .. }) if matches!(vals.as_slice(), [Value::Record { .. }]) => {
            for row in vals {
                for (name, value) in row.into_record()? {
                    add(name, value)?;
                }
            }
        }
        Some(Value::List { vals, .. }) => {
            let mut values = vals.into_iter();
            while let (Some(name), Some(value)) = (values.next(), values.next()) {
                add(name.coerce_into_string()?, value)?;
            }
        }
        Some(other) => {
            return Err(ShellError::CantConvert {
                to_type: "string list or single row".into(),
                from_type: other.get_type().to_string(),
                span: other.span(),
                help: None,
            });
        }
        None => {}
    }
    if user.is_some() || password.is_some() {
        let who = format!(
            "{}:{}",
            user.unwrap_or_default(),
            password.unwrap_or_default()
        );
        let who = format!("Basic {}", BASE64_STANDARD.encode(who));
        headers.push(("authorization".to_owned(), who.into_bytes()));
    }
    Ok(headers)
}

fn data(
    method: &str,
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    input: PipelineData,
) -> Result<Option<Value>, ShellError> {
    let given = match method {
        "POST" | "PUT" | "PATCH" => call.opt::<Value>(engine, stack, 1)?,
        "DELETE" => call.get_flag::<Value>(engine, stack, "data")?,
        _ => return Ok(None),
    };
    match given {
        None if !input.is_nothing() => Ok(Some(input.into_value(call.head)?)),
        None if method != "DELETE" => Err(error(
            "Data must be provided either through pipeline or positional argument",
            "no data to send",
            call.head,
        )),
        given => Ok(given),
    }
}
