//! Recipes that run: one line after the other, several recipes side by side if that was asked for.

use crate::children::{self, Start};
use crate::fault::{Fault, Location, Outcome};
use crate::files::{FileId, State, Status};
use crate::make::Make;
use crate::recipe::{Marks, Recipe, marks, split};
use crate::variables::SetId;
use std::rc::Rc;
use swarm_flow_process::bindings::process::{Child, SpawnError};

/// Recipes side by side, whatever was asked for: each is a shell and its programs, and a workspace has room for a few
/// dozen sandboxes.
const JOBS_MAX: usize = 8;

/// A recipe that runs.
pub struct Job {
    file: FileId,
    set: SetId,
    recipe: Rc<Recipe>,
    /// Expanded, all of them before the first runs; with the place of each in the recipe.
    lines: Vec<(usize, String)>,
    /// The next line.
    next: usize,
    /// Where the line that runs is in the recipe.
    line: usize,
    env: Vec<(String, String)>,
    /// Of the line that runs.
    marks: Marks,
    child: Option<Child>,
    /// A line was run, so the target may have been changed.
    ran: bool,
}

/// What a line of a recipe came to.
enum Step {
    Running,
    /// It ended at once, or nothing was to be done.
    Done,
    Failed(i32),
    /// `-q`
    Question,
}

impl Make {
    pub fn run_recipe(&mut self, id: FileId, recipe: &Rc<Recipe>) -> Outcome<()> {
        if recipe.is_empty() {
            self.finished(id, Status::Success, true);
            return Ok(());
        }
        let set = self.prepared_set(id)?;
        let automatic = self.automatic(id);
        self.set_automatic(set, &automatic);
        let lines = self.expand_lines(recipe, set)?;
        let mut job = Job {
            file: id,
            set,
            recipe: recipe.clone(),
            lines,
            next: 0,
            line: 0,
            env: Vec::new(),
            marks: Marks::default(),
            child: None,
            ran: false,
        };
        while self.jobs.len() >= self.slots() {
            self.reap()?;
        }
        self.files[id].state = State::Running;
        self.trace(&job);
        if self.advance(&mut job)? {
            self.jobs.push(job);
        }
        while self.slots() == 1 && self.files[id].state == State::Running {
            self.reap()?;
        }
        Ok(())
    }

    fn slots(&self) -> usize {
        match self.options.jobs {
            1 => 1,
            _ if self.not_parallel => 1,
            0 => JOBS_MAX,
            jobs => jobs.min(JOBS_MAX),
        }
    }

    /// A `make` below may run what is left, when it starts, of the number that this one may run.
    fn share_jobs(&self, env: &mut [(String, String)]) {
        if self.options.jobs == 1 {
            return;
        }
        let flags = env.iter_mut().find(|(name, _)| name == "MAKEFLAGS");
        let Some((_, flags)) = flags else {
            return;
        };
        let own = match self.options.jobs {
            0 => " -j".to_owned(),
            jobs => format!(" -j{jobs}"),
        };
        let share = self.slots() / (self.jobs.len() + 1);
        *flags = flags.replacen(&own, &format!(" -j{}", share.max(1)), 1);
    }

    fn expand_lines(&mut self, recipe: &Rc<Recipe>, set: SetId) -> Outcome<Vec<(usize, String)>> {
        let before = self.location.take();
        let mut all = Vec::new();
        for (index, line) in recipe.lines(self.reading.one_shell).iter().enumerate() {
            self.location = line_location(recipe, index);
            let text = joined(&line.text, self.reading.recipe_prefix);
            let text = self.expand_in(set, &text)?;
            // What was expanded may bring lines of its own.
            match self.reading.one_shell {
                true => all.push((index, text)),
                false => all.extend(split(&text).into_iter().map(|line| (index, line))),
            }
        }
        self.location = before;
        Ok(all)
    }

