//! Words of the language.

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name with `(` directly behind it.
    Call(String),
    Sign(&'static str),
    Newline,
    End,
}

pub struct Lexed {
    pub token: Token,
    pub line: usize,
}

const SIGNS: [&str; 41] = [
    "**=", "...", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=",
    "!=", "!~", ">>", "**", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^",
    "!", ">", "<", "|", "?", ":", "~", "$",
];

pub fn lex(source: &str) -> Result<Vec<Lexed>, String> {
    let source = source.replace("\r\n", "\n");
    let mut rest = source.as_str();
    let mut line = 1;
    let mut out: Vec<Lexed> = Vec::new();
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
            line += 1;
            continue;
        }
        if matches!(character, ' ' | '\t' | '\r') {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        if character == '#' {
            rest = rest
                .find('\n')
                .and_then(|at| rest.get(at..))
                .unwrap_or_default();
            continue;
        }
        let (token, length) = match character {
            '\n' => (Token::Newline, 1),
            '"' => text(rest, line)?,
            '/' if regex_may_stand(out.last().map(|last| &last.token)) => regex(rest, line)?,
            '0'..='9' => number(rest),
            '.' if rest
                .chars()
                .nth(1)
                .is_some_and(|next| next.is_ascii_digit()) =>
            {
                number(rest)
            }
            _ if character.is_ascii_alphabetic() || character == '_' => name(rest),
            '=' if !rest.starts_with("==") => (Token::Sign("="), 1),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => {
                    return Err(format!(
                        "syntax error at source line {line}: unexpected character {character:?}"
                    ));
                }
            },
        };
        out.push(Lexed { token, line });
        let taken = rest.get(..length).unwrap_or(rest);
        line += taken.matches('\n').count();
        rest = rest.get(length..).unwrap_or_default();
    }
    out.push(Lexed {
        token: Token::End,
        line,
    });
    Ok(out)
}

/// Behind a value `/` divides.
fn regex_may_stand(last: Option<&Token>) -> bool {
    match last {
        Some(Token::Number(_) | Token::Text(_) | Token::Regex(_)) => false,
        Some(Token::Name(name)) => {
            matches!(
                name.as_str(),
                "print" | "printf" | "return" | "in" | "getline" | "exit" | "do" | "else"
            )
        }
        Some(Token::Sign(sign)) => !matches!(*sign, ")" | "]" | "$" | "++" | "--"),
        _ => true,
    }
}

fn number(rest: &str) -> (Token, usize) {
    if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
        if let Some(value) = digits
            .get(..length)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        {
            return (Token::Number(value as f64), length + 2);
        }
    }
    let length = crate::value::number_length(rest).max(1);
    let value = rest
        .get(..length)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    (Token::Number(value), length)
}

fn name(rest: &str) -> (Token, usize) {
    let length = rest
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count();
    let name = rest.get(..length).unwrap_or_default().to_owned();
    match rest.as_bytes().get(length) {
        Some(b'(') => (Token::Call(name), length),
        _ => (Token::Name(name), length),
    }
}

fn text(rest: &str, line: usize) -> Result<(Token, usize), String> {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                return Ok((
                    Token::Text(unescape(rest.get(1..at).unwrap_or_default())),
                    at + 1,
                ));
            }
            '\n' => break,
            _ => {}
        }
    }
    Err(format!("non-terminated string at source line {line}"))
}

fn regex(rest: &str, line: usize) -> Result<(Token, usize), String> {
    let (mut escaped, mut set) = (false, None);
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            '\n' => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if set.is_none() => set = Some(at),
            // The first of a set may be `]`.
            ']' if set.is_some_and(|from| at > from + 1 && rest.get(from..at) != Some("[^")) => {
                set = None
            }
            '/' if set.is_none() => {
                let text = rest.get(1..at).unwrap_or_default().replace("\\/", "/");
                return Ok((Token::Regex(text), at + 1));
            }
            _ => {}
        }
    }
    Err(format!(
        "non-terminated regular expression at source line {line}"
    ))
}

/// What stands for other characters in a text.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some('\n') => {}
            Some(quoted @ ('\\' | '"' | '/')) => out.push(quoted),
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = rest.next_if(|next| next.is_digit(8)) else {
                        break;
                    };
                    value = value * 8 + next.to_digit(8).unwrap_or(0);
                }
                out.extend(char::from_u32(value));
            }
            // In a text that is used as an expression it keeps its backslash.
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}
