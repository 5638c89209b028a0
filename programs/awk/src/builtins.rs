//! Functions of the language: POSIX's, and of gawk's `gensub`, `strftime`, `systime`, `mktime`, `asort`, `asorti`,
//! `toupper`, `tolower`, the bitwise ones, and `match` with an array.

use crate::format;
use crate::interpreter::{Flow, Interpreter, RLENGTH, RSTART, Run};
use crate::syntax::{Expression, Variable};
use crate::value::Value;
use chrono::{DateTime, NaiveDate};
use std::rc::Rc;

const NAMES: [&str; 33] = [
    "length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "sin", "cos", "atan2",
    "exp", "log", "sqrt", "int", "rand", "srand", "tolower", "toupper", "system", "close",
    "fflush", "gensub", "strftime", "systime", "mktime", "asort", "asorti", "and", "or", "xor",
    "lshift", "rshift",
];

pub fn is_builtin(name: &str) -> bool {
    NAMES.contains(&name)
}

pub fn call(awk: &mut Interpreter, name: &str, arguments: &[Expression]) -> Run<Value> {
    match name {
        "length" => return length(awk, arguments),
        "split" => return split(awk, arguments),
        "sub" | "gsub" => return substitute(awk, arguments, name == "gsub"),
        "gensub" => return gensub(awk, arguments),
        "match" => return matched(awk, arguments),
        "asort" | "asorti" => return sorted(awk, arguments, name == "asorti"),
        _ => {}
    }
    let values = arguments
        .iter()
        .map(|argument| awk.value(argument))
        .collect::<Run<Vec<_>>>()?;
    let form = awk.number_form();
    let text = |at: usize| {
        values
            .get(at)
            .map_or_else(|| Rc::from(""), |value| value.to_text(&form))
    };
    let number = |at: usize| values.get(at).map_or(0.0, Value::number);
    let bits = |at: usize| number(at) as u64;
    Ok(match name {
        "substr" => substr(&text(0), number(1), values.get(2).map(Value::number)),
        "index" => {
            let (text, part) = (text(0), text(1));
            let at = text
                .find(&*part)
                .and_then(|at| text.get(..at))
                .map_or(0, |before| before.chars().count() + 1);
            Value::Number(at as f64)
        }
        "sprintf" => Value::text(format::format(
            &text(0),
            values.get(1..).unwrap_or_default(),
            &form,
        )),
        "sin" => Value::Number(number(0).sin()),
        "cos" => Value::Number(number(0).cos()),
        "atan2" => Value::Number(number(0).atan2(number(1))),
        "exp" => Value::Number(number(0).exp()),
        "log" => Value::Number(number(0).ln()),
        "sqrt" => Value::Number(number(0).sqrt()),
        "int" => Value::Number(number(0).trunc()),
        "rand" => Value::Number(random(awk)),
        "srand" => {
            let seed = values.first().map_or_else(now, Value::number);
            let before = std::mem::replace(&mut awk.seed, seed);
            awk.random = seed.to_bits() ^ 0x2545_F491_4F6C_DD1D | 1;
            Value::Number(before)
        }
        "tolower" => Value::text(text(0).to_lowercase()),
        "toupper" => Value::text(text(0).to_uppercase()),
        "system" => return awk.system(&text(0)),
        "close" => Value::Number(f64::from(awk.close(&text(0)))),
        "fflush" => {
            awk.outputs.flush()?;
            Value::Number(0.0)
        }
        "systime" => Value::Number(now().trunc()),
        "strftime" => {
            let form = if values.is_empty() {
                Rc::from("%a %b %e %H:%M:%S %Z %Y")
            } else {
                text(0)
            };
            let seconds = values.get(1).map_or_else(now, Value::number) as i64;
            time(&form, seconds)
        }
        "mktime" => Value::Number(moment(&text(0))),
        "and" => Value::Number((bits(0) & bits(1)) as f64),
        "or" => Value::Number((bits(0) | bits(1)) as f64),
        "xor" => Value::Number((bits(0) ^ bits(1)) as f64),
        "lshift" => Value::Number(bits(0).checked_shl(bits(1) as u32).unwrap_or(0) as f64),
        _ => Value::Number(bits(0).checked_shr(bits(1) as u32).unwrap_or(0) as f64),
    })
}

