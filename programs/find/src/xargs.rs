//! `xargs`: arguments from standard input.

use crate::run;
use std::io::Read;

struct Options {
    command: Vec<String>,
    delimiter: Option<u8>,
    /// `-I`: one command for each line, which stands wherever this text does.
    replace: Option<String>,
    arguments_max: usize,
    lines_max: Option<usize>,
    bytes_max: usize,
    no_run_if_empty: bool,
    trace: bool,
    end: Option<String>,
    file: Option<String>,
}

/// What a program may be started with, less a little for its own variables.
const BYTES_MAX: usize = 128 << 10;
const ARGUMENTS_MAX: usize = 2_000;

pub fn main(arguments: &[String]) -> i32 {
    let options = match parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    let input = match read(&options) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    let items = match split(&options, &input) {
        Ok(items) => items,
        Err(error) => {
            eprintln!("xargs: {error}");
            return 1;
        }
    };
    run_all(&options, items)
}

fn run_all(options: &Options, items: Vec<Vec<String>>) -> i32 {
    let mut code = 0;
    if let Some(marker) = &options.replace {
        for item in items.into_iter().flatten() {
            let argv = options
                .command
                .iter()
                .map(|argument| argument.replace(marker, &item));
            if let Some(end) = start(options, argv.collect(), &mut code) {
                return end;
            }
        }
        return code;
    }
    let mut batches = batches(options, items);
    if batches.is_empty() && !options.no_run_if_empty {
        batches.push(Vec::new());
    }
    for batch in batches {
        let argv = options.command.iter().cloned().chain(batch);
        if let Some(end) = start(options, argv.collect(), &mut code) {
            return end;
        }
    }
    code
}

/// Runs one; a code if nothing more is to run.
fn start(options: &Options, argv: Vec<String>, code: &mut i32) -> Option<i32> {
    if options.trace {
        eprintln!("{}", argv.join(" "));
    }
    match run::start("xargs", argv, None) {
        0 => None,
        127 => Some(127),
        126 => Some(126),
        255 => Some(124),
        _ => {
            *code = 123;
            None
        }
    }
}

fn batches(options: &Options, lines: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let fixed: usize = options
        .command
        .iter()
        .map(|argument| argument.len() + 1)
        .sum();
    let mut batches = Vec::new();
    let mut batch: Vec<String> = Vec::new();
    let (mut bytes, mut count) = (fixed, 0);
    for line in lines {
        for item in line {
            let full =
                batch.len() >= options.arguments_max || bytes + item.len() + 1 > options.bytes_max;
            if full && !batch.is_empty() {
                batches.push(std::mem::take(&mut batch));
                (bytes, count) = (fixed, 0);
            }
            bytes += item.len() + 1;
            batch.push(item);
        }
        count += 1;
        if options.lines_max.is_some_and(|most| count >= most) {
            batches.push(std::mem::take(&mut batch));
            (bytes, count) = (fixed, 0);
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn read(options: &Options) -> Result<Vec<u8>, String> {
    let mut input = Vec::new();
    let read = match &options.file {
        Some(path) => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut input)),
        None => std::io::stdin().lock().read_to_end(&mut input),
    };
    let name = options.file.as_deref().unwrap_or("standard input");
    read.map_err(|error| format!("{name}: {}", swarm_flow_posix::reason(&error)))?;
    Ok(input)
}

/// Lines of items. With a delimiter, or `-I`, each item is a line.
fn split(options: &Options, input: &[u8]) -> Result<Vec<Vec<String>>, String> {
    if let Some(delimiter) = options.delimiter {
        let input = input.strip_suffix(&[delimiter]).unwrap_or(input);
        if input.is_empty() {
            return Ok(Vec::new());
        }
        let items = input.split(|byte| *byte == delimiter);
        return Ok(items
            .map(|item| vec![String::from_utf8_lossy(item).into_owned()])
            .collect());
    }
    let text = String::from_utf8_lossy(input);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let words = match &options.replace {
            Some(_) => one(line)?.into_iter().collect(),
            None => words(line)?,
        };
        if let (Some(end), Some(at)) = (
            &options.end,
            words
                .iter()
                .position(|word| Some(word) == options.end.as_ref()),
        ) {
            let _ = end;
            lines.push(words.into_iter().take(at).collect());
            break;
        }
        if !words.is_empty() {
            lines.push(words);
        }
    }
    Ok(lines)
}

/// A whole line, without the blanks before it; quotes are taken off.
fn one(line: &str) -> Result<Option<String>, String> {
    let line = line.trim_start();
    if line.is_empty() {
        return Ok(None);
    }
    scan(line, false).map(|words| words.into_iter().next())
}

fn words(line: &str) -> Result<Vec<String>, String> {
    scan(line, true)
}

