//! Shell patterns: `*`, `?`, `[…]` and the extended `+(…)`. A backslash takes a character as it is.

/// A pattern that has been read once, for many texts.
#[derive(Debug)]
pub struct Pattern {
    nodes: Vec<Node>,
    ignore_case: bool,
}

#[derive(Debug)]
enum Node {
    Character(char),
    Any,
    Star,
    Set {
        negated: bool,
        items: Vec<SetItem>,
    },
    Group {
        kind: char,
        branches: Vec<Vec<Node>>,
    },
}

#[derive(Debug)]
enum SetItem {
    Range(char, char),
    Class(String),
}

/// Steps that one match may take: patterns such as `*a*a*a*b` grow fast.
const STEPS_MAX: u32 = 20_000_000;

impl Pattern {
    pub fn new(source: &str) -> Self {
        Self::with_case(source, false)
    }

    pub fn with_case(source: &str, ignore_case: bool) -> Self {
        let characters: Vec<char> = source.chars().collect();
        let mut at = 0;
        let nodes = parse(&characters, &mut at, false, 0);
        Self { nodes, ignore_case }
    }

    /// The whole text.
    pub fn matches(&self, text: &str) -> bool {
        let characters: Vec<char> = text.chars().collect();
        self.matches_slice(&characters)
    }

    pub fn matches_slice(&self, text: &[char]) -> bool {
        let mut matcher = Matcher {
            text,
            steps: 0,
            ignore_case: self.ignore_case,
        };
        matcher.run(&self.nodes, 0, &mut |end| end == text.len())
    }

    /// The length of a match that begins at the text's begin.
    pub fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut matcher = Matcher {
            text,
            steps: 0,
            ignore_case: self.ignore_case,
        };
        matcher.run(&self.nodes, 0, &mut |end| {
            let better = best.is_none_or(|best| if longest { end > best } else { end < best });
            if better {
                best = Some(end);
            }
            // The shortest and the longest possible need no further search.
            best == Some(if longest { text.len() } else { 0 })
        });
        best
    }

    /// Where a match begins that ends at the text's end.
    pub fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        let matches = |start: &usize| self.matches_slice(text.get(*start..).unwrap_or_default());
        if longest {
            (0..=text.len()).find(matches)
        } else {
            (0..=text.len()).rev().find(matches)
        }
    }

    /// Every text that it matches, if there is only one.
    pub fn literal(&self) -> Option<String> {
        if self.ignore_case {
            return None;
        }
        let character = |node: &Node| match node {
            Node::Character(character) => Some(*character),
            _ => None,
        };
        self.nodes.iter().map(character).collect()
    }

    /// Does a text have to begin with a dot, as hidden files do?
    pub fn begins_with_dot(&self) -> bool {
        match self.nodes.first() {
            Some(Node::Character('.')) => true,
            Some(Node::Group { kind, branches }) if *kind != '!' => branches
                .iter()
                .any(|branch| matches!(branch.first(), Some(Node::Character('.')))),
            _ => false,
        }
    }
}

/// Is there anything in it that is special?
pub fn is_special(source: &str) -> bool {
    let mut characters = source.chars().peekable();
    let mut bracket = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '*' | '?' => return true,
            '[' => bracket = true,
            ']' if bracket => return true,
            '+' | '@' | '!' if characters.peek() == Some(&'(') => return true,
            _ => {}
        }
    }
    false
}

/// The text with everything special taken as it is.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '*' | '?' | '[' | ']' | '\\' | '(' | ')' | '|' | '+' | '@' | '!' | '-' | '^'
        ) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn parse(source: &[char], at: &mut usize, in_group: bool, depth: u32) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(&character) = source.get(*at) {
        if in_group && matches!(character, '|' | ')') {
            break;
        }
        *at += 1;
        let group = source.get(*at) == Some(&'(') && "?*+@!".contains(character) && depth < 50;
        if group && let Some((branches, end)) = parse_group(source, *at + 1, depth) {
            *at = end;
            nodes.push(Node::Group {
                kind: character,
                branches,
            });
            continue;
        }
        nodes.push(match character {
            '\\' => match source.get(*at) {
                Some(&escaped) => {
                    *at += 1;
                    Node::Character(escaped)
                }
                None => Node::Character('\\'),
            },
            '?' => Node::Any,
            '*' => {
                if matches!(nodes.last(), Some(Node::Star)) {
                    continue;
                }
                Node::Star
            }
            '[' => match parse_set(source, *at) {
                Some((set, end)) => {
                    *at = end;
                    set
                }
                None => Node::Character('['),
            },
            _ => Node::Character(character),
        });
    }
    nodes
}

fn parse_group(source: &[char], mut at: usize, depth: u32) -> Option<(Vec<Vec<Node>>, usize)> {
    let mut branches = Vec::new();
    loop {
        branches.push(parse(source, &mut at, true, depth + 1));
        match source.get(at)? {
            '|' => at += 1,
            _ => return Some((branches, at + 1)),
        }
    }
}

