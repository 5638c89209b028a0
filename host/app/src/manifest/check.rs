//! The checks that the shape of the document cannot express.

use std::collections::BTreeMap;

use toml::Spanned;

use super::dependency::{Dependency, DependencyName, DependencyTable, is_kebab};
use super::schema::{Component, HttpTrigger};
use super::text_or_table::ComponentSource;
use super::{LABEL, Manifest, ManifestError};

type Checked = Result<(), ManifestError>;

/// The fields of a component that a dependency may be handed.
pub(crate) const GRANTS: [&str; 7] = [
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

pub(super) fn all(manifest: &Manifest) -> Checked {
    version(manifest)?;
    application(manifest)?;
    variables(manifest)?;
    for (id, component) in &manifest.document.component {
        self::component(manifest, id, component)?;
    }
    triggers(manifest)
}

fn version(manifest: &Manifest) -> Checked {
    let version = &manifest.document.spin_manifest_version;
    if version.get_ref().as_integer() == Some(2) {
        return Ok(());
    }
    Err(manifest.error(version, "`spin_manifest_version` must be 2"))
}

fn application(manifest: &Manifest) -> Checked {
    let application = &manifest.document.application;
    if application.name.get_ref().is_empty() {
        return Err(manifest.error(&application.name, "`application.name` is empty"));
    }
    refuse(manifest, "application.trigger", &application.trigger)
}

fn variables(manifest: &Manifest) -> Checked {
    for (name, variable) in &manifest.document.variables {
        variable_name(manifest, name)?;
        if variable.required == variable.default.is_some() {
            let name_of = name.get_ref();
            return Err(manifest.error(
                name,
                format!("`variables.{name_of}` must have either `default`, or `required = true`"),
            ));
        }
    }
    Ok(())
}

fn variable_name(manifest: &Manifest, name: &Spanned<String>) -> Checked {
    crate::variables::check_name(name.get_ref()).map_err(|reason| {
        manifest.error(
            name,
            format!("`{}` is no name of a variable: {reason}", name.get_ref()),
        )
    })
}

fn triggers(manifest: &Manifest) -> Checked {
    let triggers = &manifest.document.trigger;
    refuse(manifest, "trigger.redis", &triggers.redis)?;
    let mut routes: BTreeMap<&str, usize> = BTreeMap::new();
    for trigger in &triggers.http {
        let route = http_trigger(manifest, trigger)?;
        if let Some(line) = routes.insert(route, manifest.line(&trigger.route)) {
            return Err(manifest.error(
                &trigger.route,
                format!("`trigger.http.route`: {route:?} is taken by the trigger at line {line}"),
            ));
        }
    }
    match routes.is_empty() {
        true => Err(manifest.error(
            &manifest.document.application.name,
            "there is no `[[trigger.http]]`",
        )),
        false => Ok(()),
    }
}

fn http_trigger<'a>(
    manifest: &Manifest,
    trigger: &'a HttpTrigger,
) -> Result<&'a str, ManifestError> {
    refuse(manifest, "trigger.http.components", &trigger.components)?;
    refuse(
        manifest,
        "trigger.http.static_response",
        &trigger.static_response,
    )?;
    if let Some(executor) = &trigger.executor {
        let kind = executor.get_ref().get("type").and_then(toml::Value::as_str);
        let alone = executor
            .get_ref()
            .as_table()
            .is_some_and(|table| table.len() == 1);
        if !(alone && matches!(kind, Some("http" | "spin"))) {
            return Err(manifest.error(
                executor,
                "`trigger.http.executor` may only be { type = \"http\" }",
            ));
        }
    }
    match &trigger.component {
        None => return Err(manifest.error(&trigger.route, "`trigger.http.component` is missing")),
        Some(id)
            if !manifest
                .document
                .component
                .contains_key(id.get_ref().as_str()) =>
        {
            let message = format!(
                "`trigger.http.component`: there is no component `{}`",
                id.get_ref()
            );
            return Err(manifest.error(id, message));
        }
        Some(_) => {}
    }
    route(manifest, &trigger.route)
}

fn route<'a>(
    manifest: &Manifest,
    route: &'a Spanned<toml::Value>,
) -> Result<&'a str, ManifestError> {
    let Some(text) = route.get_ref().as_str() else {
        return Err(manifest.error(
            route,
            "`trigger.http.route` must be a string; private routes are not supported",
        ));
    };
    let path = text.strip_suffix("/...").unwrap_or(text);
    let rooted = text.starts_with('/');
    if !rooted || path.contains(['*', ':', '?', '#', '{']) || path.contains("...") {
        return Err(manifest.error(
            route,
            format!("`trigger.http.route`: {text:?} must be a path that starts with `/` and may end in `/...`; parameters are not supported"),
        ));
    }
    Ok(text)
}

