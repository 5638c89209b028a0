//! References as files, packed ones, and their logs.

use crate::commit::Person;
use crate::fail::{Result, error, fatal};
use crate::objects;
use gix_hash::ObjectId;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How many symbolic references may lead to each other.
const DEPTH_MAX: usize = 5;

pub struct Refs {
    git_dir: PathBuf,
    common: PathBuf,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    Id(ObjectId),
    Name(String),
}

/// A line of a log.
pub struct LogLine {
    pub old: ObjectId,
    pub new: ObjectId,
    pub who: Person,
    pub message: String,
}

/// A change to be made, with what the log says about it.
pub struct Update<'a> {
    pub name: &'a str,
    pub new: ObjectId,
    pub who: &'a Person,
    pub message: &'a str,
}

impl Refs {
    pub fn new(git_dir: PathBuf, common: PathBuf) -> Self {
        Refs { git_dir, common }
    }

    fn path(&self, name: &str) -> PathBuf {
        let shared = name.starts_with("refs/") && !name.starts_with("refs/bisect/");
        match shared {
            true => self.common.join(name),
            false => self.git_dir.join(name),
        }
    }

    fn log_path(&self, name: &str) -> PathBuf {
        match name.starts_with("refs/") {
            true => self.common.join("logs").join(name),
            false => self.git_dir.join("logs").join(name),
        }
    }

    /// What a reference says itself.
    pub fn read(&self, name: &str) -> Option<Target> {
        if let Ok(text) = std::fs::read_to_string(self.path(name)) {
            return parse(&text);
        }
        let packed = self.packed();
        packed.get(name).map(|(id, _)| Target::Id(*id))
    }

    /// The object to which it leads.
    pub fn resolve(&self, name: &str) -> Option<ObjectId> {
        match self.follow(name).1? {
            Target::Id(id) => Some(id),
            Target::Name(_) => None,
        }
    }

    /// The name at the end of symbolic references, and what is there.
    fn follow(&self, name: &str) -> (String, Option<Target>) {
        let mut name = name.to_owned();
        for _ in 0..DEPTH_MAX {
            match self.read(&name) {
                Some(Target::Name(next)) => name = next,
                found => return (name, found),
            }
        }
        (name, None)
    }

