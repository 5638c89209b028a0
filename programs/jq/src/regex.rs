//! Regular expressions: what matched and where, counted in characters.

use crate::value::{Fault, Value, fault};
use fancy_regex::{Captures, Regex, RegexBuilder};
use jaq_json::Val;

type Result<T> = std::result::Result<T, Fault>;

/// How often an expression may go back before it is given up.
const BACKTRACK_MAX: usize = 10_000_000;

struct Search<'a> {
    text: &'a str,
    regex: Regex,
    global: bool,
    without_empty: bool,
}

/// All matches, as `match` gives them.
pub fn matches(input: &Value, pattern: &Value, flags: &Value, global: bool) -> Result<Value> {
    let search = Search::new(input, pattern, flags, global)?;
    let mut place = Place::new(search.text);
    let found = search.found()?;
    Ok(found
        .iter()
        .map(|captures| search.described(captures, &mut place))
        .collect())
}

/// What is between the matches as text, and for each match the object of its named groups.
pub fn split(input: &Value, pattern: &Value, flags: &Value, global: bool) -> Result<Value> {
    let search = Search::new(input, pattern, flags, global)?;
    let mut parts = Vec::new();
    let mut behind = 0;
    let between = |from: usize, to: usize| search.text.get(from..to).unwrap_or_default().to_owned();
    for captures in search.found()? {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        parts.push(Value::from(between(behind, whole.start())));
        parts.push(search.groups(&captures));
        behind = whole.end();
    }
    parts.push(Value::from(between(behind, search.text.len())));
    Ok(parts.into_iter().collect())
}

impl<'a> Search<'a> {
    /// The pattern may be an array of itself and the flags.
    fn new(input: &'a Value, pattern: &Value, flags: &Value, global: bool) -> Result<Self> {
        let Some(text) = input.text() else {
            let input = input.shown();
            return Err(fault(format!(
                "{input} cannot be matched, as it is not a string"
            )));
        };
        let (pattern, flags) = match &pattern.0 {
            Val::Arr(both) => {
                let at = |at: usize| Value(both.get(at).cloned().unwrap_or_default());
                (at(0), at(1))
            }
            _ => (pattern.clone(), flags.clone()),
        };
        let Some(pattern) = pattern.text() else {
            let pattern = pattern.shown();
            return Err(fault(format!(
                "{pattern} cannot be matched, as it is not a string"
            )));
        };
        let letters = match (&flags.0, flags.text()) {
            (Val::Null, _) => "",
            (_, Some(letters)) => letters,
            _ => return Err(fault(format!("{} is not a string", flags.shown()))),
        };
        let mut global = global;
        let mut without_empty = false;
        let mut builder = RegexBuilder::new(pattern);
        builder.backtrack_limit(BACKTRACK_MAX);
        for letter in letters.chars() {
            match letter {
                'g' => global = true,
                'n' => without_empty = true,
                'i' => drop(builder.case_insensitive(true)),
                'x' => drop(builder.ignore_whitespace(true)),
                'p' => drop(builder.dot_matches_new_line(true)),
                's' | 'l' => {}
                _ => return Err(fault(format!("{letters} is not a valid modifier string"))),
            }
        }
        let regex = builder.build();
        let regex = regex.map_err(|error| {
            fault(format!(
                "{pattern} (at offset 0) is not a valid regex: {error}"
            ))
        })?;
        Ok(Self {
            text,
            regex,
            global,
            without_empty,
        })
    }

    fn found(&self) -> Result<Vec<Captures<'a, str>>> {
        let mut found = Vec::new();
        for captures in self.regex.captures_iter(self.text) {
            let captures = captures.map_err(|error| fault(format!("cannot match: {error}")))?;
            let empty = captures
                .get(0)
                .is_none_or(|whole| whole.as_str().is_empty());
            if empty && self.without_empty {
                continue;
            }
            found.push(captures);
            if !self.global {
                break;
            }
        }
        Ok(found)
    }

    fn described(&self, captures: &Captures<'_, str>, place: &mut Place<'_>) -> Value {
        let mut all = Vec::new();
        for (at, name) in self.regex.capture_names().enumerate() {
            let group = captures.get(at);
            let mut members = match group {
                Some(group) => vec![
                    member("offset", Value::from(place.of(group.start()))),
                    member("length", Value::from(group.as_str().chars().count())),
                    member("string", Value::from(group.as_str().to_owned())),
                ],
                None => vec![
                    member("offset", Value::from(-1_isize)),
                    member("length", Value::from(0_usize)),
                    member("string", Value::default()),
                ],
            };
            if at > 0 {
                let name = name.map(|name| Value::from(name.to_owned()));
                members.push(member("name", name.unwrap_or_default()));
            }
            all.push(members);
        }
        let mut all = all.into_iter();
        let mut whole = all.next().unwrap_or_default();
        let object = |members: Vec<(Val, Val)>| Value(Val::obj(members.into_iter().collect()));
        whole.push(member("captures", all.map(object).collect()));
        object(whole)
    }

    fn groups(&self, captures: &Captures<'_, str>) -> Value {
        let named = self.regex.capture_names().enumerate();
        let named = named.filter_map(|(at, name)| {
            let text = captures
                .get(at)
                .map(|group| Value::from(group.as_str().to_owned()));
            Some(member(name?, text.unwrap_or_default()))
        });
        Value(Val::obj(named.collect()))
    }
}

fn member(name: &str, value: Value) -> (Val, Val) {
    (Val::from(name.to_owned()), value.0)
}

/// Bytes to characters; groups mostly come one behind the other.
struct Place<'a> {
    text: &'a str,
    bytes: usize,
    characters: usize,
}

impl<'a> Place<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: 0,
            characters: 0,
        }
    }

    fn of(&mut self, byte: usize) -> usize {
        if byte < self.bytes {
            (self.bytes, self.characters) = (0, 0);
        }
        let between = self.text.get(self.bytes..byte).unwrap_or_default();
        self.characters += between.chars().count();
        self.bytes = byte;
        self.characters
    }
}
