//! What jaq does not read: numbers without a digit before the point, and characters in two halves.

/// The filter with `0.5` for `.5`, and with the character that `\ud83d\ude00` is.
pub fn complete(filter: &str) -> String {
    let mut out = String::with_capacity(filter.len());
    let mut characters = filter.chars().peekable();
    // For each text that is open, how many parentheses are open within what stands in it.
    let mut texts: Vec<usize> = Vec::new();
    let mut in_text = false;
    let mut last = ' ';
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        match character {
            '\\' if in_text && next == 'u' => {
                let rest: String = characters.clone().take(11).collect();
                match whole(&rest) {
                    Some(character) => {
                        out.push(character);
                        characters.nth(10);
                    }
                    None => out.push('\\'),
                }
                continue;
            }
            '\\' if in_text => {
                out.push(character);
                out.extend(characters.next());
                if next == '(' {
                    texts.push(0);
                    (in_text, last) = (false, next);
                }
                continue;
            }
            '"' => in_text = !in_text,
            '(' if !in_text => texts.iter_mut().rev().take(1).for_each(|open| *open += 1),
            ')' if !in_text => match texts.last_mut() {
                Some(0) => {
                    texts.pop();
                    in_text = true;
                }
                Some(open) => *open -= 1,
                None => {}
            },
            '#' if !in_text => {
                out.push(character);
                while let Some(comment) = characters.next_if(|next| *next != '\n') {
                    out.push(comment);
                }
                continue;
            }
            '.' if !in_text && next.is_ascii_digit() && starts_number(last) => out.push('0'),
            _ => {}
        }
        out.push(character);
        last = character;
    }
    out
}

/// The character that `ud83d\ude00` is.
fn whole(halves: &str) -> Option<char> {
    let (first, second) = halves.strip_prefix('u')?.split_once("\\u")?;
    let unit = |digits: &str| u16::from_str_radix(digits, 16).ok();
    let mut both = char::decode_utf16([unit(first)?, unit(second)?]);
    match (both.next(), both.next()) {
        (Some(Ok(character)), None) => Some(character),
        _ => None,
    }
}

fn starts_number(before: char) -> bool {
    !(before.is_alphanumeric() || "_.)]}\"?".contains(before))
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn numbers_get_their_zero() {
        for (given, wanted) in [
            ("[.1,2]", "[0.1,2]"),
            (".a * .5", ".a * 0.5"),
            ("1.5 + x.5", "1.5 + x.5"),
            (r#"".5 \(.5 + "\(.5)") .5""#, r#"".5 \(0.5 + "\(0.5)") .5""#),
            (r#""\ud83d\ude00 \u00e9""#, "\"\u{1f600} \\u00e9\""),
            ("1 # .5\n,.5", "1 # .5\n,0.5"),
        ] {
            assert_eq!(complete(given), wanted);
        }
    }
}
