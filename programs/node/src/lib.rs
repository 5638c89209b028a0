//! The program `node`: JavaScript and TypeScript for scripts and packages that are written for Node.js.
//!
//! QuickJS runs the code; its built-in modules are JavaScript over the small functions in [`natives`]. It refuses what
//! a sandbox has not: threads, native addons, signals, servers.
//!
//! [`engine::initialise`] runs while the program is built and leaves an engine with every built-in module in memory, which
//! is the image. A start only calls [`engine::run`].

#![cfg(target_os = "wasi")]

mod bindings;
mod engine;
mod internal;
mod library;
mod natives;
mod typescript;

struct Node;

impl bindings::Guest for Node {
    fn initialise() {
        engine::initialise();
    }
}

impl bindings::exports::wasi::cli::run::Guest for Node {
    fn run() -> Result<(), ()> {
        let code = engine::run();
        if code == 0 {
            Ok(())
        } else {
            swarm_flow_process::exit(code)
        }
    }
}
