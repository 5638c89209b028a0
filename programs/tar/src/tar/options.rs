//! The command line of `tar`, with and without the dash before its letters.

use crate::codec::Codec;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Create,
    List,
    Extract,
}

pub struct Options {
    pub mode: Mode,
    pub file: Option<String>,
    pub codec: Option<Codec>,
    /// `-a`: by the archive's name.
    pub by_name: bool,
    pub verbose: bool,
    pub to_stdout: bool,
    pub keep_old: bool,
    pub touch: bool,
    pub wildcards: bool,
    pub strip: usize,
    pub exclude: Vec<String>,
    /// The last of `-C`.
    pub folder: String,
    /// Names, each with the folder that `-C` said before it.
    pub members: Vec<(String, String)>,
}

struct Given {
    mode: Option<Mode>,
    options: Options,
}

pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut given = Given {
        mode: None,
        options: Options {
            mode: Mode::List,
            file: None,
            codec: None,
            by_name: false,
            verbose: false,
            to_stdout: false,
            keep_old: false,
            touch: false,
            wildcards: false,
            strip: 0,
            exclude: Vec::new(),
            folder: ".".to_owned(),
            members: Vec::new(),
        },
    };
    let mut rest = arguments.iter();
    let mut first = true;
    while let Some(argument) = rest.next() {
        if argument == "--" {
            rest.by_ref().for_each(|name| given.member(name));
        } else if let Some(long) = argument.strip_prefix("--") {
            given.long(long, &mut rest)?;
        } else if argument.len() > 1 && argument.starts_with('-') {
            given.letters(argument.trim_start_matches('-'), &mut rest, false)?;
        } else if first {
            given.letters(argument, &mut rest, true)?;
        } else {
            given.member(argument);
        }
        first = false;
    }
    given.options.mode = given
        .mode
        .ok_or("You must specify one of the '-ctx' options")?;
    Ok(given.options)
}

type Rest<'a> = std::slice::Iter<'a, String>;

impl Given {
    fn member(&mut self, name: &str) {
        self.options
            .members
            .push((self.options.folder.clone(), name.to_owned()));
    }

    /// Letters without a dash take their values from the words that follow, in order.
    fn letters(&mut self, letters: &str, rest: &mut Rest<'_>, old: bool) -> Result<(), String> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let needs = matches!(letter, 'f' | 'C' | 'X' | 'T' | 'b' | 'I');
            let attached = letters.as_str();
            let value = match needs {
                false => String::new(),
                true if !old && !attached.is_empty() => attached.to_owned(),
                true => rest
                    .next()
                    .cloned()
                    .ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
            };
            let ends = needs && !old;
            self.letter(letter, value)?;
            if ends {
                return Ok(());
            }
        }
        Ok(())
    }

    fn letter(&mut self, letter: char, value: String) -> Result<(), String> {
        let options = &mut self.options;
        match letter {
            'c' => self.mode = Some(Mode::Create),
            't' => self.mode = Some(Mode::List),
            'x' => self.mode = Some(Mode::Extract),
            'f' => options.file = Some(value),
            'C' => options.folder = join(&options.folder, &value),
            'z' => options.codec = Some(Codec::Gzip),
            'J' => options.codec = Some(Codec::Xz),
            'a' => options.by_name = true,
            'v' => options.verbose = true,
            'O' => options.to_stdout = true,
            'k' => options.keep_old = true,
            'm' => options.touch = true,
            'X' => options.exclude.extend(lines(&value)?),
            'T' => lines(&value)?.iter().for_each(|name| self.member(name)),
            // Modes, owners, blocks: there is nothing to keep.
            'p' | 'o' | 'b' | 'h' | 'P' | 'S' | 'w' => {}
            'j' => return Err("bzip2 is not supported; use gzip (-z) or zstd (--zstd)".to_owned()),
            'r' | 'u' | 'A' | 'd' => {
                return Err(format!(
                    "-{letter} is not supported: an archive is written as a whole"
                ));
            }
            _ => return Err(format!("invalid option -- '{letter}'")),
        }
        Ok(())
    }

    fn long(&mut self, long: &str, rest: &mut Rest<'_>) -> Result<(), String> {
        let (name, attached) = long
            .split_once('=')
            .map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        let mut value = || {
            attached
                .clone()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| format!("option '--{name}' requires an argument"))
        };
        match name {
            "create" => self.letter('c', String::new()),
            "list" => self.letter('t', String::new()),
            "extract" | "get" => self.letter('x', String::new()),
            "file" => {
                let value = value()?;
                self.letter('f', value)
            }
            "directory" => {
                let value = value()?;
                self.letter('C', value)
            }
            "exclude" => {
                self.options.exclude.push(value()?);
                Ok(())
            }
            "exclude-from" => {
                let value = value()?;
                self.letter('X', value)
            }
            "files-from" => {
                let value = value()?;
                self.letter('T', value)
            }
            "strip-components" | "strip" => {
                let value = value()?;
                self.options.strip = value
                    .parse()
                    .map_err(|_| format!("{value}: Invalid number of elements"))?;
                Ok(())
            }
            "gzip" | "gunzip" => self.letter('z', String::new()),
            "xz" => self.letter('J', String::new()),
            "zstd" => {
                self.options.codec = Some(Codec::Zstd);
                Ok(())
            }
            "auto-compress" => self.letter('a', String::new()),
            "verbose" => self.letter('v', String::new()),
            "to-stdout" => self.letter('O', String::new()),
            "keep-old-files" | "skip-old-files" => self.letter('k', String::new()),
            "touch" => self.letter('m', String::new()),
            "wildcards" => {
                self.options.wildcards = true;
                Ok(())
            }
            "exclude-vcs" => {
                self.options
                    .exclude
                    .extend([".git", ".gitignore", ".hg", ".svn"].map(str::to_owned));
                Ok(())
            }
            "no-same-owner"
            | "no-same-permissions"
            | "numeric-owner"
            | "overwrite"
            | "preserve-permissions"
            | "same-permissions"
            | "dereference"
            | "no-xattrs"
            | "warning" => Ok(()),
            "owner" | "group" | "mode" | "mtime" | "sort" | "format" => value().map(drop),
            _ => Err(format!("unrecognized option '--{name}'")),
        }
    }
}

fn join(folder: &str, next: &str) -> String {
    match folder == "." || next.starts_with('/') {
        true => next.to_owned(),
        false => format!("{folder}/{next}"),
    }
}

fn lines(path: &str) -> Result<Vec<String>, String> {
    let text = match path {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    let text =
        text.map_err(|error| format!("{path}: Cannot open: {}", swarm_flow_posix::reason(&error)))?;
    Ok(text
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}
