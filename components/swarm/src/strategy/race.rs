//! All tasks at once; the first that is done wins, and the others are not needed any more.

use super::accepts::{Accepts, Needs};
use super::{End, Given, Next, Options, Outcome, Planner, Refusal, Step, Strategy, View, needs};

pub struct Race;

const ACCEPTS: Accepts = Accepts {
    needs: Needs::No("all start at once"),
    ..Accepts::plain(Strategy::Race)
};

impl Planner for Race {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = ACCEPTS.check(given, options)?;
        let needs = explicit.with(given, |_| 0..0)?;
        let mut steps = needs::as_given(given, &needs);
        steps.iter_mut().for_each(|step| step.optional = true);
        Ok(steps)
    }

    fn next(&self, run: &View<'_>) -> Next {
        let mut open = false;
        for (index, task) in (0..).zip(run.tasks) {
            match task.end {
                Some(End::Done) => {
                    return Next::Done {
                        outcome: Some(Outcome {
                            winner: Some(index),
                            answer: task.answer.clone(),
                            ..Outcome::default()
                        }),
                    };
                }
                Some(_) => {}
                None => open = true,
            }
        }
        if open {
            return Next::GoOn;
        }
        Next::Failed {
            code: "no_winner",
            message: format!("none of {} tasks was done", run.tasks.len()),
            outcome: None,
        }
    }
}
