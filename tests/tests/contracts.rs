//! The contracts in `wit/`: they parse, every item says what it is, and what is vendored is what its source has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use swarm_flow_tests::artefact::root;
use wit_parser::{PackageId, Resolve};

fn contracts() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).unwrap();
    (resolve, package)
}

#[test]
fn the_package_has_the_interfaces_that_others_build_on() {
    let (resolve, package) = contracts();
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), "swarm-flow:core@2.0.0");
    for name in [
        "types",
        "policy",
        "workspace",
        "runners",
        "events",
        "agent",
        "tools",
        "swarm",
        "work",
    ] {
        assert!(package.interfaces.contains_key(name), "{name}");
    }
}

#[test]
fn every_interface_and_type_is_documented() {
    let (resolve, package) = contracts();
    let mut undocumented = BTreeSet::new();
    for (name, id) in &resolve.packages[package].interfaces {
        let interface = &resolve.interfaces[*id];
        if interface.docs.contents.is_none() {
            undocumented.insert(name.clone());
        }
        for (type_name, type_id) in &interface.types {
            let definition = &resolve.types[*type_id];
            let used_from_elsewhere = matches!(definition.kind, wit_parser::TypeDefKind::Type(_));
            if definition.docs.contents.is_none() && !used_from_elsewhere {
                undocumented.insert(format!("{name}.{type_name}"));
            }
        }
    }
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

/// The package that agents are written with has its own copy, because it is published without the rest.
#[test]
fn what_agents_are_built_with_is_what_runners_have() {
    let copies = root().join("sdk/agent/wit");
    for copy in wit_files(&copies) {
        let name = copy.file_name().unwrap();
        if name != "world.wit" {
            let ours = std::fs::read_to_string(root().join("wit").join(name)).unwrap();
            let drifted = std::fs::read_to_string(&copy).unwrap() != ours;
            assert!(
                !drifted,
                "{} has drifted; `cargo xtask wit` brings it back",
                copy.display()
            );
        }
    }
    let (ours, package) = contracts();
    let mut theirs = Resolve::default();
    // That it can be read alone says that nothing is missing in it.
    let (copied, _) = theirs.push_dir(&copies).unwrap();
    let world = |resolve: &Resolve, package: PackageId| {
        let world = resolve.packages[package].worlds["agent-component"];
        let world = &resolve.worlds[world];
        let names = |items: Vec<_>| -> BTreeSet<String> {
            items
                .into_iter()
                .map(|key| resolve.name_world_key(key))
                .collect()
        };
        (
            names(world.imports.keys().collect()),
            names(world.exports.keys().collect()),
        )
    };
    assert_eq!(
        world(&theirs, copied),
        world(&ours, package),
        "an import of agents is missing in the package; name its file in xtask/src/wit.rs and run `cargo xtask wit`"
    );
}

/// Where a vendored file comes from: a crate and a folder in it.
const SOURCES: [(&str, &str, &str); 3] = [
    (".", "wasmtime-wasi-http", "wit/deps"),
    (
        "wasi-config",
        "spin-sdk",
        "wit/deps/wasi-runtime-config-2024-09-27",
    ),
    ("fermyon-spin", "spin-sdk", "wit/deps/spin@2.0.0"),
];

/// Ours: the package's name alone, because its source's world names more than we use.
const OWN: &str = "fermyon-spin/package.wit";

#[test]
fn what_is_vendored_is_what_its_source_has() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap();
    let deps = root().join("wit/deps");
    let mut compared = 0;
    for (folder, package, within) in SOURCES {
        let package = metadata
            .packages
            .iter()
            .find(|found| found.name.as_str() == package)
            .unwrap();
        let source = package.manifest_path.parent().unwrap().join(within);
        for vendored in wit_files(&deps.join(folder)) {
            let name = vendored.file_name().unwrap();
            if vendored.ends_with(OWN) {
                continue;
            }
            let original = std::fs::read_to_string(source.as_std_path().join(name)).unwrap();
            let vendored_text = std::fs::read_to_string(&vendored).unwrap();
            assert_eq!(
                vendored_text,
                original,
                "{} has drifted; `cargo xtask wit` brings it back",
                vendored.display()
            );
            compared += 1;
        }
    }
    assert!(compared >= 10, "only {compared} files compared");
}

fn wit_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .collect()
}
