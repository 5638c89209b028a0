//! Calls of an agent's tools for which the policy wants a person to be asked first.
//!
//! The question goes by way of the app, as `human.ask` does: the task is parked until there is an answer. It is a call of its own in
//! the journal, made before the one that it is about, so an agent that is started again asks once; what is fed goes by what is
//! written and not by the policy of the day. An approval holds for lines of the policy: a command may start what only
//! lines ask for that were approved for it. What else it starts that a line asks for is refused, as a program cannot wait for a person.

use crate::Runner;
use crate::calls::{is_lost, look_again};
use crate::catalog::Catalog;
use crate::directories::{cwd, opened};
use crate::files;
use crate::journal::{Call, Fed, Journal};
use crate::tools::Tools;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::slice::from_ref;
use swarm_flow_policy::{Access, CompiledApprovals, Decision, Policy, Reason, ToolCall};
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::{CallRequest, ExecRequest, Question, TaskAnswer, TaskCall};
use swarm_flow_sandbox::{Decided, Decisions};

const CALL: &str = "human.approve";
const ALLOW: &str = "allow";
const DENY: &str = "deny";
/// What the app takes as a question.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Of what is written or read, in a question.
const CONTENT_BYTES_MAX: usize = 2 << 10;

/// What came of a question.
#[derive(Serialize, Deserialize)]
struct Approval {
    allowed: bool,
    /// The lines of the policy that asked.
    lines: Vec<String>,
    by: Option<String>,
}

impl Approval {
    fn decision(&self, call: ToolCall<'_>) -> Decision {
        CompiledApprovals::answered(call, &self.lines, self.allowed, self.by.as_deref())
    }
}

/// Of a command: the lines that a person approved for it.
pub(crate) struct Approved {
    pub(crate) lines: Vec<String>,
    /// Who hears of what was not: the command's caller and the audit log.
    pub(crate) told: Decisions,
}

impl Approved {
    pub(crate) fn tell(&self, call: ToolCall<'_>, decision: &Decision) {
        self.told.tell(&Decided {
            capability: CAPABILITY,
            resource: &call,
            decision,
        });
    }
}

/// What an agent wants to do.
pub(crate) enum Asked<'a> {
    Exec(&'a ExecRequest),
    WriteFile { path: &'a str, bytes: &'a [u8] },
}

impl Asked<'_> {
    /// As the agent asked for it.
    fn call<R>(&self, with: impl FnOnce(ToolCall<'_>) -> R) -> R {
        match self {
            Self::Exec(request) => with(ToolCall::Exec(from_ref(&request.command))),
            Self::WriteFile { path, .. } => with(ToolCall::WriteFile(&[(*path).to_owned()])),
        }
    }

    /// What else a person should know of it.
    fn details(&self) -> String {
        match self {
            Self::Exec(request) => {
                let mut details = String::new();
                if let Some(cwd) = &request.cwd {
                    details.push_str(&format!("in {cwd:?}\n"));
                }
                for (name, value) in &request.env {
                    details.push_str(&format!("with {name:?} = {value:?}\n"));
                }
                if !request.stdin.is_empty() {
                    details.push_str(&content("it reads", &request.stdin));
                }
                details
            }
            Self::WriteFile { bytes, .. } => content("it writes", bytes),
        }
    }
}

