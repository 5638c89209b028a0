//! `audit verify`: whether what is kept is what was written.
//!
//! | given | compared |
//! |---|---|
//! | nothing | the server's records with their own hashes |
//! | a file | the file with its own hashes; the server too; and each record of the file with the server's |
//! | a file, `--offline` | the file with its own hashes |
//!
//! That the last records of a stream are gone can be seen in no chain, only by a file that still has them.

use super::record::{Lines, Record};
use super::{NDJSON, records};
use crate::arguments::Connection;
use crate::client::Client;
use crate::output::{self, Output};
use anyhow::{Context, Result};
use clap::Args;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use swarm_flow_protocol::{Extent, Verifier, time};

#[derive(Args)]
pub struct Verify {
    /// What `audit export` printed; without it, the records of the server are verified
    file: Option<PathBuf>,
    /// Look at the file alone, not at the server
    #[arg(long, requires = "file")]
    offline: bool,
    /// The file was exported with a filter: what lies between its records may be missing
    #[arg(long, requires = "file")]
    part: bool,
}

pub async fn verify(connection: &Connection, command: Verify, output: Output) -> Result<ExitCode> {
    let Some(path) = command.file else {
        let mut server = Checked::new(Extent::Whole);
        let mut lines = all(&Client::new(connection)?).await?;
        while let Some(line) = lines.next().await? {
            server.take(&line);
        }
        return server.finish().tell(output);
    };
    let extent = if command.part {
        Extent::Part
    } else {
        Extent::Whole
    };
    let (file, kept) = read(&path, extent)?;
    let differences = if command.offline {
        Vec::new()
    } else {
        compare(&Client::new(connection)?, &file, kept, extent).await?
    };
    let mut verdict = file.finish();
    verdict.findings.extend(differences);
    verdict.tell(output)
}

/// What a file has at an id.
struct Kept {
    stream: String,
    sequence: u64,
    hash: String,
}

fn read(path: &Path, extent: Extent) -> Result<(Checked, BTreeMap<u64, Kept>)> {
    let open = || format!("read {}", path.display());
    let mut reader = BufReader::new(File::open(path).with_context(open)?);
    let mut file = Checked::new(extent);
    let mut kept = BTreeMap::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).with_context(open)? > 0 {
        if let Some(record) = file.take(&line) {
            let there = Kept {
                stream: record.stream,
                sequence: record.sequence,
                hash: record.hash,
            };
            kept.insert(record.id, there);
        }
        line.clear();
    }
    Ok((file, kept))
}

/// Verifies the server's records, and what the file has of them. Both follow their chains, so equal hashes are equal
/// records.
async fn compare(
    client: &Client,
    file: &Checked,
    mut kept: BTreeMap<u64, Kept>,
    extent: Extent,
) -> Result<Vec<String>> {
    let mut server = Checked::new(Extent::Whole);
    let mut differences = Vec::new();
    let last_id = file.verifier.last_id();
    let mut lines = all(client).await?;
    while let Some(line) = lines.next().await? {
        let Some(record) = server.take(&line) else {
            continue;
        };
        let Record {
            id,
            stream,
            sequence,
            hash,
            ..
        } = &record;
        match kept.remove(id) {
            Some(there) if there.hash == *hash => {}
            Some(_) => differences.push(format!(
                "replaced: record {id}, #{sequence} of {stream}: file and server differ"
            )),
            // A gap in the file was found in the file; the end of a stream shows here.
            None if extent == Extent::Whole
                && *id < last_id
                && *sequence > file.verifier.reached(stream) =>
            {
                differences.push(format!(
                    "removed: record {id}, #{sequence} of {stream}: the file lacks it"
                ));
            }
            None => {}
        }
    }
    let on_server = server.finish().findings.into_iter();
    let mut findings: Vec<String> = on_server.map(|text| format!("server: {text}")).collect();
    findings.extend(differences);
    findings.extend(kept.into_iter().map(|(id, there)| {
        let Kept {
            stream, sequence, ..
        } = there;
        format!("removed: record {id}, #{sequence} of {stream}: the server lacks it")
    }));
    Ok(findings)
}

async fn all(client: &Client) -> Result<Lines> {
    Ok(Lines::new(records(client, &[], NDJSON).await?))
}

/// Lines, and what is wrong with them.
struct Checked {
    verifier: Verifier,
    line: u64,
    wrong: Vec<String>,
}

impl Checked {
    fn new(extent: Extent) -> Self {
        Self {
            verifier: Verifier::new(extent),
            line: 0,
            wrong: Vec::new(),
        }
    }

    fn take(&mut self, line: &[u8]) -> Option<Record> {
        self.line += 1;
        if line.trim_ascii().is_empty() {
            return None;
        }
        let record = match Record::read(line) {
            Ok(record) => record,
            Err(error) => {
                self.wrong
                    .push(format!("edited: line {}: {error:#}", self.line));
                return None;
            }
        };
        // The hash is over the number; people read the other.
        if record.at != time::rfc3339(record.at_ms) {
            self.wrong.push(format!(
                "edited: record {}, #{} of {}: `at` is not `at_ms`",
                record.id, record.sequence, record.stream
            ));
        }
        self.verifier.take(record.id, &record.link(), &record.hash);
        Some(record)
    }

    fn finish(self) -> Verdict {
        let (records, streams) = (self.verifier.records(), self.verifier.streams());
        let mut findings = self.wrong;
        let found = self.verifier.finish();
        findings.extend(found.iter().map(ToString::to_string));
        Verdict {
            records,
            streams,
            findings,
        }
    }
}

#[derive(serde::Serialize)]
struct Verdict {
    records: u64,
    streams: usize,
    findings: Vec<String>,
}

impl Verdict {
    fn tell(&self, output: Output) -> Result<ExitCode> {
        output.print(self, |verdict| {
            if verdict.findings.is_empty() {
                let (records, streams) = (verdict.records, verdict.streams);
                return format!("{records} records of {streams} streams are right");
            }
            let lines = verdict.findings.iter().map(|text| output::harmless(text));
            lines.collect::<Vec<_>>().join("\n")
        })?;
        Ok(if self.findings.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
