//! A command and all that it started: each in a sandbox of its own, under one set of limits.

use crate::input::Input;
use crate::meter::Meter;
use crate::output::Output;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::watch;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::Pollable;

/// Starts programs for a program.
pub trait Spawner: Send + Sync + 'static {
    /// Starts one, which then runs by itself until it ends, is killed, or the command of the family ends.
    fn spawn(&self, start: Start) -> BoxFuture<'_, Result<Child, SpawnError>>;

    /// The names of what can be started, in order.
    fn programs(&self) -> Vec<String>;
}

/// What a program starts with.
pub struct Start {
    pub family: Family,
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    /// An absolute path in the sandbox.
    pub cwd: String,
    pub stdin: Input,
    pub stdout: Output,
    pub stderr: Output,
}

/// Why a program did not start. The texts are for people.
#[derive(Debug)]
pub enum SpawnError {
    NotFound(String),
    NotExecutable(String),
    NoRoom(String),
    Invalid(String),
    Failed(String),
}

/// One member of a family.
#[derive(Clone)]
pub struct Family {
    shared: Arc<Shared>,
    id: u32,
    place: Arc<Place>,
}

/// Where one is in its family: the command is `0`, the first that it starts `0.1`. It says the same when the command is run
/// again, as long as each starts its own in the same order.
struct Place {
    path: String,
    children: AtomicU32,
}

impl Place {
    fn new(path: String) -> Arc<Self> {
        Arc::new(Self {
            path,
            children: AtomicU32::new(0),
        })
    }
}

struct Shared {
    spawner: Box<dyn Spawner>,
    /// What all of them use together.
    meter: Arc<Meter>,
    /// The number of the last one.
    last: AtomicU32,
}

/// The number of the command itself.
const COMMAND: u32 = 1;

impl Family {
    /// The command of a family that begins.
    pub fn new(spawner: impl Spawner) -> Self {
        let shared = Shared {
            spawner: Box::new(spawner),
            meter: Arc::default(),
            last: AtomicU32::new(COMMAND),
        };
        Self {
            shared: Arc::new(shared),
            id: COMMAND,
            place: Place::new("0".to_owned()),
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place.path
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// The next member.
    pub(crate) fn child(&self) -> Self {
        let number = self.place.children.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            place: Place::new(format!("{}.{number}", self.place.path)),
            shared: self.shared.clone(),
            id: self.shared.last.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    pub(crate) fn spawner(&self) -> &dyn Spawner {
        self.shared.spawner.as_ref()
    }

    /// What counts this member, and the others with it.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        let all = &self.shared.meter;
        if self.id == COMMAND {
            all.clone()
        } else {
            Arc::new(Meter::within(all.clone()))
        }
    }
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct ChildEnd {
    pub exit_code: u8,
    pub outcome: ChildOutcome,
}

/// Why it did, in the words of `types.outcome`.
#[derive(Clone, Debug)]
pub enum ChildOutcome {
    Exited,
    Trapped(String),
    Limit {
        name: &'static str,
        used: u64,
        allowed: u64,
    },
    Cancelled,
}

/// A program that was started. Dropping it does not end the program.
pub struct Child {
    pub(crate) id: u32,
    end: watch::Receiver<Option<ChildEnd>>,
    kill: Box<dyn Fn() + Send + Sync>,
}

/// The exit code of a program that was killed, as shells give it.
const EXIT_KILLED: u8 = 137;

impl Child {
    /// `end` gets the program's end; closed without one it was killed.
    pub fn new(
        family: &Family,
        end: watch::Receiver<Option<ChildEnd>>,
        kill: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: family.id,
            end,
            kill: Box::new(kill),
        }
    }

    /// None while it runs.
    pub(crate) fn end(&self) -> Option<ChildEnd> {
        let end = self.end.borrow().clone();
        if end.is_none() && self.end.has_changed().is_err() {
            // It may have ended between the two looks.
            let killed = ChildEnd {
                exit_code: EXIT_KILLED,
                outcome: ChildOutcome::Cancelled,
            };
            return Some(self.end.borrow().clone().unwrap_or(killed));
        }
        end
    }

    pub(crate) fn kill(&self) {
        (self.kill)();
    }
}

#[async_trait]
impl Pollable for Child {
    async fn ready(&mut self) {
        // An error is an end as well: it was killed.
        _ = self.end.wait_for(Option::is_some).await;
    }
}