fn component(manifest: &Manifest, id: &Spanned<String>, component: &Component) -> Checked {
    let name = id.get_ref();
    if !is_kebab(name) {
        return Err(manifest.error(id, format!("`component.{name}` is no kebab-case name")));
    }
    let field = |field: &str| format!("component.{name}.{field}");
    refuse(
        manifest,
        &field("allowed_http_hosts"),
        &component.allowed_http_hosts,
    )?;
    refuse(manifest, &field("ai_models"), &component.ai_models)?;
    refuse(manifest, &field("profile"), &component.profile)?;
    if matches!(component.source.get_ref(), ComponentSource::Remote) {
        return Err(manifest.error(
            &component.source,
            format!(
                "`{}`: only the path of a local file is supported",
                field("source")
            ),
        ));
    }
    for variable in component.variables.keys() {
        variable_name(manifest, variable)?;
    }
    labels(
        manifest,
        &field("sqlite_databases"),
        &component.sqlite_databases,
    )?;
    labels(
        manifest,
        &field("key_value_stores"),
        &component.key_value_stores,
    )?;
    dependencies(manifest, name, component)
}

fn labels(manifest: &Manifest, field: &str, labels: &[Spanned<String>]) -> Checked {
    match labels.iter().find(|label| label.get_ref() != LABEL) {
        Some(label) => {
            let message = format!(
                "`{field}`: `{}` is not supported, only `{LABEL}` is",
                label.get_ref()
            );
            Err(manifest.error(label, message))
        }
        None => Ok(()),
    }
}

fn dependencies(manifest: &Manifest, id: &str, component: &Component) -> Checked {
    let mut registered: BTreeMap<String, usize> = BTreeMap::new();
    for (name, dependency) in &component.dependencies {
        let field = format!("component.{id}.dependencies.\"{}\"", name.get_ref());
        let Some(parsed) = DependencyName::parse(name.get_ref()) else {
            return Err(manifest.error(
                name,
                format!("`{field}` is neither a plain name nor that of a package or interface"),
            ));
        };
        let Dependency::Table(table) = dependency else {
            return Err(manifest.error(
                name,
                format!("`{field}`: registries are not supported; use `component` or `path`"),
            ));
        };
        dependency_table(manifest, &field, table)?;
        if let (
            DependencyName::Package {
                interface: None, ..
            },
            Some(export),
        ) = (&parsed, &table.export)
        {
            return Err(manifest.error(
                export,
                format!("`{field}.export`: a whole package cannot be met by one export"),
            ));
        }
        if let (Some(_), Some(own)) = (
            &component.dependencies_inherit_configuration,
            &table.inherit_configuration,
        ) {
            return Err(manifest.error(
                own,
                format!("`{field}.inherit_configuration` and `component.{id}.dependencies_inherit_configuration` exclude each other"),
            ));
        }
        if let Some(target) = &table.component {
            target_component(manifest, &field, target)?;
        }
        let line = manifest.line(name);
        if let Some(other) = registered.insert(parsed.registered_as().to_owned(), line) {
            return Err(manifest.error(
                name,
                format!("`{field}`: a dependency of `{}` is already at line {other}; use one, in the form of the package", parsed.registered_as()),
            ));
        }
    }
    Ok(())
}

fn dependency_table(manifest: &Manifest, field: &str, table: &DependencyTable) -> Checked {
    let remote = [
        ("version", &table.version),
        ("registry", &table.registry),
        ("package", &table.package),
        ("url", &table.url),
        ("digest", &table.digest),
    ];
    for (key, value) in remote {
        refuse(manifest, &format!("{field}.{key}"), value)?;
    }
    if let Some(inherit) = &table.inherit_configuration
        && let super::Inherit::Only(fields) = inherit.get_ref()
        && let Some(unknown) = fields
            .iter()
            .find(|field| !GRANTS.contains(&field.as_str()))
    {
        return Err(manifest.error(
            inherit,
            format!(
                "`{field}.inherit_configuration`: `{unknown}` is none of {}",
                GRANTS.join(", ")
            ),
        ));
    }
    match (&table.component, &table.path) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        (Some(at), Some(_)) => {
            Err(manifest.error(at, format!("`{field}` has both `component` and `path`")))
        }
        (None, None) => Err(manifest.error(
            table
                .export
                .as_ref()
                .unwrap_or(&manifest.document.application.name),
            format!("`{field}` has neither `component` nor `path`"),
        )),
    }
}

/// Grants of a component do not reach through its use as a dependency, so it must not have any.
fn target_component(manifest: &Manifest, field: &str, target: &Spanned<String>) -> Checked {
    let Some(component) = manifest.document.component.get(target.get_ref().as_str()) else {
        return Err(manifest.error(
            target,
            format!(
                "`{field}.component`: there is no component `{}`",
                target.get_ref()
            ),
        ));
    };
    let own = [
        (
            "allowed_outbound_hosts",
            component.allowed_outbound_hosts.is_empty(),
        ),
        ("dependencies", component.dependencies.is_empty()),
        ("environment", component.environment.is_empty()),
        ("files", component.files.is_empty()),
        ("key_value_stores", component.key_value_stores.is_empty()),
        ("sqlite_databases", component.sqlite_databases.is_empty()),
        ("variables", component.variables.is_empty()),
    ];
    let own: Vec<&str> = own
        .iter()
        .filter(|(_, empty)| !empty)
        .map(|(field, _)| *field)
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    Err(manifest.error(
        target,
        format!(
            "`{field}.component`: `{}` cannot be a dependency because it has {} of its own",
            target.get_ref(),
            own.join(", ")
        ),
    ))
}

fn refuse<T>(manifest: &Manifest, field: &str, value: &Option<Spanned<T>>) -> Checked {
    match value {
        Some(value) => Err(manifest.error(value, format!("`{field}` is not supported"))),
        None => Ok(()),
    }
}
