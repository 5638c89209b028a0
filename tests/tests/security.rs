//! `attacks.toml` is true: each attack has its test and its twin, each guest is in a test, and `docs/security.md` shows the
//! attacks that there are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use swarm_flow_tests::artefact;
use toml::{Table, Value};

const START: &str = "<!-- attacks: written by SWARM_FLOW_BLESS=1 cargo test --test security -->";
const END: &str = "<!-- end of attacks -->";
/// The twin is in the test of the attack itself.
const SAME: &str = "same test";

struct Attack {
    name: String,
    promise: String,
    test: String,
    twin: String,
}

/// The promises by their order, each with its sentence, and the attacks.
fn attacks() -> (Vec<(String, String)>, Vec<Attack>) {
    let text = read("tests/attacks.toml");
    let table: Table = text.parse().unwrap();
    let known = ["promise", "attack"];
    assert!(table.keys().all(|key| known.contains(&key.as_str())));
    let promises = entries(&table, "promise", &["id", "says"])
        .map(|mut entry| (taken(&mut entry, "id"), taken(&mut entry, "says")))
        .collect();
    let attacks = entries(&table, "attack", &["name", "promise", "test", "twin"])
        .map(|mut entry| Attack {
            name: taken(&mut entry, "name"),
            promise: taken(&mut entry, "promise"),
            test: taken(&mut entry, "test"),
            twin: taken(&mut entry, "twin"),
        })
        .collect();
    (promises, attacks)
}

/// The tables of a list, each with these fields and no others.
fn entries(table: &Table, list: &str, fields: &[&str]) -> impl Iterator<Item = Table> {
    let tables = table[list].as_array().unwrap().iter();
    let tables = tables.map(|entry| entry.as_table().unwrap().clone());
    tables.inspect(move |entry| {
        let found: Vec<_> = entry.keys().map(String::as_str).collect();
        let expected: BTreeSet<_> = fields.iter().copied().collect();
        assert_eq!(
            found.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "{entry}"
        );
    })
}

fn taken(entry: &mut Table, field: &str) -> String {
    match entry.remove(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => text,
        other => panic!("`{field}` is {other:?}"),
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(artefact::root().join(path))
        .unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

#[test]
fn every_attack_has_its_test_and_its_twin() {
    let (promises, attacks) = attacks();
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for attack in &attacks {
        if !names.insert(&attack.name) {
            wrong.push(format!("{:?} is there twice", attack.name));
        }
        if !promises.iter().any(|(id, _)| *id == attack.promise) {
            wrong.push(format!(
                "{:?} attacks no promise: {:?}",
                attack.name, attack.promise
            ));
        }
        for test in [&attack.test, &attack.twin] {
            if test != SAME && !is_test(test) {
                wrong.push(format!("{:?} has no test {test}", attack.name));
            }
        }
        if attack.test == attack.twin {
            wrong.push(format!("{:?}: such a twin is {SAME:?}", attack.name));
        }
    }
    for (id, _) in &promises {
        if !attacks.iter().any(|attack| attack.promise == *id) {
            wrong.push(format!("nothing attacks the promise {id:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether `FILE::FUNCTION` is a test: an attribute with `test` in it stands above the function, or, for a generated one,
/// the macro around it.
fn is_test(place: &str) -> bool {
    let Some((file, function)) = place.split_once("::") else {
        return false;
    };
    let Ok(text) = std::fs::read_to_string(artefact::root().join(file)) else {
        return false;
    };
    let lines: Vec<_> = text.lines().collect();
    lines.iter().enumerate().any(|(index, line)| {
        let found = line
            .trim_start()
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(function))
            .is_some_and(|rest| rest.starts_with('('));
        let mut above = lines[..index].iter().rev().map(|line| line.trim_start());
        let mut attributes = above
            .by_ref()
            .take_while(|line| line.starts_with('#') || line.starts_with("//"));
        found
            && attributes
                .any(|line| line.starts_with("#[test") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_guest_is_in_a_test() {
    let root = artefact::root();
    // What is measured is run as well.
    let users = ["tests/tests", "tests/src"].map(|folder| files(&root.join(folder)));
    let texts = users.iter().flatten().map(std::fs::read_to_string);
    let tests: String = texts.map(Result::unwrap_or_default).collect();
    // A program of its own, or a file of its own.
    let guests = files(&root.join("tests/guests"));
    let guests = guests.iter().filter(|path| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        kind == Some("wat") || (kind == Some("rs") && path.parent().unwrap().ends_with("bin"))
    });
    let mut count = 0;
    for path in guests {
        let name = path.file_stem().unwrap().to_str().unwrap();
        // Alone, or as a part of what a command line is given.
        let named = ["\"", "[\"", "=\""]
            .iter()
            .any(|before| tests.contains(&format!("{before}{name}\"")));
        assert!(named, "the guest `{name}` is in no test");
        count += 1;
    }
    assert!(count > 20, "{count} guests were found");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_security_page_shows_every_attack() {
    let path = artefact::root().join("docs/security.md");
    let page = read("docs/security.md");
    let (before, rest) = page.split_once(START).expect("where the attacks begin");
    let (_, after) = rest.split_once(END).expect("where the attacks end");
    let expected = format!("{before}{START}\n\n{}\n{END}{after}", table());
    if page == expected {
        return;
    }
    if std::env::var_os("SWARM_FLOW_BLESS").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    panic!(
        "docs/security.md does not show what tests/attacks.toml says; `SWARM_FLOW_BLESS=1` writes it"
    );
}

/// A heading for each promise, and its attacks.
fn table() -> String {
    let (promises, attacks) = attacks();
    let mut text = format!(
        "{} attacks on {} promises.\n",
        attacks.len(),
        promises.len()
    );
    for (id, says) in &promises {
        let of_it = attacks.iter().filter(|attack| attack.promise == *id);
        write!(
            text,
            "\n### {id}\n\n{says}\n\n| attack | test | granted twin |\n|---|---|---|\n"
        )
        .unwrap();
        for attack in of_it {
            let (name, test) = (attack.name.replace('|', "\\|"), link(&attack.test));
            writeln!(text, "| {name} | {test} | {} |", link(&attack.twin)).unwrap();
        }
    }
    text
}

/// The name of a test, which is a sentence, with its file behind it.
fn link(place: &str) -> String {
    match place.split_once("::") {
        Some((file, function)) => format!("[{}](../{file})", function.replace('_', " ")),
        None => place.to_owned(),
    }
}
