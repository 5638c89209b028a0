//! Patterns in which one item stands for any number of others: `*` among the words of a command, `**` among the parts of a
//! path, `*` among the characters of either.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<T> {
    /// Any number of items, none too.
    Any,
    One(T),
}

/// A word or a name: `*` stands for any characters.
pub(crate) type Word = Vec<Piece<char>>;

pub(crate) fn word(text: &str) -> Word {
    let piece = |char| match char {
        '*' => Piece::Any,
        other => Piece::One(other),
    };
    text.chars().map(piece).collect()
}

pub(crate) fn word_is(pattern: &[Piece<char>], text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    is(pattern, &chars, |own, char| own == char)
}

/// Whether the pattern stands for these items. Of what an [`Piece::Any`] could be only the last one is tried again, so the time is
/// bounded by the product of the two lengths.
pub(crate) fn is<T, I>(pattern: &[Piece<T>], items: &[I], same: impl Fn(&T, &I) -> bool) -> bool {
    let (mut own, mut at) = (0, 0);
    let mut again = None;
    while let Some(item) = items.get(at) {
        match pattern.get(own) {
            Some(Piece::Any) => {
                again = Some((own + 1, at));
                own += 1;
            }
            Some(Piece::One(one)) if same(one, item) => {
                own += 1;
                at += 1;
            }
            _ => match again {
                None => return false,
                Some((after, from)) => {
                    again = Some((after, from + 1));
                    (own, at) = (after, from + 1);
                }
            },
        }
    }
    let left = pattern.get(own..).unwrap_or_default();
    left.iter().all(|piece| matches!(piece, Piece::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("**", "ü", true),
            ("*ü*", "aüb", true),
        ] {
            assert_eq!(word_is(&word(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_that_almost_matches_often_takes_no_time() {
        let pattern = word(&"*a".repeat(200));
        assert!(!word_is(&pattern, &format!("{}b", "a".repeat(10_000))));
    }
}
