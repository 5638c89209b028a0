//! From a manifest to components that are ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use http::HeaderValue;
use swarm_flow_sandbox::CompiledCache;
use toml::Spanned;
use wasmtime::Engine;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::composition::{Code, Part, Parts};
use crate::config::AppConfig;
use crate::files::FileMounts;
use crate::handle::Loaded;
use crate::idle::Idle;
use crate::instance::{Granted, linker};
use crate::key_value::{KeyValueContext, Stores};
use crate::manifest::{Component, ComponentSource, Dependency, DependencyName, Inherit, Manifest};
use crate::outbound::{AllowedHosts, Client, InternalOrigin, OutboundHooks};
use crate::routes::Routes;
use crate::sqlite::{Database, SqliteContext};
use crate::variables::Variables;

/// Loads every component that a route leads to; one that is only a dependency is not loaded alone.
pub(crate) fn routes(engine: &Engine, config: &AppConfig) -> Result<Routes> {
    let manifest = Manifest::load(&config.manifest)?;
    let loader = Loader {
        engine,
        config,
        variables: Variables::resolve(&manifest, &config.variables)?,
        cache: CompiledCache::open(&config.compiled)?,
        database: Database::new(config.state.join("app.db")),
        stores: Stores::new(config.state.join("key-value.db")),
        internal: config.internal.clone().into(),
        own: config.own.clone(),
        client: Client::new(),
        manifest,
    };
    std::fs::create_dir_all(&config.state)
        .with_context(|| format!("cannot make the folder {}", config.state.display()))?;

    let mut loaded: BTreeMap<&str, Arc<Loaded>> = BTreeMap::new();
    let mut routes = Vec::new();
    for trigger in &loader.manifest.document().trigger.http {
        let (Some(id), Some(route)) = (&trigger.component, trigger.route.get_ref().as_str()) else {
            continue;
        };
        let id = id.get_ref().as_str();
        let component = match loaded.get(id) {
            Some(component) => component.clone(),
            None => {
                let component = loader
                    .load(id)
                    .with_context(|| format!("cannot load component `{id}`"))?;
                loaded.entry(id).or_insert(Arc::new(component)).clone()
            }
        };
        routes.push((route.to_owned(), component));
    }
    Ok(Routes::new(routes))
}

struct Loader<'a> {
    engine: &'a Engine,
    config: &'a AppConfig,
    manifest: Manifest,
    variables: Variables,
    cache: CompiledCache,
    database: Arc<Database>,
    stores: Arc<Stores>,
    internal: Arc<[InternalOrigin]>,
    own: Option<HeaderValue>,
    client: Client,
}

impl Loader<'_> {
    fn load(&self, id: &str) -> Result<Loaded> {
        let (id, component) = self
            .manifest
            .component(id)
            .context("there is no such component")?;
        let granted = self.grant(id, component)?;
        let parts = self.parts(id, component)?;
        let compiled = self
            .cache
            .load_or_compile(self.engine, &parts.digest(), || parts.compose())?;
        let pre = linker(self.engine)?.instantiate_pre(&compiled)?;
        let pre = ProxyPre::new(pre)
            .map_err(anyhow::Error::from)
            .context("it is no HTTP component")?;
        Ok(Loaded {
            granted,
            pre,
            idle: Idle::new(component.reuse()),
        })
    }

    fn grant(&self, id: &Spanned<String>, component: &Component) -> Result<Granted> {
        let allowed = AllowedHosts::resolve(&self.manifest, id, component, &self.variables)?;
        let staging = self.config.state.join("files").join(id.get_ref());
        let sqlite = (!component.sqlite_databases.is_empty()).then(|| self.database.clone());
        let stores = (!component.key_value_stores.is_empty()).then(|| self.stores.clone());
        Ok(Granted {
            component: id.get_ref().as_str().into(),
            environment: component
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            files: FileMounts::prepare(&self.manifest, component, &staging)?,
            outbound: OutboundHooks {
                allowed: Arc::new(allowed),
                internal: self.internal.clone(),
                own: self.own.clone(),
                caller: None,
                client: self.client.clone(),
            },
            sqlite: SqliteContext::new(sqlite),
            key_value: KeyValueContext::new(stores),
            variables: self.variables.of_component(&self.manifest, component)?,
        })
    }

    fn parts(&self, id: &Spanned<String>, component: &Component) -> Result<Parts> {
        let mut dependencies = Vec::new();
        for (name, dependency) in &component.dependencies {
            dependencies.push(self.part(component, name, dependency)?);
        }
        Ok(Parts {
            id: id.get_ref().clone(),
            source: self.code(&component.source)?,
            dependencies,
            grants: grants(component),
        })
    }

    fn part(
        &self,
        component: &Component,
        name: &Spanned<String>,
        dependency: &Dependency,
    ) -> Result<Part> {
        let Dependency::Table(table) = dependency else {
            anyhow::bail!("a registry is not supported")
        };
        let all = component
            .dependencies_inherit_configuration
            .as_ref()
            .is_some_and(|all| *all.get_ref());
        let own = table
            .inherit_configuration
            .as_ref()
            .map(|inherit| inherit.get_ref().clone());
        let inherit = if all {
            Inherit::All
        } else {
            own.unwrap_or(Inherit::Only(Vec::new()))
        };
        let source = match (&table.component, &table.path) {
            (Some(target), _) => {
                let (_, target) = self
                    .manifest
                    .component(target.get_ref())
                    .context("there is no such component")?;
                self.code(&target.source)?
            }
            (None, Some(path)) => self.read(path, path.get_ref())?,
            (None, None) => anyhow::bail!("a dependency has no source"),
        };
        Ok(Part {
            name: DependencyName::parse(name.get_ref()).context("a dependency has no name")?,
            label: name.get_ref().clone(),
            export: table.export.as_ref().map(|export| export.get_ref().clone()),
            inherit,
            source,
        })
    }

    fn code(&self, source: &Spanned<ComponentSource>) -> Result<Code> {
        match source.get_ref() {
            ComponentSource::Path(path) => self.read(source, path),
            ComponentSource::Remote => anyhow::bail!("a remote source is not supported"),
        }
    }

    fn read<T>(&self, at: &Spanned<T>, path: &str) -> Result<Code> {
        let path: PathBuf = self.manifest.directory().join(Path::new(path));
        Ok(Code::read(path).map_err(|error| self.manifest.error(at, format!("{error:#}")))?)
    }
}

fn grants(component: &Component) -> Vec<&'static str> {
    let grants = [
        (
            "allowed_outbound_hosts",
            component.allowed_outbound_hosts.is_empty(),
        ),
        ("environment", component.environment.is_empty()),
        ("files", component.files.is_empty()),
        ("key_value_stores", component.key_value_stores.is_empty()),
        ("sqlite_databases", component.sqlite_databases.is_empty()),
        ("variables", component.variables.is_empty()),
    ];
    grants
        .into_iter()
        .filter(|(_, empty)| !empty)
        .map(|(field, _)| field)
        .collect()
}
