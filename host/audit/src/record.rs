//! What a record says, and its JSON: `wit/audit.wit` lists the kinds.
//!
//! What others wrote is cut short and made printable; JSON escapes the rest. So no name ends a line or a record.

use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use swarm_flow_policy::{Access, Reason, printable};

/// The sandbox that records are about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub workspace: &'a str,
    pub sandbox: &'a str,
    /// Who asked for it: `user`, `agent:script`.
    pub actor: &'a str,
}

/// What a sandbox starts with.
#[derive(Clone, Debug)]
pub struct Started<'a> {
    pub program: &'a str,
    pub environment: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    pub revision: u64,
    /// What is opened for it.
    pub directories: Vec<(&'a str, Access)>,
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

/// What all records of a sandbox share, in one piece of memory: another thread frees it, which costs both.
pub(crate) struct About {
    /// The texts, one behind the other.
    text: String,
    /// Where each ends: workspace, sandbox, actor, program, environment, policy, directories.
    ends: [usize; TEXTS],
    accesses: [Access; DIRECTORIES_MAX],
    directories: usize,
    revision: u64,
    network: &'static str,
}

const TEXTS: usize = 6 + DIRECTORIES_MAX;

impl About {
    pub(crate) fn new(subject: Subject<'_>, started: &Started<'_>) -> Self {
        let listed = started.directories.iter().take(DIRECTORIES_MAX);
        let texts = [
            subject.workspace,
            subject.sandbox,
            subject.actor,
            started.program,
            started.environment,
            started.policy,
        ];
        let texts = texts
            .into_iter()
            .chain(listed.clone().map(|(path, _)| *path));
        let mut about = Self {
            text: String::with_capacity(texts.clone().map(str::len).sum()),
            ends: [0; TEXTS],
            accesses: [Access::Read; DIRECTORIES_MAX],
            directories: started.directories.len(),
            revision: started.revision,
            network: started.network,
        };
        for (text, end) in texts.zip(&mut about.ends) {
            about.text.push_str(text);
            *end = about.text.len();
        }
        for ((_, access), kept) in listed.zip(&mut about.accesses) {
            *kept = *access;
        }
        about
    }

    fn text(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..self.ends[index]).unwrap_or_default()
    }

    fn directories(&self) -> impl Iterator<Item = (&str, Access)> {
        let accesses = self.accesses.iter().take(self.directories);
        accesses
            .enumerate()
            .map(|(index, access)| (self.text(6 + index), *access))
    }
}

/// What waits to be written. Who records pays for its making: it has no memory of its own.
pub(crate) struct Record {
    pub(crate) about: Arc<About>,
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

pub(crate) enum What {
    Started,
    Ended(Ended, u64),
    Decided(Arc<Decided>, u64),
}

/// What a resource or a rule may have, in characters.
pub(crate) const TEXT_MAX: usize = 512;
const NAME_MAX: usize = 100;
/// Directories that are listed; the rest is counted. Together with the above a payload stays below 8 KiB.
const DIRECTORIES_MAX: usize = 12;

impl Record {
    pub(crate) fn new(about: &Arc<About>, what: What) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let at_ms = now.map_or(0, |now| now.as_millis());
        Self {
            about: about.clone(),
            at_ms: at_ms.try_into().unwrap_or(u64::MAX),
            what,
        }
    }

    /// About what it takes while it waits, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let text = match &self.what {
            What::Started => TEXT_MAX,
            What::Ended(..) => 0,
            What::Decided(decided, _) => decided.resource.len() + decided.rule.len(),
        };
        size_of::<Self>() + text
    }

    pub(crate) fn kind(&self) -> &'static str {
        match &self.what {
            What::Started => "sandbox.started",
            What::Ended(..) => "sandbox.ended",
            What::Decided(decided, _) if decided.allowed => "decision.allowed",
            What::Decided(..) => "decision.denied",
        }
    }

    pub(crate) fn actor(&self) -> Cow<'_, str> {
        match self.about.text(2) {
            "" => "unknown".into(),
            actor => short(actor, NAME_MAX),
        }
    }

    /// Into a buffer that is empty.
    pub(crate) fn write_payload(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
        let detail = match &self.what {
            What::Started => Detail::Started(StartedJson::of(&self.about)),
            What::Ended(ended, denied) => Detail::Ended(EndedJson::of(ended, *denied)),
            What::Decided(decided, count) => Detail::Decided(DecidedJson::of(decided, *count)),
        };
        let payload = Payload {
            workspace: self.about.text(0),
            sandbox: self.about.text(1),
            detail,
        };
        serde_json::to_writer(buffer, &payload)
    }
}

