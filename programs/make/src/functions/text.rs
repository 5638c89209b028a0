//! Functions of words and text that need nothing but their arguments.

use crate::expand::substitute;
use crate::fault::Outcome;
use crate::make::Make;
use crate::stem::Pattern;
use std::collections::{BTreeSet, HashSet};

/// Whether the function is one of these.
pub fn run<'a>(out: &mut String, name: &str, argument: &impl Fn(usize) -> &'a str) -> bool {
    let words = |index: usize| argument(index).split_ascii_whitespace();
    match name {
        "subst" => match argument(0) {
            "" => {
                out.push_str(argument(2));
                out.push_str(argument(1));
            }
            from => out.push_str(&argument(2).replace(from, argument(1))),
        },
        "patsubst" => substitute(out, argument(2), argument(0), argument(1)),
        "strip" => join(out, words(0)),
        "findstring" if argument(1).contains(argument(0)) => out.push_str(argument(0)),
        "findstring" => {}
        "filter" => join(out, filtered(argument(0), argument(1), true)),
        "filter-out" => join(out, filtered(argument(0), argument(1), false)),
        "sort" => join(out, words(0).collect::<BTreeSet<&str>>()),
        "words" => out.push_str(&words(0).count().to_string()),
        "firstword" => out.push_str(words(0).next().unwrap_or_default()),
        "lastword" => out.push_str(words(0).next_back().unwrap_or_default()),
        _ => return false,
    }
    true
}

pub fn join<'a>(out: &mut String, words: impl IntoIterator<Item = &'a str>) {
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// The words that are like one of the patterns, or those that are not.
fn filtered<'a>(patterns: &str, text: &'a str, like: bool) -> Vec<&'a str> {
    let (mut plain, mut open) = (HashSet::new(), Vec::new());
    for word in patterns.split_ascii_whitespace() {
        let pattern = Pattern::new(word);
        match pattern.has_percent() {
            true => open.push(pattern),
            false => {
                plain.insert(pattern.fill(""));
            }
        }
    }
    let matches =
        |word: &&str| plain.contains(*word) || open.iter().any(|pattern| pattern.matches(word));
    let words = text.split_ascii_whitespace();
    words.filter(|word| matches(word) == like).collect()
}

impl Make {
    pub(super) fn word_at(
        &mut self,
        out: &mut String,
        name: &str,
        arguments: &[String],
    ) -> Outcome<()> {
        let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
        if name == "word" {
            let place = self.number(argument(0), "first", name)?;
            if place == 0 {
                return Err(self.stop("first argument to 'word' function must be greater than 0"));
            }
            let mut words = argument(1).split_ascii_whitespace();
            out.push_str(words.nth(place - 1).unwrap_or_default());
            return Ok(());
        }
        let first = self.number(argument(0), "first", name)?;
        let last = self.number(argument(1), "second", name)?;
        if first == 0 {
            return Err(self.stop("invalid first argument to 'wordlist' function: '0'"));
        }
        let count = (last + 1).saturating_sub(first);
        let words = argument(2).split_ascii_whitespace();
        join(out, words.skip(first - 1).take(count));
        Ok(())
    }

    fn number(&mut self, text: &str, which: &str, name: &str) -> Outcome<usize> {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            // More than there can be words is as good as the most.
            return Ok(text.parse().unwrap_or(usize::MAX - 1));
        }
        let text = format!("non-numeric {which} argument to '{name}' function: '{text}'");
        Err(self.stop(&text))
    }
}
