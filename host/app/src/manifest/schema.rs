//! The document as it is written. Values that a later check may complain about keep their position.
//!
//! Fields that Spin knows and this host does not are listed here as well, so that the complaint can say
//! "not supported" instead of "unknown".

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::dependency::Dependency;
use super::source::{ManifestError, Source};
use super::text_or_table::{ComponentSource, FileMount};

pub(super) fn parse(source: &Source) -> Result<Document, ManifestError> {
    toml::from_str(source.text()).map_err(|error| {
        // Messages of the parser may have several lines; the first says what, the others what else is known.
        let message = error.message().replace('\n', ", ");
        source.error(error.span().unwrap_or(0..0), message)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub spin_manifest_version: Spanned<toml::Value>,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<Spanned<String>, Variable>,
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<Spanned<String>, Component>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    pub name: Spanned<String>,
    #[serde(rename = "version")]
    _version: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "authors")]
    _authors: Option<Vec<String>>,
    #[serde(rename = "targets")]
    _targets: Option<IgnoredAny>,
    #[serde(rename = "tool")]
    _tool: Option<IgnoredAny>,
    pub trigger: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub required: bool,
    pub default: Option<String>,
    #[serde(default)]
    pub secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    pub redis: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTrigger {
    #[serde(rename = "id")]
    _id: Option<String>,
    pub component: Option<Spanned<String>>,
    pub route: Spanned<toml::Value>,
    pub executor: Option<Spanned<toml::Value>>,
    pub components: Option<Spanned<IgnoredAny>>,
    pub static_response: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub source: Spanned<ComponentSource>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub variables: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    pub files: Vec<Spanned<FileMount>>,
    #[serde(default)]
    pub exclude_files: Vec<Spanned<String>>,
    pub allowed_http_hosts: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<Spanned<String>>,
    #[serde(default)]
    pub key_value_stores: Vec<Spanned<String>>,
    #[serde(default)]
    pub sqlite_databases: Vec<Spanned<String>>,
    pub ai_models: Option<Spanned<IgnoredAny>>,
    #[serde(rename = "targets")]
    _targets: Option<IgnoredAny>,
    #[serde(rename = "build")]
    _build: Option<Build>,
    #[serde(default)]
    tool: ComponentTools,
    pub dependencies_inherit_configuration: Option<Spanned<bool>>,
    #[serde(default)]
    pub dependencies: BTreeMap<Spanned<String>, Dependency>,
    pub profile: Option<Spanned<IgnoredAny>>,
}

impl Component {
    /// Requests that one instance may answer.
    pub fn reuse(&self) -> NonZeroU32 {
        let own = self.tool.swarm_flow.as_ref();
        own.and_then(|own| own.reuse).unwrap_or(NonZeroU32::MIN)
    }
}

/// Tables of tools; those of others are not ours to read.
#[derive(Default, Deserialize)]
struct ComponentTools {
    #[serde(rename = "swarm-flow")]
    swarm_flow: Option<ComponentTool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentTool {
    reuse: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "command")]
    _command: IgnoredAny,
    #[serde(rename = "workdir")]
    _workdir: Option<String>,
    #[serde(rename = "watch")]
    _watch: Option<Vec<String>>,
}
