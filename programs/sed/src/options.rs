//! What a call of sed asks for.

use crate::Failed;
use swarm_flow_posix::pattern::Syntax;

pub struct Options {
    pub script: String,
    pub files: Vec<String>,
    pub quiet: bool,
    pub syntax: Syntax,
    /// The suffix of what is kept.
    pub in_place: Option<String>,
    /// Each file for itself.
    pub separate: bool,
    pub unbuffered: bool,
    pub null_data: bool,
    pub line_width: usize,
}

pub const USAGE: &str = "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...

  -n, --quiet                print only what the script prints
  -e, --expression=SCRIPT    add these commands
  -f, --file=FILE            add the commands in that file
  -E, -r                     extended regular expressions
  -i[SUFFIX], --in-place     edit files; with SUFFIX keep what they were
  -s, --separate             each file for itself
  -u, --unbuffered           put out each line at once
  -z, --null-data            lines end with NUL
  -l N, --line-length=N      how wide `l' writes";

pub fn parse(arguments: &[String]) -> Result<Options, Failed> {
    let mut options = Options {
        script: String::new(),
        files: Vec::new(),
        quiet: false,
        syntax: Syntax::Basic,
        in_place: None,
        separate: false,
        unbuffered: false,
        null_data: false,
        line_width: 70,
    };
    let mut scripts: Vec<String> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            options.files.extend(rest.by_ref().cloned());
        } else if let Some(word) = argument.strip_prefix("--") {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word, None),
            };
            let letter = match name {
                "quiet" | "silent" => 'n',
                "expression" => 'e',
                "file" => 'f',
                "regexp-extended" => 'E',
                "in-place" => 'i',
                "separate" => 's',
                "unbuffered" => 'u',
                "null-data" | "zero-terminated" => 'z',
                "line-length" => 'l',
                "posix" | "sandbox" | "debug" | "binary" | "follow-symlinks" => 'b',
                "help" => 'h',
                "version" => 'V',
                _ => return Err(usage(format!("unrecognized option '--{name}'"))),
            };
            let value = match (letter, value) {
                ('e' | 'f' | 'l', None) => rest.next().cloned(),
                (_, value) => value,
            };
            apply(&mut options, &mut scripts, letter, value)?;
        } else if argument.starts_with('-') && argument.len() > 1 {
            for (at, letter) in argument.char_indices().skip(1) {
                let behind = argument.get(at + letter.len_utf8()..).unwrap_or_default();
                let value = match letter {
                    'i' => Some(behind.to_owned()),
                    'e' | 'f' | 'l' if behind.is_empty() => rest.next().cloned(),
                    'e' | 'f' | 'l' => Some(behind.to_owned()),
                    _ => None,
                };
                apply(&mut options, &mut scripts, letter, value)?;
                if "iefl".contains(letter) {
                    break;
                }
            }
        } else {
            options.files.push(argument.clone());
        }
    }
    if scripts.is_empty() {
        if options.files.is_empty() {
            return Err(Failed::new(1, USAGE.to_owned()));
        }
        scripts.push(options.files.remove(0));
    }
    options.script = scripts.join("\n");
    if options.files.is_empty() {
        options.files.push("-".to_owned());
    }
    Ok(options)
}

fn usage(text: String) -> Failed {
    Failed::new(1, format!("{text}\n{USAGE}"))
}

fn apply(
    options: &mut Options,
    scripts: &mut Vec<String>,
    letter: char,
    value: Option<String>,
) -> Result<(), Failed> {
    let missing = || usage(format!("option requires an argument -- '{letter}'"));
    match letter {
        'n' => options.quiet = true,
        'e' => scripts.push(value.ok_or_else(missing)?),
        'f' => scripts.push(file(&value.ok_or_else(missing)?)?),
        'E' | 'r' => options.syntax = Syntax::Extended,
        'i' => {
            options.in_place = Some(value.unwrap_or_default());
            options.separate = true;
        }
        's' => options.separate = true,
        'u' => options.unbuffered = true,
        'z' => options.null_data = true,
        'b' => {}
        'l' => {
            let value = value.ok_or_else(missing)?;
            let width = value.parse();
            options.line_width =
                width.map_err(|_| usage(format!("invalid line length: {value}")))?;
        }
        'h' => {
            println!("{USAGE}");
            swarm_flow_process::exit(0);
        }
        'V' => {
            println!("sed (swarm-flow) {}", env!("CARGO_PKG_VERSION"));
            swarm_flow_process::exit(0);
        }
        other => return Err(usage(format!("invalid option -- '{other}'"))),
    }
    Ok(())
}

fn file(name: &str) -> Result<String, Failed> {
    let text = match name {
        "-" | "/dev/stdin" => std::io::read_to_string(std::io::stdin()),
        name => std::fs::read_to_string(name),
    };
    let text = text.map_err(|error| {
        let why = swarm_flow_posix::reason(&error);
        Failed::new(4, format!("couldn't open file {name}: {why}"))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    // A script that can be started names its interpreter first.
    Ok(text.to_owned())
}
