//! A hunk of a unified difference.

pub struct Hunk {
    pub old_start: usize,
    pub new_start: usize,
    pub old: Vec<Vec<u8>>,
    pub new: Vec<Vec<u8>>,
    /// All lines with their signs, as they came.
    body: Vec<(u8, Vec<u8>)>,
    /// Equal lines at both ends.
    pub before: usize,
    pub after: usize,
}

impl Hunk {
    pub fn reverse(&mut self) {
        std::mem::swap(&mut self.old, &mut self.new);
        std::mem::swap(&mut self.old_start, &mut self.new_start);
        for (sign, _) in &mut self.body {
            *sign = match *sign {
                b'-' => b'+',
                b'+' => b'-',
                other => other,
            };
        }
    }

    /// As a file of rejects has it; in each change what goes is before what comes.
    pub fn print(&self, out: &mut Vec<u8>, growth: isize) {
        let range = |start: usize, count: usize| {
            let start = start.saturating_add_signed(growth);
            match count {
                1 => start.to_string(),
                _ => format!("{start},{count}"),
            }
        };
        let old = range(self.old_start, self.old.len());
        let new = range(self.new_start, self.new.len());
        out.extend(format!("@@ -{old} +{new} @@\n").into_bytes());
        for change in self
            .body
            .chunk_by(|one, other| (one.0 == b' ') == (other.0 == b' '))
        {
            let order: &[u8] = if change.iter().any(|(sign, _)| *sign == b' ') {
                b" "
            } else {
                b"-+"
            };
            for sign in order {
                let lines = change.iter().filter(|(found, _)| found == sign);
                for (_, line) in lines {
                    out.push(*sign);
                    out.extend(line);
                    if !line.ends_with(b"\n") {
                        out.extend(b"\n\\ No newline at end of file\n");
                    }
                }
            }
        }
    }
}

pub fn read(lines: &[&[u8]], start: usize) -> Result<(Hunk, usize), String> {
    let malformed = |at: usize| {
        let line = lines
            .get(at)
            .map(|line| String::from_utf8_lossy(line).trim_end().to_owned())
            .unwrap_or_default();
        format!("malformed patch at line {}: {line}", at + 1)
    };
    let head = lines
        .get(start)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .unwrap_or_default();
    let numbers = numbers(&head).ok_or_else(|| malformed(start))?;
    let [old_start, old_count, new_start, new_count] = numbers;
    let mut hunk = Hunk {
        old_start,
        new_start,
        body: Vec::new(),
        old: Vec::new(),
        new: Vec::new(),
        before: 0,
        after: 0,
    };
    let mut at = start + 1;
    let mut changed = false;
    while hunk.old.len() < old_count || hunk.new.len() < new_count {
        let line = lines
            .get(at)
            .ok_or_else(|| "unexpected end of file in patch".to_owned())?;
        let text = line.get(1..).unwrap_or_default().to_vec();
        match line.first() {
            Some(b'-') => {
                hunk.body.push((b'-', text.clone()));
                hunk.old.push(text);
                (changed, hunk.after) = (true, 0);
            }
            Some(b'+') => {
                hunk.body.push((b'+', text.clone()));
                hunk.new.push(text);
                (changed, hunk.after) = (true, 0);
            }
            Some(b' ' | b'\n' | b'\r') => {
                // Mail programs take away a space that stands alone.
                let text = if line.first() == Some(&b' ') {
                    text
                } else {
                    line.to_vec()
                };
                hunk.body.push((b' ', text.clone()));
                hunk.old.push(text.clone());
                hunk.new.push(text);
                match changed {
                    true => hunk.after += 1,
                    false => hunk.before += 1,
                }
            }
            Some(b'\\') => no_newline(
                &mut hunk,
                lines.get(at - 1).and_then(|line| line.first()).copied(),
            ),
            _ => return Err(malformed(at)),
        }
        at += 1;
    }
    if lines.get(at).is_some_and(|line| line.starts_with(b"\\")) {
        no_newline(
            &mut hunk,
            lines.get(at - 1).and_then(|line| line.first()).copied(),
        );
        at += 1;
    }
    Ok((hunk, at))
}

/// The line before it has no end.
fn no_newline(hunk: &mut Hunk, sign: Option<u8>) {
    let take = |lines: &mut Vec<Vec<u8>>| {
        if let Some(line) = lines.last_mut()
            && line.ends_with(b"\n")
        {
            line.pop();
        }
    };
    if let Some((_, line)) = hunk.body.last_mut()
        && line.ends_with(b"\n")
    {
        line.pop();
    }
    if sign != Some(b'+') {
        take(&mut hunk.old);
    }
    if sign != Some(b'-') {
        take(&mut hunk.new);
    }
}

/// `@@ -1,2 +3,4 @@`: where the old and the new lines begin, and how many there are of each.
fn numbers(head: &str) -> Option<[usize; 4]> {
    let mut words = head.split(' ').skip(1);
    let range = |word: &str, sign: char| -> Option<(usize, usize)> {
        let word = word.trim().strip_prefix(sign)?;
        match word.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((word.parse().ok()?, 1)),
        }
    };
    let (old_start, old_count) = range(words.next()?, '-')?;
    let (new_start, new_count) = range(words.next()?, '+')?;
    Some([old_start, old_count, new_start, new_count])
}
