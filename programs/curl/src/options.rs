//! What a call of curl asks for.

use crate::data::{self, Form};
use crate::problem::{self, Problem};
use std::time::Duration;

#[derive(Clone, PartialEq)]
pub enum Place {
    Stdout,
    File(String),
    /// `-O`: the last part of the URL's path.
    Remote,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Fail {
    Never,
    /// Without the body.
    Quietly,
    WithBody,
}

pub struct Options {
    pub urls: Vec<String>,
    pub places: Vec<Place>,
    pub remote_all: bool,
    pub output_folder: Option<String>,
    pub create_folders: bool,
    pub method: Option<String>,
    pub head: bool,
    pub headers: Vec<String>,
    pub data: Option<Vec<u8>>,
    /// Of the data, as their option implies it.
    pub json: bool,
    pub data_in_query: bool,
    pub form: Vec<(String, bool)>,
    pub upload: Option<String>,
    pub include: bool,
    pub dump_headers: Option<String>,
    pub verbose: bool,
    pub silent: bool,
    pub show_error: bool,
    pub fail: Fail,
    pub location: bool,
    pub location_trusted: bool,
    pub redirects_max: usize,
    pub user: Option<String>,
    pub bearer: Option<String>,
    pub agent: Option<String>,
    pub referer: Option<String>,
    pub cookies: Vec<String>,
    pub range: Option<String>,
    pub compressed: bool,
    pub connect_time_max: Option<Duration>,
    pub time_max: Option<Duration>,
    pub retries: u32,
    pub retry_delay: Option<Duration>,
    pub retry_all: bool,
    pub retry_refused: bool,
    pub write_out: Option<String>,
    /// `--resolve`, `-k` and their like: what they would change is the runner's.
    pub ignored: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            places: Vec::new(),
            remote_all: false,
            output_folder: None,
            create_folders: false,
            method: None,
            head: false,
            headers: Vec::new(),
            data: None,
            json: false,
            data_in_query: false,
            form: Vec::new(),
            upload: None,
            include: false,
            dump_headers: None,
            verbose: false,
            silent: false,
            show_error: false,
            fail: Fail::Never,
            location: false,
            location_trusted: false,
            redirects_max: 50,
            user: None,
            bearer: None,
            agent: None,
            referer: None,
            cookies: Vec::new(),
            range: None,
            compressed: false,
            connect_time_max: None,
            time_max: None,
            retries: 0,
            retry_delay: None,
            retry_all: false,
            retry_refused: false,
            write_out: None,
            ignored: Vec::new(),
        }
    }
}

/// Letter, word, whether a value follows.
const KNOWN: &[(char, &str, bool)] = &[
    ('s', "silent", false),
    ('S', "show-error", false),
    ('f', "fail", false),
    (' ', "fail-with-body", false),
    ('L', "location", false),
    (' ', "location-trusted", false),
    ('o', "output", true),
    ('O', "remote-name", false),
    (' ', "remote-name-all", false),
    (' ', "output-dir", true),
    (' ', "create-dirs", false),
    ('X', "request", true),
    ('H', "header", true),
    ('d', "data", true),
    (' ', "data-ascii", true),
    (' ', "data-raw", true),
    (' ', "data-binary", true),
    (' ', "data-urlencode", true),
    (' ', "json", true),
    ('G', "get", false),
    ('F', "form", true),
    (' ', "form-string", true),
    ('I', "head", false),
    ('i', "include", false),
    (' ', "show-headers", false),
    ('D', "dump-header", true),
    ('v', "verbose", false),
    ('w', "write-out", true),
    ('u', "user", true),
    (' ', "oauth2-bearer", true),
    (' ', "basic", false),
    ('k', "insecure", false),
    ('A', "user-agent", true),
    ('e', "referer", true),
    ('b', "cookie", true),
    ('r', "range", true),
    ('m', "max-time", true),
    (' ', "connect-timeout", true),
    (' ', "max-redirs", true),
    (' ', "retry", true),
    (' ', "retry-delay", true),
    (' ', "retry-max-time", true),
    (' ', "retry-all-errors", false),
    (' ', "retry-connrefused", false),
    ('T', "upload-file", true),
    (' ', "url", true),
    (' ', "compressed", false),
    ('V', "version", false),
    ('h', "help", false),
    // These change nothing here.
    ('N', "no-buffer", false),
    ('#', "progress-bar", false),
    (' ', "no-progress-meter", false),
    ('g', "globoff", false),
    ('q', "disable", false),
    ('4', "ipv4", false),
    ('6', "ipv6", false),
    ('0', "http1.0", false),
    (' ', "http1.1", false),
    (' ', "http2", false),
    ('1', "tlsv1", false),
    (' ', "tlsv1.2", false),
    (' ', "tlsv1.3", false),
    (' ', "tcp-nodelay", false),
    (' ', "no-keepalive", false),
    (' ', "path-as-is", false),
    (' ', "post301", false),
    (' ', "post302", false),
    (' ', "post303", false),
    (' ', "proto", true),
    (' ', "proto-redir", true),
    (' ', "ssl-reqd", false),
    (' ', "keepalive-time", true),
    (' ', "speed-limit", true),
    (' ', "speed-time", true),
    (' ', "noproxy", true),
    (' ', "cacert", true),
    (' ', "capath", true),
    (' ', "stderr", true),
];

