//! The command line.

use lexopt::prelude::*;
use std::ffi::OsString;

/// How the patterns are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Basic,
    Extended,
    Fixed,
    Perl,
}

/// What is printed of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Lines,
    Count,
    WithMatch,
    WithoutMatch,
}

/// Files that are not text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Say,
    Text,
    Skip,
}

pub struct Options {
    pub syntax: Syntax,
    pub patterns: Vec<String>,
    pub ignore_case: bool,
    pub invert: bool,
    pub word: bool,
    pub line: bool,
    pub mode: Mode,
    pub only_matching: bool,
    pub quiet: bool,
    pub no_messages: bool,
    pub number: bool,
    pub offset: bool,
    pub null: bool,
    pub null_data: bool,
    pub initial_tab: bool,
    /// None is: with more than one file.
    pub names: Option<bool>,
    pub maximum: Option<u64>,
    pub before: usize,
    pub after: usize,
    pub separator: Option<String>,
    pub color: bool,
    pub binary: Binary,
    pub recursive: bool,
    pub follow: bool,
    pub skip_folders: bool,
    /// The last that fits decides: taken or left out.
    pub globs: Vec<(bool, String)>,
    pub exclude_folders: Vec<String>,
    pub label: String,
    pub files: Vec<String>,
}

/// None if help or the version was asked for.
pub fn parse(name: &str, arguments: Vec<OsString>) -> Result<Option<Options>, String> {
    let mut given = Given::new(name);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(message)? {
        match argument {
            Value(value) => given.free.push(text(value)),
            Short('V') | Long("version") => {
                println!("grep (Swarm Flow) {}", env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            Long("help") => {
                println!(
                    "Usage: grep [OPTION]... PATTERNS [FILE]...\nThe options are those of GNU grep."
                );
                return Ok(None);
            }
            Short(digit @ '0'..='9') => given.digit(digit),
            Short(letter) => given.short(letter, &mut parser)?,
            Long(long) => {
                let long = long.to_owned();
                given.long(&long, &mut parser)?;
            }
        }
    }
    given.finish().map(Some)
}

struct Given {
    options: Options,
    free: Vec<String>,
    patterns: bool,
    context: Option<usize>,
    before: Option<usize>,
    after: Option<usize>,
}

impl Given {
    fn new(name: &str) -> Self {
        let syntax = match name {
            "egrep" => Syntax::Extended,
            "fgrep" => Syntax::Fixed,
            _ => Syntax::Basic,
        };
        let recursive = name == "rgrep";
        let options = Options {
            syntax,
            patterns: Vec::new(),
            ignore_case: false,
            invert: false,
            word: false,
            line: false,
            mode: Mode::Lines,
            only_matching: false,
            quiet: false,
            no_messages: false,
            number: false,
            offset: false,
            null: false,
            null_data: false,
            initial_tab: false,
            names: None,
            maximum: None,
            before: 0,
            after: 0,
            separator: Some("--".to_owned()),
            color: false,
            binary: Binary::Say,
            recursive,
            follow: false,
            skip_folders: false,
            globs: Vec::new(),
            exclude_folders: Vec::new(),
            label: "(standard input)".to_owned(),
            files: Vec::new(),
        };
        Self {
            options,
            free: Vec::new(),
            patterns: false,
            context: None,
            before: None,
            after: None,
        }
    }

    /// `-12` is `-C 12`.
    fn digit(&mut self, digit: char) {
        let value = digit.to_digit(10).unwrap_or_default() as usize;
        self.context = Some(
            self.context
                .unwrap_or(0)
                .saturating_mul(10)
                .saturating_add(value),
        );
    }

    fn short(&mut self, letter: char, parser: &mut lexopt::Parser) -> Result<(), String> {
        let long = match letter {
            'E' => "extended-regexp",
            'F' => "fixed-strings",
            'G' => "basic-regexp",
            'P' => "perl-regexp",
            'e' => "regexp",
            'f' => "file",
            'i' | 'y' => "ignore-case",
            'v' => "invert-match",
            'w' => "word-regexp",
            'x' => "line-regexp",
            'c' => "count",
            'l' => "files-with-matches",
            'L' => "files-without-match",
            'o' => "only-matching",
            'q' => "quiet",
            's' => "no-messages",
            'n' => "line-number",
            'b' => "byte-offset",
            'Z' => "null",
            'z' => "null-data",
            'T' => "initial-tab",
            'H' => "with-filename",
            'h' => "no-filename",
            'm' => "max-count",
            'A' => "after-context",
            'B' => "before-context",
            'C' => "context",
            'a' => "text",
            'I' => return self.binary("without-match"),
            'r' => "recursive",
            'R' => "dereference-recursive",
            'd' => "directories",
            'D' => "devices",
            'U' => "binary",
            _ => return Err(format!("invalid option -- '{letter}'")),
        };
        self.long(long, parser)
    }

    fn long(&mut self, long: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        let options = &mut self.options;
        match long {
            "extended-regexp" => options.syntax = Syntax::Extended,
            "fixed-strings" => options.syntax = Syntax::Fixed,
            "basic-regexp" => options.syntax = Syntax::Basic,
            "perl-regexp" => options.syntax = Syntax::Perl,
            "regexp" => {
                let value = value(parser)?;
                self.add_patterns(&value);
            }
            "file" => {
                let path = value(parser)?;
                let listed = read_patterns(&path)?;
                self.add_listed(&listed);
            }
            "ignore-case" => options.ignore_case = true,
            "no-ignore-case" => options.ignore_case = false,
            "invert-match" => options.invert = true,
            "word-regexp" => options.word = true,
            "line-regexp" => options.line = true,
            "count" => options.mode = Mode::Count,
            "files-with-matches" => options.mode = Mode::WithMatch,
            "files-without-match" => options.mode = Mode::WithoutMatch,
            "only-matching" => options.only_matching = true,
            "quiet" | "silent" => options.quiet = true,
            "no-messages" => options.no_messages = true,
            "line-number" => options.number = true,
            "byte-offset" => options.offset = true,
            "null" => options.null = true,
            "null-data" => options.null_data = true,
            "initial-tab" => options.initial_tab = true,
            "with-filename" => options.names = Some(true),
            "no-filename" => options.names = Some(false),
            "max-count" => options.maximum = Some(number(parser, "invalid max count")? as u64),
            "after-context" => self.after = Some(number(parser, CONTEXT)?),
            "before-context" => self.before = Some(number(parser, CONTEXT)?),
            "context" => self.context = Some(number(parser, CONTEXT)?),
            "group-separator" => options.separator = Some(value(parser)?),
            "no-group-separator" => options.separator = None,
            "text" => options.binary = Binary::Text,
            "binary-files" => {
                let kind = value(parser)?;
                return self.binary(&kind);
            }
            "recursive" => options.recursive = true,
            "dereference-recursive" => (options.recursive, options.follow) = (true, true),
            "directories" => match value(parser)?.as_str() {
                "recurse" => options.recursive = true,
                "skip" => options.skip_folders = true,
                "read" => {}
                other => return Err(format!("invalid argument '{other}' for '--directories'")),
            },
            "include" => options.globs.push((true, value(parser)?)),
            "exclude" => options.globs.push((false, value(parser)?)),
            "exclude-from" => {
                let path = value(parser)?;
                let listed = read_patterns(&path)?;
                options
                    .globs
                    .extend(listed.lines().map(|line| (false, line.to_owned())));
            }
            "exclude-dir" => options
                .exclude_folders
                .push(value(parser)?.trim_end_matches('/').to_owned()),
            "label" => options.label = value(parser)?,
            "color" | "colour" => {
                options.color = parser.optional_value().is_some_and(|when| when == "always");
            }
            // No device lies in a workspace, and every line is handed on when the output is.
            "devices" => drop(value(parser)?),
            "line-buffered" | "binary" => {}
            _ => return Err(format!("unrecognized option '--{long}'")),
        }
        Ok(())
    }

    fn binary(&mut self, kind: &str) -> Result<(), String> {
        self.options.binary = match kind {
            "binary" => Binary::Say,
            "text" => Binary::Text,
            "without-match" => Binary::Skip,
            _ => return Err(format!("{kind}: unknown binary-files type")),
        };
        Ok(())
    }

    fn add_patterns(&mut self, patterns: &str) {
        self.patterns = true;
        self.options
            .patterns
            .extend(patterns.split('\n').map(str::to_owned));
    }

    /// A file of patterns: one on each line, and none if it is empty.
    fn add_listed(&mut self, listed: &str) {
        self.patterns = true;
        self.options
            .patterns
            .extend(listed.lines().map(str::to_owned));
    }

    fn finish(mut self) -> Result<Options, String> {
        if !self.patterns {
            if self.free.is_empty() {
                return Err("no pattern given".to_owned());
            }
            let patterns = self.free.remove(0);
            self.add_patterns(&patterns);
        }
        let mut options = self.options;
        let context = self.context.unwrap_or(0);
        options.before = self.before.unwrap_or(context);
        options.after = self.after.unwrap_or(context);
        options.files = self.free;
        Ok(options)
    }
}

const CONTEXT: &str = "invalid context length argument";

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().map(text).map_err(message)
}

fn number(parser: &mut lexopt::Parser, what: &str) -> Result<usize, String> {
    let value = value(parser)?;
    // A maximum below zero is none.
    if value.starts_with('-') && what.contains("max") {
        return Ok(usize::MAX);
    }
    value.parse().map_err(|_| format!("{value}: {what}"))
}

fn read_patterns(path: &str) -> Result<String, String> {
    let bytes = match path {
        "-" => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
        }
        _ => std::fs::read(path),
    };
    let bytes = bytes.map_err(|error| format!("{path}: {}", swarm_flow_posix::reason(&error)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn text(value: OsString) -> String {
    value.to_string_lossy().into_owned()
}

fn message(error: lexopt::Error) -> String {
    error.to_string()
}
