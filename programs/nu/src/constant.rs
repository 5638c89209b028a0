//! The constant `$nu`.
//!
//! The engine's own function for it asks for the process id and the directory of temporary files, and Rust's standard
//! library panics at both on WASI.

use crate::environment;
use nu_protocol::engine::EngineState;
use nu_protocol::{NU_VARIABLE_ID, Record, Span, Value, record};
use std::path::{Path, PathBuf};

/// Sets `$nu`, and the directories of configuration that it names.
pub fn set(engine: &mut EngineState) {
    set_directories(engine);
    let value = value(engine);
    let variable = std::ptr::from_ref(engine.get_var(NU_VARIABLE_ID)).cast_mut();
    // SAFETY: `engine` is borrowed for this function alone, so nothing else reads or writes the variable, and the
    // reference it was made from is not used again. The engine has no function that sets a constant it knows already.
    unsafe { (*variable).const_val = Some(value) }
}

fn set_directories(engine: &mut EngineState) {
    let home = PathBuf::from(environment::home().unwrap_or_else(|| "/".to_owned()));
    let base = |variable: &str, otherwise: &str| {
        let given = std::env::var(variable).ok().map(PathBuf::from);
        let given = given.filter(|path| path.is_absolute());
        given
            .unwrap_or_else(|| home.join(otherwise))
            .join("nushell")
    };
    let directories = &mut engine.config_dirs;
    directories.config_home = base("XDG_CONFIG_HOME", ".config");
    directories.data_home = base("XDG_DATA_HOME", ".local/share");
    directories.cache_home = base("XDG_CACHE_HOME", ".cache");
    directories.user_autoload_dirs = vec![directories.config_home.join("autoload")];
    directories.home_dir = home;
}

fn value(engine: &EngineState) -> Value {
    let span = Span::unknown();
    let path = |path: &Path| Value::string(path.to_string_lossy(), span);
    let paths = |paths: &[PathBuf]| Value::list(paths.iter().map(|p| path(p)).collect(), span);
    let directories = &engine.config_dirs;
    let config = &directories.config_home;
    let mut nu = Record::new();
    nu.push("default-config-dir", path(config));
    nu.push("config-path", path(&config.join("config.nu")));
    nu.push("env-path", path(&config.join("env.nu")));
    nu.push("history-path", path(&config.join("history.txt")));
    nu.push("loginshell-path", path(&config.join("login.nu")));
    nu.push("home-dir", path(&directories.home_dir));
    nu.push("data-dir", path(&directories.data_home));
    nu.push("cache-dir", path(&directories.cache_home));
    nu.push(
        "vendor-autoload-dirs",
        paths(&directories.vendor_autoload_dirs),
    );
    nu.push("user-autoload-dirs", paths(&directories.user_autoload_dirs));
    nu.push(
        "temp-dir",
        Value::string(environment::temporary_directory(), span),
    );
    nu.push(
        "pid",
        Value::int(swarm_flow_process::bindings::process::id().into(), span),
    );
    nu.push("os-info", system(span));
    nu.push(
        "startup-time",
        Value::duration(engine.get_startup_time(), span),
    );
    nu.push("is-interactive", Value::bool(false, span));
    nu.push("is-login", Value::bool(engine.is_login, span));
    nu.push("history-enabled", Value::bool(false, span));
    nu.push("current-exe", Value::string("/usr/bin/nu", span));
    nu.push("is-lsp", Value::bool(false, span));
    nu.push("is-mcp", Value::bool(false, span));
    Value::record(nu, span)
}

/// The system is WebAssembly's. It calls its family `unix` because its paths and its shell's habits are.
fn system(span: Span) -> Value {
    Value::record(
        record! {
            "name" => Value::string("wasi", span),
            "arch" => Value::string("wasm32", span),
            "family" => Value::string("unix", span),
            "kernel_version" => Value::string("0.2", span),
        },
        span,
    )
}
