//! What a call of the shell asks for.

use crate::output::Mode;

pub struct Options {
    pub database: String,
    /// SQL and commands, each an argument.
    pub statements: Vec<String>,
    /// `-cmd`: run before all else.
    pub commands: Vec<String>,
    pub mode: Mode,
    pub separator: Option<String>,
    pub row_separator: Option<String>,
    pub null: String,
    pub header: Option<bool>,
    pub bail: bool,
    pub echo: bool,
    pub read_only: bool,
}

const HELP: &str = "Usage: sqlite3 [OPTIONS] [FILENAME [SQL...]]
FILENAME is the name of a database; without it, or with \":memory:\", it is in memory.
   -bail                stop after hitting an error
   -batch               accepted: there is nobody to ask
   -box, -column, -csv, -json, -line, -list, -markdown, -quote, -table, -tabs
                        set the output mode
   -cmd COMMAND         run \"COMMAND\" before reading stdin
   -echo                print inputs before execution
   -header, -noheader   turn headers on or off
   -nullvalue TEXT      set text string for NULL values
   -readonly            open the database read-only
   -separator SEP       set output column separator; default: '|'
   -version             show SQLite version";

pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        database: String::new(),
        statements: Vec::new(),
        commands: Vec::new(),
        mode: Mode::List,
        separator: None,
        row_separator: None,
        null: String::new(),
        header: None,
        bail: false,
        echo: false,
        read_only: false,
    };
    let mut operands = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        // Behind the database everything is SQL.
        if !argument.starts_with('-') || argument == "-" || operands.len() > 1 {
            operands.push(argument.clone());
            continue;
        }
        let name = argument.trim_start_matches('-');
        let mut value = || {
            let missing = || format!("Error: missing argument to -{name}");
            rest.next().cloned().ok_or_else(missing)
        };
        match name {
            "cmd" => options.commands.push(value()?),
            "separator" => options.separator = Some(value()?),
            "newline" => options.row_separator = Some(value()?),
            "nullvalue" => options.null = value()?,
            "header" => options.header = Some(true),
            "noheader" => options.header = Some(false),
            "bail" => options.bail = true,
            "echo" => options.echo = true,
            "readonly" => options.read_only = true,
            "batch" | "interactive" | "stats" | "nofollow" | "safe" | "memtrace" => {}
            "init" => _ = value()?,
            "version" => {
                println!("{}", rusqlite::version());
                swarm_flow_process::exit(0);
            }
            "help" => {
                println!("{HELP}");
                swarm_flow_process::exit(0);
            }
            name => {
                options.mode = Mode::named(name)
                    .ok_or_else(|| format!("Error: unknown option: {argument}"))?;
            }
        }
    }
    let mut operands = operands.into_iter();
    options.database = operands.next().unwrap_or_default();
    options.statements = operands.collect();
    Ok(options)
}
