//! A run as a picture: Mermaid for pages that draw it, DOT for Graphviz. Pure: it knows no server, file or clock.
//!
//! What a user or an agent named is shown and never read as syntax: nodes have names of ours, and in labels each
//! character that means something to the language is written as its code. A need of a task that is not there is
//! not drawn. Who made a task is drawn with a dashed line.

use crate::output;
use crate::swarm::state::{Run, Task};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

/// States and their colours: what fills a node, and what is drawn around it. The last is for any other.
const STATES: [(&str, &str, &str); 10] = [
    ("pending", "#f1f3f5", "#868e96"),
    ("ready", "#e7f5ff", "#1c7ed6"),
    ("leased", "#a5d8ff", "#1864ab"),
    ("waiting", "#fff3bf", "#e67700"),
    ("done", "#d3f9d8", "#2b8a3e"),
    ("failed", "#ffe3e3", "#c92a2a"),
    ("dead", "#ffa8a8", "#862e2e"),
    ("cancelled", "#e9ecef", "#495057"),
    ("skipped", "#ffffff", "#adb5bd"),
    ("other", "#ffffff", "#000000"),
];

/// Longer texts are cut: a graph is no place to read them.
const TEXT_CHARS: usize = 60;

/// What a page that draws Mermaid takes, unless whoever wrote it allows more.
const MERMAID_EDGES_MAX: usize = 500;
const MERMAID_CHARS_MAX: usize = 50_000;

/// Why a page may refuse to draw a run in Mermaid; nothing when it does not.
pub fn too_large_for_mermaid(run: &Run, text: &str) -> Option<String> {
    let edges = Drawing::of(run).edges.len();
    let passed: Vec<String> = [
        (edges, MERMAID_EDGES_MAX, "edges"),
        (text.chars().count(), MERMAID_CHARS_MAX, "characters"),
    ]
    .into_iter()
    .filter(|(count, most, _)| count > most)
    .map(|(count, most, what)| format!("{count} {what}, where {most} are the default limit"))
    .collect();
    (!passed.is_empty()).then(|| {
        format!(
            "this graph has {}: a page may refuse to draw it (`maxEdges`, `maxTextSize`); `--format dot` has no limit",
            passed.join(" and ")
        )
    })
}

/// Mermaid's `flowchart`, the critical path thick.
pub fn mermaid(run: &Run) -> String {
    let drawing = Drawing::of(run);
    let mut text = "flowchart LR\n".to_owned();
    for node in &drawing.nodes {
        let lines: Vec<String> = node.lines.iter().map(|line| for_mermaid(line)).collect();
        line(
            &mut text,
            format_args!("t{}[\"{}\"]", node.index, lines.join("<br>")),
        );
    }
    for (from, to, edge) in &drawing.edges {
        let arrow = match edge {
            Edge::Need => "-->",
            Edge::Critical => "==>",
            Edge::Made => "-.->",
        };
        line(&mut text, format_args!("t{from} {arrow} t{to}"));
    }
    for (name, fill, stroke) in drawing.colours() {
        line(
            &mut text,
            format_args!("classDef {name} fill:{fill},stroke:{stroke},color:#000"),
        );
        let of_it = |node: &&Node| node.colours.0 == name;
        let list: Vec<String> = drawing
            .nodes
            .iter()
            .filter(of_it)
            .map(|node| format!("t{}", node.index))
            .collect();
        line(&mut text, format_args!("class {} {name}", list.join(",")));
    }
    let thick: Vec<String> = drawing
        .nodes
        .iter()
        .filter(|node| node.thick)
        .map(|node| format!("t{}", node.index))
        .collect();
    if !thick.is_empty() {
        line(
            &mut text,
            format_args!("classDef critical stroke-width:4px"),
        );
        line(
            &mut text,
            format_args!("class {} critical", thick.join(",")),
        );
    }
    text
}

