//! Filters that jaq's libraries have not, or have otherwise than jq.

use crate::filter::Kind;
use crate::read;
use crate::regex;
use crate::value::{Fault, Value, fault};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jaq_core::native::{Filter, bome, unary, v};
use jaq_core::path::Opt;
use jaq_core::{Exn, RunPtr, ValT as _, ValX};
use jaq_json::Val;

pub fn funs() -> Box<[Filter<RunPtr<Kind>>]> {
    Box::new([
        ("nan", v(0), |_| bome(Ok(Value::from(f64::NAN)))),
        ("infinite", v(0), |_| bome(Ok(Value::from(f64::INFINITY)))),
        ("tojson", v(0), |cv| bome(Ok(Value::from(cv.1.to_string())))),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("tonumber", v(0), |cv| bome(to_number(cv.1))),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("keys_unsorted", v(0), |cv| bome(keys(&cv.1))),
        ("contains", v(1), |cv| {
            unary(cv, |all, part| contains(&all, &part).map(Value::from))
        }),
        ("has", v(1), |cv| {
            unary(cv, |value, key| has(&value, &key).map(Value::from))
        }),
        ("indices", v(1), |cv| {
            unary(cv, |value, wanted| indices(&value, &wanted))
        }),
        ("bsearch", v(1), |cv| {
            unary(cv, |value, wanted| search(&value, wanted))
        }),
        ("delpaths", v(1), |cv| {
            unary(cv, |value, paths| delete_all(value, &paths))
        }),
        ("found", v(3), |mut cv| {
            let (global, flags, pattern) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            bome(regex::matches(&cv.1, &pattern, &flags, global.as_bool()))
        }),
        ("pieces", v(3), |mut cv| {
            let (global, flags, pattern) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            bome(regex::split(&cv.1, &pattern, &flags, global.as_bool()))
        }),
        ("escape_html", v(0), |cv| {
            bome(text(&cv.1).map(|text| Value::from(html(text))))
        }),
        ("decode_base64", v(0), |cv| bome(from_base64(&cv.1))),
        ("encode_base32", v(0), |cv| {
            bome(text(&cv.1).map(|text| Value::from(data_encoding::BASE32.encode(text.as_bytes()))))
        }),
        ("decode_base32", v(0), |cv| bome(from_base32(&cv.1))),
        ("input_filename", v(0), |cv| {
            bome(Ok(cv.0.data().place.file()))
        }),
        ("input_line_number", v(0), |cv| {
            bome(Ok(Value::from(cv.0.data().place.line())))
        }),
    ])
}

type Result<T> = std::result::Result<T, Fault>;

fn text(value: &Value) -> Result<&str> {
    value
        .text()
        .ok_or_else(|| fault(format!("{} is not a string", value.shown())))
}

fn from_json(value: &Value) -> Result<Value> {
    let Some(text) = value.text() else {
        return Err(fault(format!(
            "{} cannot be parsed, only strings can be",
            value.shown()
        )));
    };
    let parsed = read::single(text.as_bytes());
    parsed
        .map(Value)
        .map_err(|error| fault(format!("{error} (while parsing '{text}')")))
}

fn to_number(value: Value) -> Result<Value> {
    match (&value.0, value.text()) {
        (Val::Num(_), _) => Ok(value),
        (_, Some(text)) => match read::single(text.as_bytes()) {
            Ok(number @ Val::Num(_)) => Ok(Value(number)),
            Ok(_) => Err(fault(format!("Cannot be parsed as a number: '{text}'"))),
            Err(error) => Err(fault(format!("{error} (while parsing '{text}')"))),
        },
        _ => Err(fault(format!(
            "{} cannot be parsed as a number",
            value.shown()
        ))),
    }
}

fn length(value: &Value) -> Result<Value> {
    Ok(match &value.0 {
        Val::Null => Value::from(0_usize),
        Val::Num(_) => Value::from(value.number().unwrap_or_default().abs()),
        Val::TStr(bytes) | Val::BStr(bytes) => {
            Value::from(String::from_utf8_lossy(bytes).chars().count())
        }
        Val::Arr(elements) => Value::from(elements.len()),
        Val::Obj(members) => Value::from(members.len()),
        Val::Bool(_) => return Err(fault(format!("{} has no length", value.shown()))),
    })
}

fn keys(value: &Value) -> Result<Value> {
    match &value.0 {
        Val::Obj(members) => Ok(members.keys().cloned().map(Value).collect()),
        Val::Arr(elements) => Ok((0..elements.len()).map(Value::from).collect()),
        _ => Err(fault(format!("{} has no keys", value.shown()))),
    }
}

fn contains(all: &Value, part: &Value) -> Result<bool> {
    if all.kind() != part.kind() {
        let (all, part) = (all.shown(), part.shown());
        return Err(fault(format!(
            "{all} and {part} cannot have their containment checked"
        )));
    }
    Ok(holds(&all.0, &part.0))
}

