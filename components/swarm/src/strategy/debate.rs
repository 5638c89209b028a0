//! All tasks but the last are sides, which speak in rounds; each has heard all of the round before. The last task
//! is the judge, who hears the last round and whose answer is the outcome.

use super::accepts::{self, Accepts, Needs};
use super::{
    Given, Next, Options, Outcome, Planner, Refusal, Step, Strategy, View, all_ended, needs,
};

pub struct Debate;

const ACCEPTS: Accepts = Accepts {
    tasks_min: 3,
    rounds: true,
    needs: Needs::No("each side needs all of the round before, and the judge the last round"),
    ..Accepts::plain(Strategy::Debate)
};

const ROUNDS: u32 = 2;
const ROUNDS_MAX: u32 = 10;

impl Planner for Debate {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        ACCEPTS.check(given, options)?;
        let rounds = options.rounds.unwrap_or(ROUNDS);
        if !(1..=ROUNDS_MAX).contains(&rounds) {
            let message = format!("is {rounds}, must be 1 to {ROUNDS_MAX}");
            return Err(Refusal::new("rounds", message));
        }
        let Some((judge, sides)) = given.split_last() else {
            return Ok(Vec::new());
        };
        if judge.optional {
            let field = format!("tasks[{}].optional", sides.len());
            let message = "is true, but this task is the judge, whose answer is the outcome; \
                           leave it out";
            return Err(Refusal::new(field, message));
        }
        let count = sides.len().saturating_mul(rounds as usize) + 1;
        accepts::room("rounds", count)?;
        let mut steps = Vec::with_capacity(count);
        let mut heard: Vec<u32> = Vec::new();
        for round in 1..=rounds {
            let first = steps.len();
            for (index, side) in sides.iter().enumerate() {
                let id = format!("r{round}/{}", side.id);
                steps.push(Step {
                    round: Some(round),
                    ..needs::step(index, side, id, heard.clone())
                });
            }
            heard = (first..steps.len()).map(needs::place).collect();
        }
        steps.push(needs::step(sides.len(), judge, judge.id.clone(), heard));
        accepts::distinct(given, &steps)?;
        Ok(steps)
    }

    fn next(&self, run: &View<'_>) -> Next {
        match all_ended(run) {
            Next::Done { .. } => Next::Done {
                outcome: run.tasks.last().map(|judge| Outcome {
                    answer: judge.answer.clone(),
                    ..Outcome::default()
                }),
            },
            other => other,
        }
    }
}
