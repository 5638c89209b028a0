//! Programs as they are run.

use std::rc::Rc;

#[derive(Clone, Debug)]
pub enum Place {
    Name(String),
    Element(String, Rc<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
    And,
    Or,
}

#[derive(Clone, Debug)]
pub enum Expression {
    /// Its base is known when it is run.
    Number(String),
    Place(Place),
    Assign(Place, Option<Operator>, Rc<Expression>),
    /// `++` and `--`: by how much, and whether before the value is taken.
    Step(Place, i64, bool),
    Negate(Rc<Expression>),
    Not(Rc<Expression>),
    Two(Operator, Rc<Expression>, Rc<Expression>),
    Call(String, Vec<Expression>),
    Parentheses(Rc<Expression>),
}

#[derive(Clone, Debug)]
pub enum Statement {
    Expression(Expression),
    Text(String),
    Print(Vec<Printed>),
    If(Expression, Rc<Statement>, Option<Rc<Statement>>),
    While(Expression, Rc<Statement>),
    For(
        Option<Expression>,
        Option<Expression>,
        Option<Expression>,
        Rc<Statement>,
    ),
    Block(Vec<Statement>),
    Define(Rc<Function>),
    Return(Option<Expression>),
    Break,
    Continue,
    Quit,
}

#[derive(Clone, Debug)]
pub enum Printed {
    Text(String),
    Value(Expression),
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub parameters: Vec<String>,
    pub own: Vec<String>,
    pub body: Vec<Statement>,
}
