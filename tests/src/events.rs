//! Server-sent events, read one after another.

use reqwest::blocking::Response;
use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};

/// What a stream says.
pub struct Events(Lines<BufReader<Response>>);

impl Events {
    pub fn new(response: Response) -> Self {
        Self(BufReader::new(response).lines())
    }

    /// The name of the next event and its data. A test that asks for more than there is has failed.
    pub fn take(&mut self) -> (String, Value) {
        let mut event = String::new();
        loop {
            let line = self.0.next().expect("the stream has ended").unwrap();
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (event, serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The data of the last event of a command, its result.
    pub fn exits(&mut self) -> Value {
        let (event, data) = self.take();
        assert_eq!(event, "exit", "{data}");
        data
    }
}
