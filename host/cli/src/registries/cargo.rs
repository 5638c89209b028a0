//! Cargo, which cannot be asked: its files are read. The registry that it comes with is known by the index that it keeps, and
//! an index says where its archives are.

use super::client::{Client, Places, folder};
use super::pattern::{Hosts, pattern};
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A source may be replaced by one that is replaced.
const REPLACED_MAX: usize = 10;
/// After the host in the name of an index.
const HASH_CHARS: usize = 16;

pub fn client(places: &Places) -> Client {
    let own = folder(places, "CARGO_HOME", ".cargo");
    if !own.is_dir() {
        return Hosts::noting("is not installed".to_owned()).of("cargo");
    }
    let mut hosts = Hosts::default();
    let configurations = configurations(places, &own, &mut hosts);
    for configuration in &configurations {
        registries(configuration, &mut hosts);
    }
    let replaced = replaced(&configurations, &mut hosts);
    indexes(&own, replaced, &mut hosts);
    hosts.of("cargo")
}

/// From the user's own folder upwards, as cargo reads them there; what comes first counts.
fn configurations(places: &Places, own: &Path, hosts: &mut Hosts) -> Vec<Table> {
    let above = places.home.ancestors().map(|folder| folder.join(".cargo"));
    let mut folders: Vec<PathBuf> = above.collect();
    if !folders.iter().any(|folder| folder == own) {
        folders.push(own.to_owned());
    }
    let mut configurations = Vec::new();
    for path in folders
        .iter()
        .flat_map(|folder| [folder.join("config.toml"), folder.join("config")])
    {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        match text.parse() {
            Ok(table) => configurations.push(table),
            Err(_) => hosts.note(format!("{} is not understood", path.display())),
        }
    }
    configurations
}

fn registries(configuration: &Table, hosts: &mut Hosts) {
    let registries = configuration.get("registries").and_then(Value::as_table);
    for (name, registry) in registries.into_iter().flatten() {
        if let Some(index) = registry.get("index").and_then(Value::as_str) {
            hosts.add(index, &format!("registries.{name}"));
        }
    }
}

/// Whether the registry that cargo comes with is replaced by another source.
fn replaced(configurations: &[Table], hosts: &mut Hosts) -> bool {
    let setting = |name: &str, key: &str| {
        configurations.iter().find_map(|configuration| {
            let source = configuration.get("source")?.get(name)?;
            source.get(key)?.as_str().map(str::to_owned)
        })
    };
    let mut name = "crates-io".to_owned();
    let mut replaced = false;
    for _ in 0..REPLACED_MAX {
        let Some(other) = setting(&name, "replace-with") else {
            break;
        };
        (name, replaced) = (other, true);
    }
    if let Some(url) = setting(&name, "registry") {
        hosts.add(&url, &format!("source.{name}"));
    }
    replaced
}

/// The indexes that cargo keeps: all, or where its own registry is replaced, those of hosts that are configured.
fn indexes(own: &Path, replaced: bool, hosts: &mut Hosts) {
    let Ok(folders) = fs::read_dir(own.join("registry/index")) else {
        return;
    };
    let mut folders: Vec<_> = folders.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let configured: Vec<String> = hosts
        .patterns()
        .filter_map(name)
        .map(str::to_owned)
        .collect();
    for folder in folders {
        let Some(host) = folder.file_name().and_then(|name| host(name.to_str()?)) else {
            continue;
        };
        let is_configured = configured.iter().any(|name| name == host);
        if replaced && !is_configured {
            continue;
        }
        if !is_configured {
            hosts.add(&format!("https://{host}"), "an index that it keeps");
        }
        if let Some(archives) = archives(&folder) {
            hosts.add(&archives, "where that index has its archives");
        }
    }
}

/// `host-0123456789abcdef`.
fn host(folder: &str) -> Option<&str> {
    let (host, hash) = folder.rsplit_once('-')?;
    let is_hash = hash.len() == HASH_CHARS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(host)
}

/// The host of a pattern, without its port.
fn name(pattern: &str) -> Option<&str> {
    let (_, authority) = pattern.split_once("://")?;
    Some(match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    })
}

fn archives(index: &Path) -> Option<String> {
    let text = fs::read_to_string(index.join("config.json")).ok()?;
    let said: Json = serde_json::from_str(&text).ok()?;
    pattern(said.get("dl")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(configuration: &str, indexes: &[(&str, &str)]) -> String {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join(".cargo");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("config.toml"), configuration).unwrap();
        for (name, archives) in indexes {
            let index = own.join("registry/index").join(name);
            fs::create_dir_all(&index).unwrap();
            let said = format!(r#"{{"dl": "{archives}", "api": "https://api.example"}}"#);
            fs::write(index.join("config.json"), said).unwrap();
        }
        let places = Places {
            home: home.path().to_owned(),
            variable: |_| None,
        };
        let client = client(&places);
        let patterns: Vec<_> = client
            .found
            .iter()
            .map(|found| found.pattern.as_str())
            .collect();
        patterns.join(" ")
    }

    #[test]
    fn what_cargo_comes_with_is_known_by_its_index() {
        let index = (
            "index.example-0123456789abcdef",
            "https://archives.example/crates",
        );
        assert_eq!(
            found("", &[index]),
            "https://index.example https://archives.example"
        );
        assert_eq!(found("", &[("notes", "https://other.example")]), "");
    }

    #[test]
    fn a_mirror_takes_the_place_of_what_cargo_comes_with() {
        let old = (
            "index.example-0123456789abcdef",
            "https://archives.example/crates",
        );
        let mirrored = (
            "mirror.example-0123456789abcdef",
            "https://files.mirror.example/{crate}",
        );
        let configuration = "[source.crates-io]\nreplace-with = \"near\"\n[source.near]\nreplace-with = \"mirror\"\n\
            [source.mirror]\nregistry = \"sparse+http://mirror.example:8080/index/\"\n\
            [registries.own]\nindex = \"sparse+https://own.example/index/\"\n";
        assert_eq!(
            found(configuration, &[old, mirrored]),
            "https://own.example http://mirror.example:8080 https://files.mirror.example"
        );
        let vendored = "[source.crates-io]\nreplace-with = \"vendor\"\n[source.vendor]\ndirectory = \"vendor\"\n";
        assert_eq!(found(vendored, &[old]), "");
    }
}
