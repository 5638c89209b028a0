//! `test` and `[`

use crate::conditions::compare;
use crate::shell::{Outcome, Shell};
use crate::syntax::test::is_unary;

pub async fn test(shell: &mut Shell, name: &str, arguments: &[String]) -> Outcome {
    let mut operands = arguments;
    if name == "[" {
        match operands.split_last() {
            Some((last, rest)) if last == "]" => operands = rest,
            _ => {
                shell.complain("[: missing `]'").await;
                return Ok(2);
            }
        }
    }
    match evaluate(shell, operands) {
        Ok(holds) => Ok(i32::from(!holds)),
        Err(message) => {
            shell.complain(&format!("{name}: {message}")).await;
            Ok(2)
        }
    }
}

const BINARY: [&str; 15] = [
    "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~",
];

/// By the number of operands, as POSIX says.
fn evaluate(shell: &mut Shell, operands: &[String]) -> Result<bool, String> {
    let texts: Vec<&str> = operands.iter().map(String::as_str).collect();
    match texts.as_slice() {
        [] => Ok(false),
        [one] => Ok(!one.is_empty()),
        ["!", one] => Ok(one.is_empty()),
        [operator, operand] => {
            if is_unary(operator) {
                shell.unary(operator, operand)
            } else {
                Err(format!("{operator}: unary operator expected"))
            }
        }
        [left, operator, right] if BINARY.contains(operator) => {
            binary(shell, left, operator, right)
        }
        [left, "-a", right] => Ok(!left.is_empty() && !right.is_empty()),
        [left, "-o", right] => Ok(!left.is_empty() || !right.is_empty()),
        ["!", rest @ ..] if rest.len() == 2 || rest.len() == 3 => {
            let rest = operands.get(1..).unwrap_or_default();
            Ok(!evaluate(shell, rest)?)
        }
        ["(", _, ")"] => Ok(texts.get(1).is_some_and(|one| !one.is_empty())),
        ["(", _, _, ")"] => evaluate(shell, operands.get(1..3).unwrap_or_default()),
        [_, operator, _] => Err(format!("{operator}: binary operator expected")),
        _ => {
            let mut parser = Parser {
                shell,
                texts: &texts,
                at: 0,
                depth: 0,
            };
            let holds = parser.or()?;
            if parser.at < texts.len() {
                return Err("too many arguments".to_owned());
            }
            Ok(holds)
        }
    }
}

fn binary(shell: &mut Shell, left: &str, operator: &str, right: &str) -> Result<bool, String> {
    match operator {
        "=" | "==" => Ok(left == right),
        "!=" => Ok(left != right),
        "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
            let number = |text: &str| {
                let number = text.trim().parse::<i64>();
                number.map_err(|_| format!("{text}: integer expression expected"))
            };
            Ok(compare(operator, number(left)?, number(right)?))
        }
        _ => shell.binary(left, operator, right),
    }
}

/// Five operands and more: `-a`, `-o`, `!` and parentheses.
struct Parser<'a> {
    shell: &'a mut Shell,
    texts: &'a [&'a str],
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self, distance: usize) -> Option<&str> {
        self.texts.get(self.at + distance).copied()
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.peek(0) == Some(text);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut left = self.and()?;
        while self.accept("-o") {
            let right = self.and()?;
            left |= right;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut left = self.not()?;
        while self.accept("-a") {
            let right = self.not()?;
            left &= right;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > 200 {
            return Err("too many arguments".to_owned());
        }
        let result = if self.accept("!") {
            self.not().map(|holds| !holds)
        } else {
            self.primary()
        };
        self.depth -= 1;
        result
    }

    fn primary(&mut self) -> Result<bool, String> {
        let Some(first) = self.peek(0).map(str::to_owned) else {
            return Err("argument expected".to_owned());
        };
        if let (Some(operator), Some(right)) = (self.peek(1), self.peek(2))
            && BINARY.contains(&operator)
        {
            let (operator, right) = (operator.to_owned(), right.to_owned());
            self.at += 3;
            return binary(self.shell, &first, &operator, &right);
        }
        if first == "(" {
            self.at += 1;
            let holds = self.or()?;
            if !self.accept(")") {
                return Err("`)' expected".to_owned());
            }
            return Ok(holds);
        }
        if is_unary(&first)
            && let Some(operand) = self.peek(1).map(str::to_owned)
        {
            self.at += 2;
            return self.shell.unary(&first, &operand);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }
}