/// What of curl a sandbox does not have.
const ABSENT: &[(char, &str)] = &[
    ('x', "proxy"),
    (' ', "socks5"),
    (' ', "unix-socket"),
    (' ', "resolve"),
    (' ', "connect-to"),
    (' ', "interface"),
    ('E', "cert"),
    (' ', "key"),
    ('c', "cookie-jar"),
    ('K', "config"),
    ('C', "continue-at"),
    ('Z', "parallel"),
    ('z', "time-cond"),
    ('J', "remote-header-name"),
    ('n', "netrc"),
    (' ', "digest"),
    (' ', "ntlm"),
    (' ', "negotiate"),
    (' ', "aws-sigv4"),
];

pub fn parse(arguments: &[String]) -> Result<Options, Problem> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    let mut only_urls = false;
    while let Some(argument) = rest.next() {
        let mut next = |name: &str| {
            let missing = || usage(format!("option {name}: requires parameter"));
            rest.next().cloned().ok_or_else(missing)
        };
        if only_urls || argument == "-" || !argument.starts_with('-') {
            options.urls.push(argument.clone());
        } else if argument == "--" {
            only_urls = true;
        } else if let Some(word) = argument.strip_prefix("--") {
            let (name, takes) = long(word)?;
            let value = match takes {
                true => next(argument)?,
                false => String::new(),
            };
            apply(&mut options, name, value)?;
        } else {
            for (at, letter) in argument.char_indices().skip(1) {
                let (name, takes) = short(letter)?;
                if !takes {
                    apply(&mut options, name, String::new())?;
                    continue;
                }
                let value = argument.get(at + letter.len_utf8()..).unwrap_or_default();
                let value = match value {
                    "" => next(&format!("-{letter}"))?,
                    value => value.to_owned(),
                };
                apply(&mut options, name, value)?;
                break;
            }
        }
    }
    Ok(options)
}

fn usage(text: String) -> Problem {
    Problem::new(problem::USAGE, text)
}

fn absent(name: &str) -> Problem {
    Problem::new(
        problem::NOT_BUILT_IN,
        format!("option {name}: it is not supported here: requests are sent by the runner"),
    )
}

fn long(word: &str) -> Result<(&'static str, bool), Problem> {
    let exact = KNOWN.iter().find(|(_, known, _)| *known == word);
    if let Some((_, name, takes)) = exact {
        return Ok((name, *takes));
    }
    if ABSENT.iter().any(|(_, known)| *known == word) {
        return Err(absent(&format!("--{word}")));
    }
    // `--no-` before a switch takes it back.
    let switch = word.strip_prefix("no-").and_then(|positive| {
        KNOWN
            .iter()
            .find(|(_, known, takes)| *known == positive && !takes)
    });
    if switch.is_some() {
        return Ok(("disable", false));
    }
    let mut begun = KNOWN.iter().filter(|(_, known, _)| known.starts_with(word));
    match (begun.next(), begun.next()) {
        (Some((_, name, takes)), None) => Ok((name, *takes)),
        (Some(_), Some(_)) => Err(usage(format!("option --{word}: is ambiguous"))),
        (None, _) => Err(usage(format!("option --{word}: is unknown"))),
    }
}

