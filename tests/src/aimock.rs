//! What plays the providers of models: aimock, from npm, in a process of its own.

use crate::{artefact, server};
use reqwest::blocking::Client;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ended when it is dropped.
pub struct Aimock {
    child: Child,
    pub url: String,
    client: Client,
    _fixtures: tempfile::NamedTempFile,
}

impl Drop for Aimock {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Aimock {
    /// With these fixtures, or none where the package could not be fetched.
    pub fn start(fixtures: &[Value]) -> Option<Self> {
        let package = artefact::root().join("target/fixtures/aimock");
        if !package.join("installed").exists() {
            println!("skipped: `cargo xtask test` fetches aimock where there is npm");
            return None;
        }
        let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
        std::fs::write(file.path(), json!({"fixtures": fixtures}).to_string()).unwrap();
        let mut child = Command::new("node")
            .arg(package.join("node_modules/@copilotkit/aimock/dist/cli.js"))
            .args(["--port", "0", "--strict", "--fixtures"])
            .arg(file.path())
            // A fixture for a turn is for this turn alone.
            .env("AIMOCK_STRICT_TURN_INDEX", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url =
            lines.find_map(|line| Some(line.unwrap().split_once(" listening on ")?.1.to_owned()));
        // Read on, or it would wait for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self {
            child,
            url: url.unwrap(),
            client: server::client(),
            _fixtures: file,
        })
    }

    /// Puts `models.toml` into a state folder: the models `by-openai` and `by-anthropic`. Their key is in `MOCK_KEY`.
    pub fn settings(&self, state: &Path) {
        let record = |dialect: &str, base: &str| {
            format!(
                r#"
[[provider]]
name = "{dialect}-mock"
dialect = "{dialect}"
base_url = "{base}"
key = {{ env = "MOCK_KEY" }}
retry_ms = 100

[[model]]
name = "by-{dialect}"
provider = "{dialect}-mock"
id = "tiger-1"
price = {{ input = 1000.0, output = 2000.0, as_of = 2026-01-31 }}
"#
            )
        };
        let text = record("openai", &format!("{}/v1", self.url)) + &record("anthropic", &self.url);
        std::fs::write(state.join("models.toml"), text).unwrap();
    }

    /// The calls that it got: what the user said last, and the status that it answered.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let journal = self.client.get(format!("{}/__aimock/journal", self.url));
        let journal: Value = journal.send().unwrap().json().unwrap();
        let calls = journal.as_array().unwrap().iter();
        let calls = calls.filter(|call| call["method"] == "POST");
        calls
            .map(|call| {
                let messages = call["body"]["messages"].as_array().unwrap().iter();
                let mut asked = messages.rev().filter(|message| message["role"] == "user");
                let said = asked.next().unwrap()["content"].to_string();
                (said, call["response"]["status"].as_u64().unwrap())
            })
            .collect()
    }

    /// How often it was asked this.
    pub fn asked(&self, text: &str) -> usize {
        let calls = self.calls();
        calls.iter().filter(|(said, _)| said.contains(text)).count()
    }

    /// Fails from now on: `{"rateLimitRate": 1}`; null for no more.
    pub fn fail(&self, how: &Value) {
        let url = format!("{}/__aimock/chaos", self.url);
        let request = match how {
            Value::Null => self.client.delete(url),
            how => self.client.post(url).json(how),
        };
        assert!(request.send().unwrap().status().is_success());
    }
}
