//! Redirections, and the devices that are no files here.

use crate::expand::Expanded;
use crate::files::{self, FileError, Mode};
use crate::host::HostWriter;
use crate::shell::Shell;
use crate::stream::{Handle, Input, Output, UpdatedFile};
use crate::syntax::{Descriptor, Redirect, RedirectKind, Word};
use crate::text;
use std::rc::Rc;
use swarm_flow_process::bindings::wasi::random::insecure;

/// What descriptors were before a command's redirections.
pub type Before = Vec<(u32, Option<Handle>)>;

/// A redirection that failed: its command does not run.
#[derive(Debug, Clone, Copy)]
pub struct Refused;

impl Shell {
    /// Does them in order. What they replaced is kept for `undo`; on a failure it has been put back.
    pub async fn redirect(&mut self, redirects: &[Redirect]) -> Expanded<Result<Before, Refused>> {
        let mut before = Before::new();
        for redirect in redirects {
            let done = self.redirect_one(redirect, &mut before).await;
            match done {
                Ok(Ok(())) => {}
                Ok(Err(message)) => {
                    self.undo(before);
                    self.complain(&message).await;
                    return Ok(Err(Refused));
                }
                Err(failed) => {
                    self.undo(before);
                    return Err(failed);
                }
            }
        }
        Ok(Ok(before))
    }

    pub fn undo(&mut self, before: Before) {
        for (descriptor, handle) in before.into_iter().rev() {
            match handle {
                Some(handle) => self.descriptors.insert(descriptor, handle),
                None => self.descriptors.remove(&descriptor),
            };
        }
    }

    async fn redirect_one(
        &mut self,
        redirect: &Redirect,
        before: &mut Before,
    ) -> Expanded<Result<(), String>> {
        let default = match &redirect.kind {
            RedirectKind::Read(_)
            | RedirectKind::ReadWrite(_)
            | RedirectKind::DuplicateInput(_)
            | RedirectKind::HereString(_)
            | RedirectKind::HereDocument(_) => 0,
            _ => 1,
        };
        let handle = match &redirect.kind {
            RedirectKind::OutputAndError(word) | RedirectKind::AppendOutputAndError(word) => {
                let append = matches!(redirect.kind, RedirectKind::AppendOutputAndError(_));
                return self.redirect_both(word, append, before).await;
            }
            RedirectKind::DuplicateInput(word) | RedirectKind::DuplicateOutput(word) => {
                let target = self.text(word).await?;
                let output = matches!(redirect.kind, RedirectKind::DuplicateOutput(_));
                if output
                    && matches!(redirect.descriptor, Descriptor::Default)
                    && !target.is_empty()
                    && target != "-"
                    && !target
                        .trim_end_matches('-')
                        .chars()
                        .all(|c| c.is_ascii_digit())
                {
                    return self.redirect_both(word, false, before).await;
                }
                match self.duplicate(&target) {
                    Ok((handle, moved)) => {
                        if let Some(moved) = moved {
                            before.push((moved, self.descriptors.remove(&moved)));
                        }
                        handle
                    }
                    Err(message) => return Ok(Err(message)),
                }
            }
            RedirectKind::HereString(word) => {
                let mut text = self.text(word).await?;
                text.push('\n');
                Some(Handle::Read(Rc::new(Input::text(&text::encode(&text)))))
            }
            RedirectKind::HereDocument(body) => {
                let text = match body.get() {
                    Some(body) => self.here_document(body).await?,
                    None => String::new(),
                };
                Some(Handle::Read(Rc::new(Input::text(&text::encode(&text)))))
            }
            RedirectKind::Read(word) => {
                let path = self.file_name(word).await?;
                match path.and_then(|path| self.open_input(&path)) {
                    Ok(handle) => Some(handle),
                    Err(message) => return Ok(Err(message)),
                }
            }
            RedirectKind::Write(word)
            | RedirectKind::Clobber(word)
            | RedirectKind::Append(word)
            | RedirectKind::ReadWrite(word) => {
                let path = self.file_name(word).await?;
                let mode = match redirect.kind {
                    RedirectKind::Append(_) => Mode::Append,
                    RedirectKind::ReadWrite(_) => Mode::Update,
                    RedirectKind::Write(_) if self.options.is_set("noclobber") => Mode::New,
                    _ => Mode::Truncate,
                };
                match path.and_then(|path| self.open_output(&path, mode)) {
                    Ok(handle) => Some(handle),
                    Err(message) => return Ok(Err(message)),
                }
            }
        };
        let descriptor = match &redirect.descriptor {
            Descriptor::Default => default,
            Descriptor::Number(number) => *number,
            Descriptor::Variable(name) => match self.named(name, handle.is_some()) {
                Ok(number) => {
                    // It stays open behind the command.
                    match handle {
                        Some(handle) => self.descriptors.insert(number, handle),
                        None => self.descriptors.remove(&number),
                    };
                    return Ok(Ok(()));
                }
                Err(message) => return Ok(Err(message)),
            },
        };
        self.put(descriptor, handle, before);
        Ok(Ok(()))
    }

    fn put(&mut self, descriptor: u32, handle: Option<Handle>, before: &mut Before) {
        let old = match handle {
            Some(handle) => self.descriptors.insert(descriptor, handle),
            None => self.descriptors.remove(&descriptor),
        };
        before.push((descriptor, old));
    }

    async fn here_document(&mut self, body: &Word) -> Expanded<String> {
        use crate::expand::Origin;
        use crate::fields::Purpose;
        self.made(&body.parts, Origin::Quoted, Purpose::Text).await
    }