fn scan(line: &str, blanks: bool) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' | '\r' if blanks => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(rest.next()),
            '\'' | '"' => {
                let inside: String = rest
                    .by_ref()
                    .take_while(|next| *next != character)
                    .collect();
                let closed =
                    line.matches(character).count() % 2 == 0 || rest.as_str().contains(character);
                if !closed && rest.as_str().is_empty() && !line.ends_with(character) {
                    let kind = if character == '"' { "double" } else { "single" };
                    return Err(format!(
                        "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                    ));
                }
                word.get_or_insert_default().push_str(&inside);
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        command: Vec::new(),
        delimiter: None,
        replace: None,
        arguments_max: ARGUMENTS_MAX,
        lines_max: None,
        bytes_max: BYTES_MAX,
        no_run_if_empty: false,
        trace: false,
        end: None,
        file: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            break;
        }
        if !argument.starts_with('-') || argument.len() < 2 {
            options.command.push(argument.clone());
            break;
        }
        match argument.strip_prefix("--") {
            Some(long) => long_option(&mut options, long, &mut rest)?,
            None => short_options(&mut options, argument, &mut rest)?,
        }
    }
    options.command.extend(rest.cloned());
    if options.command.is_empty() {
        options.command.push("echo".to_owned());
    }
    Ok(options)
}

type Rest<'a> = std::slice::Iter<'a, String>;

fn short_options(options: &mut Options, argument: &str, rest: &mut Rest<'_>) -> Result<(), String> {
    let mut letters = argument.chars();
    letters.next();
    while let Some(letter) = letters.next() {
        let attached = letters.as_str();
        match letter {
            '0' => options.delimiter = Some(0),
            'r' => options.no_run_if_empty = true,
            't' => options.trace = true,
            // Nobody is there to ask, and an exceeded length is no fault here.
            'x' | 'o' => {}
            'i' | 'e' | 'l' => {
                let value = (!attached.is_empty()).then(|| attached.to_owned());
                optional(options, letter, value)?;
                return Ok(());
            }
            'd' | 'I' | 'n' | 'L' | 's' | 'P' | 'E' | 'a' => {
                let mut next = || {
                    rest.next()
                        .cloned()
                        .ok_or_else(|| format!("option requires an argument -- '{letter}'"))
                };
                let value = match attached.is_empty() {
                    true => next()?,
                    false => attached.to_owned(),
                };
                return valued(options, letter, &value);
            }
            _ => return Err(format!("invalid option -- '{letter}'")),
        }
    }
    Ok(())
}

fn long_option(options: &mut Options, long: &str, rest: &mut Rest<'_>) -> Result<(), String> {
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (long, None),
    };
    let letter = match name {
        "null" => return short_options(options, "-0", rest),
        "no-run-if-empty" => return short_options(options, "-r", rest),
        "verbose" => return short_options(options, "-t", rest),
        "exit" | "open-tty" => return Ok(()),
        "replace" => return optional(options, 'i', value),
        "delimiter" => 'd',
        "max-args" => 'n',
        "max-lines" => 'L',
        "max-chars" => 's',
        "max-procs" => 'P',
        "eof" => 'E',
        "arg-file" => 'a',
        _ => return Err(format!("unrecognized option '--{name}'")),
    };
    let value = match value {
        Some(value) => value,
        None => rest
            .next()
            .cloned()
            .ok_or_else(|| format!("option '--{name}' requires an argument"))?,
    };
    valued(options, letter, &value)
}

fn optional(options: &mut Options, letter: char, value: Option<String>) -> Result<(), String> {
    match letter {
        'i' => options.replace = Some(value.unwrap_or_else(|| "{}".to_owned())),
        'l' => options.lines_max = Some(value.map_or(Ok(1), |value| positive('l', &value))?),
        _ => options.end = value,
    }
    Ok(())
}

fn valued(options: &mut Options, letter: char, value: &str) -> Result<(), String> {
    match letter {
        'd' => options.delimiter = Some(delimiter(value)?),
        'I' => options.replace = Some(value.to_owned()),
        'n' => options.arguments_max = positive(letter, value)?,
        'L' => options.lines_max = Some(positive(letter, value)?),
        's' => options.bytes_max = positive(letter, value)?.min(BYTES_MAX),
        'E' => options.end = Some(value.to_owned()),
        'a' => options.file = Some(value.to_owned()),
        // One at a time: what is printed stays in order.
        _ => drop(
            value
                .parse::<usize>()
                .map_err(|_| format!("invalid number \"{value}\" for -P option"))?,
        ),
    }
    Ok(())
}

fn positive(letter: char, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("invalid number \"{value}\" for -{letter} option")),
    }
}

fn delimiter(value: &str) -> Result<u8, String> {
    match value.as_bytes() {
        [one] => Ok(*one),
        b"\\n" => Ok(b'\n'),
        b"\\t" => Ok(b'\t'),
        b"\\0" => Ok(0),
        b"\\\\" => Ok(b'\\'),
        _ => Err(format!(
            "Invalid input delimiter specification {value}: the delimiter must be either a single character or an escape sequence starting with \\."
        )),
    }
}
