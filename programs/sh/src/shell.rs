//! The state of a shell. A subshell is a clone of it.

use crate::jobs::Jobs;
use crate::options::Options;
use crate::stream::{Handle, Input, Output};
use crate::syntax::{Function, Kind, Parser};
use crate::traps::Traps;
use crate::variables::{Attributes, Value, Variable};
use crate::{files, process_id};
use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::cli::environment;
use swarm_flow_process::bindings::wasi::clocks::monotonic_clock;

/// What ends more than one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Break(u32),
    Continue(u32),
    Return(i32),
    Exit(i32),
    /// A failed expansion: the rest of the line is not run.
    Discard(i32),
    /// As by a signal: no trap runs.
    Killed(i32),
}

/// A command's exit code.
pub type Outcome = Result<i32, Flow>;

/// A failed expansion: it ends the command. The message has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed(pub Flow);

pub struct Shell {
    pub variables: Rc<HashMap<String, Variable>>,
    pub functions: Rc<HashMap<String, Rc<Function>>>,
    /// Functions that shells which are started get too.
    pub exported_functions: Rc<BTreeSet<String>>,
    pub aliases: Rc<HashMap<String, String>>,
    pub descriptors: BTreeMap<u32, Handle>,
    pub options: Options,
    /// `$0`
    pub name: Rc<str>,
    /// `$1` and so on.
    pub positional: Rc<Vec<String>>,
    /// `$?`
    pub status: i32,
    pub pipe_status: Vec<i32>,
    pub directory: String,
    /// What `pushd` left behind.
    pub directories: Vec<String>,
    /// Calls of functions and sourced files, the last one last.
    pub frames: Vec<Frame>,
    pub source: Rc<str>,
    pub line: u32,
    pub jobs: Jobs,
    pub traps: Traps,
    /// `$_`: the last argument of the command before.
    pub last_argument: String,
    /// `$!`
    pub background: Option<u32>,
    pub loops: u32,
    pub subshells: u32,
    /// Above 0, a command that fails is no reason to leave: it is a condition.
    pub conditions: u32,
    /// Of the last command substitution, which is the status of `x=$(…)`.
    pub substitution: Option<i32>,
    /// Files that stand for `<( )` and `>( )` of the command that runs.
    pub substitutes: Vec<crate::substitute::Substitute>,
    /// Where a job's first program leaves its number.
    pub number: Option<Rc<Cell<u32>>>,
    pub getopts: (usize, usize),
    pub random: u64,
    pub started: u64,
    pub commands: u32,
    /// Commands that run in each other.
    pub depth: u32,
    pub mask: u32,
    /// The number of the first line of the text that is read.
    pub first_line: u32,
    /// A text could not be read as a script.
    pub unreadable: bool,
    /// The script is a file, which `BASH_SOURCE` names.
    pub is_file: bool,
    /// The simple command that runs, as it was written.
    pub command_text: Rc<str>,
    /// `-c` was given.
    pub is_command: bool,
    /// Keeps the number of subshells.
    pub permit: Option<crate::subshell::Permit>,
}

#[derive(Clone)]
pub struct Frame {
    /// None: a sourced file.
    pub function: Option<Rc<Function>>,
    pub source: Rc<str>,
    /// The line that called it.
    pub line: u32,
    /// What local variables hide.
    pub hidden: HashMap<String, Option<Variable>>,
    pub positional: Rc<Vec<String>>,
    pub loops: u32,
}

impl Shell {
    pub fn new(name: &str) -> Self {
        let mut shell = Self {
            variables: Rc::default(),
            functions: Rc::default(),
            exported_functions: Rc::default(),
            aliases: Rc::default(),
            descriptors: BTreeMap::from([
                (0, Handle::Read(Rc::new(Input::Stdin(OnceCell::new())))),
                (1, Handle::Write(Rc::new(Output::Stdout(OnceCell::new())))),
                (2, Handle::Write(Rc::new(Output::Stderr(OnceCell::new())))),
            ]),
            options: Options::new(),
            name: name.into(),
            positional: Rc::default(),
            status: 0,
            pipe_status: vec![0],
            directory: String::new(),
            directories: Vec::new(),
            frames: Vec::new(),
            source: name.into(),
            line: 1,
            jobs: Jobs::default(),
            traps: Traps::default(),
            last_argument: name.to_owned(),
            background: None,
            loops: 0,
            subshells: 0,
            conditions: 0,
            substitution: None,
            substitutes: Vec::new(),
            number: None,
            getopts: (1, 0),
            random: 0,
            started: monotonic_clock::now(),
            commands: 0,
            depth: 0,
            mask: 0o022,
            first_line: 1,
            unreadable: false,
            is_file: false,
            command_text: "".into(),
            is_command: false,
            permit: None,
        };
        shell.environment();
        shell
    }