fn parse_set(source: &[char], mut at: usize) -> Option<(Node, usize)> {
    let negated = matches!(source.get(at), Some('!' | '^'));
    if negated {
        at += 1;
    }
    let mut items = Vec::new();
    let first = at;
    loop {
        let character = *source.get(at)?;
        if character == ']' && at > first {
            return Some((Node::Set { negated, items }, at + 1));
        }
        if character == '['
            && source.get(at + 1) == Some(&':')
            && let Some(end) = (at + 2..source.len()).find(|end| source.get(*end) == Some(&':'))
            && source.get(end + 1) == Some(&']')
        {
            let name = source.get(at + 2..end)?.iter().collect();
            items.push(SetItem::Class(name));
            at = end + 2;
            continue;
        }
        let from = set_character(source, &mut at)?;
        if source.get(at) == Some(&'-') && !matches!(source.get(at + 1), Some(']') | None) {
            at += 1;
            let to = set_character(source, &mut at)?;
            items.push(SetItem::Range(from, to));
        } else {
            items.push(SetItem::Range(from, from));
        }
    }
}

fn set_character(source: &[char], at: &mut usize) -> Option<char> {
    let mut character = *source.get(*at)?;
    *at += 1;
    if character == '\\' {
        character = *source.get(*at)?;
        *at += 1;
    }
    Some(character)
}

fn in_class(name: &str, character: char) -> bool {
    match name {
        "alpha" => character.is_alphabetic(),
        "digit" => character.is_ascii_digit(),
        "alnum" => character.is_alphanumeric(),
        "upper" => character.is_uppercase(),
        "lower" => character.is_lowercase(),
        "space" => character.is_whitespace(),
        "blank" => matches!(character, ' ' | '\t'),
        "punct" => character.is_ascii_punctuation(),
        "cntrl" => character.is_control(),
        "xdigit" => character.is_ascii_hexdigit(),
        "print" => !character.is_control(),
        "graph" => !character.is_control() && !character.is_whitespace(),
        "word" => character.is_alphanumeric() || character == '_',
        _ => false,
    }
}

struct Matcher<'a> {
    text: &'a [char],
    steps: u32,
    ignore_case: bool,
}

impl Matcher<'_> {
    /// Tells `done` of each place where the nodes can end, until it is content.
    fn run(&mut self, nodes: &[Node], mut at: usize, done: &mut dyn FnMut(usize) -> bool) -> bool {
        let mut rest = nodes;
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return false;
            }
            let Some((node, after)) = rest.split_first() else {
                return done(at);
            };
            match node {
                Node::Star => {
                    if after.is_empty() {
                        // Longest first: who wants the whole text is content at once.
                        return (at..=self.text.len()).rev().any(done);
                    }
                    return (at..=self.text.len()).any(|start| self.run(after, start, done));
                }
                Node::Group { kind, branches } => {
                    return self.group(*kind, branches, after, at, done);
                }
                _ => {
                    let fits = self
                        .text
                        .get(at)
                        .is_some_and(|character| self.fits(node, *character));
                    if !fits {
                        return false;
                    }
                    at += 1;
                    rest = after;
                }
            }
        }
    }

    fn fits(&self, node: &Node, character: char) -> bool {
        match node {
            Node::Any => true,
            Node::Character(wanted) => {
                *wanted == character
                    || self.ignore_case && wanted.to_lowercase().eq(character.to_lowercase())
            }
            Node::Set { negated, items } => {
                let holds = |character: char| {
                    items.iter().any(|item| match item {
                        SetItem::Range(from, to) => (*from..=*to).contains(&character),
                        SetItem::Class(name) => in_class(name, character),
                    })
                };
                let found = holds(character)
                    || self.ignore_case
                        && (character.to_lowercase().any(holds)
                            || character.to_uppercase().any(holds));
                found != *negated
            }
            Node::Star | Node::Group { .. } => false,
        }
    }

    fn group(
        &mut self,
        kind: char,
        branches: &[Vec<Node>],
        after: &[Node],
        at: usize,
        done: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        match kind {
            '!' => {
                let text = self.text;
                for end in (at..=text.len()).rev() {
                    let part = text.get(at..end).unwrap_or_default();
                    let mut inner = Matcher {
                        text: part,
                        steps: self.steps,
                        ignore_case: self.ignore_case,
                    };
                    let any = branches
                        .iter()
                        .any(|branch| inner.run(branch, 0, &mut |end| end == part.len()));
                    self.steps = inner.steps;
                    if !any && self.run(after, end, done) {
                        return true;
                    }
                }
                false
            }
            '?' | '@' => {
                if kind == '?' && self.run(after, at, done) {
                    return true;
                }
                self.once(branches, after, at, done)
            }
            _ => {
                // Every place that some number of repetitions reaches.
                let mut reached = if kind == '*' { vec![at] } else { Vec::new() };
                let mut frontier = vec![at];
                while let Some(from) = frontier.pop() {
                    for end in self.ends(branches, from) {
                        if !reached.contains(&end) {
                            reached.push(end);
                            frontier.push(end);
                        }
                    }
                }
                reached.sort_unstable_by(|a, b| b.cmp(a));
                reached.into_iter().any(|end| self.run(after, end, done))
            }
        }
    }

    fn once(
        &mut self,
        branches: &[Vec<Node>],
        after: &[Node],
        at: usize,
        done: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let ends = self.ends(branches, at);
        ends.into_iter().any(|end| self.run(after, end, done))
    }

    fn ends(&mut self, branches: &[Vec<Node>], at: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        for branch in branches {
            self.run(branch, at, &mut |end| {
                if !ends.contains(&end) {
                    ends.push(end);
                }
                false
            });
        }
        ends.sort_unstable_by(|a: &usize, b| b.cmp(a));
        ends
    }
}
