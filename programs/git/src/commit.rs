//! Commits and who made them.

use crate::fail::{Result, fatal};
use crate::objects::SHA1;
use gix_hash::ObjectId;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub seconds: i64,
    /// East of Greenwich.
    pub offset_seconds: i32,
}

pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub author: Person,
    pub committer: Person,
    pub message: Vec<u8>,
    pub raw: Vec<u8>,
}

impl Commit {
    pub fn parse(id: ObjectId, raw: Vec<u8>) -> Result<Self> {
        let bad = |_| fatal(format!("could not parse commit {id}"));
        let parsed = gix_object::CommitRef::from_bytes(&raw, SHA1).map_err(bad)?;
        Ok(Commit {
            id,
            tree: parsed.tree(),
            parents: parsed.parents().collect(),
            author: Person::of(parsed.author().map_err(bad)?),
            committer: Person::of(parsed.committer().map_err(bad)?),
            message: parsed.message.to_vec(),
            raw: raw.clone(),
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.message).into_owned()
    }

    /// The first paragraph in one line.
    pub fn subject(&self) -> String {
        subject(&self.text())
    }
}

pub fn subject(message: &str) -> String {
    let lines = message.trim_start_matches('\n').lines();
    let lines = lines
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim_end);
    lines.collect::<Vec<_>>().join(" ").trim_start().to_owned()
}

/// What comes behind the first paragraph.
pub fn body(message: &str) -> String {
    let message = message.trim_start_matches('\n');
    let mut rest = message;
    while !rest.is_empty() {
        let (line, tail) = rest.split_once('\n').unwrap_or((rest, ""));
        if line.trim().is_empty() {
            break;
        }
        rest = tail;
    }
    rest.trim_start_matches('\n').to_owned()
}

impl Person {
    pub fn of(signature: gix_actor::SignatureRef<'_>) -> Self {
        let time = signature.time().unwrap_or_default();
        Person {
            name: signature.name.to_string(),
            email: signature.email.to_string(),
            seconds: time.seconds,
            offset_seconds: time.offset,
        }
    }

    /// As an object has it.
    pub fn line(&self) -> String {
        format!(
            "{} <{}> {} {}",
            self.name,
            self.email,
            self.seconds,
            zone(self.offset_seconds)
        )
    }
}

/// `+0130`.
pub fn zone(offset_seconds: i32) -> String {
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    let minutes = offset_seconds.unsigned_abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// The text of a commit object.
pub fn encode(
    tree: ObjectId,
    parents: &[ObjectId],
    author: &Person,
    committer: &Person,
    message: &[u8],
) -> Vec<u8> {
    let mut out = format!("tree {tree}\n");
    for parent in parents {
        out += &format!("parent {parent}\n");
    }
    out += &format!(
        "author {}\ncommitter {}\n\n",
        author.line(),
        committer.line()
    );
    let mut out = out.into_bytes();
    out.extend(message);
    out
}
