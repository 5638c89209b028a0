//! All that one run of `make` knows.

use crate::fault::Location;
use crate::files::Files;
use crate::jobs::Job;
use crate::options::Options;
use crate::pattern_rule::{PatternPrerequisite, PatternRule, TargetVariable};
use crate::reading::Reading;
use crate::search_path::SearchPath;
use crate::variables::{SetId, Variables};
use std::collections::HashSet;
use std::rc::Rc;

/// Of GNU make, as makefiles ask for it.
pub const VERSION: &str = "4.3";

pub struct Make {
    pub options: Options,
    /// How it calls itself in what it prints: `make`, or `make[1]` beneath another.
    pub program: String,
    pub level: usize,
    /// Where it works, an absolute path.
    pub folder: String,
    pub entered: bool,
    /// What `make` was started with.
    pub outer_environment: Vec<(String, String)>,
    pub outer_shell: Option<String>,

    pub reading: Reading,
    /// The line that is read or run.
    pub location: Option<Location>,
    pub variables: Variables,
    pub pattern_variables: Vec<TargetVariable>,
    /// Variables whose value is being expanded.
    pub expanding: Vec<(SetId, Rc<str>)>,
    pub depth: usize,
    /// How many arguments the innermost `$(call)` has.
    pub call_arguments: usize,

    pub files: Files,
    pub pattern_rules: Vec<PatternRule>,
    /// Pattern rules without a recipe.
    pub cancelled: Vec<(Vec<String>, Vec<PatternPrerequisite>)>,
    pub search_path: SearchPath,
    /// Names for which no rule was found.
    pub impossible: HashSet<String>,
    pub all_secondary: bool,
    pub delete_on_error: bool,
    pub not_parallel: bool,
    /// The makefile that is being made.
    pub makefile_goal: Option<Rc<str>>,
    /// With `-k` the rest goes on.
    pub makefile_failed: bool,

    pub jobs: Vec<Job>,
    pub commands_started: usize,
    pub round: usize,
}

impl Make {
    pub fn new(options: Options, folder: String) -> Self {
        let outer_environment: Vec<(String, String)> = std::env::vars().collect();
        let outer = |name: &str| {
            let mut all = outer_environment.iter();
            let found = all.find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let level = outer("MAKELEVEL").and_then(|level| level.parse().ok());
        let level = level.unwrap_or_default();
        Self {
            program: match level {
                0 => "make".to_owned(),
                level => format!("make[{level}]"),
            },
            level,
            folder,
            entered: false,
            outer_shell: outer("SHELL"),
            outer_environment,
            reading: Reading::default(),
            location: None,
            variables: Variables::new(options.environment_wins),
            options,
            pattern_variables: Vec::new(),
            expanding: Vec::new(),
            depth: 0,
            call_arguments: 0,
            files: Files::default(),
            pattern_rules: Vec::new(),
            cancelled: Vec::new(),
            search_path: SearchPath::default(),
            impossible: HashSet::new(),
            all_secondary: false,
            delete_on_error: false,
            not_parallel: false,
            makefile_goal: None,
            makefile_failed: false,
            jobs: Vec::new(),
            commands_started: 0,
            round: 0,
        }
    }

    /// A variable that is no error if it is not there or cannot be expanded.
    pub fn value_or_empty(&mut self, name: &str) -> String {
        if self.variables.get(name).is_none() {
            return String::new();
        }
        let mut value = String::new();
        match self.variable(&mut value, name) {
            Ok(()) => value,
            Err(_) => String::new(),
        }
    }
}