    async fn redirect_both(
        &mut self,
        word: &Word,
        append: bool,
        before: &mut Before,
    ) -> Expanded<Result<(), String>> {
        let mode = match append {
            true => Mode::Append,
            false if self.options.is_set("noclobber") => Mode::New,
            false => Mode::Truncate,
        };
        let path = self.file_name(word).await?;
        Ok(path
            .and_then(|path| self.open_output(&path, mode))
            .map(|handle| {
                self.put(1, Some(handle.clone()), before);
                self.put(2, Some(handle), before);
            }))
    }

    /// A redirection's file: a pattern must fit one name.
    async fn file_name(&mut self, word: &Word) -> Expanded<Result<String, String>> {
        let mut names = Vec::new();
        self.argument(word, &mut names).await?;
        Ok(match <[String; 1]>::try_from(names) {
            Ok([name]) => Ok(name),
            Err(_) => Err(format!("{}: ambiguous redirect", self.text(word).await?)),
        })
    }

    /// `{name}>`: a free number, stored in the variable; `{name}>&-` closes the one that is stored.
    fn named(&mut self, name: &str, opens: bool) -> Result<u32, String> {
        if !opens {
            let stored = self.get(name).and_then(|number| number.parse().ok());
            return stored.ok_or_else(|| format!("{name}: ambiguous redirect"));
        }
        let free = (10..).find(|number| !self.descriptors.contains_key(number));
        let number = free.unwrap_or(10);
        self.set(name, number.to_string())?;
        Ok(number)
    }

    /// What `>&target` names: nothing for `-`; with the descriptor that a `-` behind it closes.
    fn duplicate(&self, target: &str) -> Result<(Option<Handle>, Option<u32>), String> {
        if target == "-" {
            return Ok((None, None));
        }
        let (number, moves) = match target.strip_suffix('-') {
            Some(number) => (number, true),
            None => (target, false),
        };
        let number: u32 = match number.parse() {
            Ok(number) => number,
            Err(_) => return Err(format!("{target}: ambiguous redirect")),
        };
        match self.descriptors.get(&number) {
            Some(handle) => Ok((Some(handle.clone()), moves.then_some(number))),
            None => Err(format!("{target}: Bad file descriptor")),
        }
    }

    /// A descriptor that a path in `/dev` stands for.
    fn device_descriptor(path: &str) -> Option<u32> {
        match path {
            "/dev/stdin" => Some(0),
            "/dev/stdout" => Some(1),
            "/dev/stderr" => Some(2),
            _ => path
                .strip_prefix("/dev/fd/")
                .or_else(|| path.strip_prefix("/proc/self/fd/"))
                .and_then(|number| number.parse().ok()),
        }
    }

    /// A file or device to read from.
    pub fn open_input(&self, name: &str) -> Result<Handle, String> {
        if name.is_empty() {
            return Err(": No such file or directory".to_owned());
        }
        let path = self.path(name);
        if let Some(number) = Self::device_descriptor(&path) {
            let handle = self.descriptors.get(&number).cloned();
            return handle.ok_or_else(|| format!("{name}: No such file or directory"));
        }
        let input = match path.as_str() {
            "/dev/null" => Input::Null,
            "/dev/zero" | "/dev/full" => Input::Endless(|count| vec![0; count]),
            "/dev/random" | "/dev/urandom" => {
                Input::Endless(|count| insecure::get_insecure_random_bytes(count as u64))
            }
            "/dev/tty" => return Err(format!("{name}: No such device or address")),
            _ => match files::open(&path) {
                Ok(file) => Input::file(file),
                Err(error) => return Err(format!("{name}: {error}")),
            },
        };
        Ok(Handle::Read(Rc::new(input)))
    }

    pub fn open_output(&self, name: &str, mode: Mode) -> Result<Handle, String> {
        if name.is_empty() {
            return Err(": No such file or directory".to_owned());
        }
        let path = self.path(name);
        if let Some(number) = Self::device_descriptor(&path) {
            let handle = self.descriptors.get(&number).cloned();
            return handle.ok_or_else(|| format!("{name}: No such file or directory"));
        }
        match path.as_str() {
            "/dev/null" | "/dev/zero" if mode == Mode::Update => {
                return Ok(Handle::Both(Rc::new(Input::Null), Rc::new(Output::Null)));
            }
            "/dev/null" | "/dev/zero" | "/dev/random" | "/dev/urandom" => {
                return Ok(Handle::Write(Rc::new(Output::Null)));
            }
            "/dev/full" => return Ok(Handle::Write(Rc::new(Output::Full))),
            "/dev/tty" => return Err(format!("{name}: No such device or address")),
            _ => {}
        }
        let opened = self.create(&path, mode);
        opened.map_err(|error| match (mode, error.to_string().as_str()) {
            (Mode::New, "File exists") => format!("{name}: cannot overwrite existing file"),
            (_, message) => format!("{name}: {message}"),
        })
    }

    fn create(&self, path: &str, mode: Mode) -> Result<Handle, FileError> {
        let file = files::create(path, mode)?;
        if mode == Mode::Update {
            let file = Rc::new(UpdatedFile::new(file));
            let input = Rc::new(Input::Updated(Rc::clone(&file)));
            return Ok(Handle::Both(input, Rc::new(Output::Updated(file))));
        }
        let writer = HostWriter::new(file.writer()?);
        Ok(Handle::Write(Rc::new(Output::Host(writer))))
    }
}
