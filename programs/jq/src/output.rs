//! What is printed.

use crate::options::Options;
use crate::write::{self, Form};
use jaq_json::Val;
use std::io::{self, BufWriter, Stdout, Write};

pub struct Output<'a> {
    options: &'a Options,
    form: Form,
    out: BufWriter<Stdout>,
    last: Option<bool>,
}

impl<'a> Output<'a> {
    pub fn new(options: &'a Options) -> Self {
        let form = Form {
            indent: (!options.compact).then(|| options.indent.clone()),
            sort_keys: options.sort_keys,
            ascii: options.ascii,
            color: options.color,
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
            Val::TStr(text) | Val::BStr(text)
                if self.options.raw_output && (!self.options.ascii || text.is_ascii()) =>
            {
                self.out.write_all(text)?;
            }
            _ => write::value(&mut self.out, &self.form, value)?,
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
}