    /// The branch of `HEAD`, if it is on one: `refs/heads/main`.
    pub fn head_name(&self) -> Option<String> {
        match self.read("HEAD") {
            Some(Target::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn packed(&self) -> BTreeMap<String, (ObjectId, Option<ObjectId>)> {
        let text = std::fs::read_to_string(self.common.join("packed-refs")).unwrap_or_default();
        let mut found: BTreeMap<String, (ObjectId, Option<ObjectId>)> = BTreeMap::new();
        let mut last = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(peeled) = line.strip_prefix('^') {
                if let Some(entry) = found.get_mut(&last) {
                    entry.1 = ObjectId::from_hex(peeled.as_bytes()).ok();
                }
                continue;
            }
            if let Some((id, name)) = line.split_once(' ')
                && let Ok(id) = ObjectId::from_hex(id.as_bytes())
            {
                last = name.to_owned();
                found.insert(name.to_owned(), (id, None));
            }
        }
        found
    }

    /// All below `prefix`, by name.
    pub fn list(&self, prefix: &str) -> Vec<(String, ObjectId)> {
        let packed = self.packed();
        let mut found: BTreeMap<String, ObjectId> = packed
            .into_iter()
            .map(|(name, (id, _))| (name, id))
            .collect();
        self.walk("refs", &mut found);
        found
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .collect()
    }

    fn walk(&self, name: &str, found: &mut BTreeMap<String, ObjectId>) {
        let Ok(entries) = std::fs::read_dir(self.common.join(name)) else {
            return;
        };
        for entry in entries.flatten() {
            let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.walk(&inner, found);
            } else if !inner.ends_with(".lock")
                && let Some(id) = self.resolve(&inner)
            {
                found.insert(inner, id);
            }
        }
    }

    /// The full name for what somebody wrote: `main` is `refs/heads/main`.
    pub fn expand(&self, short: &str) -> Option<String> {
        let rules = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        let mut names: Vec<String> = rules.iter().map(|rule| format!("{rule}{short}")).collect();
        names.push(format!("refs/remotes/{short}/HEAD"));
        // A file in the repository's folder is a reference only if it is named like one.
        let plain = short.starts_with("refs/")
            || short == "HEAD"
            || !short.is_empty()
                && short
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let names = names.into_iter().skip(usize::from(!plain));
        names
            .into_iter()
            .find(|name| valid(name) && self.resolve(name).is_some())
    }

    /// Writes a reference, following `HEAD` to its branch, with a line in the logs of both.
    pub fn update(&self, update: &Update<'_>) -> Result<()> {
        let (name, found) = self.follow(update.name);
        let old = match found {
            Some(Target::Id(id)) => id,
            _ => objects::null(),
        };
        self.write(&name, &format!("{}\n", update.new))?;
        self.log(&name, old, update)?;
        if name != update.name {
            self.log(update.name, old, update)?;
        } else if self.head_name().as_deref() == Some(name.as_str()) {
            self.log("HEAD", old, update)?;
        }
        Ok(())
    }

    /// Lets `HEAD` point to a branch or an object, with a line in its log.
    pub fn set_head(
        &self,
        target: &Target,
        who: &Person,
        new: Option<ObjectId>,
        message: &str,
    ) -> Result<()> {
        let old = self.resolve("HEAD").unwrap_or_else(objects::null);
        match target {
            Target::Name(name) => self.write("HEAD", &format!("ref: {name}\n"))?,
            Target::Id(id) => self.write("HEAD", &format!("{id}\n"))?,
        }
        let Some(new) = new else {
            return Ok(());
        };
        self.log(
            "HEAD",
            old,
            &Update {
                name: "HEAD",
                new,
                who,
                message,
            },
        )
    }

    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        let taken = |_| {
            let shorter = name.rsplit_once('/').map_or(name, |(folder, _)| folder);
            fatal(format!(
                "cannot lock ref '{name}': '{shorter}' exists; cannot create '{name}'"
            ))
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(taken)?;
        }
        if path.is_dir() {
            remove_empty(&path);
        }
        locked(&path, text.as_bytes())
    }

    fn log(&self, name: &str, old: ObjectId, update: &Update<'_>) -> Result<()> {
        let path = self.log_path(name);
        let wanted = name == "HEAD"
            || ["refs/heads/", "refs/remotes/", "refs/notes/"]
                .iter()
                .any(|part| name.starts_with(part));
        if !wanted && !path.exists() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if path.is_dir() {
            remove_empty(&path);
        }
        let message = update
            .message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let message = if message.is_empty() {
            message
        } else {
            format!("\t{message}")
        };
        let line = format!("{old} {} {}{message}\n", update.new, update.who.line());
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)?;
        file.write_all(line.as_bytes())?;
        Ok(())
    }

    /// The log, oldest line first.
    pub fn read_log(&self, name: &str) -> Vec<LogLine> {
        let text = std::fs::read(self.log_path(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.lines().filter_map(parse_log_line).collect()
    }

    pub fn write_log(&self, name: &str, lines: &[LogLine]) -> Result<()> {
        let mut text = String::new();
        for line in lines {
            text += &format!(
                "{} {} {}\t{}\n",
                line.old,
                line.new,
                line.who.line(),
                line.message
            );
        }
        locked(&self.log_path(name), text.as_bytes())
    }

    pub fn remove(&self, name: &str) -> Result<()> {
        let packed = self.packed();
        if packed.contains_key(name) {
            let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
            for (other, (id, peeled)) in packed.iter().filter(|(other, _)| other.as_str() != name) {
                text += &format!("{id} {other}\n");
                if let Some(peeled) = peeled {
                    text += &format!("^{peeled}\n");
                }
            }
            locked(&self.common.join("packed-refs"), text.as_bytes())?;
        }
        for (path, root) in [
            (self.path(name), &self.common),
            (self.log_path(name), &self.common),
        ] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(fatal(format!(
                        "could not delete reference {name}: {}",
                        swarm_flow_posix::reason(&error)
                    )));
                }
                _ => {}
            }
            let keep = [
                root.join("refs/heads"),
                root.join("refs/tags"),
                root.join("logs/refs/heads"),
            ];
            let mut parent = path.parent();
            while let Some(folder) = parent {
                if keep.iter().any(|keep| keep == folder)
                    || !folder.starts_with(root)
                    || std::fs::remove_dir(folder).is_err()
                {
                    break;
                }
                parent = folder.parent();
            }
        }
        Ok(())
    }

    pub fn rename(&self, old: &str, new: &str) -> Result<()> {
        let id = self
            .resolve(old)
            .ok_or_else(|| fatal(format!("no such reference: {old}")))?;
        let log = std::fs::read(self.log_path(old)).unwrap_or_default();
        self.remove(old)?;
        self.write(new, &format!("{id}\n"))?;
        let path = self.log_path(new);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, log)?;
        Ok(())
    }

    /// A file of the repository that is not a reference for long: `MERGE_HEAD`.
    pub fn state(&self, name: &str) -> PathBuf {
        self.git_dir.join(name)
    }
}

