//! Numbers: all are of double precision, and one that nothing was done with is printed as it was given.

use jaq_json::{Num, Val};

/// Up to here each whole number has a double of its own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

pub fn value(number: f64) -> Val {
    let negative_zero = number == 0.0 && number.is_sign_negative();
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX && !negative_zero {
        return Val::Num(Num::from_integral(number as i64));
    }
    Val::Num(Num::Float(number))
}

pub fn literal(text: &str) -> Val {
    if text == "-0" {
        return Val::Num(Num::Float(-0.0));
    }
    Val::Num(
        Num::from_str_radix(text, 10).unwrap_or_else(|| match text.contains(['e', 'E']) {
            true => Num::Float(text.parse().unwrap_or(f64::NAN)),
            false => Num::Dec(text.to_owned().into()),
        }),
    )
}

pub fn print(number: &Num) -> String {
    match number {
        Num::Float(number) => print_float(*number),
        exact => exact.to_string(),
    }
}

/// The shortest digits that mean the number, and an exponent where it would be long otherwise.
fn print_float(number: f64) -> String {
    if number.is_nan() {
        return "null".to_owned();
    }
    let number = number.clamp(f64::MIN, f64::MAX);
    let scientific = format!("{:e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let count = digits.len() as i32;
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or_default());
    // Where the point stands.
    let point = exponent + 1;
    if point <= -4 || point > count + 15 {
        let (first, rest) = split(1);
        let fraction = if rest.is_empty() {
            String::new()
        } else {
            format!(".{rest}")
        };
        let way = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{fraction}e{way}{:02}", exponent.abs());
    }
    if point <= 0 {
        return format!("{sign}0.{}{digits}", zeros(-point));
    }
    if point >= count {
        return format!("{sign}{digits}{}", zeros(point - count));
    }
    let (whole, fraction) = split(point);
    format!("{sign}{whole}.{fraction}")
}
