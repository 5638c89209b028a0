//! `printf`

use crate::shell::{Outcome, Shell};
use crate::text::{self, Escapes};
use swarm_flow_process::bindings::wasi::clocks::wall_clock;

/// A field may not be wider than memory allows.
const WIDTH_MAX: usize = 1 << 20;

struct Format<'a> {
    arguments: std::slice::Iter<'a, String>,
    output: String,
    problems: Vec<String>,
    stopped: bool,
}

#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

pub async fn printf(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut rest = arguments;
    let mut variable = None;
    if let Some((first, after)) = rest.split_first()
        && let Some(name) = first.strip_prefix("-v")
    {
        (variable, rest) = if name.is_empty() {
            let (name, after) = match after.split_first() {
                Some((name, after)) => (Some(name.clone()), after),
                None => (None, after),
            };
            (name, after)
        } else {
            (Some(name.to_owned()), after)
        };
        if variable.is_none() {
            return shell
                .usage("printf", "-v: option requires an argument")
                .await;
        }
    }
    if let Some(option) = rest.first()
        && option.len() > 1
        && option.starts_with('-')
        && option != "--"
    {
        return shell
            .usage("printf", &format!("{option}: invalid option"))
            .await;
    }
    if rest.first().is_some_and(|first| first == "--") {
        rest = rest.get(1..).unwrap_or_default();
    }
    let Some((format, values)) = rest.split_first() else {
        return shell
            .usage("printf", "usage: printf [-v var] format [arguments]")
            .await;
    };
    let mut state = Format {
        arguments: values.iter(),
        output: String::new(),
        problems: Vec::new(),
        stopped: false,
    };
    loop {
        let before = state.arguments.len();
        state.once(format);
        // As long as there are arguments that the format takes.
        if state.stopped || state.arguments.len() == 0 || state.arguments.len() == before {
            break;
        }
    }
    for problem in &state.problems {
        shell.complain(&format!("printf: {problem}")).await;
    }
    let failed = !state.problems.is_empty();
    if let Some(name) = variable {
        let (array, key) = match crate::scope::element(&name) {
            Some((array, key)) => (array, Some(key)),
            None => (name.as_str(), None),
        };
        if !crate::syntax::is_name(array) {
            return shell
                .usage("printf", &format!("`{name}': not a valid identifier"))
                .await;
        }
        if let Err(message) = shell.assign_text(array, key, state.output, false) {
            shell.complain(&message).await;
            return Ok(1);
        }
        return Ok(i32::from(failed));
    }
    let status = shell.print(&state.output).await?;
    Ok(if failed { 1 } else { status })
}

