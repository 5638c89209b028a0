//! `git init`.

use crate::arguments::{parse, unknown};
use crate::config::Config;
use crate::fail::{Result, fatal};
use crate::out::{say, warn};
use crate::paths;
use crate::refs;
use crate::repository::Globals;
use std::path::Path;

const HINT: &str =
    "hint: Using 'master' as the name for the initial branch. This default branch name
hint: is subject to change. To configure the initial branch name to use in all
hint: of your new repositories, which will suppress this warning, call:
hint:
hint: \tgit config --global init.defaultBranch <name>
hint:
hint: Names commonly chosen instead of 'master' are 'main', 'trunk' and
hint: 'development'. The just-created branch can be renamed via this command:
hint:
hint: \tgit branch -m <name>";

pub fn run(arguments: &[String], globals: &Globals) -> Result<i32> {
    let parsed = parse(
        arguments,
        &[
            "b",
            "initial-branch",
            "template",
            "separate-git-dir",
            "object-format",
        ],
        &[],
    )?;
    let (mut quiet, mut bare, mut branch) = (false, false, None);
    for (name, value) in parsed.options() {
        match name {
            "q" | "quiet" => quiet = true,
            "bare" => bare = true,
            "b" | "initial-branch" => branch = value.map(str::to_owned),
            "object-format" if value == Some("sha1") => {}
            "template" | "shared" => {}
            _ => return Err(unknown("init", name)),
        }
    }
    let free = parsed.free();
    let folder = free.first().map_or(".", String::as_str);
    let folder = paths::absolute(Path::new(folder));
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|reason| {
        fatal(format!(
            "cannot mkdir {}: {}",
            folder.display(),
            swarm_flow_posix::reason(&reason)
        ))
    })?;
    let git_dir = match (bare, &globals.git_dir) {
        (true, _) => folder.clone(),
        (false, Some(given)) => paths::absolute(Path::new(given)),
        (false, None) => folder.join(".git"),
    };
    let config = Config::load(None, &globals.config)?;
    let again = git_dir.join("HEAD").is_file();
    let shown = format!("{}/", git_dir.display());
    if again {
        if let Some(branch) = branch {
            warn(format!(
                "warning: re-init: ignored --initial-branch={branch}"
            ));
        }
        if !quiet {
            say!("Reinitialized existing Git repository in {shown}");
        }
        return Ok(0);
    }
    let branch = match branch.or_else(|| config.get("init.defaultbranch").map(str::to_owned)) {
        Some(branch) => branch,
        None => {
            if !quiet {
                warn(HINT);
            }
            "master".to_owned()
        }
    };
    if !refs::valid_branch(&branch) {
        return Err(fatal(format!("invalid initial branch name: '{branch}'")));
    }
    for inner in [
        "branches",
        "hooks",
        "info",
        "objects/info",
        "objects/pack",
        "refs/heads",
        "refs/tags",
    ] {
        std::fs::create_dir_all(git_dir.join(inner))?;
    }
    std::fs::write(git_dir.join("HEAD"), format!("ref: refs/heads/{branch}\n"))?;
    std::fs::write(
        git_dir.join("description"),
        "Unnamed repository; edit this file 'description' to name the repository.\n",
    )?;
    std::fs::write(
        git_dir.join("info/exclude"),
        "# git ls-files --others --exclude-from=.git/info/exclude\n# Lines that start with '#' are comments.\n# For a project mostly in C, the following would be a good set of\n# exclude patterns (uncomment them if you want to use them):\n# *.[oa]\n# *~\n",
    )?;
    // A sandbox does not see which files can be executed.
    let logs = if bare {
        ""
    } else {
        "\tlogallrefupdates = true\n"
    };
    let text = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = {bare}\n{logs}"
    );
    std::fs::write(git_dir.join("config"), text)?;
    if !quiet {
        say!("Initialized empty Git repository in {shown}");
    }
    Ok(0)
}
