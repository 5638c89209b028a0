use super::*;

mod plans;
mod refusals;
mod votes;

const ALL: [Strategy; 8] = [
    Strategy::Sequential,
    Strategy::Parallel,
    Strategy::Pipeline,
    Strategy::MapReduce,
    Strategy::Hierarchical,
    Strategy::Consensus,
    Strategy::Race,
    Strategy::Debate,
];

/// A task `a` that needs nothing, `b:a` that needs a.
fn given(text: &str) -> Given {
    let (id, needs) = text.split_once(':').unwrap_or((text, ""));
    Given {
        id: id.to_owned(),
        needs: needs.split_terminator(',').map(str::to_owned).collect(),
        ..Given::default()
    }
}

fn tasks(texts: &str) -> Vec<Given> {
    texts.split_whitespace().map(given).collect()
}

/// A plan as text: `b/0<a/0` is a step that needs another.
fn plan(strategy: Strategy, given: &str, options: &Options, size: u32) -> Result<String, Refusal> {
    let steps = planner(strategy).plan(&tasks(given), options, size)?;
    let text = |step: &Step| {
        let needs: Vec<&str> = step
            .needs
            .iter()
            .map(|need| steps[*need as usize].id.as_str())
            .collect();
        match needs.as_slice() {
            [] => step.id.clone(),
            needs => format!("{}<{}", step.id, needs.join(",")),
        }
    };
    Ok(steps.iter().map(text).collect::<Vec<_>>().join(" "))
}

fn items(count: usize) -> Options {
    Options {
        items: (0..count).map(|item| format!("item {item}")).collect(),
        ..Options::default()
    }
}

fn seen(end: Option<End>) -> Seen {
    Seen {
        end,
        optional: false,
        weight: 1,
        answer: None,
    }
}

fn said(answer: &str) -> Seen {
    Seen {
        answer: Some(answer.to_owned()),
        ..seen(Some(End::Done))
    }
}

fn next(strategy: Strategy, options: &Options, tasks: &[Seen]) -> Next {
    planner(strategy).next(&View { options, tasks })
}
