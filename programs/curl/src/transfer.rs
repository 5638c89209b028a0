//! One URL: its requests, tried again and redirected, until there is an answer to keep.

use crate::data::{self, Body};
use crate::exchange::{Answer, Request};
use crate::headers;
use crate::options::{Fail, Options, Place};
use crate::output::{Folder, Output};
use crate::problem::{self, Problem};
use crate::wait::Deadline;
use crate::write_out::Facts;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use std::io::Read;
use std::time::{Duration, Instant};
use url::Url;

pub fn run(options: &Options, address: &str, place: &Place) -> (Facts, Result<(), Problem>) {
    let mut facts = Facts::new(address);
    let start = Instant::now();
    let deadline = Deadline::new(options.time_max);
    let mut tried = 0;
    let result = loop {
        let result = once(options, address, place, deadline, &mut facts);
        facts.total = start.elapsed();
        let again = match &result {
            Err(problem) => worth_trying(options, problem, facts.status),
            Ok(()) => RETRIED.contains(&facts.status),
        };
        if tried == options.retries || !again {
            break result;
        }
        let delay = options
            .retry_delay
            .unwrap_or_else(|| Duration::from_secs(1 << tried.min(9)));
        tried += 1;
        if !options.silent {
            let (left, seconds) = (options.retries - tried + 1, delay.as_secs_f64());
            eprintln!("Warning: Problem. Will retry in {seconds} seconds. {left} retries left.");
        }
        std::thread::sleep(delay);
    };
    (facts, result)
}

/// Statuses that may be others soon.
const RETRIED: [u16; 6] = [408, 429, 500, 502, 503, 504];

fn worth_trying(options: &Options, problem: &Problem, status: u16) -> bool {
    match problem.code {
        problem::TIME | problem::NO_ADDRESS => true,
        problem::NO_CONNECTION => options.retry_refused || options.retry_all,
        problem::REFUSED_BY_STATUS => options.retry_all || RETRIED.contains(&status),
        _ => options.retry_all,
    }
}

fn once(
    options: &Options,
    address: &str,
    place: &Place,
    deadline: Deadline,
    facts: &mut Facts,
) -> Result<(), Problem> {
    let mut url = parse(address)?;
    let (mut body, content_type) = body(options)?;
    if let Some(Body::Bytes(data)) = body.take_if(|_| options.data_in_query) {
        let data = String::from_utf8_lossy(&data).into_owned();
        let query = match url.query() {
            Some(query) if !query.is_empty() => format!("{query}&{data}"),
            _ => data,
        };
        url.set_query(Some(&query));
    }
    if let (Some(path), true) = (&options.upload, url.path().ends_with('/')) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Ok(joined) = url.join(name) {
            url = joined;
        }
    }
    let mut output = Output::new(
        place.clone(),
        &url,
        Folder {
            path: options.output_folder.as_deref(),
            create: options.create_folders,
        },
    )?;
    facts.file = output.name();
    if url.scheme() == "file" {
        return local(&url, &mut output, facts);
    }
    let mut method = method(options, body.is_some());
    let origin = url.origin();
    facts.redirects = 0;
    loop {
        let trusted = options.location_trusted || url.origin() == origin;
        let fields = headers::of_request(
            options,
            &url,
            body.as_ref(),
            content_type.as_deref(),
            trusted,
        )?;
        tell_request(options, &method, &url, &fields);
        facts.begin(&method, &url);
        let answer = Request {
            method: &method,
            url: &url,
            headers: &fields,
            body: body.as_ref(),
            connect_time_max: options.connect_time_max,
            deadline,
        }
        .send()?;
        facts.answered(&answer);
        tell_answer(options, &answer, &mut output)?;
        let target = redirection(&url, &answer);
        facts.redirect_url = target.clone();
        let Some(target) = target.filter(|_| options.location) else {
            return keep(options, &method, answer, &mut output, facts);
        };
        if facts.redirects == options.redirects_max {
            let count = options.redirects_max;
            return Err(Problem::new(
                problem::REDIRECTS,
                format!("Maximum ({count}) redirects followed"),
            ));
        }
        facts.redirects += 1;
        let drops_body = match answer.status {
            301 | 302 => method == "POST",
            303 => method != "HEAD",
            _ => false,
        };
        if drops_body {
            body = None;
            if options.method.is_none() {
                method = "GET".to_owned();
            }
        }
        url = target;
        supported(&url)?;
    }
}

fn parse(address: &str) -> Result<Url, Problem> {
    let malformed = |why: String| {
        Problem::new(
            problem::MALFORMED_URL,
            format!("URL rejected: {why}: {address:?}"),
        )
    };
    if address
        .chars()
        .any(|letter| letter == ' ' || letter.is_control())
    {
        return Err(malformed("Malformed input to a URL function".to_owned()));
    }
    let whole = match address.contains("://") {
        true => address.to_owned(),
        false => format!("http://{address}"),
    };
    let url = Url::parse(&whole).map_err(|error| malformed(error.to_string()))?;
    supported(&url)?;
    if url.scheme() != "file" && url.host_str().unwrap_or_default().is_empty() {
        return Err(malformed("No host part in the URL".to_owned()));
    }
    Ok(url)
}

