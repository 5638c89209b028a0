//! Programs of users' own: checked, written, offered, and removed while commands run.

use crate::Runner;
use bytes::Bytes;
use swarm_flow_protocol::{
    Error, PROGRAMS_ADDED_MAX, Program, ProgramDetails, check_digest, check_name,
    check_program_version,
};
use swarm_flow_sandbox::{Description, examine};

/// A program's file, and what its caller says of it.
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) digest: Option<String>,
    /// Whether it is to be an agent.
    pub(crate) agent: bool,
    pub(crate) bytes: Bytes,
}

/// The version of a program whose caller gives none. An agent says its own.
const VERSION: &str = "0";

impl Runner {
    /// Adds a program, or replaces one. What runs goes on with the program that it has.
    pub(crate) async fn add_program(&self, new: New) -> Result<ProgramDetails, Error> {
        check(&new)?;
        // One after the other: two with one name would mix their files, and each takes memory.
        let _turn = self.shared.changing_programs.lock().await;
        let known = self.catalog().added_program(&new.name);
        check_same_kind(&new, known.as_ref())?;
        let digest = blake3::hash(&new.bytes);
        if let Some(wanted) = new.digest.as_deref()
            && *digest.to_hex() != *wanted
        {
            return Err(Error::Invalid {
                field: "digest".to_owned(),
                message: format!("the bytes that came have another one, {}", digest.to_hex()),
            });
        }
        let same = known
            .as_ref()
            .filter(|known| known.digest == digest.to_hex().as_str());
        if let Some(known) = same
            && new
                .version
                .as_ref()
                .is_none_or(|version| *version == known.version)
        {
            return self.describe_program(&new.name).await;
        }
        self.check_room(&new.name)?;
        let (description, said) = if new.agent {
            let examined = self
                .catalog()
                .examine_agent(self, &new.name, new.bytes.clone());
            let (description, version, profile) = examined.await?;
            (description, Some((version, profile)))
        } else {
            (self.examined(new.bytes.clone()).await?, None)
        };
        let (own_version, profile) = said.unzip();
        let version = new.version.or(own_version);
        let version = version.unwrap_or_else(|| VERSION.to_owned());
        let (runner, name, size_bytes) = (self.clone(), new.name.clone(), new.bytes.len() as u64);
        let file = blocking(move || {
            let added = &runner.shared.added;
            let written = added.write(&name, &version, profile, &new.bytes);
            written.map_err(|error| kept_badly(&error))
        });
        let file = file.await?;
        self.catalog().offer(file, size_bytes, Some(description));
        self.compile_soon(new.name.clone());
        self.shared.announcements.announce().await;
        self.describe_program(&new.name).await
    }

    /// Removes a program that was added.
    pub(crate) async fn remove_program(&self, name: &str) -> Result<(), Error> {
        self.catalog().check_free(name)?;
        let _turn = self.shared.changing_programs.lock().await;
        if self.catalog().added_program(name).is_none() {
            return Err(self.catalog().no_program(name));
        }
        let (runner, file) = (self.clone(), name.to_owned());
        blocking(move || {
            let removed = runner.shared.added.remove(&file);
            removed.map_err(|error| kept_badly(&error))
        })
        .await?;
        self.catalog().withdraw(name);
        self.shared.announcements.announce().await;
        Ok(())
    }

    /// A program by its name, and what its file says of it.
    pub(crate) async fn describe_program(&self, name: &str) -> Result<ProgramDetails, Error> {
        self.catalog().describe(name).await
    }

    /// So many fit into what a runner says of itself.
    fn check_room(&self, name: &str) -> Result<(), Error> {
        let catalog = self.catalog();
        catalog.check_free(name)?;
        if catalog.added_program(name).is_none() && catalog.added_count() >= PROGRAMS_ADDED_MAX {
            return Err(Error::Conflict {
                message: format!(
                    "the runner has {PROGRAMS_ADDED_MAX} programs of users, and no more can be; remove one first"
                ),
            });
        }
        Ok(())
    }

    async fn examined(&self, bytes: Bytes) -> Result<Description, Error> {
        let engine = self.catalog().engine().clone();
        blocking(move || {
            examine(&engine, &bytes).map_err(|error| Error::Invalid {
                field: "body".to_owned(),
                message: format!("{error:#}"),
            })
        })
        .await
    }

    /// In the background, at the compiler's low priority, one of them at a time.
    fn compile_soon(&self, name: String) {
        let runner = self.clone();
        tokio::spawn(async move { runner.catalog().compile_added(&name).await });
    }
}

fn check(new: &New) -> Result<(), Error> {
    check_name("name", &new.name)?;
    if let Some(version) = &new.version {
        check_program_version("version", version)?;
    }
    match &new.digest {
        Some(digest) => check_digest("digest", digest),
        None => Ok(()),
    }
}

/// A program is not replaced by an agent, nor an agent by a program: who uses the name would lose what it means.
fn check_same_kind(new: &New, known: Option<&Program>) -> Result<(), Error> {
    let kind = |agent: bool| if agent { "an agent" } else { "a program" };
    match known {
        Some(known) if known.agent.is_some() != new.agent => Err(Error::Conflict {
            message: format!(
                "`{}` is {} that was added, and is not replaced by {}; remove it first, or take another name",
                known.name,
                kind(known.agent.is_some()),
                kind(new.agent)
            ),
        }),
        _ => Ok(()),
    }
}

fn kept_badly(error: &anyhow::Error) -> Error {
    Error::Internal {
        message: format!("{error:#}"),
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(Error::Internal {
            message: format!("a program could not be changed: {panic}"),
        }),
    }
}
