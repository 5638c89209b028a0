//! Programs, read.

use crate::syntax::{Expression, Function, Operator, Place, Printed, Statement};
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    Name(String),
    Text(String),
    Sign(&'static str),
    LineEnd,
}

const SIGNS: [&str; 32] = [
    "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "<=", ">=", "==", "!=", "&&", "||", "+", "-",
    "*", "/", "%", "^", "=", "<", ">", "!", "(", ")", "[", "]", "{", "}", ";", ",",
];

/// How deep expressions and blocks may lie in each other.
const DEPTH_MAX: usize = 200;

pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    pub fn new(source: &str) -> Parsed<Self> {
        Ok(Self {
            tokens: tokens(source)?,
            at: 0,
            depth: 0,
        })
    }

    /// The next statement; none at the end.
    pub fn next(&mut self) -> Option<Parsed<Statement>> {
        while matches!(self.peek(), Some(Token::LineEnd | Token::Sign(";"))) {
            self.at += 1;
        }
        self.peek()?;
        let statement = self.statement();
        match (&statement, self.peek()) {
            (Err(_), _) | (_, None | Some(Token::LineEnd | Token::Sign(";"))) => {}
            _ => {
                self.skip_line();
                return Some(Err("syntax error".to_owned()));
            }
        }
        if statement.is_err() {
            self.skip_line();
        }
        Some(statement)
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|token| *token != Token::LineEnd) {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.deeper(Self::statement_here)
    }

    fn statement_here(&mut self) -> Parsed<Statement> {
        if self.takes("{") {
            return self.block().map(Statement::Block);
        }
        if let Some(Token::Text(text)) = self.peek().cloned() {
            self.at += 1;
            return Ok(Statement::Text(text));
        }
        let word = match self.peek() {
            Some(Token::Name(name)) => name.clone(),
            _ => String::new(),
        };
        let keyword = [
            "if", "while", "for", "define", "return", "break", "continue", "quit", "halt", "print",
        ];
        if !keyword.contains(&word.as_str()) {
            return self.expression().map(Statement::Expression);
        }
        self.at += 1;
        Ok(match word.as_str() {
            "if" => {
                let condition = self.in_parentheses()?;
                self.line_ends();
                let then = Rc::new(self.statement()?);
                let before = self.at;
                while matches!(self.peek(), Some(Token::LineEnd | Token::Sign(";"))) {
                    self.at += 1;
                }
                if self.peek() == Some(&Token::Name("else".to_owned())) {
                    self.at += 1;
                    self.line_ends();
                    let other = Rc::new(self.statement()?);
                    return Ok(Statement::If(condition, then, Some(other)));
                }
                self.at = before;
                Statement::If(condition, then, None)
            }
            "while" => {
                let condition = self.in_parentheses()?;
                self.line_ends();
                Statement::While(condition, Rc::new(self.statement()?))
            }
            "for" => {
                self.need("(")?;
                let first = self.unless(";")?;
                let condition = self.unless(";")?;
                let step = self.unless(")")?;
                self.line_ends();
                Statement::For(first, condition, step, Rc::new(self.statement()?))
            }
            "define" => Statement::Define(Rc::new(self.function()?)),
            "return" => match self.peek() {
                None | Some(Token::LineEnd | Token::Sign(";" | "}")) => Statement::Return(None),
                _ => Statement::Return(Some(self.expression()?)),
            },
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "print" => {
                let mut all = Vec::new();
                loop {
                    all.push(match self.peek().cloned() {
                        Some(Token::Text(text)) => {
                            self.at += 1;
                            Printed::Text(escapes(&text))
                        }
                        _ => Printed::Value(self.expression()?),
                    });
                    if !self.takes(",") {
                        break;
                    }
                }
                Statement::Print(all)
            }
            _ => Statement::Quit,
        })
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        let mut all = Vec::new();
        loop {
            while matches!(self.peek(), Some(Token::LineEnd | Token::Sign(";"))) {
                self.at += 1;
            }
            if self.takes("}") {
                return Ok(all);
            }
            if self.peek().is_none() {
                return Err("syntax error: `}` is missing".to_owned());
            }
            all.push(self.statement()?);
        }
    }

    fn function(&mut self) -> Parsed<Function> {
        let mut name = self.name()?;
        if name == "void" {
            name = self.name()?;
        }
        self.need("(")?;
        let parameters = self.names(")")?;
        self.line_ends();
        self.need("{")?;
        self.line_ends();
        let mut own = Vec::new();
        while self.peek() == Some(&Token::Name("auto".to_owned())) {
            self.at += 1;
            loop {
                own.push(self.name_of_variable()?);
                if !self.takes(",") {
                    break;
                }
            }
            while matches!(self.peek(), Some(Token::LineEnd | Token::Sign(";"))) {
                self.at += 1;
            }
        }
        Ok(Function {
            name,
            parameters,
            own,
            body: self.block()?,
        })
    }

    fn names(&mut self, end: &'static str) -> Parsed<Vec<String>> {
        let mut names = Vec::new();
        if self.takes(end) {
            return Ok(names);
        }
        loop {
            names.push(self.name_of_variable()?);
            if self.takes(end) {
                return Ok(names);
            }
            self.need(",")?;
        }
    }

    fn name_of_variable(&mut self) -> Parsed<String> {
        let mut name = self.name()?;
        if self.takes("[") {
            self.need("]")?;
            name.push_str("[]");
        }
        Ok(name)
    }

    fn in_parentheses(&mut self) -> Parsed<Expression> {
        self.need("(")?;
        let expression = self.expression()?;
        self.need(")")?;
        Ok(expression)
    }

    fn unless(&mut self, end: &'static str) -> Parsed<Option<Expression>> {
        if self.takes(end) {
            return Ok(None);
        }
        let expression = self.expression()?;
        self.need(end)?;
        Ok(Some(expression))
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(|parser| parser.level(0))
    }

    /// From the loosest: `||`, `&&`, `!`, relations, assignments, sums, products, powers.
    fn level(&mut self, level: usize) -> Parsed<Expression> {
        const LEVELS: [&[(&str, Operator)]; 2] =
            [&[("||", Operator::Or)], &[("&&", Operator::And)]];
        if let Some(operators) = LEVELS.get(level) {
            return self.left(operators, |parser| parser.level(level + 1));
        }
        if self.takes("!") {
            return Ok(Expression::Not(Rc::new(self.level(level)?)));
        }
        let relations = [
            ("<", Operator::Less),
            ("<=", Operator::LessOrEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterOrEqual),
            (">", Operator::Greater),
        ];
        self.left(&relations, Self::assignment)
    }

    fn left(
        &mut self,
        operators: &[(&'static str, Operator)],
        inner: impl Fn(&mut Self) -> Parsed<Expression>,
    ) -> Parsed<Expression> {
        let mut one = inner(self)?;
        loop {
            let found = operators.iter().find(|(sign, _)| self.takes(sign));
            let Some((_, operator)) = found else {
                return Ok(one);
            };
            one = Expression::Two(*operator, Rc::new(one), Rc::new(inner(self)?));
        }
    }

    fn assignment(&mut self) -> Parsed<Expression> {
        let before = self.at;
        if let Ok(place) = self.place() {
            let operators = [
                ("=", None),
                ("+=", Some(Operator::Add)),
                ("-=", Some(Operator::Subtract)),
                ("*=", Some(Operator::Multiply)),
                ("/=", Some(Operator::Divide)),
                ("%=", Some(Operator::Remainder)),
                ("^=", Some(Operator::Power)),
            ];
            for (sign, operator) in operators {
                if self.takes(sign) {
                    let value = self.deeper(Self::assignment)?;
                    return Ok(Expression::Assign(place, operator, Rc::new(value)));
                }
            }
        }
        self.at = before;
        let sums = [("+", Operator::Add), ("-", Operator::Subtract)];
        self.left(&sums, Self::product)
    }

    fn product(&mut self) -> Parsed<Expression> {
        let products = [
            ("*", Operator::Multiply),
            ("/", Operator::Divide),
            ("%", Operator::Remainder),
        ];
        self.left(&products, Self::power)
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.unary()?;
        if !self.takes("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::power)?;
        Ok(Expression::Two(
            Operator::Power,
            Rc::new(base),
            Rc::new(exponent),
        ))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        if self.takes("-") {
            // It binds closer than `^`.
            return Ok(Expression::Negate(Rc::new(self.deeper(Self::unary)?)));
        }
        for (sign, step) in [("++", 1), ("--", -1)] {
            if self.takes(sign) {
                return Ok(Expression::Step(self.place()?, step, true));
            }
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.peek().cloned() {
            Some(Token::Number(text)) => {
                self.at += 1;
                Ok(Expression::Number(text))
            }
            Some(Token::Sign("(")) => {
                let inner = self.in_parentheses()?;
                Ok(Expression::Parentheses(Rc::new(inner)))
            }
            Some(Token::Name(name)) => {
                if self.tokens.get(self.at + 1) == Some(&Token::Sign("(")) {
                    self.at += 2;
                    return self.call(name);
                }
                let place = self.place()?;
                for (sign, step) in [("++", 1), ("--", -1)] {
                    if self.takes(sign) {
                        return Ok(Expression::Step(place, step, false));
                    }
                }
                Ok(Expression::Place(place))
            }
            _ => Err("syntax error".to_owned()),
        }
    }

    fn call(&mut self, name: String) -> Parsed<Expression> {
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Ok(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression()?);
            if self.takes(")") {
                return Ok(Expression::Call(name, arguments));
            }
            self.need(",")?;
        }
    }

    fn place(&mut self) -> Parsed<Place> {
        let name = self.name()?;
        if self.peek() == Some(&Token::Sign("(")) {
            return Err("syntax error".to_owned());
        }
        if !self.takes("[") {
            return Ok(Place::Name(name));
        }
        let index = self.expression()?;
        self.need("]")?;
        Ok(Place::Element(name, Rc::new(index)))
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err("syntax error".to_owned()),
        }
    }

    fn line_ends(&mut self) {
        while self.peek() == Some(&Token::LineEnd) {
            self.at += 1;
        }
    }

    fn need(&mut self, sign: &'static str) -> Parsed<()> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(format!("syntax error: `{sign}` is missing")),
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(known)) if *known == sign);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }
}

