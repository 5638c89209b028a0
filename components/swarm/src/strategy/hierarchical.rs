//! The first task plans, the others need it. While it runs it may make more tasks; that is the engine's part.

use super::accepts::Accepts;
use super::{Given, Options, Planner, Refusal, Step, Strategy, needs};

pub struct Hierarchical;

impl Planner for Hierarchical {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = Accepts::plain(Strategy::Hierarchical).check(given, options)?;
        let needs = explicit.with(given, |index| 0..index.min(1))?;
        Ok(needs::as_given(given, &needs))
    }
}
