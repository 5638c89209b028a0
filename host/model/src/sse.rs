//! Server-sent events, as far as providers use them: names and data.

use memchr::memchr;

/// The most of one event: a call of a tool may come in one.
const EVENT_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Cuts what comes into events.
#[derive(Default)]
pub(crate) struct Events {
    /// What is no whole line yet, from `at`.
    rest: Vec<u8>,
    at: usize,
    event: Event,
    has_data: bool,
}

/// An event is longer than any should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Events {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.rest.drain(..self.at);
        self.at = 0;
        self.rest.extend_from_slice(bytes);
    }

    /// The next whole one. What an end of the stream leaves over was never sent.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, TooLong> {
        loop {
            let ahead = self.rest.get(self.at..).unwrap_or_default();
            let Some(end) = memchr(b'\n', ahead) else {
                let open = ahead.len() + self.event.data.len();
                return if open > EVENT_BYTES_MAX {
                    Err(TooLong)
                } else {
                    Ok(None)
                };
            };
            let line = ahead.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = String::from_utf8_lossy(line).into_owned();
            self.at += end + 1;
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if std::mem::take(&mut self.has_data) {
                    return Ok(Some(event));
                }
                continue;
            }
            self.take(&line);
            if self.event.data.len() > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
    }

    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_wherever_they_are_cut() {
        let text = ": hello\nevent: a\ndata: {\"x\":1}\n\ndata:two\r\ndata: lines\r\n\r\nid: 1\n\ndata: tïger\n\ndata: open";
        let event = |name: &str, data: &str| Event {
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let expected = [
            event("a", "{\"x\":1}"),
            event("", "two\nlines"),
            event("", "tïger"),
        ];
        for size in 1..text.len() {
            let (mut events, mut found) = (Events::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                events.push(piece);
                while let Some(event) = events.next().unwrap() {
                    found.push(event);
                }
            }
            assert_eq!(found, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut events = Events::default();
        events.push(b"data: ");
        events.push(&vec![b'x'; EVENT_BYTES_MAX + 1]);
        assert_eq!(events.next(), Err(TooLong));
    }
}
