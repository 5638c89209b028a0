//! The expression, applied to one file after another.

use crate::expression::{Action, Batch, Expression, Search, Test};
use crate::walk::Entry;
use crate::{format, run};
use std::fs;
use std::io::{self, BufWriter, Stdout, Write};
use std::time::SystemTime;
use swarm_flow_posix::{glob, reason};

pub struct Evaluation {
    pub search: Search,
    pub quit: bool,
    out: BufWriter<Stdout>,
    start: SystemTime,
    exit_code: i32,
}

/// What a file's evaluation leads to.
#[derive(Default)]
pub struct Verdict {
    pub pruned: bool,
}

/// What a command gets at once, in bytes and arguments: below the limits of `process`.
const BATCH_BYTES_MAX: usize = 128 << 10;
const BATCH_FILES_MAX: usize = 2_000;

impl Evaluation {
    pub fn new(search: Search) -> Self {
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Self {
            search,
            quit: false,
            out,
            start: SystemTime::now(),
            exit_code: 0,
        }
    }

    pub fn complain(&mut self, path: &str, why: &str) {
        // In the order in which it happened.
        let _ = self.out.flush();
        eprintln!("find: '{path}': {why}");
        self.exit_code = 1;
    }

    pub fn entry(&mut self, entry: &Entry) -> Verdict {
        let mut verdict = Verdict::default();
        // Taken out while it is used: what it does changes the rest.
        let expression =
            std::mem::replace(&mut self.search.expression, Expression::Test(Test::True));
        self.holds(&expression, entry, &mut verdict);
        self.search.expression = expression;
        verdict
    }

    pub fn finish(mut self) -> i32 {
        for index in 0..self.search.commands.len() {
            self.run_batch(index);
        }
        if let Err(error) = self.out.flush()
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            eprintln!("find: standard output: {}", reason(&error));
            return 1;
        }
        self.exit_code
    }

    fn holds(&mut self, expression: &Expression, entry: &Entry, verdict: &mut Verdict) -> bool {
        if self.quit {
            return false;
        }
        match expression {
            Expression::And(left, right) => {
                self.holds(left, entry, verdict) && self.holds(right, entry, verdict)
            }
            Expression::Or(left, right) => {
                self.holds(left, entry, verdict) || self.holds(right, entry, verdict)
            }
            Expression::List(left, right) => {
                self.holds(left, entry, verdict);
                self.holds(right, entry, verdict)
            }
            Expression::Not(inner) => !self.holds(inner, entry, verdict),
            Expression::Test(test) => self.test(test, entry),
            Expression::Action(action) => self.act(action, entry, verdict),
        }
    }

    fn test(&self, test: &Test, entry: &Entry) -> bool {
        let options = |ignore_case: &bool| glob::Options {
            ignore_case: *ignore_case,
        };
        match test {
            Test::True | Test::Permitted => true,
            Test::False => false,
            Test::Mode(wanted) => wanted.holds(format::mode(&entry.metadata).0),
            Test::Name {
                pattern,
                ignore_case,
            } => glob::matches(pattern, entry.name(), options(ignore_case)),
            Test::Path {
                pattern,
                ignore_case,
            } => glob::matches(pattern, &entry.path, options(ignore_case)),
            Test::LinkName {
                pattern,
                ignore_case,
            } => fs::read_link(&entry.path).is_ok_and(|target| {
                glob::matches(pattern, &target.to_string_lossy(), options(ignore_case))
            }),
            Test::Regex(regex) => regex.is_match(&entry.path),
            Test::Types(types) => types.contains(&format::letter(&entry.metadata)),
            Test::Size { compare, unit } => compare.holds(entry.metadata.len().div_ceil(*unit)),
            Test::Empty => is_empty(entry),
            Test::Modified { compare, unit } => {
                let age = self
                    .start
                    .duration_since(modified(entry))
                    .unwrap_or_default();
                compare.holds(age.as_secs() / unit)
            }
            Test::Newer(moment) => modified(entry) > *moment,
            Test::Same(path) => {
                !entry.metadata.is_symlink()
                    && fs::canonicalize(&entry.path).is_ok_and(|found| found == *path)
            }
        }
    }

    fn act(&mut self, action: &Action, entry: &Entry, verdict: &mut Verdict) -> bool {
        match action {
            Action::Print => self.print(&format!("{}\n", entry.path)),
            Action::Print0 => self.print(&format!("{}\0", entry.path)),
            Action::Printf(text) => self.print(&format::printf(text, entry)),
            Action::List => self.print(&format::list(entry)),
            Action::WriteTo { file, zero } => self.write_to(*file, *zero, entry),
            Action::Delete => self.delete(entry),
            Action::Prune => {
                verdict.pruned = true;
                true
            }
            Action::Quit => {
                self.quit = true;
                true
            }
            Action::Execute {
                command,
                in_folder,
                ask,
            } => {
                // What was printed so far stands before what the command prints.
                let _ = self.out.flush();
                if *ask && !run::asked(command, &entry.path) {
                    return false;
                }
                run::one(command, &entry.path, *in_folder)
            }
            Action::Collect(index) => {
                self.collect(*index, entry);
                true
            }
        }
    }

    fn print(&mut self, text: &str) -> bool {
        if self.out.write_all(text.as_bytes()).is_err() {
            // Nobody reads any more.
            self.quit = true;
        }
        true
    }

    fn write_to(&mut self, file: usize, zero: bool, entry: &Entry) -> bool {
        let end = if zero { '\0' } else { '\n' };
        let line = format!("{}{end}", entry.path);
        let written = match self.search.commands.get_mut(file) {
            Some(Batch::File(file)) => file.write_all(line.as_bytes()),
            _ => Ok(()),
        };
        if let Err(error) = written {
            self.complain(&entry.path, &reason(&error));
        }
        true
    }

    fn delete(&mut self, entry: &Entry) -> bool {
        if entry.name() == "." {
            return true;
        }
        let removed = match entry.metadata.is_dir() {
            true => fs::remove_dir(&entry.path),
            false => fs::remove_file(&entry.path),
        };
        match removed {
            Ok(()) => true,
            Err(error) => {
                let _ = self.out.flush();
                eprintln!("find: cannot delete '{}': {}", entry.path, reason(&error));
                self.exit_code = 1;
                false
            }
        }
    }

    fn collect(&mut self, index: usize, entry: &Entry) {
        let mut full = false;
        if let Some(Batch::Command { files, bytes, .. }) = self.search.commands.get_mut(index) {
            *bytes += entry.path.len() + 1;
            files.push(entry.path.clone());
            full = *bytes > BATCH_BYTES_MAX || files.len() >= BATCH_FILES_MAX;
        }
        if full {
            self.run_batch(index);
        }
    }

    fn run_batch(&mut self, index: usize) {
        let _ = self.out.flush();
        let Some(Batch::Command {
            argv,
            in_folder,
            files,
            bytes,
        }) = self.search.commands.get_mut(index)
        else {
            return;
        };
        *bytes = 0;
        let files = std::mem::take(files);
        if !files.is_empty() && !run::many(argv, files, *in_folder) {
            self.exit_code = 1;
        }
    }
}

fn is_empty(entry: &Entry) -> bool {
    match entry.metadata.is_dir() {
        true => fs::read_dir(&entry.path).is_ok_and(|mut names| names.next().is_none()),
        false => entry.metadata.is_file() && entry.metadata.len() == 0,
    }
}

fn modified(entry: &Entry) -> SystemTime {
    entry.metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}
