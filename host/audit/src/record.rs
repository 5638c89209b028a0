//! What a record says, and its JSON: `wit/audit.wit` lists the kinds.
//!
//! What others wrote is cut short and made printable; JSON escapes the rest. So no name ends a line or a record.

use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use swarm_flow_policy::{Access, Reason, printable};

/// The sandbox that records are about.
#[derive(Clone, Debug)]
pub struct Subject {
    pub workspace: String,
    pub sandbox: String,
    /// Who asked for it: `user`, `agent:script`.
    pub actor: String,
}

/// What a sandbox starts with.
#[derive(Clone, Debug)]
pub struct Started {
    pub program: String,
    pub environment: String,
    /// The policy's name.
    pub policy: String,
    pub revision: u64,
    /// What is opened for it.
    pub directories: Vec<(String, Access)>,
    /// The kind of network: `none`, `public`.
    pub network: &'static str,
}

/// How a sandbox ended and what it used.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `exited`, `trapped`, `limit`, `cancelled`, or `failed` where the runner could not run it.
    pub outcome: &'static str,
    /// Which limit.
    pub limit: Option<String>,
    pub exit_code: Option<u8>,
    /// 0 where nobody measured it: then the trail says how long it was there.
    pub wall_ms: f64,
    pub cpu_ms: f64,
    pub peak_memory_bytes: u64,
}

impl Ended {
    /// With nothing known of what it used.
    pub fn without_usage(outcome: &'static str) -> Self {
        Self {
            outcome,
            limit: None,
            exit_code: None,
            wall_ms: 0.0,
            cpu_ms: 0.0,
            peak_memory_bytes: 0,
        }
    }
}

/// A decision, or many that are alike.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) capability: &'static str,
    pub(crate) resource: String,
    pub(crate) allowed: bool,
    pub(crate) reason: Option<Reason>,
    pub(crate) rule: String,
}

/// What waits to be written.
pub(crate) struct Record {
    pub(crate) subject: Arc<Subject>,
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

pub(crate) enum What {
    Started(Box<Started>),
    Ended(Box<Ended>, u64),
    Decided(Arc<Decided>, u64),
}

/// What a resource or a rule may have, in characters.
pub(crate) const TEXT_MAX: usize = 512;
const NAME_MAX: usize = 100;
/// Directories that are listed; the rest is counted. Together with the above a payload stays below 8 KiB.
const DIRECTORIES_MAX: usize = 12;

impl Record {
    pub(crate) fn new(subject: &Arc<Subject>, what: What) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = now.map_or(0, |now| now.as_millis());
        Self {
            subject: subject.clone(),
            at_ms: at_ms.try_into().unwrap_or(u64::MAX),
            what,
        }
    }

    /// About what it takes while it waits, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let text = match &self.what {
            What::Started(_) => TEXT_MAX,
            What::Ended(..) => 0,
            What::Decided(decided, _) => decided.resource.len() + decided.rule.len(),
        };
        size_of::<Self>() + text
    }

    pub(crate) fn kind(&self) -> &'static str {
        match &self.what {
            What::Started(_) => "sandbox.started",
            What::Ended(..) => "sandbox.ended",
            What::Decided(decided, _) if decided.allowed => "decision.allowed",
            What::Decided(..) => "decision.denied",
        }
    }

    pub(crate) fn actor(&self) -> String {
        if self.subject.actor.is_empty() {
            return "unknown".to_owned();
        }
        short(&self.subject.actor, NAME_MAX)
    }

    pub(crate) fn payload(&self) -> serde_json::Result<String> {
        let detail = match &self.what {
            What::Started(started) => Detail::Started(StartedJson::of(started)),
            What::Ended(ended, denied) => Detail::Ended(EndedJson::of(ended, *denied)),
            What::Decided(decided, count) => Detail::Decided(DecidedJson::of(decided, *count)),
        };
        serde_json::to_string(&Payload {
            workspace: &self.subject.workspace,
            sandbox: &self.subject.sandbox,
            detail,
        })
    }
}

