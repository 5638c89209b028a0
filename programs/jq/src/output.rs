//! What is printed.

use crate::options::Options;
use jaq_json::Val;
use jaq_json::write::{self, Pp, Styles};
use std::io::{self, BufWriter, Stdout, Write};

pub struct Output<'a> {
    options: &'a Options,
    form: Pp,
    out: BufWriter<Stdout>,
    last: Option<bool>,
}

impl<'a> Output<'a> {
    pub fn new(options: &'a Options) -> Self {
        let form = Pp {
            indent: (!options.compact).then(|| options.indent.clone()),
            sort_keys: options.sort_keys,
            styles: if options.color {
                Styles::ansi()
            } else {
                Styles::default()
            },
            sep_space: !options.compact,
        };
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Self {
            options,
            form,
            out,
            last: None,
        }
    }

    pub fn value(&mut self, value: &Val) -> io::Result<()> {
        self.last = Some(!matches!(value, Val::Null | Val::Bool(false)));
        if self.options.sequence {
            self.out.write_all(b"\x1e")?;
        }
        match value {
            Val::TStr(text) | Val::BStr(text) if self.options.raw_output => {
                self.out.write_all(text)?
            }
            _ if self.options.ascii => {
                let mut bytes = Vec::new();
                write::write(&mut bytes, &self.form, 0, value)?;
                self.ascii(&String::from_utf8_lossy(&bytes))?;
            }
            _ => write::write(&mut self.out, &self.form, 0, value)?,
        }
        match (self.options.raw_output0, self.options.join) {
            (true, _) => self.out.write_all(b"\0"),
            (false, true) => Ok(()),
            (false, false) => self.out.write_all(b"\n"),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The exit code of `-e`: none if there was no output.
    pub fn status(&self) -> Option<i32> {
        self.last.map(|truth| i32::from(!truth))
    }

    fn ascii(&mut self, text: &str) -> io::Result<()> {
        for character in text.chars() {
            match character.is_ascii() {
                true => write!(self.out, "{character}")?,
                false => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        write!(self.out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
