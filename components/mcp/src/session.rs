//! The id of a session of the legacy era. It says what was agreed on, and is signed with a key of the server's: so every
//! instance knows it, and a made-up one is unknown. There is nothing to forget, hence no way to end one early.

use crate::seal;
use crate::version::LEGACY;
use serde_json::{Map, Value, json};

#[derive(Debug, PartialEq)]
pub struct Session {
    pub version: &'static str,
    pub capabilities: Value,
}

/// How long a session may last.
const LIFE_MS: u64 = 30 * 24 * 60 * 60 * 1000;

const PURPOSE: &str = "session";

/// The capabilities of a client that matter here, by the letter that stands for each.
const CAPABILITIES: [(char, &str); 3] = [('e', "elicitation"), ('s', "sampling"), ('r', "roots")];

/// Begins a session.
pub fn begin(
    version: &str,
    capabilities: &Value,
    now_ms: u64,
    random: &[u8],
    key: &[u8],
) -> String {
    let letters: String = CAPABILITIES
        .iter()
        .filter(|(_, name)| capabilities.get(name).is_some())
        .map(|(letter, _)| *letter)
        .collect();
    let random = base16ct::lower::encode_string(random);
    let said = format!("{version}.{letters}.{now_ms:x}.{random}");
    seal::seal(&said, PURPOSE, key)
}

/// The session of an id, when this server began it and it is not too old.
pub fn resume(id: &str, now_ms: u64, key: &[u8]) -> Option<Session> {
    let said = seal::open(id, PURPOSE, key)?;
    let mut parts = said.split('.');
    let version = parts.next()?;
    let letters = parts.next()?;
    let began_ms = u64::from_str_radix(parts.next()?, 16).ok()?;
    if now_ms.saturating_sub(began_ms) > LIFE_MS {
        return None;
    }
    let capabilities: Map<_, _> = CAPABILITIES
        .iter()
        .filter(|(letter, _)| letters.contains(*letter))
        .map(|(_, name)| ((*name).to_owned(), json!({})))
        .collect();
    Some(Session {
        version: LEGACY.into_iter().find(|known| *known == version)?,
        capabilities: capabilities.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_by_who_has_the_key_until_it_is_old() {
        let asked = json!({"elicitation": {"form": {}}, "roots": {}, "other": {}});
        let id = begin("2025-06-18", &asked, 1000, &[1; 16], b"key");
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        let session = resume(&id, 2000, b"key").unwrap();
        assert_eq!(session.version, "2025-06-18");
        assert_eq!(
            session.capabilities,
            json!({"elicitation": {}, "roots": {}})
        );
        assert_eq!(resume(&id, 2000, b"other"), None);
        assert_eq!(resume(&id, 1001 + LIFE_MS, b"key"), None);
        for wrong in [
            String::new(),
            "a".to_owned(),
            id.replace(".er.", ".ers."),
            id.replace("2025-06-18", "2025-11-25"),
            format!("{id}0"),
        ] {
            assert_eq!(resume(&wrong, 2000, b"key"), None, "{wrong}");
        }
    }
}
