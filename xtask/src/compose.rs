//! Several components become one.
//!
//! Each part's imports from our own package are met by the parts before it; one that nobody exports is
//! an error, since the app has no other place to get it from. All other imports (WASI, Spin) stay
//! imports of the whole, merged where their versions are compatible.

use anyhow::{Context, Result, bail};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};
use wac_types::Package;

pub struct Part {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// What is ours, and hence must be met inside.
const OWN: &str = "swarm-flow:core/";

/// What the parts give to each other and not to the outside.
const PRIVATE: [&str; 1] = ["swarm-flow:core/tools@2.0.0"];

pub fn compose(parts: Vec<Part>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut exports = Vec::new();
    for part in parts {
        let name = part.name;
        let own = instantiate(&mut graph, part, &exports)
            .with_context(|| format!("add component `{name}`"))?;
        exports.extend(own);
    }
    for (name, node) in exports {
        if !PRIVATE.contains(&name.as_str()) {
            graph
                .export(node, &name)
                .with_context(|| format!("export `{name}`"))?;
        }
    }
    graph
        .encode(EncodeOptions::default())
        .context("encode the composition")
}

/// Adds a part, meets its imports from `exports`, and gives back its own exports.
fn instantiate(
    graph: &mut CompositionGraph,
    part: Part,
    exports: &[(String, NodeId)],
) -> Result<Vec<(String, NodeId)>> {
    let package = Package::from_bytes(part.name, None, part.bytes, graph.types_mut())?;
    let world = package.ty();
    let package = graph.register_package(package)?;
    let instance = graph.instantiate(package);
    let ours = |names: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        names
            .filter(|name| name.starts_with(OWN))
            .cloned()
            .collect()
    };
    let imported = ours(&mut graph.types()[world].imports.keys());
    let exported = ours(&mut graph.types()[world].exports.keys());
    for import in imported {
        let Some((_, node)) = exports.iter().find(|(name, _)| *name == import) else {
            bail!("it imports `{import}`, which no component before it exports");
        };
        graph
            .set_instantiation_argument(instance, &import, *node)
            .with_context(|| format!("meet its import `{import}`"))?;
    }
    exported
        .into_iter()
        .map(|name| Ok((name.clone(), graph.alias_instance_export(instance, &name)?)))
        .collect()
}
