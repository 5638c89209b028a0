//! Which task needs which, as the user said it and as the strategy adds to it. A cycle is refused and named.

use super::{Given, Refusal, Step};
use std::collections::HashMap;

/// What the user said, as places: for each task what it needs, in the order given.
pub struct Explicit(Vec<Vec<usize>>);

impl Explicit {
    pub fn of(given: &[Given]) -> Result<Self, Refusal> {
        let mut places = HashMap::with_capacity(given.len());
        for (index, task) in given.iter().enumerate() {
            if places.insert(task.id.as_str(), index).is_some() {
                let message = format!("`{}` is the id of another task too", task.id);
                return Err(Refusal::new(format!("tasks[{index}].id"), message));
            }
        }
        let mut all = Vec::with_capacity(given.len());
        for (index, task) in given.iter().enumerate() {
            let mut needs: Vec<usize> = Vec::with_capacity(task.needs.len());
            for (number, id) in task.needs.iter().enumerate() {
                let message = match places.get(id.as_str()) {
                    None => format!("`{id}` is not the id of a task; give one of this run's"),
                    Some(place) if *place == index => {
                        format!("`{id}` is the task itself; leave it out")
                    }
                    Some(place) if needs.contains(place) => {
                        format!("`{id}` is given twice; leave it out")
                    }
                    Some(place) => {
                        needs.push(*place);
                        continue;
                    }
                };
                return Err(Refusal::new(
                    format!("tasks[{index}].needs[{number}]"),
                    message,
                ));
            }
            all.push(needs);
        }
        Ok(Self(all))
    }

    /// All needs of each task: those that the strategy adds and those that were given.
    pub fn with(
        &self,
        given: &[Given],
        added: impl Fn(usize) -> std::ops::Range<usize>,
    ) -> Result<Vec<Vec<usize>>, Refusal> {
        let mut all: Vec<Vec<usize>> = Vec::with_capacity(self.0.len());
        for (index, explicit) in self.0.iter().enumerate() {
            let mut needs: Vec<usize> = added(index).chain(explicit.iter().copied()).collect();
            needs.sort_unstable();
            needs.dedup();
            all.push(needs);
        }
        match cycle(&all) {
            None => Ok(all),
            Some(cycle) => Err(self.name(given, cycle)),
        }
    }

    /// Names a cycle from its first edge that was given: what a strategy adds makes none by itself.
    fn name(&self, given: &[Given], mut cycle: Vec<usize>) -> Refusal {
        let edge = |at: usize| -> Option<(usize, usize)> {
            let from = *cycle.get(at)?;
            let to = cycle.get((at + 1) % cycle.len())?;
            let number = self.0.get(from)?.iter().position(|need| need == to)?;
            Some((from, number))
        };
        let first = (0..cycle.len())
            .filter_map(|at| edge(at).map(|(from, number)| (from, number, at)))
            .min();
        let (from, number, at) = first.unwrap_or_default();
        cycle.rotate_left(at);
        let names: Vec<&str> = cycle
            .iter()
            .chain(cycle.first())
            .filter_map(|index| given.get(*index))
            .map(|task| task.id.as_str())
            .collect();
        Refusal::new(
            format!("tasks[{from}].needs[{number}]"),
            format!(
                "makes a cycle: {}; leave one of them out",
                names.join(" → ")
            ),
        )
    }
}

/// Some cycle, in the order of its needs.
fn cycle(needs: &[Vec<usize>]) -> Option<Vec<usize>> {
    // Takes away what needs nothing that is left, until nothing can be taken.
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (index, needs) in needs.iter().enumerate() {
        for need in needs {
            if let Some(list) = needed_by.get_mut(*need) {
                list.push(index);
            }
        }
    }
    let mut free: Vec<usize> = (0..needs.len())
        .filter(|at| open.get(*at) == Some(&0))
        .collect();
    while let Some(index) = free.pop() {
        for other in needed_by.get(index).into_iter().flatten() {
            if let Some(count) = open.get_mut(*other) {
                *count -= 1;
                if *count == 0 {
                    free.push(*other);
                }
            }
        }
    }
    // What is left needs something that is left too, so a walk comes back to where it was.
    let left = |index: &usize| open.get(*index).is_some_and(|count| *count > 0);
    let mut at = (0..needs.len()).find(|index| left(index))?;
    let mut path = Vec::new();
    let mut place: HashMap<usize, usize> = HashMap::new();
    loop {
        if let Some(start) = place.get(&at) {
            return Some(path.split_off(*start));
        }
        place.insert(at, path.len());
        path.push(at);
        at = *needs.get(at)?.iter().find(|need| left(need))?;
    }
}

/// The steps of a plan where each given task is one.
pub fn as_given(given: &[Given], needs: &[Vec<usize>]) -> Vec<Step> {
    let places = |needs: &Vec<usize>| needs.iter().map(|need| place(*need)).collect();
    let steps = given.iter().zip(needs).enumerate();
    steps
        .map(|(index, (task, needs))| step(index, task, task.id.clone(), places(needs)))
        .collect()
}

/// A step of a given task, without item and round.
pub fn step(index: usize, task: &Given, id: String, needs: Vec<u32>) -> Step {
    Step {
        given: index,
        id,
        needs,
        item: None,
        round: None,
        optional: task.optional,
        weight: task.weight.unwrap_or(1),
    }
}

/// A place in a plan. Plans are far shorter than what fits.
pub fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
