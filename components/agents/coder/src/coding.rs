//! When the model stops, the check says whether it is done.

use serde_json::Value;
use swarm_flow_agent_loop::{Called, Check, Checked, End, Files, Next, Role, Tool, Trouble, Work};

/// The loop's part that is about code.
pub struct Coding {
    tools: Vec<Tool>,
    check: Option<Check>,
    checks_max: u32,
    checks: u32,
    last: Option<Seen>,
}

/// What the last check said, of which files, and how often the same running.
struct Seen {
    checked: Checked,
    files: Option<Files>,
    steps: u64,
    times: u32,
}

/// The same output of the check without a change of a file.
const SAME_MAX: u32 = 3;

impl Coding {
    pub fn new(tools: Vec<Tool>, check: Option<Check>, checks_max: u32) -> Self {
        Self {
            tools,
            check,
            checks_max,
            checks: 0,
            last: None,
        }
    }

    /// For the result.
    pub fn lines(&self) -> Vec<String> {
        let Some(check) = &self.check else {
            return Vec::new();
        };
        let came = match &self.last {
            None => "was not run".to_owned(),
            Some(Seen {
                checked:
                    Checked {
                        exit_code: Some(code),
                        ..
                    },
                ..
            }) => format!("exit code {code}"),
            Some(_) => "could not be started".to_owned(),
        };
        vec![format!(
            "check: `{}`: {came}, run {} times",
            check.line, self.checks
        )]
    }

    fn came(&mut self, checked: Checked, work: &mut Work<'_>) -> Next {
        self.checks += 1;
        let files = Files::of(work);
        let times = match &self.last {
            Some(last) if last.is_again(&checked, files.as_ref(), work.steps) => last.times + 1,
            _ => 1,
        };
        let said = checked.words.clone();
        let green = checked.green;
        self.last = Some(Seen {
            checked,
            files,
            steps: work.steps,
            times,
        });
        if green {
            Next::End(End::Green)
        } else if times == SAME_MAX {
            let why = format!(
                "the check said the same {times} times running, and no file was changed between"
            );
            Next::End(End::NoProgress(why))
        } else if self.checks == self.checks_max {
            Next::End(End::Checks(self.checks))
        } else {
            Next::GoOn(format!("It is not done. The check says:\n\n{said}"))
        }
    }
}

impl Seen {
    /// Whether this is the same again, and no file was changed between. Of a workspace that is too large to look at it is known whether
    /// anything was done at all.
    fn is_again(&self, checked: &Checked, files: Option<&Files>, steps: u64) -> bool {
        let unchanged = match (&self.files, files) {
            (Some(before), Some(now)) => now.are(before),
            // The check itself is one.
            _ => steps == self.steps + 1,
        };
        self.checked == *checked && unchanged
    }
}

impl Role for Coding {
    fn tools(&self) -> Vec<Tool> {
        self.tools.clone()
    }

    fn call(&mut self, _: &mut Work<'_>, _: &str, _: &Value) -> Option<Called> {
        None
    }

    fn stopped(&mut self, work: &mut Work<'_>, _: &str) -> Next {
        let Some(check) = &self.check else {
            return Next::End(End::Done);
        };
        work.report(&format!("check: {}", check.line));
        match check.run(work) {
            Ok(checked) => self.came(checked, work),
            Err(Trouble::Broken(error)) => Next::End(End::Workspace(error)),
            Err(Trouble::Said(said)) => Next::GoOn(said),
        }
    }
}
