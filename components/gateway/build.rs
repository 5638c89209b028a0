//! Makes the table of MCP tools: what stands in `src/mcp/tools.toml`, with the schemas of `openapi.json`.
//!
//! A model reads the list of tools again and again, so it is kept small: schemas of arguments are whole but for policies
//! within something else, schemas of results say their first level.

use serde_json::{Map, Value, json};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TABLE: &str = "src/mcp/tools.toml";
const DOCUMENT: &str = "openapi.json";

fn main() -> Result<()> {
    for input in [TABLE, DOCUMENT, "build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(TABLE)?)?;
    let table: Value = serde_json::to_value(table)?;
    let document = serde_json::from_str(&std::fs::read_to_string(DOCUMENT)?)?;
    let mut text = String::from("pub static TOOLS: &[Tool] = &[\n");
    for entry in table["tool"].as_array().ok_or("there are no tools")? {
        let name = entry["name"].as_str().ok_or("a tool has no name")?;
        tool(entry, &document, &mut text).map_err(|error| format!("tool `{name}`: {error}"))?;
    }
    text.push_str("];\n");
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("tools.rs"), text)?;
    Ok(())
}

/// Writes one entry of the table.
fn tool(entry: &Value, document: &Value, text: &mut String) -> Result<()> {
    let (method, path, operation) = operation(entry, document)?;
    let mut arguments = Arguments::default();
    arguments.parameters(&path, operation, document)?;
    arguments.body(entry, operation, document)?;
    let input = match own(entry, "input")? {
        Some(own) => own,
        None => arguments.schema(),
    };
    let definition = json!({
        "name": entry["name"],
        "title": entry["title"],
        "description": description(entry, operation),
        "inputSchema": input,
        "outputSchema": match own(entry, "output")? {
            Some(own) => own,
            None => output(entry, operation, document)?,
        },
        "annotations": annotations(entry, &method),
    });
    let Arguments {
        path: in_path,
        query,
        body,
        headers,
        ..
    } = arguments;
    writeln!(
        text,
        "Tool {{ name: {:?}, group: {:?}, method: {method:?}, template: {path:?}, path: &{in_path:?}, query: &{query:?}, \
         headers: &{headers:?}, body: {body}, done: {:?}, definition: {:?} }},",
        entry["name"].as_str().unwrap_or_default(),
        entry["group"].as_str().ok_or("it has no group")?,
        entry["done"].as_str(),
        definition.to_string(),
    )?;
    Ok(())
}

/// The method, the path and the operation that a tool stands for.
fn operation<'a>(entry: &Value, document: &'a Value) -> Result<(String, String, &'a Value)> {
    let wanted = &entry["operation"];
    let paths = document["paths"].as_object().ok_or("there are no paths")?;
    for (path, item) in paths {
        let operations = item.as_object().ok_or("a path is no object")?;
        for (method, operation) in operations {
            if operation["operationId"] == *wanted {
                return Ok((method.to_uppercase(), path.clone(), operation));
            }
        }
    }
    Err(format!("there is no operation {wanted}").into())
}

fn own(entry: &Value, name: &str) -> Result<Option<Value>> {
    let own = entry[name].as_str().map(serde_json::from_str);
    Ok(own.transpose()?)
}

fn description(entry: &Value, operation: &Value) -> String {
    let sentence = |text: &Value| match text.as_str() {
        None => None,
        Some(text) if text.ends_with('.') => Some(text.to_owned()),
        Some(text) => Some(format!("{text}.")),
    };
    let parts = [
        &operation["summary"],
        // Of an answer that a tool does not have.
        match entry["group"].as_str() {
            Some("exec") => &Value::Null,
            _ => &operation["description"],
        },
        &entry["note"],
    ];
    let parts: Vec<_> = parts.into_iter().filter_map(sentence).collect();
    parts.join(" ")
}

fn annotations(entry: &Value, method: &str) -> Value {
    let is = |name: &str| entry[name] == true;
    let mut annotations = Map::new();
    let read_only = method == "GET" || is("read_only");
    annotations.insert("readOnlyHint".to_owned(), read_only.into());
    if !read_only {
        let destructive = method == "DELETE" || is("destructive");
        let idempotent = matches!(method, "PUT" | "DELETE") || is("idempotent");
        annotations.insert("destructiveHint".to_owned(), destructive.into());
        annotations.insert("idempotentHint".to_owned(), idempotent.into());
    }
    annotations.insert("openWorldHint".to_owned(), is("open_world").into());
    annotations.into()
}

