use super::*;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use swarm_flow_agent::tools::Denial;
use swarm_flow_agent_loop::schema;
use swarm_flow_agent_loop::scripted::{Folder, Scripted, says, uses};

/// Serves a page at `/page`, and 404 elsewhere.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 2048];
            let size = stream.read(&mut asked).unwrap();
            let (status, body) = if asked[..size].starts_with(b"GET /page ") {
                ("200 OK", "<html><p>Tigers are <b>striped</b>.</p></html>")
            } else {
                ("404 Not Found", "")
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

fn task(context: &Value) -> Task {
    Task {
        id: "t".to_owned(),
        description: "what do tigers look like?".to_owned(),
        requirements: vec!["research".to_owned()],
        context: Some(context.to_string()),
    }
}

#[test]
fn a_report_names_what_was_fetched_and_nothing_else() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(schema::unknown_keywords(&schema), Vec::<String>::new());
    let page = format!("{}/page", site());
    let model = Scripted::new([
        uses("fetch", json!({"url": page})),
        uses("write", json!({"path": "notes.md", "content": "striped"})),
        says("Striped [https://made.up/tigers]."),
        says("Striped. I am sure."),
        says(&format!("Striped [{page}].\n\nSources:\n- {page}#look")),
    ]);
    let folder = Folder::new(&[]);
    let result = execute(&model, &folder, &task(&json!({"sources": [page]}))).unwrap();
    assert!(result.success, "{}", result.output);
    assert!(
        result.output.starts_with("Striped [")
            && result.output.contains(&format!("fetched: {page}\n")),
        "{}",
        result.output
    );
    assert_eq!(result.artifacts, ["notes.md"]);
    let asked = model.asked();
    assert!(
        asked[0]
            .last()
            .ends_with(&format!("Begin with these:\n{page}"))
    );
    assert_eq!(asked[1].last(), "Tigers are striped.");
    assert!(
        asked[3]
            .last()
            .contains("the report names https://made.up/tigers, which was not fetched")
    );
    assert!(
        asked[4]
            .last()
            .contains("names none of the pages that were fetched")
    );
}

#[test]
fn a_report_that_goes_on_naming_what_was_not_fetched_fails() {
    let made_up = || says("See https://made.up.");
    let model = Scripted::new([made_up(), made_up(), made_up()]);
    let result = execute(&model, &Folder::new(&[]), &task(&json!({}))).unwrap();
    assert!(
        !result.success
            && result
                .output
                .contains("ended: no-answer, the report names https://made.up, which"),
        "{}",
        result.output
    );
}

#[test]
fn a_host_that_is_not_granted_is_denied_and_shown() {
    let mut folder = Folder::new(&[]);
    let rule = "add \"http://127.0.0.1\" to network.public".to_owned();
    folder.denied = Some((
        "/none",
        Denial {
            capability: "http".to_owned(),
            resource: "127.0.0.1".to_owned(),
            rule,
        },
    ));
    let none = format!("{}/none", site());
    let model = Scripted::new([
        uses("fetch", json!({"url": none})),
        uses("fetch", json!({"url": "file:///etc/passwd"})),
        says("The page could not be had."),
    ]);
    let result = execute(&model, &folder, &task(&json!({}))).unwrap();
    assert!(
        result.success && result.output.contains("denied: http on `127.0.0.1`: add"),
        "{}",
        result.output
    );
    let asked = model.asked();
    assert!(
        asked[1].last().contains("was not fetched")
            && asked[1].last().contains("denied by the policy"),
        "{}",
        asked[1].last()
    );
    assert!(
        asked[2]
            .last()
            .contains("must begin with http:// or https://")
    );
}
