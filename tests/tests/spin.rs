//! The app is plain Spin: what it imports Spin offers, what its manifest says Spin understands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use std::collections::BTreeSet;
use swarm_flow_tests::artefact::{component, root};
use wit_parser::{Resolve, WorldItem, decoding::DecodedWasm};

/// The instances that a component imports, without their versions' last part: `wasi:http/types@0.2`.
fn imports(name: &str) -> BTreeSet<String> {
    let bytes = std::fs::read(component(name)).unwrap();
    let decoded = wit_parser::decoding::decode(&bytes).unwrap();
    let DecodedWasm::Component(resolve, world) = decoded else {
        panic!("{name} is no component")
    };
    names(&resolve, &resolve.worlds[world].imports)
}

fn names<'a>(
    resolve: &Resolve,
    items: impl IntoIterator<Item = (&'a wit_parser::WorldKey, &'a WorldItem)>,
) -> BTreeSet<String> {
    let names = items.into_iter().filter_map(|(_, item)| match item {
        WorldItem::Interface { id, .. } => resolve.id_of(*id),
        _ => None,
    });
    // wasi 0.2.x is compatible within 0.2.
    names
        .map(|name| {
            if name.starts_with("wasi:") {
                minor(&name)
            } else {
                name
            }
        })
        .collect()
}

fn minor(name: &str) -> String {
    match name.split_once('@') {
        Some((interface, version)) if !version.contains('-') => {
            let parts: Vec<&str> = version.split('.').take(2).collect();
            format!("{interface}@{}", parts.join("."))
        }
        _ => name.to_owned(),
    }
}

fn offered() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).unwrap();
    let world = resolve.packages[package].worlds["app-component"];
    names(&resolve, &resolve.worlds[world].imports)
}

#[test]
fn the_app_imports_nothing_that_spin_lacks() {
    let offered = offered();
    assert!(
        offered.contains("fermyon:spin/sqlite@2.0.0")
            && offered.contains("wasi:http/outgoing-handler@0.2"),
        "{offered:?}"
    );
    let platform = imports("platform");
    assert!(
        platform.is_subset(&offered),
        "{:?}",
        platform.difference(&offered)
    );
    // The gateway's other imports are what `platform` satisfies.
    let gateway = imports("gateway");
    let rest: Vec<&String> = gateway.difference(&offered).collect();
    assert!(
        rest.iter().all(|name| name.starts_with("swarm-flow:core/")),
        "{rest:?}"
    );
}

#[test]
fn an_agent_imports_only_its_tools() {
    let wasi: BTreeSet<String> = offered()
        .into_iter()
        .filter(|name| name.starts_with("wasi:"))
        .collect();
    let script = imports("script");
    let others: Vec<&String> = script.difference(&wasi).collect();
    assert_eq!(
        others,
        [
            "swarm-flow:core/delegation@2.0.0",
            "swarm-flow:core/inputs@2.0.0",
            "swarm-flow:core/tools@2.0.0",
            "swarm-flow:core/types@2.0.0"
        ]
    );
    assert!(
        !script
            .iter()
            .any(|name| name.starts_with("wasi:http") || name.starts_with("wasi:sockets")),
        "{script:?}"
    );
}
