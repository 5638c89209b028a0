//! Functions that ask the world: files and programs.

use crate::assignment::first_word;
use crate::fault::Outcome;
use crate::glob;
use crate::make::Make;
use crate::path;
use crate::variables::{GLOBAL, Origin, Variable};
use std::fs::{self, OpenOptions};
use std::io::Write;

impl Make {
    pub(super) fn outside(
        &mut self,
        out: &mut String,
        name: &str,
        arguments: &[String],
    ) -> Outcome<()> {
        let argument = arguments.first().map_or("", String::as_str);
        let words = argument.split_ascii_whitespace();
        let list = match name {
            "wildcard" => words.flat_map(glob::existing).collect(),
            "abspath" => words.map(|word| self.absolute(word)).collect(),
            "realpath" => words.filter_map(|word| self.real(word)).collect(),
            "file" => return self.file(out, arguments),
            _ => vec![self.shell_output(argument)?],
        };
        out.push_str(&list.join(" "));
        Ok(())
    }

    fn absolute(&self, word: &str) -> String {
        match word.starts_with('/') {
            true => path::normal(word),
            false => path::normal(&format!("{}/{word}", self.folder)),
        }
    }

    fn real(&self, word: &str) -> Option<String> {
        fs::metadata(word).ok()?;
        let found = fs::canonicalize(word).ok();
        let found = found.map(|path| path.to_string_lossy().into_owned());
        // A sandbox may know the file and yet not the way to it from the root.
        Some(found.unwrap_or_else(|| self.absolute(word)))
    }

    /// `$(file OP NAME,TEXT)` with `<`, `>` or `>>`.
    fn file(&mut self, out: &mut String, arguments: &[String]) -> Outcome<()> {
        let head = arguments.first().map_or("", |head| head.trim());
        let (operator, name) = match head {
            _ if head.starts_with(">>") => head.split_at(2),
            _ if head.starts_with(['<', '>']) => head.split_at(1),
            _ => {
                let text = format!("file: invalid file operation: {}", first_word(head).0);
                return Err(self.stop(&text));
            }
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(self.stop("file: missing filename"));
        }
        if operator == "<" {
            if let Ok(text) = fs::read(name) {
                let text = String::from_utf8_lossy(&text).into_owned();
                out.push_str(text.strip_suffix('\n').unwrap_or(&text));
            }
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.create(true);
        match operator {
            ">" => options.write(true).truncate(true),
            _ => options.append(true),
        };
        let opened = options.open(name);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                let why = swarm_flow_posix::reason(&error);
                return Err(self.stop(&format!("open: {name}: {why}")));
            }
        };
        let Some(text) = arguments.get(1) else {
            return Ok(());
        };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match file.write_all(format!("{text}{end}").as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) => {
                let why = swarm_flow_posix::reason(&error);
                Err(self.stop(&format!("write: {name}: {why}")))
            }
        }
    }

    /// What a command prints, with newlines as blanks; sets `.SHELLSTATUS`.
    pub fn shell_output(&mut self, command: &str) -> Outcome<String> {
        let (text, code) = self.capture(command)?;
        let status = Variable::new(&code.to_string(), Origin::Override, false);
        self.variables.define(GLOBAL, ".SHELLSTATUS", status);
        let text = text.replace("\r\n", "\n");
        Ok(text.trim_end_matches('\n').replace('\n', " "))
    }
}
