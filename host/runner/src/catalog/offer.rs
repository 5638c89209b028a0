//! What a catalog says of its programs, and how those of users come and go in it while others run.

use super::{Catalog, Entry, OWN, ProgramFile, named};
use crate::added::AddedFile;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use swarm_flow_protocol::{Error, ImportGroup, Origin, Program, ProgramDetails, ProgramKind};
use swarm_flow_sandbox as sandbox;
use swarm_flow_sandbox::{Description, WasmKind, component_of, describe};
use tokio::sync::OnceCell;

impl Catalog {
    /// Offers a program from now on, in the place of an added one of that name.
    pub(crate) fn offer(&self, file: AddedFile, size_bytes: u64, description: Option<Description>) {
        let entry = Arc::new(Entry::added(file, size_bytes, description));
        self.change_added(|entries| {
            entries.retain(|other| other.file.name != entry.file.name);
            entries.push(entry);
            entries.sort_by(|a, b| a.file.name.cmp(&b.file.name));
        });
    }

    /// Offers a program no more. Who runs it has it.
    pub(crate) fn withdraw(&self, name: &str) {
        self.change_added(|entries| entries.retain(|entry| entry.file.name != name));
    }

    fn change_added(&self, change: impl FnOnce(&mut Vec<Arc<Entry>>)) {
        let mut added = self.added.write().unwrap_or_else(PoisonError::into_inner);
        let mut entries = added.to_vec();
        change(&mut entries);
        *added = entries.into();
    }

