//! The table of tools, which the build makes of `tools.toml` and `openapi.json`.

/// A tool, and the route that it stands for.
pub struct Tool {
    pub name: &'static str,
    pub group: &'static str,
    pub method: &'static str,
    /// The path, as `openapi.json` has it.
    pub template: &'static str,
    /// The arguments that stand in the path, in order.
    pub path: &'static [&'static str],
    pub query: &'static [&'static str],
    /// The arguments that are headers, and which.
    pub headers: &'static [(&'static str, &'static str)],
    pub body: Body,
    /// What is true when an answer is empty.
    pub done: Option<&'static str>,
    /// `Tool` of the protocol, as JSON.
    pub definition: &'static str,
}

pub enum Body {
    None,
    Fields(&'static [&'static str]),
    /// The one argument that is all of it.
    Whole(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/tools.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::ROUTES;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_tool_has_a_route_and_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for tool in TOOLS {
            assert!(names.insert(tool.name), "{} is there twice", tool.name);
            let found = ROUTES.iter().any(|route| {
                route.method == tool.method && route.template.replace("...}", "}") == tool.template
            });
            assert!(found, "{}: {} {}", tool.name, tool.method, tool.template);
        }
    }

    #[test]
    fn every_tool_says_what_it_takes_gives_and_does() {
        for tool in TOOLS {
            let definition: Value = serde_json::from_str(tool.definition).unwrap();
            assert_eq!(definition["name"], tool.name);
            for text in ["title", "description"] {
                assert!(
                    !definition[text].as_str().unwrap().is_empty(),
                    "{}",
                    tool.name
                );
            }
            for schema in ["inputSchema", "outputSchema"] {
                assert_eq!(definition[schema]["type"], "object", "{}", tool.name);
            }
            let known = definition["inputSchema"]["properties"].as_object().unwrap();
            for argument in tool.path {
                assert!(known.contains_key(*argument), "{}: {argument}", tool.name);
            }
            assert!(definition["annotations"]["readOnlyHint"].is_boolean());
            // Nothing refers to what is not in the list.
            assert!(!tool.definition.contains("$ref"), "{}", tool.name);
        }
    }

    #[test]
    fn the_list_that_a_model_reads_is_small() {
        let tokens = |groups: &[&str]| -> usize {
            let chosen = TOOLS.iter().filter(|tool| groups.contains(&tool.group));
            chosen.map(|tool| tool.definition.len()).sum::<usize>() / 4
        };
        let default = tokens(&["exec", "files", "workspaces", "runs", "questions"]);
        assert!(default < 6500, "{default} tokens");
        let all: BTreeSet<_> = TOOLS.iter().map(|tool| tool.group).collect();
        let all = tokens(&all.into_iter().collect::<Vec<_>>());
        assert!(all < 14_000, "{all} tokens");
    }
}
