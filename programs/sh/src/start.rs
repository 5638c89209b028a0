//! The command line: `sh FILE`, `sh -c TEXT`, `sh -s`, a script on the standard input.

use crate::files;
use crate::shell::{Flow, Outcome, Shell};
use crate::source_text;
use crate::syntax::Parser;
use crate::text;
use std::rc::Rc;

#[derive(Default)]
struct Wanted {
    command: bool,
    stdin: bool,
    options: Vec<(String, bool)>,
    shopt: Vec<(String, bool)>,
    version: bool,
}

pub async fn start(arguments: Vec<String>) -> i32 {
    let name = arguments
        .first()
        .map_or("sh", |name| name.rsplit('/').next().unwrap_or("sh"));
    let name = name.strip_suffix(".wasm").unwrap_or(name).to_owned();
    let mut shell = Shell::new(&name);
    let (wanted, rest) = match read_options(&arguments) {
        Ok(read) => read,
        Err(message) => {
            shell.write_error(&format!("{name}: {message}\n")).await;
            return 2;
        }
    };
    if wanted.version {
        let text = "GNU bash, version 5.2.15(1)-release compatible shell of Swarm Flow\n";
        return shell.print(text).await.unwrap_or(1);
    }
    for (option, on) in &wanted.options {
        let known = match <[char; 1]>::try_from(option.chars().collect::<Vec<_>>()) {
            Ok([letter]) => shell.options.set_letter(letter, *on),
            Err(_) => shell.options.set(option, *on),
        };
        if !known {
            let sign = if *on { '-' } else { '+' };
            shell
                .write_error(&format!("{name}: {sign}{option}: invalid option\n"))
                .await;
            return 2;
        }
    }
    for (option, on) in &wanted.shopt {
        shell.options.set_shopt(option, *on);
    }
    let outcome = run(&mut shell, &wanted, rest).await;
    shell.finish(outcome).await
}

fn read_options(arguments: &[String]) -> Result<(Wanted, Vec<String>), String> {
    let mut wanted = Wanted::default();
    let mut at = 1;
    while let Some(argument) = arguments.get(at) {
        if argument == "--" || argument == "-" {
            at += 1;
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            match long {
                "version" => wanted.version = true,
                "posix" => wanted.options.push(("posix".to_owned(), true)),
                "login" | "norc" | "noprofile" | "noediting" | "restricted" | "verbose" => {}
                "rcfile" | "init-file" => at += 1,
                _ => return Err(format!("--{long}: invalid option")),
            }
            at += 1;
            continue;
        }
        let (letters, on) = match (argument.strip_prefix('-'), argument.strip_prefix('+')) {
            (Some(letters), _) => (letters, true),
            (_, Some(letters)) if !letters.is_empty() => (letters, false),
            _ => break,
        };
        at += 1;
        for letter in letters.chars() {
            match letter {
                'c' => wanted.command = true,
                's' => wanted.stdin = true,
                // A script is what is run, whatever it was called for.
                'l' | 'i' | 'r' | 'D' => {}
                'o' | 'O' => {
                    let Some(name) = arguments.get(at) else {
                        return Err(format!("-{letter}: option requires an argument"));
                    };
                    at += 1;
                    let list = if letter == 'o' {
                        &mut wanted.options
                    } else {
                        &mut wanted.shopt
                    };
                    list.push((name.clone(), on));
                }
                letter => wanted.options.push((letter.to_string(), on)),
            }
        }
    }
    Ok((wanted, arguments.get(at..).unwrap_or_default().to_vec()))
}

async fn run(shell: &mut Shell, wanted: &Wanted, rest: Vec<String>) -> Outcome {
    let mut rest = rest.into_iter();
    if wanted.command {
        let Some(text) = rest.next() else {
            let message = format!("{}: -c: option requires an argument\n", shell.name);
            shell.write_error(&message).await;
            return Err(Flow::Exit(2));
        };
        if let Some(name) = rest.next() {
            shell.name = name.as_str().into();
            shell.source = name.as_str().into();
        }
        shell.positional = Rc::new(rest.collect());
        shell.is_command = true;
        let text = source_text(text.as_bytes());
        return shell.program(&text).await;
    }
    if !wanted.stdin
        && let Some(file) = rest.next()
    {
        shell.positional = Rc::new(rest.collect());
        return file_script(shell, &file).await;
    }
    shell.positional = Rc::new(rest.collect());
    stdin_script(shell).await
}

async fn file_script(shell: &mut Shell, name: &str) -> Outcome {
    let mut path = shell.path(name);
    if !files::exists(&path)
        && let Some(found) = shell.in_path(name)
    {
        path = shell.path(&found);
    }
    let before = shell.name.to_string();
    let bytes = match open_script(shell, name, &path).await {
        Ok(bytes) => bytes,
        Err((message, status)) => {
            shell
                .write_error(&format!("{before}: {name}: {message}\n"))
                .await;
            return Err(Flow::Exit(status));
        }
    };
    shell.name = name.into();
    shell.source = name.into();
    shell.is_file = true;
    let text = source_text(&bytes);
    shell.program(&text).await
}

async fn open_script(shell: &Shell, name: &str, path: &str) -> Result<Vec<u8>, (String, i32)> {
    if files::is_directory(path) {
        return Err(("Is a directory".to_owned(), 126));
    }
    let bytes = if path.starts_with("/dev/") {
        let handle = shell.open_input(name).map_err(|message| (message, 127))?;
        match handle.input() {
            Some(input) => input.read_all().await,
            None => Vec::new(),
        }
    } else {
        let read = files::open(path).and_then(|file| file.read_all());
        read.map_err(|error| (error.to_string(), 127))?
    };
    let begin = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let line = begin
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if line.contains(&0) {
        return Err(("cannot execute binary file".to_owned(), 126));
    }
    Ok(bytes)
}

/// Line by line, so that commands of the script can read what follows them.
async fn stdin_script(shell: &mut Shell) -> Outcome {
    let Some(input) = shell.input(0) else {
        return Ok(0);
    };
    let mut pending = String::new();
    let mut first = 1;
    let mut next = 1;
    loop {
        let mut line = Vec::new();
        let mut ended = true;
        while let Some(read) = input.read(1).await {
            line.extend_from_slice(&read);
            if read.ends_with(b"\n") {
                ended = false;
                break;
            }
        }
        if next == 1 {
            line = line
                .strip_prefix(b"\xef\xbb\xbf")
                .map(<[u8]>::to_vec)
                .unwrap_or(line);
        }
        next += 1;
        let text = text::decode(&line);
        pending.push_str(text.strip_suffix("\r\n").unwrap_or(&text));
        if text.ends_with("\r\n") {
            pending.push('\n');
        }
        if ended && pending.is_empty() {
            return Ok(shell.status);
        }
        if ended || is_complete(&pending, first, shell) {
            shell.first_line = first;
            let text = std::mem::take(&mut pending);
            shell.program(&text).await?;
            first = next;
        }
        if ended {
            return Ok(shell.status);
        }
    }
}

/// Is it a script, or one that no further line mends?
fn is_complete(text: &str, line: u32, shell: &Shell) -> bool {
    if text.ends_with("\\\n") {
        return false;
    }
    let mut parser = Parser::new(text, line, Rc::clone(&shell.source));
    let result = parser.whole();
    if !parser.warnings.is_empty() {
        return false;
    }
    !matches!(result, Err(error) if error.incomplete)
}
