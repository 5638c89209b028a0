//! `wget`, as far as it is curl with other words.

use crate::options::{Fail, Options, Place};
use crate::problem::{self, Problem};
use std::time::Duration;

/// What wget calls a failure by status.
pub const REFUSED: i32 = 8;

pub fn parse(arguments: &[String]) -> Result<Options, Problem> {
    let mut options = Options {
        location: true,
        redirects_max: 20,
        fail: Fail::Quietly,
        agent: Some("Wget/1 (swarm-flow)".to_owned()),
        // wget retries; so that a failure is told soon, only what is asked for is.
        show_error: true,
        ..Options::default()
    };
    let mut place = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if !argument.starts_with('-') || argument == "-" {
            options.urls.push(argument.clone());
            continue;
        }
        let (name, mut value) = match argument.strip_prefix("--") {
            Some(long) => match long.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (long.to_owned(), None),
            },
            None => {
                let mut name = argument.get(1..2).unwrap_or_default().to_owned();
                let rest = argument.get(2..).unwrap_or_default();
                let (mut name_of_two, mut value) = (None, Some(rest.to_owned()));
                match (name.as_str(), rest) {
                    (_, "") => value = None,
                    ("n", "v" | "c" | "d") => (name_of_two, value) = (Some("nv"), None),
                    // `-qO-`, `-qO FILE`.
                    ("q", rest) => {
                        options.silent = true;
                        name = rest.get(..1).unwrap_or_default().to_owned();
                        value = rest.get(1..).filter(|v| !v.is_empty()).map(str::to_owned);
                    }
                    _ => {}
                }
                (name_of_two.map_or(name, str::to_owned), value)
            }
        };
        let mut need = || {
            let missing = || usage(format!("option {argument} requires an argument"));
            value
                .take()
                .or_else(|| rest.next().cloned())
                .ok_or_else(missing)
        };
        match name.as_str() {
            "q" | "quiet" | "nv" | "no-verbose" => options.silent = true,
            "O" | "output-document" => {
                place = Some(match need()? {
                    file if file == "-" => Place::Stdout,
                    file => Place::File(file),
                });
            }
            "P" | "directory-prefix" => {
                options.output_folder = Some(need()?);
                options.create_folders = true;
            }
            "header" => options.headers.push(need()?),
            "post-data" => options.data = Some(need()?.into_bytes()),
            "method" => options.method = Some(need()?),
            "body-data" => options.data = Some(need()?.into_bytes()),
            "user-agent" | "U" => options.agent = Some(need()?),
            "referer" => options.referer = Some(need()?),
            "T" | "timeout" => options.time_max = Some(seconds(&need()?)?),
            "t" | "tries" => {
                let tries: u32 = need()?.parse().unwrap_or(1);
                options.retries = tries.saturating_sub(1);
            }
            "max-redirect" => options.redirects_max = need()?.parse().unwrap_or(20),
            "spider" => options.head = true,
            "S" | "server-response" => options.verbose = true,
            "content-on-error" => options.fail = Fail::WithBody,
            "user" => {
                let user = need()?;
                options.user = Some(format!("{user}:"));
            }
            "password" => {
                let user = options.user.take().unwrap_or_default();
                options.user = Some(format!("{}:{}", user.trim_end_matches(':'), need()?));
            }
            "no-check-certificate"
            | "c"
            | "continue"
            | "N"
            | "timestamping"
            | "no-cache"
            | "show-progress"
            | "no-clobber"
            | "progress"
            | "4"
            | "6"
            | "" => {}
            _ => return Err(usage(format!("unrecognized option '{argument}'"))),
        }
    }
    let places = options.urls.iter().map(|url| match (&place, options.head) {
        (Some(place), _) => place.clone(),
        (None, true) => Place::Stdout,
        (None, false) => match url
            .rsplit_once("://")
            .map_or(url.as_str(), |(_, rest)| rest)
        {
            rest if !rest.contains('/') || rest.ends_with('/') => {
                Place::File("index.html".to_owned())
            }
            _ => Place::Remote,
        },
    });
    options.places = places.collect();
    Ok(options)
}

fn usage(text: String) -> Problem {
    Problem::new(problem::USAGE, text)
}

fn seconds(value: &str) -> Result<Duration, Problem> {
    let seconds = value.parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| usage(format!("invalid number of seconds: {value}")))
}
