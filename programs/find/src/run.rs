//! Commands for files.

use std::io::{BufRead, Write};
use swarm_flow_process::{Command, SpawnError};

/// `-exec … ;`: whether it succeeded.
pub fn one(command: &[String], path: &str, in_folder: bool) -> bool {
    let (folder, name) = place(path, in_folder);
    let argv = command.iter().map(|argument| argument.replace("{}", &name));
    start("find", argv.collect(), folder) == 0
}

/// `-exec … {} +`: whether all succeeded.
pub fn many(command: &[String], files: Vec<String>, in_folder: bool) -> bool {
    if !in_folder {
        let argv = command.iter().cloned().chain(files);
        return start("find", argv.collect(), None) == 0;
    }
    let each = files.iter().map(|path| {
        let (folder, name) = place(path, true);
        let argv = command.iter().cloned().chain([name]);
        start("find", argv.collect(), folder) == 0
    });
    each.fold(true, |all, one| all & one)
}

/// Asks on standard error, as `-ok` does.
pub fn asked(command: &[String], path: &str) -> bool {
    eprint!(
        "< {} ... {path} > ? ",
        command.first().map_or("", String::as_str)
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.starts_with(['y', 'Y'])
}

/// Runs a command to its end and gives its exit code: 127 if there is none of that name, 126 if it cannot be run.
pub fn start(who: &str, argv: Vec<String>, folder: Option<String>) -> i32 {
    let name = argv.first().cloned().unwrap_or_default();
    let mut command = Command::new(argv);
    if let Some(folder) = folder {
        command = command.cwd(folder);
    }
    match command.run() {
        Ok(end) => i32::from(end.exit_code),
        Err(SpawnError::NotFound(_)) => {
            eprintln!("{who}: '{name}': No such file or directory");
            127
        }
        Err(SpawnError::NotExecutable(why)) => {
            eprintln!("{who}: '{name}': {why}");
            126
        }
        Err(SpawnError::NoRoom(why) | SpawnError::Invalid(why) | SpawnError::Failed(why)) => {
            eprintln!("{who}: '{name}': {why}");
            126
        }
    }
}

/// Where the command starts, and what the file is called there.
fn place(path: &str, in_folder: bool) -> (Option<String>, String) {
    if !in_folder {
        return (None, path.to_owned());
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    let here = std::env::current_dir().unwrap_or_default();
    let folder = here.join(if folder.is_empty() { "/" } else { folder });
    (
        Some(folder.to_string_lossy().into_owned()),
        format!("./{name}"),
    )
}
