//! The patterns as one expression.

use crate::options::{Options, Syntax};
use swarm_flow_posix::pattern;

/// What finds matches in a line.
pub enum Expression {
    /// No pattern at all: nothing matches.
    Nothing,
    Regular(regex::bytes::Regex),
    /// With references to groups, or Perl's look-around. It reads text, so bytes that are none are replaced.
    Backtracking(Box<fancy_regex::Regex>),
}

impl Expression {
    /// The first match at or behind a place.
    pub fn find(&self, line: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Self::Nothing => None,
            Self::Regular(regex) => regex
                .find_at(line, from)
                .map(|found| (found.start(), found.end())),
            Self::Backtracking(regex) => {
                let line = String::from_utf8_lossy(line);
                let found = regex.find_from_pos(line.as_ref(), from).ok().flatten()?;
                Some((found.start(), found.end()))
            }
        }
    }
}

pub fn compile(options: &Options) -> Result<Expression, String> {
    let mut backtracking = options.syntax == Syntax::Perl;
    let mut parts = Vec::new();
    for pattern in &options.patterns {
        let regex = match options.syntax {
            Syntax::Fixed => pattern::literal(pattern),
            Syntax::Perl => pattern.clone(),
            Syntax::Basic => translate(pattern, pattern::Syntax::Basic, &mut backtracking)?,
            // A repetition of nothing is nothing, as GNU has it.
            Syntax::Extended => translate(
                pattern.trim_start_matches(['*', '+', '?']),
                pattern::Syntax::Extended,
                &mut backtracking,
            )?,
        };
        parts.push(regex);
    }
    if parts.is_empty() {
        return Ok(Expression::Nothing);
    }
    if backtracking && options.syntax != Syntax::Perl && parts.len() > 1 {
        return Err("back-references with more than one pattern are not supported".to_owned());
    }
    let mut regex = match parts.as_slice() {
        [one] => format!("(?:{one})"),
        several => format!("(?:(?:{}))", several.join(")|(?:")),
    };
    if options.word {
        regex = match backtracking {
            true => format!("(?<!\\w){regex}(?!\\w)"),
            false => format!("\\b{{start-half}}{regex}\\b{{end-half}}"),
        };
    }
    if options.line {
        regex = format!("^{regex}$");
    }
    if options.ignore_case {
        regex = format!("(?i){regex}");
    }
    if options.null_data {
        regex = format!("(?m){regex}");
    }
    build(&regex, backtracking)
}

fn build(regex: &str, backtracking: bool) -> Result<Expression, String> {
    if !backtracking {
        let built = regex::bytes::RegexBuilder::new(regex)
            .size_limit(64 << 20)
            .build();
        return built
            .map(Expression::Regular)
            .map_err(|error| last_line(&error.to_string()));
    }
    // What needs no backtracking is faster without, and reads bytes.
    if let Ok(regular) = regex::bytes::Regex::new(regex) {
        return Ok(Expression::Regular(regular));
    }
    let built = fancy_regex::Regex::new(regex);
    built
        .map(|regex| Expression::Backtracking(Box::new(regex)))
        .map_err(|error| last_line(&error.to_string()))
}

fn translate(
    pattern: &str,
    syntax: pattern::Syntax,
    backtracking: &mut bool,
) -> Result<String, String> {
    let translated = pattern::translate(pattern, syntax)?;
    *backtracking |= translated.backreference;
    Ok(translated.regex)
}

fn last_line(text: &str) -> String {
    text.lines()
        .last()
        .unwrap_or(text)
        .trim_start_matches("error: ")
        .to_owned()
}
