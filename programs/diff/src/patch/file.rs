//! The file that is patched, hunk by hunk. A hunk that has moved is looked for, first where it is nearest; its outer
//! lines may differ, a few of them. One with less context on one side belongs to that end of the file.

use super::hunk::Hunk;

pub struct File<'a> {
    input: &'a [&'a [u8]],
    out: Vec<u8>,
    /// Input lines that are in the output.
    done: usize,
    ignore_space: bool,
    /// How far from its place the last hunk was.
    pub offset: isize,
    /// Lines that the output has more than the input, so far.
    pub growth: isize,
    /// Some hunk was not exactly where it should be.
    pub inexact: bool,
}

/// Where a hunk fits: the line of its first line, from zero, and the outer lines that do not count.
pub struct Fit {
    line: usize,
    head: usize,
    tail: usize,
    pub fuzz: usize,
}

impl<'a> File<'a> {
    pub fn new(input: &'a [&'a [u8]], ignore_space: bool) -> Self {
        Self {
            input,
            out: Vec::new(),
            done: 0,
            ignore_space,
            offset: 0,
            growth: 0,
            inexact: false,
        }
    }

    pub fn fit(&self, hunk: &Hunk, fuzz_max: usize) -> Option<Fit> {
        let most = hunk.before.max(hunk.after);
        (0..=fuzz_max.min(most)).find_map(|fuzz| self.fit_at(hunk, hunk.old_start, &hunk.old, fuzz))
    }

    pub fn fits_reversed(&self, hunk: &Hunk) -> bool {
        self.fit_at(hunk, hunk.new_start, &hunk.new, 0).is_some()
    }

    fn fit_at(&self, hunk: &Hunk, start: usize, wanted: &[Vec<u8>], fuzz: usize) -> Option<Fit> {
        // Nothing comes behind the line that is named.
        let first = start.saturating_sub(usize::from(!wanted.is_empty()));
        let guess = first.saturating_add_signed(self.offset);
        if wanted.is_empty() {
            let line = guess.min(self.input.len());
            return Some(Fit {
                line,
                head: 0,
                tail: 0,
                fuzz,
            });
        }
        let context = hunk.before.max(hunk.after);
        let head = (fuzz + hunk.before).checked_sub(context);
        let tail = (fuzz + hunk.after).checked_sub(context);
        let fit = |line: usize, head: usize, tail: usize| {
            self.matches(wanted, line, head, tail).then_some(Fit {
                line,
                head,
                tail,
                fuzz,
            })
        };
        match (head, tail) {
            // Less above than beneath: only where the file begins.
            (None, tail) if start <= 1 => {
                let whole = tail.is_some() || wanted.len() == self.input.len();
                fit(0, 0, tail.unwrap_or(0)).filter(|_| whole)
            }
            // Less beneath than above: only where it ends.
            (head, None) => {
                let last = self.input.len().checked_sub(wanted.len())?;
                fit(last, head.unwrap_or(0), 0)
            }
            (head, Some(tail)) => {
                let head = head.unwrap_or(0);
                let away = 0..=self.input.len().max(guess);
                let near = away.flat_map(|away| [guess.checked_add(away), guess.checked_sub(away)]);
                near.flatten().find_map(|line| fit(line, head, tail))
            }
        }
    }

    fn matches(&self, wanted: &[Vec<u8>], line: usize, head: usize, tail: usize) -> bool {
        let Some(wanted) = wanted.get(head..wanted.len() - tail) else {
            return false;
        };
        if line + head < self.done {
            return false;
        }
        let found = self.input.get(line + head..line + head + wanted.len());
        found.is_some_and(|found| {
            let mut both = found.iter().zip(wanted);
            both.all(|(found, wanted)| match self.ignore_space {
                true => blanks(found) == blanks(wanted),
                false => found == wanted,
            })
        })
    }

    /// The line of the output at which the hunk is now, from one.
    pub fn apply(&mut self, hunk: &Hunk, fit: &Fit) -> usize {
        let expected = hunk
            .old_start
            .saturating_sub(usize::from(!hunk.old.is_empty()));
        let expected = isize::try_from(expected).unwrap_or_default();
        let line = isize::try_from(fit.line).unwrap_or_default();
        self.offset = line - expected;
        self.inexact |= self.offset != 0 || fit.fuzz > 0;
        let shown = fit.line.saturating_add_signed(self.growth) + 1;
        let start = fit.line + fit.head;
        let end = fit.line + hunk.old.len() - fit.tail;
        self.copy_to(start);
        let new = hunk.new.get(fit.head..hunk.new.len() - fit.tail);
        self.out.extend(new.unwrap_or_default().concat());
        self.done = end.max(self.done);
        let (old, new) = (hunk.old.len(), hunk.new.len());
        self.growth +=
            isize::try_from(new).unwrap_or_default() - isize::try_from(old).unwrap_or_default();
        shown
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.copy_to(self.input.len());
        self.out
    }

    fn copy_to(&mut self, line: usize) {
        let lines = self.input.get(self.done..line).unwrap_or_default();
        self.out.extend(lines.concat());
        self.done = line.max(self.done);
    }
}

/// Each run of blanks as one, and none at the end.
fn blanks(line: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line.trim_ascii_end() {
        match byte {
            b' ' | b'\t' if out.ends_with(b" ") => {}
            b' ' | b'\t' => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    out
}
