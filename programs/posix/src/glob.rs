//! File name patterns as `fnmatch` reads them: `*`, `?`, `[a-z]`, `[!a]`, `\` before a character that means itself.

/// What a pattern leaves to its user.
#[derive(Clone, Copy, Default)]
pub struct Options {
    pub ignore_case: bool,
}

/// Whether the whole name matches. `*` matches `/` and a leading dot too.
pub fn matches(pattern: &str, name: &str, options: Options) -> bool {
    let fold = |text: &str| -> Vec<char> {
        match options.ignore_case {
            true => text.to_lowercase().chars().collect(),
            false => text.chars().collect(),
        }
    };
    run(&fold(pattern), &fold(name))
}

/// Goes back to the last `*` only, so it takes at most the product of both lengths.
fn run(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = pattern.get(at..).unwrap_or_default();
        if rest.first() == Some(&'*') {
            star = Some((at + 1, place));
            at += 1;
            continue;
        }
        match (rest.is_empty(), name.get(place)) {
            (true, None) => return true,
            (false, Some(character)) => {
                if let Some(length) = one(rest, *character) {
                    at += length;
                    place += 1;
                    continue;
                }
            }
            _ => {}
        }
        match star {
            Some((after, from)) if from < name.len() => {
                star = Some((after, from + 1));
                (at, place) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// How much of the pattern stands for this one character.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == character).then_some(2),
        ['[', rest @ ..] => match set(rest, character) {
            Some((true, length)) => Some(length + 1),
            Some((false, _)) => None,
            None => (character == '[').then_some(1),
        },
        [plain, ..] => (*plain == character).then_some(1),
        [] => None,
    }
}

/// Whether a set has the character, and the set's length; none if it has no end.
fn set(rest: &[char], character: char) -> Option<(bool, usize)> {
    let negated = matches!(rest.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let first = at;
    let mut found = false;
    loop {
        match rest.get(at..)? {
            [']', ..] if at > first => return Some((found != negated, at + 1)),
            ['[', ':', class @ ..] => {
                let end = class.windows(2).position(|two| two == [':', ']'])?;
                let name: String = class.get(..end)?.iter().collect();
                found |= in_class(&name, character);
                at += end + 4;
            }
            [low, '-', high, ..] if *high != ']' => {
                found |= (*low..=*high).contains(&character);
                at += 3;
            }
            ['\\', escaped, ..] => {
                found |= *escaped == character;
                at += 2;
            }
            [member, ..] => {
                found |= *member == character;
                at += 1;
            }
            [] => return None,
        }
    }
}

fn in_class(name: &str, character: char) -> bool {
    match name {
        "alpha" => character.is_alphabetic(),
        "digit" => character.is_ascii_digit(),
        "alnum" => character.is_alphanumeric(),
        "upper" => character.is_uppercase(),
        "lower" => character.is_lowercase(),
        "space" => character.is_whitespace(),
        "punct" => character.is_ascii_punctuation(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whole() {
        let plain = Options::default();
        for (pattern, name, expected) in [
            ("*.rs", "main.rs", true),
            ("*.rs", "main.rs.bak", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            (r"\*", "*", true),
            ("*a*b*", "xxaxxb", true),
            ("[[:digit:]]*", "1a", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name, plain), expected, "{pattern} {name}");
        }
        assert!(matches("*.RS", "a.rs", Options { ignore_case: true }));
    }
}
