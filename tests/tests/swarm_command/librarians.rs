//! `examples/locks-and-messages`, as its README runs it.

use super::*;
use std::collections::BTreeSet;
use swarm_flow_tests::artefact::example;
use swarm_flow_tests::server::fresh;

#[test]
fn librarians_share_the_work_by_messages_and_one_index_by_a_lock() {
    let server = fresh();
    let agent = example("librarian").expect("`cargo xtask build examples` makes it");
    let workspace = server.workspace("base", "standard");
    upload(&server, &workspace, &root().join("docs"), "docs/");
    json_of(&server, &["agent", "add", agent.to_str().unwrap()], "");
    let create = ["swarm", "create", "library", "--agent", "librarian=4"];
    let create: Vec<&str> = create
        .into_iter()
        .chain(["--workspace", &workspace])
        .collect();
    json_of(&server, &create, "");
    let file = root().join("examples/locks-and-messages/index.json");
    let run = json_of(
        &server,
        &["swarm", "run", "library", file.to_str().unwrap()],
        "",
    );
    assert_eq!(states(&run), ["done"; 4], "{run}");

    let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let documents = plan["tasks"][0]["context"]["desk"]["documents"].as_array();
    let documents: BTreeSet<&str> = documents
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut expected = BTreeSet::new();
    for document in &documents {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for heading in text.lines().filter(|line| line.starts_with('#')) {
            let heading = heading.trim_start_matches('#').trim();
            expected.insert(format!("{heading}\t{document}"));
        }
    }
    let (_, index) = server.read(&workspace, "index.txt");
    let index = String::from_utf8(index).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    assert_eq!(
        lines,
        Vec::from_iter(&expected),
        "no line was lost or doubled"
    );
    assert_eq!(
        output(task(&run, "desk")),
        format!(
            "{} headings of {} documents",
            expected.len(),
            documents.len()
        )
    );
    let readers = ["ann", "ben", "cleo"].map(|reader| output(task(&run, reader)));
    let mut read: Vec<&str> = readers.iter().flat_map(|said| said.lines()).collect();
    read.sort_unstable();
    assert_eq!(read, Vec::from_iter(documents), "each was read once");
    let replay = server.post(
        &format!("/runs/{}/replay", run["id"].as_str().unwrap()),
        &json!({}),
    );
    assert_eq!(replay.1["diverged"], 0, "{replay:?}");
}
