//! Text that goes through a client and comes back: signed, so that it says what it said when it left.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The text with its signature. What is signed for one purpose is good for no other.
pub fn seal(text: &str, purpose: &str, key: &[u8]) -> String {
    let signature = mac(text, purpose, key).finalize().into_bytes();
    format!("{text}.{}", base16ct::lower::encode_string(&signature))
}

/// The text, when it is as it was sealed.
pub fn open<'a>(sealed: &'a str, purpose: &str, key: &[u8]) -> Option<&'a str> {
    let (text, signature) = sealed.rsplit_once('.')?;
    let signature = base16ct::lower::decode_vec(signature).ok()?;
    mac(text, purpose, key).verify_slice(&signature).ok()?;
    Some(text)
}

fn mac(text: &str, purpose: &str, key: &[u8]) -> Hmac<Sha256> {
    // A key of any length is one of HMAC's: this never takes the other way.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_as_it_was_or_not_at_all() {
        let sealed = seal("a.b", "one", b"key");
        assert_eq!(open(&sealed, "one", b"key"), Some("a.b"));
        assert_eq!(open(&sealed, "two", b"key"), None);
        assert_eq!(open(&sealed, "one", b"other"), None);
        for wrong in ["", "a", "a.", "a.b", &sealed.replace('a', "b")] {
            assert_eq!(open(wrong, "one", b"key"), None, "{wrong}");
        }
    }
}
