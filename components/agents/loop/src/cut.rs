//! Long texts are cut in the middle: what a command was about stands at its start, and what came of it at its end.

/// Of a tool's result.
pub const OUTPUT_CHARS_MAX: usize = 30_000;

/// The text, or its start and its end with what was left out between them.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> String {
    // No text has more characters than bytes, and most are short.
    if text.len() <= chars_max {
        return text.to_owned();
    }
    let chars = text.chars().count();
    if chars <= chars_max {
        return text.to_owned();
    }
    let head = chars_max / 2;
    let tail = chars_max - head;
    let start = text.char_indices().nth(head).map_or(0, |(at, _)| at);
    let end = text
        .char_indices()
        .nth(chars - tail)
        .map_or(text.len(), |(at, _)| at);
    let (start, end) = (
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default(),
    );
    let left_out = chars - chars_max;
    format!("{start}\n[… {left_out} of {chars} characters are left out here …]\n{end}")
}

/// The start of one line, for those who look on.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    let one = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one.chars().count() <= chars_max {
        return one;
    }
    let mut start: String = one.chars().take(chars_max.saturating_sub(1)).collect();
    start.push('…');
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_start_and_its_end_and_says_what_is_missing() {
        assert_eq!(cut("héllo", 5), "héllo");
        let text = format!("{}{}{}", "ä".repeat(10), "x".repeat(100), "ö".repeat(10));
        let short = cut(&text, 20);
        assert!(
            short.starts_with(&"ä".repeat(10)) && short.ends_with(&"ö".repeat(10)),
            "{short}"
        );
        assert!(
            short.contains("100 of 120 characters are left out"),
            "{short}"
        );
        assert_eq!(line("a\n  b   c", 10), "a b c");
        assert_eq!(line("abcdef", 4), "abc…");
    }
}
