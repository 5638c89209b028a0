//! Which tools a client wants, as the query of the endpoint's address says it.
//!
//! | parameter | what it does |
//! |---|---|
//! | `groups` | groups of tools, separated by commas; `all` for all of them |
//! | `workspace` | the workspace whose programs become tools |
//! | `tools` | these programs, separated by commas; `*` for all that it has |
//!
//! Only these can be called, too: who narrows what a model sees means what it can do.

use super::tool::{TOOLS, Tool};
use crate::problem::Problem;
use crate::request::Request;

#[derive(Debug, Default, PartialEq)]
pub struct Selection {
    groups: Option<Vec<String>>,
    pub programs: Option<Programs>,
}

#[derive(Debug, PartialEq)]
pub struct Programs {
    pub workspace: String,
    /// None: all that there are.
    pub names: Option<Vec<String>>,
}

/// What most tasks need.
const DEFAULT: [&str; 5] = ["exec", "files", "workspaces", "runs", "questions"];

/// How many programs may be named: each is a tool that a model has to read.
const PROGRAMS_MAX: usize = 64;

impl Selection {
    pub fn parse(request: &Request) -> Result<Self, Problem> {
        let query = request.query(&["groups", "workspace", "tools"])?;
        let groups = query.text("groups").map(list);
        for group in groups.iter().flatten() {
            if group != "all" && !TOOLS.iter().any(|tool| tool.group == group) {
                let known = known_groups().join(", ");
                let message = format!("`{group}` is no group; there are all, {known}");
                return Err(Problem::invalid("groups", &message));
            }
        }
        let programs = match (query.text("workspace"), query.text("tools")) {
            (None, None) => None,
            (None, Some(_)) => {
                let message = "needs `workspace`, whose programs these are";
                return Err(Problem::invalid("tools", message));
            }
            (Some(_), None) => {
                let message = "needs `tools`: names of programs, or `*` for all";
                return Err(Problem::invalid("workspace", message));
            }
            (Some(workspace), names) => Some(Programs {
                workspace: workspace.to_owned(),
                names: names.filter(|names| *names != "*").map(list),
            }),
        };
        let named = programs
            .as_ref()
            .and_then(|programs| programs.names.as_ref());
        if named.is_some_and(|names| names.is_empty() || names.len() > PROGRAMS_MAX) {
            let message = format!("must name 1 to {PROGRAMS_MAX} programs");
            return Err(Problem::invalid("tools", &message));
        }
        Ok(Self { groups, programs })
    }

    /// The tools that are neither programs nor unwanted.
    pub fn tools(&self) -> impl Iterator<Item = &'static Tool> {
        TOOLS.iter().filter(|tool| self.has(tool))
    }

    /// Who names programs and no groups wants the programs alone.
    fn has(&self, tool: &Tool) -> bool {
        match &self.groups {
            Some(groups) => groups
                .iter()
                .any(|group| group == "all" || group == tool.group),
            None => self.programs.is_none() && DEFAULT.contains(&tool.group),
        }
    }
}

fn list(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn known_groups() -> Vec<&'static str> {
    let mut known: Vec<_> = TOOLS.iter().map(|tool| tool.group).collect();
    known.dedup();
    known.sort_unstable();
    known.dedup();
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::request;

    fn parse(query: &str) -> Result<Selection, Problem> {
        let mut request = request(&[], b"");
        request.query = query.to_owned();
        Selection::parse(&request)
    }

    fn names(query: &str) -> Vec<&'static str> {
        parse(query)
            .unwrap()
            .tools()
            .map(|tool| tool.name)
            .collect()
    }

    #[test]
    fn groups_are_what_a_client_gets_and_nothing_else() {
        assert!(names("").contains(&"exec"));
        assert!(!names("").contains(&"policy_put"));
        assert_eq!(names("groups=exec"), ["exec"]);
        assert_eq!(names("groups=all").len(), TOOLS.len());
        assert!(names("workspace=ws_1&tools=*").is_empty());
        assert_eq!(names("workspace=ws_1&tools=jq&groups=exec"), ["exec"]);
    }

    #[test]
    fn what_is_no_selection_is_refused_by_field() {
        for (query, field) in [
            ("groups=exec,nothing", "groups"),
            ("tools=jq", "tools"),
            ("workspace=ws_1", "workspace"),
            ("workspace=ws_1&tools=,", "tools"),
            ("group=exec", "group"),
        ] {
            let problem = parse(query).unwrap_err();
            assert_eq!(problem.member("field"), Some(&field.into()), "{query}");
        }
    }
}
