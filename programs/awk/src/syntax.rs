//! A program, parsed. Variables are numbered.

use std::rc::Rc;

pub type Block = Vec<Statement>;

pub struct Program {
    pub begin: Vec<Block>,
    pub rules: Vec<Rule>,
    pub end: Vec<Block>,
    pub functions: Vec<Function>,
    pub globals: Vec<String>,
}

pub struct Rule {
    pub pattern: Pattern,
    /// None prints the record.
    pub action: Option<Block>,
}

pub enum Pattern {
    Always,
    When(Expression),
    Range(Expression, Expression),
}

pub struct Function {
    pub name: String,
    pub parameters: usize,
    pub body: Block,
}

#[derive(Clone, Copy)]
pub enum Variable {
    Global(usize),
    Local(usize),
}

pub enum Statement {
    Expression(Expression),
    Print {
        arguments: Vec<Expression>,
        to: Option<(Redirect, Expression)>,
        formatted: bool,
    },
    If(Expression, Block, Block),
    While(Expression, Block),
    Do(Block, Expression),
    For(
        Option<Box<Statement>>,
        Option<Expression>,
        Option<Box<Statement>>,
        Block,
    ),
    ForIn(Variable, Variable, Block),
    Block(Block),
    Next,
    NextFile,
    Exit(Option<Expression>),
    Return(Option<Expression>),
    Break,
    Continue,
    Delete(Variable, Option<Vec<Expression>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    Write,
    Append,
    Pipe,
}

pub enum Expression {
    Number(f64),
    Text(Rc<str>),
    /// Alone it is matched with the record.
    Regex(Rc<str>),
    Variable(Variable),
    Field(Box<Expression>),
    Element(Variable, Vec<Expression>),
    Assign(Box<Expression>, Option<Operator>, Box<Expression>),
    Step {
        target: Box<Expression>,
        up: bool,
        before: bool,
    },
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Positive(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    Match {
        text: Box<Expression>,
        regex: Box<Expression>,
        negated: bool,
    },
    In(Vec<Expression>, Variable),
    Group(Box<Expression>),
    Builtin(String, Vec<Expression>),
    Call(usize, Vec<Expression>),
    Getline {
        source: Source,
        into: Option<Box<Expression>>,
    },
}

pub enum Source {
    Main,
    File(Box<Expression>),
    Command(Box<Expression>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Concatenate,
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
}