/// Whether a reference may have this name.
pub fn valid(name: &str) -> bool {
    gix_validate::reference::name_partial(name.into()).is_ok()
}

/// Whether a branch may have this name.
pub fn valid_branch(name: &str) -> bool {
    name != "HEAD"
        && !name.starts_with('-')
        && gix_validate::reference::name(format!("refs/heads/{name}").as_str().into()).is_ok()
}

fn parse(text: &str) -> Option<Target> {
    let text = text.trim_end();
    match text.strip_prefix("ref:") {
        Some(name) => Some(Target::Name(name.trim().to_owned())),
        None => ObjectId::from_hex(text.get(..40)?.as_bytes())
            .ok()
            .map(Target::Id),
    }
}

fn parse_log_line(line: &str) -> Option<LogLine> {
    let (head, message) = line.split_once('\t').unwrap_or((line, ""));
    let (old, rest) = head.split_once(' ')?;
    let (new, who) = rest.split_once(' ')?;
    Some(LogLine {
        old: ObjectId::from_hex(old.as_bytes()).ok()?,
        new: ObjectId::from_hex(new.as_bytes()).ok()?,
        who: person(who)?,
        message: message.to_owned(),
    })
}

/// `Name <email> 123 +0000`.
pub fn person(text: &str) -> Option<Person> {
    let (name, rest) = text.split_once('<')?;
    let (email, time) = rest.split_once('>')?;
    let time = gix_date::parse_header(time.trim()).unwrap_or_default();
    Some(Person {
        name: name.trim_end().to_owned(),
        email: email.to_owned(),
        seconds: time.seconds,
        offset_seconds: time.offset,
    })
}

/// Folders of names that are gone.
fn remove_empty(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_empty(&entry.path());
        }
    }
    // One that is not empty stays, and whoever writes there says so.
    let _ = std::fs::remove_dir(path);
}

/// Writes a file as git does: into `.lock` beside it, which nobody else may have, then in its place.
pub fn locked(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&lock);
    let mut file = file.map_err(|reason| match reason.kind() {
        std::io::ErrorKind::AlreadyExists => fatal(format!(
            "Unable to create '{}': File exists.\n\nAnother git process seems to be running in this repository, e.g.\nan editor opened by 'git commit'. Please make sure all processes\nare terminated then try again. If it still fails, a git process\nmay have crashed in this repository earlier:\nremove the file manually to continue.",
            lock.display()
        )),
        _ => fatal(format!("Unable to create '{}': {}", lock.display(), swarm_flow_posix::reason(&reason))),
    })?;
    let written = file.write_all(bytes);
    drop(file);
    let renamed = written.and_then(|()| std::fs::rename(&lock, path));
    renamed.map_err(|reason| {
        let _ = std::fs::remove_file(&lock);
        error(format!(
            "could not write {}: {}",
            path.display(),
            swarm_flow_posix::reason(&reason)
        ))
    })
}
