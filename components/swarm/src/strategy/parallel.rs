//! All tasks at once, save for what a user says.

use super::accepts::Accepts;
use super::{Given, Options, Planner, Refusal, Step, Strategy, needs};

pub struct Parallel;

impl Planner for Parallel {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = Accepts::plain(Strategy::Parallel).check(given, options)?;
        let needs = explicit.with(given, |_| 0..0)?;
        Ok(needs::as_given(given, &needs))
    }
}
