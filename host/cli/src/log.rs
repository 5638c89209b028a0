//! What the server says of itself, on standard error. `RUST_LOG` chooses; without it, what went wrong.

use tracing_subscriber::EnvFilter;

pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
    if let Err(error) = started {
        crate::output::say(&format!("no log: {error}"));
    }
}
