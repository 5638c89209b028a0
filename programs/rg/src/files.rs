//! The files that are searched, in order of name.

use crate::options::{Options, Type};
use ignore::overrides::OverrideBuilder;
use ignore::types::{Types, TypesBuilder};
use ignore::{Walk, WalkBuilder};
use std::path::{Path, PathBuf};

pub fn types(options: &Options) -> Result<TypesBuilder, ignore::Error> {
    let mut builder = TypesBuilder::new();
    builder.add_defaults();
    for change in &options.types {
        match change {
            Type::Select(name) => _ = builder.select(name),
            Type::Negate(name) => _ = builder.negate(name),
            Type::Add(definition) => builder.add_def(definition)?,
            Type::Clear(name) => _ = builder.clear(name),
        }
    }
    Ok(builder)
}

pub fn walk(options: &Options, paths: &[PathBuf]) -> Result<Walk, ignore::Error> {
    let mut paths = paths.iter();
    let first = paths.next().map_or(Path::new("."), PathBuf::as_path);
    let mut builder = WalkBuilder::new(first);
    paths.for_each(|path| _ = builder.add(path));
    let mut overrides = OverrideBuilder::new(".");
    overrides.case_insensitive(options.globs_ignore_case)?;
    for glob in &options.globs {
        overrides.add(glob)?;
    }
    for file in &options.ignore_files {
        if let Some(error) = builder.add_ignore(file) {
            return Err(error);
        }
    }
    let types: Types = types(options)?.build()?;
    let vcs = !options.no_ignore && !options.no_ignore_vcs;
    builder
        .overrides(overrides.build()?)
        .types(types)
        .hidden(!options.hidden)
        .ignore(!options.no_ignore)
        .parents(!options.no_ignore)
        .git_ignore(vcs)
        .git_exclude(vcs)
        // There is no home with settings for all.
        .git_global(false)
        .follow_links(options.follow)
        .max_depth(options.depth_max)
        .max_filesize(options.file_bytes_max);
    let reverse = options.reverse;
    match options.newest_first {
        Some(newest) => {
            let time = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
            builder.sort_by_file_path(move |one, other| {
                let order = time(one).cmp(&time(other));
                if newest { order.reverse() } else { order }
            });
        }
        None => {
            builder.sort_by_file_name(move |one, other| {
                let order = one.cmp(other);
                if reverse { order.reverse() } else { order }
            });
        }
    }
    Ok(builder.build())
}
