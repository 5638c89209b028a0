//! Programs that are started and waited for.

use crate::make::Make;
use crate::variables::{Export, GLOBAL, Origin, SetId};
use std::collections::BTreeMap;
use std::path::Path;
use swarm_flow_process::bindings::process::{self, Child, End, SpawnError, Writer};
use swarm_flow_process::bindings::wasi::io::poll;

/// What a program starts with.
pub struct Start {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
}

/// Starts a program that reads and writes what this one does, but for `stdout` if that is given.
pub fn start(start: Start, stdout: Option<&Writer>, with_input: bool) -> Result<Child, SpawnError> {
    let (own_input, own_output, own_error) =
        (process::stdin(), process::stdout(), process::stderr());
    process::spawn(&process::Command {
        argv: start.argv,
        env: start.env,
        cwd: start.cwd,
        stdin: with_input.then_some(&own_input),
        stdout: Some(stdout.unwrap_or(&own_output)),
        stderr: Some(&own_error),
    })
}

pub fn wait(child: &Child) -> End {
    loop {
        if let Some(end) = child.end() {
            return end;
        }
        child.subscribe().block();
    }
}

/// Waits until one of several has ended: its place and how.
pub fn wait_any(children: &[&Child]) -> Option<(usize, End)> {
    while !children.is_empty() {
        for (index, child) in children.iter().enumerate() {
            if let Some(end) = child.end() {
                return Some((index, end));
            }
        }
        let ready: Vec<_> = children.iter().map(|child| child.subscribe()).collect();
        poll::poll(&ready.iter().collect::<Vec<_>>());
    }
    None
}

/// Why a program did not start, as the C library says it.
pub fn reason(name: &str, error: &SpawnError) -> String {
    match error {
        // A folder is there and yet nothing to run.
        SpawnError::NotFound(_) if name.contains('/') && Path::new(name).exists() => {
            "Permission denied".to_owned()
        }
        SpawnError::NotFound(_) => "No such file or directory".to_owned(),
        SpawnError::NotExecutable(why)
        | SpawnError::NoRoom(why)
        | SpawnError::Invalid(why)
        | SpawnError::Failed(why) => why.clone(),
    }
}

impl Make {
    /// The variables that a recipe's programs get.
    pub fn environment(&mut self, set: SetId) -> crate::fault::Outcome<Vec<(String, String)>> {
        let mut all = BTreeMap::new();
        let mut recursive = Vec::new();
        for (name, variable) in self.variables.visible(set) {
            let usual = match variable.origin {
                Origin::Default | Origin::Automatic => false,
                Origin::CommandLine | Origin::Environment | Origin::EnvironmentOverride => {
                    is_name(&name)
                }
                Origin::File | Origin::Override => self.reading.export_all && is_name(&name),
            };
            let exported = match variable.export {
                Export::Yes => true,
                Export::No => false,
                Export::Usual => usual,
            };
            if !exported || name.contains('=') {
                continue;
            }
            match variable.recursive || variable.append {
                // What came with the environment is not expanded again.
                true if variable.origin != Origin::Environment => recursive.push(name.to_string()),
                _ => {
                    all.insert(name.to_string(), variable.value.to_string());
                }
            }
        }
        for name in recursive {
            let mut value = String::new();
            let before = std::mem::replace(&mut self.variables.current, set);
            let result = self.variable(&mut value, &name);
            self.variables.current = before;
            result?;
            all.insert(name, value);
        }
        let kept = |name: &str| self.variables.get_in(GLOBAL, name).map(|one| one.export);
        if kept("SHELL") != Some(Export::Yes) {
            all.remove("SHELL");
            if let Some(shell) = &self.outer_shell {
                all.insert("SHELL".to_owned(), shell.clone());
            }
        }
        all.insert("MAKELEVEL".to_owned(), (self.level + 1).to_string());
        Ok(all.into_iter().collect())
    }
}

/// Whether a shell could name a variable like this.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}