fn length(awk: &mut Interpreter, arguments: &[Expression]) -> Run<Value> {
    let count = match arguments.first() {
        None => awk.record_text().chars().count(),
        Some(Expression::Variable(variable)) if awk.is_array(*variable) => {
            awk.array(*variable)?.borrow().len()
        }
        Some(other) => awk.text(other)?.chars().count(),
    };
    Ok(Value::Number(count as f64))
}

/// Rounded as POSIX says, so that `substr("hello", 0)` is all of it.
fn substr(text: &str, start: f64, length: Option<f64>) -> Value {
    let first = start.round_ties_even();
    let end = length.map_or(f64::INFINITY, |length| first + length.round_ties_even());
    let skip = (first.max(1.0) - 1.0) as usize;
    let take = (end - first.max(1.0)).max(0.0);
    let take = if take.is_finite() {
        take as usize
    } else {
        usize::MAX
    };
    Value::outside_text(text.chars().skip(skip).take(take).collect())
}

impl Value {
    fn outside_text(text: String) -> Self {
        Self::text(text)
    }
}

fn array_of(arguments: &[Expression], at: usize) -> Run<Variable> {
    match arguments.get(at) {
        Some(Expression::Variable(variable)) => Ok(*variable),
        _ => Err(Flow::Error(format!(
            "argument {} has to be an array",
            at + 1
        ))),
    }
}

fn split(awk: &mut Interpreter, arguments: &[Expression]) -> Run<Value> {
    let Some(text) = arguments.first() else {
        return Err(Flow::Error("split needs a text and an array".to_owned()));
    };
    let text = awk.text(text)?;
    let parts = match arguments.get(2) {
        None => {
            let separator = awk.field_separator();
            awk.split(&text, &separator, false)?
        }
        Some(Expression::Regex(_)) if text.is_empty() => Vec::new(),
        Some(regex @ Expression::Regex(_)) => awk
            .regex_of(regex)?
            .split(&text)
            .map(str::to_owned)
            .collect(),
        Some(other) => {
            let separator = awk.text(other)?;
            awk.split(&text, &separator, false)?
        }
    };
    let array = awk.array(array_of(arguments, 1)?)?;
    let numbered = parts
        .iter()
        .enumerate()
        .map(|(at, part)| ((at + 1).to_string().into(), Value::outside(part)));
    *array.borrow_mut() = numbered.collect();
    Ok(Value::Number(parts.len() as f64))
}

fn substitute(awk: &mut Interpreter, arguments: &[Expression], all: bool) -> Run<Value> {
    let (Some(regex), Some(with)) = (arguments.first(), arguments.get(1)) else {
        return Err(Flow::Error(
            "sub and gsub need a regular expression and a text".to_owned(),
        ));
    };
    let regex = awk.regex_of(regex)?;
    let with = awk.text(with)?;
    let record = Interpreter::record_target();
    let target = arguments.get(2).unwrap_or(&record);
    let text = awk.text(target)?;
    let (mut out, mut done, mut count) = (String::new(), 0, 0);
    for found in regex.find_iter(&text) {
        // An empty match directly behind another is none.
        if found.is_empty() && found.start() == done && count > 0 {
            continue;
        }
        out.push_str(text.get(done..found.start()).unwrap_or_default());
        replaced(
            &with,
            &|group| {
                if group == 0 {
                    Some(found.as_str())
                } else {
                    None
                }
            },
            false,
            &mut out,
        );
        done = found.end();
        count += 1;
        if !all {
            break;
        }
    }
    if count > 0 {
        out.push_str(text.get(done..).unwrap_or_default());
        awk.store(target, Value::text(out))?;
    }
    Ok(Value::Number(f64::from(count)))
}

/// `&` is what matched, `\&` itself; with groups `\1` is the first.
fn replaced<'a>(
    with: &str,
    group: &dyn Fn(usize) -> Option<&'a str>,
    groups: bool,
    out: &mut String,
) {
    let mut rest = with.chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('\\', Some('&')) => {
                rest.next();
                out.push('&');
            }
            ('\\', Some('\\')) => {
                rest.next();
                out.push('\\');
            }
            ('\\', Some(digit)) if groups && digit.is_ascii_digit() => {
                let index = digit.to_digit(10).unwrap_or(0) as usize;
                rest.next();
                out.push_str(group(index).unwrap_or_default());
            }
            ('&', _) => out.push_str(group(0).unwrap_or_default()),
            _ => out.push(character),
        }
    }
}

