//! A script as it is run.

use crate::expression::Expression;
use crate::replacement::Replacement;
use std::rc::Rc;

/// None is the expression that was used last.
pub type Pattern = Option<Rc<Expression>>;

pub enum Address {
    Line(usize),
    Last,
    Matching(Pattern),
    /// `first~step`
    Step(usize, usize),
}

pub enum End {
    Line(usize),
    Last,
    Matching(Pattern),
    /// `,+count`
    After(usize),
    /// `,~multiple`
    Multiple(usize),
}

pub struct Command {
    pub first: Option<Address>,
    pub end: Option<End>,
    pub negated: bool,
    /// Which of the ranges of the script this is.
    pub range: usize,
    /// `0,/expression/`: the range is open before the first line.
    pub open: bool,
    pub action: Action,
}

pub enum Action {
    /// Runs on behind its `}` if the line is not one of its.
    Block(usize),
    BlockEnd,
    LineNumber,
    Append(String),
    Insert(String),
    Change(String),
    Branch(usize),
    BranchIfChanged(usize),
    BranchUnlessChanged(usize),
    Delete,
    DeleteFirst,
    Execute(String),
    FileName,
    Get,
    GetAppend,
    Hold,
    HoldAppend,
    List(Option<usize>),
    Next,
    NextAppend,
    Print,
    PrintFirst,
    Quit(i32),
    QuitSilently(i32),
    ReadFile(String),
    ReadLine(String),
    Substitute(Box<Substitution>),
    Write(usize),
    WriteFirst(usize),
    Exchange,
    Translate(Vec<(char, char)>),
    Clear,
    Nothing,
}

pub struct Substitution {
    pub pattern: Pattern,
    pub replacement: Replacement,
    pub all: bool,
    /// The first match that is replaced.
    pub number: usize,
    pub print: usize,
    pub execute: bool,
    /// One of the files of the script.
    pub file: Option<usize>,
}

pub struct Script {
    pub commands: Vec<Command>,
    /// What `w` writes to.
    pub files: Vec<String>,
    pub ranges: usize,
    /// It began with `#n`.
    pub quiet: bool,
}
