//! Programs that are asked something: all at once, each with the same little time.
//!
//! No thread is started for it, as this is done before the walls are raised, and those are not around threads that were there
//! before them.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A program and its arguments.
pub type Question = &'static [&'static str];

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its standard output.
    Said(String),
    /// There is no such program.
    Missing,
    /// It ended with another code than 0, or could not be started.
    Failed,
    /// It was ended, as it took too long.
    Silent,
}

/// What is read of an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Asks all of them in a folder.
pub fn answers<const N: usize>(
    questions: [Question; N],
    folder: &Path,
    limit: Duration,
) -> [Answer; N] {
    let deadline = Instant::now() + limit;
    let asked = questions.map(|question| Asked::start(question, folder));
    asked.map(|asked| match asked {
        Ok(asked) => asked.answer(deadline),
        Err(answer) => answer,
    })
}

struct Asked {
    child: Child,
    /// A file and not a pipe: what a child of the child keeps open does not keep us waiting.
    output: File,
}

impl Asked {
    fn start(question: Question, folder: &Path) -> Result<Self, Answer> {
        let [program, arguments @ ..] = question else {
            return Err(Answer::Missing);
        };
        let started = || {
            let output = tempfile::tempfile()?;
            let child = Command::new(program)
                .args(arguments)
                .current_dir(folder)
                // It would fetch another version of itself.
                .env("GOTOOLCHAIN", "local")
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()?;
            Ok(Self { child, output })
        };
        started().map_err(|error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Answer::Missing,
            _ => Answer::Failed,
        })
    }

    fn answer(mut self, deadline: Instant) -> Answer {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => {
                    return self.said().unwrap_or(Answer::Failed);
                }
                Ok(Some(_)) | Err(_) => return Answer::Failed,
                Ok(None) if Instant::now() >= deadline => {
                    self.end();
                    return Answer::Silent;
                }
                Ok(None) => sleep(LOOK_AGAIN),
            }
        }
    }

    fn said(&mut self) -> std::io::Result<Answer> {
        let mut text = String::new();
        self.output.rewind()?;
        (&self.output)
            .take(ANSWER_BYTES_MAX)
            .read_to_string(&mut text)?;
        Ok(Answer::Said(text))
    }

    /// With what it started.
    fn end(&mut self) {
        let group = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_asked_at_once_and_who_is_silent_is_ended() {
        let started = Instant::now();
        let limit = Duration::from_millis(500);
        let questions: [Question; 5] = [
            &["sh", "-c", "echo yes; sleep 60 &"],
            &["sh", "-c", "sleep 60; echo late"],
            &["sh", "-c", "sleep 60"],
            &["sh", "-c", "exit 3"],
            &["no-such-program-anywhere"],
        ];
        let answers = answers(questions, Path::new("/"), limit);
        assert_eq!(
            answers,
            [
                Answer::Said("yes\n".to_owned()),
                Answer::Silent,
                Answer::Silent,
                Answer::Failed,
                Answer::Missing
            ]
        );
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
