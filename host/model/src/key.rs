//! A key: wiped from memory, shown nowhere.

use http::HeaderValue;
use std::fmt::{self, Debug, Formatter};
use zeroize::Zeroizing;

/// Shorter ones are words that stand in any text.
const MASKED_BYTES_MIN: usize = 8;

#[derive(Clone)]
pub(crate) struct Key(Zeroizing<String>);

impl Debug for Key {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(***)")
    }
}

impl Key {
    /// Says what is wrong with it without saying it.
    pub(crate) fn new(value: Zeroizing<String>) -> Result<Self, &'static str> {
        let trimmed = Zeroizing::new(value.trim().to_owned());
        if trimmed.is_empty() {
            return Err("is empty");
        }
        if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has characters that no key has; give visible ASCII without spaces");
        }
        Ok(Self(trimmed))
    }

    /// A header that logs do not show.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("{prefix}{}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The text without the key in it.
    pub(crate) fn mask(&self, text: String) -> String {
        if self.0.len() < MASKED_BYTES_MIN || !text.contains(self.0.as_str()) {
            return text;
        }
        text.replace(self.0.as_str(), "***")
    }
}

/// All that nobody may see of a provider: its key, and what other headers are by reference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(pub(crate) Vec<Key>);

impl Secrets {
    pub(crate) fn mask(&self, text: String) -> String {
        self.0.iter().fold(text, |text, key| key.mask(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::new(Zeroizing::new(" sk-tiger-tiger\n".to_owned())).unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
        let header = key.header("Bearer ").unwrap();
        assert_eq!(header, "Bearer sk-tiger-tiger");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(key.mask("it is sk-tiger-tiger.".to_owned()), "it is ***.");
        for wrong in ["", " \n", "a b", "sk-ü"] {
            assert!(Key::new(Zeroizing::new(wrong.to_owned())).is_err());
        }
    }
}
