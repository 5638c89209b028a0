//! The end of a program with any exit code.
//!
//! On wasm32-wasip2 the C library knows success and failure only. Every exit of a program goes by `_Exit`, so this stands
//! in its place: `std::process::exit` keeps the code too, wherever it is called, once this crate is linked.

/// Ends the program, with `code & 0xff`. Use it instead of returning an `ExitCode` from `main`.
#[allow(
    clippy::disallowed_methods,
    reason = "the code that `main` returns is lost"
)]
pub fn exit(code: i32) -> ! {
    std::process::exit(code)
}

#[cfg(target_os = "wasi")]
#[unsafe(no_mangle)]
extern "C" fn _Exit(code: i32) -> ! {
    // A process has eight bits for its exit code.
    crate::bindings::wasi::cli::exit::exit_with_code(code as u8);
    std::process::abort()
}
