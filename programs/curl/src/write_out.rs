//! `-w`: what is known of a transfer when it is over.

use crate::exchange::Answer;
use crate::problem::Problem;
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

pub struct Facts {
    pub address: String,
    pub url: String,
    pub scheme: String,
    pub method: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub downloaded: u64,
    pub redirects: usize,
    pub redirect_url: Option<Url>,
    pub file: String,
    pub total: Duration,
}

impl Facts {
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            url: address.to_owned(),
            scheme: String::new(),
            method: String::new(),
            status: 0,
            headers: Vec::new(),
            downloaded: 0,
            redirects: 0,
            redirect_url: None,
            file: String::new(),
            total: Duration::ZERO,
        }
    }

    pub fn begin(&mut self, method: &str, url: &Url) {
        self.method = method.to_owned();
        self.scheme = url.scheme().to_owned();
        self.url = url.to_string();
        self.status = 0;
        self.downloaded = 0;
    }

    pub fn answered(&mut self, answer: &Answer) {
        self.status = answer.status;
        self.headers.clone_from(&answer.headers);
    }

    fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    fn value(&self, name: &str, problem: Option<&Problem>) -> Option<Value> {
        let seconds = self.total.as_secs_f64();
        Some(match name {
            "http_code" | "response_code" => json!(self.status),
            "http_version" => json!("1.1"),
            "content_type" => json!(self.header("content-type")),
            "method" => json!(self.method),
            "scheme" => json!(self.scheme),
            "url" => json!(self.address),
            "url_effective" => json!(self.url),
            "num_redirects" => json!(self.redirects),
            "num_headers" => json!(self.headers.len()),
            "redirect_url" => {
                json!(self.redirect_url.as_ref().map_or("", |url| url.as_str()))
            }
            "size_download" => json!(self.downloaded),
            "speed_download" => json!((self.downloaded as f64 / seconds.max(1e-6)) as u64),
            "filename_effective" => json!(self.file),
            "time_total" | "time_starttransfer" | "time_pretransfer" | "time_connect"
            | "time_namelookup" | "time_appconnect" | "time_redirect" => json!(seconds),
            "exitcode" => json!(problem.map_or(0, |problem| problem.code)),
            "errormsg" => json!(problem.map_or("", |problem| problem.text.as_str())),
            "size_upload" | "size_header" | "size_request" | "ssl_verify_result" => json!(0),
            _ => return None,
        })
    }

    /// Each piece of the text, and whether it goes to the error output.
    pub fn formatted(&self, format: &str, problem: Option<&Problem>) -> Vec<(String, bool)> {
        let mut pieces = Vec::new();
        let (mut text, mut to_error) = (String::new(), false);
        let mut rest = format;
        while let Some(letter) = rest.chars().next() {
            if let Some((name, after)) = rest
                .strip_prefix("%{")
                .and_then(|named| named.split_once('}'))
            {
                rest = after;
                match name {
                    "stdout" | "stderr" => {
                        pieces.push((std::mem::take(&mut text), to_error));
                        to_error = name == "stderr";
                    }
                    "onerror" if problem.is_none() => break,
                    "onerror" => {}
                    "json" => text.push_str(&self.json(problem)),
                    "header_json" => text.push_str(&self.header_json()),
                    "http_code" | "response_code" => {
                        text.push_str(&format!("{:03}", self.status));
                    }
                    other => text.push_str(&self.plain(other, problem)),
                }
                continue;
            }
            let two = rest.get(..2);
            let (shown, length) = match (letter, two) {
                ('\\', Some("\\n")) => ('\n', 2),
                ('\\', Some("\\r")) => ('\r', 2),
                ('\\', Some("\\t")) => ('\t', 2),
                ('\\', Some("\\\\")) => ('\\', 2),
                ('%', Some("%%")) => ('%', 2),
                (letter, _) => (letter, letter.len_utf8()),
            };
            text.push(shown);
            rest = rest.get(length..).unwrap_or_default();
        }
        pieces.push((text, to_error));
        pieces
    }

    fn plain(&self, name: &str, problem: Option<&Problem>) -> String {
        match self.value(name, problem) {
            Some(Value::String(text)) => text,
            Some(value) if name.starts_with("time_") => {
                format!("{:.6}", value.as_f64().unwrap_or_default())
            }
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    fn json(&self, problem: Option<&Problem>) -> String {
        const ALL: [&str; 14] = [
            "content_type",
            "errormsg",
            "exitcode",
            "filename_effective",
            "http_code",
            "http_version",
            "method",
            "num_headers",
            "num_redirects",
            "redirect_url",
            "scheme",
            "size_download",
            "time_total",
            "url_effective",
        ];
        let values = ALL
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.value(name, problem)?)));
        Value::Object(values.collect()).to_string()
    }

    fn header_json(&self) -> String {
        let mut all: Map<String, Value> = Map::new();
        for (name, value) in &self.headers {
            let known = all.entry(name.clone()).or_insert_with(|| json!([]));
            if let Value::Array(values) = known {
                values.push(json!(value));
            }
        }
        Value::Object(all).to_string()
    }
}
