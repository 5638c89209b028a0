//! What the server says of itself, on standard error. `RUST_LOG` chooses; without it, what went wrong.

use tracing_subscriber::EnvFilter;

/// What guests bring about, as often as they like: each refused request is a warning there. A guest learns of it from its
/// call, its caller from the denials of the result, and the audit log counts. Only who names these here sees them.
const OF_GUESTS: &str = "wasmtime_wasi_http=off";

pub fn start() {
    let chosen = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let chosen = match chosen.trim() {
        "" => "warn",
        chosen => chosen,
    };
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter(chosen))
        .with_writer(std::io::stderr)
        .try_init();
    if let Err(error) = started {
        crate::output::say(&format!("no log: {error}"));
    }
}

/// Of two directives for one target the latter holds.
fn filter(chosen: &str) -> EnvFilter {
    EnvFilter::new(format!("{OF_GUESTS},{chosen}"))
}
