//! Server-sent events, as the HTML standard defines them: fed with bytes in any pieces, gives whole messages.
//!
//! | line | meaning |
//! |---|---|
//! | `event: NAME` | the message's kind; without it, `message` |
//! | `data: TEXT` | a line of its data |
//! | empty | the message is complete |
//! | `: TEXT`, `id:`, `retry:`, anything else | ignored: an event that can be asked for again has its id in its data |

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub event: String,
    pub data: String,
}

#[derive(Default)]
pub struct Parser {
    /// The line that has not ended.
    line: Vec<u8>,
    /// The line before ended in a carriage return, so a line feed now belongs to it.
    after_return: bool,
    event: String,
    data: Option<String>,
}

impl Parser {
    /// Takes what arrived and gives back the messages that it completes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.after_return = false;
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, ending) = rest.split_at(end);
            self.line.extend_from_slice(line);
            messages.extend(self.end_line());
            rest = match ending {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.line.extend_from_slice(rest);
        messages
    }

    fn end_line(&mut self) -> Option<Message> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let event = if event.is_empty() {
                "message".to_owned()
            } else {
                event
            };
            return self.data.take().map(|data| Message { event, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => self.event = value.to_owned(),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", none) => *none = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: &str, data: &str) -> Message {
        Message {
            event: event.to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn messages_come_out_whole() {
        for (text, expected) in [
            ("event: stdout\ndata: {}\n\n", vec![message("stdout", "{}")]),
            ("data: a\ndata: b\n\n", vec![message("message", "a\nb")]),
            (
                "data:a\r\n\r\ndata:b\r\rdata:c\n\n",
                vec![
                    message("message", "a"),
                    message("message", "b"),
                    message("message", "c"),
                ],
            ),
            (
                ": ping\n\nid: 4\nevent: exit\ndata\n\n",
                vec![message("exit", "")],
            ),
            (
                "event: lost\n\ndata: kept\n\n",
                vec![message("message", "kept")],
            ),
            ("data: unfinished\n", vec![]),
        ] {
            assert_eq!(
                Parser::default().push(text.as_bytes()),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_pieces_do_not_matter() {
        let text = "event: stdout\r\ndata: gr\u{f6}\u{df}e\r\n\r\n: ping\r\n\r\ndata: 2\r\n\r\n"
            .as_bytes();
        let whole = Parser::default().push(text);
        assert_eq!(whole.len(), 2);
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let pieces: Vec<Message> = text
                .chunks(size)
                .flat_map(|piece| parser.push(piece))
                .collect();
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
    }
}
