//! Records: from files, standard input and commands.

use regex::Regex;
use std::io::{BufRead, BufReader, Read};

pub struct Input(BufReader<Box<dyn Read>>);

/// What ends a record.
pub enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Regex),
}

impl Input {
    pub fn new(from: impl Read + 'static) -> Self {
        Self(BufReader::with_capacity(1 << 16, Box::new(from)))
    }

    pub fn record(&mut self, separator: &Separator) -> std::io::Result<Option<String>> {
        let bytes = match separator {
            Separator::Byte(byte) => self.until(*byte)?,
            Separator::Paragraph => return self.paragraph(),
            Separator::Regex(regex) => return self.matched(regex),
        };
        Ok(bytes.map(|bytes| text(&bytes)))
    }

    fn until(&mut self, byte: u8) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        if self.0.read_until(byte, &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&byte) {
            bytes.pop();
        }
        Ok(Some(bytes))
    }

    fn paragraph(&mut self) -> std::io::Result<Option<String>> {
        let mut lines: Vec<String> = Vec::new();
        while let Some(line) = self.until(b'\n')? {
            match line.is_empty() {
                true if lines.is_empty() => {}
                true => break,
                false => lines.push(text(&line)),
            }
        }
        Ok((!lines.is_empty()).then(|| lines.join("\n")))
    }

    /// A match may reach beyond what was read, so all is.
    fn matched(&mut self, regex: &Regex) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let all = text(&bytes);
        let found = regex.find(&all).filter(|found| !found.is_empty());
        let Some(found) = found else {
            return Ok(Some(all.strip_suffix('\n').unwrap_or(&all).to_owned()));
        };
        let rest = all
            .get(found.end()..)
            .unwrap_or_default()
            .as_bytes()
            .to_vec();
        self.0 = BufReader::new(Box::new(std::io::Cursor::new(rest)));
        Ok(all.get(..found.start()).map(str::to_owned))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