impl Tools {
    /// Asks people about a call as long as lines of the policy ask that were not approved yet; gives the lines that were.
    pub(crate) async fn approved(
        &mut self,
        asked: &Asked<'_>,
    ) -> wasmtime::Result<Result<Vec<String>, protocol::Error>> {
        let mut approved = Vec::new();
        let Some(journal) = self.journal.clone() else {
            return Ok(Ok(approved));
        };
        loop {
            let open = match journal.feeds(CALL) {
                Fed::This => Vec::new(),
                Fed::Other => return Ok(Ok(approved)),
                Fed::Nothing => match self.open(asked, &approved).await {
                    open if open.is_empty() => return Ok(Ok(approved)),
                    open => open,
                },
            };
            match self.ask_people(&journal, asked, open).await? {
                Ok(approval) if approval.allowed => approved.extend(approval.lines),
                Ok(approval) => {
                    return Ok(Err(
                        asked.call(|call| denied(call, &approval.decision(call)))
                    ));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// The lines that ask for the call, but for those that were approved. None for what will fail in any case.
    async fn open(&self, asked: &Asked<'_>, approved: &[String]) -> Vec<String> {
        let policy = self.policy();
        if policy.approvals.is_empty() {
            return Vec::new();
        }
        let asking = match asked {
            Asked::Exec(request) => {
                let commands = self
                    .runner
                    .commands(&self.workspace, &policy, request)
                    .await;
                let commands = commands.unwrap_or_default();
                asking(&policy, ToolCall::Exec(&commands))
            }
            Asked::WriteFile { path, .. } => match self.granted(path, Access::ReadWrite) {
                Ok(()) => asking(&policy, ToolCall::WriteFile(&self.paths(path))),
                Err(_) => Vec::new(),
            },
        };
        let open = asking.into_iter().filter(|line| !approved.contains(line));
        open.collect()
    }

    async fn ask_people(
        &mut self,
        journal: &Journal,
        asked: &Asked<'_>,
        lines: Vec<String>,
    ) -> wasmtime::Result<Result<Approval, protocol::Error>> {
        let request = json!({"asked": asked.call(|call| call.exact())});
        let pending = match journal.call(CALL, &request)? {
            Call::Recorded(approval) => return Ok(serde_json::from_value(approval)?),
            Call::New(pending) => pending,
        };
        let approval = match (&self.leased, self.question(journal, asked, &lines)) {
            (_, Err(error)) => Err(error),
            // There is nobody who could be asked.
            (None, _) => Ok(Approval {
                allowed: false,
                lines,
                by: None,
            }),
            (Some(held), Ok(question)) => {
                let (app, lease) = held.asking().await;
                // Where the policy asks for more by now, the answer to an earlier question is none to this one.
                let whose = blake3::hash(lines.join("\n").as_bytes());
                let timeout_ms = question.timeout_ms;
                let request = CallRequest {
                    lease: lease.clone(),
                    step: format!("{}/{}", journal.key(&pending), &whose.to_hex()[..16]),
                    usage: self.spending.usage(),
                    call: TaskCall::Ask(question),
                };
                let answer: Result<TaskAnswer, _> = app.ask("/calls", &request).await;
                let waits = matches!(answer, Ok(TaskAnswer::Waits));
                if waits {
                    look_again(self.runner.clone(), timeout_ms);
                }
                if waits || is_lost(&answer) {
                    return Err(self.park());
                }
                answer.and_then(|answer| approval(answer, lines))
            }
        };
        if let (Ok(approval), Some(recording)) = (&approval, &self.recording) {
            asked.call(|call| recording.record(CAPABILITY, &call, &approval.decision(call)));
        }
        journal.record(pending, &approval)?;
        Ok(approval)
    }

    fn question(
        &self,
        journal: &Journal,
        asked: &Asked<'_>,
        lines: &[String],
    ) -> Result<Question, protocol::Error> {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
        let text = format!(
            "agent `{}`, task `{}` asks for approval of:\n{}\n{}because of approvals: {}",
            journal.header.agent,
            journal.header.task.id,
            asked.call(|call| call.exact()),
            asked.details(),
            lines.join(", ")
        );
        if text.len() > TEXT_BYTES_MAX {
            let message = format!(
                "what needs an approval has to be shown whole, and its question has {} bytes; it may have {TEXT_BYTES_MAX}: \
                 put what is long into a file",
                text.len()
            );
            let field = match asked {
                Asked::Exec(_) => "command",
                Asked::WriteFile { .. } => "path",
            };
            return Err(protocol::Error::Invalid {
                field: field.to_owned(),
                message,
            });
        }
        let timeout = self.runner.shared.config.approval_timeout;
        Ok(Question {
            text,
            options: vec![ALLOW.to_owned(), DENY.to_owned()],
            default: Some(DENY.to_owned()),
            timeout_ms: Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            confidence: None,
        })
    }

    /// A file's path as it was asked for, and without the links that lead there.
    pub(crate) fn paths(&self, path: &str) -> Vec<String> {
        let mut paths = vec![path.to_owned()];
        let real = files::real(self.runner.workspaces(), &self.workspace, path);
        paths.extend(real.filter(|real| real != path));
        paths
    }
}

impl Runner {
    /// The ways in which a command can be written: as it is asked for, and as it is run. An error where it cannot be run.
    async fn commands(
        &self,
        workspace: &str,
        policy: &Policy,
        request: &ExecRequest,
    ) -> Result<Vec<Vec<String>>, protocol::Error> {
        let place = self.workspaces().place(workspace)?;
        let opened = opened(&policy.filesystem, &place, &self.shared.config.roots);
        let cwd = cwd(request.cwd.as_deref(), &opened)?;
        let (environment, asked) = (&request.environment, &request.command);
        let executable = self.executable(environment, asked.clone(), &cwd, &opened);
        let run = executable.await?.argv;
        Ok(spellings(self.catalog(), environment, asked, run))
    }

    /// Whether a command of an agent's, or what one starts, may run when a person approved what these lines ask for. The policy that
    /// it started with asks, and so does the latest one.
    pub(crate) fn approval(
        &self,
        workspace: &str,
        environment: &str,
        policy: &Policy,
        (asked, run): (&[String], &[String]),
        approved: &[String],
    ) -> Decision {
        let latest = self.workspaces().running.policy(workspace);
        let latest = latest.map(|latest| latest.approvals).unwrap_or_default();
        let new = latest
            .into_iter()
            .filter(|line| !policy.approvals.contains(line));
        let lines: Vec<String> = policy.approvals.iter().cloned().chain(new).collect();
        let lines = match CompiledApprovals::new(&lines) {
            Ok(lines) => lines,
            Err(invalid) => {
                return Decision::Deny {
                    reason: Reason::Invalid,
                    message: format!("the policy is none: {invalid}"),
                    grants: Vec::new(),
                };
            }
        };
        let commands = if lines.is_empty() {
            Vec::new()
        } else {
            spellings(self.catalog(), environment, asked, run.to_vec())
        };
        lines.decide(ToolCall::Exec(&commands), approved)
    }
}

/// For the audit log and in denials.
pub(crate) const CAPABILITY: &str = "approval";

/// What comes of a call that is not approved.
pub(crate) fn denied(call: ToolCall<'_>, decision: &Decision) -> protocol::Error {
    protocol::Error::Denied {
        capability: CAPABILITY.to_owned(),
        resource: call.to_string(),
        rule: decision.rule().into_owned(),
    }
}

fn approval(answer: TaskAnswer, lines: Vec<String>) -> Result<Approval, protocol::Error> {
    match answer {
        TaskAnswer::Answer(answer) => Ok(Approval {
            allowed: answer.text == ALLOW,
            lines,
            by: answer.answered_by,
        }),
        other => Err(protocol::Error::Internal {
            message: format!("the app answered another question: {other:?}"),
        }),
    }
}

fn asking(policy: &Policy, call: ToolCall<'_>) -> Vec<String> {
    let lines = CompiledApprovals::new(&policy.approvals).unwrap_or_default();
    let asking = lines.asking(call).into_iter();
    asking.map(str::to_owned).collect()
}

/// A program has other names, a script is run by another program, and some programs are many in one.
fn spellings(
    catalog: &Catalog,
    environment: &str,
    asked: &[String],
    run: Vec<String>,
) -> Vec<Vec<String>> {
    let mut all = vec![asked.to_vec()];
    if run != asked {
        all.push(run);
    }
    let mut others = Vec::new();
    for command in &all {
        let Some((program, arguments)) = command.split_first() else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let Some((own, aliases)) = catalog.names_of(environment, name) else {
            continue;
        };
        if own != name {
            others.push([from_ref(&own), arguments].concat());
        }
        // `coreutils rm a` is `rm a`.
        let first = arguments.first().and_then(|first| first.rsplit('/').next());
        if own == name && first.is_some_and(|first| aliases.iter().any(|alias| alias == first)) {
            others.push(arguments.to_vec());
        }
    }
    all.extend(others);
    all
}

/// How much there is, and how it begins.
fn content(what: &str, bytes: &[u8]) -> String {
    let begin = bytes.get(..CONTENT_BYTES_MAX).unwrap_or(bytes);
    let more = if begin.len() < bytes.len() { "…" } else { "" };
    format!(
        "{what} {} bytes, BLAKE3 {}:\n{:?}{more}\n",
        bytes.len(),
        blake3::hash(bytes).to_hex(),
        String::from_utf8_lossy(begin)
    )
}
