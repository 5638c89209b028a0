//! `ls`, `glob`, `du`, `cd`.

use super::paths::{self, Written, failed};
use crate::commands::ours::{Ours, error};
use chrono::{DateTime, Local};
use nu_engine::command_prelude::*;
use nu_glob::MatchOptions;
use nu_path::expand_path_with;
use nu_protocol::{NuGlob, PipelineMetadata};
use pathdiff::diff_paths;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wax::walk::{DepthBehavior, DepthMax, Entry, FileIterator, LinkBehavior, WalkBehavior};

fn patterns() -> SyntaxShape {
    SyntaxShape::OneOf(vec![SyntaxShape::GlobPattern, SyntaxShape::String])
}

pub fn commands() -> Vec<Ours> {
    vec![
        Ours::new(
            "ls",
            Category::FileSystem,
            "List the filenames, sizes, and modification times of items in a directory.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::table())])
                    .rest("pattern", patterns(), "The glob pattern to use.")
                    .switch("all", "Show hidden files.", Some('a'))
                    .switch("long", "Get all available columns for each entry (slower; columns are platform-dependent).", Some('l'))
                    .switch("short-names", "Only print the file names, and not the path.", Some('s'))
                    .switch("full-paths", "Display paths as absolute paths.", Some('f'))
                    .switch("du", "Display the apparent directory size (\"disk usage\") in place of the directory metadata size.", Some('d'))
                    .switch("directory", "List the specified directory itself instead of its contents.", Some('D'))
                    .switch("mime-type", "Show mime-type in type column instead of 'file' (based on filenames only; files' contents are not examined).", Some('m'))
                    .switch("threads", "Accepted; there is one thread.", Some('t'))
            },
            ls,
        )
        .terms(&["dir"])
        .examples(&[
            ("List visible files in the current directory.", "ls"),
            ("List visible files in a subdirectory.", "ls subdir"),
            ("List Rust files.", "ls *.rs"),
            ("Recursively list all files and subdirectories under the current directory using a glob pattern.", "ls -a **/*"),
        ]),
        Ours::new(
            "glob",
            Category::FileSystem,
            "Creates a list of files and/or folders based on the glob pattern provided.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::List(Box::new(Type::String)))])
                    .required("glob", SyntaxShape::OneOf(vec![SyntaxShape::String, SyntaxShape::GlobPattern]), "The glob expression.")
                    .named("depth", SyntaxShape::Int, "Directory depth to search.", Some('d'))
                    .switch("no-dir", "Whether to filter out directories from the returned paths.", Some('D'))
                    .switch("no-file", "Whether to filter out files from the returned paths.", Some('F'))
                    .switch("no-symlink", "Whether to filter out symlinks from the returned paths.", Some('S'))
                    .switch("follow-symlinks", "Whether to follow symbolic links to their targets.", Some('l'))
                    .named("exclude", SyntaxShape::List(Box::new(SyntaxShape::String)), "Patterns to exclude from the search: `glob` will not walk the inside of directories matching the excluded patterns.", Some('e'))
            },
            glob,
        )
        .terms(&["pattern", "files", "folders", "list", "ls"])
        .examples(&[
            ("Search for *.rs files.", "glob *.rs"),
            ("Search for *.rs and *.toml files recursively up to 2 folders deep.", "glob **/*.{rs,toml} --depth 2"),
        ]),
        Ours::new(
            "du",
            Category::FileSystem,
            "Find disk usage sizes of specified items.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::table())])
                    .rest("path", patterns(), "Starting directory.")
                    .switch("all", "Accepted; all files count.", Some('a'))
            },
            du,
        )
        .terms(&["disk", "usage", "size", "space"]),
        Ours::new(
            "cd",
            Category::FileSystem,
            "Change the current working directory.",
            |signature| {
                signature
                    .input_output_types(vec![(Type::Nothing, Type::Nothing)])
                    .switch("physical", "Use the physical directory structure; resolve symbolic links before processing instances of ..", Some('P'))
                    .optional("path", SyntaxShape::Directory, "The path to change to.")
            },
            cd,
        )
        .terms(&["change", "directory", "dir", "folder", "switch", "chdir"]),
    ]
}

