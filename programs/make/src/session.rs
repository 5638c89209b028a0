//! One call of `make` from its command line to its exit code.

use crate::assignment::{Modifiers, Place, parse};
use crate::builtin;
use crate::fault::{Fault, Outcome};
use crate::files::{State, Status};
use crate::glob;
use crate::make::{Make, VERSION};
use crate::options::Options;
use crate::time::{self, Time};
use crate::update::Goal;
use crate::usage;
use crate::variables::{Export, GLOBAL, Origin, Variable};
use std::env;

pub fn run(arguments: Vec<String>) -> i32 {
    let mut options = Options::new();
    options.take_flags(&env::var("MAKEFLAGS").unwrap_or_default());
    if let Err(wrong) = options.take(arguments) {
        eprint!("make: {wrong}\n{}", usage::HELP);
        return 2;
    }
    if options.help || options.version {
        match options.help {
            true => print!("{}", usage::HELP),
            false => print!("{}", usage::version()),
        }
        return 0;
    }
    let mut folder = match env::var("PWD") {
        Ok(folder) if cfg!(target_os = "wasi") => folder,
        _ => here(),
    };
    let mut moved = Ok(());
    for name in &options.folders {
        moved = env::set_current_dir(name).map_err(|error| (name.clone(), error));
        if moved.is_err() {
            break;
        }
        folder = here();
    }
    let mut entered = false;
    for restarts in 0..RESTARTS_MAX {
        let mut make = Make::new(options.clone(), folder.clone());
        make.entered = entered;
        let result = match &moved {
            Ok(()) => make.session(restarts),
            Err((name, error)) => {
                let why = swarm_flow_posix::reason(error);
                make.options.folders.clear();
                Err(Fault::plain(format!("{name}: {why}")))
            }
        };
        match make.end(result) {
            Some(code) => return code,
            None => entered = make.entered,
        }
    }
    eprintln!(
        "make: *** a makefile was made anew {RESTARTS_MAX} times; its rule never makes it newer.  Stop."
    );
    2
}

/// How often a makefile may be made anew and all begin again.
const RESTARTS_MAX: usize = 50;

fn here() -> String {
    let folder = env::current_dir().unwrap_or_else(|_| "/".into());
    crate::path::normal(&folder.to_string_lossy())
}

/// How a session ended.
enum End {
    Status(Status),
    /// A makefile was made anew.
    Restart,
}

impl Make {
    fn end(&mut self, result: Outcome<End>) -> Option<i32> {
        let code = match result {
            Ok(End::Restart) => return None,
            Ok(End::Status(Status::Success | Status::None)) => 0,
            Ok(End::Status(Status::Question)) => 1,
            Ok(End::Status(Status::Failed)) => 2,
            Err(Fault::Exit(code)) => code,
            Err(Fault::Stop { location, text }) => {
                self.complain(location.as_ref(), &format!("*** {text}.  Stop."));
                2
            }
        };
        self.wait_for_jobs(code != 0);
        if self.remove_intermediates().is_err() {
            return Some(2);
        }
        if self.options.print_database {
            self.print_database();
        }
        self.leave_folder();
        Some(code)
    }

    fn session(&mut self, restarts: usize) -> Outcome<End> {
        self.first_variables(restarts)?;
        self.read_all()?;
        self.location = None;
        self.flags_of_makefiles();
        self.convert_suffix_rules()?;
        if !self.options.no_rules {
            self.builtin(builtin::RULES)?;
        }
        self.apply_special_targets();
        self.assume_ages();
        if self.remake_makefiles()? {
            return Ok(End::Restart);
        }
        let goals = self.goals()?;
        let status = self.update_goals(goals, false)?;
        Ok(End::Status(match self.makefile_failed {
            true => Status::Failed,
            false => status,
        }))
    }

