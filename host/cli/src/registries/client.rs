//! What the package clients of a machine say.

use super::ask::{Answer, answers};
use super::pattern::Hosts;
use super::{cargo, go, node, python};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one client said.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Client {
    pub name: &'static str,
    pub found: Vec<Found>,
    /// What its operator should know.
    pub notes: Vec<String>,
}

/// A host that a client uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub pattern: String,
    /// The setting that says so.
    pub setting: String,
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct Clients(Vec<Client>);

/// Where clients keep what they are configured with.
pub struct Places {
    /// Clients are asked from here and not from where we were started: what lies in a folder that someone is
    /// working on, or was given, must not decide what every sandbox may reach.
    pub home: PathBuf,
    pub variable: fn(&str) -> Option<String>,
}

impl Places {
    fn of_this_user() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HOME").unwrap_or_else(|| "/".to_owned());
        Self {
            home: home.into(),
            variable,
        }
    }
}

impl Clients {
    /// Asks all of them at once. Who does not answer in time says nothing.
    pub fn ask(limit: Duration) -> Self {
        let places = Places::of_this_user();
        let questions = [
            node::QUESTION,
            python::PIP_QUESTION,
            python::PIP_DEFAULT_QUESTION,
            python::UV_QUESTION,
            go::QUESTION,
        ];
        let [npm, pip, pip_default, uv, go] = answers(questions, &places.home, limit);
        Self(vec![
            client("npm", npm, node::hosts),
            client("pip", pip, |text| python::pip(text, &pip_default)),
            client("uv", uv, |_| python::uv(&places)),
            client("go", go, go::hosts),
            cargo::client(&places),
        ])
    }

    /// Each once, sorted.
    pub fn patterns(&self) -> Vec<String> {
        let found = self.0.iter().flat_map(|client| &client.found);
        let mut patterns: Vec<_> = found.map(|found| found.pattern.clone()).collect();
        patterns.sort();
        patterns.dedup();
        patterns
    }

    /// The clients that named a host.
    pub fn with_patterns(&self) -> Vec<&'static str> {
        let named = self.0.iter().filter(|client| !client.found.is_empty());
        named.map(|client| client.name).collect()
    }

    /// Who said this.
    pub fn said(&self, pattern: &str) -> Vec<String> {
        let of_client = |client: &Client| {
            let own = client.found.iter().filter(|found| found.pattern == pattern);
            let name = client.name;
            own.map(|found| format!("{name}: {}", found.setting))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_client).collect()
    }

    pub fn notes(&self) -> Vec<String> {
        let of_client = |client: &Client| {
            let notes = client.notes.iter();
            let name = client.name;
            notes
                .map(|note| format!("{name}: {note}"))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_client).collect()
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let patterns = self.patterns();
        let said = patterns.iter().flat_map(|pattern| {
            let said = self.said(pattern);
            said.into_iter()
                .map(move |said| format!("{pattern}  ({said})"))
        });
        said.chain(self.notes()).collect()
    }
}

fn client(name: &'static str, answer: Answer, read: impl FnOnce(&str) -> Hosts) -> Client {
    let hosts = match answer {
        Answer::Said(text) => read(&text),
        Answer::Missing => Hosts::noting("is not installed".to_owned()),
        Answer::Failed => Hosts::noting("could not say how it is configured".to_owned()),
        Answer::Silent => {
            Hosts::noting("did not answer in time; ask again with `registries ask`".to_owned())
        }
    };
    hosts.of(name)
}

/// A folder that a variable names, or else one beneath the user's own.
pub fn folder(places: &Places, variable: &str, beneath_home: &str) -> PathBuf {
    match (places.variable)(variable) {
        Some(folder) => Path::new(&folder).to_owned(),
        None => places.home.join(beneath_home),
    }
}
