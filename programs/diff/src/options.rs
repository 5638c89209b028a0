//! The command line of `diff`.

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Normal,
    Unified(usize),
    Brief,
}

pub struct Options {
    pub form: Form,
    pub recursive: bool,
    pub new_file: bool,
    pub report_same: bool,
    pub ignore_case: bool,
    pub ignore_space: bool,
    pub ignore_space_amount: bool,
    pub ignore_trailing: bool,
    pub ignore_blank_lines: bool,
    pub strip_cr: bool,
    pub text: bool,
    pub labels: Vec<String>,
    pub exclude: Vec<String>,
    pub paths: [String; 2],
    /// As they were given, for the line that names a pair of files in folders.
    pub given: Vec<String>,
}

const CONTEXT: usize = 3;

pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        form: Form::Normal,
        recursive: false,
        new_file: false,
        report_same: false,
        ignore_case: false,
        ignore_space: false,
        ignore_space_amount: false,
        ignore_trailing: false,
        ignore_blank_lines: false,
        strip_cr: false,
        text: false,
        labels: Vec::new(),
        exclude: Vec::new(),
        paths: [String::new(), String::new()],
        given: Vec::new(),
    };
    let mut paths = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            paths.extend(rest.by_ref().cloned());
        } else if let Some(long) = argument.strip_prefix("--") {
            options.given.push(argument.clone());
            let (name, value) = long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value)));
            let before = rest.clone();
            options.long(name, value, &mut rest)?;
            options.given_too(before, &rest);
        } else if argument.len() > 1 && argument.starts_with('-') {
            options.given.push(argument.clone());
            let before = rest.clone();
            options.short(argument, &mut rest)?;
            options.given_too(before, &rest);
        } else {
            paths.push(argument.clone());
        }
    }
    match <[String; 2]>::try_from(paths) {
        Ok(paths) => options.paths = paths,
        Err(paths) => {
            return Err(match paths.get(2) {
                Some(extra) => format!("extra operand '{extra}'"),
                None => match paths.first() {
                    Some(last) => format!("missing operand after '{last}'"),
                    None => "missing operand after 'diff'".to_owned(),
                },
            });
        }
    }
    Ok(options)
}

type Rest<'a> = std::slice::Iter<'a, String>;

impl Options {
    /// What an option took as its value was given too.
    fn given_too(&mut self, before: Rest<'_>, rest: &Rest<'_>) {
        let taken = before.len() - rest.len();
        self.given.extend(before.take(taken).cloned());
    }

    fn long(&mut self, name: &str, value: Option<&str>, rest: &mut Rest<'_>) -> Result<(), String> {
        match name {
            "unified" => self.form = Form::Unified(context(value)?),
            "normal" => self.form = Form::Normal,
            "brief" => self.form = Form::Brief,
            "recursive" => self.recursive = true,
            "new-file" => self.new_file = true,
            "report-identical-files" => self.report_same = true,
            "ignore-case" => self.ignore_case = true,
            "ignore-all-space" => self.ignore_space = true,
            "ignore-space-change" => self.ignore_space_amount = true,
            "ignore-trailing-space" => self.ignore_trailing = true,
            "ignore-blank-lines" => self.ignore_blank_lines = true,
            "strip-trailing-cr" => self.strip_cr = true,
            "text" => self.text = true,
            "label" => self.labels.push(valued(name, value, rest)?),
            "exclude" => self.exclude.push(valued(name, value, rest)?),
            // Colours are off; the shortest difference is what we look for.
            "color" | "minimal" | "speed-large-files" | "no-dereference" => {}
            _ => return Err(format!("unrecognized option '--{name}'")),
        }
        Ok(())
    }

    fn short(&mut self, argument: &str, rest: &mut Rest<'_>) -> Result<(), String> {
        let mut letters = argument.chars();
        letters.next();
        while let Some(letter) = letters.next() {
            match letter {
                'u' if !matches!(self.form, Form::Unified(_)) => self.form = Form::Unified(CONTEXT),
                'q' => self.form = Form::Brief,
                'r' => self.recursive = true,
                'N' => self.new_file = true,
                's' => self.report_same = true,
                'i' => self.ignore_case = true,
                'w' => self.ignore_space = true,
                'b' => self.ignore_space_amount = true,
                'Z' => self.ignore_trailing = true,
                'B' => self.ignore_blank_lines = true,
                'a' => self.text = true,
                'd' | 'u' | 'p' => {}
                'U' | 'x' | 'L' => {
                    let attached = letters.as_str();
                    let value = (!attached.is_empty()).then_some(attached);
                    let value = valued(&letter.to_string(), value, rest)?;
                    match letter {
                        'U' => self.form = Form::Unified(context(Some(&value))?),
                        'x' => self.exclude.push(value),
                        _ => self.labels.push(value),
                    }
                    return Ok(());
                }
                'y' | 'c' | 'e' | 'n' | 'C' => {
                    return Err(format!(
                        "-{letter} is not supported; use -u or the normal form"
                    ));
                }
                digit if digit.is_ascii_digit() => {
                    let digits: String = std::iter::once(digit).chain(letters.by_ref()).collect();
                    let digits = digits
                        .trim_end_matches(|letter: char| !letter.is_ascii_digit())
                        .to_owned();
                    self.form = Form::Unified(context(Some(&digits))?);
                }
                _ => return Err(format!("invalid option -- '{letter}'")),
            }
        }
        Ok(())
    }
}

fn valued(name: &str, value: Option<&str>, rest: &mut Rest<'_>) -> Result<String, String> {
    let value = value.map(str::to_owned).or_else(|| rest.next().cloned());
    value.ok_or_else(|| format!("option '{name}' requires an argument"))
}

fn context(value: Option<&str>) -> Result<usize, String> {
    value.map_or(Ok(CONTEXT), |text| {
        text.parse()
            .map_err(|_| format!("invalid context length '{text}'"))
    })
}