/// The arguments of a tool, and where in a request each of them stands.
#[derive(Default)]
struct Arguments {
    path: Vec<String>,
    query: Vec<String>,
    /// The argument and the header.
    headers: Vec<(String, String)>,
    /// A value of `Body`, as Rust.
    body: String,
    properties: Map<String, Value>,
    required: Vec<Value>,
}

impl Arguments {
    fn parameters(&mut self, path: &str, operation: &Value, document: &Value) -> Result<()> {
        let none = Vec::new();
        for parameter in operation["parameters"].as_array().unwrap_or(&none) {
            let parameter = resolve(parameter, document)?;
            let name = parameter["name"]
                .as_str()
                .ok_or("a parameter has no name")?;
            let argument = match (parameter["in"].as_str(), name) {
                (Some("path"), _) => {
                    let argument = in_path(path, name)?;
                    self.path.push(argument.clone());
                    argument
                }
                (Some("query"), _) => {
                    self.query.push(name.to_owned());
                    name.to_owned()
                }
                (Some("header"), "Idempotency-Key") => {
                    let argument = "idempotency_key".to_owned();
                    self.headers.push((argument.clone(), name.to_lowercase()));
                    argument
                }
                // Conditions and ranges are HTTP's.
                _ => continue,
            };
            let mut schema = input(&parameter["schema"], document, 0)?;
            if let Some(description) = parameter.get("description") {
                schema["description"] = description.clone();
            }
            self.add(argument, schema, parameter["required"] == true)?;
        }
        Ok(())
    }

    fn body(&mut self, entry: &Value, operation: &Value, document: &Value) -> Result<()> {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            self.body = "Body::None".to_owned();
            return Ok(());
        }
        if let Some(name) = entry["body"].as_str() {
            self.body = format!("Body::Whole({name:?})");
            let whole = whole(schema, document)?;
            return self.add(name.to_owned(), whole, true);
        }
        let schema = resolve(schema, document)?;
        let omitted = entry["omit"].as_array().cloned().unwrap_or_default();
        let mut fields = Vec::new();
        // What an action or another choice is made of stands in its branches.
        let mut branches = vec![schema];
        let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        branches.extend(choices.into_iter().flatten());
        for branch in &branches {
            let branch = resolve(branch, document)?;
            let none = Map::new();
            for (name, property) in branch["properties"].as_object().unwrap_or(&none) {
                if omitted.iter().any(|omitted| omitted == name) || fields.contains(name) {
                    continue;
                }
                fields.push(name.clone());
                let everywhere = branches.len() == 1;
                let required = branch["required"].as_array();
                let required = required.is_some_and(|all| all.iter().any(|one| one == name));
                let mut property = input(property, document, 1)?;
                if !everywhere {
                    // One branch's constant is another branch's other one.
                    property = loose(&property, name, &branches, document)?;
                }
                self.add(name.clone(), property, required && everywhere)?;
            }
        }
        if fields.is_empty() {
            return Err("its body has no fields".into());
        }
        self.body = format!("Body::Fields(&{fields:?})");
        Ok(())
    }

    fn add(&mut self, name: String, schema: Value, required: bool) -> Result<()> {
        if required {
            self.required.push(name.as_str().into());
        }
        match self.properties.insert(name.clone(), schema) {
            None => Ok(()),
            Some(_) => Err(format!("it has two arguments `{name}`").into()),
        }
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        })
    }
}

/// What a part of a path is called: an id is called after what it is the id of.
fn in_path(path: &str, name: &str) -> Result<String> {
    if name != "id" {
        return Ok(name.to_owned());
    }
    let (before, _) = path.split_once("/{id}").ok_or("the path has no `{id}`")?;
    let noun = before.rsplit('/').next().unwrap_or_default();
    Ok(noun.strip_suffix('s').unwrap_or(noun).to_owned())
}

/// The field of several branches: the constants of all of them.
fn loose(property: &Value, name: &str, branches: &[&Value], document: &Value) -> Result<Value> {
    let mut values = Vec::new();
    for branch in branches {
        let branch = resolve(branch, document)?;
        values.extend(branch["properties"][name].get("const").cloned());
    }
    if values.is_empty() {
        return Ok(property.clone());
    }
    Ok(json!({"type": "string", "enum": values}))
}

