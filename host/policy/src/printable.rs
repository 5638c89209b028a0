//! Text from outside, as it may stand in a message.

use std::borrow::Cow;

/// The text with every character escaped that would move a cursor, end a line or turn the reading around: a policy, a
/// guest or a caller wrote parts of it, and it ends in logs and terminals.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unseen(char) {
            printable.extend(char.escape_default());
        } else {
            printable.push(char);
        }
    }
    Cow::Owned(printable)
}

fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_escaped() {
        assert_eq!(printable("`bücher`"), "`bücher`");
        assert_eq!(
            printable("a\r\n\u{1b}[2J\u{202e}b"),
            "a\\r\\n\\u{1b}[2J\\u{202e}b"
        );
    }
}
