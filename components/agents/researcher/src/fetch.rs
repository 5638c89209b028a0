//! `fetch`: a page, by the workspace's `curl` under its policy.

use crate::page;
use serde_json::json;
use swarm_flow_agent_loop::{
    Called, End, Line, OUTPUT_CHARS_MAX, Tool, Trouble, Work, cut, denied_words,
};

pub const NAME: &str = "fetch";
const TIMEOUT_MS: u64 = 60_000;

pub fn tool() -> Tool {
    Tool::new(
        NAME,
        "Fetches a page by its URL. Of HTML it gives the text. Redirects are followed as far as the workspace's policy grants them.",
        json!({
            "type": "object",
            "properties": {"url": {"type": "string", "minLength": 8, "maxLength": 2000, "description": "`http://…` or `https://…`."}},
            "required": ["url"],
            "additionalProperties": false
        }),
    )
}

pub fn call(work: &mut Work<'_>, url: &str) -> Called {
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Called::Failed(format!(
            "`url` is `{url}`, must begin with http:// or https://"
        ));
    }
    let seconds = (TIMEOUT_MS / 1000).to_string();
    let argv = [
        "curl",
        "--silent",
        "--show-error",
        "--fail",
        "--location",
        "--globoff",
        "--max-time",
        &seconds,
        "--url",
        url,
    ];
    let line = Line::Plain(argv.map(str::to_owned).to_vec());
    let done = match work.exec(&line.command(TIMEOUT_MS)) {
        Ok(done) => done,
        Err(Trouble::Said(why)) => return Called::Failed(why),
        Err(Trouble::Broken(error)) => return Called::End(End::Workspace(error)),
    };
    if !done.success() {
        let denied = done.denials.iter().map(denied_words);
        let why = std::iter::once(done.stderr_text().trim().to_owned()).chain(denied);
        return Called::Failed(format!(
            "`{url}` was not fetched: {}",
            why.collect::<Vec<_>>().join("\n")
        ));
    }
    match String::from_utf8(done.stdout) {
        Ok(text) => Called::Said(cut(&page::text(&text), OUTPUT_CHARS_MAX)),
        Err(error) => Called::Failed(format!(
            "`{url}` is no text: it has {} bytes",
            error.into_bytes().len()
        )),
    }
}