fn resolve<'a>(schema: &'a Value, document: &'a Value) -> Result<&'a Value> {
    match schema["$ref"].as_str() {
        None => Ok(schema),
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            let found = document.pointer(pointer);
            found.ok_or_else(|| format!("`{reference}` leads nowhere").into())
        }
    }
}

/// The keywords that help a model to fill an argument in. Patterns and lengths are said in words.
const KEPT: [&str; 14] = [
    "type",
    "description",
    "enum",
    "const",
    "default",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "oneOf",
];

/// The schema of an argument, in which nothing refers to anything. Inside, a policy is only an object or a name: its own
/// schema would be longer than all the rest.
fn input(schema: &Value, document: &Value, depth: usize) -> Result<Value> {
    let reference = schema["$ref"].as_str().unwrap_or_default();
    if depth > 0 && reference.ends_with("/PolicyChoice") {
        let choice = resolve(schema, document)?;
        let mut short = json!({"type": ["string", "object"], "description": choice["description"]});
        if let Some(default) = schema.get("default") {
            short["default"] = default.clone();
        }
        return Ok(short);
    }
    inlined(schema, document)
}

fn whole(schema: &Value, document: &Value) -> Result<Value> {
    let mut whole = inlined(schema, document)?;
    if whole.get("type").is_none() {
        whole["type"] = "object".into();
    }
    Ok(whole)
}

fn inlined(schema: &Value, document: &Value) -> Result<Value> {
    let target = resolve(schema, document)?;
    let (Some(own), Some(target)) = (schema.as_object(), target.as_object()) else {
        return Ok(schema.clone());
    };
    let mut kept = Map::new();
    for (name, value) in target.iter().chain(own) {
        if !KEPT.contains(&name.as_str()) {
            continue;
        }
        let value = match (name.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let inner = properties
                    .iter()
                    .map(|(name, property)| Ok((name.clone(), input(property, document, 1)?)));
                inner.collect::<Result<Map<_, _>>>()?.into()
            }
            ("items" | "additionalProperties", value) if value.is_object() => {
                input(value, document, 1)?
            }
            ("oneOf", Value::Array(branches)) => {
                let inner = branches.iter().map(|branch| input(branch, document, 1));
                inner.collect::<Result<Vec<_>>>()?.into()
            }
            _ => value.clone(),
        };
        kept.insert(name.clone(), value);
    }
    Ok(kept.into())
}

/// The schema of a result, to its first level.
fn output(entry: &Value, operation: &Value, document: &Value) -> Result<Value> {
    if let Some(done) = entry["done"].as_str() {
        return Ok(json!({
            "type": "object",
            "properties": {done: {"const": true}},
            "required": [done],
        }));
    }
    let responses = operation["responses"].as_object();
    let mut good = responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'));
    let (_, response) = good.next().ok_or("it has no answer")?;
    let schema = &response["content"]["application/json"]["schema"];
    let schema = resolve(schema, document)?;
    let mut properties = Map::new();
    let mut required = Vec::new();
    for branch in parts(schema, document)? {
        for (name, property) in branch["properties"].as_object().into_iter().flatten() {
            let kinds = kinds(property, document)?;
            properties.insert(name.clone(), kinds);
        }
        required.extend(branch["required"].as_array().cloned().unwrap_or_default());
    }
    if properties.is_empty() {
        return Err("its answer has no fields".into());
    }
    Ok(json!({"type": "object", "properties": properties, "required": required}))
}

/// A schema and what it is composed of with `allOf`.
fn parts<'a>(schema: &'a Value, document: &'a Value) -> Result<Vec<&'a Value>> {
    let mut parts = vec![schema];
    for part in schema["allOf"].as_array().into_iter().flatten() {
        parts.push(resolve(part, document)?);
    }
    Ok(parts)
}

/// Which types a value may have, and nothing more.
fn kinds(schema: &Value, document: &Value) -> Result<Value> {
    let schema = resolve(schema, document)?;
    if let Some(values) = schema.get("enum") {
        return Ok(json!({"enum": values}));
    }
    let mut kinds = Map::new();
    if let Some(kind) = schema.get("type") {
        kinds.insert("type".to_owned(), kind.clone());
    }
    Ok(kinds.into())
}
