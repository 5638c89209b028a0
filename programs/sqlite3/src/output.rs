//! Where results go, and in which form.

use std::fs::File;
use std::io::{self, BufWriter, Write};

#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    List,
    Csv,
    Tabs,
    Json,
    Line,
    Column,
    Table,
    Box,
    Markdown,
    Quote,
    /// Into the table of that name.
    Insert(String),
}

impl Mode {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "list" => Self::List,
            "csv" => Self::Csv,
            "tabs" => Self::Tabs,
            "json" => Self::Json,
            "line" | "lines" => Self::Line,
            "column" | "columns" => Self::Column,
            "table" => Self::Table,
            "box" => Self::Box,
            "markdown" => Self::Markdown,
            "quote" => Self::Quote,
            "insert" => Self::Insert("table".to_owned()),
            _ => return None,
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Csv => "csv",
            Self::Tabs => "tabs",
            Self::Json => "json",
            Self::Line => "line",
            Self::Column => "column",
            Self::Table => "table",
            Self::Box => "box",
            Self::Markdown => "markdown",
            Self::Quote => "quote",
            Self::Insert(_) => "insert",
        }
    }

    /// Between the columns of a row.
    pub fn separator(&self) -> &'static str {
        match self {
            Self::Csv | Self::Quote => ",",
            Self::Tabs => "\t",
            _ => "|",
        }
    }
}

/// Standard output, or a file in its place.
pub struct Output {
    to: Box<dyn Write>,
    /// For the next statement only.
    once: bool,
    /// Whoever read it has left.
    pub closed: bool,
}

impl Output {
    pub fn standard() -> Self {
        Self {
            to: Box::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            once: false,
            closed: false,
        }
    }

    pub fn file(path: &str, once: bool) -> io::Result<Self> {
        Ok(Self {
            to: Box::new(BufWriter::new(File::create(path)?)),
            once,
            closed: false,
        })
    }

    pub fn write(&mut self, text: &[u8]) {
        self.closed |= self.to.write_all(text).is_err();
    }

    pub fn flush(&mut self) {
        self.closed |= self.to.flush().is_err();
    }

    /// Back to standard output where a file was for one statement.
    pub fn end_statement(&mut self) {
        if self.once {
            self.flush();
            *self = Self::standard();
        }
    }
}
