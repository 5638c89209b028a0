//! `ifeq`, `ifneq`, `ifdef`, `ifndef`, `else` and `endif`.

use crate::assignment::first_word;
use crate::expand::closing;
use crate::fault::Outcome;
use crate::make::Make;

/// One `if` that is open.
struct Branch {
    /// What stands here counts.
    active: bool,
    /// A branch of it was active, or the whole stands in what does not count.
    done: bool,
    /// The last `else` was seen.
    last: bool,
}

/// Those that are open in one makefile.
#[derive(Default)]
pub struct Conditionals(Vec<Branch>);

impl Conditionals {
    pub fn ignoring(&self) -> bool {
        self.0.iter().any(|branch| !branch.active)
    }

    pub fn is_open(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Make {
    /// Whether the line is a conditional; it has been dealt with then.
    pub fn conditional(&mut self, open: &mut Conditionals, line: &str) -> Outcome<bool> {
        let (word, rest) = first_word(line);
        let rest = rest.trim_end();
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                let active = !open.ignoring() && self.test(word, rest)?;
                let done = active || open.ignoring();
                open.0.push(Branch {
                    active,
                    done,
                    last: false,
                });
            }
            "endif" => {
                if !rest.is_empty() {
                    self.extraneous("endif");
                }
                if open.0.pop().is_none() {
                    return Err(self.stop("extraneous 'endif'"));
                }
            }
            "else" => self.otherwise(open, rest)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn otherwise(&mut self, open: &mut Conditionals, rest: &str) -> Outcome<()> {
        let (word, condition) = first_word(rest);
        let Some(branch) = open.0.last_mut() else {
            return Err(self.stop("extraneous 'else'"));
        };
        if branch.last {
            return Err(self.stop("only one 'else' per conditional"));
        }
        branch.active = false;
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                if branch.done {
                    return Ok(());
                }
                let holds = self.test(word, condition)?;
                if let Some(branch) = open.0.last_mut() {
                    branch.active = holds;
                    branch.done = holds;
                }
            }
            _ => {
                branch.active = !branch.done;
                branch.done = true;
                branch.last = true;
                if !rest.is_empty() {
                    self.extraneous("else");
                }
            }
        }
        Ok(())
    }

    fn extraneous(&mut self, word: &str) {
        let text = format!("extraneous text after '{word}' directive");
        self.complain(self.location.clone().as_ref(), &text);
    }

    fn test(&mut self, word: &str, condition: &str) -> Outcome<bool> {
        if let "ifdef" | "ifndef" = word {
            let name = self.expand(condition)?;
            let mut names = name.split_ascii_whitespace();
            let (Some(name), None) = (names.next(), names.next()) else {
                return Err(self.invalid());
            };
            let found = self.variables.get(name);
            let set = found.is_some_and(|variable| !variable.value.is_empty());
            return Ok(set == (word == "ifdef"));
        }
        let Some((one, other)) = sides(condition) else {
            return Err(self.invalid());
        };
        let one = self.expand(one)?;
        let other = self.expand(other)?;
        Ok((one == other) == (word == "ifeq"))
    }

    fn invalid(&self) -> crate::fault::Fault {
        self.stop("invalid syntax in conditional")
    }
}

/// `(a,b)`, `"a" "b"` or `'a' 'b'`.
fn sides(condition: &str) -> Option<(&str, &str)> {
    if let Some(inside) = condition.strip_prefix('(') {
        let end = closing(inside, '(', ')')?;
        let inside = inside.get(..end)?;
        let comma = comma(inside)?;
        let (one, other) = inside.split_at(comma);
        return Some((one.trim_end(), other.get(1..)?.trim_start()));
    }
    let (one, rest) = quoted(condition)?;
    let (other, _) = quoted(rest.trim_start())?;
    Some((one, other))
}

/// The first comma that is in no brackets.
fn comma(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth <= 0 => return Some(at),
            _ => {}
        }
    }
    None
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.get(1..)?.split_once(quote)
}
