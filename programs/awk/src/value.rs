//! Values: numbers, texts, and texts from outside that look like numbers.

use crate::format;
use std::cmp::Ordering;
use std::rc::Rc;

#[derive(Clone, Debug)]
pub enum Value {
    Nothing,
    Number(f64),
    Text(Rc<str>),
    /// From a field, a variable of the command line or the environment: it compares as a number.
    Numeric(Rc<str>, f64),
}

impl Value {
    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// What came from outside.
    pub fn outside(text: &str) -> Self {
        match whole_number(text) {
            Some(number) => Self::Numeric(text.into(), number),
            None => Self::Text(text.into()),
        }
    }

    pub fn truth(truth: bool) -> Self {
        Self::Number(f64::from(u8::from(truth)))
    }

    pub fn number(&self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Number(number) | Self::Numeric(_, number) => *number,
            Self::Text(text) => leading_number(text),
        }
    }

    pub fn to_text(&self, form: &str) -> Rc<str> {
        match self {
            Self::Nothing => "".into(),
            Self::Number(number) => number_text(*number, form).into(),
            Self::Text(text) | Self::Numeric(text, _) => text.clone(),
        }
    }

    pub fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number(number) | Self::Numeric(_, number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    pub fn compare(&self, other: &Self, form: &str) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(_), _) | (_, Self::Text(_)) => {
                Some(self.to_text(form).cmp(&other.to_text(form)))
            }
            _ => self.number().partial_cmp(&other.number()),
        }
    }
}

pub fn number_text(number: f64, form: &str) -> String {
    if number == number.trunc() && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    match () {
        () if number.is_nan() => (if number.is_sign_negative() {
            "-nan"
        } else {
            "nan"
        })
        .to_owned(),
        () if number.is_infinite() => (if number < 0.0 { "-inf" } else { "inf" }).to_owned(),
        () => format::format(form, &[Value::Number(number)], form),
    }
}

/// The number at the start of a text; 0 if there is none.
fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    text.get(..number_length(text))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0)
}

fn whole_number(text: &str) -> Option<f64> {
    let text = text.trim();
    (!text.is_empty() && number_length(text) == text.len())
        .then(|| text.parse().ok())
        .flatten()
}

/// How long a decimal number at the start is: sign, digits, point, exponent.
pub fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut part = 0;
    if bytes.get(at) == Some(&b'.') {
        part = digits(at + 1);
        if whole + part > 0 {
            at += 1 + part;
        }
    }
    if whole + part == 0 {
        return 0;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
