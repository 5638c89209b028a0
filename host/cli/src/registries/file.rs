//! `registries.toml`: a list of patterns, with who said each as a comment.

use super::client::Clients;
use crate::output::harmless;
use crate::state::write_whole;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::Path;
use swarm_flow_policy::pattern::check_registry;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    patterns: Vec<Spanned<String>>,
}

const HEAD: &str = "\
# What `@package-registries` stands for in a policy: the hosts that this machine's package clients use, as they said
# themselves. Edit it as you like: each line is written as in `network.public` of a policy, and may be on a private
# network or this machine. It is read when `up` or `runner` starts.
#
# `swarm-flow registries ask` says what the clients say now; with `--write` it takes the place of this file.
";

/// The patterns, each checked.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("in {}", path.display()))
}

fn parse(text: &str) -> Result<Vec<String>> {
    let file: File = toml::from_str(text)?;
    let mut problems = Vec::new();
    for (index, pattern) in file.patterns.iter().enumerate() {
        if let Err(message) = check_registry(pattern.get_ref()) {
            let (line, column) = line_and_column(text, pattern.span().start);
            problems.push(format!(
                "line {line}, column {column}: patterns[{index}]: {message}"
            ));
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(file.patterns.into_iter().map(Spanned::into_inner).collect())
}

/// From 1, in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

/// For its owner alone, and never half there.
pub fn write(path: &Path, clients: &Clients) -> Result<()> {
    write_whole(path, render(clients).trim_end())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn render(clients: &Clients) -> String {
    let mut text = format!("{HEAD}patterns = [\n");
    for pattern in clients.patterns() {
        for said in clients.said(&pattern) {
            _ = writeln!(text, "  # {}", harmless(&said));
        }
        // A pattern has no quote and no backslash.
        _ = writeln!(text, "  \"{pattern}\",");
    }
    text.push_str("]\n");
    for note in clients.notes() {
        _ = writeln!(text, "# {}", harmless(&note));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        assert_eq!(
            parse("patterns = [\n  # mine\n  \"https://registry.example\",\n]").unwrap(),
            ["https://registry.example"]
        );
        for (text, hint) in [
            (
                "patterns = [\n  \"ü\", \"registry.example\"]",
                "line 2, column 8: patterns[1]: `registry.example` has no scheme",
            ),
            (
                "patterns = [\"http://169.254.169.254\"]",
                "which no policy grants",
            ),
            ("pattern = []", "unknown field `pattern`"),
            ("patterns = [1]", "line 1, column 13"),
            ("", "missing field `patterns`"),
        ] {
            let said = format!("{:#}", parse(text).unwrap_err());
            assert!(said.contains(hint), "{said}");
        }
    }
}
