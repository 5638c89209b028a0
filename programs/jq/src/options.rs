//! The command line.

use crate::read::{self, Reader};
use jaq_json::{Map, Val};
use std::path::PathBuf;
use swarm_flow_posix::reason;

pub struct Options {
    pub filter: String,
    pub files: Vec<String>,
    /// With their `$`.
    pub variables: Vec<(String, Val)>,
    pub null_input: bool,
    pub raw_input: bool,
    pub slurp: bool,
    pub raw_output: bool,
    pub join: bool,
    /// A zero byte behind each output.
    pub raw_output0: bool,
    pub compact: bool,
    pub ascii: bool,
    pub sort_keys: bool,
    pub exit_status: bool,
    pub color: bool,
    pub sequence: bool,
    pub stream: bool,
    pub libraries: Vec<PathBuf>,
    pub indent: String,
}

/// None if help or the version was asked for.
pub fn parse(arguments: Vec<String>) -> Result<Option<Options>, String> {
    let mut given = Given::default();
    let mut rest = arguments.into_iter();
    let mut options_end = false;
    while let Some(argument) = rest.next() {
        if options_end || !argument.starts_with('-') || argument == "-" {
            given.free(argument);
        } else if argument == "--" {
            options_end = true;
        } else if let Some(long) = argument.strip_prefix("--") {
            if long == "help" || long == "version" {
                print_about(long);
                return Ok(None);
            }
            given.long(long, &mut rest)?;
        } else {
            for letter in argument.chars().skip(1) {
                if letter == 'h' || letter == 'V' {
                    print_about(if letter == 'h' { "help" } else { "version" });
                    return Ok(None);
                }
                given.short(letter, &mut rest)?;
            }
        }
    }
    given.finish().map(Some)
}

fn print_about(what: &str) {
    match what {
        "version" => println!("jq-1.7 (jaq, Swarm Flow {})", env!("CARGO_PKG_VERSION")),
        _ => println!(
            "Usage:\tjq [OPTIONS] FILTER [FILES...]\n\tjq [OPTIONS] -f FILE [FILES...]\n\tjq [OPTIONS] --args FILTER [ARGUMENTS...]\nThe options are those of jq."
        ),
    }
}

/// What the arguments that are not options are.
#[derive(Default, Clone, Copy)]
enum Positional {
    #[default]
    Files,
    Text,
    Json,
}

#[derive(Default)]
struct Given {
    filter: Option<String>,
    filter_file: Option<String>,
    files: Vec<String>,
    named: Vec<(String, Val)>,
    positional: Vec<Val>,
    kind: Positional,
    broken: Option<String>,
    null_input: bool,
    raw_input: bool,
    slurp: bool,
    raw_output: bool,
    join: bool,
    raw_output0: bool,
    compact: bool,
    ascii: bool,
    sort_keys: bool,
    exit_status: bool,
    color: bool,
    sequence: bool,
    stream: bool,
    libraries: Vec<PathBuf>,
    from_file: bool,
    indent: Option<String>,
}

type Rest = std::vec::IntoIter<String>;

impl Given {
    fn free(&mut self, argument: String) {
        if self.filter.is_none() {
            self.filter = Some(argument);
            return;
        }
        match self.kind {
            Positional::Files => self.files.push(argument),
            Positional::Text => self.positional.push(Val::from(argument)),
            Positional::Json => match read::single(argument.as_bytes()) {
                Ok(value) => self.positional.push(value),
                Err(_) => {
                    self.broken = Some(format!(
                        "Invalid JSON text passed to --jsonargs: {argument}"
                    ))
                }
            },
        }
    }

    fn short(&mut self, letter: char, rest: &mut Rest) -> Result<(), String> {
        let long = match letter {
            'n' => "null-input",
            'R' => "raw-input",
            's' => "slurp",
            'r' => "raw-output",
            'j' => "join-output",
            'c' => "compact-output",
            'a' => "ascii-output",
            'S' => "sort-keys",
            'e' => "exit-status",
            'C' => "color-output",
            'M' => "monochrome-output",
            'f' => "from-file",
            'L' => "library-path",
            _ => return Err(format!("Unknown option: -{letter}")),
        };
        self.long(long, rest)
    }

