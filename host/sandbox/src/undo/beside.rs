//! Changes that are not taken back, in a workspace where others may be.

use super::place::{Root, id};
use super::{Change, NotChanged, Stop, Undo};
use crate::owners::{Held, Owner, Owners, Passing, Want};
use rustix::fs::fstat;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What becomes of the changes that a sandbox makes in a workspace. Cheap to clone.
#[derive(Clone, Default)]
pub enum Changes {
    /// Nobody else is there.
    #[default]
    Alone,
    /// They stay, and wait for those of others that may not.
    Beside(Arc<Beside>),
    /// They stay or go together.
    Undone(Arc<Undo>),
}

impl Changes {
    pub(crate) fn holds(&self, path: &Path) -> bool {
        match self {
            Self::Alone => false,
            Self::Beside(beside) => path.starts_with(&beside.folder),
            Self::Undone(undo) => path.starts_with(&undo.folder),
        }
    }
}

/// A command without an undo log and all that it starts, or a caller of the file API.
pub struct Beside {
    folder: PathBuf,
    owner: Arc<Owner>,
}

impl Beside {
    /// In this folder of a workspace.
    pub fn new(owners: &Owners, folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            owner: Arc::new(owners.beside()),
        }
    }

    fn root(&self) -> io::Result<Root> {
        Root::new(&self.folder)
    }

    /// Waits until nobody is in the way of a change, who then wait for the end of the result.
    pub(crate) async fn pass(
        &self,
        change: &Change<'_>,
        at: &[Arc<File>],
    ) -> Result<Passing, NotChanged> {
        let wants = || match self.root().and_then(|root| change.wants(&root, at)) {
            Ok(wants) => Ok(wants),
            // What cannot be found cannot be changed, and who tries is told why.
            Err(_) => Ok::<_, NotChanged>(Vec::new()),
        };
        self.owner.patiently(|| self.owner.pass(wants)).await
    }

    /// The same for a file.
    pub(crate) async fn pass_file(&self, file: &File) -> Result<Passing, NotChanged> {
        self.owner.patiently(|| self.try_file(file)).await
    }

    /// The same without waiting.
    pub(crate) fn try_file(&self, file: &File) -> Result<Passing, Stop> {
        self.owner.pass(|| Ok(vec![Want::File(id(&fstat(file)?))]))
    }

    /// Waits until nobody is in the way of making, removing or replacing what lies at a path in a directory, with all beneath
    /// it and the directories on the way that are missing.
    pub async fn change(&self, directory: &Path, path: &str) -> Result<Changing, NotChanged> {
        let wants = || Ok::<_, NotChanged>(on_the_way(&self.root()?, directory, path)?);
        let passing = self.owner.patiently(|| self.owner.pass(wants)).await?;
        Ok(Changing { _passing: passing })
    }

    pub(crate) async fn patiently<R>(
        &self,
        attempt: impl FnMut() -> Result<R, Stop>,
    ) -> Result<R, NotChanged> {
        self.owner.patiently(attempt).await
    }
}

/// Someone changes something as long as this is there.
pub struct Changing {
    _passing: Passing,
}

fn on_the_way(root: &Root, directory: &Path, path: &str) -> io::Result<Vec<Want>> {
    let directory = File::open(directory)?;
    let mut wants = Vec::new();
    let ends = path.match_indices('/').map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        let (here, rest) = path.split_at(end);
        let Ok(entry) = root.entry(&directory, here) else {
            continue;
        };
        if entry.stat()?.is_some() && !rest.is_empty() {
            continue;
        }
        // From here on nothing is there, or it is what is changed.
        wants.push(Want::Tree(entry.path.clone()));
        break;
    }
    Ok(wants)
}

/// What a descriptor holds until it is closed.
pub(crate) fn kept(passing: Passing) -> Result<Held, Passing> {
    match passing {
        Passing::Held(held) => Ok(held),
        quiet @ Passing::Quiet(_) => Err(quiet),
    }
}
