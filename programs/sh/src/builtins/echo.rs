//! `echo`

use crate::shell::{Outcome, Shell};
use crate::text::{self, Escapes};

pub async fn echo(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let mut newline = true;
    let mut escapes = false;
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        let Some(letters) = first
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())
        else {
            break;
        };
        if !letters.chars().all(|letter| "neE".contains(letter)) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        rest = after;
    }
    let mut line = rest.join(" ");
    if escapes {
        let unescaped = text::unescape(&line, Escapes::Echo);
        line = unescaped.text;
        newline &= !unescaped.stopped;
    }
    if newline {
        line.push('\n');
    }
    shell.print(&line).await
}
