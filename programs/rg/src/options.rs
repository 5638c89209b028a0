//! The command line.

use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Lines,
    Count,
    CountMatches,
    WithMatch,
    WithoutMatch,
    Quiet,
    Json,
    /// The files that would be searched.
    Files,
    Types,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Case {
    Sensitive,
    Ignored,
    /// Ignored unless a pattern has a capital.
    Smart,
}

/// A change to what the types of files are.
pub enum Type {
    Select(String),
    Negate(String),
    Add(String),
    Clear(String),
}

pub struct Options {
    pub patterns: Vec<String>,
    pub paths: Vec<PathBuf>,
    pub mode: Mode,
    pub case: Case,
    pub word: bool,
    pub line: bool,
    pub fixed: bool,
    pub perl: bool,
    pub invert: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub crlf: bool,
    pub null_data: bool,
    pub number: Option<bool>,
    pub column: bool,
    pub offset: bool,
    pub only_matching: bool,
    pub per_match: bool,
    pub passthru: bool,
    pub before: usize,
    pub after: usize,
    pub context_separator: Option<String>,
    pub replacement: Option<String>,
    pub names: Option<bool>,
    pub null: bool,
    pub heading: bool,
    pub color: bool,
    pub trim: bool,
    pub columns_max: Option<u64>,
    pub matches_max: Option<u64>,
    pub text: bool,
    pub globs: Vec<String>,
    pub globs_ignore_case: bool,
    pub types: Vec<Type>,
    pub hidden: bool,
    pub no_ignore: bool,
    pub no_ignore_vcs: bool,
    pub search_binary: bool,
    pub ignore_files: Vec<PathBuf>,
    pub follow: bool,
    pub depth_max: Option<usize>,
    pub file_bytes_max: Option<u64>,
    pub messages: bool,
    pub include_zero: bool,
    pub newest_first: Option<bool>,
    pub reverse: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            paths: Vec::new(),
            mode: Mode::Lines,
            case: Case::Sensitive,
            word: false,
            line: false,
            fixed: false,
            perl: false,
            invert: false,
            multi_line: false,
            dot_all: false,
            crlf: false,
            null_data: false,
            number: None,
            column: false,
            offset: false,
            only_matching: false,
            per_match: false,
            passthru: false,
            before: 0,
            after: 0,
            context_separator: Some("--".to_owned()),
            replacement: None,
            names: None,
            null: false,
            heading: false,
            color: false,
            trim: false,
            columns_max: None,
            matches_max: None,
            text: false,
            globs: Vec::new(),
            globs_ignore_case: false,
            types: Vec::new(),
            hidden: false,
            no_ignore: false,
            no_ignore_vcs: false,
            search_binary: false,
            ignore_files: Vec::new(),
            follow: false,
            depth_max: None,
            file_bytes_max: None,
            messages: true,
            include_zero: false,
            newest_first: None,
            reverse: false,
        }
    }
}

const HELP: &str = "Usage: rg [OPTIONS] PATTERN [PATH ...]
       rg [OPTIONS] -e PATTERN ... [PATH ...]
       rg [OPTIONS] --files [PATH ...]
       rg [OPTIONS] --type-list

Patterns: -e, -f FILE, -F, -P, -i, -s, -S, -w, -x, -v, -U, --multiline-dotall
Files:    -g GLOB, --iglob, -t TYPE, -T TYPE, --type-add, -. or --hidden, --no-ignore, -u, -L, -d N,
          --max-filesize, --sort, -a
Output:   -n, -N, -c, --count-matches, -l, --files-without-match, -o, -r TEXT, -A N, -B N, -C N, -m N,
          -H, -I, -0, -b, -q, -M N, -p, --column, --vimgrep, --json, --passthru, --trim, --heading, --color

A file that .gitignore names, that is hidden or that is not text is passed over. Exit codes: 0 something
matched, 1 nothing did, 2 an error.";

