//! `getopts`

use crate::shell::{Outcome, Shell};

pub async fn getopts(shell: &mut Shell, arguments: &[String]) -> Outcome {
    let [letters, name, rest @ ..] = arguments else {
        return shell
            .usage("getopts", "usage: getopts optstring name [arg ...]")
            .await;
    };
    if !crate::syntax::is_name(name) {
        shell
            .complain(&format!("getopts: `{name}': not a valid identifier"))
            .await;
        return Ok(1);
    }
    let given: Vec<String> = if rest.is_empty() {
        shell.positional.as_ref().clone()
    } else {
        rest.to_vec()
    };
    let silent = letters.starts_with(':');
    let quiet = silent || shell.get("OPTERR").as_deref() == Some("0");
    let step = next(shell, letters, &given, silent);
    if let Some(message) = step.message.filter(|_| !quiet) {
        let text = format!("{}: {message}\n", shell.name);
        shell.write_error(&text).await;
    }
    let (index, at) = shell.getopts;
    let mut done = shell.set(name, step.letter);
    done = done.and_then(|()| match step.value {
        Some(value) => shell.set("OPTARG", value),
        None => shell.unset("OPTARG"),
    });
    done = done.and_then(|()| shell.set("OPTIND", index.to_string()));
    // Setting OPTIND begins anew, which this is not.
    shell.getopts = (index, at);
    match done {
        Ok(()) => Ok(i32::from(step.ended)),
        Err(message) => {
            shell.complain(&format!("getopts: {message}")).await;
            Ok(1)
        }
    }
}

struct Step {
    letter: String,
    value: Option<String>,
    message: Option<String>,
    ended: bool,
}

fn next(shell: &mut Shell, letters: &str, given: &[String], silent: bool) -> Step {
    let end = |shell: &mut Shell, index: usize| {
        shell.getopts = (index, 0);
        Step {
            letter: "?".to_owned(),
            value: None,
            message: None,
            ended: true,
        }
    };
    let (index, at) = shell.getopts;
    let Some(argument) = index.checked_sub(1).and_then(|index| given.get(index)) else {
        return end(shell, index.clamp(1, given.len() + 1));
    };
    if at == 0 {
        if argument == "--" {
            return end(shell, index + 1);
        }
        if !argument.starts_with('-') || argument == "-" {
            return end(shell, index);
        }
    }
    let at = at.max(1);
    let characters: Vec<char> = argument.chars().collect();
    let letter = characters.get(at).copied().unwrap_or('?');
    let last = at + 1 >= characters.len();
    let after = if last {
        (index + 1, 0)
    } else {
        (index, at + 1)
    };
    shell.getopts = after;
    let known = letters.trim_start_matches(':');
    let place = known
        .char_indices()
        .find(|(_, known)| *known == letter && letter != ':');
    let Some((place, _)) = place else {
        return Step {
            letter: "?".to_owned(),
            value: silent.then(|| letter.to_string()),
            message: Some(format!("illegal option -- {letter}")),
            ended: false,
        };
    };
    let valued = known
        .get(place + letter.len_utf8()..)
        .is_some_and(|rest| rest.starts_with(':'));
    if !valued {
        return Step {
            letter: letter.to_string(),
            value: None,
            message: None,
            ended: false,
        };
    }
    if !last {
        shell.getopts = (index + 1, 0);
        let value = characters
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .collect();
        return Step {
            letter: letter.to_string(),
            value: Some(value),
            message: None,
            ended: false,
        };
    }
    match given.get(index) {
        Some(value) => {
            shell.getopts = (index + 2, 0);
            Step {
                letter: letter.to_string(),
                value: Some(value.clone()),
                message: None,
                ended: false,
            }
        }
        None => Step {
            letter: if silent { ":" } else { "?" }.to_owned(),
            value: silent.then(|| letter.to_string()),
            message: Some(format!("option requires an argument -- {letter}")),
            ended: false,
        },
    }
}