fn holds(all: &Val, part: &Val) -> bool {
    match (all, part) {
        (Val::Obj(all), Val::Obj(part)) => part
            .iter()
            .all(|(key, part)| all.get(key).is_some_and(|all| holds(all, part))),
        (Val::Arr(all), Val::Arr(part)) => part
            .iter()
            .all(|part| all.iter().any(|all| holds(all, part))),
        (Val::TStr(all), Val::TStr(part)) => {
            part.is_empty() || all.windows(part.len()).any(|window| window == &part[..])
        }
        _ => all == part,
    }
}

fn has(value: &Value, key: &Value) -> Result<bool> {
    match (&value.0, &key.0) {
        (Val::Obj(members), Val::TStr(_)) => Ok(members.contains_key(&key.0)),
        (Val::Arr(elements), Val::Num(_)) => {
            let at = key.number().unwrap_or(f64::NAN);
            Ok(at >= 0.0 && at < elements.len() as f64)
        }
        _ => {
            let (value, key) = (value.kind(), key.kind());
            Err(fault(format!(
                "Cannot check whether {value} has a {key} key"
            )))
        }
    }
}

fn indices(value: &Value, wanted: &Value) -> Result<Value> {
    match (&value.0, &wanted.0) {
        (Val::Null, _) => Ok(Value::default()),
        (Val::TStr(_), Val::TStr(_)) => {
            let (all, part) = (text(value)?, text(wanted)?);
            if part.is_empty() {
                return Ok(Value::default());
            }
            let starts = all.char_indices().enumerate();
            let found = starts
                .filter(|(_, (at, _))| all.get(*at..).is_some_and(|rest| rest.starts_with(part)));
            Ok(found.map(|(count, _)| Value::from(count)).collect())
        }
        (Val::Arr(_), Val::Arr(part)) if part.is_empty() => Ok(Value::default()),
        (Val::Arr(elements), wanted_value) if !matches!(wanted_value, Val::Arr(_)) => {
            let equal = elements.iter().enumerate();
            let equal = equal.filter(|(_, element)| *element == wanted_value);
            Ok(equal.map(|(at, _)| Value::from(at)).collect())
        }
        _ => value.clone().index(wanted),
    }
}

/// Where it is, or, less than zero, before which it would be.
fn search(value: &Value, wanted: Value) -> Result<Value> {
    let Val::Arr(elements) = &value.0 else {
        return Err(fault(format!("{} cannot be searched from", value.shown())));
    };
    let found = elements.binary_search(&wanted.0);
    Ok(Value::from(
        found.map_or_else(|at| -1.0 - at as f64, |at| at as f64),
    ))
}

/// The last first, so that the others stay where their paths say.
fn delete_all(value: Value, paths: &Value) -> Result<Value> {
    let Val::Arr(paths) = &paths.0 else {
        return Err(fault("Paths must be specified as an array"));
    };
    let mut sorted: Vec<&Val> = paths.iter().collect();
    sorted.sort();
    sorted
        .into_iter()
        .rev()
        .try_fold(value, |value, path| match path {
            Val::Arr(path) => delete(value, path).map_err(error_of),
            _ => Err(fault("Path must be specified as an array")),
        })
}

fn error_of(exception: Exn<'_, Value>) -> Fault {
    exception.get_err().unwrap_or_else(|_| fault("break"))
}

fn delete<'a>(value: Value, path: &[Val]) -> ValX<'a, Value> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(Value::default());
    };
    if matches!(value.0, Val::Null) {
        return Ok(value);
    }
    let key = Value(key.clone());
    if !rest.is_empty() {
        if matches!(value.clone().index(&key)?.0, Val::Null) {
            return Ok(value);
        }
        return value.map_index(&key, Opt::Essential, |inner| {
            std::iter::once(delete(inner, rest))
        });
    }
    match (&value.0, &key.0) {
        (Val::Obj(_), Val::TStr(_)) | (Val::Arr(_), Val::Obj(_)) => {}
        (Val::Arr(elements), Val::Num(_)) => {
            let at = key.number().unwrap_or_default();
            let length = elements.len() as f64;
            if at < -length || at >= length {
                return Ok(value);
            }
        }
        _ => {
            let (value, key) = (value.kind(), key.kind());
            return Err(fault(format!("Cannot delete field at {key} index of {value}")).into());
        }
    }
    value.map_index(&key, Opt::Essential, |_| std::iter::empty())
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(character),
        }
    }
    out
}

/// With or without its padding.
fn from_base64(value: &Value) -> Result<Value> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let given = text(value)?.trim_end_matches('=');
    // One character more than a group says nothing.
    let whole = if given.len() % 4 == 1 {
        given.len() - 1
    } else {
        given.len()
    };
    let decoded = LENIENT.decode(given.get(..whole).unwrap_or(given));
    match decoded {
        Ok(bytes) if given.is_empty() || whole > 0 => {
            Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
        }
        _ => Err(fault(format!("{} is not valid base64 data", value.shown()))),
    }
}

fn from_base32(value: &Value) -> Result<Value> {
    match data_encoding::BASE32.decode(text(value)?.as_bytes()) {
        Ok(bytes) => Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned())),
        Err(_) => Err(fault(format!("{} is not valid base32 data", value.shown()))),
    }
}
