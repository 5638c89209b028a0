//! `$(( … ))`: 64-bit integers, as in C. An expression is computed while it is read.

/// Where variables are.
pub trait Names {
    /// An element's key is text for an associative array and an expression for others.
    fn value(&mut self, name: &str, key: Option<&str>) -> Result<String, String>;
    fn assign(&mut self, name: &str, key: Option<&str>, value: i64) -> Result<(), String>;
    fn is_associative(&self, name: &str) -> bool;
}

/// Variables whose values are expressions that name variables, and brackets in brackets.
const DEPTH_MAX: u32 = 100;

/// The expression's value, or what is wrong with it, as bash says it.
pub fn evaluate(source: &str, names: &mut dyn Names) -> Result<i64, String> {
    nested(source, names, 0)
}

fn nested(source: &str, names: &mut dyn Names, depth: u32) -> Result<i64, String> {
    let trimmed = source.trim();
    if let Ok(number) = trimmed.parse::<i64>()
        && (!trimmed.starts_with(['0', '+']) || trimmed == "0")
    {
        return Ok(number);
    }
    let mut evaluator = Evaluator {
        source: source.chars().collect(),
        at: 0,
        names,
        skips: 0,
        depth,
        token: 0,
    };
    if depth > DEPTH_MAX {
        return Err(evaluator.error("expression recursion level exceeded"));
    }
    evaluator.blanks();
    if evaluator.peek().is_none() {
        return Ok(0);
    }
    let value = evaluator.comma()?;
    evaluator.blanks();
    if evaluator.peek().is_some() {
        evaluator.token = evaluator.at;
        let message = match evaluator.peek() {
            Some('=') => "attempted assignment to non-variable",
            Some(character) if character.is_alphanumeric() || "_'\"".contains(character) => {
                "syntax error in expression"
            }
            _ => "syntax error: invalid arithmetic operator",
        };
        return Err(evaluator.error(message));
    }
    Ok(value)
}

struct Evaluator<'a> {
    source: Vec<char>,
    at: usize,
    names: &'a mut dyn Names,
    /// Above 0 nothing is assigned: this side of `&&` or `?:` does not count.
    skips: u32,
    depth: u32,
    /// Where the token begins that an error names.
    token: usize,
}

struct Place {
    name: String,
    key: Option<String>,
}

