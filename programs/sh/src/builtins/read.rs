//! `read` and `mapfile`

use super::Letters;
use crate::executor;
use crate::shell::{Outcome, Shell};
use crate::stream::Input;
use crate::text;
use std::rc::Rc;

/// A line as bytes, without its delimiter. Nothing behind it is taken from the input.
struct Line {
    bytes: Vec<u8>,
    /// The delimiter was met.
    complete: bool,
}

async fn take_line(
    input: &Input,
    delimiter: u8,
    raw: bool,
    count: Option<usize>,
    exact: bool,
) -> Line {
    let mut bytes = Vec::new();
    let mut characters = 0;
    while count.is_none_or(|count| characters < count) {
        let Some(read) = input.read(1).await else {
            return Line {
                bytes,
                complete: false,
            };
        };
        let Some(byte) = read.first().copied() else {
            continue;
        };
        if byte == delimiter && !exact {
            return Line {
                bytes,
                complete: true,
            };
        }
        if byte == b'\\' && !raw {
            match input.read(1).await.and_then(|read| read.first().copied()) {
                // A line that goes on.
                Some(b'\n') => {}
                Some(next) => {
                    bytes.extend_from_slice(&[b'\\', next]);
                    characters += 1;
                }
                None => {
                    return Line {
                        bytes,
                        complete: false,
                    };
                }
            }
            continue;
        }
        bytes.push(byte);
        // Only the first byte of a character counts, so the others have to follow.
        if byte & 0xc0 != 0x80 {
            characters += 1;
        }
        if count == Some(characters) {
            let more = match byte {
                0xc0..=0xdf => 1,
                0xe0..=0xef => 2,
                0xf0..=0xf7 => 3,
                _ => 0,
            };
            for _ in 0..more {
                bytes.extend(input.read(1).await.unwrap_or_default());
            }
        }
    }
    Line {
        bytes,
        complete: true,
    }
}

/// One line as text. None at the end.
pub async fn line(input: &Input) -> Option<String> {
    let line = take_line(input, b'\n', true, None, false).await;
    (line.complete || !line.bytes.is_empty()).then(|| text::decode(&line.bytes))
}

pub async fn read(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "rse", "adnNpitu") {
        Ok(letters) => letters,
        Err(message) => return shell.usage("read", &message).await,
    };
    let names = arguments.get(letters.taken..).unwrap_or_default().to_vec();
    for name in &names {
        let plain = crate::scope::element(name).map_or(name.as_str(), |(name, _)| name);
        if !crate::syntax::is_name(plain) {
            shell
                .complain(&format!("read: `{name}': not a valid identifier"))
                .await;
            return Ok(1);
        }
    }
    let raw = letters.has('r');
    let number = letters
        .value('u')
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let delimiter = letters
        .value('d')
        .map_or(b'\n', |text| text.bytes().next().unwrap_or(0));
    let exact = letters.has('N');
    let count = letters
        .value('n')
        .or(letters.value('N'))
        .and_then(|count| count.parse().ok());
    let Some(input) = shell.input(number) else {
        shell
            .complain(&format!(
                "read: {number}: invalid file descriptor: Bad file descriptor"
            ))
            .await;
        return Ok(1);
    };
    let reading = take_line(&input, delimiter, raw, count, exact);
    let timeout = letters
        .value('t')
        .and_then(|seconds| seconds.parse::<f64>().ok());
    let line = match timeout {
        None => reading.await,
        Some(seconds) => {
            let nanoseconds = (seconds.max(0.0) * 1e9) as u64;
            match executor::either(reading, executor::sleep(nanoseconds)).await {
                Ok(line) => line,
                Err(()) => return Ok(142),
            }
        }
    };
    let status = i32::from(!line.complete);
    let text = text::decode(&line.bytes);
    let stored = if let Some(array) = letters.value('a') {
        let separators = shell.separators();
        let fields = split(&text, &separators, usize::MAX, raw);
        let fields = fields
            .into_iter()
            .map(|field| (None, false, field))
            .collect();
        shell.assign_array(array, fields, false)
    } else {
        store(shell, &names, &text, raw, exact)
    };
    match stored {
        Ok(()) => Ok(status),
        Err(message) => {
            shell.complain(&message).await;
            Ok(1)
        }
    }
}

fn store(
    shell: &mut Shell,
    names: &[String],
    text: &str,
    raw: bool,
    exact: bool,
) -> Result<(), String> {
    if names.is_empty() {
        return shell.set("REPLY", unescaped(text, raw));
    }
    let fields = if exact {
        vec![unescaped(text, raw)]
    } else {
        split(text, &shell.separators(), names.len(), raw)
    };
    let mut fields = fields.into_iter();
    for name in names {
        let value = fields.next().unwrap_or_default();
        match crate::scope::element(name) {
            Some((array, key)) => shell.assign_text(array, Some(key), value, false)?,
            None => shell.set(name, value)?,
        }
    }
    Ok(())
}

