//! Searching file by file, and what is put out of each.

use crate::files;
use crate::options::{Case, Mode, Options};
use crate::perl::Perl;
use grep_matcher::Matcher;
use grep_printer::{
    ColorSpecs, JSON, JSONBuilder, PathPrinter, PathPrinterBuilder, Standard, StandardBuilder,
    Summary, SummaryBuilder, SummaryKind, default_color_specs,
};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use termcolor::WriteColor;

/// What came of a search.
#[derive(Default)]
pub struct Outcome {
    pub matched: bool,
    pub failed: bool,
}

enum Printer<W> {
    Standard(Standard<W>),
    Summary(Summary<W>),
    Json(JSON<W>),
}

pub fn regex(options: &Options) -> Result<RegexMatcher, String> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .multi_line(true)
        .unicode(true)
        .octal(false)
        .case_insensitive(options.case == Case::Ignored)
        .case_smart(options.case == Case::Smart)
        .fixed_strings(options.fixed)
        .whole_line(options.line)
        .word(options.word);
    if options.multi_line {
        builder.dot_matches_new_line(options.dot_all);
        builder.crlf(options.crlf).line_terminator(None);
    } else {
        builder.line_terminator(Some(if options.null_data { b'\0' } else { b'\n' }));
        builder.crlf(options.crlf);
    }
    if !options.text && !options.multi_line {
        builder.ban_byte(Some(b'\0').filter(|_| !options.null_data));
    }
    let built = builder.build_many(&options.patterns);
    built.map_err(|error| format!("{error}\n\nConsider enabling PCRE2 with the --pcre2 flag, which can handle backreferences\nand look-around."))
}

pub fn perl(options: &Options) -> Result<Perl, String> {
    let patterns: Vec<String> = options
        .patterns
        .iter()
        .map(|pattern| match options.fixed {
            true => fancy_regex::escape(pattern).into_owned(),
            false => format!("(?:{pattern})"),
        })
        .collect();
    let mut pattern = patterns.join("|");
    if options.word {
        pattern = format!("(?<!\\w)(?:{pattern})(?!\\w)");
    }
    if options.line {
        pattern = format!("^(?:{pattern})$");
    }
    let capital = |pattern: &String| pattern.chars().any(char::is_uppercase);
    let ignore_case = match options.case {
        Case::Sensitive => false,
        Case::Ignored => true,
        Case::Smart => !options.patterns.iter().any(capital),
    };
    let flags = match (ignore_case, options.dot_all) {
        (true, true) => "(?mis)",
        (true, false) => "(?mi)",
        (false, true) => "(?ms)",
        (false, false) => "(?m)",
    };
    Perl::new(&format!("{flags}{pattern}"))
}

pub struct Search<'a, M, W> {
    options: &'a Options,
    matcher: M,
    searcher: Searcher,
    printer: Printer<W>,
    outcome: Outcome,
}

impl<'a, M: Matcher, W: WriteColor> Search<'a, M, W> {
    pub fn new(options: &'a Options, matcher: M, out: W, names: bool) -> Self {
        Self {
            options,
            matcher,
            searcher: searcher(options),
            printer: printer(options, out, names),
            outcome: Outcome::default(),
        }
    }

    /// What was read of standard input, and the rest of it.
    pub fn stdin(mut self, head: &[u8]) -> Outcome {
        let rest = head.chain(io::stdin());
        self.one(rest, Path::new("<stdin>"));
        self.outcome
    }

    /// `implied`: no path was given, so the folder is not named in what is put out.
    pub fn files(mut self, paths: &[PathBuf], implied: bool) -> Outcome {
        let walk = match files::walk(self.options, paths) {
            Ok(walk) => walk,
            Err(error) => {
                self.fail(&error.to_string());
                return self.outcome;
            }
        };
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.fail(&reason(&error));
                    continue;
                }
            };
            let given = entry.depth() == 0;
            let path = entry.path();
            if entry.is_stdin() {
                self.one(io::stdin(), Path::new("<stdin>"));
                continue;
            }
            let is_file = match entry.file_type() {
                Some(kind) if kind.is_symlink() => given && path.is_file(),
                Some(kind) => kind.is_file(),
                None => false,
            };
            if !is_file {
                continue;
            }
            let path = match implied {
                true => path.strip_prefix("./").unwrap_or(path),
                false => path,
            };
            // A file that somebody named is searched until a NUL shows what it is; another one that has one is left.
            let binary = match () {
                () if self.options.text || self.options.null_data => BinaryDetection::none(),
                () if given || self.options.search_binary => BinaryDetection::convert(b'\0'),
                () => BinaryDetection::quit(b'\0'),
            };
            self.searcher.set_binary_detection(binary);
            match std::fs::File::open(path) {
                Ok(file) => self.one(file, path),
                Err(error) => {
                    let why = format!("{}: {error}", path.display());
                    self.fail(&why);
                }
            }
            if self.outcome.matched && self.options.mode == Mode::Quiet {
                break;
            }
        }
        self.outcome
    }

    fn one(&mut self, from: impl Read, path: &Path) {
        let (matcher, searcher) = (&self.matcher, &mut self.searcher);
        let result = match &mut self.printer {
            Printer::Standard(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                let result = searcher.search_reader(matcher, from, &mut sink);
                self.outcome.matched |= sink.has_match();
                result
            }
            Printer::Summary(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                let result = searcher.search_reader(matcher, from, &mut sink);
                self.outcome.matched |= sink.has_match();
                result
            }
            Printer::Json(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                let result = searcher.search_reader(matcher, from, &mut sink);
                self.outcome.matched |= sink.has_match();
                result
            }
        };
        match result {
            Ok(()) => {}
            // Who read the output needs no more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => swarm_flow_process::exit(0),
            Err(error) => {
                let why = format!("{}: {error}", path.display());
                self.fail(&why);
            }
        }
    }

    fn fail(&mut self, why: &str) {
        self.outcome.failed = true;
        if self.options.messages {
            eprintln!("rg: {why}");
        }
    }
}

