//! What was fetched, and that a report names nothing else.

use crate::fetch;
use serde_json::Value;
use std::collections::BTreeSet;
use swarm_flow_agent_loop::{Called, End, Next, READ, Role, Tool, Work, select};

/// The loop's part that is about sources.
#[derive(Default)]
pub struct Researching {
    fetched: BTreeSet<String>,
    told: u32,
}

/// How often a report is given back because of its sources.
const TOLD_MAX: u32 = 2;

impl Researching {
    /// For the result.
    pub fn lines(&self) -> Vec<String> {
        self.fetched
            .iter()
            .map(|url| format!("fetched: {url}"))
            .collect()
    }

    /// What is wrong with the sources of a report.
    fn wrong(&self, report: &str) -> Option<String> {
        let named = urls(report);
        if let Some(url) = named.iter().find(|url| !self.has(url)) {
            return Some(format!("the report names {url}, which was not fetched"));
        }
        let is_denied = named.is_empty() && self.fetched.is_empty();
        (named.is_empty() && !is_denied)
            .then(|| "the report names none of the pages that were fetched".to_owned())
    }

    fn has(&self, url: &str) -> bool {
        let plain = |url: &str| {
            url.split('#')
                .next()
                .unwrap_or(url)
                .trim_end_matches('/')
                .to_owned()
        };
        self.fetched
            .iter()
            .any(|fetched| plain(fetched) == plain(url))
    }
}

impl Role for Researching {
    fn tools(&self) -> Vec<Tool> {
        let mut tools = vec![fetch::tool()];
        tools.extend(select(&READ));
        tools.extend(select(&["write"]));
        tools
    }

    fn call(&mut self, work: &mut Work<'_>, name: &str, arguments: &Value) -> Option<Called> {
        if name != fetch::NAME {
            return None;
        }
        let url = arguments["url"].as_str().unwrap_or_default();
        let came = fetch::call(work, url);
        if matches!(came, Called::Said(_)) {
            self.fetched.insert(url.to_owned());
        }
        Some(came)
    }

    fn stopped(&mut self, _: &mut Work<'_>, said: &str) -> Next {
        match self.wrong(said) {
            None => Next::End(End::Done),
            Some(why) if self.told == TOLD_MAX => Next::End(End::NoAnswer(why)),
            Some(why) => {
                self.told += 1;
                Next::GoOn(format!(
                    "Give the report again: {why}. Fetch what you name, or leave it out."
                ))
            }
        }
    }
}

/// The URLs in a text, without what punctuation follows them.
fn urls(text: &str) -> Vec<String> {
    let starts = text.match_indices("http").map(|(at, _)| at);
    let urls = starts.filter_map(|at| {
        let rest = text.get(at..)?;
        if !(rest.starts_with("http://") || rest.starts_with("https://")) {
            return None;
        }
        let end = rest.find(|char: char| char.is_whitespace() || "<>\"'`[]{}|\\^".contains(char));
        let url = rest.get(..end.unwrap_or(rest.len()))?;
        let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
        // A bracket belongs to a URL that has opened it.
        let url = if url.contains('(') {
            url
        } else {
            url.split(')').next().unwrap_or(url)
        };
        Some(url.to_owned())
    });
    urls.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_found_in_prose() {
        let text = "See [it](https://a.example/x), http://b.example/y_(z). `https://c.example` and <https://d.example/?q=1>; httpd is none.";
        assert_eq!(
            urls(text),
            [
                "https://a.example/x",
                "http://b.example/y_(z)",
                "https://c.example",
                "https://d.example/?q=1"
            ]
        );
    }
}