/// Graphviz's `digraph`, the critical path thick.
pub fn dot(run: &Run) -> String {
    let drawing = Drawing::of(run);
    let mut text = "digraph run {\n".to_owned();
    let title = for_dot(&format!("{} {}", run.id, run.state));
    line(
        &mut text,
        format_args!("graph [rankdir=LR, label=\"{title}\"]"),
    );
    line(
        &mut text,
        format_args!("node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\"]"),
    );
    for node in &drawing.nodes {
        let lines: Vec<String> = node.lines.iter().map(|line| for_dot(line)).collect();
        let (_, fill, stroke) = node.colours;
        let width = if node.thick { ", penwidth=4" } else { "" };
        line(
            &mut text,
            format_args!(
                "t{} [label=\"{}\", fillcolor=\"{fill}\", color=\"{stroke}\"{width}]",
                node.index,
                lines.join("\\n")
            ),
        );
    }
    for (from, to, edge) in &drawing.edges {
        let style = match edge {
            Edge::Need => "",
            Edge::Critical => " [penwidth=4]",
            Edge::Made => " [style=dashed]",
        };
        line(&mut text, format_args!("t{from} -> t{to}{style}"));
    }
    text.push_str("}\n");
    text
}

/// The chain of needs that took longest, as places in the run's tasks: a run cannot be shorter than it. Of chains
/// that took as long, the one of more tasks; so a run that has not begun has one too. What is at work counts until
/// the latest moment that the run knows of; what was cancelled held nothing up.
pub fn critical_path(run: &Run) -> Vec<usize> {
    let places = places(run);
    let now = run
        .tasks
        .iter()
        .flat_map(|task| [task.started_at_ms, task.ended_at_ms]);
    let now = now.flatten().max().unwrap_or_default();
    // The longest chain to each task's end, and the need that it goes through.
    let mut chains: HashMap<usize, ((u64, usize), Option<usize>)> = HashMap::new();
    for place in in_order(run, &places) {
        let Some(task) = run.tasks.get(place) else {
            continue;
        };
        let before = needs(task, &places)
            .filter_map(|need| chains.get(&need).map(|(length, _)| (*length, need)))
            .max_by_key(|(length, need)| (*length, std::cmp::Reverse(*need)));
        let (time, count) = before.map_or((0, 0), |(length, _)| length);
        let length = (time.saturating_add(counted_ms(task, now)), count + 1);
        chains.insert(place, (length, before.map(|(_, need)| need)));
    }
    let mut last = chains
        .iter()
        .max_by_key(|(place, (length, _))| (*length, std::cmp::Reverse(**place)))
        .map(|(place, _)| *place);
    let mut path = Vec::new();
    while let Some(place) = last {
        path.push(place);
        last = chains.get(&place).and_then(|(_, before)| *before);
    }
    path.reverse();
    path
}

fn counted_ms(task: &Task, now: u64) -> u64 {
    if task.state == "cancelled" {
        return 0;
    }
    task.took_ms(now).unwrap_or_default()
}

/// Places by index.
fn places(run: &Run) -> HashMap<u32, usize> {
    let tasks = run.tasks.iter().enumerate();
    tasks.map(|(place, task)| (task.index, place)).collect()
}

fn needs<'a>(task: &'a Task, places: &'a HashMap<u32, usize>) -> impl Iterator<Item = usize> + 'a {
    let needs: BTreeSet<u32> = task.needs.iter().copied().collect();
    needs
        .into_iter()
        .filter_map(|need| places.get(&need).copied())
}

/// Places, each after what it needs. What waits for itself is left out: no server says so.
fn in_order(run: &Run, places: &HashMap<u32, usize>) -> Vec<usize> {
    let mut lacks: HashMap<usize, usize> = HashMap::new();
    let mut waiting: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut order = Vec::with_capacity(run.tasks.len());
    for (place, task) in run.tasks.iter().enumerate() {
        let mut count = 0;
        for need in needs(task, places) {
            waiting.entry(need).or_default().push(place);
            count += 1;
        }
        lacks.insert(place, count);
        if count == 0 {
            order.push(place);
        }
    }
    let mut at = 0;
    while let Some(place) = order.get(at).copied() {
        at += 1;
        for waiter in waiting.get(&place).into_iter().flatten() {
            if let Some(count) = lacks.get_mut(waiter) {
                *count -= 1;
                if *count == 0 {
                    order.push(*waiter);
                }
            }
        }
    }
    order
}