fn unescaped(text: &str, raw: bool) -> String {
    if raw {
        return text.to_owned();
    }
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => result.extend(characters.next()),
            character => result.push(character),
        }
    }
    result
}

/// Divides a line; the last of `count` fields gets the rest.
fn split(text: &str, separators: &str, count: usize, raw: bool) -> Vec<String> {
    let is_blank = |c: char| c.is_ascii_whitespace() && separators.contains(c);
    let is_separator = |c: char| separators.contains(c);
    let mut fields = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        if fields.len() + 1 == count {
            fields.push(last_field(rest, &is_blank, &is_separator, raw));
            return fields;
        }
        let mut field = String::new();
        let mut characters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            if character == '\\' && !raw {
                field.extend(characters.next().map(|(_, character)| character));
            } else if is_separator(character) {
                end = at;
                break;
            } else {
                field.push(character);
            }
        }
        fields.push(field);
        rest = rest.get(end..).unwrap_or_default();
        // Blanks, one separator that is no blank, blanks.
        rest = rest.trim_start_matches(is_blank);
        if let Some(first) = rest.chars().next().filter(|c| is_separator(*c)) {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            rest = rest.trim_start_matches(is_blank);
        }
    }
    fields
}

/// What is left belongs to it, save for blanks at its end and a single separator there.
fn last_field(
    rest: &str,
    is_blank: &impl Fn(char) -> bool,
    is_separator: &impl Fn(char) -> bool,
    raw: bool,
) -> String {
    let trimmed = rest.trim_end_matches(is_blank);
    let without = trimmed
        .strip_suffix(is_separator)
        .filter(|without| !without.contains(is_separator) && !trimmed.is_empty());
    unescaped(without.unwrap_or(trimmed), raw)
}

pub async fn mapfile(shell: &mut Shell, name: &str, arguments: &[String]) -> Outcome {
    let letters = match Letters::read(arguments, "t", "dnOsuCc") {
        Ok(letters) => letters,
        Err(message) => return shell.usage(name, &message).await,
    };
    let array = arguments
        .get(letters.taken)
        .cloned()
        .unwrap_or_else(|| "MAPFILE".to_owned());
    let number = letters
        .value('u')
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let delimiter = letters
        .value('d')
        .map_or(b'\n', |text| text.bytes().next().unwrap_or(0));
    let size = |letter| {
        letters
            .value(letter)
            .and_then(|count| count.parse::<usize>().ok())
    };
    let count = size('n').filter(|count| *count > 0).unwrap_or(usize::MAX);
    let skipped = size('s').unwrap_or(0);
    let Some(input) = shell.input(number) else {
        shell
            .complain(&format!(
                "{name}: {number}: invalid file descriptor: Bad file descriptor"
            ))
            .await;
        return Ok(1);
    };
    let lines = take_lines(&input, delimiter, skipped.saturating_add(count)).await;
    let mut values = Vec::with_capacity(lines.len());
    for line in lines.into_iter().skip(skipped) {
        let mut bytes = line.bytes;
        if line.complete && !letters.has('t') {
            bytes.push(delimiter);
        }
        values.push(text::decode(&bytes));
    }
    let stored = match size('O') {
        None => {
            let values = values
                .into_iter()
                .map(|value| (None, false, value))
                .collect();
            shell.assign_array(&array, values, false)
        }
        Some(origin) => (origin..).zip(values).try_for_each(|(index, value)| {
            shell.assign_text(&array, Some(&index.to_string()), value, false)
        }),
    };
    match stored {
        Ok(()) => Ok(0),
        Err(message) => {
            shell.complain(&message).await;
            Ok(1)
        }
    }
}

/// All lines at once if nothing has to be left, else one by one.
async fn take_lines(input: &Rc<Input>, delimiter: u8, count: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if count == usize::MAX {
        let bytes = input.read_all().await;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == delimiter);
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            lines.push(Line {
                bytes: line.to_vec(),
                complete: end.is_some(),
            });
            rest = after.get(1..).unwrap_or_default();
        }
        return lines;
    }
    while lines.len() < count {
        let line = take_line(input, delimiter, true, None, false).await;
        let complete = line.complete;
        if complete || !line.bytes.is_empty() {
            lines.push(line);
        }
        if !complete {
            break;
        }
    }
    lines
}
