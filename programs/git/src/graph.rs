//! `--graph`: lines of history beside the commits.

use crate::commit::Commit;
use crate::out::say;
use gix_hash::ObjectId;
use std::rc::Rc;

/// Commits come parents last. If they are the `whole` of what was asked for, a parent that is not among them has no line. Each column stands for the commit that comes next in it.
pub fn print(
    commits: &[Rc<Commit>],
    separated: bool,
    whole: bool,
    mut show: impl FnMut(&Commit) -> String,
) {
    let known: std::collections::HashSet<ObjectId> =
        commits.iter().map(|commit| commit.id).collect();
    let mut columns: Vec<ObjectId> = Vec::new();
    for (number, commit) in commits.iter().enumerate() {
        let at = match columns.iter().position(|id| *id == commit.id) {
            Some(at) => at,
            None => {
                columns.push(commit.id);
                columns.len() - 1
            }
        };
        let text = show(commit);
        let mut lines = text.lines();
        let before = columns.len();
        let parents: Vec<ObjectId> = commit
            .parents
            .iter()
            .copied()
            .filter(|parent| !whole || known.contains(parent))
            .collect();
        let edges = replace(&mut columns, at, &parents);
        let width = 2 * before.max(columns.len());
        let marks = |mark: &str| -> String {
            let cells = (0..before).map(|column| {
                if column == at {
                    format!("{mark} ")
                } else {
                    "| ".to_owned()
                }
            });
            cells.collect()
        };
        say!("{:<width$}{}", marks("*"), lines.next().unwrap_or_default());
        // What moves is drawn beside the lines that follow, or below if there are too few.
        let mut edges = edges.into_iter();
        let plain = "| ".repeat(columns.len());
        for line in lines {
            let edge = edges.next().unwrap_or_else(|| plain.clone());
            say!("{edge:<width$}{line}");
        }
        for edge in edges {
            say!("{edge:<width$}");
        }
        if separated && number + 1 < commits.len() {
            say!("{plain:<width$}");
        }
    }
}

/// Puts the parents in the commit's column, and draws what that moves.
fn replace(columns: &mut Vec<ObjectId>, at: usize, parents: &[ObjectId]) -> Vec<String> {
    let count = columns.len();
    let Some((first, rest)) = parents.split_first() else {
        columns.remove(at);
        let moves = at + 1 < count;
        let row = (0..count).map(|column| {
            if column < at {
                "| "
            } else if column == at {
                " "
            } else {
                "/ "
            }
        });
        return moves.then(|| row.collect()).into_iter().collect();
    };
    let mut edges = Vec::new();
    if let Some(column) = columns.get_mut(at) {
        *column = *first;
    }
    let mut place = at;
    for parent in rest {
        if !columns.contains(parent) {
            place += 1;
            columns.insert(place.min(columns.len()), *parent);
            let row = (0..=count).map(|column| {
                if column <= at {
                    if column == at { "|" } else { "| " }
                } else {
                    "\\ "
                }
            });
            edges.push(row.collect());
        }
    }
    // Two columns that wait for the same commit become one, from the right to the left.
    while let Some((left, right)) = twins(columns) {
        let count = columns.len();
        columns.remove(right);
        for step in (left + 1..=right).rev() {
            let row = (0..count).map(|column| match column {
                _ if column + 1 == step => "|",
                _ if column == step => "/ ",
                _ if column > step && step == right => "/ ",
                _ if column == right => "",
                _ => "| ",
            });
            edges.push(row.collect());
        }
    }
    edges
}

fn twins(columns: &[ObjectId]) -> Option<(usize, usize)> {
    let right = (1..columns.len()).rev().find(|at| {
        columns
            .get(..*at)
            .is_some_and(|left| left.iter().any(|id| Some(id) == columns.get(*at)))
    })?;
    let left = columns
        .iter()
        .position(|id| Some(id) == columns.get(right))?;
    Some((left, right))
}
