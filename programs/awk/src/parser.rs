//! From words to a program.

use crate::builtins;
use crate::lexer::{self, Lexed, Token};
use crate::syntax::{
    Block, Expression, Function, Operator, Pattern, Program, Redirect, Rule, Source, Statement,
    Variable,
};
use std::collections::HashMap;

/// Variables with a meaning, in this order.
pub const SPECIAL: [&str; 15] = [
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH",
    "CONVFMT", "OFMT", "ENVIRON", "ARGV",
];

pub fn parse(source: &str) -> Result<Program, String> {
    let mut parser = Parser {
        tokens: lexer::lex(source)?,
        at: 0,
        globals: HashMap::new(),
        names: Vec::new(),
        locals: HashMap::new(),
        functions: HashMap::new(),
        bodies: Vec::new(),
        depth: 0,
        no_in: false,
        no_greater: false,
    };
    for name in SPECIAL {
        parser.global(name);
    }
    parser.program()
}

struct Parser {
    tokens: Vec<Lexed>,
    at: usize,
    globals: HashMap<String, usize>,
    names: Vec<String>,
    locals: HashMap<String, usize>,
    functions: HashMap<String, usize>,
    bodies: Vec<Option<Function>>,
    depth: usize,
    /// In the head of `for`, where `in` belongs to the loop.
    no_in: bool,
    /// In `print`, where `>` redirects.
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

/// Deeper nesting would end at the stack.
const DEPTH_MAX: usize = 400;

impl Parser {
    fn program(mut self) -> Parsed<Program> {
        let (mut begin, mut rules, mut end) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.skip_ends();
            match self.peek().clone() {
                Token::End => break,
                Token::Name(name) if name == "BEGIN" => {
                    self.at += 1;
                    self.newlines();
                    begin.push(self.block()?);
                }
                Token::Name(name) if name == "END" => {
                    self.at += 1;
                    self.newlines();
                    end.push(self.block()?);
                }
                Token::Name(name) if name == "function" || name == "func" => self.function()?,
                _ => rules.push(self.rule()?),
            }
        }
        let mut functions = Vec::new();
        for (at, body) in self.bodies.into_iter().enumerate() {
            let name = self
                .functions
                .iter()
                .find(|(_, index)| **index == at)
                .map_or("", |(name, _)| name);
            functions.push(body.ok_or_else(|| format!("calling undefined function {name}"))?);
        }
        Ok(Program {
            begin,
            rules,
            end,
            functions,
            globals: self.names,
        })
    }

    fn function(&mut self) -> Parsed<()> {
        self.at += 1;
        let (Token::Name(name) | Token::Call(name)) = self.take() else {
            return Err(self.unexpected());
        };
        self.expect("(")?;
        self.locals.clear();
        while !self.eat(")") {
            self.newlines();
            let Token::Name(parameter) = self.take() else {
                return Err(self.unexpected());
            };
            let index = self.locals.len();
            self.locals.insert(parameter, index);
            self.newlines();
            self.eat(",");
        }
        self.newlines();
        let index = self.function_index(&name);
        let parameters = self.locals.len();
        let body = self.block()?;
        self.locals.clear();
        if let Some(place) = self.bodies.get_mut(index) {
            *place = Some(Function {
                name,
                parameters,
                body,
            });
        }
        Ok(())
    }

    fn function_index(&mut self, name: &str) -> usize {
        if let Some(index) = self.functions.get(name) {
            return *index;
        }
        let index = self.bodies.len();
        self.functions.insert(name.to_owned(), index);
        self.bodies.push(None);
        index
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let mut pattern = Pattern::Always;
        if !self.is("{") {
            let first = self.expression()?;
            pattern = Pattern::When(first);
            if self.eat(",") {
                self.newlines();
                let last = self.expression()?;
                if let Pattern::When(first) = pattern {
                    pattern = Pattern::Range(first, last);
                }
            }
        }
        let action = match self.is("{") {
            true => Some(self.block()?),
            false => None,
        };
        Ok(Rule { pattern, action })
    }

