//! What a snapshot froze and this run has anew: variables, opened directories, the working directory.

use std::path::Path;
use swarm_flow_process::bindings::wasi::cli::environment::initial_cwd;
use swarm_flow_process::bindings::wasi::filesystem::preopens::get_directories;

unsafe extern "C" {
    fn __wasilibc_deinitialize_environ();
    fn __wasilibc_initialize_environ();
    fn __wasilibc_reset_preopens();
}

pub fn renew() {
    // SAFETY: functions of the C library that take nothing; there is one thread, and it holds no variable or file.
    unsafe {
        __wasilibc_deinitialize_environ();
        __wasilibc_initialize_environ();
        __wasilibc_reset_preopens();
    }
    let _ = std::env::set_current_dir(working_directory());
}

/// The C library begins at `/` whatever the host says. The engine refuses a directory that is not there, so without a
/// good one it is the first that was granted.
pub fn working_directory() -> String {
    let there = |path: &String| path.starts_with('/') && Path::new(path).is_dir();
    let granted = || get_directories().into_iter().map(|(_, path)| path);
    initial_cwd()
        .filter(there)
        .or_else(|| std::env::var("PWD").ok().filter(there))
        .or_else(|| granted().find(there))
        .unwrap_or_else(|| "/".to_owned())
}

/// Where `~` is.
pub fn home() -> Option<String> {
    std::env::var("HOME").ok().filter(|home| !home.is_empty())
}

/// Directories of temporary files, of which there may be none.
pub fn temporary_directory() -> String {
    std::env::var("TMPDIR")
        .ok()
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| "/tmp".to_owned())
}
