//! What stands in the place of a match.

use crate::expression::{Groups, control, number};

enum Piece {
    Text(String),
    Group(usize),
    Case(Case),
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    /// `\U` and `\L`, until `\E`.
    Upper,
    Lower,
    End,
    /// `\u` and `\l`: the next letter.
    NextUpper,
    NextLower,
}

pub struct Replacement {
    pieces: Vec<Piece>,
    has_case: bool,
    /// The highest group that it has.
    pub group: usize,
}

impl Replacement {
    pub fn new(source: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = source.chars().peekable();
        while let Some(letter) = rest.next() {
            let piece = match letter {
                '&' => Piece::Group(0),
                '\\' => {
                    let escaped = rest.next().unwrap_or('\\');
                    match escaped {
                        '0'..='9' => Piece::Group(escaped.to_digit(10).unwrap_or(0) as usize),
                        'U' => Piece::Case(Case::Upper),
                        'L' => Piece::Case(Case::Lower),
                        'E' => Piece::Case(Case::End),
                        'u' => Piece::Case(Case::NextUpper),
                        'l' => Piece::Case(Case::NextLower),
                        _ => {
                            let letter = control(escaped)
                                .or_else(|| number(escaped, &mut rest))
                                .unwrap_or(escaped);
                            text.push(letter);
                            continue;
                        }
                    }
                }
                letter => {
                    text.push(letter);
                    continue;
                }
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(piece);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let groups = pieces.iter().map(|piece| match piece {
            Piece::Group(group) => *group,
            _ => 0,
        });
        Self {
            group: groups.max().unwrap_or(0),
            has_case: pieces.iter().any(|piece| matches!(piece, Piece::Case(_))),
            pieces,
        }
    }

    pub fn put(&self, line: &[u8], groups: &Groups, out: &mut Vec<u8>) {
        let (mut lasting, mut next) = (Case::End, Case::End);
        for piece in &self.pieces {
            let bytes = match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Group(group) => {
                    let place = groups.get(*group).copied().flatten();
                    place
                        .and_then(|(from, to)| line.get(from..to))
                        .unwrap_or_default()
                }
                Piece::Case(case @ (Case::NextUpper | Case::NextLower)) => {
                    next = *case;
                    continue;
                }
                Piece::Case(case) => {
                    lasting = *case;
                    continue;
                }
            };
            match self.has_case {
                true => cased(bytes, lasting, &mut next, out),
                false => out.extend(bytes),
            }
        }
    }
}

fn cased(bytes: &[u8], lasting: Case, next: &mut Case, out: &mut Vec<u8>) {
    for letter in String::from_utf8_lossy(bytes).chars() {
        let case = match std::mem::replace(next, Case::End) {
            Case::End => lasting,
            once => once,
        };
        let changed: String = match case {
            Case::Upper | Case::NextUpper => letter.to_uppercase().collect(),
            Case::Lower | Case::NextLower => letter.to_lowercase().collect(),
            Case::End => letter.to_string(),
        };
        out.extend(changed.bytes());
    }
}