    fn environment(&mut self) {
        let mut variables = HashMap::new();
        for (name, value) in environment::get_environment() {
            let function = name.strip_prefix("BASH_FUNC_");
            if let Some(name) = function.and_then(|name| name.strip_suffix("%%")) {
                self.import(name, &value);
                continue;
            }
            let mut variable = Variable::text(value);
            variable.attributes.exported = true;
            variables.insert(name, variable);
        }
        let given = variables
            .get("PWD")
            .and_then(|pwd| pwd.first().map(str::to_owned));
        let directory = environment::initial_cwd()
            .or(given)
            .filter(|path| path.starts_with('/'))
            .unwrap_or_else(|| "/workspace".to_owned());
        self.directory = files::normal(&directory);
        let mut exported = |name: &str, value: String| {
            let mut variable = Variable::text(value);
            variable.attributes.exported = true;
            variables.insert(name.to_owned(), variable);
        };
        exported("PWD", self.directory.clone());
        let level = environment_level(&environment::get_environment());
        exported("SHLVL", (level + 1).to_string());
        let defaults = [
            ("IFS", " \t\n"),
            ("PS4", "+ "),
            ("OPTIND", "1"),
            ("OPTERR", "1"),
            ("SHELL", "/bin/sh"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ];
        for (name, value) in defaults {
            if name == "IFS" || !variables.contains_key(name) {
                variables.insert(name.to_owned(), Variable::text(value));
            }
        }
        self.variables = Rc::new(variables);
    }

    /// A function that another shell exported. What is none is ignored.
    fn import(&mut self, name: &str, text: &str) {
        let source = format!("{name} {text}");
        let mut parser = Parser::new(&source, 1, Rc::clone(&self.name));
        let Ok(list) = parser.whole() else { return };
        let [item] = list.as_slice() else { return };
        if let [command] = item.chain.first.commands.as_slice()
            && let Kind::Function(function) = &command.kind
            && function.name == name
        {
            Rc::make_mut(&mut self.functions).insert(name.to_owned(), Rc::clone(function));
            Rc::make_mut(&mut self.exported_functions).insert(name.to_owned());
        }
    }

    /// A clone without the traps. It knows the jobs, so that `jobs` can be piped.
    pub fn subshell(&self) -> Self {
        Self {
            variables: Rc::clone(&self.variables),
            functions: Rc::clone(&self.functions),
            exported_functions: Rc::clone(&self.exported_functions),
            aliases: Rc::clone(&self.aliases),
            descriptors: self.descriptors.clone(),
            options: self.options.clone(),
            name: Rc::clone(&self.name),
            positional: Rc::clone(&self.positional),
            status: self.status,
            pipe_status: self.pipe_status.clone(),
            directory: self.directory.clone(),
            directories: self.directories.clone(),
            frames: self.frames.clone(),
            source: Rc::clone(&self.source),
            line: self.line,
            jobs: self.jobs.clone(),
            traps: self.traps.subshell(self.options.is_set("errtrace")),
            last_argument: self.last_argument.clone(),
            background: self.background,
            loops: self.loops,
            subshells: self.subshells + 1,
            conditions: self.conditions,
            substitution: None,
            substitutes: Vec::new(),
            number: None,
            getopts: self.getopts,
            random: self.random,
            started: self.started,
            commands: 0,
            depth: 0,
            mask: self.mask,
            first_line: 1,
            unreadable: false,
            is_file: self.is_file,
            command_text: Rc::clone(&self.command_text),
            is_command: self.is_command,
            permit: None,
        }
    }

    /// Makes it a new shell, which knows only what is exported.
    pub fn forget(&mut self) {
        let exported = self.variables.iter().filter(|(name, variable)| {
            variable.attributes.exported || matches!(name.as_str(), "IFS" | "PS4" | "PATH")
        });
        let exported = exported.map(|(name, variable)| (name.clone(), variable.clone()));
        self.variables = Rc::new(exported.collect());
        let exported = Rc::clone(&self.exported_functions);
        Rc::make_mut(&mut self.functions).retain(|name, _| exported.contains(name));
        self.aliases = Rc::default();
        self.options = Options::new();
        self.frames.clear();
        self.loops = 0;
        self.conditions = 0;
        self.subshells = 0;
        self.traps = self.traps.subshell(false);
        let extra: Vec<u32> = self
            .descriptors
            .keys()
            .copied()
            .filter(|number| *number > 2)
            .collect();
        for number in extra {
            self.descriptors.remove(&number);
        }
    }

    pub fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            files::normal(path)
        } else {
            files::normal(&format!("{}/{path}", self.directory))
        }
    }

    pub fn handle(&self, descriptor: u32) -> Option<&Handle> {
        self.descriptors.get(&descriptor)
    }

    pub fn input(&self, descriptor: u32) -> Option<Rc<Input>> {
        self.handle(descriptor).and_then(Handle::input).cloned()
    }

    pub fn output(&self, descriptor: u32) -> Option<Rc<Output>> {
        self.handle(descriptor).and_then(Handle::output).cloned()
    }

    /// `sh: line 3: message`, to the standard error.
    pub async fn complain(&self, message: &str) {
        let text = format!("{}: line {}: {message}\n", self.source, self.line);
        self.write_error(&text).await;
    }

    pub async fn write_error(&self, text: &str) {
        if let Some(output) = self.output(2) {
            // There is no place to say that it failed.
            let _ = output.write(&crate::text::encode(text)).await;
        }
    }

    /// A message, and what it brings about: the rest of the line is not run.
    pub async fn fail(&self, message: &str) -> Failed {
        self.complain(message).await;
        Failed(Flow::Discard(1))
    }

    /// A message that ends the script.
    pub async fn fail_for_good(&self, message: &str) -> Failed {
        self.complain(message).await;
        let status = if self.is_command && self.subshells == 0 {
            127
        } else {
            1
        };
        Failed(Flow::Exit(status))
    }

    /// What programs get: exported variables.
    pub fn exported(&self) -> Vec<(String, String)> {
        let mut exported: Vec<(String, String)> = self
            .variables
            .iter()
            .filter(|(_, variable)| variable.attributes.exported)
            .filter_map(|(name, variable)| Some((name.clone(), variable.first()?.to_owned())))
            .collect();
        for name in self.exported_functions.iter() {
            if let Some(function) = self.functions.get(name) {
                let text = format!("() {}", function.body_text);
                exported.push((format!("BASH_FUNC_{name}%%"), text));
            }
        }
        exported.sort();
        exported
    }

    pub fn seconds(&self) -> i64 {
        let elapsed = monotonic_clock::now().saturating_sub(self.started) / 1_000_000_000;
        i64::try_from(elapsed).unwrap_or(i64::MAX)
    }

    pub fn pid(&self) -> u32 {
        process_id()
    }

    /// Begins a local variable of the running function.
    pub fn localize(&mut self, name: &str) {
        let before = self.variables.get(name).cloned();
        let Some(frame) = self
            .frames
            .iter_mut()
            .rev()
            .find(|frame| frame.function.is_some())
        else {
            return;
        };
        if frame.hidden.contains_key(name) {
            return;
        }
        let exported = before
            .as_ref()
            .is_some_and(|before| before.attributes.exported);
        frame.hidden.insert(name.to_owned(), before);
        let mut variable = Variable::default();
        variable.attributes.exported = exported;
        Rc::make_mut(&mut self.variables).insert(name.to_owned(), variable);
    }

    /// Ends the last call's local variables.
    pub fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        self.positional = frame.positional;
        self.loops = frame.loops;
        if frame.hidden.is_empty() {
            return;
        }
        let variables = Rc::make_mut(&mut self.variables);
        for (name, before) in frame.hidden {
            match before {
                Some(variable) => variables.insert(name, variable),
                None => variables.remove(&name),
            };
        }
    }

    pub fn in_function(&self) -> bool {
        self.frames.iter().any(|frame| frame.function.is_some())
    }

    /// Gives variables back what they were before a command's own assignments.
    pub fn restore(&mut self, before: Vec<(String, Option<Variable>)>) {
        if before.is_empty() {
            return;
        }
        let variables = Rc::make_mut(&mut self.variables);
        for (name, variable) in before.into_iter().rev() {
            match variable {
                Some(variable) => variables.insert(name, variable),
                None => variables.remove(&name),
            };
        }
    }

    pub fn attributes(&self, name: &str) -> Attributes {
        let variable = self.variables.get(name);
        variable
            .map(|variable| variable.attributes)
            .unwrap_or_default()
    }

    pub fn is_array(&self, name: &str) -> bool {
        let variable = self.variables.get(name);
        variable.is_some_and(|v| matches!(v.value, Value::Indexed(_) | Value::Associative(_)))
    }
}

fn environment_level(environment: &[(String, String)]) -> u32 {
    let level = environment.iter().find(|(name, _)| name == "SHLVL");
    level.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}
