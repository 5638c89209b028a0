//! Whether JSON is as a schema says: the part of JSON Schema that the schemas of shipped agents and their tools use.
//!
//! | keyword | form |
//! |---|---|
//! | `type` | one or several |
//! | `enum` | |
//! | `properties`, `required`, `additionalProperties` | `false`, or a schema |
//! | `items`, `minItems`, `maxItems` | one schema for all items |
//! | `minLength`, `maxLength` | in characters |
//! | `minimum`, `maximum` | |
//!
//! A complete validator is 2.6 MB of WebAssembly in each agent, and does not name fields as the rest of the platform does.

use serde_json::{Map, Value};

/// Says what is wrong with which field. A `null` for a field that is not required is as none: some models write it so.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    at("", schema, value)
}

/// The keywords of a schema that [`check`] does not know. A test of each agent holds its schemas against this.
#[must_use]
pub fn unknown_keywords(schema: &Value) -> Vec<String> {
    const KNOWN: [&str; 18] = [
        "$schema",
        "additionalProperties",
        "default",
        "description",
        "enum",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "properties",
        "required",
        "title",
        "type",
        "examples",
        "$comment",
    ];
    let Value::Object(fields) = schema else {
        return Vec::new();
    };
    let mut unknown: Vec<String> = fields
        .keys()
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .cloned()
        .collect();
    let properties = fields.get("properties").and_then(Value::as_object);
    let inner = properties.into_iter().flat_map(Map::values);
    let inner = inner
        .chain(fields.get("items"))
        .chain(fields.get("additionalProperties"));
    unknown.extend(inner.flat_map(unknown_keywords));
    unknown
}

fn at(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    kind(path, schema, value)?;
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        return Err(format!(
            "{} is {value}, must be one of {}",
            named(path),
            allowed.join(", ")
        ));
    }
    match value {
        Value::Object(fields) => object(path, schema, fields),
        Value::Array(items) => array(path, schema, items),
        Value::String(text) => range(path, schema, "Length", text.chars().count(), "characters"),
        Value::Number(number) => number_range(path, schema, number.as_f64().unwrap_or_default()),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn kind(path: &str, schema: &Value, value: &Value) -> Result<(), String> {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    };
    if kinds.iter().any(is) {
        return Ok(());
    }
    let shown = crate::cut::line(&value.to_string(), 60);
    Err(format!(
        "{} is {shown}, must be {}",
        named(path),
        kinds.join(" or ")
    ))
}

fn object(path: &str, schema: &Value, fields: &Map<String, Value>) -> Result<(), String> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let inside = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    for name in &required {
        if !fields.contains_key(*name) {
            return Err(format!("{} is missing", named(&inside(name))));
        }
    }
    let properties = schema["properties"].as_object();
    for (name, value) in fields {
        let known = properties.and_then(|properties| properties.get(name));
        match (known, &schema["additionalProperties"]) {
            (Some(_), _) if value.is_null() && !required.contains(&name.as_str()) => {}
            (Some(known), _) => at(&inside(name), known, value)?,
            (None, Value::Bool(false)) => {
                let known: Vec<String> = properties
                    .into_iter()
                    .flat_map(Map::keys)
                    .map(|name| format!("`{name}`"))
                    .collect();
                return Err(format!(
                    "{} is not a field; there are {}",
                    named(&inside(name)),
                    known.join(", ")
                ));
            }
            (None, other @ Value::Object(_)) => at(&inside(name), other, value)?,
            (None, _) => {}
        }
    }
    Ok(())
}

fn array(path: &str, schema: &Value, items: &[Value]) -> Result<(), String> {
    range(path, schema, "Items", items.len(), "items")?;
    if schema["items"].is_object() {
        for (index, item) in items.iter().enumerate() {
            at(&format!("{path}[{index}]"), &schema["items"], item)?;
        }
    }
    Ok(())
}

fn range(path: &str, schema: &Value, what: &str, is: usize, unit: &str) -> Result<(), String> {
    let bound = |end: &str| schema[format!("{end}{what}")].as_u64();
    let is = is as u64;
    if bound("min").is_some_and(|least| is < least) || bound("max").is_some_and(|most| is > most) {
        let said = between(
            bound("min").map(|least| least as f64),
            bound("max").map(|most| most as f64),
        );
        return Err(format!("{} has {is} {unit}, must have {said}", named(path)));
    }
    Ok(())
}

fn number_range(path: &str, schema: &Value, is: f64) -> Result<(), String> {
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    if least.is_some_and(|least| is < least) || most.is_some_and(|most| is > most) {
        return Err(format!(
            "{} is {is}, must be {}",
            named(path),
            between(least, most)
        ));
    }
    Ok(())
}

fn between(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    }
}

fn named(path: &str) -> String {
    if path.is_empty() {
        "it".to_owned()
    } else {
        format!("`{path}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_breaks_a_schema_is_refused_by_the_name_of_its_field() {
        let schema = json!({
            "type": "object", "required": ["path"], "additionalProperties": false,
            "properties": {
                "path": {"type": "string", "minLength": 1, "maxLength": 5},
                "limit": {"type": "integer", "minimum": 1, "maximum": 9},
                "share": {"type": "number", "maximum": 1},
                "check": {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1},
                "edits": {"type": "array", "maxItems": 1, "items": {"type": "object", "required": ["a"]}},
                "env": {"type": "object", "additionalProperties": {"type": "string"}},
                "kind": {"enum": ["a", "b"]},
                "all": {"type": "boolean"}
            }
        });
        assert_eq!(unknown_keywords(&schema), Vec::<String>::new());
        assert_eq!(
            unknown_keywords(&json!({"properties": {"a": {"oneOf": []}}})),
            ["oneOf"]
        );
        for good in [
            json!({"path": "a", "limit": 9, "share": 0.5, "check": ["x"], "edits": [{"a": 1}], "env": {"A": "1"}, "kind": "a", "all": true}),
            json!({"path": "ääääa", "check": "x", "limit": null}),
        ] {
            assert_eq!(check(&schema, &good), Ok(()), "{good}");
        }
        for (bad, said) in [
            (json!([]), "it is [], must be object"),
            (json!({}), "`path` is missing"),
            (json!({"path": null}), "`path` is null, must be string"),
            (
                json!({"path": ""}),
                "`path` has 0 characters, must have 1 to 5",
            ),
            (
                json!({"path": "a", "limit": "1"}),
                "`limit` is \"1\", must be integer",
            ),
            (
                json!({"path": "a", "limit": 1.5}),
                "`limit` is 1.5, must be integer",
            ),
            (
                json!({"path": "a", "limit": 0}),
                "`limit` is 0, must be 1 to 9",
            ),
            (
                json!({"path": "a", "share": 2}),
                "`share` is 2, must be at most 1",
            ),
            (
                json!({"path": "a", "check": 1}),
                "`check` is 1, must be string or array",
            ),
            (
                json!({"path": "a", "check": []}),
                "`check` has 0 items, must have at least 1",
            ),
            (
                json!({"path": "a", "check": ["a", 1]}),
                "`check[1]` is 1, must be string",
            ),
            (
                json!({"path": "a", "edits": [{}]}),
                "`edits[0].a` is missing",
            ),
            (json!({"path": "a", "env": {"A": 1}}), "`env.A` is 1"),
            (
                json!({"path": "a", "kind": "c"}),
                "`kind` is \"c\", must be one of \"a\", \"b\"",
            ),
            (
                json!({"path": "a", "paht": "b"}),
                "`paht` is not a field; there are `all`,",
            ),
        ] {
            let refused = check(&schema, &bad).unwrap_err();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
