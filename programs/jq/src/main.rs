//! `jq`: jaq's language behind jq's command line.

mod filter;
mod messages;
mod options;
mod output;

use filter::{Data, Kind};
use jaq_core::{Ctx, Vars};
use jaq_json::{Val, read};
use jaq_std::input::RcIter;
use options::Options;
use output::Output;
use std::cell::Cell;
use std::io::Read;
use swarm_flow_process::exit;

/// As jq exits.
const INPUT: i32 = 2;
const COMPILE: i32 = 3;
const NO_OUTPUT: i32 = 4;
const FAILED: i32 = 5;

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    messages::install();
    let arguments = arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned());
    let options = match options::parse(arguments.collect()) {
        Ok(Some(options)) => options,
        Ok(None) => exit(0),
        Err(error) => {
            eprintln!("jq: error: {error}\nUse jq --help for help with command-line options.");
            exit(INPUT)
        }
    };
    exit(run(&options))
}

fn run(options: &Options) -> i32 {
    let (names, values): (Vec<String>, Vec<Val>) = options.variables.iter().cloned().unzip();
    let filter = match filter::compile(&options.filter, &names) {
        Ok(filter) => filter,
        Err(errors) => {
            errors
                .iter()
                .for_each(|error| eprintln!("jq: error: {error}"));
            let plural = if errors.len() == 1 { "error" } else { "errors" };
            eprintln!("jq: {} compile {plural}", errors.len());
            return COMPILE;
        }
    };
    // What could not be read is told behind what could.
    let trouble = Cell::new(false);
    let bytes = contents(options, &trouble);
    let inputs: Box<dyn Iterator<Item = Result<Val, String>> + '_> = inputs(options, &bytes);
    let inputs = RcIter::new(inputs);
    let data = Data {
        lut: &filter.lut,
        inputs: &inputs,
    };
    let vars = Vars::new(values);
    let mut output = Output::new(options);
    let mut code = 0;
    let nothing = options.null_input.then_some(Ok(Val::Null));
    let mut all = nothing
        .into_iter()
        .chain((&inputs).take_while(|_| !options.null_input));
    for input in all.by_ref() {
        let input = match input {
            Ok(input) => input,
            Err(error) => {
                let _ = output.flush();
                eprintln!("jq: error (at <input>): {error}");
                code = INPUT;
                break;
            }
        };
        let context = Ctx::<Kind>::new(&data, vars.clone());
        for result in filter.id.run((context, input)) {
            match result {
                Ok(value) => {
                    if output.value(&value).is_err() {
                        return 0;
                    }
                }
                Err(exception) => {
                    let _ = output.flush();
                    match exception.get_halt() {
                        Ok(code) => return code,
                        Err(exception) => match exception.get_err() {
                            Ok(error) => eprintln!("jq: error (at <input>): {error}"),
                            Err(_) => eprintln!("jq: error (at <input>): break"),
                        },
                    }
                    code = FAILED;
                    break;
                }
            }
        }
    }
    drop(all);
    if output.flush().is_err() {
        return 0;
    }
    match () {
        () if code != 0 => code,
        () if trouble.get() => INPUT,
        () if options.exit_status => output.status().unwrap_or(NO_OUTPUT),
        () => 0,
    }
}

/// All inputs, one behind the other.
fn contents(options: &Options, trouble: &Cell<bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if options.files.is_empty() {
        // `-n` leaves the input to `input` and `inputs`, which few filters use: it may be one that never ends.
        if options.null_input && !options.filter.contains("input") {
            return bytes;
        }
        if let Err(error) = std::io::stdin().lock().read_to_end(&mut bytes) {
            eprintln!(
                "jq: error: Could not read the input: {}",
                swarm_flow_posix::reason(&error)
            );
            trouble.set(true);
        }
        return bytes;
    }
    for file in &options.files {
        match std::fs::read(file) {
            Ok(read) => {
                bytes.extend(read);
                if !options.raw_input {
                    bytes.push(b'\n');
                }
            }
            Err(error) => {
                eprintln!(
                    "jq: error: Could not open {file}: {}",
                    swarm_flow_posix::reason(&error)
                );
                trouble.set(true);
            }
        }
    }
    bytes
}

fn inputs<'a>(
    options: &Options,
    bytes: &'a [u8],
) -> Box<dyn Iterator<Item = Result<Val, String>> + 'a> {
    if options.raw_input {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if options.slurp {
            return Box::new(std::iter::once(Ok(Val::from(text))));
        }
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        return Box::new(lines.into_iter().map(|line| Ok(Val::from(line))));
    }
    let mut failed = false;
    let values = read::parse_many(bytes).map(|value| value.map_err(|error| error.to_string()));
    // Behind what is no JSON nothing can be read.
    let values = values.take_while(move |value| !std::mem::replace(&mut failed, value.is_err()));
    if options.slurp {
        let all: Result<Vec<Val>, String> = values.collect();
        return Box::new(std::iter::once(all.map(|all| all.into_iter().collect())));
    }
    Box::new(values)
}