fn gensub(awk: &mut Interpreter, arguments: &[Expression]) -> Run<Value> {
    let [regex, with, how, rest @ ..] = arguments else {
        return Err(Flow::Error(
            "gensub needs a regular expression, a text and which matches".to_owned(),
        ));
    };
    let regex = awk.regex_of(regex)?;
    let (with, how) = (awk.text(with)?, awk.text(how)?);
    let text = match rest.first() {
        Some(target) => awk.text(target)?,
        None => awk.record_text(),
    };
    let which: Option<usize> = if how.starts_with(['g', 'G']) {
        None
    } else {
        Some(how.parse().unwrap_or(1))
    };
    let (mut out, mut done) = (String::new(), 0);
    for (at, found) in regex.captures_iter(&text).enumerate() {
        let Some(whole) = found
            .get(0)
            .filter(|_| which.is_none_or(|which| which == at + 1))
        else {
            continue;
        };
        out.push_str(text.get(done..whole.start()).unwrap_or_default());
        replaced(
            &with,
            &|group| found.get(group).map(|group| group.as_str()),
            true,
            &mut out,
        );
        done = whole.end();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(Value::text(out))
}

fn matched(awk: &mut Interpreter, arguments: &[Expression]) -> Run<Value> {
    let (Some(text), Some(regex)) = (arguments.first(), arguments.get(1)) else {
        return Err(Flow::Error(
            "match needs a text and a regular expression".to_owned(),
        ));
    };
    let text = awk.text(text)?;
    let regex = awk.regex_of(regex)?;
    let found = regex.captures(&text);
    let whole = found.as_ref().and_then(|found| found.get(0));
    let place = whole.map_or((0, -1.0), |whole| {
        let before = text
            .get(..whole.start())
            .unwrap_or_default()
            .chars()
            .count();
        (before + 1, whole.as_str().chars().count() as f64)
    });
    if arguments.len() > 2 {
        let array = awk.array(array_of(arguments, 2)?)?;
        let groups = found.iter().flat_map(|found| found.iter().enumerate());
        let texts = groups.filter_map(|(at, group)| {
            group.map(|group| (at.to_string().into(), Value::outside(group.as_str())))
        });
        *array.borrow_mut() = texts.collect();
    }
    awk.set_variable(Variable::Global(RSTART), Value::Number(place.0 as f64));
    awk.set_variable(Variable::Global(RLENGTH), Value::Number(place.1));
    Ok(Value::Number(place.0 as f64))
}

fn sorted(awk: &mut Interpreter, arguments: &[Expression], keys: bool) -> Run<Value> {
    let source = awk.array(array_of(arguments, 0)?)?;
    let form = awk.number_form();
    let mut values: Vec<Value> = match keys {
        true => source
            .borrow()
            .keys()
            .map(|key| Value::Text(key.clone()))
            .collect(),
        false => source.borrow().values().cloned().collect(),
    };
    values.sort_by(|one, other| {
        one.compare(other, &form)
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let target = match arguments.len() {
        1 => source,
        _ => awk.array(array_of(arguments, 1)?)?,
    };
    let count = values.len();
    *target.borrow_mut() = values
        .into_iter()
        .enumerate()
        .map(|(at, value)| ((at + 1).to_string().into(), value))
        .collect();
    Ok(Value::Number(count as f64))
}

/// The generator xorshift*: always the same numbers until `srand`, as POSIX asks.
fn random(awk: &mut Interpreter) -> f64 {
    let mut state = awk.random;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    awk.random = state;
    (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
}

fn now() -> f64 {
    std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0.0, |since| since.as_secs_f64())
}

/// In UTC: a sandbox has no time zone.
fn time(form: &str, seconds: i64) -> Value {
    use std::fmt::Write;
    let mut text = String::new();
    let when = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    // A directive that is none leaves the form as it is.
    match write!(text, "{}", when.format(form)) {
        Ok(()) => Value::text(text),
        Err(_) => Value::text(form),
    }
}

/// `2024 01 02 03 04 05`.
fn moment(text: &str) -> f64 {
    let parts: Vec<i32> = text
        .split_whitespace()
        .filter_map(|part| part.parse().ok())
        .collect();
    let [year, month, day, hour, minute, second, ..] = parts.as_slice() else {
        return -1.0;
    };
    let part = |value: &i32| u32::try_from(*value).ok();
    let found = (|| {
        NaiveDate::from_ymd_opt(*year, part(month)?, part(day)?)?.and_hms_opt(
            part(hour)?,
            part(minute)?,
            part(second)?,
        )
    })();
    found.map_or(-1.0, |when| when.and_utc().timestamp() as f64)
}