/// What is drawn, in either language.
struct Drawing {
    nodes: Vec<Node>,
    /// From what is needed to who needs it, and from who made a task to that task, by index.
    edges: Vec<(u32, u32, Edge)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Need,
    /// On the critical path.
    Critical,
    /// It made the task, and did not wait for it by that.
    Made,
}

struct Node {
    index: u32,
    lines: Vec<String>,
    colours: (&'static str, &'static str, &'static str),
    thick: bool,
}

impl Drawing {
    fn of(run: &Run) -> Self {
        let path = critical_path(run);
        let on_path: HashSet<usize> = path.iter().copied().collect();
        let steps: HashSet<(usize, usize)> = path
            .iter()
            .copied()
            .zip(path.iter().copied().skip(1))
            .collect();
        let places = places(run);
        let mut drawing = Self {
            nodes: Vec::with_capacity(run.tasks.len()),
            edges: Vec::new(),
        };
        for (place, task) in run.tasks.iter().enumerate() {
            drawing.nodes.push(Node {
                index: task.index,
                lines: lines(task),
                colours: colours(&task.state),
                thick: on_path.contains(&place),
            });
            for need in needs(task, &places) {
                if let Some(needed) = run.tasks.get(need) {
                    let edge = if steps.contains(&(need, place)) {
                        Edge::Critical
                    } else {
                        Edge::Need
                    };
                    drawing.edges.push((needed.index, task.index, edge));
                }
            }
            let parent = task.parent.filter(|parent| places.contains_key(parent));
            drawing
                .edges
                .extend(parent.map(|parent| (parent, task.index, Edge::Made)));
        }
        drawing
    }

    /// Those that are used.
    fn colours(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let used: HashSet<&str> = self.nodes.iter().map(|node| node.colours.0).collect();
        STATES
            .into_iter()
            .filter(move |(name, _, _)| used.contains(name))
    }
}

fn colours(state: &str) -> (&'static str, &'static str, &'static str) {
    let [.., other] = STATES;
    STATES
        .into_iter()
        .find(|(name, _, _)| *name == state)
        .unwrap_or(other)
}

fn lines(task: &Task) -> Vec<String> {
    let mut state = task.state.clone();
    if let (Some(_), Some(ended)) = (task.started_at_ms, task.ended_at_ms) {
        let _ = write!(
            state,
            " · {}",
            output::elapsed(task.took_ms(ended).unwrap_or_default())
        );
    }
    if task.attempt > 1 {
        let _ = write!(state, " · attempt {}", task.attempt);
    }
    let place = match &task.workspace {
        Some(workspace) => format!("{} · {workspace}", task.agent),
        None => task.agent.clone(),
    };
    vec![task.id.clone(), place, state]
}

/// A text of one line, not too long.
fn shown(text: &str) -> impl Iterator<Item = char> + '_ {
    let cut = text.char_indices().nth(TEXT_CHARS).map(|(at, _)| at);
    let start = cut.and_then(|at| text.get(..at)).unwrap_or(text);
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    start.chars().map(plain).chain(cut.map(|_| '…'))
}

/// Within quotes. Only what is known to mean nothing stands as it is: Mermaid looks for `%%{`, `style…:…#…;` and
/// backticks within quotes too.
fn for_mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in shown(text) {
        match letter {
            letter if letter.is_alphanumeric() => escaped.push(letter),
            ' ' | '.' | ',' | '_' | '-' | '/' | '·' | '…' => escaped.push(letter),
            letter => {
                let _ = write!(escaped, "#{};", u32::from(letter));
            }
        }
    }
    escaped
}

/// Within quotes. Graphviz reads `\N` in labels as the node's name, and entities as HTML does.
fn for_dot(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in shown(text) {
        match letter {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "  {content}");
}

#[cfg(test)]
mod tests;