struct Listing {
    all: bool,
    long: bool,
    short_names: bool,
    full_paths: bool,
    du: bool,
    directory: bool,
    mime_type: bool,
    span: Span,
    current: PathBuf,
}

fn ls(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let flag = |stack: &mut Stack, name| call.has_flag(engine, stack, name);
    let listing = Listing {
        all: flag(stack, "all")?,
        long: flag(stack, "long")?,
        short_names: flag(stack, "short-names")?,
        full_paths: flag(stack, "full-paths")?,
        du: flag(stack, "du")?,
        directory: flag(stack, "directory")?,
        mime_type: flag(stack, "mime-type")?,
        span: call.head,
        current: paths::current(engine, stack)?,
    };
    let written = paths::arguments(engine, stack, call, 0)?;
    let mut entries = Vec::new();
    if call.has_positional_args(stack, 0) {
        for pattern in &written {
            entries.append(&mut listing.list(engine, pattern)?);
        }
    } else {
        let here = if listing.directory { "." } else { "*" };
        let here = NuGlob::Expand(here.to_owned()).into_spanned(call.head);
        let empty = std::fs::read_dir(&listing.current)
            .map_err(|error| failed(error, call.head, &listing.current))?
            .next()
            .is_none();
        if listing.directory || !empty {
            entries = listing.list(engine, &here)?;
        }
    }
    let mut metadata = PipelineMetadata {
        path_columns: vec!["name".to_owned()],
        ..PipelineMetadata::default()
    };
    if !listing.long {
        metadata.set_table_width_priority_columns(call.head, ["name"]);
    }
    Ok(entries.into_iter().into_pipeline_data_with_metadata(
        call.head,
        engine.signals().clone(),
        metadata,
    ))
}

impl Listing {
    fn list(&self, engine: &EngineState, pattern: &Written) -> Result<Vec<Value>, ShellError> {
        let text = pattern.item.as_ref();
        if text.is_empty() {
            return Err(failed(
                std::io::ErrorKind::NotFound.into(),
                pattern.span,
                Path::new(""),
            ));
        }
        let place = paths::absolute(pattern, &self.current);
        let wild = pattern.item.is_expand() && nu_glob::is_glob(text);
        let absolute = Path::new(text).is_absolute();
        let (prefix, found) = if !self.directory && !wild && place.is_dir() {
            let mut found = Vec::new();
            let read = |error| failed(error, pattern.span, &place);
            for entry in std::fs::read_dir(&place).map_err(read)? {
                found.push(entry.map_err(read)?.path());
            }
            found.sort();
            if found.is_empty() {
                return Ok(Vec::new());
            }
            (Some(place), found)
        } else {
            let options = (!self.all).then(|| MatchOptions {
                recursive_match_hidden_dir: false,
                ..MatchOptions::default()
            });
            let (prefix, found) = nu_engine::glob_from(
                pattern,
                &self.current,
                self.span,
                options,
                engine.signals().clone(),
            )?;
            (prefix, found.collect::<Result<Vec<_>, _>>()?)
        };
        if found.is_empty() {
            return Err(ShellError::Generic(
                nu_protocol::shell_error::generic::GenericError::new(
                    format!("No matches found for {:?}", pattern.item),
                    "Pattern, file or folder not found",
                    pattern.span,
                )
                .with_help("no matches found"),
            ));
        }
        let hidden_asked = Path::new(text)
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let mut hidden_folders: Vec<PathBuf> = Vec::new();
        let mut entries = Vec::new();
        for path in found {
            if hidden_folders.iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden && !self.all && !hidden_asked {
                hidden_folders.push(path);
                continue;
            }
            let name = self.display(&path, prefix.as_deref(), absolute);
            entries.push(self.entry(&path, &name));
        }
        Ok(entries)
    }

    fn display(&self, path: &Path, prefix: Option<&Path>, absolute: bool) -> String {
        let whole = || path.to_string_lossy().into_owned();
        if self.short_names {
            return path
                .file_name()
                .map_or_else(whole, |name| name.to_string_lossy().into_owned());
        }
        if self.full_paths || absolute {
            return whole();
        }
        let Some((prefix, rest)) =
            prefix.and_then(|prefix| Some((prefix, path.strip_prefix(prefix).ok()?)))
        else {
            return whole();
        };
        let shown = if self.directory {
            diff_paths(path, &self.current)
        } else {
            diff_paths(prefix, &self.current).map(|prefix| prefix.join(rest))
        };
        let shown = shown.map_or_else(whole, |path| path.to_string_lossy().into_owned());
        if shown.is_empty() {
            ".".to_owned()
        } else {
            shown
        }
    }

