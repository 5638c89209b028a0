//! pip and uv. Where pip is not told which index to use, it says which one it comes with, and where that keeps its files.

use super::ask::{Answer, Question};
use super::client::{Places, folder};
use super::pattern::Hosts;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

pub const PIP_QUESTION: Question = &["python3", "-m", "pip", "config", "list"];
pub const PIP_DEFAULT_QUESTION: Question = &[
    "python3",
    "-c",
    "from pip._internal.models.index import PyPI\nprint(PyPI.simple_url)\nprint('https://' + PyPI.file_storage_domain)",
];
pub const UV_QUESTION: Question = &["uv", "--version"];

/// Lines such as `global.extra-index-url='https://a https://b'`; `default` is what pip comes with.
pub fn pip(text: &str, default: &Answer) -> Hosts {
    let mut hosts = Hosts::default();
    let mut configured = false;
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let setting = key.rsplit('.').next().unwrap_or_default();
        configured |= matches!(setting, "index-url" | "no-index");
        if matches!(setting, "index-url" | "extra-index-url" | "find-links") {
            for url in value.replace("\\n", " ").split([' ', '\'', '"']) {
                hosts.add(url, setting);
            }
        }
    }
    match default {
        _ if configured => {
            if !hosts.is_empty() {
                hosts.note("an index may keep its files on another host; add that if it does");
            }
        }
        Answer::Said(text) => {
            for url in text.lines() {
                hosts.add(url, "what it comes with");
            }
        }
        _ => hosts.note("does not say which index it comes with"),
    }
    hosts
}

/// From its variables and its files.
pub fn uv(places: &Places) -> Hosts {
    let mut hosts = Hosts::default();
    for name in [
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
    ] {
        let value = (places.variable)(name).unwrap_or_default();
        for entry in value.split([' ', ',', '\n']) {
            hosts.add(after_name(entry), name);
        }
    }
    for path in files(places) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        match text.parse::<Table>() {
            Ok(table) => settings(&table, &path, &mut hosts),
            Err(_) => hosts.note(format!("{} is not understood", path.display())),
        }
    }
    if hosts.is_empty() {
        hosts.note("has no index configured, and does not say which one it comes with; pip's serves it too");
    }
    hosts
}

/// An index may be written `name=URL`.
fn after_name(entry: &str) -> &str {
    match entry.split_once('=') {
        Some((name, url)) if !name.contains("://") => url,
        _ => entry,
    }
}

fn files(places: &Places) -> Vec<PathBuf> {
    match (places.variable)("UV_CONFIG_FILE") {
        Some(file) => vec![file.into()],
        None => vec![
            folder(places, "XDG_CONFIG_HOME", ".config").join("uv/uv.toml"),
            "/etc/uv/uv.toml".into(),
        ],
    }
}

fn settings(table: &Table, path: &Path, hosts: &mut Hosts) {
    let said = |key: &str| format!("{key} in {}", path.display());
    for key in ["index-url", "extra-index-url", "find-links"] {
        match table.get(key) {
            Some(Value::String(url)) => hosts.add(url, &said(key)),
            Some(Value::Array(urls)) => {
                for url in urls.iter().filter_map(Value::as_str) {
                    hosts.add(url, &said(key));
                }
            }
            _ => {}
        }
    }
    let indexes = table.get("index").and_then(Value::as_array);
    for index in indexes.into_iter().flatten() {
        if let Some(url) = index.get("url").and_then(Value::as_str) {
            hosts.add(url, &said("index"));
        }
    }
    if let Some(Value::Table(pip)) = table.get("pip") {
        settings(pip, path, hosts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(hosts: &Hosts) -> String {
        hosts.patterns().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pip_uses_what_it_is_told_and_else_what_it_comes_with() {
        let default =
            Answer::Said("https://index.example/simple\nhttps://files.example\n".to_owned());
        for (text, expected) in [
            ("", "https://index.example https://files.example"),
            (
                ":env:.find-links='/opt/wheels'\nglobal.proxy='http://proxy.example'",
                "https://index.example https://files.example",
            ),
            (
                "global.index-url='https://me:pw@mirror.example/simple'\n",
                "https://mirror.example",
            ),
            (
                "global.extra-index-url='\\nhttps://a.example/x\\nhttp://b.example:81'\n",
                "https://a.example http://b.example:81 https://index.example https://files.example",
            ),
            ("global.no-index='true'\n", ""),
        ] {
            assert_eq!(patterns(&pip(text, &default)), expected, "{text}");
        }
        assert_eq!(patterns(&pip("", &Answer::Failed)), "");
    }

    #[test]
    fn uv_is_configured_by_variables_and_files() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".config/uv/uv.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = "index-url = \"https://a.example/simple\"\n[[index]]\nname = \"own\"\nurl = \"https://b.example\"\n\
                    [pip]\nextra-index-url = [\"https://c.example\"]\n";
        std::fs::write(file, text).unwrap();
        let places = Places {
            home: home.path().to_owned(),
            variable: |name| {
                (name == "UV_INDEX").then(|| "own=https://d.example/x https://e.example".to_owned())
            },
        };
        assert_eq!(
            patterns(&uv(&places)),
            "https://d.example https://e.example https://a.example https://b.example https://c.example"
        );
    }
}
