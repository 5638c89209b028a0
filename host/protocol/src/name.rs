//! The rule of names, for things of all kinds.

use crate::Error;

/// Refuses what is not the name of a thing.
pub fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let well_formed = (1..=63).contains(&name.len())
        && name.bytes().all(plain)
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric());
    if well_formed {
        return Ok(());
    }
    let rule = "must be 1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or digit";
    Err(Error::Invalid {
        field: field.to_owned(),
        message: rule.to_owned(),
    })
}
