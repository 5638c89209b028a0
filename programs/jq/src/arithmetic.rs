//! What `+`, `-`, `*`, `/` and `%` do with values.

use crate::number;
use crate::value::{Fault, Value, fault};
use jaq_core::ValR;
use jaq_json::Val;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

impl Value {
    fn calculate(self, other: Self, what: &str, f: impl FnOnce(f64, f64) -> f64) -> ValR<Self> {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) => Ok(Self(number::value(f(left, right)))),
            _ => Err(self.no_sum(&other, what)),
        }
    }

    fn no_sum(&self, other: &Self, what: &str) -> Fault {
        fault(format!(
            "{} and {} cannot be {what}",
            self.shown(),
            other.shown()
        ))
    }
}

impl Add for Value {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> ValR<Self> {
        match (&self.0, &other.0) {
            (Val::Null, _) => Ok(other),
            (_, Val::Null) => Ok(self),
            (Val::Num(_), Val::Num(_)) => {
                self.calculate(other, "added", |left, right| left + right)
            }
            (Val::TStr(_), Val::TStr(_))
            | (Val::Arr(_), Val::Arr(_))
            | (Val::Obj(_), Val::Obj(_)) => (self.0 + other.0).map(Self).map_err(fault),
            _ => Err(self.no_sum(&other, "added")),
        }
    }
}

impl Sub for Value {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> ValR<Self> {
        match (&self.0, &other.0) {
            (Val::Arr(_), Val::Arr(_)) => (self.0 - other.0).map(Self).map_err(fault),
            _ => self.calculate(other, "subtracted", |left, right| left - right),
        }
    }
}

impl Mul for Value {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> ValR<Self> {
        match (&self.0, &other.0) {
            (Val::Obj(_), Val::Obj(_)) => (self.0 * other.0).map(Self).map_err(fault),
            (Val::TStr(_), Val::Num(_)) => Ok(repeated(&self, &other)),
            (Val::Num(_), Val::TStr(_)) => Ok(repeated(&other, &self)),
            _ => self.calculate(other, "multiplied", |left, right| left * right),
        }
    }
}

/// Less than once is null, and what is between two numbers of times the lower one, but not none.
fn repeated(text: &Value, times: &Value) -> Value {
    let times = times.number().unwrap_or_default();
    if times.is_nan() || times <= 0.0 {
        return Value::default();
    }
    let text = text.text().unwrap_or_default();
    Value::from(text.repeat((times as usize).max(1)))
}

impl Div for Value {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> ValR<Self> {
        match (&self.0, &other.0) {
            (Val::TStr(_), Val::TStr(_)) => (self.0 / other.0).map(Self).map_err(fault),
            (Val::Num(_), Val::Num(_)) if other.number() == Some(0.0) => {
                Err(self.no_sum(&other, "divided because the divisor is zero"))
            }
            _ => self.calculate(other, "divided", |left, right| left / right),
        }
    }
}

impl Rem for Value {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> ValR<Self> {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) if left.is_nan() || right.is_nan() => {
                Ok(Self::from(f64::NAN))
            }
            (Some(_), Some(right)) if right as i64 == 0 => {
                Err(self.no_sum(&other, "divided (remainder) because the divisor is zero"))
            }
            _ => self.calculate(other, "divided (remainder)", |left, right| {
                (left as i64).wrapping_rem(right as i64) as f64
            }),
        }
    }
}

impl Neg for Value {
    type Output = ValR<Self>;

    fn neg(self) -> ValR<Self> {
        match self.number() {
            Some(number) => Ok(Self(number::value(-number))),
            None => Err(fault(format!("{} cannot be negated", self.shown()))),
        }
    }
}
