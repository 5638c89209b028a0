//! All tasks but the last map, each once for each item; the last reduces and needs them all.

use super::accepts::{self, Accepts};
use super::pipeline::for_each_item;
use super::{Given, Options, Planner, Refusal, Step, Strategy, needs};

pub struct MapReduce;

const ACCEPTS: Accepts = Accepts {
    tasks_min: 2,
    items: true,
    ..Accepts::plain(Strategy::MapReduce)
};

impl Planner for MapReduce {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = ACCEPTS.check(given, options)?;
        let last = given.len().saturating_sub(1);
        let needs = explicit.with(given, |index| 0..if index == last { last } else { 0 })?;
        let Some((reduce, maps)) = given.split_last() else {
            return Ok(Vec::new());
        };
        accepts::room("items", maps.len().saturating_mul(options.items.len()) + 1)?;
        let mut steps = for_each_item(maps, &needs, options)?;
        let all = (0..needs::place(steps.len())).collect();
        steps.push(needs::step(last, reduce, reduce.id.clone(), all));
        accepts::distinct(given, &steps)?;
        Ok(steps)
    }
}
