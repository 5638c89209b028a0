//! Where in the input the reading is.

use crate::value::Value;
use std::cell::Cell;

/// All inputs, one behind the other.
#[derive(Default)]
pub struct Source {
    pub bytes: Vec<u8>,
    /// What each file is called, and where it begins.
    pub files: Vec<(usize, String)>,
}

pub struct Place<'a> {
    source: &'a Source,
    /// The byte behind what was read last; none before the first.
    pub read: Cell<Option<usize>>,
}

impl<'a> Place<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self {
            source,
            read: Cell::new(None),
        }
    }

    fn current(&self) -> Option<(usize, &'a (usize, String))> {
        let read = self.read.get()?;
        let mut begun = self.source.files.iter().rev();
        let file = begun.find(|(start, _)| *start == 0 || *start < read)?;
        Some((read, file))
    }

    /// None for standard input.
    pub fn file(&self) -> Value {
        match self.current() {
            Some((_, (_, name))) if name != STDIN => Value::from(name.clone()),
            _ => Value::default(),
        }
    }

    /// Lines are read whole: the one that the last value ends in counts.
    pub fn line(&self) -> usize {
        let Some((read, (start, _))) = self.current() else {
            return 0;
        };
        let bytes = &self.source.bytes;
        let behind = bytes.get(read.saturating_sub(1)..).unwrap_or_default();
        let end = behind.iter().position(|byte| *byte == b'\n');
        let end = end.map_or(bytes.len(), |end| read.saturating_sub(1) + end + 1);
        let lines = bytes.get(*start..end).unwrap_or_default();
        lines.iter().filter(|byte| **byte == b'\n').count()
    }

    pub fn shown(&self) -> String {
        match self.current() {
            Some((_, (_, name))) => format!("{name}:{}", self.line()),
            None => "<unknown>".to_owned(),
        }
    }
}

pub const STDIN: &str = "<stdin>";