    fn long(&mut self, long: &str, rest: &mut Rest) -> Result<(), String> {
        match long {
            "null-input" => self.null_input = true,
            "raw-input" => self.raw_input = true,
            "slurp" => self.slurp = true,
            "raw-output" => self.raw_output = true,
            "join-output" => (self.raw_output, self.join) = (true, true),
            "raw-output0" => (self.raw_output, self.raw_output0) = (true, true),
            "compact-output" => self.compact = true,
            "ascii-output" => self.ascii = true,
            "sort-keys" => self.sort_keys = true,
            "exit-status" => self.exit_status = true,
            "color-output" => self.color = true,
            "monochrome-output" => self.color = false,
            "tab" => self.indent = Some("\t".to_owned()),
            "indent" => {
                let given = next(rest, long)?;
                let width = given.parse().ok().filter(|width| *width <= 7usize);
                let width = width.ok_or("Cannot indent more than 7 characters")?;
                self.compact |= width == 0;
                self.indent = Some(" ".repeat(width));
            }
            "from-file" => self.from_file = true,
            "seq" => self.sequence = true,
            "unbuffered" => {}
            "library-path" => self.libraries.push(PathBuf::from(next(rest, long)?)),
            "args" => self.kind = Positional::Text,
            "jsonargs" => self.kind = Positional::Json,
            "arg" => {
                let name = next(rest, long)?;
                let value = Val::from(next(rest, long)?);
                self.named.push((name, value));
            }
            "argjson" => {
                let name = next(rest, long)?;
                let text = next(rest, long)?;
                let value = read::single(text.as_bytes());
                let value =
                    value.map_err(|_| format!("Invalid JSON text passed to --argjson: {text}"))?;
                self.named.push((name, value));
            }
            "slurpfile" | "rawfile" => {
                let name = next(rest, long)?;
                let path = next(rest, long)?;
                self.named.push((name, file(&path, long == "rawfile")?));
            }
            "stream" => self.stream = true,
            "stream-errors" => {
                return Err(format!("--{long} is not supported; use --stream"));
            }
            _ => return Err(format!("Unknown option: --{long}")),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Options, String> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        if self.from_file {
            // The first that is no option names the file, wherever `-f` stands.
            self.filter_file = self.filter.take();
        }
        let filter = match (self.filter, self.filter_file) {
            (_, Some(path)) => {
                let text = std::fs::read_to_string(&path);
                text.map_err(|error| format!("Could not open {path}: {}", reason(&error)))?
            }
            (Some(filter), None) => filter,
            (None, None) => ".".to_owned(),
        };
        let mut variables: Vec<(String, Val)> = Vec::new();
        for (name, value) in &self.named {
            // The first of a name counts, as in jq.
            if !variables
                .iter()
                .any(|(known, _)| *known == format!("${name}"))
            {
                variables.push((format!("${name}"), value.clone()));
            }
        }
        variables.push(("$ARGS".to_owned(), arguments(self.positional, &self.named)));
        variables.push(("$ENV".to_owned(), environment()));
        variables.push(("$__loc__".to_owned(), place()));
        Ok(Options {
            filter,
            files: self.files,
            variables,
            null_input: self.null_input,
            raw_input: self.raw_input,
            slurp: self.slurp,
            raw_output: self.raw_output,
            join: self.join,
            raw_output0: self.raw_output0,
            compact: self.compact,
            ascii: self.ascii,
            sort_keys: self.sort_keys,
            exit_status: self.exit_status,
            color: self.color,
            sequence: self.sequence,
            stream: self.stream,
            libraries: match self.libraries.is_empty() {
                true => vec![PathBuf::from(".")],
                false => self.libraries,
            },
            indent: self.indent.unwrap_or_else(|| "  ".to_owned()),
        })
    }
}

fn next(rest: &mut Rest, option: &str) -> Result<String, String> {
    rest.next()
        .ok_or_else(|| format!("--{option} needs a parameter"))
}

fn file(path: &str, raw: bool) -> Result<Val, String> {
    let bytes = std::fs::read(path)
        .map_err(|error| format!("Could not open {path}: {}", reason(&error)))?;
    if raw {
        return Ok(Val::from(String::from_utf8_lossy(&bytes).into_owned()));
    }
    let values: Result<Vec<Val>, _> = Reader::new(&bytes).collect();
    Ok(values
        .map_err(|error| format!("Bad JSON in {path}: {error}"))?
        .into_iter()
        .collect())
}

fn arguments(positional: Vec<Val>, named: &[(String, Val)]) -> Val {
    let named = named
        .iter()
        .map(|(name, value)| (Val::from(name.clone()), value.clone()));
    let mut all = Map::default();
    all.insert(
        Val::from("positional".to_owned()),
        positional.into_iter().collect(),
    );
    all.insert(Val::from("named".to_owned()), Val::obj(named.collect()));
    Val::obj(all)
}

fn environment() -> Val {
    let variables = std::env::vars();
    Val::obj(
        variables
            .map(|(name, value)| (Val::from(name), Val::from(value)))
            .collect(),
    )
}

/// Filters have one line, as far as `$__loc__` knows.
fn place() -> Val {
    let mut place = Map::default();
    place.insert(
        Val::from("file".to_owned()),
        Val::from("<top-level>".to_owned()),
    );
    place.insert(Val::from("line".to_owned()), Val::from(1_isize));
    Val::obj(place)
}
