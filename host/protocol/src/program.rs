//! Programs, as a runner offers them and as it describes one.

use crate::Error;
use serde::{Deserialize, Serialize};

/// The largest program that is taken.
pub const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// How many programs a runner keeps for users. With those that come along, they fit into a [`crate::Registration`].
pub const PROGRAMS_ADDED_MAX: usize = 128;

/// Something that `exec` can run, or an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub name: String,
    /// Other names by which `exec` finds it.
    #[serde(default)]
    pub aliases: Vec<String>,
    pub version: String,
    #[serde(default)]
    pub origin: Origin,
    /// The environments that have it.
    pub environments: Vec<String>,
    /// BLAKE3 of the file, hexadecimal.
    pub digest: String,
    pub size_bytes: u64,
    /// What it says of itself where it is an agent: then it is given tasks, and `exec` does not find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentProfile>,
}

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProfile {
    /// What a task's `requirements` can name.
    pub capabilities: Vec<String>,
    /// How a task's `context` must look, as a JSON Schema; none when it is free text.
    pub context_schema: Option<String>,
}

impl Program {
    /// Whether `exec` finds it by this.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Why nobody else's program can have one of its names.
    pub fn name_is_taken(&self, name: &str) -> String {
        let what = if self.agent.is_some() {
            "agent"
        } else {
            "program"
        };
        format!(
            "`{name}` is the {what} `{}` {}, which comes with the platform and is neither replaced nor removed; \
             yours can have another name",
            self.name, self.version
        )
    }
}

/// Where a program is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It comes with the platform, or its operator named it: no user changes it.
    #[default]
    Shipped,
    /// A user added it.
    Added,
}

/// A program, and what its file says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramDetails {
    pub program: Program,
    pub kind: ProgramKind,
    pub imports: Vec<ImportGroup>,
    /// As SPDX writes it, where it is known.
    pub license: Option<String>,
    /// Whether it would start without being compiled first.
    pub compiled: bool,
}

/// Which of the two layers of WebAssembly a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramKind {
    Component,
    /// A core module of preview 1 of WASI.
    Module,
}

/// Imports that one part of a policy has to grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportGroup {
    /// `filesystem`, `network`, `sockets`; none where every sandbox has them.
    pub capability: Option<String>,
    /// `wasi:filesystem/types@0.2.3`.
    pub interfaces: Vec<String>,
}

/// Refuses what is no version of a program.
pub fn check_program_version(field: &str, version: &str) -> Result<(), Error> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    if (1..=VERSION_BYTES_MAX).contains(&version.len()) && version.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::Invalid {
        field: field.to_owned(),
        message: format!("must be 1 to {VERSION_BYTES_MAX} letters, digits, `.`, `_`, `-` or `+`"),
    })
}

const VERSION_BYTES_MAX: usize = 63;

/// Refuses what is no BLAKE3 hash as this platform writes it.
pub fn check_digest(field: &str, digest: &str) -> Result<(), Error> {
    let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digest.len() == DIGEST_DIGITS && digest.bytes().all(hexadecimal) {
        return Ok(());
    }
    Err(Error::Invalid {
        field: field.to_owned(),
        message: format!("must be a BLAKE3 hash: {DIGEST_DIGITS} hexadecimal digits in lower case"),
    })
}

const DIGEST_DIGITS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check_name;

    #[test]
    fn names_versions_and_digests_have_their_forms() {
        for (name, right) in [
            ("a", true),
            ("A-1_b.c", true),
            ("", false),
            (".a", false),
            ("-a", false),
            ("a/b", false),
            ("a b", false),
            ("ü", false),
            (&"a".repeat(63), true),
            (&"a".repeat(64), false),
        ] {
            assert_eq!(check_name("name", name).is_ok(), right, "{name}");
        }
        for (version, right) in [
            ("0", true),
            ("1.2.3-rc.1+x_y", true),
            ("", false),
            ("1 2", false),
            ("1\n", false),
            (&"1".repeat(64), false),
        ] {
            assert_eq!(
                check_program_version("v", version).is_ok(),
                right,
                "{version}"
            );
        }
        for (digest, right) in [
            ("0af".repeat(21) + "0", true),
            ("0af".repeat(21), false),
            ("0AF".repeat(21) + "0", false),
            ("0ag".repeat(21) + "0", false),
        ] {
            assert_eq!(check_digest("d", &digest).is_ok(), right, "{digest}");
        }
    }

    #[test]
    fn a_program_that_was_registered_before_there_were_others_is_shipped() {
        let text = r#"{"name":"a","version":"1","environments":[],"digest":"","size_bytes":1}"#;
        let program: Program = serde_json::from_str(text).unwrap();
        assert_eq!(
            (program.origin, program.aliases.len()),
            (Origin::Shipped, 0)
        );
    }
}
