//! Tasks are stages, and each item goes through all of them on its own: no item waits for another.
//!
//! The steps of an item stand together. Where the first that is ready goes first, an item that was begun is
//! brought to its end before the next one is begun.

use super::accepts::{self, Accepts, Needs};
use super::{Given, Options, Planner, Refusal, Step, Strategy, needs};

pub struct Pipeline;

const ACCEPTS: Accepts = Accepts {
    items: true,
    needs: Needs::No("each stage needs the one before"),
    ..Accepts::plain(Strategy::Pipeline)
};

impl Planner for Pipeline {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = ACCEPTS.check(given, options)?;
        let needs = explicit.with(given, |index| index.saturating_sub(1)..index)?;
        for_each_item(given, &needs, options)
    }
}

/// Steps of all given tasks, once for each item; needs are within an item. Without items, the tasks as they are.
pub fn for_each_item(
    given: &[Given],
    needs: &[Vec<usize>],
    options: &Options,
) -> Result<Vec<Step>, Refusal> {
    if options.items.is_empty() {
        return Ok(needs::as_given(given, needs));
    }
    let count = given.len().saturating_mul(options.items.len());
    accepts::room("items", count)?;
    let mut steps = Vec::with_capacity(count);
    for item in 0..options.items.len() {
        let first = steps.len();
        for (index, (task, needs)) in given.iter().zip(needs).enumerate() {
            let needs = needs
                .iter()
                .map(|need| needs::place(first + need))
                .collect();
            steps.push(Step {
                item: Some(item),
                ..needs::step(index, task, format!("{}/{item}", task.id), needs)
            });
        }
    }
    accepts::distinct(given, &steps)?;
    Ok(steps)
}
