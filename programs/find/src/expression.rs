//! What is searched, and how.

use std::time::SystemTime;

/// A whole command line.
pub struct Search {
    pub roots: Vec<String>,
    pub follow: Follow,
    pub depth_first: bool,
    pub minimum_depth: usize,
    pub maximum_depth: usize,
    pub expression: Expression,
    pub commands: Vec<Batch>,
}

/// Which links are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    Never,
    Arguments,
    Always,
}

pub enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    List(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Test(Test),
    Action(Action),
}

pub enum Test {
    True,
    False,
    Name {
        pattern: String,
        ignore_case: bool,
    },
    Path {
        pattern: String,
        ignore_case: bool,
    },
    LinkName {
        pattern: String,
        ignore_case: bool,
    },
    Regex(regex::Regex),
    Types(Vec<char>),
    Size {
        compare: Compare,
        unit: u64,
    },
    Empty,
    /// Age in units of so many seconds, measured from the start.
    Modified {
        compare: Compare,
        unit: u64,
    },
    Newer(SystemTime),
    Same(std::path::PathBuf),
    /// WASI has no modes: everything may be read and written.
    Permitted,
    Mode(crate::mode::Wanted),
}

#[derive(Clone, Copy)]
pub enum Compare {
    Less(u64),
    Equal(u64),
    More(u64),
}

impl Compare {
    pub fn holds(self, value: u64) -> bool {
        match self {
            Self::Less(bound) => value < bound,
            Self::Equal(bound) => value == bound,
            Self::More(bound) => value > bound,
        }
    }
}

pub enum Action {
    Print,
    Print0,
    Printf(String),
    List,
    WriteTo {
        file: usize,
        zero: bool,
    },
    Delete,
    Prune,
    Quit,
    Execute {
        command: Vec<String>,
        in_folder: bool,
        ask: bool,
    },
    /// `-exec … {} +`: which of the batches.
    Collect(usize),
}

/// A command for as many files as fit.
pub enum Batch {
    Command {
        argv: Vec<String>,
        in_folder: bool,
        files: Vec<String>,
        bytes: usize,
    },
    File(std::fs::File),
}
