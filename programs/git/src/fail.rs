//! How a command ends early: the text for standard error, and the exit code.

use std::fmt::Display;

/// Git ends with 128 where it cannot go on, with 1 where it was refused something.
#[derive(Debug)]
pub struct Fail {
    pub code: i32,
    pub text: String,
}

pub type Result<T, E = Fail> = std::result::Result<T, E>;

pub fn fatal(text: impl Display) -> Fail {
    Fail {
        code: 128,
        text: format!("fatal: {text}"),
    }
}

pub fn error(text: impl Display) -> Fail {
    Fail {
        code: 1,
        text: format!("error: {text}"),
    }
}

/// A wrong command line.
pub fn usage(text: impl Display) -> Fail {
    Fail {
        code: 129,
        text: format!("error: {text}"),
    }
}

/// Everything was said already.
pub fn quiet(code: i32) -> Fail {
    Fail {
        code,
        text: String::new(),
    }
}

impl From<std::io::Error> for Fail {
    fn from(error: std::io::Error) -> Self {
        fatal(swarm_flow_posix::reason(&error))
    }
}