    pub(super) fn added(&self) -> Arc<[Arc<Entry>]> {
        self.added
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn find_added(&self, name: &str) -> Option<Arc<Entry>> {
        let added = self.added();
        added.iter().find(|entry| entry.is_named(name)).cloned()
    }

    /// What is offered under a user's name.
    pub(crate) fn added_program(&self, name: &str) -> Option<Program> {
        self.find_added(name).map(|entry| entry.offered(&[]))
    }

    pub(crate) fn added_count(&self) -> usize {
        self.added().len()
    }

    /// Refuses the names of programs that come along.
    pub(crate) fn check_free(&self, name: &str) -> Result<(), Error> {
        match named(|| self.programs.iter(), name) {
            None => Ok(()),
            Some(entry) => Err(Error::Conflict {
                message: entry.offered(&[]).name_is_taken(name),
            }),
        }
    }

    pub(crate) fn no_program(&self, name: &str) -> Error {
        let added = self.added();
        let all = self.programs.iter().chain(added.iter());
        Error::NotFound {
            kind: "program".to_owned(),
            id: name.to_owned(),
            known: all.map(|entry| entry.file.name.clone()).collect(),
        }
    }

    /// A program, by its name or an alias, and what its file says of it.
    pub(crate) async fn describe(&self, name: &str) -> Result<ProgramDetails, Error> {
        let shipped = named(|| self.programs.iter(), name);
        let entry = shipped.cloned().or_else(|| self.find_added(name));
        let entry = entry.ok_or_else(|| self.no_program(name))?;
        let description = entry.described().await.map_err(|error| Error::Internal {
            message: format!("cannot describe program `{name}`: {error:#}"),
        })?;
        let environments: Vec<_> = self
            .environments()
            .into_iter()
            .map(|environment| environment.name)
            .collect();
        Ok(ProgramDetails {
            program: entry.offered(&environments),
            kind: match description.kind {
                WasmKind::Component => ProgramKind::Component,
                WasmKind::Module => ProgramKind::Module,
            },
            imports: grouped(&description.imports),
            license: entry.file.license.clone(),
            compiled: self.is_compiled(&entry),
        })
    }

    /// Whether it would start without being compiled first.
    pub(super) fn is_compiled(&self, entry: &Entry) -> bool {
        entry.program.initialized()
            || entry.agent.initialized()
            || self.cache.has(self.engine.wasmtime(), &entry.inputs())
    }

    /// Compiles a user's program, when it is its turn among them. A command that needs it before that does not wait for
    /// the others.
    pub(crate) async fn compile_added(&self, name: &str) {
        // The semaphore is never closed.
        let Ok(_turn) = self.background.acquire().await else {
            return;
        };
        if let Some(entry) = self.find_added(name)
            && let Err(error) = self.compile(&entry).await
        {
            tracing::warn!("cannot compile program `{name}`: {error:#}");
        }
    }
}

impl Entry {
    fn added(file: AddedFile, size_bytes: u64, description: Option<Description>) -> Self {
        Self {
            file: ProgramFile {
                version: file.version,
                ..ProgramFile::named(&file.name, file.path)
            },
            origin: Origin::Added,
            digest: file.digest,
            size_bytes,
            profile: file.agent,
            program: OnceCell::new(),
            agent: OnceCell::new(),
            description: OnceCell::new_with(description),
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.file.name == name || self.file.aliases.iter().any(|alias| alias == name)
    }

    /// As the app is told of it. `all` are the environments that there are.
    pub(super) fn offered(&self, all: &[String]) -> Program {
        let environments = if self.file.environments.is_empty() {
            all
        } else {
            &self.file.environments
        };
        Program {
            name: self.file.name.clone(),
            aliases: self.file.aliases.clone(),
            version: self.file.version.clone(),
            origin: self.origin,
            environments: environments.to_vec(),
            digest: self.digest.to_hex().to_string(),
            size_bytes: self.size_bytes,
            agent: self.profile.clone(),
        }
    }

    /// Whether it is compiled before anybody needs it. An agent that comes along takes a second, and most runners never
    /// have a task for it.
    pub(super) fn is_compiled_early(&self) -> bool {
        self.origin == Origin::Added || self.profile.is_none()
    }

    /// What it is compiled from, as the cache knows it: a user's program is compiled as a workspace's own.
    pub(super) fn inputs(&self) -> Vec<u8> {
        match self.origin {
            Origin::Shipped => self.digest.as_bytes().to_vec(),
            Origin::Added => [OWN, self.digest.as_bytes()].concat(),
        }
    }

    /// The component that is compiled. The file may be another one by now: what is compiled of that must not be kept as
    /// this one.
    pub(super) fn component(&self) -> Result<Vec<u8>> {
        let bytes = self.read()?;
        match self.origin {
            Origin::Shipped => Ok(bytes),
            Origin::Added => component_of(bytes),
        }
    }

    fn read(&self) -> Result<Vec<u8>> {
        let path = self.file.path.display();
        let bytes =
            std::fs::read(&self.file.path).with_context(|| format!("cannot read {path}"))?;
        ensure!(
            blake3::hash(&bytes) == self.digest,
            "{path} was changed meanwhile"
        );
        Ok(bytes)
    }

    async fn described(self: &Arc<Self>) -> Result<&Description> {
        let described = self.description.get_or_try_init(async || {
            let entry = self.clone();
            tokio::task::spawn_blocking(move || {
                let is = match entry.profile {
                    None => sandbox::Entry::Program,
                    Some(_) => sandbox::Entry::Agent,
                };
                describe(&entry.read()?, is)
            })
            .await?
        });
        described.await
    }
}

/// Which part of a policy grants what an interface does. Arguments, clocks, randomness and streams are in every sandbox.
fn capability(interface: &str) -> Option<&'static str> {
    [
        ("wasi:filesystem/", "filesystem"),
        ("wasi:http/", "network"),
        ("wasi:sockets/", "sockets"),
    ]
    .into_iter()
    .find_map(|(start, capability)| interface.starts_with(start).then_some(capability))
}

/// Those that nobody has to grant come first.
fn grouped(imports: &[String]) -> Vec<ImportGroup> {
    let mut groups: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for import in imports {
        groups
            .entry(capability(import))
            .or_default()
            .push(import.clone());
    }
    groups
        .into_iter()
        .map(|(capability, interfaces)| ImportGroup {
            capability: capability.map(str::to_owned),
            interfaces,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_with_the_part_of_the_policy_that_grants_them() {
        let imports = [
            "wasi:cli/environment@0.2.3",
            "wasi:filesystem/preopens@0.2.3",
            "wasi:filesystem/types@0.2.3",
            "wasi:http/types@0.2.3",
            "wasi:io/streams@0.2.3",
            "wasi:sockets/tcp@0.2.3",
        ]
        .map(str::to_owned);
        let groups: Vec<_> = grouped(&imports)
            .into_iter()
            .map(|group| (group.capability, group.interfaces.len()))
            .collect();
        let some = |capability: &str| Some(capability.to_owned());
        assert_eq!(
            groups,
            [
                (None, 2),
                (some("filesystem"), 2),
                (some("network"), 1),
                (some("sockets"), 1)
            ]
        );
    }
}
