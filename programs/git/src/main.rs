//! `git`: a repository in the workspace, without a network. The formats are read and written by gitoxide's crates; its
//! stores map files and lock by process, which a sandbox has not, so files are read and replaced here.

mod arguments;
mod change;
mod commands;
mod commit;
mod config;
mod date;
mod fail;
mod graph;
mod hooks;
mod ignore;
mod index;
mod merge;
mod objects;
mod out;
mod output;
mod patch;
mod paths;
mod pathspec;
mod pretty;
mod query;
mod refs;
mod rename;
mod repository;
mod revision;
mod stat;
mod transition;
mod walk;
mod worktree;

use fail::{Fail, Result, fatal, usage};
use repository::Globals;

/// Git's version whose output is followed.
const VERSION: &str = "2.47.3";

fn main() {
    let (_, arguments) = swarm_flow_posix::start();
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let result = run(&arguments);
    out::flush();
    let code = match result {
        Ok(code) => code,
        Err(Fail { code, text }) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            code
        }
    };
    swarm_flow_process::exit(code)
}

fn run(arguments: &[String]) -> Result<i32> {
    let mut globals = Globals::default();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        let mut value = |name: &str| match argument.split_once('=') {
            Some((_, value)) => Ok(value.to_owned()),
            None => left
                .next()
                .cloned()
                .ok_or_else(|| usage(format!("no {name} given for {argument}"))),
        };
        match argument.split('=').next().unwrap_or_default() {
            "-C" => {
                let folder = left
                    .next()
                    .ok_or_else(|| usage("no directory given for '-C'"))?;
                let moved =
                    std::env::set_current_dir(paths::absolute(std::path::Path::new(folder)));
                moved.map_err(|reason| {
                    fatal(format!(
                        "cannot change to '{folder}': {}",
                        swarm_flow_posix::reason(&reason)
                    ))
                })?;
            }
            "-c" => {
                let pair = left
                    .next()
                    .ok_or_else(|| usage("-c expects a configuration string"))?;
                let (key, text) = pair.split_once('=').unwrap_or((pair, "true"));
                globals.config.push((key.to_owned(), text.to_owned()));
            }
            "--git-dir" => globals.git_dir = Some(value("directory")?),
            "--work-tree" => globals.work_tree = Some(value("directory")?),
            "--no-pager"
            | "-P"
            | "--paginate"
            | "-p"
            | "--no-optional-locks"
            | "--no-replace-objects"
            | "--literal-pathspecs"
            | "--no-advice"
            | "--no-lazy-fetch" => {}
            "--version" | "-v" => return commands::run("version", &[], &globals),
            "--help" | "-h" => return commands::run("help", &[], &globals),
            "--exec-path" | "--html-path" | "--man-path" => {
                out::say!("/usr/bin");
                return Ok(0);
            }
            name if name.starts_with('-') => {
                return Err(usage(format!("unknown option: {argument}")));
            }
            name => {
                let rest: Vec<String> = left.cloned().collect();
                return dispatch(name, &rest, &globals);
            }
        }
    }
    commands::run("help", &[], &globals)?;
    Ok(1)
}

/// A command, or an alias from the configuration.
fn dispatch(name: &str, arguments: &[String], globals: &Globals) -> Result<i32> {
    if commands::is_known(name) {
        return commands::run(name, arguments, globals);
    }
    let config = match repository::Repository::discover(globals) {
        Ok(repository) => repository.config,
        Err(_) => config::Config::load(None, &globals.config)?,
    };
    let alias = config.get(&format!("alias.{name}")).map(str::to_owned);
    let Some(alias) = alias else {
        return Err(Fail {
            code: 1,
            text: format!("git: '{name}' is not a git command. See 'git --help'."),
        });
    };
    if let Some(command) = alias.strip_prefix('!') {
        let line = format!("{command} \"$@\"");
        let mut argv = vec!["sh".to_owned(), "-c".to_owned(), line, command.to_owned()];
        argv.extend(arguments.iter().cloned());
        let end = swarm_flow_process::Command::new(argv).run();
        return end
            .map(|end| i32::from(end.exit_code))
            .map_err(|_| fatal(format!("while expanding alias '{name}': cannot run sh")));
    }
    let words = commands::words(&alias);
    let (first, rest) = words
        .split_first()
        .ok_or_else(|| fatal(format!("empty alias for {name}")))?;
    if !commands::is_known(first) {
        return Err(fatal(format!(
            "alias '{name}' expands to unknown command '{first}'"
        )));
    }
    let all: Vec<String> = rest.iter().chain(arguments).cloned().collect();
    commands::run(first, &all, globals)
}