impl Format<'_> {
    fn once(&mut self, format: &str) {
        let mut characters = format.chars().peekable();
        let mut plain = String::new();
        while let Some(character) = characters.next() {
            match character {
                '\\' => {
                    plain.push('\\');
                    plain.extend(characters.next());
                }
                '%' if characters.peek() == Some(&'%') => {
                    characters.next();
                    plain.push('%');
                }
                '%' => {
                    self.plain(&mut plain);
                    if self.stopped {
                        return;
                    }
                    self.field(&mut characters);
                    if self.stopped {
                        return;
                    }
                }
                character => plain.push(character),
            }
        }
        self.plain(&mut plain);
    }

    fn plain(&mut self, plain: &mut String) {
        let unescaped = text::unescape(&std::mem::take(plain), Escapes::Format);
        self.output.push_str(&unescaped.text);
        self.stopped |= unescaped.stopped;
    }

    fn field(&mut self, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        let mut spec = Spec::default();
        while let Some(flag) = characters.peek() {
            match flag {
                '-' => spec.left = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                ' ' => spec.blank = true,
                '#' => spec.alternate = true,
                '\'' => {}
                _ => break,
            }
            characters.next();
        }
        if characters.peek() == Some(&'*') {
            characters.next();
            let width = self.integer();
            spec.left |= width < 0;
            spec.width = usize::try_from(width.unsigned_abs())
                .unwrap_or(0)
                .min(WIDTH_MAX);
        } else {
            spec.width = digits(characters);
        }
        if characters.peek() == Some(&'.') {
            characters.next();
            if characters.peek() == Some(&'*') {
                characters.next();
                spec.precision = usize::try_from(self.integer()).ok();
            } else {
                spec.precision = Some(digits(characters));
            }
        }
        while characters.peek().is_some_and(|c| "hlLqjzt".contains(*c)) {
            // `%q` is a conversion of its own.
            if characters.peek() == Some(&'q') {
                break;
            }
            characters.next();
        }
        let Some(conversion) = characters.next() else {
            self.problems
                .push("`%': missing format character".to_owned());
            self.stopped = true;
            return;
        };
        self.convert(&spec, conversion, characters);
    }

    fn convert(
        &mut self,
        spec: &Spec,
        conversion: char,
        characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    ) {
        match conversion {
            's' => {
                let value = self.next();
                self.pad(spec, &cut(&value, spec.precision));
            }
            'q' | 'Q' => {
                let value = self.next();
                self.pad(spec, &text::quote_backslash(&value));
            }
            'b' => {
                let value = self.next();
                let unescaped = text::unescape(&value, Escapes::Echo);
                self.pad(spec, &cut(&unescaped.text, spec.precision));
                self.stopped |= unescaped.stopped;
            }
            'c' => {
                let value: String = self.next().chars().take(1).collect();
                self.pad(spec, &value);
            }
            'd' | 'i' => {
                let value = self.integer();
                let sign = match value {
                    value if value < 0 => "-",
                    _ if spec.plus => "+",
                    _ if spec.blank => " ",
                    _ => "",
                };
                self.number(spec, sign, &value.unsigned_abs().to_string());
            }
            'u' => {
                let value = self.integer() as u64;
                self.number(spec, "", &value.to_string());
            }
            'x' | 'X' | 'o' => {
                let value = self.integer() as u64;
                let (prefix, digits) = match conversion {
                    'x' => ("0x", format!("{value:x}")),
                    'X' => ("0X", format!("{value:X}")),
                    _ => ("0", format!("{value:o}")),
                };
                let prefix = if spec.alternate && value != 0 {
                    prefix
                } else {
                    ""
                };
                self.number(spec, prefix, &digits);
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' | 'a' | 'A' => {
                let value = self.float();
                self.real(spec, conversion, value);
            }
            '(' => {
                let mut format = String::new();
                for character in characters.by_ref() {
                    if character == ')' {
                        break;
                    }
                    format.push(character);
                }
                characters.next_if_eq(&'T');
                let time = match self.arguments.next() {
                    Some(value) if value != "-1" && value != "-2" => value.parse().unwrap_or(0),
                    _ => i64::try_from(wall_clock::now().seconds).unwrap_or(0),
                };
                self.pad(spec, &crate::calendar::format(&format, time));
            }
            other => {
                self.problems
                    .push(format!("`{other}': invalid format character"));
                self.stopped = true;
            }
        }
    }

    fn next(&mut self) -> String {
        self.arguments.next().cloned().unwrap_or_default()
    }

    fn integer(&mut self) -> i64 {
        let Some(value) = self.arguments.next() else {
            return 0;
        };
        let trimmed = value.trim_start();
        let mut characters = trimmed.chars();
        if matches!(characters.next(), Some('\'' | '"')) {
            return characters.next().map_or(0, |c| i64::from(c as u32));
        }
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (radix, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            Some(digits) => (16, digits),
            None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
            None => (10, digits),
        };
        let end = digits
            .find(|c: char| !c.is_digit(radix))
            .unwrap_or(digits.len());
        let (number, rest) = digits.split_at(end);
        if !rest.is_empty() || number.is_empty() && !value.is_empty() {
            self.problems.push(format!("{value}: invalid number"));
        }
        let largest = if number.is_empty() {
            0
        } else {
            i64::MAX as u64
        };
        let number = u64::from_str_radix(number, radix).unwrap_or(largest);
        if negative {
            (number as i64).wrapping_neg()
        } else {
            number as i64
        }
    }

    fn float(&mut self) -> f64 {
        let Some(value) = self.arguments.next() else {
            return 0.0;
        };
        let trimmed = value.trim();
        if let Some(character) = trimmed.strip_prefix(['\'', '"']) {
            return character
                .chars()
                .next()
                .map_or(0.0, |c| f64::from(c as u32));
        }
        if let Some(digits) = trimmed.strip_prefix("0x") {
            return i64::from_str_radix(digits, 16).unwrap_or(0) as f64;
        }
        match trimmed.parse() {
            Ok(number) => number,
            Err(_) if trimmed.is_empty() => 0.0,
            Err(_) => {
                self.problems.push(format!("{value}: invalid number"));
                let end = trimmed.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c));
                let number = trimmed.get(..end.unwrap_or(0)).unwrap_or_default();
                number.parse().unwrap_or(0.0)
            }
        }
    }

    fn number(&mut self, spec: &Spec, prefix: &str, digits: &str) {
        let mut digits = digits.to_owned();
        if spec.precision == Some(0) && digits == "0" {
            digits.clear();
        }
        if let Some(precision) = spec.precision {
            digits = format!("{digits:0>width$}", width = precision.min(WIDTH_MAX));
        } else if spec.zero && !spec.left {
            let width = spec.width.saturating_sub(prefix.len());
            digits = format!("{digits:0>width$}");
        }
        self.pad(spec, &format!("{prefix}{digits}"));
    }

    fn real(&mut self, spec: &Spec, conversion: char, value: f64) {
        let precision = spec.precision.unwrap_or(6).min(500);
        let magnitude = value.abs();
        let digits = match conversion {
            _ if !value.is_finite() => {
                if value.is_nan() {
                    "nan".to_owned()
                } else {
                    "inf".to_owned()
                }
            }
            'f' | 'F' => format!("{magnitude:.precision$}"),
            'e' | 'E' => scientific(magnitude, precision),
            _ => shortest(magnitude, precision.max(1), spec.alternate),
        };
        let digits = if conversion.is_uppercase() {
            digits.to_uppercase()
        } else {
            digits
        };
        let sign = if value.is_sign_negative() && !value.is_nan() {
            "-"
        } else if spec.plus {
            "+"
        } else if spec.blank {
            " "
        } else {
            ""
        };
        let plain = Spec {
            precision: None,
            zero: spec.zero && value.is_finite(),
            left: spec.left,
            width: spec.width,
            ..Spec::default()
        };
        self.number(&plain, sign, &digits);
    }

    fn pad(&mut self, spec: &Spec, text: &str) {
        // Bytes count, as in bash.
        let missing = spec.width.saturating_sub(text::encode(text).len());
        let padding = " ".repeat(missing);
        if spec.left {
            self.output.push_str(text);
            self.output.push_str(&padding);
        } else {
            self.output.push_str(&padding);
            self.output.push_str(text);
        }
    }
}

fn digits(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> usize {
    let mut number = 0_usize;
    while let Some(digit) = characters.peek().and_then(|c| c.to_digit(10)) {
        number = number
            .saturating_mul(10)
            .saturating_add(digit as usize)
            .min(WIDTH_MAX);
        characters.next();
    }
    number
}

fn cut(text: &str, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

/// `1.5e+00`
fn scientific(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `%g`
fn shortest(value: f64, precision: usize, keeps_zeros: bool) -> String {
    let text = scientific(value, precision - 1);
    let exponent: i64 = text
        .rsplit('e')
        .next()
        .and_then(|e| e.parse().ok())
        .unwrap_or(0);
    let wide = i64::try_from(precision).unwrap_or(i64::MAX);
    let (mut digits, tail) = if exponent < -4 || exponent >= wide {
        match text.split_once('e') {
            Some((digits, tail)) => (digits.to_owned(), format!("e{tail}")),
            None => (text, String::new()),
        }
    } else {
        let places = usize::try_from(wide - 1 - exponent).unwrap_or(0);
        (format!("{value:.places$}"), String::new())
    };
    if digits.contains('.') && !keeps_zeros {
        digits.truncate(digits.trim_end_matches('0').trim_end_matches('.').len());
    }
    digits + &tail
}
