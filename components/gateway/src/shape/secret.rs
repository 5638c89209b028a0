//! Secrets. A value comes in and never goes out.

use crate::bindings::secrets as wit;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::time::rfc3339;

/// `PUT /workspaces/{id}/secrets/{name}`: exactly one of `header` and `variable`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    hosts: Vec<String>,
    header: Option<Header>,
    variable: Option<String>,
    value: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// HTTP has no case here.
    name: String,
    #[serde(default = "whole")]
    format: String,
}

fn whole() -> String {
    "{}".to_owned()
}

impl Put {
    /// Every field that a body can have, for problems.
    pub const FIELDS: &[&str] = &[
        "hosts",
        "header",
        "header.name",
        "header.format",
        "variable",
        "value",
    ];

    /// The binding and the value.
    pub fn into_wit(self) -> Result<(wit::Binding, String), Problem> {
        let placement = match (self.header, self.variable) {
            (Some(header), None) => wit::Placement::Header(wit::Header {
                name: header.name.to_ascii_lowercase(),
                format: header.format,
            }),
            (None, Some(variable)) => wit::Placement::Variable(variable),
            _ => {
                return Err(Problem::invalid(
                    "body",
                    "must have one of `header` and `variable`, which say how the secret gets into requests",
                ));
            }
        };
        let binding = wit::Binding {
            hosts: self.hosts,
            placement,
        };
        Ok((binding, self.value))
    }
}

#[derive(Serialize)]
pub struct Secret {
    name: String,
    hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Header>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<wit::Secret> for Secret {
    fn from(secret: wit::Secret) -> Self {
        let (header, variable) = match secret.binding.placement {
            wit::Placement::Header(wit::Header { name, format }) => {
                (Some(Header { name, format }), None)
            }
            wit::Placement::Variable(name) => (None, Some(name)),
        };
        Self {
            name: secret.name,
            hosts: secret.binding.hosts,
            header,
            variable,
            created_at: rfc3339(secret.created_at_ms),
            updated_at: rfc3339(secret.updated_at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::request;

    fn read(body: &str) -> Result<(wit::Binding, String), Problem> {
        let request = request(&[("content-type", "application/json")], body.as_bytes());
        let put: Put = request.private_json(Put::FIELDS)?;
        put.into_wit()
    }

    #[test]
    fn a_header_or_a_variable_is_taken() {
        let body =
            r#"{"hosts": ["https://a.example"], "header": {"name": "X-Key"}, "value": "hunter22"}"#;
        let (binding, value) = read(body).unwrap();
        assert_eq!((binding.hosts.len(), value.as_str()), (1, "hunter22"));
        let wit::Placement::Header(header) = binding.placement else {
            panic!("not a header");
        };
        assert_eq!(
            (header.name.as_str(), header.format.as_str()),
            ("x-key", "{}")
        );
        let body = r#"{"hosts": [], "variable": "KEY", "value": "hunter22"}"#;
        assert!(matches!(
            read(body).unwrap().0.placement,
            wit::Placement::Variable(_)
        ));
    }

    #[test]
    fn a_body_that_is_wrong_is_refused_without_a_word_of_it() {
        for (body, field) in [
            (r#""hunter22""#, "body"),
            (r#"{"hosts": "hunter22"}"#, "hosts"),
            (r#"{"hosts": [["hunter22"]]}"#, "hosts"),
            (
                r#"{"hosts": [], "variable": "K", "value": 822282228222}"#,
                "value",
            ),
            (
                r#"{"hosts": [], "variable": "K", "value": {"hunter22": 1}}"#,
                "value",
            ),
            (
                r#"{"hosts": [], "variable": "K", "value": "a", "hunter22": 1}"#,
                "body",
            ),
            (
                r#"{"hosts": [], "header": {"hunter22": 1}, "value": "a"}"#,
                "header",
            ),
            (
                r#"{"hosts": [], "header": "hunter22", "value": "a"}"#,
                "header",
            ),
            (
                r#"{"hosts": [], "header": {"name": "x"}, "variable": "K", "value": "hunter22"}"#,
                "body",
            ),
            (r#"{"hosts": [], "value": "hunter22"}"#, "body"),
            (r#"{"hosts": [], "variable": "K"}"#, "value"),
            (r#"{"hosts": [], "variable": "K", "value": "hunter22"#, ""),
            (r#"{"hosts": [], "variable": "K", "value": hunter22}"#, ""),
        ] {
            let problem = read(body).unwrap_err();
            assert_eq!(problem.status, 400, "{body}");
            let said = problem.json("r").to_string();
            assert!(
                !said.contains("unter2") && !said.contains("82228"),
                "{said}"
            );
            let expected = (!field.is_empty()).then(|| field.into());
            assert_eq!(problem.member("field"), expected.as_ref(), "{body}: {said}");
        }
    }
}
