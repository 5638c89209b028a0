//! `-P`: expressions with look-around and back references.

use fancy_regex::{Regex, RegexBuilder};
use grep_matcher::{ByteSet, LineTerminator, Match, Matcher, NoCaptures, NoError};

#[derive(Clone)]
pub struct Perl(Regex);

impl Perl {
    pub fn new(pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(pattern)
            .backtrack_limit(10_000_000)
            .build()
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl Matcher for Perl {
    type Captures = NoCaptures;
    type Error = NoError;

    fn find_at(&self, haystack: &[u8], at: usize) -> Result<Option<Match>, NoError> {
        // It works on text only: what is not text matches nothing.
        let Ok(text) = std::str::from_utf8(haystack) else {
            return Ok(None);
        };
        let found = self.0.find_from_pos(text, at).ok().flatten();
        Ok(found.map(|found| Match::new(found.start(), found.end())))
    }

    fn new_captures(&self) -> Result<NoCaptures, NoError> {
        Ok(NoCaptures::new())
    }

    fn non_matching_bytes(&self) -> Option<&ByteSet> {
        None
    }

    fn line_terminator(&self) -> Option<LineTerminator> {
        None
    }
}
