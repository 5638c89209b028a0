//! `curl` over `wasi:http`: the runner decides about each request by the workspace's policy, and sends it.
//!
//! Names, connections and TLS are the runner's, so what curl offers for them is not here: proxies, client certificates,
//! other protocols.

mod bindings;
mod data;
mod exchange;
mod headers;
mod options;
mod output;
mod problem;
mod transfer;
mod wait;
mod wget;
mod write_out;

use options::{Options, Place};
use problem::Problem;
use std::io::Write;

const AGENT: &str = concat!("curl/8 (swarm-flow ", env!("CARGO_PKG_VERSION"), ")");
const VERSION: &str = concat!(
    "curl 8 (swarm-flow ",
    env!("CARGO_PKG_VERSION"),
    ", over wasi:http)\nProtocols: file http https"
);
const HELP: &str = "Usage: curl [options...] <url>
 -s, --silent               Say nothing of failures; with -S do
 -f, --fail                 Fail on a status of 400 and more (22)
 -L, --location             Follow redirects
 -o, --output <file>        Write to a file
 -O, --remote-name          Write to a file named like the remote one
 -X, --request <method>     GET, POST, …
 -H, --header <line>        Send this header
 -d, --data <text|@file>    Send this by POST; --data-raw, --data-binary, --data-urlencode, --json
 -F, --form <name=value>    Send multipart/form-data; name=@file
 -T, --upload-file <file>   Send a file by PUT
 -G, --get                  Put the data into the query
 -I, --head                 Ask for the header only
 -i, --include              Show the header too
 -v, --verbose              Show what is sent and what comes
 -w, --write-out <format>   %{http_code}, %{json}, …
 -u, --user <name:password>
 -m, --max-time <seconds>   --connect-timeout, --retry, --compressed";

fn main() {
    let (name, arguments) = swarm_flow_posix::start();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let wget = name == "wget";
    let parsed = match wget {
        true => wget::parse(&arguments),
        false => options::parse(&arguments),
    };
    let code = match parsed {
        Ok(options) if options.urls.is_empty() => {
            eprintln!(
                "{name}: (2) no URL specified\n{name}: try '{name} --help' for more information"
            );
            2
        }
        Ok(options) => run(&name, &options),
        Err(problem) => {
            eprintln!("{name}: {}", problem.text);
            problem.code
        }
    };
    swarm_flow_process::exit(match (wget, code) {
        (true, problem::REFUSED_BY_STATUS) => wget::REFUSED,
        (true, problem::NO_CONNECTION | problem::NO_ADDRESS) => 4,
        _ => code,
    })
}

/// The number of the last failure.
fn run(name: &str, options: &Options) -> i32 {
    let mut code = 0;
    for (index, url) in options.urls.iter().enumerate() {
        let place = match options.places.get(index) {
            Some(place) => place.clone(),
            None if options.remote_all => Place::Remote,
            None => Place::Stdout,
        };
        let (facts, result) = transfer::run(options, url, &place);
        let problem = result.err();
        if let Some(Problem { code: number, text }) = &problem {
            code = *number;
            if !options.silent || options.show_error {
                eprintln!("{name}: ({number}) {text}");
            }
        }
        if let Some(format) = &options.write_out {
            for (text, to_error) in facts.formatted(format, problem.as_ref()) {
                match to_error {
                    true => eprint!("{text}"),
                    // Its reader may have left.
                    false => _ = std::io::stdout().write_all(text.as_bytes()),
                }
            }
        }
    }
    // As above.
    _ = std::io::stdout().flush();
    code
}
