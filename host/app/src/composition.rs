//! One component out of a component and its dependencies, as Spin composes them.
//!
//! Each dependency is instantiated once and meets every import that its name stands for, which it must
//! export with a fitting type. What is refused: a name that stands for no import, two dependencies for one
//! import, and a dependency that would use a grant of its component without having been handed it. (Spin
//! gives such a dependency an interface that traps; here the application does not start.)

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::manifest::{DependencyName, Inherit};

/// The interfaces that each grant of a component opens.
const GRANTED_INTERFACES: [(&str, &[&str]); 5] = [
    (
        "allowed_outbound_hosts",
        &["wasi:http/outgoing-handler", "wasi:sockets/"],
    ),
    ("files", &["wasi:filesystem/preopens"]),
    ("key_value_stores", &["fermyon:spin/key-value"]),
    ("sqlite_databases", &["fermyon:spin/sqlite"]),
    ("variables", &["fermyon:spin/variables", "wasi:config/"]),
];

/// What one component is made of.
pub(crate) struct Parts {
    pub id: String,
    pub source: Code,
    pub dependencies: Vec<Part>,
    /// The names of the fields that grant this component something.
    pub grants: Vec<&'static str>,
}

pub(crate) struct Part {
    pub name: DependencyName,
    /// The name as it is in the manifest.
    pub label: String,
    pub export: Option<String>,
    pub inherit: Inherit,
    pub source: Code,
}

/// The content of a `.wasm` file.
pub(crate) struct Code {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Code {
    pub fn read(path: PathBuf) -> Result<Self> {
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "cannot read the component {}; was it built?",
                path.display()
            )
        })?;
        Ok(Self { path, bytes })
    }
}

impl Parts {
    /// A digest of everything that the composition depends on.
    pub fn digest(&self) -> [u8; blake3::OUT_LEN] {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hasher
                .update(&(part.len() as u64).to_le_bytes())
                .update(part);
        };
        add(concat!("composition ", env!("CARGO_PKG_VERSION")).as_bytes());
        add(&self.source.bytes);
        for grant in &self.grants {
            add(grant.as_bytes());
        }
        for part in &self.dependencies {
            add(part.label.as_bytes());
            add(format!("{:?} {:?}", part.export, part.inherit).as_bytes());
            add(&part.source.bytes);
        }
        *hasher.finalize().as_bytes()
    }

    pub fn compose(&self) -> Result<Vec<u8>> {
        if self.dependencies.is_empty() {
            return Ok(self.source.bytes.clone());
        }
        let composed = Composition::new(self).and_then(Composition::encode);
        composed.with_context(|| format!("cannot compose component `{}`", self.id))
    }
}

struct Composition<'a> {
    parts: &'a Parts,
    graph: CompositionGraph,
    world: WorldId,
    instance: NodeId,
}

impl<'a> Composition<'a> {
    fn new(parts: &'a Parts) -> Result<Self> {
        let mut graph = CompositionGraph::new();
        let (world, instance) = instantiate(&mut graph, &parts.id, &parts.source)?;
        Ok(Self {
            parts,
            graph,
            world,
            instance,
        })
    }

    fn encode(mut self) -> Result<Vec<u8>> {
        let mut met: BTreeMap<String, &str> = BTreeMap::new();
        for part in &self.parts.dependencies {
            let imports = self.imports_met_by(part)?;
            for import in &imports {
                if let Some(other) = met.insert(import.clone(), &part.label) {
                    bail!(
                        "both `{other}` and `{}` meet the import `{import}`",
                        part.label
                    );
                }
            }
            self.plug(part, &imports)
                .with_context(|| format!("dependency `{}`", part.label))?;
        }
        self.export_all()?;
        Ok(self.graph.encode(EncodeOptions::default())?)
    }

    fn imports_met_by(&self, part: &Part) -> Result<Vec<String>> {
        let imports = self.graph.types()[self.world].imports.keys();
        let met: Vec<String> = imports
            .filter(|import| part.name.satisfies(import))
            .cloned()
            .collect();
        ensure!(
            !met.is_empty(),
            "dependency `{}` stands for none of its imports",
            part.label
        );
        Ok(met)
    }

    fn plug(&mut self, part: &Part, imports: &[String]) -> Result<()> {
        let (world, instance) =
            instantiate(&mut self.graph, part.name.registered_as(), &part.source)?;
        self.refuse_grants_not_handed_on(part, world)?;
        for import in imports {
            let export = part.export.as_ref().unwrap_or(import);
            self.check_type(world, export, import)?;
            let alias = self.graph.alias_instance_export(instance, export)?;
            self.graph
                .set_instantiation_argument(self.instance, import, alias)?;
        }
        Ok(())
    }

    fn check_type(&self, dependency: WorldId, export: &str, import: &str) -> Result<()> {
        let types = self.graph.types();
        let Some(exported) = types[dependency].exports.get(export) else {
            bail!("it does not export `{export}`, which the import `{import}` needs");
        };
        let imported = types[self.world]
            .imports
            .get(import)
            .context("an import is gone")?;
        SubtypeChecker::new(&mut HashSet::new())
            .is_subtype(*exported, types, *imported, types)
            .with_context(|| format!("its export `{export}` does not fit the import `{import}`"))
    }

    /// A composed component is one guest to the host: it cannot be denied what its component may do.
    fn refuse_grants_not_handed_on(&self, part: &Part, world: WorldId) -> Result<()> {
        let imports = &self.graph.types()[world].imports;
        for (grant, interfaces) in GRANTED_INTERFACES {
            if part.inherit.contains(grant) || !self.parts.grants.contains(&grant) {
                continue;
            }
            let used = imports.keys().find(|import| {
                interfaces
                    .iter()
                    .any(|interface| import.starts_with(interface))
            });
            if let Some(used) = used {
                bail!(
                    "it imports `{used}` but is not handed `{grant}`; name it in inherit_configuration"
                );
            }
        }
        Ok(())
    }

    fn export_all(&mut self) -> Result<()> {
        let exports: Vec<String> = self.graph.types()[self.world]
            .exports
            .keys()
            .cloned()
            .collect();
        for export in exports {
            let alias = self.graph.alias_instance_export(self.instance, &export)?;
            self.graph.export(alias, &export)?;
        }
        Ok(())
    }
}

fn instantiate(graph: &mut CompositionGraph, name: &str, code: &Code) -> Result<(WorldId, NodeId)> {
    let package = Package::from_bytes(name, None, code.bytes.as_slice(), graph.types_mut())
        .with_context(|| format!("{} is no component", code.path.display()))?;
    let world = package.ty();
    let package = graph.register_package(package)?;
    Ok((world, graph.instantiate(package)))
}

#[cfg(test)]
mod tests;