/// The text, printable and cut short.
pub(crate) fn short(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().nth(most).is_none() {
        return text.into_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[derive(Serialize)]
struct Payload<'a> {
    workspace: &'a str,
    sandbox: &'a str,
    #[serde(flatten)]
    detail: Detail<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Started(StartedJson<'a>),
    Ended(EndedJson<'a>),
    Decided(DecidedJson<'a>),
}

#[derive(Serialize)]
struct StartedJson<'a> {
    program: String,
    environment: String,
    policy: String,
    revision: u64,
    directories: Vec<DirectoryJson>,
    #[serde(skip_serializing_if = "is_zero")]
    more_directories: usize,
    network: &'a str,
}

#[derive(Serialize)]
struct DirectoryJson {
    path: String,
    access: &'static str,
}

impl<'a> StartedJson<'a> {
    fn of(started: &'a Started) -> Self {
        let listed = started.directories.iter().take(DIRECTORIES_MAX);
        let directory = |(path, access): &(String, Access)| DirectoryJson {
            path: short(path, NAME_MAX),
            access: match access {
                Access::Read => "read",
                Access::ReadWrite => "read_write",
            },
        };
        Self {
            program: short(&started.program, NAME_MAX),
            environment: short(&started.environment, NAME_MAX),
            policy: short(&started.policy, NAME_MAX),
            revision: started.revision,
            directories: listed.map(directory).collect(),
            more_directories: started.directories.len().saturating_sub(DIRECTORIES_MAX),
            network: started.network,
        }
    }
}

#[derive(Serialize)]
struct EndedJson<'a> {
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    wall_ms: f64,
    cpu_ms: f64,
    peak_memory_bytes: u64,
    denied: u64,
}

impl<'a> EndedJson<'a> {
    fn of(ended: &'a Ended, denied: u64) -> Self {
        Self {
            outcome: ended.outcome,
            limit: ended.limit.as_deref(),
            exit_code: ended.exit_code,
            wall_ms: thousandths(ended.wall_ms),
            cpu_ms: thousandths(ended.cpu_ms),
            peak_memory_bytes: ended.peak_memory_bytes,
            denied,
        }
    }
}

#[derive(Serialize)]
struct DecidedJson<'a> {
    capability: &'a str,
    resource: &'a str,
    decision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    rule: &'a str,
    count: u64,
}

impl<'a> DecidedJson<'a> {
    fn of(decided: &'a Decided, count: u64) -> Self {
        Self {
            capability: decided.capability,
            resource: &decided.resource,
            decision: if decided.allowed { "allow" } else { "deny" },
            reason: decided.reason,
            rule: &decided.rule,
            count,
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// No more digits than a clock is good for.
fn thousandths(milliseconds: f64) -> f64 {
    (milliseconds * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(what: What) -> Record {
        let subject = Subject {
            workspace: "ws_1".to_owned(),
            sandbox: "sb_1".to_owned(),
            actor: "user\n{\"sequence\":1}".to_owned(),
        };
        Record::new(&Arc::new(subject), what)
    }

    #[test]
    fn a_name_with_newlines_and_terminal_codes_stays_in_its_field() {
        let evil = "x\n{\"kind\":\"sandbox.ended\"}\r\u{1b}[2J\u{202e}\u{2028}\0\"";
        let record = record(What::Started(Box::new(Started {
            program: evil.to_owned(),
            environment: evil.to_owned(),
            policy: evil.to_owned(),
            revision: 1,
            directories: vec![(evil.to_owned(), Access::Read)],
            network: "none",
        })));
        let payload = record.payload().unwrap();
        for text in [payload.as_str(), &record.actor()] {
            assert!(!text.contains(|char: char| char.is_control()), "{text}");
            assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&payload).unwrap();
        assert!(json.get("kind").is_none());
        assert_eq!(json["program"], printable(evil).as_ref());
    }

    #[test]
    fn the_largest_payload_is_below_eight_kibibytes() {
        let worst = "\u{10348}".repeat(1 << 16);
        let quoted = "\"".repeat(1 << 16);
        for text in [worst, quoted] {
            let started = record(What::Started(Box::new(Started {
                program: text.clone(),
                environment: text.clone(),
                policy: text.clone(),
                revision: u64::MAX,
                directories: vec![(text.clone(), Access::ReadWrite); 100],
                network: "public",
            })));
            let decided = record(What::Decided(
                Arc::new(Decided {
                    capability: "lookup",
                    resource: short(&text, TEXT_MAX),
                    allowed: false,
                    reason: Some(Reason::AddressNotGranted),
                    rule: short(&text, TEXT_MAX),
                }),
                u64::MAX,
            ));
            for record in [started, decided] {
                assert!(record.payload().unwrap().len() < 8 << 10);
            }
        }
    }

    #[test]
    fn a_payload_has_the_keys_of_its_kind() {
        let ended = record(What::Ended(
            Box::new(Ended {
                limit: Some("memory".to_owned()),
                exit_code: Some(137),
                wall_ms: 1.23456,
                ..Ended::without_usage("limit")
            }),
            3,
        ));
        assert_eq!(
            ended.payload().unwrap(),
            r#"{"workspace":"ws_1","sandbox":"sb_1","outcome":"limit","limit":"memory","exit_code":137,"wall_ms":1.235,"cpu_ms":0.0,"peak_memory_bytes":0,"denied":3}"#
        );
        let allowed = record(What::Decided(
            Arc::new(Decided {
                capability: "http",
                resource: "GET https://a.example/".to_owned(),
                allowed: true,
                reason: None,
                rule: "network = \"any\"".to_owned(),
            }),
            1,
        ));
        assert_eq!(
            allowed.payload().unwrap(),
            r#"{"workspace":"ws_1","sandbox":"sb_1","capability":"http","resource":"GET https://a.example/","decision":"allow","rule":"network = \"any\"","count":1}"#
        );
    }
}