fn short(letter: char) -> Result<(&'static str, bool), Problem> {
    if let Some((_, name, takes)) = KNOWN.iter().find(|(known, ..)| *known == letter) {
        return Ok((name, *takes));
    }
    Err(match ABSENT.iter().any(|(known, _)| *known == letter) {
        true => absent(&format!("-{letter}")),
        false => usage(format!("option -{letter}: is unknown")),
    })
}

fn apply(options: &mut Options, name: &'static str, value: String) -> Result<(), Problem> {
    match name {
        "silent" => options.silent = true,
        "show-error" => options.show_error = true,
        "fail" => options.fail = Fail::Quietly,
        "fail-with-body" => options.fail = Fail::WithBody,
        "location" => options.location = true,
        "location-trusted" => (options.location, options.location_trusted) = (true, true),
        "output" if value == "-" => options.places.push(Place::Stdout),
        "output" => options.places.push(Place::File(value)),
        "remote-name" => options.places.push(Place::Remote),
        "remote-name-all" => options.remote_all = true,
        "output-dir" => options.output_folder = Some(value),
        "create-dirs" => options.create_folders = true,
        "request" => options.method = Some(value),
        "header" => match value.strip_prefix('@') {
            Some(path) => {
                let text = data::read(path)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                options.headers.extend(lines.map(str::to_owned));
            }
            None => options.headers.push(value),
        },
        "data" | "data-ascii" => data::add(&mut options.data, Form::Ascii, &value)?,
        "data-raw" => data::add(&mut options.data, Form::Raw, &value)?,
        "data-binary" => data::add(&mut options.data, Form::Binary, &value)?,
        "data-urlencode" => data::add(&mut options.data, Form::Encoded, &value)?,
        "json" => {
            options.json = true;
            data::add(&mut options.data, Form::Json, &value)?;
        }
        "get" => options.data_in_query = true,
        "form" => options.form.push((value, false)),
        "form-string" => options.form.push((value, true)),
        "head" => options.head = true,
        "include" | "show-headers" => options.include = true,
        "dump-header" => options.dump_headers = Some(value),
        "verbose" => options.verbose = true,
        "write-out" => {
            options.write_out = Some(match value.strip_prefix('@') {
                Some(path) => String::from_utf8_lossy(&data::read(path)?).into_owned(),
                None => value,
            });
        }
        "user" => options.user = Some(value),
        "oauth2-bearer" => options.bearer = Some(value),
        "user-agent" => options.agent = Some(value),
        "referer" => options.referer = Some(value),
        "cookie" => options.cookies.push(value),
        "range" => options.range = Some(value),
        "max-time" => options.time_max = Some(seconds(name, &value)?),
        "connect-timeout" => options.connect_time_max = Some(seconds(name, &value)?),
        "max-redirs" => {
            options.redirects_max = match value.as_str() {
                "-1" => usize::MAX,
                value => number(name, value)?,
            }
        }
        "retry" => options.retries = number(name, &value)?,
        "retry-delay" => options.retry_delay = Some(seconds(name, &value)?),
        "retry-all-errors" => options.retry_all = true,
        "retry-connrefused" => options.retry_refused = true,
        "upload-file" => options.upload = Some(value),
        "url" => options.urls.push(value),
        "compressed" => options.compressed = true,
        "insecure" | "cacert" | "capath" => options.ignored.push(name),
        "version" => {
            println!("{}", crate::VERSION);
            swarm_flow_process::exit(0);
        }
        "help" => {
            println!("{}", crate::HELP);
            swarm_flow_process::exit(0);
        }
        _ => {}
    }
    Ok(())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Problem> {
    value.parse().map_err(|_| {
        usage(format!(
            "option --{name}: expected a proper numerical parameter"
        ))
    })
}

fn seconds(name: &str, value: &str) -> Result<Duration, Problem> {
    let seconds: f64 = number(name, value)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        usage(format!(
            "option --{name}: expected a proper numerical parameter"
        ))
    })
}
