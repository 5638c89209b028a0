//! Workspaces by id or name, and their files.

use super::{Client, LARGE_PAGES, Problem};
use anyhow::{Context, Result, bail};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// What there is at a path of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileInfo {
    /// Relative to `/workspace`.
    pub path: String,
    /// `file`, `directory`, `symlink`, `other`.
    pub kind: String,
    pub size_bytes: u64,
    pub modified_at: String,
}

/// The most that one request carries of a file.
const PIECE_BYTES: u64 = swarm_flow_protocol::FILE_BYTES_MAX;

impl Client {
    /// The id of the workspace that is meant by an id or by a name. A name that several have is an error.
    pub async fn workspace_id(&self, meant: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
            name: String,
        }
        if is_id(meant) {
            return Ok(meant.to_owned());
        }
        if !name_is_valid(meant) {
            bail!("`{meant}` is neither the id nor the name of a workspace");
        }
        let all: Vec<Named> = self.list(&["workspaces"], &[LARGE_PAGES]).await?;
        let mut found: Vec<String> = all
            .into_iter()
            .filter(|one| one.name == meant)
            .map(|one| one.id)
            .collect();
        match (found.pop(), found.len()) {
            (Some(id), 0) => Ok(id),
            (Some(last), _) => {
                found.push(last);
                bail!(
                    "several workspaces are named `{meant}`; give one of the ids: {}",
                    found.join(", ")
                )
            }
            (None, _) => bail!(
                "there is no workspace named `{meant}`; `swarm-flow workspace list` shows all"
            ),
        }
    }

    pub async fn write_file(&self, id: &str, path: &str, bytes: Vec<u8>) -> Result<()> {
        let request = self
            .file(Method::PUT, id, path)?
            .header("content-type", "application/octet-stream");
        self.send(request.body(bytes))
            .await
            .with_context(|| format!("write {path}"))
            .map(drop)
    }

    pub async fn remove_file(&self, id: &str, path: &str) -> Result<()> {
        self.send(self.file(Method::DELETE, id, path)?)
            .await
            .with_context(|| format!("remove {path}"))
            .map(drop)
    }

    pub async fn list_files(&self, id: &str, path: &str, recursive: bool) -> Result<Vec<FileInfo>> {
        let mut query = vec![
            LARGE_PAGES,
            ("recursive", if recursive { "true" } else { "false" }),
        ];
        if !path.is_empty() {
            query.push(("path", path));
        }
        let what = if path.is_empty() { "/workspace" } else { path };
        self.list(&["workspaces", id, "files"], &query)
            .await
            .with_context(|| format!("list {what}"))
    }

    /// Gives a file's bytes to `take`, piece by piece, so that a large one is never in memory as a whole.
    pub async fn read_file(
        &self,
        id: &str,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let mut offset = 0;
        loop {
            let range = format!("bytes={offset}-{}", offset + PIECE_BYTES - 1);
            let request = self.file(Method::GET, id, path)?.header(RANGE, range);
            let mut response = match self.send(request).await {
                Ok(response) => response,
                // There is no first byte in an empty file, and none after the last.
                Err(error) if status(&error) == Some(StatusCode::RANGE_NOT_SATISFIABLE) => {
                    return Ok(offset);
                }
                Err(error) => return Err(error.context(format!("read {path}"))),
            };
            let whole = response.status() == StatusCode::OK;
            let total = response
                .headers()
                .get(CONTENT_RANGE)
                .and_then(|value| total(value.to_str().ok()?));
            let before = offset;
            while let Some(piece) = response
                .chunk()
                .await
                .with_context(|| format!("read {path}"))?
            {
                offset += piece.len() as u64;
                take(&piece)?;
            }
            if whole || total.is_none_or(|total| offset >= total) || offset == before {
                return Ok(offset);
            }
        }
    }

    fn file(&self, method: Method, id: &str, path: &str) -> Result<reqwest::RequestBuilder> {
        let mut parts = vec!["workspaces", id, "files"];
        parts.extend(path.split('/'));
        self.request(method, &parts)
    }
}

/// The status of a problem that the server said.
fn status(error: &anyhow::Error) -> Option<StatusCode> {
    error
        .downcast_ref::<Problem>()
        .map(|problem| problem.status)
}

/// The size of the whole, from `bytes 0-9/10`.
fn total(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}

fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("ws_").unwrap_or_default();
    digits.len() == 32
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// 1 to 63 letters, digits, `.`, `_`, `-`; the first is a letter or digit.
pub fn name_is_valid(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_told_apart() {
        assert!(is_id("ws_0198c0ffee0198c0ffee0198c0ffee01"));
        for name in ["ws_0198", "demo", "ws_0198C0FFEE0198C0FFEE0198C0FFEE01", ""] {
            assert!(!is_id(name), "{name}");
        }
        assert!(name_is_valid("demo-1.x_y") && name_is_valid(&"a".repeat(63)));
        for name in ["", "-a", ".a", "a/b", "a b", "größe", &"a".repeat(64)] {
            assert!(!name_is_valid(name), "{name}");
        }
    }

    #[test]
    fn the_size_of_the_whole_is_read() {
        assert_eq!(total("bytes 0-9/10"), Some(10));
        assert_eq!(total("bytes 0-9/*"), None);
    }
}
