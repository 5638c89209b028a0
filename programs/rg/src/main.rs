//! `rg`: ripgrep's searcher, printers and rules for ignored files, in one thread.

mod files;
mod options;
mod perl;
mod search;

use options::{Mode, Options};
use search::{Outcome, Search};
use std::io::{self, BufWriter, Read};
use std::path::PathBuf;
use termcolor::{Ansi, NoColor, WriteColor};

const MATCHED: i32 = 0;
const NOT_MATCHED: i32 = 1;
const FAILED: i32 = 2;

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let code = match options::parse(arguments).and_then(|options| run(&options)) {
        Ok(outcome) => match outcome {
            Outcome { failed: true, .. } => FAILED,
            Outcome { matched: true, .. } => MATCHED,
            _ => NOT_MATCHED,
        },
        Err(error) => {
            eprintln!("rg: {error}");
            FAILED
        }
    };
    swarm_flow_process::exit(code)
}

fn run(options: &Options) -> Result<Outcome, String> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    let outcome = match options.color {
        true => with(options, Ansi::new(&mut out)),
        false => with(options, NoColor::new(&mut out)),
    };
    search::flush(&mut out);
    outcome.map(|outcome| match (options.mode, outcome.matched) {
        // Something was found, whatever else went wrong.
        (Mode::Quiet, true) => Outcome {
            matched: true,
            failed: false,
        },
        _ => outcome,
    })
}

fn with<W: WriteColor>(options: &Options, mut out: W) -> Result<Outcome, String> {
    let implied = options.paths.is_empty();
    let here = [PathBuf::from("./")];
    let paths = match implied {
        true => &here[..],
        false => options.paths.as_slice(),
    };
    match options.mode {
        Mode::Types => {
            let types = files::types(options).map_err(|error| error.to_string())?;
            for definition in types.definitions() {
                let line = format!("{}: {}\n", definition.name(), definition.globs().join(", "));
                if out.write_all(line.as_bytes()).is_err() {
                    break;
                }
            }
            Ok(Outcome {
                matched: true,
                failed: false,
            })
        }
        Mode::Files => Ok(search::list(options, paths, implied, out)),
        _ => {
            let names = match (options.names, paths) {
                (Some(names), _) => names,
                (None, [path]) => path.is_dir(),
                (None, _) => true,
            };
            let head = match implied {
                true => head(),
                false => Vec::new(),
            };
            // Without a path it is what comes in that is searched, if anything does.
            let stdin = implied && !head.is_empty();
            let names = names && !stdin || options.names == Some(true);
            if options.perl {
                let search = Search::new(options, search::perl(options)?, out, names);
                return Ok(match stdin {
                    true => search.stdin(&head),
                    false => search.files(paths, implied),
                });
            }
            let search = Search::new(options, search::regex(options)?, out, names);
            Ok(match stdin {
                true => search.stdin(&head),
                false => search.files(paths, implied),
            })
        }
    }
}

/// The first that comes on standard input: a program cannot ask whether it is a pipe.
fn head() -> Vec<u8> {
    let mut head = vec![0; 64 << 10];
    let read = io::stdin().read(&mut head).unwrap_or(0);
    head.truncate(read);
    head
}