pub fn parse(arguments: Vec<OsString>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut operands: Vec<OsString> = Vec::new();
    let mut patterns_given = false;
    let mut unrestricted = 0;
    let mut parser = lexopt::Parser::from_args(arguments);
    let said = |error: lexopt::Error| error.to_string();
    while let Some(argument) = parser.next().map_err(said)? {
        match argument {
            Value(operand) => operands.push(operand),
            Short('e') | Long("regexp") => {
                options.patterns.push(value(&mut parser)?);
                patterns_given = true;
            }
            Short('f') | Long("file") => {
                let path = value(&mut parser)?;
                let text = match path.as_str() {
                    "-" => std::io::read_to_string(std::io::stdin()),
                    path => std::fs::read_to_string(path),
                };
                let text =
                    text.map_err(|error| format!("{path}: {}", swarm_flow_posix::reason(&error)))?;
                options.patterns.extend(text.lines().map(str::to_owned));
                patterns_given = true;
            }
            Short('i') | Long("ignore-case") => options.case = Case::Ignored,
            Short('s') | Long("case-sensitive") => options.case = Case::Sensitive,
            Short('S') | Long("smart-case") => options.case = Case::Smart,
            Short('w') | Long("word-regexp") => options.word = true,
            Short('x') | Long("line-regexp") => options.line = true,
            Short('F') | Long("fixed-strings") => options.fixed = true,
            Long("no-fixed-strings") => options.fixed = false,
            Short('P') | Long("pcre2") => options.perl = true,
            Long("engine") => options.perl = value(&mut parser)? != "default",
            Long("auto-hybrid-regex") => options.perl = true,
            Short('v') | Long("invert-match") => options.invert = true,
            Short('U') | Long("multiline") => options.multi_line = true,
            Long("multiline-dotall") => options.dot_all = true,
            Long("crlf") => options.crlf = true,
            Long("null-data") => options.null_data = true,
            Short('n') | Long("line-number") => options.number = Some(true),
            Short('N') | Long("no-line-number") => options.number = Some(false),
            Long("column") => {
                options.column = true;
                options.number = options.number.or(Some(true));
            }
            Long("no-column") => options.column = false,
            Short('b') | Long("byte-offset") => options.offset = true,
            Short('o') | Long("only-matching") => options.only_matching = true,
            Long("vimgrep") => {
                options.per_match = true;
                options.column = true;
                options.number = Some(true);
                options.names = Some(true);
            }
            Long("passthru" | "passthrough") => options.passthru = true,
            Short('A') | Long("after-context") => options.after = number(&value(&mut parser)?)?,
            Short('B') | Long("before-context") => options.before = number(&value(&mut parser)?)?,
            Short('C') | Long("context") => {
                options.before = number(&value(&mut parser)?)?;
                options.after = options.before;
            }
            Long("context-separator") => options.context_separator = Some(value(&mut parser)?),
            Long("no-context-separator") => options.context_separator = None,
            Short('r') | Long("replace") => options.replacement = Some(value(&mut parser)?),
            Short('H') | Long("with-filename") => options.names = Some(true),
            Short('I') | Long("no-filename") => options.names = Some(false),
            Short('0') | Long("null") => options.null = true,
            Long("heading") => options.heading = true,
            Long("no-heading") => options.heading = false,
            Long("color") => {
                options.color = matches!(value(&mut parser)?.as_str(), "always" | "ansi")
            }
            Short('p') | Long("pretty") => {
                options.color = true;
                options.heading = true;
                options.number = Some(true);
            }
            Long("trim") => options.trim = true,
            Short('M') | Long("max-columns") => {
                options.columns_max =
                    Some(number(&value(&mut parser)?)? as u64).filter(|limit| *limit > 0);
            }
            Short('m') | Long("max-count") => {
                options.matches_max = Some(number(&value(&mut parser)?)? as u64)
            }
            Short('a') | Long("text") => options.text = true,
            Long("binary") => options.search_binary = true,
            Short('g') | Long("glob") => options.globs.push(value(&mut parser)?),
            Long("iglob") => {
                options.globs.push(value(&mut parser)?);
                options.globs_ignore_case = true;
            }
            Long("glob-case-insensitive") => options.globs_ignore_case = true,
            Short('t') | Long("type") => options.types.push(Type::Select(value(&mut parser)?)),
            Short('T') | Long("type-not") => options.types.push(Type::Negate(value(&mut parser)?)),
            Long("type-add") => options.types.push(Type::Add(value(&mut parser)?)),
            Long("type-clear") => options.types.push(Type::Clear(value(&mut parser)?)),
            Long("type-list") => options.mode = Mode::Types,
            Long("files") => options.mode = Mode::Files,
            Short('.') | Long("hidden") => options.hidden = true,
            Long("no-hidden") => options.hidden = false,
            Long("no-ignore") => options.no_ignore = true,
            Long("ignore") => options.no_ignore = false,
            Long("no-ignore-vcs") => options.no_ignore_vcs = true,
            Long("ignore-file") => options.ignore_files.push(value(&mut parser)?.into()),
            Short('u') | Long("unrestricted") => unrestricted += 1,
            Short('L') | Long("follow") => options.follow = true,
            Short('d') | Long("max-depth" | "maxdepth") => {
                options.depth_max = Some(number(&value(&mut parser)?)?);
            }
            Long("max-filesize") => options.file_bytes_max = Some(size(&value(&mut parser)?)?),
            Short('c') | Long("count") => options.mode = Mode::Count,
            Long("count-matches") => options.mode = Mode::CountMatches,
            Short('l') | Long("files-with-matches") => options.mode = Mode::WithMatch,
            Long("files-without-match") => options.mode = Mode::WithoutMatch,
            Short('q') | Long("quiet") => options.mode = Mode::Quiet,
            Long("json") => options.mode = Mode::Json,
            Long("include-zero") => options.include_zero = true,
            Long("no-messages") => options.messages = false,
            Long("sort") => {
                let by = value(&mut parser)?;
                options.newest_first = (by == "modified").then_some(false);
            }
            Long("sortr") => {
                let by = value(&mut parser)?;
                options.newest_first = (by == "modified").then_some(true);
                options.reverse = by != "modified";
            }
            // The words by which ripgrep's own engine and threads are chosen change no result.
            Short('j')
            | Long(
                "threads"
                | "colors"
                | "encoding"
                | "dfa-size-limit"
                | "regex-size-limit"
                | "path-separator"
                | "field-match-separator"
                | "field-context-separator"
                | "hyperlink-format"
                | "hostname-bin",
            ) => _ = value(&mut parser)?,
            Short('E') => _ = value(&mut parser)?,
            Long(
                "mmap"
                | "no-mmap"
                | "no-config"
                | "line-buffered"
                | "block-buffered"
                | "no-unicode"
                | "stats"
                | "debug"
                | "trace"
                | "one-file-system"
                | "no-ignore-messages"
                | "no-ignore-parent"
                | "no-ignore-global"
                | "no-ignore-dot"
                | "no-ignore-exclude"
                | "no-require-git"
                | "no-multiline"
                | "no-pcre2"
                | "stop-on-nonmatch"
                | "no-ignore-files"
                | "no-binary"
                | "no-text"
                | "max-columns-preview",
            ) => {}
            Short('h') | Long("help") => {
                println!("{HELP}");
                swarm_flow_process::exit(0);
            }
            Short('V') | Long("version") => {
                println!("ripgrep 15 (swarm-flow {})", env!("CARGO_PKG_VERSION"));
                swarm_flow_process::exit(0);
            }
            other => return Err(format!("{}\nsee `rg --help`", other.unexpected())),
        }
    }
    options.no_ignore |= unrestricted > 0;
    options.hidden |= unrestricted > 1;
    options.search_binary |= unrestricted > 2;
    let mut operands = operands.into_iter();
    if !patterns_given && !matches!(options.mode, Mode::Files | Mode::Types) {
        let pattern = operands
            .next()
            .ok_or("ripgrep requires at least one pattern to execute a search")?;
        options
            .patterns
            .push(pattern.to_string_lossy().into_owned());
    }
    options.paths = operands.map(PathBuf::from).collect();
    Ok(options)
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    Ok(value.to_string_lossy().into_owned())
}

fn number(value: &str) -> Result<usize, String> {
    value
        .parse()
        .map_err(|_| format!("value is not a valid number: {value}"))
}

/// `10K`, `2M`, `1G`.
fn size(value: &str) -> Result<u64, String> {
    let digits = value.trim_end_matches(['K', 'M', 'G']);
    let factor = match value.get(digits.len()..) {
        Some("K") => 1 << 10,
        Some("M") => 1 << 20,
        Some("G") => 1 << 30,
        _ => 1,
    };
    Ok((number(digits)? as u64).saturating_mul(factor))
}