    /// Starts lines until one runs; whether one does. If not, the job is over.
    fn advance(&mut self, job: &mut Job) -> Outcome<bool> {
        loop {
            let Some((index, line)) = job.lines.get(job.next).cloned() else {
                self.finished(job.file, Status::Success, true);
                return Ok(false);
            };
            job.next += 1;
            job.line = index;
            match self.start_line(job, &line)? {
                Step::Running => return Ok(true),
                Step::Done => {}
                Step::Question => {
                    self.finished(job.file, Status::Question, true);
                    return Ok(false);
                }
                Step::Failed(code) => {
                    if !self.line_failed(job, code)? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    fn start_line(&mut self, job: &mut Job, line: &str) -> Outcome<Step> {
        let (found, command) = marks(line);
        let written = job.recipe.lines(self.reading.one_shell).get(job.line);
        job.marks = found.or(written.map_or(Marks::default(), |line| line.marks));
        let command = match self.reading.one_shell {
            true => without_marks(command, self.reading.recipe_prefix),
            false => command.to_owned(),
        };
        let always = job.marks.always;
        if self.options.question && !always {
            return Ok(match command.trim().is_empty() {
                true => Step::Done,
                false => Step::Question,
            });
        }
        if self.options.touch && !always {
            return Ok(Step::Done);
        }
        let argv = self.argv(&command, job.set)?;
        if argv.is_empty() {
            return Ok(Step::Done);
        }
        self.show(job, &command);
        self.commands_started += 1;
        let nothing =
            matches!(argv.as_slice(), [.., flag, text] if text == ":" && flag.starts_with('-'));
        if nothing || (self.options.just_print && !always) {
            return Ok(Step::Done);
        }
        self.start_program(job, argv)
    }

    fn show(&mut self, job: &Job, command: &str) {
        let options = &self.options;
        let quiet = options.silent || job.marks.silent || self.files[job.file].silent;
        if options.just_print || options.trace || !quiet {
            self.print(&format!("{command}\n"));
        }
        self.enter_folder();
    }

    fn start_program(&mut self, job: &mut Job, argv: Vec<String>) -> Outcome<Step> {
        if job.env.is_empty() {
            job.env = self.environment(job.set)?;
            self.share_jobs(&mut job.env);
        }
        job.ran = true;
        let name = argv.first().cloned().unwrap_or_default();
        let mut attempts = 0;
        loop {
            let start = Start {
                argv: argv.clone(),
                env: job.env.clone(),
                cwd: self.folder.clone(),
            };
            // Of several only the first may read what this program was given.
            match children::start(start, None, self.jobs.is_empty()) {
                Ok(child) => {
                    job.child = Some(child);
                    return Ok(Step::Running);
                }
                Err(SpawnError::NoRoom(_)) if attempts < crate::command::ATTEMPTS => {
                    attempts += 1;
                    match self.jobs.is_empty() {
                        true => std::thread::sleep(crate::command::PAUSE),
                        false => self.reap()?,
                    }
                }
                Err(error) => {
                    let why = children::reason(&name, &error);
                    self.complain(None, &format!("{name}: {why}"));
                    return Ok(Step::Failed(127));
                }
            }
        }
    }

    /// Takes note of a program that has ended, and waits for one if none has.
    pub fn reap(&mut self) -> Outcome<()> {
        let running: Vec<&Child> = self
            .jobs
            .iter()
            .filter_map(|job| job.child.as_ref())
            .collect();
        let Some((index, end)) = children::wait_any(&running) else {
            return Ok(());
        };
        let mut job = self.jobs.remove(index);
        job.child = None;
        let goes_on = match i32::from(end.exit_code) {
            0 => true,
            code => self.line_failed(&mut job, code)?,
        };
        if goes_on && self.advance(&mut job)? {
            self.jobs.insert(index.min(self.jobs.len()), job);
        }
        Ok(())
    }

    /// Says that a line failed; whether the recipe goes on.
    fn line_failed(&mut self, job: &mut Job, code: i32) -> Outcome<bool> {
        let file = &self.files[job.file];
        let name = file.name.clone();
        let ignored = job.marks.ignore_errors || self.options.ignore_errors || file.ignore_errors;
        let place = match line_location(&job.recipe, job.line) {
            Some(location) => location.to_string(),
            None => "<builtin>".to_owned(),
        };
        if ignored {
            let text = format!("[{place}: {name}] Error {code} (ignored)");
            self.complain(None, &text);
            return Ok(true);
        }
        let optional = file.optional;
        if !optional {
            self.missing_makefile();
            self.complain(None, &format!("*** [{place}: {name}] Error {code}"));
        }
        if self.delete_on_error && job.ran {
            self.delete_target(job.file);
        }
        self.finished(job.file, Status::Failed, true);
        match self.options.keep_going || optional {
            true => Ok(false),
            false => Err(Fault::Exit(2)),
        }
    }

    /// A target that a failed recipe may have left half made.
    fn delete_target(&mut self, id: FileId) {
        let mut all = vec![id];
        all.extend(&self.files[id].also);
        for id in all {
            let file = &self.files[id];
            if file.phony || file.precious {
                continue;
            }
            let name = file.name.clone();
            let before = file.time_before.or(file.time);
            let now = crate::time::of(&name);
            if now != crate::time::Time::Missing && Some(now) != before {
                self.complain(None, &format!("*** Deleting file '{name}'"));
                // It stays if it cannot be removed; the error that counts was named.
                let _ = std::fs::remove_file(&*name);
            }
        }
    }

    /// Waits for what still runs when everything has to end.
    pub fn wait_for_jobs(&mut self, failed: bool) {
        if failed && !self.jobs.is_empty() {
            self.complain(None, "*** Waiting for unfinished jobs....");
        }
        while !self.jobs.is_empty() {
            // What fails now changes nothing.
            let _ = self.reap();
        }
    }

    fn trace(&mut self, job: &Job) {
        if !self.options.trace {
            return;
        }
        let file = &self.files[job.file];
        let name = file.name.clone();
        let newer = self.variables.get_in(job.set, "?");
        let newer = newer.map(|found| found.value.clone()).unwrap_or_default();
        let place = match line_location(&job.recipe, 0) {
            Some(location) => location.to_string(),
            None => "<builtin>".to_owned(),
        };
        let missing = file.phony || file.time == Some(crate::time::Time::Missing);
        self.print(&match missing {
            true => format!("{place}: target '{name}' does not exist\n"),
            false => format!("{place}: update target '{name}' due to: {newer}\n"),
        });
    }
}

/// Of a line of a recipe, counted from its first one.
fn line_location(recipe: &Recipe, index: usize) -> Option<Location> {
    let location = recipe.location.clone()?;
    Some(Location {
        line: location.line + index,
        ..location
    })
}

/// A line of several with the prefix taken off each; in a reference they are one.
fn joined(text: &str, prefix: char) -> String {
    if !text.contains('\n') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with('$') {
            let end = crate::lines::skip_reference(text, at);
            out.push_str(&crate::lines::collapse(
                text.get(at..end).unwrap_or_default(),
            ));
            at = end;
            continue;
        }
        let next = rest.find('$').unwrap_or(rest.len());
        let plain = rest.get(..next).unwrap_or_default();
        out.push_str(&plain.replace(&format!("\\\n{prefix}"), "\\\n"));
        at += next;
    }
    out
}

/// The lines of a recipe for one shell, the marks before each taken off.
fn without_marks(text: &str, prefix: char) -> String {
    let lines = text.split('\n').map(|line| {
        let line = line.strip_prefix(prefix).unwrap_or(line);
        let (_, command) = marks(line);
        match line.trim_start().starts_with(['@', '-', '+']) {
            true => command,
            false => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