const BINARY: [(&str, u8); 19] = [
    ("||", 1),
    ("&&", 2),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("**", 11),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

impl Evaluator<'_> {
    fn peek(&self) -> Option<char> {
        self.source.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn starts(&self, text: &str) -> bool {
        let mut rest = self.source.get(self.at..).unwrap_or_default().iter();
        text.chars().all(|c| rest.next() == Some(&c))
    }

    fn accept(&mut self, text: &str) -> bool {
        self.blanks();
        let found = self.starts(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn error(&self, message: &str) -> String {
        let source: String = self.source.iter().collect();
        let token: String = self
            .source
            .get(self.token..)
            .unwrap_or_default()
            .iter()
            .collect();
        let source = source.trim();
        if token.is_empty() {
            format!("{source}: {message} (error token is \"{source}\")")
        } else {
            format!("{source}: {message} (error token is \"{token}\")")
        }
    }

    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.assignment()?;
        while self.accept(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX * 3 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let result = self.assignment_or_less();
        self.depth -= 1;
        result
    }

    fn assignment_or_less(&mut self) -> Result<i64, String> {
        self.blanks();
        let start = self.at;
        if let Some(place) = self.place()? {
            self.blanks();
            let operator = self.assignment_operator();
            if let Some((operator, length)) = operator {
                self.at += length;
                self.blanks();
                self.token = self.at;
                let right = self.assignment()?;
                let value = match operator {
                    None => right,
                    Some(operator) => {
                        let left = self.read(&place)?;
                        self.compute(operator, left, right)?
                    }
                };
                self.write(&place, value)?;
                return Ok(value);
            }
            self.at = start;
        }
        self.conditional()
    }

    /// The operator of `+=` and its length.
    fn assignment_operator(&self) -> Option<(Option<&'static str>, usize)> {
        const OPERATORS: [&str; 10] = ["<<", ">>", "+", "-", "*", "/", "%", "&", "^", "|"];
        if self.starts("=") && !self.starts("==") {
            return Some((None, 1));
        }
        OPERATORS.into_iter().find_map(|operator| {
            let after = self.source.get(self.at + operator.len()).copied();
            let fits = self.starts(operator) && after == Some('=');
            fits.then_some((Some(operator), operator.len() + 1))
        })
    }

    fn conditional(&mut self) -> Result<i64, String> {
        let condition = self.binary(0)?;
        if !self.accept("?") {
            return Ok(condition);
        }
        let yes = self.skipping(condition == 0, Self::comma)?;
        if !self.accept(":") {
            self.token = self.at;
            return Err(self.error("`:' expected for conditional expression"));
        }
        let no = self.skipping(condition != 0, Self::assignment)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn skipping(
        &mut self,
        skip: bool,
        compute: impl FnOnce(&mut Self) -> Result<i64, String>,
    ) -> Result<i64, String> {
        self.skips += u32::from(skip);
        let value = compute(self);
        self.skips -= u32::from(skip);
        value
    }

    fn binary(&mut self, weakest: u8) -> Result<i64, String> {
        let mut left = self.unary()?;
        loop {
            self.blanks();
            let Some((operator, strength)) = BINARY
                .into_iter()
                .find(|(operator, _)| self.starts(operator))
            else {
                return Ok(left);
            };
            // `a += b` is no sum.
            let assigns = self.source.get(self.at + operator.len()) == Some(&'=')
                && !matches!(
                    operator,
                    "==" | "!=" | "<=" | ">=" | "||" | "&&" | "**" | "<" | ">"
                );
            if strength <= weakest || assigns {
                return Ok(left);
            }
            self.at += operator.len();
            self.blanks();
            self.token = self.at;
            // Powers group from the right.
            let next = if operator == "**" {
                strength - 1
            } else {
                strength
            };
            left = match operator {
                "||" => {
                    let right = self.skipping(left != 0, |e| e.binary(next))?;
                    i64::from(left != 0 || right != 0)
                }
                "&&" => {
                    let right = self.skipping(left == 0, |e| e.binary(next))?;
                    i64::from(left != 0 && right != 0)
                }
                _ => {
                    let right = self.binary(next)?;
                    self.compute(operator, left, right)?
                }
            };
        }
    }

    fn compute(&self, operator: &str, left: i64, right: i64) -> Result<i64, String> {
        Ok(match operator {
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" | "%" if right == 0 => {
                if self.skips > 0 {
                    return Ok(0);
                }
                return Err(self.error("division by 0"));
            }
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            "**" if right < 0 => return Err(self.error("exponent less than 0")),
            "**" => power(left, right),
            "<<" => left.wrapping_shl(right as u32),
            ">>" => left.wrapping_shr(right as u32),
            "&" => left & right,
            "|" => left | right,
            "^" => left ^ right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<=" => i64::from(left <= right),
            _ => i64::from(left >= right),
        })
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX * 3 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let value = self.unary_or_less();
        self.depth -= 1;
        value
    }

    fn unary_or_less(&mut self) -> Result<i64, String> {
        self.blanks();
        self.token = self.at;
        for (operator, step) in [("++", 1), ("--", -1)] {
            if self.starts(operator) {
                let start = self.at;
                self.at += 2;
                self.blanks();
                if let Some(place) = self.place()? {
                    let value = self.read(&place)?.wrapping_add(step);
                    self.write(&place, value)?;
                    return Ok(value);
                }
                // `--1` is minus minus one.
                self.at = start;
                break;
            }
        }
        match self.peek() {
            Some('+') => {
                self.at += 1;
                self.unary()
            }
            Some('-') => {
                self.at += 1;
                Ok(self.unary()?.wrapping_neg())
            }
            Some('!') => {
                self.at += 1;
                Ok(i64::from(self.unary()? == 0))
            }
            Some('~') => {
                self.at += 1;
                Ok(!self.unary()?)
            }
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<i64, String> {
        self.blanks();
        self.token = self.at;
        if self.accept("(") {
            let value = self.comma()?;
            if !self.accept(")") {
                self.token = self.at;
                return Err(self.error("missing `)'"));
            }
            return Ok(value);
        }
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.number();
        }
        let Some(place) = self.place()? else {
            return Err(self.error("syntax error: operand expected"));
        };
        let value = self.read(&place)?;
        let step = if self.accept("++") {
            1
        } else if self.accept("--") {
            -1
        } else {
            return Ok(value);
        };
        self.write(&place, value.wrapping_add(step))?;
        Ok(value)
    }

    fn number(&mut self) -> Result<i64, String> {
        let mut digits = String::new();
        while let Some(c) = self
            .peek()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '#' | '@' | '_'))
        {
            digits.push(c);
            self.at += 1;
        }
        let (base, digits) = match digits.split_once('#') {
            Some((base, digits)) => match base.parse() {
                Ok(base @ 2..=64) => (base, digits),
                _ => return Err(self.error("invalid arithmetic base")),
            },
            None => match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
                Some(digits) => (16, digits),
                None if digits.len() > 1 && digits.starts_with('0') => (8, digits.as_str()),
                None => (10, digits.as_str()),
            },
        };
        let mut value = 0_i64;
        for character in digits.chars() {
            let digit = match character {
                '0'..='9' => i64::from(character as u32 - '0' as u32),
                'a'..='z' => i64::from(character as u32 - 'a' as u32) + 10,
                'A'..='Z' if base <= 36 => i64::from(character as u32 - 'A' as u32) + 10,
                'A'..='Z' => i64::from(character as u32 - 'A' as u32) + 36,
                '@' => 62,
                _ => 63,
            };
            if digit >= base {
                return Err(self.error("value too great for base"));
            }
            value = value.wrapping_mul(base).wrapping_add(digit);
        }
        Ok(value)
    }

    /// A variable or an element of one.
    fn place(&mut self) -> Result<Option<Place>, String> {
        if !self.peek().is_some_and(crate::syntax::starts_name) {
            return Ok(None);
        }
        let mut name = String::new();
        while let Some(character) = self.peek().filter(|c| crate::syntax::continues_name(*c)) {
            name.push(character);
            self.at += 1;
        }
        let mut key = None;
        if self.peek() == Some('[') {
            self.at += 1;
            let start = self.at;
            let mut depth = 1;
            while depth > 0 {
                match self.peek() {
                    None => return Err(self.error("bad array subscript")),
                    Some('[') => depth += 1,
                    Some(']') => depth -= 1,
                    Some(_) => {}
                }
                self.at += 1;
            }
            let text: String = self
                .source
                .get(start..self.at - 1)
                .unwrap_or_default()
                .iter()
                .collect();
            // Computed once, so that `a[i++] += 1` counts once.
            key = Some(if self.names.is_associative(&name) {
                text
            } else if self.skips > 0 {
                "0".to_owned()
            } else {
                nested(&text, self.names, self.depth + 1)?.to_string()
            });
        }
        Ok(Some(Place { name, key }))
    }

    fn read(&mut self, place: &Place) -> Result<i64, String> {
        if self.skips > 0 {
            return Ok(0);
        }
        let text = self.names.value(&place.name, place.key.as_deref())?;
        nested(&text, self.names, self.depth + 1)
    }

    fn write(&mut self, place: &Place, value: i64) -> Result<(), String> {
        if self.skips > 0 {
            return Ok(());
        }
        self.names.assign(&place.name, place.key.as_deref(), value)
    }
}

fn power(base: i64, exponent: i64) -> i64 {
    let (mut result, mut base, mut exponent) = (1_i64, base, exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}
