//! `{a,b}` and `{1..9}`: one word becomes many, before anything else is expanded.

use crate::syntax::{Part, Word};

/// Words that one may become.
const WORDS_MAX: usize = 1_000_000;

/// A word in pieces: characters that are not quoted, and everything else.
#[derive(Debug, Clone)]
enum Piece {
    Character(char),
    Part(Part),
}

/// The words that it stands for, or why there are too many.
pub fn expand(word: &Word) -> Result<Vec<Word>, String> {
    let mut pieces = Vec::new();
    for part in &word.parts {
        match part {
            Part::Literal(text) => pieces.extend(text.chars().map(Piece::Character)),
            part => pieces.push(Piece::Part(part.clone())),
        }
    }
    let words = alternatives(&pieces, 0)?;
    Ok(words.into_iter().map(join).collect())
}

fn join(pieces: Vec<Piece>) -> Word {
    let mut parts = Vec::new();
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Character(character) => text.push(character),
            Piece::Part(part) => {
                if !text.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut text)));
                }
                parts.push(part);
            }
        }
    }
    if !text.is_empty() {
        parts.push(Part::Literal(text));
    }
    Word {
        parts,
        braces: false,
    }
}

fn alternatives(pieces: &[Piece], depth: u32) -> Result<Vec<Vec<Piece>>, String> {
    let Some((start, end, members)) = first_group(pieces, depth)? else {
        return Ok(vec![pieces.to_vec()]);
    };
    let before = pieces.get(..start).unwrap_or_default();
    let after = alternatives(pieces.get(end..).unwrap_or_default(), depth)?;
    if members.len().saturating_mul(after.len()) > WORDS_MAX {
        return Err(format!("brace expansion: more than {WORDS_MAX} words"));
    }
    let mut words = Vec::with_capacity(members.len() * after.len());
    for member in &members {
        for rest in &after {
            words.push([before, member, rest].concat());
        }
    }
    Ok(words)
}

type Group = (usize, usize, Vec<Vec<Piece>>);

/// The first `{…}` that is one: where it begins and ends, and its members.
fn first_group(pieces: &[Piece], depth: u32) -> Result<Option<Group>, String> {
    if depth > 100 {
        return Err("brace expansion: nested too deeply".to_owned());
    }
    let mut at = 0;
    while at < pieces.len() {
        if is(pieces, at, '{')
            && let Some((end, commas)) = matching(pieces, at)
        {
            let mut members = Vec::new();
            if commas.is_empty() {
                let inside = pieces.get(at + 1..end).unwrap_or_default();
                if let Some(sequence) = sequence(inside)? {
                    return Ok(Some((at, end + 1, sequence)));
                }
            } else {
                let mut from = at + 1;
                for to in commas.into_iter().chain([end]) {
                    let member = pieces.get(from..to).unwrap_or_default();
                    members.extend(alternatives(member, depth + 1)?);
                    from = to + 1;
                }
                return Ok(Some((at, end + 1, members)));
            }
        }
        at += 1;
    }
    Ok(None)
}

fn is(pieces: &[Piece], at: usize, wanted: char) -> bool {
    matches!(pieces.get(at), Some(Piece::Character(character)) if *character == wanted)
}

/// From `{` on: where its `}` is and where its own commas are.
fn matching(pieces: &[Piece], start: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0;
    let mut commas = Vec::new();
    for (at, piece) in pieces.iter().enumerate().skip(start) {
        match piece {
            Piece::Character('{') => depth += 1,
            Piece::Character('}') => {
                depth -= 1;
                if depth == 0 {
                    return Some((at, commas));
                }
            }
            Piece::Character(',') if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    None
}

/// `1..9`, `a..e`, `01..10..2`.
fn sequence(inside: &[Piece]) -> Result<Option<Vec<Vec<Piece>>>, String> {
    let mut text = String::new();
    for piece in inside {
        match piece {
            Piece::Character(character) => text.push(*character),
            Piece::Part(_) => return Ok(None),
        }
    }
    let ends: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match ends.as_slice() {
        [first, last] => (*first, *last, 1),
        [first, last, step] => match step.parse::<i64>() {
            Ok(step) => (*first, *last, step),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    let number = |text: &str| text.parse::<i64>().ok();
    let letter = |text: &str| {
        let mut characters = text.chars();
        let letter = characters.next().filter(char::is_ascii_alphabetic);
        letter.filter(|_| characters.next().is_none())
    };
    let (from, to, render): (i64, i64, Box<dyn Fn(i64) -> String>) =
        match (number(first), number(last), letter(first), letter(last)) {
            (Some(from), Some(to), ..) => {
                let padded = |text: &str| {
                    let digits = text.trim_start_matches(['-', '+']);
                    digits.len() > 1 && digits.starts_with('0')
                };
                let width = if padded(first) || padded(last) {
                    first.len().max(last.len())
                } else {
                    0
                };
                (from, to, Box::new(move |value| format!("{value:0width$}")))
            }
            (_, _, Some(from), Some(to)) => (
                i64::from(from as u32),
                i64::from(to as u32),
                Box::new(|value| {
                    let letter = u32::try_from(value).ok().and_then(char::from_u32);
                    letter.map(String::from).unwrap_or_default()
                }),
            ),
            _ => return Ok(None),
        };
    let step = step.unsigned_abs().max(1);
    let count = from.abs_diff(to) / step + 1;
    if count > WORDS_MAX as u64 {
        return Err(format!("brace expansion: more than {WORDS_MAX} words"));
    }
    let mut words = Vec::new();
    for index in 0..count {
        let distance = i64::try_from(index * step).unwrap_or(i64::MAX);
        let value = if to >= from {
            from.saturating_add(distance)
        } else {
            from.saturating_sub(distance)
        };
        words.push(render(value).chars().map(Piece::Character).collect());
    }
    Ok(Some(words))
}