fn supported(url: &Url) -> Result<(), Problem> {
    match url.scheme() {
        "http" | "https" | "file" => Ok(()),
        other => Err(Problem::new(
            problem::UNSUPPORTED_PROTOCOL,
            format!("Protocol \"{other}\" not supported"),
        )),
    }
}

fn body(options: &Options) -> Result<(Option<Body>, Option<String>), Problem> {
    if let Some(path) = &options.upload {
        return Ok((Some(Body::upload(path)?), None));
    }
    if !options.form.is_empty() {
        let (bytes, content_type) = data::multipart(&options.form)?;
        return Ok((Some(Body::Bytes(bytes)), Some(content_type)));
    }
    let content_type = match options.json {
        true => "application/json",
        false => "application/x-www-form-urlencoded",
    };
    let body = options.data.clone().map(Body::Bytes);
    Ok((body, Some(content_type.to_owned())))
}

fn method(options: &Options, has_body: bool) -> String {
    if let Some(method) = &options.method {
        return method.clone();
    }
    let method = match () {
        () if options.head => "HEAD",
        () if options.upload.is_some() => "PUT",
        () if has_body => "POST",
        () => "GET",
    };
    method.to_owned()
}

fn tell_request(options: &Options, method: &str, url: &Url, fields: &[(String, String)]) {
    if !options.verbose {
        return;
    }
    for name in &options.ignored {
        eprintln!("* --{name} changes nothing: the runner checks certificates");
    }
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    eprintln!("> {method} {path} HTTP/1.1");
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    eprintln!("> Host: {}{port}", url.host_str().unwrap_or_default());
    for (name, value) in fields {
        eprintln!("> {name}: {value}");
    }
    eprintln!("> ");
}

fn tell_answer(options: &Options, answer: &Answer, output: &mut Output) -> Result<(), Problem> {
    let lines = headers::shown(answer.status, &answer.headers);
    if options.verbose {
        lines.iter().for_each(|line| eprintln!("< {line}"));
        eprintln!("< ");
    }
    let head: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let head = head + "\r\n";
    if options.include || options.head {
        output.write(head.as_bytes())?;
    }
    match &options.dump_headers {
        Some(path) => output.dump(path, head.as_bytes()),
        None => Ok(()),
    }
}

fn redirection(url: &Url, answer: &Answer) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.header("location")?;
    let mut target = url.join(location).ok()?;
    if target.fragment().is_none() {
        target.set_fragment(url.fragment());
    }
    Some(target)
}

fn keep(
    options: &Options,
    method: &str,
    mut answer: Answer,
    output: &mut Output,
    facts: &mut Facts,
) -> Result<(), Problem> {
    let status = answer.status;
    let refused = status >= 400 && options.fail != Fail::Never;
    let refusal = || {
        Err(Problem::new(
            problem::REFUSED_BY_STATUS,
            format!("The requested URL returned error: {status}"),
        ))
    };
    if refused && options.fail == Fail::Quietly {
        return refusal();
    }
    if method != "HEAD" {
        let encoding = answer.header("content-encoding").map(str::to_owned);
        let encoding = encoding.filter(|_| options.compressed);
        let content = &mut answer.content;
        let copied = match encoding.as_deref() {
            Some("gzip" | "x-gzip") => copy(&mut MultiGzDecoder::new(&mut *content), output, facts),
            Some("deflate") => copy(&mut ZlibDecoder::new(&mut *content), output, facts),
            _ => copy(content, output, facts),
        };
        let decoded = encoding.is_some();
        copied.map_err(|problem| match content.problem.take() {
            Some(first) => first,
            None if decoded && problem.code == problem::RECEIVE => {
                Problem::new(problem::ENCODING, problem.text)
            }
            None => problem,
        })?;
    }
    output.end()?;
    match refused {
        true => refusal(),
        false => Ok(()),
    }
}

fn copy(from: &mut dyn Read, output: &mut Output, facts: &mut Facts) -> Result<(), Problem> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from
            .read(&mut buffer)
            .map_err(|error| Problem::new(problem::RECEIVE, error.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        facts.downloaded += read as u64;
        output.write(buffer.get(..read).unwrap_or_default())?;
    }
}

/// `file://` names a file of the workspace.
fn local(url: &Url, output: &mut Output, facts: &mut Facts) -> Result<(), Problem> {
    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy();
    let mut file = std::fs::File::open(path.as_ref()).map_err(|error| {
        let why = swarm_flow_posix::reason(&error);
        Problem::new(problem::FILE, format!("Couldn't open file {path}: {why}"))
    })?;
    copy(&mut file, output, facts)?;
    output.end()
}
