//! `--stream`: a value as the paths of its leaves, and where each of its arrays and objects ends.

use crate::value::Value;
use jaq_json::Val;

pub type Event = Result<Value, String>;

pub fn of(value: Val) -> Vec<Event> {
    let mut events = Vec::new();
    let mut path = Vec::new();
    add(&mut events, &mut path, &value);
    events
}

fn add(events: &mut Vec<Event>, path: &mut Vec<Val>, value: &Val) {
    let members: Vec<(Val, &Val)> = match value {
        Val::Arr(elements) => (0_usize..).map(Val::from).zip(elements.iter()).collect(),
        Val::Obj(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        _ => Vec::new(),
    };
    let Some((last, _)) = members.last().cloned() else {
        events.push(event([path_of(path), value.clone()]));
        return;
    };
    for (key, member) in members {
        path.push(key);
        add(events, path, member);
        path.pop();
    }
    path.push(last);
    events.push(event([path_of(path)]));
    path.pop();
}

fn path_of(path: &[Val]) -> Val {
    path.iter().cloned().collect()
}

fn event<const N: usize>(parts: [Val; N]) -> Event {
    Ok(Value(parts.into_iter().collect()))
}
