//! For tests of agents: a model that says what it was told to say, and a workspace that is a folder of this machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use crate::platform::{Model, Request, Workspace};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use swarm_flow_agent::inputs::Input;
use swarm_flow_agent::model::{
    FinishReason, Message, ModelError, ModelInfo, Part, Response, ToolCall, ToolChoice, Usage,
};
use swarm_flow_agent::tools::{
    Command, Denial, Error, ExecResult, FileInfo, FileKind, LimitHit, Missing, Outcome,
};

/// What the model was asked once.
#[derive(Clone, Debug)]
pub struct Asked {
    pub messages: Vec<Message>,
    pub tools: Vec<&'static str>,
    pub choice: ToolChoice,
    pub kind: String,
    pub model: Option<String>,
}

impl Asked {
    /// All that is said in the last message.
    pub fn last(&self) -> String {
        self.messages.last().map(words).unwrap_or_default()
    }

    /// All that is said.
    pub fn all(&self) -> String {
        self.messages
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn words(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::ToolResult(result) => result.content.clone(),
        Part::ToolCall(call) => call.arguments.clone(),
        Part::Image(_) => String::new(),
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// Says these answers, one after the other.
#[derive(Default)]
pub struct Scripted {
    answers: RefCell<VecDeque<Result<Response, ModelError>>>,
    pub asked: RefCell<Vec<Asked>>,
    pub models: Vec<ModelInfo>,
    /// What one answer counts as input; none: one token for four bytes.
    pub input_tokens: Cell<Option<u64>>,
}

impl Scripted {
    pub fn new(answers: impl IntoIterator<Item = Result<Response, ModelError>>) -> Self {
        Self {
            answers: RefCell::new(answers.into_iter().collect()),
            ..Self::default()
        }
    }

    /// With a window.
    pub fn window(mut self, tokens: u64) -> Self {
        self.models = vec![ModelInfo {
            name: "scripted".to_owned(),
            provider: "test".to_owned(),
            context_tokens: Some(tokens),
            output_tokens_max: None,
            price: None,
            tools: true,
            images: false,
            structured_output: true,
            is_default: true,
        }];
        self
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// The answers that nobody asked for.
    pub fn left(&self) -> usize {
        self.answers.borrow().len()
    }
}

impl Model for Scripted {
    fn chat(&self, request: &Request<'_>) -> Result<Response, ModelError> {
        self.asked.borrow_mut().push(Asked {
            messages: request.messages.to_vec(),
            tools: request.tools.iter().map(|tool| tool.name).collect(),
            choice: request.choice.clone(),
            kind: request.kind.to_owned(),
            model: request.model.map(str::to_owned),
        });
        let next = self.answers.borrow_mut().pop_front();
        let mut answer = next.expect("the model is asked more often than it has answers")?;
        let bytes: usize = request
            .messages
            .iter()
            .map(|message| words(message).len())
            .sum();
        answer.usage.input = self.input_tokens.get().unwrap_or(bytes as u64 / 4);
        Ok(answer)
    }

    fn models(&self) -> Vec<ModelInfo> {
        self.models.clone()
    }
}

/// The model stops.
pub fn says(text: &str) -> Result<Response, ModelError> {
    Ok(answer(
        vec![Part::Text(text.to_owned())],
        FinishReason::Stop,
    ))
}

/// The model's answer is cut off.
pub fn cut_off(text: &str) -> Result<Response, ModelError> {
    Ok(answer(
        vec![Part::Text(text.to_owned())],
        FinishReason::Length,
    ))
}

/// The model uses a tool.
pub fn uses(name: &str, arguments: Value) -> Result<Response, ModelError> {
    uses_all(&[(name, arguments)])
}

/// Several at once.
pub fn uses_all(calls: &[(&str, Value)]) -> Result<Response, ModelError> {
    let calls = calls.iter().enumerate().map(|(index, (name, arguments))| {
        Part::ToolCall(ToolCall {
            id: format!("call_{index}_{name}"),
            name: (*name).to_owned(),
            arguments: arguments.to_string(),
        })
    });
    Ok(answer(calls.collect(), FinishReason::ToolCalls))
}

fn answer(parts: Vec<Part>, finish_reason: FinishReason) -> Response {
    Response {
        parts,
        finish_reason,
        usage: Usage {
            input: 0,
            cached_input: 0,
            output: 10,
            reasoning: 0,
            is_estimated: false,
        },
        model: "scripted".to_owned(),
        provider_model: "scripted-1".to_owned(),
        provider: "test".to_owned(),
        cost_microusd: Some(5),
    }
}

/// A workspace in a folder, whose commands are this machine's.
pub struct Folder {
    folder: tempfile::TempDir,
    pub inputs: Vec<Input>,
    pub reports: RefCell<Vec<String>>,
    /// A command that has this in it is told that.
    pub denied: Option<(&'static str, Denial)>,
    /// Each call fails with this.
    pub broken: RefCell<Option<Error>>,
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = Self {
            folder,
            inputs: Vec::new(),
            reports: RefCell::default(),
            denied: None,
            broken: RefCell::default(),
        };
        for (path, content) in files {
            new.write(path, content.as_bytes()).unwrap();
        }
        new
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn fails(&self) -> Result<(), Error> {
        self.broken.borrow().clone().map_or(Ok(()), Err)
    }
}

fn missing(kind: &str, id: &str) -> Error {
    Error::NotFound(Missing {
        kind: kind.to_owned(),
        id: id.to_owned(),
        known: Vec::new(),
    })
}

impl Workspace for Folder {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error> {
        self.fails()?;
        let cwd = command.cwd.as_deref().unwrap_or("/workspace");
        let cwd = self.path(cwd.trim_start_matches("/workspace").trim_start_matches('/'));
        let seconds = command.timeout_ms.unwrap_or(60_000) as f64 / 1000.0;
        let mut process = Process::new("timeout");
        process
            .arg(seconds.to_string())
            .args(&command.argv)
            .current_dir(cwd);
        let done = process.stdin(Stdio::null()).output().unwrap();
        let exit_code = u8::try_from(done.status.code().unwrap_or(137)).unwrap();
        if exit_code == 127 {
            return Err(missing("program", &command.argv[0]));
        }
        let allowed = command.timeout_ms.unwrap_or(60_000);
        let limit = LimitHit {
            name: "wall_time".to_owned(),
            used: allowed,
            allowed,
        };
        let denied = self
            .denied
            .iter()
            .filter(|(text, _)| command.argv.join(" ").contains(text));
        Ok(ExecResult {
            outcome: if exit_code == 124 {
                Outcome::Limit(limit)
            } else {
                Outcome::Exited
            },
            exit_code,
            stdout: done.stdout,
            stderr: done.stderr,
            stdout_truncated: false,
            stderr_truncated: false,
            wall_ms: 1.0,
            cpu_ms: 1.0,
            peak_memory_bytes: 1,
            read_bytes: 0,
            written_bytes: 0,
            sandbox: String::new(),
            denials: denied.map(|(_, denial)| denial.clone()).collect(),
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.fails()?;
        std::fs::read(self.path(path)).map_err(|_| missing("file", path))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.fails()?;
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        // The next one has another time.
        std::thread::sleep(std::time::Duration::from_millis(10));
        Ok(())
    }

    fn list(&self) -> Result<Vec<FileInfo>, Error> {
        self.fails()?;
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        Ok(found)
    }

    fn inputs(&self) -> Vec<Input> {
        self.inputs.clone()
    }

    fn report(&self, message: &str) {
        self.reports.borrow_mut().push(message.to_owned());
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<FileInfo>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = path.metadata().unwrap();
        let modified = data
            .modified()
            .unwrap()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        found.push(FileInfo {
            path: path.strip_prefix(root).unwrap().display().to_string(),
            kind: if data.is_dir() {
                FileKind::Directory
            } else {
                FileKind::File
            },
            size_bytes: data.len(),
            modified_at_ms: u64::try_from(modified.as_millis()).unwrap(),
        });
        if data.is_dir() {
            walk(root, &path, found);
        }
    }
}