    fn entry(&self, path: &Path, name: &str) -> Value {
        let span = self.span;
        let metadata = std::fs::symlink_metadata(path).ok();
        let nothing = || Value::nothing(span);
        let mut record = Record::new();
        record.push("name", Value::string(escaped(name), span));
        let kind = metadata.as_ref().map(|metadata| self.kind(metadata, name));
        record.push(
            "type",
            kind.map_or_else(nothing, |kind| Value::string(kind, span)),
        );
        if self.long {
            let target = metadata
                .as_ref()
                .filter(|metadata| metadata.is_symlink())
                .and_then(|_| path.read_link().ok());
            let target = target.map(|target| match path.parent() {
                Some(parent) if self.full_paths => expand_path_with(target, parent, true),
                _ => target,
            });
            record.push(
                "target",
                target.map_or_else(nothing, |target| {
                    Value::string(target.to_string_lossy(), span)
                }),
            );
            let read_only = metadata.as_ref().map(|m| m.permissions().readonly());
            record.push(
                "readonly",
                read_only.map_or_else(nothing, |read_only| Value::bool(read_only, span)),
            );
        }
        let size = metadata
            .as_ref()
            .map(|metadata| match metadata.is_dir() && self.du {
                true => tree_size(path),
                false => metadata.len(),
            });
        record.push(
            "size",
            size.map_or_else(nothing, |size| Value::filesize(size.cast_signed(), span)),
        );
        let date = |time: Option<std::io::Result<SystemTime>>| {
            let time = time.and_then(Result::ok).map(DateTime::<Local>::from);
            time.map_or_else(nothing, |time| Value::date(time.fixed_offset(), span))
        };
        if self.long {
            record.push("created", date(metadata.as_ref().map(Metadata::created)));
            record.push("accessed", date(metadata.as_ref().map(Metadata::accessed)));
        }
        record.push("modified", date(metadata.as_ref().map(Metadata::modified)));
        Value::record(record, span)
    }

    fn kind(&self, metadata: &Metadata, name: &str) -> String {
        let kind = if metadata.is_dir() {
            "dir"
        } else if metadata.is_symlink() {
            "symlink"
        } else if metadata.is_file() && self.mime_type {
            let guess = mime_guess::from_path(name).first();
            return guess.map_or_else(
                || "unknown".to_owned(),
                |mime| mime.essence_str().to_owned(),
            );
        } else if metadata.is_file() {
            "file"
        } else {
            "unknown"
        };
        kind.to_owned()
    }
}