/// The text, printable and cut short.
pub(crate) fn short(text: &str, most: usize) -> Cow<'_, str> {
    let text = printable(text);
    if text.len() <= most || text.chars().nth(most).is_none() {
        return text;
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
    program: Cow<'a, str>,
    environment: Cow<'a, str>,
    policy: Cow<'a, str>,
    revision: u64,
    directories: Vec<DirectoryJson<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_directories: usize,
    network: &'a str,
}

#[derive(Serialize)]
struct DirectoryJson<'a> {
    path: Cow<'a, str>,
    access: &'static str,
}

impl<'a> StartedJson<'a> {
    fn of(about: &'a About) -> Self {
        let directory = |(path, access): (&'a str, Access)| DirectoryJson {
            path: short(path, NAME_MAX),
            access: match access {
                Access::Read => "read",
                Access::ReadWrite => "read_write",
            },
        };
        Self {
            program: short(about.text(3), NAME_MAX),
            environment: short(about.text(4), NAME_MAX),
            policy: short(about.text(5), NAME_MAX),
            revision: about.revision,
            directories: about.directories().map(directory).collect(),
            more_directories: about.directories.saturating_sub(DIRECTORIES_MAX),
            network: about.network,
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

    fn payload(record: &Record) -> String {
        let mut buffer = Vec::new();
        record.write_payload(&mut buffer).unwrap();
        String::from_utf8(buffer).unwrap()
    }

    fn record(what: What) -> Record {
        record_about("x", what)
    }

    /// About a sandbox whose caller wrote this wherever there is room for it.
    fn record_about(text: &str, what: What) -> Record {
        let subject = Subject {
            workspace: "ws_1",
            sandbox: "sb_1",
            actor: "user\n{\"sequence\":1}",
        };
        let started = Started {
            program: text,
            environment: text,
            policy: text,
            revision: u64::MAX,
            directories: vec![(text, Access::ReadWrite); 100],
            network: "public",
        };
        let about = About::new(subject, &started);
        Record::new(&Arc::new(about), what)
    }

    #[test]
    fn a_name_with_newlines_and_terminal_codes_stays_in_its_field() {
        let evil = "x\n{\"kind\":\"sandbox.ended\"}\r\u{1b}[2J\u{202e}\u{2028}\0\"";
        let record = record_about(evil, What::Started);
        let payload = payload(&record);
        for text in [payload.as_str(), record.actor().as_ref()] {
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
            let started = record_about(&text, What::Started);
            let decided = record(What::Decided(
                Arc::new(Decided {
                    capability: "lookup",
                    resource: short(&text, TEXT_MAX).into_owned(),
                    allowed: false,
                    reason: Some(Reason::AddressNotGranted),
                    rule: short(&text, TEXT_MAX).into_owned(),
                }),
                u64::MAX,
            ));
            for record in [started, decided] {
                assert!(payload(&record).len() < 8 << 10);
            }
        }
    }

    #[test]
    fn each_text_is_in_its_field() {
        let subject = Subject {
            workspace: "ws_1",
            sandbox: "sb_1",
            actor: "user",
        };
        let started = Started {
            program: "p",
            environment: "",
            policy: "standard",
            revision: 7,
            directories: vec![("/workspace", Access::ReadWrite), ("/data", Access::Read)],
            network: "none",
        };
        let about = Arc::new(About::new(subject, &started));
        assert_eq!(
            payload(&Record::new(&about, What::Started)),
            r#"{"workspace":"ws_1","sandbox":"sb_1","program":"p","environment":"","policy":"standard","revision":7,"directories":[{"path":"/workspace","access":"read_write"},{"path":"/data","access":"read"}],"network":"none"}"#
        );
    }

    #[test]
    fn a_payload_has_the_keys_of_its_kind() {
        let ended = record(What::Ended(
            Ended {
                limit: Some("memory".to_owned()),
                exit_code: Some(137),
                wall_ms: 1.23456,
                ..Ended::without_usage("limit")
            },
            3,
        ));
        assert_eq!(
            payload(&ended),
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
            payload(&allowed),
            r#"{"workspace":"ws_1","sandbox":"sb_1","capability":"http","resource":"GET https://a.example/","decision":"allow","rule":"network = \"any\"","count":1}"#
        );
    }
}
