//! Makefiles, read line by line: what a line is, and what it does.

use crate::assignment::{self, Assignment, Modifiers, Operator, Place, Statement, first_word};
use crate::conditional::Conditionals;
use crate::fault::{Fault, Location, Outcome};
use crate::lines::{self, Lines};
use crate::make::Make;
use crate::rule_line::{Pending, RuleLine};
use crate::variables::{Export, GLOBAL, Origin};
use std::rc::Rc;

/// What reading has to remember beyond one makefile.
pub struct Reading {
    pub recipe_prefix: char,
    pub second_expansion: bool,
    pub one_shell: bool,
    pub export_all: bool,
    /// Rules come with `make` itself.
    pub builtin: bool,
    /// Makefiles that include each other without end.
    pub depth: usize,
    /// Makefiles that were asked for, in order, and whether they may be missing.
    pub makefiles: Vec<Makefile>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            recipe_prefix: '\t',
            second_expansion: false,
            one_shell: false,
            export_all: false,
            builtin: false,
            depth: 0,
            makefiles: Vec::new(),
        }
    }
}

pub struct Makefile {
    pub name: String,
    pub optional: bool,
    /// Why it was not read, and the line that wanted it.
    pub missing: Option<(String, Option<Location>)>,
}

const DEPTH_MAX: usize = 100;

/// One makefile or text that is being read.
struct Source {
    name: Rc<str>,
    lines: Lines,
    open: Conditionals,
    pending: Option<Pending>,
    /// A line that was no rule because it had no target: its recipe is left out.
    no_targets: bool,
}

impl Make {
    pub fn read_text(&mut self, text: &str, name: Rc<str>, line: usize) -> Outcome<()> {
        self.reading.depth += 1;
        if self.reading.depth > DEPTH_MAX {
            return Err(self.stop("makefiles include each other too deeply"));
        }
        let before = self.location.take();
        let mut source = Source {
            name,
            lines: Lines::new(text, line),
            open: Conditionals::default(),
            pending: None,
            no_targets: false,
        };
        while let Some(line) = source.lines.next() {
            self.location = Some(Location {
                file: source.name.clone(),
                line: source.lines.number,
            });
            self.line(&mut source, &line)?;
        }
        if source.open.is_open() {
            self.location = Some(Location {
                file: source.name.clone(),
                line: source.lines.number + 1,
            });
            return Err(self.stop("missing 'endif'"));
        }
        self.finish(&mut source)?;
        self.location = before;
        self.reading.depth -= 1;
        Ok(())
    }

    /// `$(eval)`
    pub fn evaluate(&mut self, text: &str) -> Outcome<()> {
        let before = self.location.clone();
        let place = before.clone().unwrap_or(Location {
            file: "<eval>".into(),
            line: 1,
        });
        let result = self.read_text(text, place.file, place.line);
        self.location = before;
        result
    }

    fn finish(&mut self, source: &mut Source) -> Outcome<()> {
        source.no_targets = false;
        match source.pending.take() {
            Some(pending) => self.record(pending),
            None => Ok(()),
        }
    }

    fn line(&mut self, source: &mut Source, line: &str) -> Outcome<()> {
        if let Some(text) = line.strip_prefix(self.reading.recipe_prefix) {
            if source.no_targets {
                return Ok(());
            }
            if let Some(pending) = &mut source.pending {
                if !source.open.ignoring() {
                    pending.add_line(text, source.lines.number);
                }
                return Ok(());
            }
        }
        let plain = lines::without_comment(&lines::collapse(line));
        let plain = plain.trim_start();
        if plain.trim_end().is_empty() {
            return Ok(());
        }
        if let Some((modifiers, statement)) = assignment::statement(plain) {
            return self.statement(source, modifiers, statement);
        }
        if self.conditional(&mut source.open, plain)? || source.open.ignoring() {
            return Ok(());
        }
        if self.directive(source, plain)? {
            return Ok(());
        }
        if line.starts_with(self.reading.recipe_prefix) {
            return Err(self.stop("recipe commences before first target"));
        }
        self.finish(source)?;
        self.location = Some(Location {
            file: source.name.clone(),
            line: source.lines.number,
        });
        match self.rule(line)? {
            RuleLine::Rule(pending) => source.pending = Some(pending),
            RuleLine::NoTargets => source.no_targets = true,
            RuleLine::Done => {}
        }
        Ok(())
    }

