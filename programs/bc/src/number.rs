//! Decimal numbers of any length, with as many digits behind the point as they were made with.

use num_bigint::{BigInt, Sign};
use std::cmp::Ordering;

#[derive(Clone, Debug)]
pub struct Number {
    /// The digits without the point.
    digits: BigInt,
    /// How many of them stand behind it.
    pub scale: u32,
}

fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// No result has more digits than that.
const DIGITS_MAX: u64 = 1_000_000;

impl Number {
    pub fn integer(value: i64) -> Self {
        Self {
            digits: BigInt::from(value),
            scale: 0,
        }
    }

    /// Digits of a base up to 16, with a point perhaps.
    pub fn parse(text: &str, base: u32) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let mut digits = BigInt::from(0);
        // A number of one digit is that digit, whatever the base.
        let single = whole.len() + fraction.len() == 1;
        for letter in whole.chars().chain(fraction.chars()) {
            let digit = letter.to_digit(16).unwrap_or(0);
            let digit = if single { digit } else { digit.min(base - 1) };
            digits = digits * base + digit;
        }
        let scale = fraction.len() as u32;
        if base == 10 {
            return Self { digits, scale };
        }
        // So many digits of that base behind the point.
        let digits = digits * power_of_ten(scale) / BigInt::from(base).pow(scale);
        Self { digits, scale }
    }

    pub fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    pub fn negate(&self) -> Self {
        Self {
            digits: -self.digits.clone(),
            scale: self.scale,
        }
    }

    /// With that many digits behind the point; more are cut off.
    pub fn with_scale(&self, scale: u32) -> Self {
        let digits = match scale.cmp(&self.scale) {
            Ordering::Equal => self.digits.clone(),
            Ordering::Greater => &self.digits * power_of_ten(scale - self.scale),
            Ordering::Less => &self.digits / power_of_ten(self.scale - scale),
        };
        Self { digits, scale }
    }

    pub fn add(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        let digits = self.with_scale(scale).digits + other.with_scale(scale).digits;
        Self { digits, scale }
    }

    pub fn subtract(&self, other: &Self) -> Self {
        self.add(&other.negate())
    }

    pub fn multiply(&self, other: &Self, scale: u32) -> Self {
        let whole = Self {
            digits: &self.digits * &other.digits,
            scale: self.scale + other.scale,
        };
        let wanted = scale.max(self.scale).max(other.scale);
        whole.with_scale(wanted.min(whole.scale))
    }

    pub fn divide(&self, other: &Self, scale: u32) -> Result<Self, String> {
        if other.is_zero() {
            return Err("Divide by zero".to_owned());
        }
        let above = &self.digits * power_of_ten(scale + other.scale);
        let digits = above / (&other.digits * power_of_ten(self.scale));
        Ok(Self { digits, scale })
    }

    pub fn remainder(&self, other: &Self, scale: u32) -> Result<Self, String> {
        let whole = self.divide(other, scale)?;
        let result = (scale + other.scale).max(self.scale);
        let product = Self {
            digits: &whole.digits * &other.digits,
            scale: whole.scale + other.scale,
        };
        Ok(self.subtract(&product).with_scale(result))
    }

    pub fn power(&self, exponent: &Self, scale: u32) -> Result<Self, String> {
        let exponent = exponent.to_integer().ok_or("exponent too large")?;
        let times = u32::try_from(exponent.unsigned_abs()).map_err(|_| "exponent too large")?;
        if u64::from(times) * (self.digits.bits() / 3 + 1) > DIGITS_MAX {
            return Err("the result is too long".to_owned());
        }
        let whole = Self {
            digits: self.digits.pow(times),
            scale: self.scale * times,
        };
        match exponent < 0 {
            true => Self::integer(1).divide(&whole, scale),
            false => {
                let wanted = scale.max(self.scale).min(whole.scale);
                Ok(whole.with_scale(wanted))
            }
        }
    }

    pub fn square_root(&self, scale: u32) -> Result<Self, String> {
        if self.digits.sign() == Sign::Minus {
            return Err("Square root of a negative number".to_owned());
        }
        let scale = scale.max(self.scale);
        let digits = self.with_scale(scale * 2).digits.sqrt();
        Ok(Self { digits, scale })
    }

    /// Without what stands behind the point.
    pub fn to_integer(&self) -> Option<i64> {
        i64::try_from(self.with_scale(0).digits).ok()
    }

    /// How many digits it has.
    pub fn length(&self) -> usize {
        let digits = self.digits.magnitude().to_string().len();
        digits.max(self.scale as usize)
    }

    pub fn shown(&self, base: u32) -> String {
        let sign = match self.digits.sign() {
            Sign::Minus => "-",
            _ => "",
        };
        if self.is_zero() {
            return "0".to_owned();
        }
        if base == 10 {
            let digits = self.digits.magnitude().to_string();
            let scale = self.scale as usize;
            let digits = format!("{digits:0>scale$}");
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            return match fraction {
                "" => format!("{sign}{whole}"),
                fraction => format!("{sign}{whole}.{fraction}"),
            };
        }
        let whole = self.with_scale(0).digits;
        let whole = whole.magnitude();
        let digit = |value: u32| match base {
            0..=16 => char::from_digit(value, 16).map_or(String::new(), |digit| {
                digit.to_ascii_uppercase().to_string()
            }),
            // Each digit as a number, as wide as the highest.
            base => format!(" {value:0width$}", width = (base - 1).to_string().len()),
        };
        let mut digits: Vec<u32> = Vec::new();
        let mut rest = whole.clone();
        while rest.bits() > 0 {
            let last = &rest % base;
            digits.push(last.iter_u32_digits().next().unwrap_or(0));
            rest /= base;
        }
        let mut text: String = digits.iter().rev().map(|value| digit(*value)).collect();
        if self.scale > 0 {
            text.push('.');
            let one = power_of_ten(self.scale);
            let mut rest = BigInt::from(self.digits.magnitude().clone()) % &one;
            let mut reached = BigInt::from(1);
            while reached < one {
                rest *= base;
                let value = u32::try_from(&rest / &one).unwrap_or(0);
                text.push_str(&digit(value));
                rest %= &one;
                reached *= base;
            }
        }
        format!("{sign}{text}")
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        let (one, other) = (self.with_scale(scale), other.with_scale(scale));
        one.digits.cmp(&other.digits)
    }
}
