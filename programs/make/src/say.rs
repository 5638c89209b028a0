//! What `make` itself prints.

use crate::fault::Location;
use crate::make::Make;
use std::io::Write;

impl Make {
    /// Text for standard output.
    pub fn print(&mut self, text: &str) {
        self.enter_folder();
        put(text);
    }

    /// A line with the program's name.
    pub fn tell(&mut self, text: &str) {
        let program = self.program.clone();
        self.print(&format!("{program}: {text}\n"));
    }

    /// A line for standard error, with its place in a makefile or the program's name.
    pub fn complain(&mut self, location: Option<&Location>, text: &str) {
        self.enter_folder();
        let from = match location {
            Some(location) => location.to_string(),
            None => self.program.clone(),
        };
        eprintln!("{from}: {text}");
    }

    /// Says once which folder this is about, before anything else is printed.
    pub fn enter_folder(&mut self) {
        let silent = self.options.silent;
        let implied = (self.level > 0 || !self.options.folders.is_empty()) && !silent;
        if self.entered || !self.options.print_folder.unwrap_or(implied) {
            return;
        }
        self.entered = true;
        put(&format!(
            "{}: Entering directory '{}'\n",
            self.program, self.folder
        ));
    }

    pub fn leave_folder(&mut self) {
        if self.entered {
            self.entered = false;
            put(&format!(
                "{}: Leaving directory '{}'\n",
                self.program, self.folder
            ));
        }
    }
}

/// Nobody is left to tell if the reader has gone.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
