//! "did you mean …".

/// The known word that this one most looks like, if it looks like one.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE_MIN: f64 = 0.6;
    /// A beginning this long is as good as the word.
    const PREFIX_CHARS_MIN: usize = 4;
    let word = word.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|known| {
            let begun = word.len() >= PREFIX_CHARS_MIN && known.starts_with(&word);
            let alike = strsim::normalized_damerau_levenshtein(&word, known);
            (if begun { 1.0 } else { alike }, known)
        })
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// `; did you mean …?`, or what there is.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(known) => format!("; did you mean `{known}`?"),
        None => format!("; there are {}", list(known)),
    }
}

/// `a`, `b` and `c`.
pub(crate) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["filesystem", "network", "limits", "read_only"];
        for (word, meant) in [
            ("netwrok", Some("network")),
            ("Network", Some("network")),
            ("limit", Some("limits")),
            ("read-only", Some("read_only")),
            ("file", Some("filesystem")),
            ("netwrk", Some("network")),
            ("color", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
