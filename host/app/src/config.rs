//! What a caller decides about an application.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::Semaphore;

use crate::outbound::InternalOrigin;

/// Held while an instance is alive.
pub type Place = Box<dyn Any + Send>;

/// Waits until one more instance may be alive.
pub type Admission = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Place> + Send>> + Send + Sync>;

/// Instances that may be alive at once, unless the caller says otherwise. More requests wait their turn.
const INSTANCES_MAX: usize = 256;

const DRAIN: Duration = Duration::from_secs(10);

pub struct AppConfig {
    /// The path of `spin.toml`.
    pub manifest: PathBuf,
    /// The folder of the databases, `app.db` and `key-value.db`.
    pub state: PathBuf,
    /// The folder of compiled components.
    pub compiled: PathBuf,
    /// Values of variables; they win over the environment and over defaults.
    pub variables: BTreeMap<String, String>,
    /// Origins answered in this process.
    pub internal: Vec<InternalOrigin>,
    /// A request that carries this authorization goes to one of our own, as one to `internal` does: those alone are told
    /// behind which request they are.
    pub own: Option<HeaderValue>,
    /// Keeps the number of instances within what the engine's pool has room for.
    pub admission: Admission,
    /// How long requests may go on after a shutdown was asked for.
    pub drain: Duration,
}

impl AppConfig {
    /// The usual settings for a manifest and a folder of state.
    pub fn new(manifest: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Self {
        let state = state.into();
        Self {
            manifest: manifest.into(),
            compiled: state.join("compiled"),
            state,
            variables: BTreeMap::new(),
            internal: Vec::new(),
            own: None,
            admission: at_most(INSTANCES_MAX),
            drain: DRAIN,
        }
    }
}

fn at_most(instances: usize) -> Admission {
    let places = Arc::new(Semaphore::new(instances));
    Arc::new(move || {
        let places = places.clone();
        // The semaphore is never closed, so it always gives a permit.
        Box::pin(async move { Box::new(places.acquire_owned().await.ok()) as Place })
    })
}
