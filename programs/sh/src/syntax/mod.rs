//! The shell's language: what a script is once it has been read.
//!
//! Every word is taken apart when it is read, so that a loop does no parsing. Nodes are shared (`Rc`): the members of a
//! pipeline, subshells and jobs each hold on to the part of the script that they run.

mod array;
mod compound;
mod grammar;
mod heredoc;
mod parameter;
pub mod test;
mod token;
mod word;

pub use grammar::Parser;
use std::cell::OnceCell;
use std::rc::Rc;

/// Why a text is no script.
#[derive(Debug, Clone)]
pub struct SyntaxError {
    pub line: u32,
    pub message: String,
    /// More text could make it one.
    pub incomplete: bool,
}

pub type Parsed<T> = Result<T, SyntaxError>;

pub type List = Rc<Vec<Item>>;

#[derive(Debug)]
pub struct Item {
    pub chain: Rc<Chain>,
    /// Ends in `&`.
    pub background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub struct Chain {
    pub first: Pipeline,
    pub rest: Vec<(Connector, Pipeline)>,
    /// As it was written, for `jobs`.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    And,
    Or,
}

#[derive(Debug)]
pub struct Pipeline {
    pub commands: Vec<Rc<Command>>,
    pub negated: bool,
    pub timed: Option<Timed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timed {
    Bash,
    Posix,
}

#[derive(Debug)]
pub struct Command {
    pub line: u32,
    pub kind: Kind,
    pub redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub enum Kind {
    Simple(Simple),
    Group(List),
    Subshell(List),
    For {
        name: String,
        /// None loops over the positional parameters.
        words: Option<Vec<Word>>,
        body: List,
    },
    Select {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    ForArithmetic {
        start: Word,
        condition: Word,
        step: Word,
        body: List,
    },
    While {
        condition: List,
        body: List,
        until: bool,
    },
    If {
        branches: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    Case {
        subject: Word,
        arms: Vec<Arm>,
    },
    Arithmetic(Word),
    Test(Test),
    Function(Rc<Function>),
    Coprocess {
        name: String,
        body: Rc<Command>,
    },
}

#[derive(Debug)]
pub struct Simple {
    /// As it was written, for `BASH_COMMAND`.
    pub text: Rc<str>,
    pub assignments: Vec<Assignment>,
    pub words: Vec<Argument>,
}

#[derive(Debug)]
pub enum Argument {
    Word(Word),
    /// Of `declare` and its like.
    Assignment(Assignment),
}

#[derive(Debug)]
pub struct Assignment {
    pub name: String,
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: Assigned,
}

#[derive(Debug)]
pub enum Assigned {
    Scalar(Word),
    Array(Vec<Element>),
}

/// One of `(a [1]=b)`.
#[derive(Debug)]
pub struct Element {
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: Word,
}

#[derive(Debug)]
pub struct Arm {
    pub patterns: Vec<Word>,
    pub body: List,
    pub then: AfterArm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterArm {
    End,
    FallThrough,
    TestNext,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub body: Rc<Command>,
    /// As it was written, for `declare -f` and `type`.
    pub text: String,
    /// The same without the name, which is what programs that are shells get of an exported function.
    pub body_text: String,
    pub source: Rc<str>,
}

#[derive(Debug)]
pub enum Test {
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Unary(String, Word),
    Binary(String, Word, Word),
}

#[derive(Debug)]
pub struct Redirect {
    pub descriptor: Descriptor,
    pub kind: RedirectKind,
}

#[derive(Debug, Clone)]
pub enum Descriptor {
    Default,
    Number(u32),
    /// `{name}>file`: the shell picks a number and stores it.
    Variable(String),
}

#[derive(Debug)]
pub enum RedirectKind {
    Read(Word),
    Write(Word),
    Clobber(Word),
    Append(Word),
    ReadWrite(Word),
    DuplicateInput(Word),
    DuplicateOutput(Word),
    OutputAndError(Word),
    AppendOutputAndError(Word),
    HereString(Word),
    /// Filled at the end of the line that names it.
    HereDocument(Rc<OnceCell<Word>>),
}

#[derive(Debug, Clone, Default)]
pub struct Word {
    pub parts: Vec<Part>,
    /// There may be something like `{a,b}` in it.
    pub braces: bool,
}

#[derive(Debug, Clone)]
pub enum Part {
    /// Not quoted: `*` in it is a pattern.
    Literal(String),
    Quoted(String),
    Double(Vec<Part>),
    Parameter(Rc<Parameter>),
    Command(List),
    /// An expression whose own `$x` come first.
    Arithmetic(Vec<Part>),
    Process {
        reads: bool,
        list: List,
    },
    /// What stands between `~` and `/`.
    Tilde(String),
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub subscript: Option<Subscript>,
    /// `${!x}`
    pub indirect: bool,
    pub operation: Operation,
}

#[derive(Debug, Clone)]
pub enum Subscript {
    /// `@`
    Each,
    /// `*`
    Joined,
    At(Word),
}

#[derive(Debug)]
pub enum Operation {
    None,
    Length,
    /// `${x:-y}` and its like.
    Test {
        kind: TestKind,
        /// With the colon: empty is as good as unset.
        empty: bool,
        word: Word,
    },
    Trim {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        kind: ReplaceKind,
        pattern: Word,
        with: Word,
    },
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    Case {
        change: CaseChange,
        all: bool,
        pattern: Option<Word>,
    },
    /// `${x@Q}`
    Transform(char),
    /// `${!a[@]}`
    Keys {
        joined: bool,
    },
    /// `${!prefix*}`
    Names {
        joined: bool,
    },
    /// Said only when it is expanded, as bash does.
    Bad(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    Default,
    Assign,
    Error,
    Alternative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceKind {
    First,
    All,
    Prefix,
    Suffix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseChange {
    Upper,
    Lower,
    Toggle,
}

impl Word {
    pub fn literal(text: &str) -> Self {
        Self {
            parts: vec![Part::Literal(text.to_owned())],
            braces: false,
        }
    }

    pub fn quoted(text: String) -> Self {
        Self {
            parts: vec![Part::Quoted(text)],
            braces: false,
        }
    }

    /// The text of a word in which nothing is quoted or expanded.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

pub fn starts_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphabetic()
}

pub fn continues_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}