/// Control characters are shown and not obeyed.
fn escaped(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The lengths of all files beneath, links not followed. What cannot be read counts nothing.
fn tree_size(path: &Path) -> u64 {
    let mut size = 0;
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        size += metadata.len();
        if metadata.is_dir()
            && let Ok(entries) = std::fs::read_dir(&path)
        {
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    size
}

fn du(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let current = paths::current(engine, stack)?;
    let mut written = paths::arguments(engine, stack, call, 0)?;
    if written.is_empty() {
        written.push(NuGlob::Expand("*".to_owned()).into_spanned(call.head));
    }
    let mut rows = Vec::new();
    for pattern in &written {
        for path in paths::matches(engine, pattern, &current, false)? {
            let size = Value::filesize(tree_size(&path).cast_signed(), call.head);
            let row = record! {
                "path" => Value::string(path.to_string_lossy(), call.head),
                "apparent" => size.clone(),
                "physical" => size,
            };
            rows.push(Value::record(row, call.head));
        }
    }
    Ok(Value::list(rows, call.head).into_pipeline_data())
}

fn cd(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let physical = call.has_flag(engine, stack, "physical")?;
    let written = call.opt::<Spanned<String>>(engine, stack, 0)?;
    let home = || PathBuf::from(paths::with_home("~".to_owned()));
    let current = paths::current(engine, stack).unwrap_or_else(|_| home());
    let path = match written {
        None => home(),
        Some(written) if written.item == "-" => match stack.get_env_var(engine, "OLDPWD") {
            Some(old) => old.to_path()?,
            None => current,
        },
        Some(written) => {
            let text = paths::with_home(written.item.trim_end().to_owned());
            let missing = || {
                ShellError::from(IoError::new(
                    ErrorKind::DirectoryNotFound,
                    written.span,
                    PathBuf::from(&text),
                ))
            };
            let path = if physical {
                nu_path::canonicalize_with(&text, &current).map_err(|_| missing())?
            } else {
                expand_path_with(&text, &current, true)
            };
            if !path.exists() {
                return Err(missing());
            }
            if !path.is_dir() {
                return Err(failed(
                    std::io::ErrorKind::NotADirectory.into(),
                    written.span,
                    &path,
                ));
            }
            path
        }
    };
    if let Some(old) = stack.get_env_var(engine, "PWD").cloned() {
        stack.add_env_var("OLDPWD".to_owned(), old);
    }
    stack.set_cwd(path)?;
    Ok(PipelineData::empty())
}

fn glob(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    _: PipelineData,
) -> Result<PipelineData, ShellError> {
    let pattern: Value = call.req(engine, stack, 0)?;
    let pattern_span = pattern.span();
    let (Value::String { val: pattern, .. } | Value::Glob { val: pattern, .. }) = pattern else {
        return Err(ShellError::IncorrectValue {
            msg: "Incorrect glob pattern supplied to glob. Please use string or glob only.".into(),
            val_span: call.head,
            call_span: pattern_span,
        });
    };
    let pattern = paths::with_home(pattern);
    let depth: Option<usize> = call.get_flag(engine, stack, "depth")?;
    let no_dir = call.has_flag(engine, stack, "no-dir")?;
    let no_file = call.has_flag(engine, stack, "no-file")?;
    let no_symlink = call.has_flag(engine, stack, "no-symlink")?;
    let follow = call.has_flag(engine, stack, "follow-symlinks")?;
    let exclude: Option<Vec<String>> = call.get_flag(engine, stack, "exclude")?;
    if pattern.is_empty() {
        return Err(error(
            "glob pattern must not be empty",
            "glob pattern is empty",
            pattern_span,
        ));
    }
    let bad = |problem: &dyn std::fmt::Display| {
        error("error with glob pattern", problem.to_string(), pattern_span)
    };
    let (prefix, glob) = wax::Glob::new(&pattern)
        .map_err(|problem| bad(&problem))?
        .partition_or_empty();
    let root = nu_path::absolute_with(prefix, paths::current(engine, stack)?)
        .map_err(|problem| error("invalid path", problem.to_string(), pattern_span))?;
    if !root.exists() {
        return Ok(Value::list(Vec::new(), call.head).into_pipeline_data());
    }
    let depth = depth.unwrap_or_else(|| match &pattern {
        pattern if pattern.contains("**") => usize::MAX,
        pattern if pattern.contains('/') => pattern.split('/').count() + 1,
        _ => 1,
    });
    let behavior = WalkBehavior {
        depth: DepthBehavior::Max(DepthMax(depth)),
        link: if follow {
            LinkBehavior::ReadTarget
        } else {
            LinkBehavior::ReadFile
        },
    };
    let exclude = exclude.unwrap_or_default();
    let exclude = exclude.iter().map(|pattern| wax::Glob::new(pattern));
    let exclude = exclude
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| bad(&problem))?;
    let exclude = wax::any(exclude).map_err(|problem| bad(&problem))?;
    let mut found = Vec::new();
    for entry in glob
        .walk_with_behavior(root, behavior)
        .not(exclude)
        .map_err(|problem| bad(&problem))?
        .flatten()
    {
        engine.signals().check(&call.head)?;
        let kind = entry.file_type();
        let unwanted =
            no_dir && kind.is_dir() || no_file && kind.is_file() || no_symlink && kind.is_symlink();
        if !unwanted {
            found.push(Value::string(entry.path().to_string_lossy(), call.head));
        }
    }
    Ok(Value::list(found, call.head).into_pipeline_data())
}
