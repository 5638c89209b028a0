//! One task after another.

use super::accepts::Accepts;
use super::{Given, Options, Planner, Refusal, Step, Strategy, needs};

pub struct Sequential;

impl Planner for Sequential {
    fn plan(&self, given: &[Given], options: &Options, _size: u32) -> Result<Vec<Step>, Refusal> {
        let explicit = Accepts::plain(Strategy::Sequential).check(given, options)?;
        let needs = explicit.with(given, |index| index.saturating_sub(1)..index)?;
        Ok(needs::as_given(given, &needs))
    }
}
