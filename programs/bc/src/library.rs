//! What `-l` adds: `s`, `c`, `a`, `l`, `e`.

use crate::number::Number;

/// Digits beyond those that are asked for, against what is lost on the way.
const GUARD_DIGITS: u32 = 8;

pub fn call(name: &str, value: &Number, scale: u32) -> Option<Result<Number, String>> {
    let working = scale + GUARD_DIGITS + value.length() as u32;
    let result = match name {
        "s" => sine(value, working),
        "c" => half_pi(working).and_then(|quarter| sine(&value.add(&quarter), working)),
        "a" => arctangent(value, working),
        "l" => logarithm(value, working),
        "e" => exponential(value, working),
        _ => return None,
    };
    Some(result.map(|number| number.with_scale(scale)))
}

fn half_pi(scale: u32) -> Result<Number, String> {
    let quarter = arctangent(&Number::integer(1), scale)?;
    Ok(quarter.multiply(&Number::integer(2), scale))
}

/// Adds terms until one is nothing. `next` makes of a term and its number the one behind it.
fn series(
    first: Number,
    next: impl Fn(&Number, i64) -> Result<Number, String>,
) -> Result<Number, String> {
    let (mut sum, mut term, mut index) = (first.clone(), first, 1);
    loop {
        term = next(&term, index)?;
        if term.is_zero() {
            return Ok(sum);
        }
        sum = sum.add(&term);
        index += 1;
    }
}

fn sine(value: &Number, scale: u32) -> Result<Number, String> {
    let value = value.with_scale(scale);
    // Into one turn, so that the terms shrink soon.
    let turn = half_pi(scale + GUARD_DIGITS)?.multiply(&Number::integer(4), scale + GUARD_DIGITS);
    let turns = value.divide(&turn, 0)?;
    let value = value
        .subtract(&turn.multiply(&turns, scale + GUARD_DIGITS))
        .with_scale(scale);
    let square = value.multiply(&value, scale);
    series(value, |term, index| {
        let below = Number::integer(2 * index * (2 * index + 1));
        term.multiply(&square, scale).negate().divide(&below, scale)
    })
}

fn arctangent(value: &Number, scale: u32) -> Result<Number, String> {
    // atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))): each time about half.
    let mut value = value.with_scale(scale);
    let one = Number::integer(1);
    let mut doubled = Number::integer(1);
    let small = Number::parse(".1", 10);
    while value > small || value.negate() > small {
        let root = one.add(&value.multiply(&value, scale)).square_root(scale)?;
        value = value.divide(&one.add(&root), scale)?;
        doubled = doubled.multiply(&Number::integer(2), 0);
    }
    let square = value.multiply(&value, scale);
    let mut power = value.clone();
    let (mut sum, mut odd) = (value, 1);
    loop {
        power = power.multiply(&square, scale).negate();
        odd += 2;
        let term = power.divide(&Number::integer(odd), scale)?;
        if term.is_zero() {
            return Ok(sum.multiply(&doubled, scale));
        }
        sum = sum.add(&term);
    }
}

fn logarithm(value: &Number, scale: u32) -> Result<Number, String> {
    if *value <= Number::integer(0) {
        // As bc has it: the lowest that it knows.
        return Number::integer(10)
            .power(&Number::integer(i64::from(scale)), 0)
            .map(|number| number.negate());
    }
    // Roots bring it near 1; then 2 atanh((x - 1) / (x + 1)).
    let (one, two) = (Number::integer(1), Number::integer(2));
    let mut value = value.with_scale(scale);
    let mut factor = two.clone();
    let (low, high) = (Number::parse(".9", 10), Number::parse("1.1", 10));
    while value < low || value > high {
        value = value.square_root(scale)?;
        factor = factor.multiply(&two, 0);
    }
    let quotient = value.subtract(&one).divide(&value.add(&one), scale)?;
    let square = quotient.multiply(&quotient, scale);
    let mut power = quotient.clone();
    let (mut sum, mut odd) = (quotient, 1);
    loop {
        power = power.multiply(&square, scale);
        odd += 2;
        let term = power.divide(&Number::integer(odd), scale)?;
        if term.is_zero() {
            return Ok(sum.multiply(&factor, scale));
        }
        sum = sum.add(&term);
    }
}

fn exponential(value: &Number, scale: u32) -> Result<Number, String> {
    let mut value = value.clone();
    let mut squarings = 0;
    let one = Number::integer(1);
    // What squaring loses is as much as it doubles.
    let magnitude = value.to_integer().unwrap_or(i64::MAX).unsigned_abs();
    if magnitude > 100_000 {
        return Err("the result is too long".to_owned());
    }
    let working = scale + GUARD_DIGITS + magnitude as u32 / 2;
    value = value.with_scale(working);
    while value > one || value.negate() > one {
        value = value.divide(&Number::integer(2), working)?;
        squarings += 1;
    }
    let mut result = series(one.with_scale(working), |term, index| {
        term.multiply(&value, working)
            .divide(&Number::integer(index), working)
    })?;
    for _ in 0..squarings {
        result = result.multiply(&result, working);
    }
    Ok(result)
}
