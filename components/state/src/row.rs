//! One row of a result, read by position.

use crate::DatabaseError;
use spin_sdk::sqlite::Value;

/// The columns of a row, in the order of the statement.
#[derive(Clone, Debug)]
pub struct Row(Vec<Value>);

impl Row {
    pub fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// A column that holds text.
    pub fn text(&self, index: usize) -> Result<&str, DatabaseError> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(wrong(index, "text", other)),
        }
    }

    /// A column that holds text or nothing.
    pub fn text_or_null(&self, index: usize) -> Result<Option<&str>, DatabaseError> {
        match self.0.get(index) {
            Some(Value::Null) => Ok(None),
            _ => self.text(index).map(Some),
        }
    }

    /// A column that holds a number of at least 0.
    pub fn integer(&self, index: usize) -> Result<u64, DatabaseError> {
        match self.0.get(index) {
            Some(Value::Integer(number)) => u64::try_from(*number)
                .map_err(|_| wrong(index, "a number of at least 0", self.0.get(index))),
            other => Err(wrong(index, "a number", other)),
        }
    }

    /// A column that holds a number of at least 0 or nothing.
    pub fn integer_or_null(&self, index: usize) -> Result<Option<u64>, DatabaseError> {
        match self.0.get(index) {
            Some(Value::Null) => Ok(None),
            _ => self.integer(index).map(Some),
        }
    }

    /// A column that holds JSON of a known shape.
    pub fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T, DatabaseError> {
        serde_json::from_str(self.text(index)?).map_err(|error| {
            DatabaseError(format!(
                "column {index} holds JSON of another shape: {error}"
            ))
        })
    }
}

fn wrong(index: usize, expected: &str, found: Option<&Value>) -> DatabaseError {
    let found = match found {
        None => "no such column",
        Some(Value::Integer(_)) => "a number",
        Some(Value::Real(_)) => "a fraction",
        Some(Value::Text(_)) => "text",
        Some(Value::Blob(_)) => "bytes",
        Some(Value::Null) => "null",
    };
    DatabaseError(format!(
        "column {index} should hold {expected}, holds {found}"
    ))
}
