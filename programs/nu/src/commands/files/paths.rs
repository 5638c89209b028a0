//! Paths as they are written in a call: relative to the current directory, with `~`, dots and wildcards.

use crate::environment;
use nu_engine::command_prelude::*;
use nu_glob::MatchOptions;
use nu_path::expand_path_with;
use nu_protocol::NuGlob;
use std::path::{Path, PathBuf};

pub type Written = Spanned<NuGlob>;

/// The paths of a call, from the argument `from` on.
pub fn arguments(
    engine: &EngineState,
    stack: &mut Stack,
    call: &Call,
    from: usize,
) -> Result<Vec<Written>, ShellError> {
    let written = call.rest::<Written>(engine, stack, from)?;
    Ok(written.into_iter().map(clean).collect())
}

/// Without colours, and with `~` in place: upstream's crates find no home on this system.
pub fn clean(written: Written) -> Written {
    let span = written.span;
    let item = match written.item.strip_ansi_string_unlikely() {
        NuGlob::Expand(path) => NuGlob::Expand(with_home(path)),
        exact => exact,
    };
    Spanned { item, span }
}

pub fn with_home(path: String) -> String {
    match (path.strip_prefix('~'), environment::home()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home.trim_end_matches('/'))
        }
        _ => path,
    }
}

pub fn current(engine: &EngineState, stack: &Stack) -> Result<PathBuf, ShellError> {
    Ok(engine.cwd(Some(stack))?.into_std_path_buf())
}

/// Where it is, no matter whether something is there.
pub fn absolute(written: &Written, directory: &Path) -> PathBuf {
    expand_path_with(written.item.as_ref(), directory, written.item.is_expand())
}

/// The path in an argument that takes no wildcards.
pub fn plain(path: Spanned<PathBuf>, directory: &Path) -> Spanned<PathBuf> {
    path.map(|path| {
        let path = with_home(path.to_string_lossy().into_owned());
        expand_path_with(path, directory, true)
    })
}

/// What is there, in order. Names that begin with a dot are matched by wildcards only with `hidden`.
pub fn matches(
    engine: &EngineState,
    written: &Written,
    directory: &Path,
    hidden: bool,
) -> Result<Vec<PathBuf>, ShellError> {
    let options = (!hidden).then(|| MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::default()
    });
    let (_, paths) = nu_engine::glob_from(
        written,
        directory,
        written.span,
        options,
        engine.signals().clone(),
    )?;
    let absolute = |path: Result<PathBuf, ShellError>| {
        path.map(|path| expand_path_with(path, directory, written.item.is_expand()))
    };
    paths.map(absolute).collect()
}

pub fn failed(error: std::io::Error, span: Span, path: &Path) -> ShellError {
    IoError::new(error, span, path.to_owned()).into()
}