    fn first_variables(&mut self, restarts: usize) -> Outcome<()> {
        for (name, value) in self.outer_environment.clone() {
            if matches!(
                name.as_str(),
                "SHELL" | "MAKEFLAGS" | "MAKELEVEL" | "MFLAGS" | "MAKE_RESTARTS"
            ) {
                continue;
            }
            let mut variable = Variable::new(&value, Origin::Environment, true);
            variable.export = Export::Yes;
            self.variables.define(GLOBAL, &name, variable);
        }
        let goals = self.options.goals.join(" ");
        let folder = self.folder.clone();
        let level = self.level.to_string();
        let suffixes = match self.options.no_rules {
            true => "",
            false => builtin::SUFFIXES,
        };
        let set = |make: &mut Self, name: &str, value: &str, origin: Origin| {
            make.variables
                .define(GLOBAL, name, Variable::new(value, origin, false));
        };
        for (name, value) in [
            ("MAKE_VERSION", VERSION),
            ("MAKE_HOST", "wasm32-wasip2"),
            ("MAKE_COMMAND", "make"),
            ("SHELL", "/bin/sh"),
            (".SHELLFLAGS", "-c"),
            ("SUFFIXES", suffixes),
            ("MAKELEVEL", &level),
            ("MAKEFILES", ""),
            (".LIBPATTERNS", "lib%.so lib%.a"),
            (".INCLUDE_DIRS", &self.options.include_folders.join(" ")),
            (".FEATURES", FEATURES),
            (".RECIPEPREFIX", ""),
        ] {
            set(self, name, value, Origin::Default);
        }
        set(self, "CURDIR", &folder, Origin::File);
        set(self, "MAKEFILE_LIST", "", Origin::File);
        set(self, ".DEFAULT_GOAL", "", Origin::File);
        if !goals.is_empty() {
            set(self, "MAKECMDGOALS", &goals, Origin::Default);
        }
        if restarts > 0 {
            set(
                self,
                "MAKE_RESTARTS",
                &restarts.to_string(),
                Origin::Default,
            );
        }
        self.builtin("MAKE = $(MAKE_COMMAND)\n")?;
        self.set_flags();
        for text in self.options.assignments.clone() {
            let Some(assignment) = parse(&text) else {
                continue;
            };
            self.assign(
                &assignment,
                Place::global(Origin::CommandLine),
                Modifiers::default(),
            )?;
        }
        self.builtin(builtin::ALWAYS)?;
        if !self.options.no_variables {
            self.builtin(builtin::VARIABLES)?;
        }
        self.builtin(&format!(".SUFFIXES: {suffixes}\n"))
    }

    fn builtin(&mut self, text: &str) -> Outcome<()> {
        self.reading.builtin = true;
        let prefix = std::mem::replace(&mut self.reading.recipe_prefix, '\t');
        let result = self.read_text(text, "<builtin>".into(), 1);
        self.reading.recipe_prefix = prefix;
        self.reading.builtin = false;
        result
    }

    /// `MAKEFLAGS` and `MFLAGS` for makefiles, and for every `make` below.
    fn set_flags(&mut self) {
        let mut options = self.options.clone();
        if options.print_folder.is_none() && !options.folders.is_empty() && !options.silent {
            options.print_folder = Some(true);
        }
        let flags = options.flags();
        let overrides = options.overrides();
        let all = match overrides.is_empty() {
            true => flags.clone(),
            false => format!("{flags} -- $(MAKEOVERRIDES)"),
        };
        let dashed = match flags.is_empty() || flags.starts_with(' ') {
            true => flags.trim_start().to_owned(),
            false => format!("-{flags}"),
        };
        for (name, value, recursive) in [
            ("MAKEFLAGS", &all, true),
            ("MFLAGS", &dashed, false),
            ("MAKEOVERRIDES", &overrides, true),
        ] {
            let mut variable = Variable::new(value, Origin::File, recursive);
            if name != "MAKEOVERRIDES" {
                variable.export = Export::Yes;
            }
            self.variables.define(GLOBAL, name, variable);
        }
    }

    /// Options that makefiles set by `MAKEFLAGS +=`.
    fn flags_of_makefiles(&mut self) {
        let before = self.options.flags();
        let said = self.value_or_empty("MAKEFLAGS");
        let assignments = std::mem::take(&mut self.options.assignments);
        self.options.take_flags(&said);
        self.options.assignments = assignments;
        if self.options.flags() != before {
            self.set_flags();
        }
    }