/// `--files`.
pub fn list<W: WriteColor>(options: &Options, paths: &[PathBuf], implied: bool, out: W) -> Outcome {
    let mut outcome = Outcome::default();
    let mut printer: PathPrinter<W> = {
        let mut builder = PathPrinterBuilder::new();
        builder.color_specs(colors(options));
        builder.terminator(if options.null { b'\0' } else { b'\n' });
        builder.build(out)
    };
    let walk = match files::walk(options, paths) {
        Ok(walk) => walk,
        Err(error) => {
            eprintln!("rg: {error}");
            outcome.failed = true;
            return outcome;
        }
    };
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                outcome.matched = true;
                let path = entry.path();
                let path = match implied {
                    true => path.strip_prefix("./").unwrap_or(path),
                    false => path,
                };
                if printer.write(path).is_err() {
                    break;
                }
            }
            Ok(_) => {}
            Err(error) => {
                outcome.failed = true;
                if options.messages {
                    eprintln!("rg: {}", reason(&error));
                }
            }
        }
    }
    outcome
}

/// Without Rust's number.
fn reason(error: &ignore::Error) -> String {
    error.to_string()
}

fn searcher(options: &Options) -> Searcher {
    let mut builder = SearcherBuilder::new();
    builder
        .line_number(options.number.unwrap_or(false) || options.mode == Mode::Json)
        .invert_match(options.invert)
        .multi_line(options.multi_line)
        .memory_map(MmapChoice::never())
        .passthru(options.passthru)
        .before_context(options.before)
        .after_context(options.after)
        .max_matches(options.matches_max)
        .binary_detection(match options.text || options.null_data {
            true => BinaryDetection::none(),
            false => BinaryDetection::convert(b'\0'),
        });
    if options.null_data {
        builder.line_terminator(grep_matcher::LineTerminator::byte(b'\0'));
    } else if options.crlf {
        builder.line_terminator(grep_matcher::LineTerminator::crlf());
    }
    builder.build()
}

fn colors(options: &Options) -> ColorSpecs {
    match options.color {
        true => {
            let mut specs = default_color_specs();
            // The crate knows it for some systems only.
            specs.extend("path:fg:magenta".parse());
            ColorSpecs::new(&specs)
        }
        false => ColorSpecs::default(),
    }
}

fn printer<W: WriteColor>(options: &Options, out: W, names: bool) -> Printer<W> {
    let replacement = options.replacement.clone().map(String::into_bytes);
    let path_end = options.null.then_some(b'\0');
    let kind = match options.mode {
        Mode::Json => {
            return Printer::Json(JSONBuilder::new().replacement(replacement).build(out));
        }
        Mode::Count => SummaryKind::Count,
        Mode::CountMatches => SummaryKind::CountMatches,
        Mode::WithMatch => SummaryKind::PathWithMatch,
        Mode::WithoutMatch => SummaryKind::PathWithoutMatch,
        Mode::Quiet => SummaryKind::QuietWithMatch,
        Mode::Lines | Mode::Files | Mode::Types => {
            let context = options.before > 0 || options.after > 0;
            let between = options.context_separator.clone().filter(|_| context);
            let mut builder = StandardBuilder::new();
            builder
                .color_specs(colors(options))
                .heading(options.heading)
                .path(names)
                .only_matching(options.only_matching)
                .per_match(options.per_match)
                .per_match_one_line(true)
                .replacement(replacement)
                .max_columns(options.columns_max)
                .column(options.column)
                .byte_offset(options.offset)
                .trim_ascii(options.trim)
                .separator_search(match options.heading {
                    true => Some(Vec::new()),
                    false => between.map(String::into_bytes),
                })
                .separator_context(options.context_separator.clone().map(String::into_bytes))
                .path_terminator(path_end);
            return Printer::Standard(builder.build(out));
        }
    };
    let mut builder = SummaryBuilder::new();
    builder
        .kind(kind)
        .color_specs(colors(options))
        .path(names)
        .exclude_zero(!options.include_zero)
        .path_terminator(path_end);
    Printer::Summary(builder.build(out))
}

/// Puts out what lies in a buffer.
pub fn flush(out: &mut impl Write) {
    // Who read the output needs no more.
    _ = out.flush();
}
