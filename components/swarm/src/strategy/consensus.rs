//! Voters answer the same question; what has the quorum is the answer.
//!
//! One task is asked of every agent of the swarm; of several, each is a voter with its weight. The vote is the
//! output without space around it, or the field `vote` of an output that is a JSON object. Who fails, is skipped
//! or cancelled, says nothing or says `abstain` abstains, and counts as a voter nevertheless.
//!
//! Every quorum is more than a half, so at most one answer has it and later votes change nothing. It is decided
//! as soon as an answer has it, or when none can get it with all the votes that are outstanding. A tie is no
//! consensus.

use super::accepts::{Accepts, Needs};
use super::{
    End, Given, Next, Options, Outcome, Planner, Quorum, Refusal, Seen, Step, Strategy, View,
    Votes, needs,
};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

pub struct Consensus;

const ACCEPTS: Accepts = Accepts {
    quorum: true,
    weights: true,
    needs: Needs::No("voters do not wait for one another"),
    ..Accepts::plain(Strategy::Consensus)
};

/// The most agents that one task is asked of.
const COPIES_MAX: u32 = 100;

/// How much of an answer a message shows.
const SHOWN_CHARS: usize = 40;
/// How many answers a message shows.
const SHOWN_ANSWERS: usize = 5;

impl Planner for Consensus {
    fn plan(&self, given: &[Given], options: &Options, size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = ACCEPTS.check(given, options)?;
        let quorum = options.quorum.unwrap_or(Quorum::Simple);
        weights(given, quorum)?;
        let mut steps = match given {
            [task] => copies(task, size)?,
            _ => needs::as_given(given, &explicit.with(given, |_| 0..0)?),
        };
        steps.iter_mut().for_each(|step| step.optional = true);
        Ok(steps)
    }

    fn next(&self, run: &View<'_>) -> Next {
        let quorum = run.options.quorum.unwrap_or(Quorum::Simple);
        let count = Count::of(run.tasks);
        let best = count.votes.first().map_or(0, |votes| votes.weight);
        if quorum.has(best, count.total) {
            let mut outcome = count.outcome();
            outcome.answer = outcome.votes.first().map(|votes| votes.answer.clone());
            return Next::Done {
                outcome: Some(outcome),
            };
        }
        if quorum.has(best + count.outstanding, count.total) {
            return Next::GoOn;
        }
        Next::Failed {
            code: "no_consensus",
            message: count.why(quorum),
            outcome: Some(count.outcome()),
        }
    }
}

impl Quorum {
    fn has(self, weight: u64, total: u64) -> bool {
        match self {
            Self::Simple | Self::Weighted => weight * 2 > total,
            Self::SuperMajority => total > 0 && weight * 3 >= total * 2,
            Self::Unanimous => total > 0 && weight == total,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Simple | Self::Weighted => "more than 1/2",
            Self::SuperMajority => "at least 2/3",
            Self::Unanimous => "all",
        }
    }
}

fn weights(given: &[Given], quorum: Quorum) -> Result<(), Refusal> {
    if quorum == Quorum::Weighted {
        return Ok(());
    }
    for (index, task) in given.iter().enumerate() {
        if let Some(weight) = task.weight.filter(|weight| *weight != 1) {
            return Err(Refusal::new(
                format!("tasks[{index}].weight"),
                format!("is {weight}, must be 1 with this quorum; give the quorum `weighted`"),
            ));
        }
    }
    Ok(())
}

fn copies(task: &Given, size: u32) -> Result<Vec<Step>, Refusal> {
    if !(1..=COPIES_MAX).contains(&size) {
        return Err(Refusal::new(
            "tasks",
            format!(
                "has one task, which would be asked of {size} agents, must be 1 to {COPIES_MAX}; \
                 scale the swarm or give each voter as a task of its own"
            ),
        ));
    }
    let id = |number| format!("{}/{number}", task.id);
    Ok((1..=size)
        .map(|number| needs::step(0, task, id(number), Vec::new()))
        .collect())
}

/// The votes as far as they are in.
struct Count {
    /// The heaviest first.
    votes: Vec<Votes>,
    abstained: Vec<u32>,
    outstanding: u64,
    total: u64,
}

impl Count {
    fn of(tasks: &[Seen]) -> Self {
        let mut count = Self {
            votes: Vec::new(),
            abstained: Vec::new(),
            outstanding: 0,
            total: 0,
        };
        let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for (index, task) in (0..).zip(tasks) {
            let weight = u64::from(task.weight);
            count.total += weight;
            if task.end.is_none() {
                count.outstanding += weight;
                continue;
            }
            let Some(answer) = vote(task) else {
                count.abstained.push(index);
                continue;
            };
            let place = *places.entry(answer).or_insert_with_key(|answer| {
                count.votes.push(Votes {
                    answer: answer.clone().into_owned(),
                    weight: 0,
                    tasks: Vec::new(),
                });
                count.votes.len() - 1
            });
            if let Some(votes) = count.votes.get_mut(place) {
                votes.weight += weight;
                votes.tasks.push(index);
            }
        }
        // Stable: of two that weigh the same, the one that was seen first.
        count
            .votes
            .sort_by_key(|votes| std::cmp::Reverse(votes.weight));
        count
    }

    fn outcome(self) -> Outcome {
        Outcome {
            winner: None,
            answer: None,
            votes: self.votes,
            abstained: self.abstained,
        }
    }

    fn why(&self, quorum: Quorum) -> String {
        let mut parts: Vec<String> = self
            .votes
            .iter()
            .take(SHOWN_ANSWERS)
            .map(|votes| format!("`{}` has {}", shown(&votes.answer), votes.weight))
            .collect();
        let more = self.votes.len().saturating_sub(SHOWN_ANSWERS);
        for (number, what) in [
            (more as u64, "more answers"),
            (self.abstained.len() as u64, "abstained"),
            (self.outstanding, "outstanding"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let (total, words) = (self.total, quorum.words());
        format!(
            "no answer can have {words} of {total} votes: {}",
            parts.join(", ")
        )
    }
}

fn shown(answer: &str) -> String {
    let mut start: String = answer.chars().take(SHOWN_CHARS).collect();
    if start.len() < answer.len() {
        start.push('…');
    }
    start
}

/// What a voter that has ended votes for.
fn vote(task: &Seen) -> Option<Cow<'_, str>> {
    if task.end != Some(End::Done) {
        return None;
    }
    let output = task.answer.as_deref()?.trim();
    let answer = match ballot(output) {
        None => Cow::Borrowed(output),
        Some(Value::Null) => return None,
        Some(Value::String(vote)) => Cow::Owned(vote.trim().to_owned()),
        Some(other) => Cow::Owned(other.to_string()),
    };
    (!answer.is_empty() && !answer.eq_ignore_ascii_case("abstain")).then_some(answer)
}

/// The field `vote` of a JSON object.
fn ballot(output: &str) -> Option<Value> {
    // Most outputs are no objects, and need not be parsed to know it.
    if !output.starts_with('{') {
        return None;
    }
    match serde_json::from_str(output) {
        Ok(Value::Object(mut fields)) => fields.remove("vote"),
        _ => None,
    }
}
