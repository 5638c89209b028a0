//! What a snapshot froze and this run has anew: variables, opened directories, the working directory.

use swarm_flow_process::bindings::wasi::cli::environment::initial_cwd;

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

/// The C library begins at `/` whatever the host says.
pub fn working_directory() -> String {
    let absolute = |path: &String| path.starts_with('/');
    initial_cwd()
        .filter(absolute)
        .or_else(|| std::env::var("PWD").ok().filter(absolute))
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
