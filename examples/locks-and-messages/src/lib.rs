//! Librarians who make one index of many documents. A desk gives the documents out, to whoever asks next; each reader puts
//! the headings that it finds into the one index, which it locks while it does; when all have left, the desk counts.

use serde::Deserialize;
use std::collections::BTreeSet;
use swarm_flow_agent::tools::{self, Error};
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, locks, messages, progress};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Context {
    Desk {
        documents: Vec<String>,
        readers: usize,
    },
    /// The id of the desk's task.
    Reader { desk: String },
}

struct Librarian;

/// A line for each heading and the document that it is in, in order.
const INDEX: &str = "index.txt";
/// What the desk says to who shall leave.
const NO_MORE: &str = "";

impl Agent for Librarian {
    const NAME: &'static str = "librarian";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(include_str!("../context.schema.json"));

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        match task.context_as()? {
            Context::Desk { documents, readers } => Ok(give_out(documents, readers)?),
            Context::Reader { desk } => Ok(read(&desk)?),
        }
    }
}

swarm_flow_agent::export!(Librarian);

/// Each request is one for a document; a reader that was told that there is none asks no more.
fn give_out(documents: Vec<String>, readers: usize) -> Result<TaskResult, Error> {
    let count = documents.len();
    let mut left = documents.into_iter();
    let mut gone = 0;
    while gone < readers {
        let request = messages::receive()?;
        match left.next() {
            Some(document) => messages::reply(&request, &document)?,
            None => {
                messages::reply(&request, NO_MORE)?;
                gone += 1;
            }
        }
    }
    let index = {
        let _read = locks::shared(INDEX)?;
        index()?
    };
    let said = format!("{} headings of {count} documents", index.len());
    Ok(TaskResult::success(said).artifact(INDEX))
}

fn read(desk: &str) -> Result<TaskResult, Error> {
    let mut read = Vec::new();
    loop {
        let document = messages::request(desk, "next")?;
        if document == NO_MORE {
            return Ok(TaskResult::success(read.join("\n")));
        }
        progress::report(&format!("reads {document}"));
        let text = tools::read_to_string(&document)?;
        put_in(headings(&text).map(|heading| format!("{heading}\t{document}")))?;
        read.push(document);
    }
}

/// Nobody else looks at the index between reading and writing it.
fn put_in(lines: impl Iterator<Item = String>) -> Result<(), Error> {
    let _written = locks::exclusive(INDEX)?;
    let mut all = index()?;
    all.extend(lines);
    let text: String = all.iter().map(|line| format!("{line}\n")).collect();
    tools::write(INDEX, text)
}

/// What is in the index; nothing before the first wrote it.
fn index() -> Result<BTreeSet<String>, Error> {
    match tools::read_to_string(INDEX) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(Error::NotFound(_)) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    let heading = |line: &'_ str| line.starts_with('#');
    text.lines()
        .filter(move |line| heading(line))
        .map(|line| line.trim_start_matches('#').trim())
}
