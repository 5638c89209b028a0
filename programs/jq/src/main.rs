//! `jq`: jaq's language behind jq's command line.

mod arithmetic;
mod change;
mod events;
mod filter;
mod literal;
mod messages;
mod natives;
mod number;
mod options;
mod output;
mod place;
mod read;
mod regex;
mod value;
mod write;

use filter::{Data, Kind};
use jaq_core::{Ctx, Vars};
use jaq_json::Val;
use jaq_std::input::RcIter;
use options::Options;
use output::Output;
use place::{Place, STDIN, Source};
use read::Reader;
use std::cell::Cell;
use std::io::Read;
use swarm_flow_process::exit;
use value::Value;

/// As jq exits.
const SYSTEM: i32 = 2;
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
            exit(SYSTEM)
        }
    };
    exit(run(&options))
}

fn run(options: &Options) -> i32 {
    let (names, values): (Vec<String>, Vec<Val>) = options.variables.iter().cloned().unzip();
    let filter = match filter::compile(&options.filter, &names, &options.libraries) {
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
    let source = contents(options, &trouble);
    let place = Place::new(&source);
    let inputs: Box<dyn Iterator<Item = Result<Value, String>> + '_> =
        inputs(options, &source, &place);
    let inputs = RcIter::new(inputs);
    let data = Data {
        lut: &filter.lut,
        inputs: &inputs,
        place: &place,
    };
    let vars = Vars::new(values.into_iter().map(Value));
    let mut output = Output::new(options);
    let mut code = 0;
    let nothing = options.null_input.then(|| Ok(Value::default()));
    let mut all = nothing
        .into_iter()
        .chain((&inputs).take_while(|_| !options.null_input));
    for input in all.by_ref() {
        let input = match input {
            Ok(input) => input,
            Err(error) => {
                let _ = output.flush();
                eprintln!("jq: parse error: {error}");
                code = FAILED;
                break;
            }
        };
        let context = Ctx::<Kind>::new(&data, vars.clone());
        for result in filter.id.run((context, input)) {
            match result {
                Ok(value) => {
                    if output.value(&value.0).is_err() {
                        return 0;
                    }
                }
                Err(exception) => {
                    let _ = output.flush();
                    match exception.get_halt() {
                        Ok(code) => return code,
                        Err(exception) => match exception.get_err() {
                            Ok(error) => tell(&place, error.into_val()),
                            Err(_) => eprintln!("jq: error (at {}): break", place.shown()),
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
        () if trouble.get() => SYSTEM,
        () if options.exit_status => output.status().unwrap_or(NO_OUTPUT),
        () => 0,
    }
}

fn tell(place: &Place<'_>, error: Value) {
    let at = place.shown();
    match error.text() {
        Some(text) => eprintln!("jq: error (at {at}): {text}"),
        None => eprintln!("jq: error (at {at}) (not a string): {error}"),
    }
}

fn contents(options: &Options, trouble: &Cell<bool>) -> Source {
    let mut source = Source::default();
    if options.files.is_empty() {
        source.files.push((0, STDIN.to_owned()));
        // `-n` leaves the input to `input` and `inputs`, which few filters use: it may be one that never ends.
        if options.null_input && !options.filter.contains("input") {
            return source;
        }
        if let Err(error) = std::io::stdin().lock().read_to_end(&mut source.bytes) {
            eprintln!(
                "jq: error: Could not read the input: {}",
                swarm_flow_posix::reason(&error)
            );
            trouble.set(true);
        }
        return source;
    }
    for file in &options.files {
        let standard = file == "-";
        let read = match standard {
            true => {
                let mut bytes = Vec::new();
                let read = std::io::stdin().lock().read_to_end(&mut bytes);
                read.map(|_| bytes)
            }
            false => std::fs::read(file),
        };
        match read {
            Ok(read) => {
                let name = if standard { STDIN } else { file };
                source.files.push((source.bytes.len(), name.to_owned()));
                source.bytes.extend(read);
                if !options.raw_input && !source.bytes.ends_with(b"\n") {
                    source.bytes.push(b'\n');
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
    source
}

fn inputs<'a>(
    options: &Options,
    source: &'a Source,
    place: &'a Place<'a>,
) -> Box<dyn Iterator<Item = Result<Value, String>> + 'a> {
    let bytes = &source.bytes;
    if options.raw_input {
        let mut rest: &[u8] = bytes;
        if options.slurp {
            place.read.set(Some(bytes.len()));
            let text = String::from_utf8_lossy(bytes).into_owned();
            return Box::new(std::iter::once(Ok(Value::from(text))));
        }
        return Box::new(std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind.get(1..).unwrap_or_default();
            place.read.set(Some(bytes.len() - rest.len()));
            Some(Ok(Value::from(String::from_utf8_lossy(line).into_owned())))
        }));
    }
    let mut reader = Reader::new(bytes);
    let mut failed = false;
    let values = std::iter::from_fn(move || {
        // Behind what is no JSON nothing can be read.
        if failed {
            return None;
        }
        let value = reader.next();
        place.read.set(Some(reader.offset()));
        failed = matches!(value, Some(Err(_)));
        value
    });
    if options.stream {
        let events = values.flat_map(|value| match value {
            Ok(value) => events::of(value),
            Err(error) => vec![Err(error)],
        });
        return Box::new(events);
    }
    if options.slurp {
        let all: Result<Vec<Val>, String> = values.collect();
        let all = all.map(|all| Value(all.into_iter().collect()));
        return Box::new(std::iter::once(all));
    }
    Box::new(values.map(|value| value.map(Value)))
}
