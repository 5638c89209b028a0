//! Paths as models write them, as paths of the workspace.

use super::said;
use crate::work::Trouble;

const ROOT: &str = "/workspace";

/// Relative to the workspace: `/workspace/a`, `./a` and `a` are the same. What leaves it is refused: `write` and `edit` have no
/// other folder, and a command can reach what the policy grants.
pub(crate) fn inside(path: &str) -> Result<String, Trouble> {
    let relative = match path.strip_prefix(ROOT) {
        Some("") => "",
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
        _ if path.starts_with('/') => {
            return Err(said(format!(
                "`path` is `{path}`, must be in {ROOT}; `bash` can read elsewhere what the policy grants"
            )));
        }
        _ => path,
    };
    let mut parts = Vec::new();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => {
                return Err(said(format!("`path` is `{path}`, which leaves {ROOT}")));
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The same for a file.
pub(crate) fn file(path: &str) -> Result<String, Trouble> {
    let inside = inside(path)?;
    if inside.is_empty() {
        return Err(said(format!(
            "`path` is `{path}`, which is the workspace and no file"
        )));
    }
    Ok(inside)
}

/// As commands see it.
pub(crate) fn absolute(path: &str) -> Result<String, Trouble> {
    let inside = inside(path)?;
    Ok(if inside.is_empty() {
        ROOT.to_owned()
    } else {
        format!("{ROOT}/{inside}")
    })
}