fn escapes(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\q", "\"")
        .replace("\\\\", "\\")
}

fn tokens(source: &str) -> Parsed<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let length = |wanted: &dyn Fn(char) -> bool| {
            rest.find(|letter| !wanted(letter)).unwrap_or(rest.len())
        };
        let taken = match letter {
            '\n' => {
                tokens.push(Token::LineEnd);
                1
            }
            '\\' if rest.starts_with("\\\n") => 2,
            ' ' | '\t' | '\r' => 1,
            '#' => length(&|letter| letter != '\n'),
            '/' if rest.starts_with("/*") => rest
                .find("*/")
                .map(|end| end + 2)
                .ok_or("a comment does not end")?,
            '"' => {
                let inside = rest.get(1..).unwrap_or_default();
                let end = inside.find('"').ok_or("a string does not end")?;
                let text = inside.get(..end).unwrap_or_default();
                tokens.push(Token::Text(text.to_owned()));
                end + 2
            }
            '0'..='9' | 'A'..='F' | '.' => {
                let mut length = 0;
                let mut point = false;
                for letter in rest.chars() {
                    match letter {
                        '.' if !point => point = true,
                        '0'..='9' | 'A'..='F' => {}
                        _ => break,
                    }
                    length += 1;
                }
                let text = rest.get(..length).unwrap_or_default();
                tokens.push(match text {
                    "." => Token::Name("last".to_owned()),
                    text => Token::Number(text.to_owned()),
                });
                length
            }
            'a'..='z' => {
                let length = length(&|letter| {
                    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
                });
                let name = rest.get(..length).unwrap_or_default();
                tokens.push(Token::Name(name.to_owned()));
                length
            }
            letter => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("illegal character: {letter}"))?;
                tokens.push(Token::Sign(sign));
                sign.len()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(tokens)
}
