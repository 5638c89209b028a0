//! Files between this machine and a workspace.
//!
//! | here | there |
//! |---|---|
//! | file | file |
//! | folder | directory, when a file is below it; the API has no empty ones |
//! | symbolic link | left out, counted: what it points to may be outside |
//! | anything else | left out, counted |
//!
//! What comes back has names that untrusted code chose: a path that would lead out of its destination is refused,
//! and no link is made here.

mod local;
mod remote;

pub use local::{Found, collect};
pub use remote::{Downloaded, download};

use crate::client::Client;
use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Requests at once.
const CONCURRENCY: usize = 8;

/// A file here and its path in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub source: PathBuf,
    pub destination: String,
    pub size_bytes: u64,
}

/// Writes all files into the workspace. Gives back how many bytes they have.
pub async fn upload(client: &Client, id: &str, uploads: &[Upload]) -> Result<u64> {
    let bar = progress("uploading", uploads.len() as u64);
    let sizes = stream::iter(uploads).map(|upload| {
        let bar = bar.clone();
        async move {
            let path = upload.source.display();
            let bytes = std::fs::read(&upload.source).with_context(|| format!("read {path}"))?;
            let size_bytes = bytes.len() as u64;
            client
                .write_file(id, &upload.destination, bytes)
                .await
                .with_context(|| format!("upload {path}"))?;
            bar.inc(1);
            anyhow::Ok(size_bytes)
        }
    });
    let total = sizes
        .buffer_unordered(CONCURRENCY)
        .try_fold(0, |sum, size| async move { Ok(sum + size) })
        .await;
    bar.finish_and_clear();
    total
}

/// A bar on standard error; none when that is no terminal.
fn progress(what: &str, files: u64) -> ProgressBar {
    let bar = ProgressBar::new(files).with_message(what.to_owned());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} files, {elapsed}");
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
