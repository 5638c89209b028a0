//! A repository: where it is, and its parts.

use crate::commit::Person;
use crate::config::Config;
use crate::fail::{Result, fatal};
use crate::index::Index;
use crate::objects::Objects;
use crate::paths;
use crate::refs::Refs;
use std::path::{Path, PathBuf};

/// What stands before the command: `-c`, `--git-dir`, `--work-tree`.
#[derive(Default)]
pub struct Globals {
    pub config: Vec<(String, String)>,
    pub git_dir: Option<String>,
    pub work_tree: Option<String>,
}

pub struct Repository {
    pub git_dir: PathBuf,
    pub common: PathBuf,
    root: Option<PathBuf>,
    /// The current folder in the worktree, with a slash behind it, or empty.
    pub prefix: Vec<u8>,
    pub config: Config,
    pub objects: Objects,
    pub refs: Refs,
}

impl Repository {
    pub fn discover(globals: &Globals) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let given = globals.git_dir.clone().or_else(|| variable("GIT_DIR"));
        let tree = globals
            .work_tree
            .clone()
            .or_else(|| variable("GIT_WORK_TREE"));
        let here = paths::absolute(Path::new("."));
        let (git_dir, mut root) = match &given {
            Some(folder) => {
                let git_dir = git_folder(&paths::absolute(Path::new(folder)));
                let git_dir =
                    git_dir.ok_or_else(|| fatal(format!("not a git repository: '{folder}'")))?;
                (git_dir, Some(here.clone()))
            }
            None => search(&here)?,
        };
        let common = match std::fs::read_to_string(git_dir.join("commondir")) {
            Ok(text) => paths::absolute(&git_dir.join(text.trim_end())),
            Err(_) => git_dir.clone(),
        };
        let config = Config::load(Some(&common), &globals.config)?;
        check_format(&config)?;
        if config.boolean("core.bare") == Some(true) && given.is_none() && common == git_dir {
            root = None;
        }
        if let Some(folder) = config.get("core.worktree") {
            root = Some(paths::absolute(&git_dir.join(folder)));
        }
        if let Some(folder) = tree {
            root = Some(paths::absolute(Path::new(&folder)));
        }
        let prefix = root
            .as_ref()
            .and_then(|root| here.strip_prefix(root).ok())
            .map(paths::to_bytes);
        let mut prefix = prefix.unwrap_or_default();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let objects = match variable("GIT_OBJECT_DIRECTORY") {
            Some(folder) => PathBuf::from(folder),
            None => common.join("objects"),
        };
        Ok(Repository {
            objects: Objects::open(objects),
            refs: Refs::new(git_dir.clone(), common.clone()),
            git_dir,
            common,
            root,
            prefix,
            config,
        })
    }

    /// The worktree. A bare repository has none.
    pub fn root(&self) -> Result<&Path> {
        self.root
            .as_deref()
            .ok_or_else(|| fatal("this operation must be run in a work tree"))
    }

    pub fn has_root(&self) -> bool {
        self.root.is_some()
    }

    pub fn index(&self) -> Result<Index> {
        let path = match std::env::var_os("GIT_INDEX_FILE") {
            Some(path) if !path.is_empty() => paths::absolute(Path::new(&path)),
            _ => self.git_dir.join("index"),
        };
        Index::load(path)
    }

    /// A file of the worktree.
    pub fn file(&self, path: &[u8]) -> Result<PathBuf> {
        Ok(self.root()?.join(paths::to_path(path)))
    }

    /// A name as printed: in quotes where needed.
    pub fn shown(&self, name: &[u8]) -> String {
        paths::quoted(name, self.quotes_bytes())
    }

    pub fn quotes_bytes(&self) -> bool {
        self.config.boolean("core.quotepath").unwrap_or(true)
    }

    /// A name as seen from the current folder, as printed.
    pub fn shown_here(&self, name: &[u8]) -> String {
        self.shown(&paths::relative(name, &self.prefix))
    }

    /// A path from the command line, from the root of the worktree.
    pub fn inside(&self, argument: &str) -> Result<Vec<u8>> {
        let root = self.root()?;
        let path = paths::absolute(Path::new(argument));
        match path.strip_prefix(root) {
            Ok(path) => Ok(paths::to_bytes(path)),
            Err(_) => Err(fatal(format!(
                "{argument}: '{argument}' is outside repository at '{}'",
                root.display()
            ))),
        }
    }

    pub fn author(&self) -> Result<Person> {
        self.person("AUTHOR")
    }

    pub fn committer(&self) -> Result<Person> {
        self.person("COMMITTER")
    }

    /// Who writes a log. Nobody needs to be known for it.
    pub fn logger(&self) -> Person {
        self.committer().unwrap_or_else(|_| {
            let now = crate::date::now();
            Person {
                name: "unknown".to_owned(),
                email: "unknown".to_owned(),
                seconds: now.seconds,
                offset_seconds: now.offset,
            }
        })
    }

    fn person(&self, role: &str) -> Result<Person> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let configured = |name: &str| {
            let own = self.config.get(&format!("{}.{name}", role.to_lowercase()));
            own.or_else(|| self.config.get(&format!("user.{name}")))
                .map(str::to_owned)
        };
        let name = variable(&format!("GIT_{role}_NAME")).or_else(|| configured("name"));
        let email = variable(&format!("GIT_{role}_EMAIL"))
            .or_else(|| configured("email"))
            .or_else(|| variable("EMAIL"));
        let (Some(name), Some(email)) = (name, email) else {
            return Err(unknown_person(role));
        };
        let time = match variable(&format!("GIT_{role}_DATE")) {
            Some(text) => crate::date::parse(&text)
                .ok_or_else(|| fatal(format!("invalid date format: {text}")))?,
            None => crate::date::now(),
        };
        let clean = |text: String| {
            let kept: String = text
                .chars()
                .filter(|character| !"<>\n".contains(*character))
                .collect();
            kept.trim_matches(|character: char| {
                character.is_whitespace() || ".,:;\"\\'".contains(character)
            })
            .to_owned()
        };
        Ok(Person {
            name: clean(name),
            email: clean(email),
            seconds: time.seconds,
            offset_seconds: time.offset,
        })
    }
}