    fn read_all(&mut self) -> Outcome<()> {
        for text in self.options.evals.clone() {
            self.read_text(&text, "<command line>".into(), 1)?;
        }
        for name in glob::files(&self.value_or_empty("MAKEFILES")) {
            self.read_makefile(&name, true)?;
        }
        let mut names = self.options.makefiles.clone();
        if names.is_empty() {
            let usual = ["GNUmakefile", "makefile", "Makefile"];
            let found = usual.iter().find(|name| time::of(name) != Time::Missing);
            names.extend(found.map(|name| (*name).to_owned()));
        }
        for name in names {
            match name.as_str() {
                "-" => {
                    let mut text = Vec::new();
                    let read = std::io::Read::read_to_end(&mut std::io::stdin(), &mut text);
                    if let Err(error) = read {
                        return Err(Fault::plain(format!("read standard input: {error}")));
                    }
                    self.read_text(&String::from_utf8_lossy(&text), "-".into(), 1)?;
                }
                _ => self.read_makefile(&name, false)?,
            }
            self.location = None;
        }
        Ok(())
    }

    /// `-o` and `-W`
    fn assume_ages(&mut self) {
        for name in self.options.old.clone() {
            let id = self.files.enter(&glob::plain(&name));
            let file = &mut self.files[id];
            file.time = Some(Time::Old);
            file.updated = true;
            file.state = State::Finished;
            file.status = Status::Success;
        }
        for name in self.options.new.clone() {
            let id = self.files.enter(&glob::plain(&name));
            self.files[id].time = Some(Time::New);
        }
    }

    /// Makes the makefiles that have rules; whether one is another now, so that all has to be read again.
    fn remake_makefiles(&mut self) -> Outcome<bool> {
        let mut goals = Vec::new();
        let mut before = Vec::new();
        let names: Vec<(String, bool)> = self
            .reading
            .makefiles
            .iter()
            .rev()
            .map(|makefile| (makefile.name.clone(), makefile.optional))
            .collect();
        for (name, optional) in names {
            let id = self.files.enter(&glob::plain(&name));
            let file = &self.files[id];
            let unconditional =
                file.double_colon && file.recipe.is_some() && file.prerequisites.is_empty();
            // Which is no file in a sandbox.
            let nothing = name == "/dev/null";
            if nothing
                || unconditional
                || file.phony
                || before.iter().any(|(other, _, _)| *other == id)
            {
                continue;
            }
            self.files[id].optional = optional;
            before.push((id, self.time(id), optional));
            goals.push(Goal {
                file: id,
                changed: false,
            });
        }
        let options = self.options.clone();
        self.options.just_print = false;
        self.options.question = false;
        self.options.touch = false;
        let always = std::mem::replace(&mut self.options.always_make, false);
        let result = self.update_goals(goals, true);
        self.options = options;
        self.options.always_make = always;
        result?;
        for (id, old, optional) in before {
            let file = &self.files[id];
            let now = time::of(&file.name);
            if now != old && now != Time::Missing && file.status <= Status::None {
                return Ok(true);
            }
            if file.status == Status::Failed && !optional {
                let text = format!("Failed to remake makefile '{}'.", file.name);
                self.complain(None, &text);
                self.makefile_failed = true;
            }
            self.files[id].optional = false;
        }
        Ok(false)
    }

    /// Says why the makefile was not read that is to be made now, once.
    pub fn missing_makefile(&mut self) {
        let Some(name) = self.makefile_goal.clone() else {
            return;
        };
        let mut all = self.reading.makefiles.iter_mut();
        let found = all.find(|makefile| *makefile.name == *name && !makefile.optional);
        if let Some((why, location)) = found.and_then(|makefile| makefile.missing.take()) {
            self.complain(location.as_ref(), &format!("{name}: {why}"));
        }
    }

    fn goals(&mut self) -> Outcome<Vec<Goal>> {
        let mut names: Vec<String> = self.options.goals.clone();
        if names.is_empty() {
            let goal = self.value_or_empty(".DEFAULT_GOAL");
            names = goal.split_ascii_whitespace().map(str::to_owned).collect();
            if names.len() > 1 {
                return Err(Fault::plain(".DEFAULT_GOAL contains more than one target"));
            }
        }
        if names.is_empty() {
            return Err(Fault::plain(match self.reading.makefiles.is_empty() {
                true => "No targets specified and no makefile found",
                false => "No targets",
            }));
        }
        let names = names.iter().map(|name| glob::plain(name));
        let goals = names.map(|name| {
            let file = self.files.enter(&name);
            self.files[file].goal = true;
            Goal {
                file,
                changed: false,
            }
        });
        Ok(goals.collect())
    }
}

const FEATURES: &str = "target-specific order-only second-expansion else-if shortest-stem undefine \
oneshell nocomment grouped-target check-symlink";
