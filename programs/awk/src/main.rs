//! `awk`: POSIX's language, with the functions of gawk that are used most.

mod builtins;
mod format;
mod input;
mod interpreter;
mod lexer;
mod output;
mod parser;
mod syntax;
mod value;

use swarm_flow_process::exit;

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let arguments: Vec<String> = arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    exit(match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("awk: {error}");
            2
        }
    })
}

fn run(arguments: Vec<String>) -> Result<i32, String> {
    let mut source = String::new();
    let mut assignments: Vec<(String, String)> = Vec::new();
    let mut rest = arguments.into_iter().peekable();
    let mut from_file = false;
    while let Some(argument) = rest
        .peek()
        .filter(|argument| argument.len() > 1 && argument.starts_with('-'))
        .cloned()
    {
        rest.next();
        if argument == "--" {
            break;
        }
        if argument == "--version" || argument == "-V" {
            println!("awk (Swarm Flow) {}", env!("CARGO_PKG_VERSION"));
            return Ok(0);
        }
        if argument.starts_with("--") {
            // gawk's modes change nothing that is here.
            continue;
        }
        let (letter, attached) = argument.split_at(2);
        let value = match attached.is_empty() {
            true => rest.next().ok_or_else(|| {
                format!(
                    "option requires an argument -- {}",
                    letter.trim_start_matches('-')
                )
            })?,
            false => attached.to_owned(),
        };
        match letter {
            "-F" => assignments.push((
                "FS".to_owned(),
                if value == "t" { "\t".to_owned() } else { value },
            )),
            "-v" => {
                let (name, value) = value
                    .split_once('=')
                    .ok_or_else(|| format!("-v {value}: not an assignment"))?;
                assignments.push((name.to_owned(), value.to_owned()));
            }
            "-f" => {
                let text = match value.as_str() {
                    "-" => std::io::read_to_string(std::io::stdin()),
                    path => std::fs::read_to_string(path),
                };
                source.push_str(&text.map_err(|error| {
                    format!("cannot open {value}: {}", swarm_flow_posix::reason(&error))
                })?);
                source.push('\n');
                from_file = true;
            }
            _ => return Err(format!("unknown option {argument}")),
        }
    }
    if !from_file {
        source = rest
            .next()
            .ok_or("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]")?;
    }
    let program = parser::parse(&source)?;
    interpreter::run(program, &assignments, rest.collect())
}
