//! `grep`, `egrep` and `fgrep`, with GNU's options.

mod expression;
mod files;
mod options;
mod print;
mod search;

use options::Options;
use search::Found;
use swarm_flow_process::exit;

/// As GNU's grep exits: a line was selected, none was, something went wrong.
const SELECTED: i32 = 0;
const NONE: i32 = 1;
const TROUBLE: i32 = 2;

fn main() {
    let (name, arguments) = swarm_flow_posix::start();
    let options = match options::parse(&name, arguments) {
        Ok(Some(options)) => options,
        Ok(None) => exit(SELECTED),
        Err(error) => {
            eprintln!("grep: {error}\nUsage: grep [OPTION]... PATTERNS [FILE]...");
            exit(TROUBLE)
        }
    };
    exit(run(&options))
}

fn run(options: &Options) -> i32 {
    let expression = match expression::compile(options) {
        Ok(expression) => expression,
        Err(error) => {
            eprintln!("grep: {error}");
            return TROUBLE;
        }
    };
    let mut search = search::Search::new(options, &expression);
    let mut trouble = false;
    files::each(options, &mut |file| match file {
        Ok((label, bytes)) => match search.file(&label, &bytes) {
            Ok(Found::Enough) => false,
            Ok(Found::GoOn) => true,
            Err(error) => {
                // The reader of a pipe that left is no fault.
                if error.kind() != std::io::ErrorKind::BrokenPipe {
                    eprintln!("grep: write error: {}", swarm_flow_posix::reason(&error));
                    trouble = true;
                }
                false
            }
        },
        Err(error) => {
            trouble |= true;
            if !options.no_messages {
                eprintln!("grep: {error}");
            }
            true
        }
    });
    let flushed = search.finish();
    let selected = search.selected;
    match () {
        () if selected && options.quiet => SELECTED,
        () if trouble
            || flushed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) =>
        {
            TROUBLE
        }
        () if selected => SELECTED,
        () => NONE,
    }
}
