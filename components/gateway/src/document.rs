//! The OpenAPI document and the code say the same.

use crate::api::meta::DOCUMENT;
use crate::problem::CODES;
use crate::route::{Access, ROUTES};
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// Method, path and operation of every route in the document.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let operations = item.as_object().unwrap().clone();
        operations
            .into_iter()
            .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

fn documented(template: &str) -> String {
    template.replace("...}", "}")
}

#[test]
fn every_route_is_documented_and_every_documented_route_is_there() {
    let document = document();
    let written: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routed: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method.to_owned(), documented(route.template)))
        .collect();
    assert_eq!(written, routed);
    assert_eq!(
        routed.len(),
        ROUTES.len(),
        "a route stands in the table twice"
    );
}

#[test]
fn the_documented_token_is_the_one_that_is_asked_for() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let route = ROUTES
            .iter()
            .find(|route| route.method == method && documented(route.template) == path)
            .unwrap();
        let expected = match route.access {
            Access::Open => serde_json::json!([]),
            Access::User => serde_json::json!([{"user": []}]),
            Access::Runner => serde_json::json!([{"runner": []}]),
        };
        assert_eq!(operation["security"], expected, "{method} {path}");
    }
}

#[test]
fn every_code_is_documented() {
    let codes: Vec<_> = CODES.iter().map(|(code, ..)| Value::from(*code)).collect();
    assert_eq!(
        document()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"],
        Value::from(codes)
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        assert!(
            document
                .pointer(reference.strip_prefix('#').unwrap())
                .is_some(),
            "{reference}"
        );
    }
    let operations = operations(&document);
    let names: BTreeSet<_> = operations
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), operations.len());
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            references.extend(
                object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
