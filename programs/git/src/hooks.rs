//! Other programs that git starts: hooks and an editor.

use crate::fail::{Result, error, fatal};
use crate::out;
use crate::repository::Repository;
use std::path::PathBuf;
use swarm_flow_process::Command;

fn path(repository: &Repository, name: &str) -> PathBuf {
    let folder = repository
        .config
        .get("core.hookspath")
        .map(crate::config::expanded);
    let folder = match (folder, repository.root()) {
        (Some(folder), Ok(root)) => root.join(folder),
        _ => repository.common.join("hooks"),
    };
    folder.join(name)
}

/// Whether there is such a hook. What can be executed is not to be seen, so a first line `#!` stands for it.
pub fn exists(repository: &Repository, name: &str) -> bool {
    std::fs::read(path(repository, name)).is_ok_and(|bytes| bytes.starts_with(b"#!"))
}

/// Runs a hook if it is there, and gives its exit code.
pub fn run(repository: &Repository, name: &str, arguments: &[&str]) -> Result<i32> {
    if !exists(repository, name) {
        return Ok(0);
    }
    out::flush();
    let hook = path(repository, name).to_string_lossy().into_owned();
    let argv = std::iter::once(hook.as_str()).chain(arguments.iter().copied());
    let mut env: Vec<(String, String)> = std::env::vars().filter(|(key, _)| key != "PWD").collect();
    env.push((
        "GIT_DIR".to_owned(),
        repository.git_dir.to_string_lossy().into_owned(),
    ));
    let root = repository
        .root()
        .map_or_else(|_| repository.git_dir.clone(), |root| root.to_owned());
    let root = root.to_string_lossy().into_owned();
    env.push(("PWD".to_owned(), root.clone()));
    let stderr = swarm_flow_process::stderr();
    let ended = Command::new(argv)
        .env(env)
        .cwd(root)
        .stdin(None)
        .stdout(Some(&stderr))
        .run();
    match ended {
        Ok(end) => Ok(i32::from(end.exit_code)),
        Err(_) => Err(fatal(format!(
            "cannot run the hook '{hook}'\nhint: skip it with --no-verify, or remove it"
        ))),
    }
}

pub fn editor(repository: &Repository) -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let configured = || repository.config.get("core.editor").map(str::to_owned);
    variable("GIT_EDITOR")
        .or_else(configured)
        .or_else(|| variable("VISUAL"))
        .or_else(|| variable("EDITOR"))
}

/// Lets the editor change a text.
pub fn edit(repository: &Repository, editor: &str, text: &str) -> Result<String> {
    if editor == ":" || editor == "true" {
        return Ok(text.to_owned());
    }
    let file = repository.refs.state("COMMIT_EDITMSG");
    std::fs::write(&file, text)?;
    out::flush();
    let file_name = file.to_string_lossy().into_owned();
    let script = format!("{editor} \"$@\"");
    let ended = Command::new(["sh", "-c", &script, editor, &file_name]).run();
    match ended {
        Ok(end) if end.exit_code == 0 => Ok(std::fs::read_to_string(file)?),
        _ => Err(error(format!(
            "There was a problem with the editor '{editor}'.\nPlease supply the message using either -m or -F option."
        ))),
    }
}