    fn statement(
        &mut self,
        source: &mut Source,
        modifiers: Modifiers,
        statement: Statement,
    ) -> Outcome<()> {
        if source.open.ignoring() {
            if let Statement::Define(..) = statement {
                self.body(source)?;
            }
            return Ok(());
        }
        let place = self.location.clone();
        self.finish(source)?;
        self.location = place;
        let origin = match self.reading.builtin {
            true => Origin::Default,
            false => modifiers.origin(),
        };
        match statement {
            Statement::Assign(assignment) => {
                self.assign(&assignment, Place::global(origin), modifiers)
            }
            Statement::Undefine(name) => {
                let name = self.expand(&name)?;
                self.variables.undefine(GLOBAL, name.trim(), origin);
                Ok(())
            }
            Statement::Define(name, operator) => {
                let value = self.body(source)?;
                let assignment = Assignment {
                    name,
                    operator,
                    value,
                };
                match assignment.name.is_empty() {
                    true => Err(self.stop("empty variable name")),
                    false => self.assign(&assignment, Place::global(origin), modifiers),
                }
            }
        }
    }

    /// The lines up to `endef`.
    fn body(&mut self, source: &mut Source) -> Outcome<String> {
        let (mut text, mut depth, mut first) = (String::new(), 1, true);
        while let Some(line) = source.lines.next() {
            let line = lines::collapse(&line);
            if !line.starts_with(self.reading.recipe_prefix) {
                let plain = lines::without_comment(line.trim_start());
                match first_word(&plain).0 {
                    "define" => depth += 1,
                    "endef" => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    return Ok(text);
                }
            }
            if !first {
                text.push('\n');
            }
            first = false;
            text.push_str(&line);
        }
        Err(self.stop("missing 'endef', unterminated 'define'"))
    }

    fn directive(&mut self, source: &mut Source, line: &str) -> Outcome<bool> {
        let (word, rest) = first_word(line);
        if !matches!(
            word,
            "export"
                | "unexport"
                | "vpath"
                | "include"
                | "-include"
                | "sinclude"
                | "load"
                | "-load"
        ) {
            return Ok(false);
        }
        // `export: all` and the like are rules.
        if rest.starts_with(':') {
            return Ok(false);
        }
        let place = self.location.clone();
        self.finish(source)?;
        self.location = place;
        match word {
            "export" | "unexport" => self.exports(word == "export", rest)?,
            "vpath" => {
                let rest = self.expand(rest)?;
                self.search_path.add(&rest);
            }
            "include" => self.include(rest, false)?,
            "load" => {
                return Err(self.stop("the 'load' operation is not supported on this platform"));
            }
            "-load" => {}
            _ => self.include(rest, true)?,
        }
        Ok(true)
    }

    fn exports(&mut self, export: bool, names: &str) -> Outcome<()> {
        if names.is_empty() {
            self.reading.export_all = export;
            return Ok(());
        }
        let names = self.expand(names)?;
        for name in names.split_ascii_whitespace() {
            if self.variables.get_in(GLOBAL, name).is_none() {
                let mut variable = crate::variables::Variable::new("", Origin::File, false);
                variable.location = self.location.clone();
                self.variables.define(GLOBAL, name, variable);
            }
            if let Some(variable) = self.variables.get_mut(GLOBAL, name) {
                variable.export = if export { Export::Yes } else { Export::No };
            }
        }
        Ok(())
    }

    fn include(&mut self, names: &str, optional: bool) -> Outcome<()> {
        let names = self.expand(names)?;
        for name in crate::glob::files(&names) {
            self.read_makefile(&name, optional)?;
        }
        Ok(())
    }

    /// Reads a makefile, here or in the folders of `-I`. Whether one that is missing matters is known only when all
    /// rules are, as one may make it.
    pub fn read_makefile(&mut self, name: &str, optional: bool) -> Outcome<()> {
        let location = self.location.clone();
        let mut read = read(name);
        let mut found = name.to_owned();
        if read.is_err() && !name.starts_with('/') && location.is_some() {
            let folders = self.options.include_folders.clone();
            for folder in folders {
                let path = format!("{}/{name}", folder.trim_end_matches('/'));
                let there = self::read(&path);
                if there.is_ok() {
                    (read, found) = (there, path);
                    break;
                }
            }
        }
        let missing = match &read {
            Ok(_) => None,
            Err(why) => Some((why.clone(), location)),
        };
        self.reading.makefiles.push(Makefile {
            name: found.clone(),
            optional,
            missing,
        });
        let Ok(text) = read else {
            return Ok(());
        };
        let list = Assignment {
            name: "MAKEFILE_LIST".to_owned(),
            operator: Operator::Append,
            value: found.clone(),
        };
        self.assign(&list, Place::global(Origin::File), Modifiers::default())?;
        self.read_text(&text, found.as_str().into(), 1)
    }
}

fn read(name: &str) -> Result<String, String> {
    if name == "/dev/null" {
        return Ok(String::new());
    }
    match std::fs::read(name) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(swarm_flow_posix::reason(&error)),
    }
}

impl Make {
    /// An error at the line that is being read or run.
    pub fn stop(&self, text: &str) -> Fault {
        Fault::at(self.location.clone(), text)
    }
}
