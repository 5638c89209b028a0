//! `printf`.

use crate::value::Value;

/// What an argument may ask for as a width or a precision.
const WIDTH_MAX: usize = 1 << 16;

pub fn format(form: &str, arguments: &[Value], number_form: &str) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = form.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = rest.next_if(|next| "-+ #0'".contains(*next)) {
            match flag {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alternative = true,
                '0' => spec.zero = true,
                _ => {}
            }
        }
        let mut size = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<i64> {
            if rest.next_if_eq(&'*').is_some() {
                return Some(arguments.next().map_or(0, |value| value.number() as i64));
            }
            let mut digits = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            digits.parse().ok()
        };
        if let Some(width) = size(&mut rest) {
            spec.left |= width < 0;
            spec.width = usize::try_from(width.unsigned_abs())
                .unwrap_or(WIDTH_MAX)
                .min(WIDTH_MAX);
        }
        if rest.next_if_eq(&'.').is_some() {
            let precision = size(&mut rest).unwrap_or(0);
            spec.precision = usize::try_from(precision)
                .ok()
                .map(|precision| precision.min(WIDTH_MAX));
        }
        while rest.next_if(|next| "hlLqjzt".contains(*next)).is_some() {}
        let Some(letter) = rest.next() else {
            out.push('%');
            break;
        };
        if letter == '%' {
            out.push('%');
            continue;
        }
        if !"diouxXeEfFgGcs".contains(letter) {
            out.extend(['%', letter]);
            continue;
        }
        let nothing = Value::Nothing;
        let value = arguments.next().unwrap_or(&nothing);
        spec.put(letter, value, number_form, &mut out);
    }
    out
}

#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternative: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn put(&self, letter: char, value: &Value, form: &str, out: &mut String) {
        match letter {
            's' => {
                let text = value.to_text(form);
                let text: String = text
                    .chars()
                    .take(self.precision.unwrap_or(usize::MAX))
                    .collect();
                self.pad("", &text, false, out);
            }
            'c' => {
                let text = match value {
                    Value::Number(number) => char::from_u32(*number as u32).map(String::from),
                    other => other.to_text(form).chars().next().map(String::from),
                };
                self.pad("", &text.unwrap_or_default(), false, out);
            }
            _ => self.number(letter, value.number(), out),
        }
    }

    fn number(&self, letter: char, number: f64, out: &mut String) {
        let sign = match () {
            () if number.is_sign_negative() && !(number == 0.0 && "di".contains(letter)) => "-",
            () if self.plus => "+",
            () if self.space => " ",
            () => "",
        };
        if !number.is_finite() {
            let name = if number.is_nan() { "nan" } else { "inf" };
            return self.pad(sign, name, false, out);
        }
        let value = number.abs();
        let precision = self.precision.unwrap_or(6);
        let body = match letter {
            'd' | 'i' | 'u' => self.digits(format!("{:.0}", value.trunc())),
            'o' => self.digits(format!("{:o}", value as u64)),
            'x' => self.digits(format!("{:x}", value as u64)),
            'X' => self.digits(format!("{:X}", value as u64)),
            'f' | 'F' => format!("{value:.precision$}"),
            'e' | 'E' => exponent(value, precision),
            _ => self.general(value, precision.max(1)),
        };
        let body = if letter.is_uppercase() {
            body.to_uppercase()
        } else {
            body
        };
        let prefix = match letter {
            'x' if self.alternative && value != 0.0 => "0x",
            'X' if self.alternative && value != 0.0 => "0X",
            'o' if self.alternative => "0",
            _ => "",
        };
        let zero = self.zero && !(self.precision.is_some() && "diouxX".contains(letter));
        // Truncated to nothing, a negative number has no sign.
        let sign = if sign == "-" && "diouxX".contains(letter) && value < 1.0 {
            ""
        } else {
            sign
        };
        self.pad(&format!("{sign}{prefix}"), &body, zero, out);
    }

    fn digits(&self, digits: String) -> String {
        let width = self.precision.unwrap_or(0);
        format!("{digits:0>width$}")
    }

    fn general(&self, value: f64, precision: usize) -> String {
        let scientific = exponent(value, precision - 1);
        let power: i32 = scientific
            .rsplit('e')
            .next()
            .and_then(|power| power.parse().ok())
            .unwrap_or(0);
        let plain = power >= -4 && i64::from(power) < precision as i64;
        let text = match plain {
            true => {
                let places = usize::try_from(precision as i64 - 1 - i64::from(power)).unwrap_or(0);
                format!("{value:.places$}")
            }
            false => scientific,
        };
        if self.alternative {
            return text;
        }
        let (digits, power) = match text.split_once('e') {
            Some((digits, power)) => (digits.to_owned(), format!("e{power}")),
            None => (text, String::new()),
        };
        let digits = match digits.contains('.') {
            true => digits
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned(),
            false => digits,
        };
        format!("{digits}{power}")
    }

    fn pad(&self, prefix: &str, body: &str, zero: bool, out: &mut String) {
        let length = prefix.chars().count() + body.chars().count();
        let fill = self.width.saturating_sub(length);
        if self.left {
            out.push_str(prefix);
            out.push_str(body);
            out.extend(std::iter::repeat_n(' ', fill));
            return;
        }
        if !zero {
            out.extend(std::iter::repeat_n(' ', fill));
        }
        out.push_str(prefix);
        if zero {
            out.extend(std::iter::repeat_n('0', fill));
        }
        out.push_str(body);
    }
}

/// As in C: at least two digits, and a sign.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power
        .strip_prefix('-')
        .map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}
