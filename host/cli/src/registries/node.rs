//! npm: its registry, and those of scopes. Archives come from the registry's own host.

use super::ask::Question;
use super::pattern::Hosts;
use serde_json::{Map, Value};

pub const QUESTION: Question = &["npm", "config", "list", "--json"];

pub fn hosts(text: &str) -> Hosts {
    let Ok(settings) = serde_json::from_str::<Map<String, Value>>(text) else {
        return Hosts::noting("its configuration is not understood".to_owned());
    };
    let mut hosts = Hosts::default();
    for (name, value) in &settings {
        let scoped = name.starts_with('@') && name.ends_with(":registry");
        if let (true, Some(url)) = (scoped || name == "registry", value.as_str()) {
            hosts.add(url, name);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_and_those_of_scopes_are_found() {
        let text = r#"{"registry": "https://registry.example/npm/", "@own:registry": "http://own.example:4873/",
            "proxy": "http://proxy.example", "json": true, "https-proxy": null}"#;
        let found: Vec<_> = hosts(text).patterns().map(str::to_owned).collect();
        assert_eq!(
            found,
            ["http://own.example:4873", "https://registry.example"]
        );
        assert!(hosts("npm ERR!").is_empty());
    }
}