    fn block(&mut self) -> Parsed<Block> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            self.skip_ends();
            if self.eat("}") {
                return Ok(statements);
            }
            if *self.peek() == Token::End {
                return Err(self.unexpected());
            }
            statements.push(self.statement()?);
        }
    }

    /// A block, or one statement.
    fn body(&mut self) -> Parsed<Block> {
        self.newlines();
        if self.is("{") {
            return self.block();
        }
        if self.eat(";") {
            return Ok(Vec::new());
        }
        Ok(vec![self.statement()?])
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the program is nested too deeply".to_owned());
        }
        let statement = self.statement_inner();
        self.depth -= 1;
        statement
    }

    fn statement_inner(&mut self) -> Parsed<Statement> {
        if self.is("{") {
            return self.block().map(Statement::Block);
        }
        let word = match self.peek() {
            Token::Name(name) | Token::Call(name) => name.clone(),
            _ => String::new(),
        };
        match word.as_str() {
            "if" => return self.conditional(),
            "while" => {
                self.at += 1;
                let condition = self.condition()?;
                return Ok(Statement::While(condition, self.body()?));
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.skip_ends();
                match self.take() {
                    Token::Name(name) | Token::Call(name) if name == "while" => {}
                    _ => return Err(self.unexpected()),
                }
                let condition = self.condition()?;
                self.end_of_statement()?;
                return Ok(Statement::Do(body, condition));
            }
            "for" => return self.for_loop(),
            _ => {}
        }
        let statement = self.simple()?;
        self.end_of_statement()?;
        Ok(statement)
    }

    fn conditional(&mut self) -> Parsed<Statement> {
        self.at += 1;
        let condition = self.condition()?;
        let then = self.body()?;
        let before = self.at;
        self.skip_ends();
        let otherwise = match self.peek() {
            Token::Name(name) if name == "else" => {
                self.at += 1;
                self.body()?
            }
            _ => {
                self.at = before;
                Vec::new()
            }
        };
        Ok(Statement::If(condition, then, otherwise))
    }

    fn condition(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        let outer = std::mem::replace(&mut self.no_greater, false);
        let condition = self.expression()?;
        self.no_greater = outer;
        self.expect(")")?;
        Ok(condition)
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        self.at += 1;
        self.expect("(")?;
        if let (
            Some(Token::Name(key)),
            Some(Token::Name(word)),
            Some(Token::Name(array)),
            Some(Token::Sign(")")),
        ) = (self.token(0), self.token(1), self.token(2), self.token(3))
            && word == "in"
        {
            let (key, array) = (key.clone(), array.clone());
            self.at += 4;
            let (key, array) = (self.variable(&key), self.variable(&array));
            return Ok(Statement::ForIn(key, array, self.body()?));
        }
        let simple = |parser: &mut Self, end: &str| -> Parsed<Option<Box<Statement>>> {
            if parser.eat(end) {
                return Ok(None);
            }
            let statement = parser.simple()?;
            parser.expect(end)?;
            Ok(Some(Box::new(statement)))
        };
        let first = simple(self, ";")?;
        self.newlines();
        let condition = match self.eat(";") {
            true => None,
            false => {
                let condition = self.expression()?;
                self.expect(";")?;
                Some(condition)
            }
        };
        self.newlines();
        let step = simple(self, ")")?;
        Ok(Statement::For(first, condition, step, self.body()?))
    }

    fn simple(&mut self) -> Parsed<Statement> {
        let word = match self.peek() {
            Token::Name(name) | Token::Call(name) => name.clone(),
            _ => String::new(),
        };
        let ends = |parser: &Self| {
            matches!(
                parser.peek(),
                Token::Newline | Token::End | Token::Sign(";" | "}")
            )
        };
        match word.as_str() {
            "print" | "printf" => return self.print(word == "printf"),
            "next" | "nextfile" | "break" | "continue" | "exit" | "return" | "delete" => {
                self.at += 1
            }
            _ => return self.expression().map(Statement::Expression),
        }
        Ok(match word.as_str() {
            "next" => Statement::Next,
            "nextfile" => Statement::NextFile,
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "exit" if ends(self) => Statement::Exit(None),
            "exit" => Statement::Exit(Some(self.expression()?)),
            "return" if ends(self) => Statement::Return(None),
            "return" => Statement::Return(Some(self.expression()?)),
            _ => {
                let Token::Name(name) = self.take() else {
                    return Err(self.unexpected());
                };
                let array = self.variable(&name);
                let index = match self.eat("[") {
                    true => Some(self.list("]")?),
                    false => None,
                };
                Statement::Delete(array, index)
            }
        })
    }

    fn print(&mut self, formatted: bool) -> Parsed<Statement> {
        self.at += 1;
        let outer = std::mem::replace(&mut self.no_greater, true);
        let mut arguments = Vec::new();
        let start = self.at;
        if self.is("(") {
            // `print (a, b) > "file"`, but also `print (a) b`.
            self.at += 1;
            self.no_greater = false;
            let list = self.list(")");
            self.no_greater = true;
            match list {
                Ok(list) if self.print_ends() => arguments = list,
                _ => self.at = start,
            }
        }
        if self.at == start {
            while !self.print_ends() {
                arguments.push(self.expression()?);
                if !self.eat(",") {
                    break;
                }
                self.newlines();
            }
        }
        let redirect = match self.peek() {
            Token::Sign(">") => Some(Redirect::Write),
            Token::Sign(">>") => Some(Redirect::Append),
            Token::Sign("|") => Some(Redirect::Pipe),
            _ => None,
        };
        let to = match redirect {
            Some(redirect) => {
                self.at += 1;
                Some((redirect, self.concatenation()?))
            }
            None => None,
        };
        self.no_greater = outer;
        if formatted && arguments.is_empty() {
            return Err("printf: no format".to_owned());
        }
        Ok(Statement::Print {
            arguments,
            to,
            formatted,
        })
    }

    fn print_ends(&self) -> bool {
        matches!(
            self.peek(),
            Token::Newline | Token::End | Token::Sign(";" | "}" | ">" | ">>" | "|" | ")")
        )
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<Expression>> {
        let mut list = Vec::new();
        self.newlines();
        let outer = (
            std::mem::replace(&mut self.no_greater, false),
            std::mem::replace(&mut self.no_in, false),
        );
        while !self.eat(end) {
            list.push(self.expression()?);
            self.newlines();
            if !self.eat(",") && !self.is(end) {
                return Err(self.unexpected());
            }
            self.newlines();
        }
        (self.no_greater, self.no_in) = outer;
        Ok(list)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the program is nested too deeply".to_owned());
        }
        let expression = self.ternary();
        self.depth -= 1;
        expression
    }

    fn ternary(&mut self) -> Parsed<Expression> {
        let condition = self.or()?;
        if self.eat("?") {
            self.newlines();
            let then = self.expression()?;
            self.newlines();
            self.expect(":")?;
            self.newlines();
            let otherwise = self.expression()?;
            return Ok(Expression::Conditional(
                Box::new(condition),
                Box::new(then),
                Box::new(otherwise),
            ));
        }
        let operator = match self.peek() {
            Token::Sign("=") => None,
            Token::Sign("+=") => Some(Operator::Add),
            Token::Sign("-=") => Some(Operator::Subtract),
            Token::Sign("*=") => Some(Operator::Multiply),
            Token::Sign("/=") => Some(Operator::Divide),
            Token::Sign("%=") => Some(Operator::Remainder),
            Token::Sign("^=" | "**=") => Some(Operator::Power),
            _ => return Ok(condition),
        };
        self.at += 1;
        self.newlines();
        let value = self.expression()?;
        assign(condition, operator, value).ok_or_else(|| self.unexpected())
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.newlines();
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.newlines();
            left = Expression::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expression> {
        let mut left = self.matching()?;
        while !self.no_in && matches!(self.peek(), Token::Name(name) if name == "in") {
            self.at += 1;
            let Token::Name(array) = self.take() else {
                return Err(self.unexpected());
            };
            let array = self.variable(&array);
            left = Expression::In(vec![left], array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        loop {
            let negated = match self.peek() {
                Token::Sign("~") => false,
                Token::Sign("!~") => true,
                _ => return Ok(left),
            };
            self.at += 1;
            self.newlines();
            let regex = Box::new(self.comparison()?);
            left = Expression::Match {
                text: Box::new(left),
                regex,
                negated,
            };
        }
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.concatenation()?;
        let operator = match self.peek() {
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessEqual,
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=") => Operator::NotEqual,
            Token::Sign(">=") => Operator::GreaterEqual,
            Token::Sign(">") if !self.no_greater => Operator::Greater,
            Token::Sign("|") if self.is_getline(1) => return self.pipe(left),
            _ => return Ok(left),
        };
        self.at += 1;
        self.newlines();
        Ok(Expression::Binary(
            operator,
            Box::new(left),
            Box::new(self.concatenation()?),
        ))
    }

    fn is_getline(&self, ahead: usize) -> bool {
        matches!(self.token(ahead), Some(Token::Name(name)) if name == "getline")
    }

    /// `"command" | getline`, again and again.
    fn pipe(&mut self, mut left: Expression) -> Parsed<Expression> {
        while self.is("|") && self.is_getline(1) {
            self.at += 2;
            let into = self.target()?;
            left = Expression::Getline {
                source: Source::Command(Box::new(left)),
                into,
            };
        }
        Ok(left)
    }

    fn target(&mut self) -> Parsed<Option<Box<Expression>>> {
        match self.peek() {
            Token::Sign("$") => self.postfix().map(|target| Some(Box::new(target))),
            Token::Name(name) if !is_word(name) => {
                self.postfix().map(|target| Some(Box::new(target)))
            }
            _ => Ok(None),
        }
    }

    fn concatenation(&mut self) -> Parsed<Expression> {
        let mut left = self.sum()?;
        while self.value_follows() {
            let right = self.sum()?;
            left = Expression::Binary(Operator::Concatenate, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn value_follows(&self) -> bool {
        match self.peek() {
            Token::Number(_) | Token::Text(_) | Token::Regex(_) | Token::Call(_) => true,
            Token::Name(name) => !matches!(name.as_str(), "in" | "getline"),
            Token::Sign(sign) => matches!(*sign, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
            Token::Newline | Token::End => false,
        }
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                Token::Sign("%") => Operator::Remainder,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the program is nested too deeply".to_owned());
        }
        let result = match self.peek() {
            Token::Sign("!") => {
                self.at += 1;
                self.unary().map(|inner| Expression::Not(Box::new(inner)))
            }
            Token::Sign("-") => {
                self.at += 1;
                self.unary()
                    .map(|inner| Expression::Negative(Box::new(inner)))
            }
            Token::Sign("+") => {
                self.at += 1;
                self.unary()
                    .map(|inner| Expression::Positive(Box::new(inner)))
            }
            _ => self.power(),
        };
        self.depth -= 1;
        result
    }

    fn power(&mut self) -> Parsed<Expression> {
        let base = self.postfix()?;
        if self.eat("^") || self.eat("**") {
            let exponent = self.unary()?;
            return Ok(Expression::Binary(
                Operator::Power,
                Box::new(base),
                Box::new(exponent),
            ));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let value = self.primary()?;
        let up = match self.peek() {
            Token::Sign("++") => true,
            Token::Sign("--") => false,
            _ => return Ok(value),
        };
        if !is_target(&value) {
            return Ok(value);
        }
        self.at += 1;
        Ok(Expression::Step {
            target: Box::new(value),
            up,
            before: false,
        })
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.take() {
            Token::Number(number) => Ok(Expression::Number(number)),
            Token::Text(text) => Ok(Expression::Text(text.into())),
            Token::Regex(regex) => Ok(Expression::Regex(regex.into())),
            Token::Sign("$") => {
                let step = matches!(self.peek(), Token::Sign("++" | "--" | "-" | "!" | "+"));
                let inner = if step { self.unary()? } else { self.primary()? };
                Ok(Expression::Field(Box::new(inner)))
            }
            Token::Sign(sign @ ("++" | "--")) => {
                let target = self.primary()?;
                match is_target(&target) {
                    true => Ok(Expression::Step {
                        target: Box::new(target),
                        up: sign == "++",
                        before: true,
                    }),
                    false => Err(self.unexpected()),
                }
            }
            Token::Sign("(") => self.group(),
            Token::Call(name) => self.call(&name),
            Token::Name(name) if name == "getline" => self.getline(),
            Token::Name(name) if builtins::is_builtin(&name) => {
                Ok(Expression::Builtin(name, Vec::new()))
            }
            Token::Name(name) if !is_word(&name) => {
                let variable = self.variable(&name);
                match self.eat("[") {
                    true => Ok(Expression::Element(variable, self.list("]")?)),
                    false => Ok(Expression::Variable(variable)),
                }
            }
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn group(&mut self) -> Parsed<Expression> {
        let mut list = self.list(")")?;
        if matches!(self.peek(), Token::Name(name) if name == "in") && list.len() > 1 {
            self.at += 1;
            let Token::Name(array) = self.take() else {
                return Err(self.unexpected());
            };
            let array = self.variable(&array);
            return Ok(Expression::In(list, array));
        }
        match (list.len(), list.pop()) {
            (1, Some(inner)) => Ok(Expression::Group(Box::new(inner))),
            _ => Err(self.unexpected()),
        }
    }

    fn call(&mut self, name: &str) -> Parsed<Expression> {
        if name == "getline" {
            return self.getline();
        }
        if is_word(name) {
            self.at -= 1;
            return Err(self.unexpected());
        }
        self.expect("(")?;
        let arguments = self.list(")")?;
        if builtins::is_builtin(name) {
            return Ok(Expression::Builtin(name.to_owned(), arguments));
        }
        Ok(Expression::Call(self.function_index(name), arguments))
    }

    fn getline(&mut self) -> Parsed<Expression> {
        let into = self.target()?;
        let source = match self.eat("<") {
            true => Source::File(Box::new(self.postfix()?)),
            false => Source::Main,
        };
        Ok(Expression::Getline { source, into })
    }

    fn variable(&mut self, name: &str) -> Variable {
        match self.locals.get(name) {
            Some(index) => Variable::Local(*index),
            None => Variable::Global(self.global(name)),
        }
    }

    fn global(&mut self, name: &str) -> usize {
        if let Some(index) = self.globals.get(name) {
            return *index;
        }
        let index = self.names.len();
        self.globals.insert(name.to_owned(), index);
        self.names.push(name.to_owned());
        index
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        match self.peek() {
            Token::Newline | Token::Sign(";") => {
                self.at += 1;
                Ok(())
            }
            Token::Sign("}") | Token::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn skip_ends(&mut self) {
        while matches!(self.peek(), Token::Newline | Token::Sign(";")) {
            self.at += 1;
        }
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        match self.eat(sign) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    fn eat(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|lexed| &lexed.token)
    }

    fn peek(&self) -> &Token {
        self.token(0).unwrap_or(&Token::End)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn unexpected(&self) -> String {
        let line = self
            .tokens
            .get(self.at.min(self.tokens.len().saturating_sub(1)))
            .map_or(1, |lexed| lexed.line);
        let near = match self.peek() {
            Token::End => "the end of the program".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Name(text) | Token::Call(text) => text.clone(),
            Token::Text(text) => format!("\"{text}\""),
            Token::Regex(text) => format!("/{text}/"),
            Token::Number(number) => number.to_string(),
        };
        format!("syntax error at source line {line} near {near}")
    }
}

fn is_word(name: &str) -> bool {
    matches!(
        name,
        "BEGIN"
            | "END"
            | "function"
            | "func"
            | "if"
            | "else"
            | "while"
            | "for"
            | "do"
            | "break"
            | "continue"
            | "next"
            | "nextfile"
            | "exit"
            | "return"
            | "delete"
            | "in"
            | "getline"
            | "print"
            | "printf"
    )
}

fn is_target(expression: &Expression) -> bool {
    matches!(
        expression,
        Expression::Variable(_) | Expression::Field(_) | Expression::Element(..)
    )
}

/// An assignment belongs to the target at the right end of what stands before it: `a && b = 1`, `!x = y`.
fn assign(left: Expression, operator: Option<Operator>, value: Expression) -> Option<Expression> {
    Some(match left {
        left if is_target(&left) => Expression::Assign(Box::new(left), operator, Box::new(value)),
        Expression::And(first, second) => {
            Expression::And(first, Box::new(assign(*second, operator, value)?))
        }
        Expression::Or(first, second) => {
            Expression::Or(first, Box::new(assign(*second, operator, value)?))
        }
        Expression::Not(inner) => Expression::Not(Box::new(assign(*inner, operator, value)?)),
        Expression::Negative(inner) => {
            Expression::Negative(Box::new(assign(*inner, operator, value)?))
        }
        Expression::Binary(binary, first, second) => {
            Expression::Binary(binary, first, Box::new(assign(*second, operator, value)?))
        }
        _ => return None,
    })
}