fn unknown_person(role: &str) -> crate::fail::Fail {
    let who = if role == "AUTHOR" {
        "Author"
    } else {
        "Committer"
    };
    crate::fail::Fail {
        code: 128,
        text: format!(
            "{who} identity unknown\n\n*** Please tell me who you are.\n\nRun\n\n  git config --global user.email \"you@example.com\"\n  git config --global user.name \"Your Name\"\n\nto set your account's default identity.\nOmit --global to set the identity only in this repository.\n\nfatal: unable to auto-detect email address (got '(none)')"
        ),
    }
}

/// Upwards from here to a repository.
fn search(here: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
    for folder in here.ancestors() {
        if let Some(git_dir) = git_folder(&folder.join(".git")) {
            return Ok((git_dir, Some(folder.to_owned())));
        }
        if is_repository(folder) {
            let root = folder.file_name().is_some_and(|name| name == ".git");
            let root = folder.parent().filter(|_| root).map(Path::to_owned);
            return Ok((folder.to_owned(), root));
        }
    }
    Err(fatal(
        "not a git repository (or any of the parent directories): .git",
    ))
}

/// The repository's folder, which a file `.git` may name.
fn git_folder(path: &Path) -> Option<PathBuf> {
    if is_repository(path) {
        return Some(path.to_owned());
    }
    let text = std::fs::read_to_string(path).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    let folder = paths::absolute(&path.parent()?.join(named));
    is_repository(&folder).then_some(folder)
}

fn is_repository(folder: &Path) -> bool {
    let objects = folder.join("objects").is_dir() || folder.join("commondir").is_file();
    folder.join("HEAD").is_file() && objects
}

fn check_format(config: &Config) -> Result<()> {
    let hint = "\nhint: use native git for this repository";
    match config.get("core.repositoryformatversion").unwrap_or("0") {
        "0" | "1" => {}
        other => {
            return Err(fatal(format!(
                "Expected git repo version <= 1, found {other}"
            )));
        }
    }
    if config
        .get("extensions.objectformat")
        .is_some_and(|format| format != "sha1")
    {
        return Err(fatal(format!(
            "unknown repository extension found: only SHA-1 is supported here{hint}"
        )));
    }
    if config
        .get("extensions.refstorage")
        .is_some_and(|format| format != "files")
    {
        return Err(fatal(format!(
            "unknown repository extension found: only references as files are supported here{hint}"
        )));
    }
    Ok(())
}
